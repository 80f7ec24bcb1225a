#include "session/session.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <climits>
#include <cstring>
#include <ctime>

namespace handfast {
namespace {

constexpr long kDefaultTimeout = 304;  // seconds; of a session that no handshake has set up

bool copy(UniqueString& to, const UniqueString& from) {
  return assign(to, from.get());
}

// Everything but the ticket and ex_data.
bool copy_fields(Session& to, const Session& from) {
  static_cast<SessionKey&>(to) = from;
  to.cipher = from.cipher;
  to.cipher_id = from.cipher_id;
  std::memcpy(to.id_context, from.id_context, sizeof to.id_context);
  to.id_context_length = from.id_context_length;
  to.verify_result = from.verify_result;
  to.time = from.time.load();
  to.timeout = from.timeout.load();
  to.group = from.group;
  to.flags = from.flags;
  to.not_resumable = from.not_resumable.load();
  to.ticket_age_add = from.ticket_age_add;
  to.max_early_data = from.max_early_data;
  to.max_fragment_length_mode = from.max_fragment_length_mode;
  to.compression = from.compression;
  return to.master_key.assign(from.master_key.view()) && copy(to.hostname, from.hostname) &&
         to.ticket_nonce.assign(from.ticket_nonce.view()) &&
         to.ticket_appdata.assign(from.ticket_appdata.view()) && to.alpn.assign(from.alpn.view()) &&
         copy(to.psk_identity, from.psk_identity) &&
         copy(to.psk_identity_hint, from.psk_identity_hint) &&
         copy(to.srp_username, from.srp_username);
}

bool copy_certificates(Session& to, const Session& from) {
  if (from.peer != nullptr) {
    if (X509_up_ref(from.peer.get()) == 0) return false;
    to.peer.reset(from.peer.get());
  }
  if (from.peer_chain == nullptr) return true;
  to.peer_chain.reset(X509_chain_up_ref(from.peer_chain.get()));
  return to.peer_chain != nullptr;
}

bool copy_ticket(Session& to, const Session& from) {
  if (from.ticket.empty()) return true;
  to.ticket_lifetime_hint = from.ticket_lifetime_hint;
  return to.ticket.assign(from.ticket.view());
}

}  // namespace

bool MasterKey::assign(View secret) {
  if (secret.size() > kMaxMasterKeyLength) return false;
  Bytes copy;
  if (!copy.assign(secret)) return false;
  bytes_.wipe();
  bytes_.swap(copy);
  return true;
}

bool assign(UniqueString& string, const char* text, size_t length) {
  char* copy = text == nullptr ? nullptr : OPENSSL_strndup(text, length);
  string.reset(copy);
  return text == nullptr || copy != nullptr;
}

bool assign(UniqueString& string, const char* text) {
  return assign(string, text, text == nullptr ? 0 : std::strlen(text));
}

Session* new_session() {
  auto* session = make<Session>();
  if (session == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return nullptr;
  }
  if (CRYPTO_new_ex_data(CRYPTO_EX_INDEX_SSL_SESSION, session, &session->ex_data) == 0) {
    destroy(session);
    return nullptr;
  }
  session->time = std::time(nullptr);
  session->timeout = kDefaultTimeout;
  return session;
}

void up_ref(Session* session) {
  session->references.fetch_add(1, std::memory_order_relaxed);
}

void free_session(Session* session) {
  if (session == nullptr || session->references.fetch_sub(1, std::memory_order_acq_rel) != 1) {
    return;
  }
  CRYPTO_free_ex_data(CRYPTO_EX_INDEX_SSL_SESSION, session, &session->ex_data);
  // A session id opens the door to the session in a cache.
  OPENSSL_cleanse(session->id, sizeof session->id);
  destroy(session);
}

Session* duplicate(const Session& session, bool with_ticket) {
  SessionRef copy(new_session());
  if (copy == nullptr) return nullptr;
  if (!copy_fields(*copy, session) || !copy_certificates(*copy, session) ||
      (with_ticket && !copy_ticket(*copy, session)) ||
      CRYPTO_dup_ex_data(CRYPTO_EX_INDEX_SSL_SESSION, &copy->ex_data, &session.ex_data) == 0) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return nullptr;
  }
  return copy.release();
}

long expiry(const Session& session) {
  long time = session.time, timeout = session.timeout, sum = 0;
  return __builtin_add_overflow(time, timeout, &sum) ? LONG_MAX : sum;
}

}  // namespace handfast
