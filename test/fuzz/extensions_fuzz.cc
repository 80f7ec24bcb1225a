// read_extensions() as client and as server, in every message, on an arbitrary block.
#include <openssl/err.h>
#include <openssl/srtp.h>
#include <openssl/tls1.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "extension/extension.h"
#include "extension/pre_shared_key.h"
#include "extension/preferences.h"
#include "fuzz/engine_harness.h"
#include "session/session.h"

using namespace handfast;

namespace {

using fuzz::algorithms;
using fuzz::require;

// NPN: the first protocol that the server names, or one of our own.
int choose_protocol(SSL*, unsigned char** out, unsigned char* out_length, const unsigned char* in,
                    unsigned int length, void*) {
  static unsigned char own[] = {'a'};
  bool named = length > 1;
  require(!named || in[0] < length);
  *out = named ? const_cast<unsigned char*>(in) + 1 : own;
  *out_length = named ? in[0] : sizeof own;
  return SSL_TLSEXT_ERR_OK;
}

int advertise_protocols(SSL*, const unsigned char** out, unsigned int* length, void*) {
  static constexpr unsigned char kList[] = {2, 'h', '2'};
  *out = kList;
  *length = sizeof kList;
  return SSL_TLSEXT_ERR_OK;
}

SrtpStackPtr srtp_profiles() {
  static SRTP_PROTECTION_PROFILE profiles[] = {
      {"SRTP_AEAD_AES_128_GCM", SRTP_AEAD_AES_128_GCM},
      {"SRTP_AES128_CM_SHA1_80", SRTP_AES128_CM_SHA1_80},
  };
  SrtpStackPtr stack(sk_SRTP_PROTECTION_PROFILE_new_null());
  for (SRTP_PROTECTION_PROFILE& profile : profiles) {
    require(sk_SRTP_PROTECTION_PROFILE_push(stack.get(), &profile) > 0);
  }
  return stack;
}

// One side without an SSL.
struct Side {
  Side() {
    require(policy.create() && credentials.create() && trust.create() && hooks.create());
    require(policy.edit()->alpn.assign(as_view("\002h2\010http/1.1")));
    policy.edit()->max_fragment_length_mode = TLSEXT_max_fragment_length_1024;
    exchange.ctx = &context;
    exchange.algorithms = &algorithms();
    exchange.policy = &policy;
    exchange.credentials = &credentials;
    exchange.trust = &trust;
    exchange.authorities = &authorities;
    exchange.hooks = &hooks;
    exchange.request = &request;
    exchange.negotiated = &negotiated;
    exchange.min_version = TLS1_VERSION;
    exchange.max_version = TLS1_3_VERSION;
    context.live.npn_select = choose_protocol;
    context.live.npn_advertised = advertise_protocols;
    context.srtp_profiles = srtp_profiles();
  }

  Context context;
  Cow<Policy> policy;
  Cow<Credentials> credentials;
  Cow<Trust> trust;
  Cow<Hooks> hooks;
  NamedAuthorities authorities;
  Request request;
  Negotiated negotiated;
  Exchange exchange;
};

constexpr uint8_t kOwnFinished[] = {1, 2, 3}, kPeerFinished[] = {4, 5, 6};

constexpr MessageSet kMessages[] = {kInClientHello,         kInServerHello13, kInHelloRetryRequest,
                                    kInEncryptedExtensions, kInCertificate,   kInCertificateRequest,
                                    kInNewSessionTicket,    kInServerHello12};

// TLS 1.2, or DTLS 1.2: in every other input with a message that it has.
void configure12(Exchange& exchange, uint8_t flags, uint8_t more) {
  exchange.datagram = (flags & 128) != 0;
  exchange.negotiated->version = TLS1_2_VERSION;
  exchange.resuming = (more & 32) != 0;
  exchange.renegotiating = (more & 64) != 0;
  exchange.negotiated->secure_renegotiation = true;
  exchange.negotiated->own_finished.assign(kOwnFinished);
  exchange.negotiated->peer_finished.assign(kPeerFinished);
}

// A client whose hello had a key, with early data.
void offer_key(Exchange& exchange) {
  SessionRef session(new_session());
  require(session != nullptr);
  session->cipher = exchange.negotiated->suite;
  exchange.psks.push_back({session.get(), as_view("ticket"), 0, false});
  exchange.ticket_psk = std::move(session);
  exchange.early_data = true;
}

// The first two bytes choose the message, the version and the state of the handshake.
void configure(Exchange& exchange, uint8_t flags, uint8_t more) {
  constexpr uint16_t kSuites[] = {0xc013, 0xc02f};  // CBC, AEAD
  exchange.negotiated->version = TLS1_3_VERSION;
  exchange.negotiated->suite = find_cipher_suite(kSuites[more >> 4 & 1]);
  bool in_both = (kMessages[more & 7] & (kInClientHello | kInServerHello12)) != 0;
  if ((more & 8) != 0 && in_both) configure12(exchange, flags, more);
  exchange.server = (flags & 1) != 0;
  exchange.sent = (flags & 2) != 0 ? ~uint64_t{0} : 0;
  exchange.hello_retry_request = (flags & 4) != 0;
  exchange.retry_group = (flags & 8) != 0 ? 23 : 0;
  exchange.certificate_index = (flags & 16) != 0 ? 1 : 0;
  if ((flags & 32) != 0) exchange.share_groups.push_back(29);
  if ((flags & 64) != 0 && !exchange.server) offer_key(exchange);
  if ((more & 128) != 0) (*exchange.policy).edit()->options |= SSL_OP_ALLOW_NO_DHE_KEX;
}

bool points_into(View part, View whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

// As many identities as binders, and what a flow takes of both is not empty.
void check_psks(const ClientOffers& offers) {
  require(offers.psk == !offers.psk_identities.empty());
  Reader identities(offers.psk_identities);
  size_t count = 0;
  for (PskIdentity identity; next_identity(identities, identity); ++count) {
    require(points_into(identity.identity, offers.psk_identities));
    require(!binder_at(offers.psk_binders, count).empty());
  }
  require(identities.empty() && binder_at(offers.psk_binders, count).empty());
}

void check_offers(const ClientOffers& offers, View block) {
  for (View view : {offers.key_shares, offers.supported_groups, offers.signature_schemes,
                    offers.signature_schemes_cert, offers.alpn, offers.server_name,
                    offers.ocsp_request, offers.cookie, offers.psk_identities, offers.psk_binders,
                    offers.session_ticket, offers.point_formats, offers.srp_username}) {
    require(points_into(view, block));
  }
  require(offers.supported_groups.size() % 2 == 0 && offers.signature_schemes.size() % 2 == 0);
  check_psks(offers);
}

void answer12(Exchange& exchange) {
  exchange.ticket_expected = exchange.staple = true;
  exchange.encrypt_then_mac = exchange.offers.encrypt_then_mac;
  exchange.extended_master_secret = exchange.offers.extended_master_secret;
  const Group* group = choose_shared_group(exchange);
  require(group == nullptr || offered_group_12(exchange, group->id));
  Bytes out;
  Writer writer(out);
  require(write_extensions(exchange, kInServerHello12, writer).ok());
}

// What was read can be answered.
void answer(Exchange& exchange, MessageSet message) {
  constexpr MessageSet kAnswers[] = {kInServerHello13, kInHelloRetryRequest, kInEncryptedExtensions,
                                     kInCertificate, kInCertificateRequest};
  if (!exchange.server || message != kInClientHello) return;
  require(share_signature_schemes(exchange));
  exchange.accept_server_name = true;
  if (exchange.negotiated->version < TLS1_3_VERSION) return answer12(exchange);
  exchange.resuming = exchange.offers.psk;
  exchange.early_data = exchange.offers.early_data;
  for (MessageSet next : kAnswers) {
    Bytes out;
    Writer writer(out);
    require(write_extensions(exchange, next, writer).ok());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > 65537) return 0;
  MessageSet message = kMessages[data[1] & 7];
  // A copy of exact size: the sanitizer watches both ends.
  std::vector<uint8_t> block(data + 2, data + size);
  Side side;
  configure(side.exchange, data[0], data[1]);
  Verdict verdict = read_extensions(side.exchange, message, block);
  if (verdict.ok()) {
    check_offers(side.exchange.offers, block);
    require(side.exchange.psks.empty() || side.exchange.psk_index < side.exchange.psks.size());
    require(points_into(side.exchange.server_share, block));
    answer(side.exchange, message);
  } else {
    require(verdict.library == ERR_LIB_SSL && verdict.reason != 0);
    require(verdict.alert != Alert::internal_error && verdict.alert != Alert::none);
  }
  ERR_clear_error();  // libcrypto's, of malformed names
  return 0;
}
