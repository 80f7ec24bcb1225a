// The client's side of pre-shared keys.
#include <algorithm>
#include <cstring>
#include <ctime>

#include "crypto/cipher_suite.h"
#include "extension/pre_shared_key.h"
#include "handshake/binder.h"
#include "handshake/psk.h"
#include "message/new_session_ticket.h"

namespace handfast {
namespace {

const EVP_MD* hash_of(const Handshake& hs, const Session& session) {
  return session.cipher == nullptr ? nullptr : hs.algorithms->hash(session.cipher->hash);
}

// RFC 8446 4.1.4: a hello after a HelloRetryRequest has no keys of another hash.
bool fits_retry(const Handshake& hs, const Session& session) {
  return !hs.hello_retry_request || session.cipher->hash == hs.negotiated->suite->hash;
}

// RFC 8446 4.2.11.1: milliseconds since the ticket came, masked; false: the ticket is too old. As
// in OpenSSL a second is taken off, so that the age is never more than the server's clock says.
bool obfuscated_age(const Session& session, uint32_t& out) {
  constexpr unsigned long kLimit = NewSessionTicket13::kMaxLifetime;
  unsigned long lifetime = std::min(session.ticket_lifetime_hint, kLimit);
  long age = static_cast<long>(std::time(nullptr)) - session.time;
  if (age > 0) --age;
  // RFC 8446 4.6.1: with a lifetime of zero "the ticket should be discarded immediately".
  if (age < 0 || lifetime == 0 || static_cast<unsigned long>(age) > lifetime) return false;
  out = static_cast<uint32_t>(age) * 1000 + session.ticket_age_add;
  return true;
}

// A ticket may be longer than what a ClientHello has room for.
constexpr size_t kMaxOfferedTicket = 0xf000;

void offer_ticket(Handshake& hs) {
  Session* session = hs.conn.session.get();
  OfferedPsk psk{session, {}, 0, false};
  if (!offers_psk(hs) || session->ticket.empty() || session->ticket.size() > kMaxOfferedTicket ||
      hash_of(hs, *session) == nullptr || !fits_retry(hs, *session) ||
      !obfuscated_age(*session, psk.obfuscated_age)) {
    return;
  }
  up_ref(session);
  hs.ticket_psk.reset(session);
  psk.identity = session->ticket.view();
  hs.psks.push_back(psk);
}

// SSL_set_psk_use_session_callback(3).
Verdict ask_use_session(Handshake& hs) {
  SSL_psk_use_session_cb_func callback = (*hs.hooks)->psk_use_session;
  if (callback == nullptr) return success();
  const EVP_MD* hash =
      hs.hello_retry_request ? hs.algorithms->hash(hs.negotiated->suite->hash) : nullptr;
  const unsigned char* identity = nullptr;
  size_t length = 0;
  Session* session = nullptr;
  int answer = callback(hs.ssl, hash, &identity, &length, &session);
  hs.external_psk.reset(session);
  if (answer == 0 || (session != nullptr && session->version != TLS1_3_VERSION)) {
    return internal_error(SSL_R_BAD_PSK);
  }
  if (session == nullptr) return success();
  return hs.external_identity.assign({identity, length}) ? success() : malloc_failure();
}

// SSL_set_psk_client_callback(3): RFC 8446 4.2.11, a key without a hash of its own goes with
// SHA-256.
Verdict ask_psk_client(Handshake& hs) {
  SSL_psk_client_cb_func callback = (*hs.hooks)->psk_client;
  if (callback == nullptr || hs.external_psk != nullptr) return success();
  char identity[PSK_MAX_IDENTITY_LEN + 1] = {};
  uint8_t key[PSK_MAX_PSK_LEN];
  unsigned int length = callback(hs.ssl, nullptr, identity, sizeof identity - 1, key, sizeof key);
  Verdict verdict = success();
  if (length > sizeof key) {
    verdict = fatal(Alert::handshake_failure, ERR_R_INTERNAL_ERROR);
  } else if (length > 0) {
    hs.external_psk = session_of_key({key, length});
    bool kept = hs.external_psk != nullptr && hs.external_identity.assign(as_view(identity));
    if (!kept) verdict = malloc_failure();
  }
  OPENSSL_cleanse(key, sizeof key);
  return verdict;
}

Verdict offer_external(Handshake& hs) {
  hs.external_psk.reset();
  HANDFAST_CHECK(ask_use_session(hs));
  HANDFAST_CHECK(ask_psk_client(hs));
  const Session* session = hs.external_psk.get();
  if (session == nullptr) return success();
  if (hash_of(hs, *session) == nullptr) return internal_error();
  if (!fits_retry(hs, *session)) return internal_error(SSL_R_BAD_PSK);
  if (hs.external_identity.empty()) return internal_error(SSL_R_BAD_PSK);
  hs.psks.push_back({session, hs.external_identity.view(), 0, true});
  return success();
}

}  // namespace

bool offers_psk(const Handshake& hs) {
  const Session* session = hs.conn.session.get();
  return session != nullptr && session->version == TLS1_3_VERSION &&
         hs.max_version >= TLS1_3_VERSION && SSL_SESSION_is_resumable(session) != 0;
}

Verdict choose_psks(Handshake& hs) {
  hs.psks.clear();
  if (hs.max_version < TLS1_3_VERSION) return success();
  offer_ticket(hs);
  return offer_external(hs);
}

Verdict write_binders(Handshake& hs) {
  if (hs.psks.empty()) return success();
  size_t length = binders_length(hs);
  View truncated = hs.scratch.view().first(hs.scratch.size() - length);
  uint8_t* out = hs.scratch.data() + truncated.size() + 2;  // behind the list's length
  for (const OfferedPsk& psk : hs.psks.view()) {
    Secret binder;
    if (!compute_binder(hs, *psk.session, psk.external, truncated, binder)) return internal_error();
    *out++ = static_cast<uint8_t>(binder.size());
    std::memcpy(out, binder.view().data(), binder.size());
    out += binder.size();
  }
  return success();
}

Verdict use_offered_psk(Handshake& hs) {
  const Policy& policy = **hs.policy;
  Session& chosen = const_cast<Session&>(*hs.psks[hs.psk_index].session);
  up_ref(&chosen);
  hs.conn.session.reset(&chosen);
  if (!equal({chosen.id_context, chosen.id_context_length},
             {policy.id_context, policy.id_context_length})) {
    return fatal(Alert::illegal_parameter, SSL_R_ATTEMPT_TO_REUSE_SESSION_IN_DIFFERENT_CONTEXT);
  }
  // RFC 8446 4.2.11: "a cipher suite indicating a Hash associated with the PSK".
  if (chosen.cipher->hash != hs.negotiated->suite->hash) {
    return fatal(Alert::illegal_parameter, SSL_R_CIPHERSUITE_DIGEST_HAS_CHANGED);
  }
  return success();
}

}  // namespace handfast
