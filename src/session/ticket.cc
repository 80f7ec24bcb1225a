#include "session/ticket.h"

#include <openssl/hmac.h>

#include <ctime>

#include "config/context.h"
#include "crypto/hash.h"
#include "session/asn1.h"

namespace handfast {
namespace {

constexpr size_t kKeyNameLength = 16;
constexpr size_t kMinLength = kKeyNameLength + EVP_MAX_IV_LENGTH;
constexpr int kMaxSessionLength = 0xff00;  // the ticket's own length has 16 bits

using HmacCtxPtr = std::unique_ptr<HMAC_CTX, FreeWith<HMAC_CTX_free>>;
using EvpMacPtr = std::unique_ptr<EVP_MAC, FreeWith<EVP_MAC_free>>;
using EvpMacCtxPtr = std::unique_ptr<EVP_MAC_CTX, FreeWith<EVP_MAC_CTX_free>>;

// Cipher and MAC of one ticket.
class Protection {
 public:
  enum class Keys : uint8_t { failed, none, ready, renew };

  explicit Protection(Context& context) : context_(context) {}

  // False: memory.
  [[nodiscard]] bool allocate();
  [[nodiscard]] bool has_callback() const {
    return context_.live.ticket_key_evp != nullptr || context_.live.ticket_key != nullptr;
  }
  // As the application's callback or the context's own keys say. Both arrays are written when a
  // ticket is made and read when one is opened: 16 bytes each.
  [[nodiscard]] Keys choose(SSL* ssl, uint8_t* name, uint8_t* iv, bool encrypt);
  [[nodiscard]] EVP_CIPHER_CTX* cipher() { return cipher_.get(); }
  [[nodiscard]] int iv_length() const { return EVP_CIPHER_CTX_get_iv_length(cipher_.get()); }
  [[nodiscard]] size_t mac_size() const;
  // mac_size() bytes at `out`; once.
  [[nodiscard]] bool mac(View bytes, uint8_t* out);

 private:
  [[nodiscard]] Keys use_own_keys(uint8_t* name, const uint8_t* iv, bool encrypt);

  Context& context_;
  EvpCipherCtxPtr cipher_;
  // One of the three: own keys, SSL_CTX_set_tlsext_ticket_key_evp_cb(3), ..._key_cb(3).
  Hmac own_;
  EvpMacCtxPtr evp_;
  HmacCtxPtr legacy_;
};

bool Protection::allocate() {
  cipher_.reset(EVP_CIPHER_CTX_new());
  if (cipher_ == nullptr) return false;
  if (context_.live.ticket_key_evp != nullptr) {
    EvpMacPtr mac(
        EVP_MAC_fetch(context_.algorithms.library(), "HMAC", context_.algorithms.property_query()));
    if (mac != nullptr) evp_.reset(EVP_MAC_CTX_new(mac.get()));
    return evp_ != nullptr;
  }
  if (context_.live.ticket_key != nullptr) {
    legacy_.reset(HMAC_CTX_new());
    return legacy_ != nullptr;
  }
  return true;
}

Protection::Keys Protection::use_own_keys(uint8_t* name, const uint8_t* iv, bool encrypt) {
  const EVP_CIPHER* cipher = context_.algorithms.cipher(CipherId::aes256_cbc);
  const EVP_MD* hash = context_.algorithms.hash(HashId::sha256);
  TicketKey key;
  TicketKeys& keys = context_.ticket_keys;
  long now = std::time(nullptr);
  if (encrypt) {
    keys.seal_with(context_.algorithms, now, context_.session_timeout, key);
    std::memcpy(name, key.name, sizeof key.name);
  } else if (!keys.find({name, kKeyNameLength}, now, key)) {
    return Keys::none;
  }
  bool ready = cipher != nullptr && hash != nullptr && own_.start(hash, key.hmac) &&
               EVP_CipherInit_ex(cipher_.get(), cipher, nullptr, key.aes, iv, encrypt ? 1 : 0) == 1;
  if (!ready) return Keys::failed;
  return encrypt || keys.is_current(name) ? Keys::ready : Keys::renew;
}

Protection::Keys Protection::choose(SSL* ssl, uint8_t* name, uint8_t* iv, bool encrypt) {
  if (!has_callback()) return use_own_keys(name, iv, encrypt);
  int answer =
      evp_ != nullptr
          ? context_.live.ticket_key_evp(ssl, name, iv, cipher_.get(), evp_.get(), encrypt ? 1 : 0)
          : context_.live.ticket_key(ssl, name, iv, cipher_.get(), legacy_.get(), encrypt ? 1 : 0);
  if (answer < 0) return Keys::failed;
  if (answer == 0) return Keys::none;
  return answer == 2 ? Keys::renew : Keys::ready;
}

size_t Protection::mac_size() const {
  if (evp_ != nullptr) return EVP_MAC_CTX_get_mac_size(evp_.get());
  return legacy_ != nullptr ? HMAC_size(legacy_.get()) : own_.size();
}

bool Protection::mac(View bytes, uint8_t* out) {
  if (evp_ != nullptr) {
    size_t length = 0;
    return EVP_MAC_update(evp_.get(), bytes.data(), bytes.size()) == 1 &&
           EVP_MAC_final(evp_.get(), out, &length, EVP_MAX_MD_SIZE) == 1;
  }
  if (legacy_ != nullptr) {
    return HMAC_Update(legacy_.get(), bytes.data(), bytes.size()) == 1 &&
           HMAC_Final(legacy_.get(), out, nullptr) == 1;
  }
  return own_.compute({bytes}, out);
}

// What a ticket holds: wiped when it goes.
struct State {
  Bytes bytes;
  ~State() { bytes.wipe(); }
};

// False: the padding is wrong, or libcrypto failed.
bool decrypt(EVP_CIPHER_CTX* cipher, View encrypted, State& state) {
  int length = 0, rest = 0;
  uint8_t* out = state.bytes.data();
  if (EVP_DecryptUpdate(cipher, out, &length, encrypted.data(),
                        static_cast<int>(encrypted.size())) != 1 ||
      EVP_DecryptFinal_ex(cipher, out + length, &rest) != 1) {
    return false;
  }
  state.bytes.truncate(static_cast<size_t>(length) + static_cast<size_t>(rest));
  return true;
}

// nullptr: not the form of a session, or more than that.
SessionRef decode(View state) {
  SessionRef session(new_session());
  const unsigned char* at = state.data();
  if (session == nullptr || !decode_session(&at, static_cast<long>(state.size()), *session) ||
      at != state.data() + state.size()) {
    return nullptr;
  }
  return session;
}

// The ticket is long enough for a key name and the longest IV.
SSL_TICKET_STATUS open(SSL* ssl, Protection& protection, View bytes, SessionRef& session,
                       bool& renew) {
  uint8_t name[kKeyNameLength], iv[EVP_MAX_IV_LENGTH], mac[EVP_MAX_MD_SIZE];
  std::memcpy(name, bytes.data(), sizeof name);
  std::memcpy(iv, bytes.data() + kKeyNameLength, sizeof iv);
  switch (protection.choose(ssl, name, iv, false)) {
    case Protection::Keys::failed:
      return SSL_TICKET_FATAL_ERR_OTHER;
    case Protection::Keys::none:
      return SSL_TICKET_NO_DECRYPT;
    case Protection::Keys::ready:
      break;
    case Protection::Keys::renew:
      renew = true;
      break;
  }
  size_t mac_size = protection.mac_size();
  int iv_length = protection.iv_length();
  if (mac_size == 0 || iv_length < 0) return SSL_TICKET_FATAL_ERR_OTHER;
  size_t prefix = kKeyNameLength + static_cast<size_t>(iv_length);
  if (bytes.size() <= prefix + mac_size) return SSL_TICKET_NO_DECRYPT;
  View sealed = bytes.first(bytes.size() - mac_size);
  if (!protection.mac(sealed, mac)) return SSL_TICKET_FATAL_ERR_OTHER;
  // RFC 5077 4: the MAC is checked before anything is decrypted.
  if (!equal_constant_time({mac, mac_size}, bytes.last(mac_size))) return SSL_TICKET_NO_DECRYPT;
  State state;
  if (!state.bytes.resize(sealed.size() + EVP_MAX_BLOCK_LENGTH)) return SSL_TICKET_FATAL_ERR_MALLOC;
  if (!decrypt(protection.cipher(), sealed.subspan(prefix), state)) return SSL_TICKET_NO_DECRYPT;
  session = decode(state.bytes.view());
  return session != nullptr ? SSL_TICKET_SUCCESS : SSL_TICKET_NO_DECRYPT;
}

}  // namespace

Ticket open_ticket(SSL* ssl, Context& context, bool tls13, View bytes, View session_id) {
  if (bytes.empty()) return {SSL_TICKET_EMPTY, nullptr};
  if (bytes.size() < kMinLength) return {SSL_TICKET_NO_DECRYPT, nullptr};
  Protection protection(context);
  if (!protection.allocate()) return {SSL_TICKET_FATAL_ERR_MALLOC, nullptr};
  Ticket ticket;
  bool renew = tls13 && !protection.has_callback();
  // Why a ticket does not open is no error of the connection.
  ERR_set_mark();
  ticket.status = open(ssl, protection, bytes, ticket.session, renew);
  if (ticket.status == SSL_TICKET_FATAL_ERR_OTHER || ticket.status == SSL_TICKET_FATAL_ERR_MALLOC) {
    ERR_clear_last_mark();
    return ticket;
  }
  ERR_pop_to_mark();
  if (ticket.session == nullptr) return ticket;
  if (renew) ticket.status = SSL_TICKET_SUCCESS_RENEW;
  if (!session_id.empty()) {
    std::memcpy(ticket.session->id, session_id.data(), session_id.size());
    ticket.session->id_length = static_cast<uint8_t>(session_id.size());
  }
  return ticket;
}

void ask_decrypt_ticket(SSL* ssl, Context& context, View bytes, Ticket& ticket) {
  SSL_TICKET_STATUS& status = ticket.status;
  if (context.live.decrypt_ticket == nullptr || status < SSL_TICKET_EMPTY) return;
  bool opened = ticket.session != nullptr;
  size_t name_length = bytes.size() < kKeyNameLength ? bytes.size() : kKeyNameLength;
  switch (context.live.decrypt_ticket(ssl, ticket.session.get(), bytes.data(), name_length, status,
                                      context.live.ticket_argument)) {
    case SSL_TICKET_RETURN_IGNORE:
      status = SSL_TICKET_NONE;
      break;
    case SSL_TICKET_RETURN_IGNORE_RENEW:
      if (opened) status = SSL_TICKET_NO_DECRYPT;
      break;
    case SSL_TICKET_RETURN_USE:
      status = opened ? SSL_TICKET_SUCCESS : SSL_TICKET_FATAL_ERR_OTHER;
      return;
    case SSL_TICKET_RETURN_USE_RENEW:
      status = opened ? SSL_TICKET_SUCCESS_RENEW : SSL_TICKET_FATAL_ERR_OTHER;
      return;
    default:
      status = SSL_TICKET_FATAL_ERR_OTHER;
  }
  ticket.session.reset();
}

namespace {

Verdict encode(const Session& session, State& state) {
  int length = encode_session(session, nullptr);
  if (length <= 0 || length > kMaxSessionLength) return internal_error();
  if (!state.bytes.resize(static_cast<size_t>(length))) return malloc_failure();
  unsigned char* at = state.bytes.data();
  return encode_session(session, &at) == length ? success() : internal_error();
}

// Key name, IV, encrypted state and MAC, one after the other.
Verdict write(Protection& protection, View name, View iv, View state, Bytes& out) {
  size_t prefix = name.size() + iv.size();
  if (!out.resize(prefix + state.size() + EVP_MAX_BLOCK_LENGTH + EVP_MAX_MD_SIZE)) {
    return malloc_failure();
  }
  std::memcpy(out.data(), name.data(), name.size());
  if (!iv.empty()) std::memcpy(out.data() + name.size(), iv.data(), iv.size());
  int length = 0, rest = 0;
  uint8_t* at = out.data() + prefix;
  if (EVP_EncryptUpdate(protection.cipher(), at, &length, state.data(),
                        static_cast<int>(state.size())) != 1 ||
      EVP_EncryptFinal_ex(protection.cipher(), at + length, &rest) != 1) {
    return internal_error();
  }
  size_t sealed = prefix + static_cast<size_t>(length + rest);
  size_t mac_size = protection.mac_size();
  if (mac_size > EVP_MAX_MD_SIZE || !protection.mac({out.data(), sealed}, out.data() + sealed)) {
    return internal_error();
  }
  out.truncate(sealed + mac_size);
  return success();
}

}  // namespace

Verdict seal_ticket(SSL* ssl, Context& context, const Session& session, Bytes& ticket) {
  State state;
  HANDFAST_CHECK(encode(session, state));
  Protection protection(context);
  if (!protection.allocate()) return malloc_failure();
  ticket.clear();
  uint8_t name[kKeyNameLength] = {}, iv[EVP_MAX_IV_LENGTH] = {};
  if (!protection.has_callback() && !context.algorithms.random(iv)) return internal_error();
  switch (protection.choose(ssl, name, iv, true)) {
    case Protection::Keys::failed:
      return internal_error(protection.has_callback() ? SSL_R_CALLBACK_FAILED
                                                      : ERR_R_INTERNAL_ERROR);
    case Protection::Keys::none:
      return success();
    default:
      break;
  }
  int iv_length = protection.iv_length();
  if (iv_length < 0 || iv_length > EVP_MAX_IV_LENGTH) return internal_error();
  return write(protection, name, {iv, static_cast<size_t>(iv_length)}, state.bytes.view(), ticket);
}

}  // namespace handfast
