#include "fuzz/engine_keys.h"

#include <openssl/tls1.h>

#include <cstring>

#include "crypto/key_schedule.h"
#include "extension/pre_shared_key.h"
#include "fuzz/engine_harness.h"
#include "message/client_hello.h"
#include "message/handshake_header.h"
#include "session/session.h"

namespace handfast::fuzz {
namespace {

constexpr uint8_t kKey[32] = {7, 7, 7};
constexpr char kExternalName[] = "name";
constexpr uint32_t kMaxEarlyData = 1000;

// `bits` decide whether it allows early data.
SSL_SESSION* new_key_session(uint8_t bits) {
  Session* session = new_session();
  require(session != nullptr && session->master_key.assign(kKey));
  session->version = TLS1_3_VERSION;
  session->cipher = find_cipher_suite(0x1301);
  session->cipher_id = TLS1_3_CK_AES_128_GCM_SHA256;
  session->max_early_data = (bits & kWithEarlyData) != 0 ? kMaxEarlyData : 0;
  std::memcpy(session->id_context, kSessionIdContext, sizeof kSessionIdContext);
  session->id_context_length = sizeof kSessionIdContext;
  require(session->ticket.resize(SSL_MAX_SSL_SESSION_ID_LENGTH));
  std::memset(session->ticket.data(), 'T', session->ticket.size());
  std::memset(session->id, 'T', sizeof session->id);
  session->id_length = sizeof session->id;
  session->ticket_lifetime_hint = 7200;
  // What both sides negotiate: otherwise early data is refused.
  require(session->alpn.assign(as_view("h2")) && assign(session->hostname, "localhost"));
  return session;
}

uint8_t bits_of(SSL* ssl) {
  return static_cast<Harness*>(SSL_get_app_data(ssl))->bits();
}

int use_session(SSL* ssl, const EVP_MD*, const unsigned char** identity, size_t* length,
                SSL_SESSION** session) {
  *identity = reinterpret_cast<const unsigned char*>(kExternalName);
  *length = std::strlen(kExternalName);
  *session = new_key_session(bits_of(ssl));
  return 1;
}

int find_session(SSL* ssl, const unsigned char* identity, size_t length, SSL_SESSION** session) {
  bool known = equal({identity, length}, as_view(kExternalName));
  *session = known ? new_key_session(bits_of(ssl)) : nullptr;
  return 1;
}

// False: the hello's last extension is not a pre_shared_key.
bool find_pre_shared_key(View hello, View& identities, View& binders) {
  ClientHello message;
  if (hello.size() < kHandshakeHeaderLength ||
      !parse(hello.subspan(kHandshakeHeaderLength), message).ok()) {
    return false;
  }
  Reader extensions(message.extensions);
  uint16_t type = 0;
  View body;
  while (!extensions.empty()) {
    if (!extensions.u16(type) || !extensions.vector16(body)) return false;
  }
  Reader reader(body);
  return type == TLSEXT_TYPE_psk && reader.vector16(identities) && reader.vector16(binders) &&
         reader.empty();
}

void compute_binder(bool external, const Transcript& before, View truncated, Secret& out) {
  const EVP_MD* md = algorithms().hash(HashId::sha256);
  EarlySecret early;
  TrafficSecret key;
  Digest digest;
  require(early.start(md, kKey) && early.binder_key(external, key) &&
          before.hash_with(md, truncated, digest) && key.verify_data(digest.view(), out));
}

}  // namespace

void use_keys(SSL* ssl, bool server, uint8_t bits) {
  if ((bits & kWithoutDhe) != 0) SSL_set_options(ssl, SSL_OP_ALLOW_NO_DHE_KEX);
  bool ticket = (bits & kWithTicket) != 0, external = (bits & kWithExternalKey) != 0;
  if (external && server) SSL_set_psk_find_session_callback(ssl, find_session);
  if (external && !server) SSL_set_psk_use_session_callback(ssl, use_session);
  if (server && (bits & kWithEarlyData) != 0) SSL_set_max_early_data(ssl, kMaxEarlyData);
  if (!ticket) return;
  SSL_SESSION* session = new_key_session(bits);
  if (server) {
    SSL_set_options(ssl, SSL_OP_NO_TICKET);
    SSL_CTX_flush_sessions(context(true), 0);
    SSL_CTX_add_session(context(true), session);
  } else {
    SSL_set_session(ssl, session);
  }
  SSL_SESSION_free(session);
}

void set_binders(std::vector<uint8_t>& hello, const Transcript& before) {
  View identities, binders, binder;
  if (!find_pre_shared_key(hello, identities, binders)) return;
  constexpr size_t kLengthPrefix = 2;
  View truncated = View(hello).first(hello.size() - binders.size() - kLengthPrefix);
  Reader names(identities), each(binders);
  for (PskIdentity offered; next_identity(names, offered) && each.vector8(binder);) {
    if (binder.size() != sizeof kKey) continue;
    Secret right;
    compute_binder(equal(offered.identity, as_view(kExternalName)), before, truncated, right);
    std::memcpy(hello.data() + (binder.data() - hello.data()), right.view().data(), binder.size());
  }
}

}  // namespace handfast::fuzz
