// The public SSL_SESSION: what a later handshake may resume, and what applications read of this
// one.
#pragma once

#include <openssl/ssl.h>

#include <atomic>

#include "crypto/cipher_suite.h"
#include "wire/allocate.h"
#include "wire/bytes.h"
#include "wire/crypto_types.h"

namespace handfast {
class SessionCache;

// Seconds, of a context that names no other: SSL_get_default_timeout(3).
constexpr long kDefaultSessionTimeout = 7200;

// The longest secret that a session can hold: an external PSK.
constexpr size_t kMaxMasterKeyLength = 512;

// Master secret (TLS <= 1.2) or resumption PSK (1.3), wiped when it goes.
class MasterKey {
 public:
  ~MasterKey() { bytes_.wipe(); }
  [[nodiscard]] size_t size() const { return bytes_.size(); }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] View view() const { return bytes_.view(); }
  // False when memory is short or `secret` longer than kMaxMasterKeyLength: nothing is changed.
  [[nodiscard]] bool assign(View secret);

 private:
  Bytes bytes_;
};

// Bit of ssl_session_st::flags: extended_master_secret (RFC 7627) was negotiated.
constexpr uint32_t kSessionExtendedMasterSecret = 1;

// What a session is looked up by.
struct SessionKey {
  int version = 0;
  uint8_t id_length = 0;
  uint8_t id[SSL_MAX_SSL_SESSION_ID_LENGTH] = {};
};
}  // namespace handfast

// Counted. Immutable once it is shared, except for time, timeout, not_resumable and ex_data.
struct ssl_session_st : handfast::SessionKey {
  std::atomic<int> references{1};
  const handfast::CipherSuite* cipher = nullptr;
  unsigned long cipher_id = 0;  // 0x03000000 | the two bytes on the wire
  handfast::MasterKey master_key;
  uint8_t id_context[SSL_MAX_SID_CTX_LENGTH] = {};
  uint8_t id_context_length = 0;
  handfast::X509Ptr peer;
  handfast::X509StackPtr peer_chain;  // client: leaf first; server: without the leaf
  long verify_result = X509_V_ERR_UNSPECIFIED;
  std::atomic<long> time{0};     // seconds since 1970
  std::atomic<long> timeout{0};  // seconds
  uint32_t group = 0;            // kex_group
  uint32_t flags = 0;            // kSession…
  std::atomic<bool> not_resumable{false};
  handfast::UniqueString hostname;
  handfast::Bytes ticket;
  unsigned long ticket_lifetime_hint = 0;  // seconds
  uint32_t ticket_age_add = 0;
  handfast::Bytes ticket_nonce;
  handfast::Bytes ticket_appdata;
  uint32_t max_early_data = 0;
  handfast::Bytes alpn;
  uint8_t max_fragment_length_mode = TLSEXT_max_fragment_length_UNSPECIFIED;
  uint8_t compression = 0;  // id of the method; only what d2i_SSL_SESSION read
  handfast::UniqueString psk_identity, psk_identity_hint, srp_username;
  CRYPTO_EX_DATA ex_data{};

  // Kept by the one SessionCache that holds the session, under its lock.
  std::atomic<handfast::SessionCache*> cache{nullptr};
  size_t cache_index = 0;
};

namespace handfast {

using Session = ssl_session_st;

// An empty session with time now and the default timeout; nullptr with the reason in the queue.
Session* new_session();
void up_ref(Session* session);
void free_session(Session* session);  // drops one reference; nullptr is allowed
// SSL_SESSION_dup(3): a copy of everything, `with_ticket` of the ticket too; certificates are
// counted, no cache holds it. nullptr with the reason in the queue.
Session* duplicate(const Session& session, bool with_ticket);
// Seconds since 1970 after which the session has timed out; LONG_MAX: never.
long expiry(const Session& session);
// `text` of `length` bytes becomes the value, nullptr none; false when memory is short.
[[nodiscard]] bool assign(UniqueString& string, const char* text, size_t length);
[[nodiscard]] bool assign(UniqueString& string, const char* text);

struct FreeSession {
  void operator()(Session* session) const { free_session(session); }
};
using SessionRef = std::unique_ptr<Session, FreeSession>;

}  // namespace handfast
