#include "record/protection.h"

#include <openssl/evp.h>

#include <cstring>

namespace handfast {

namespace {

constexpr int kKeep = -1;  // EVP_CipherInit_ex: the direction stays
// RFC 5288 3 and RFC 6655 3: the part of the nonce that stands in the record.
constexpr size_t kExplicitNonceLength = 8;

bool is_ccm(const CipherSuite& suite) {
  switch (suite.cipher) {
    case CipherId::aes128_ccm:
    case CipherId::aes128_ccm8:
    case CipherId::aes256_ccm:
    case CipherId::aes256_ccm8:
      return true;
    default:
      return false;
  }
}

bool is_gcm(const CipherSuite& suite) {
  switch (suite.cipher) {
    case CipherId::aes128_gcm:
    case CipherId::aes256_gcm:
    case CipherId::aria128_gcm:
    case CipherId::aria256_gcm:
      return true;
    default:
      return false;
  }
}

bool cipher_update(EVP_CIPHER_CTX* context, uint8_t* out, View in) {
  int length = 0;
  return EVP_CipherUpdate(context, out, &length, in.data(), static_cast<int>(in.size())) > 0;
}

Verdict bad_record(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return fatal(Alert::bad_record_mac, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, file, line);
}

}  // namespace

Verdict Protection::install_aead(const Algorithms& algorithms, const CipherSuite& suite, View key,
                                 bool seal) {
  const EVP_CIPHER* cipher = algorithms.cipher(suite.cipher);
  if (cipher == nullptr) return internal_error(ERR_R_EVP_LIB);
  if (key.size() != static_cast<size_t>(EVP_CIPHER_get_key_length(cipher))) {
    return internal_error();
  }
  kind_ = Kind::none;
  mac_.reset();
  EvpCipherCtxPtr context = std::move(context_);
  if (context == nullptr) context.reset(EVP_CIPHER_CTX_new());
  if (context == nullptr) return malloc_failure();
  one_update_ = is_ccm(suite);
  if (EVP_CipherInit_ex(context.get(), cipher, nullptr, nullptr, nullptr, seal ? 1 : 0) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_IVLEN, kNonceLength, nullptr) <= 0 ||
      (one_update_ &&
       EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, suite.tag_length, nullptr) <= 0) ||
      EVP_CipherInit_ex(context.get(), nullptr, nullptr, key.data(), nullptr, kKeep) != 1) {
    return internal_error(ERR_R_EVP_LIB);
  }
  context_ = std::move(context);
  suite_ = &suite;
  sequence_ = 0;
  return success();
}

Verdict Protection::install(const Algorithms& algorithms, const CipherSuite& suite,
                            const TrafficSecret& secret, bool seal) {
  const EVP_CIPHER* cipher = algorithms.cipher(suite.cipher);
  if (cipher == nullptr) return internal_error(ERR_R_EVP_LIB);
  TrafficKeys keys;
  if (!secret.keys(static_cast<size_t>(EVP_CIPHER_get_key_length(cipher)), keys)) {
    return internal_error();
  }
  HANDFAST_CHECK(install_aead(algorithms, suite, keys.key.view(), seal));
  std::memcpy(iv_, keys.iv.view().data(), sizeof iv_);
  kind_ = Kind::aead13;
  return success();
}

Verdict Protection::install(const Algorithms& algorithms, const CipherSuite& suite,
                            uint16_t version, const RecordKeys& keys, bool encrypt_then_mac,
                            bool seal) {
  if (!is_aead(suite)) {
    Unique<MacProtection> mac(make<MacProtection>());
    if (mac == nullptr) return malloc_failure();
    HANDFAST_CHECK(mac->install(algorithms, suite, version, keys, encrypt_then_mac, seal));
    context_.reset();
    mac_ = std::move(mac);
    suite_ = &suite;
    sequence_ = 0;
    kind_ = Kind::mac;
    return success();
  }
  if (keys.iv.size() != record_key_lengths(algorithms, suite, version).iv) return internal_error();
  HANDFAST_CHECK(install_aead(algorithms, suite, keys.key, seal));
  std::memset(iv_, 0, sizeof iv_);
  std::memcpy(iv_, keys.iv.data(), keys.iv.size());
  explicit_nonce_ = static_cast<uint8_t>(kNonceLength - keys.iv.size());
  // RFC 5288 3 leaves the explicit part to the sender. Counting from a random start, nonces do not
  // meet even if a key should come twice; CCM counts from zero, as libssl has always done.
  if (seal && explicit_nonce_ > 0 && !one_update_ &&
      !algorithms.random(std::span(iv_).last(kExplicitNonceLength))) {
    return internal_error(ERR_R_EVP_LIB);
  }
  opens_at_once_ = !seal && is_gcm(suite);
  if (opens_at_once_ && EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_GCM_SET_IV_FIXED,
                                            static_cast<int>(keys.iv.size()), iv_) <= 0) {
    return internal_error(ERR_R_EVP_LIB);
  }
  kind_ = Kind::aead12;
  return success();
}

// RFC 8446 5.3 and RFC 7905 2: the sequence number is XORed into the IV. With a random or zero end
// of the IV this makes explicit nonces too.
void Protection::make_nonce(Nonce& nonce) const {
  std::memcpy(nonce, iv_, sizeof nonce);
  for (size_t i = 0; i < sizeof sequence_; ++i) {
    nonce[sizeof nonce - 1 - i] ^= static_cast<uint8_t>(sequence_ >> (8 * i));
  }
}

// Explicit nonces differ from the IV in bits that a sequence number of this connection has, which
// is far below 2^32 when it is asked.
void Protection::nonce_for_another(std::span<uint8_t, kNonceLength> out) const {
  std::memcpy(out.data(), iv_, sizeof iv_);
  if (explicit_nonce_ == 0) return;
  constexpr size_t kBit32 = kNonceLength - 5;
  for (size_t i = kBit32; i >= kNonceLength - explicit_nonce_ && ++out[i] == 0; --i) {
  }
}

// Nonce, the expected tag when opening, and the additional data.
bool Protection::start_record(const Nonce& nonce, size_t plaintext_length, View additional,
                              const uint8_t* tag) {
  EVP_CIPHER_CTX* context = context_.get();
  if (EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, nonce, kKeep) != 1) return false;
  if (tag != nullptr && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, suite_->tag_length,
                                            const_cast<uint8_t*>(tag)) <= 0) {
    return false;
  }
  int length = 0;
  if (one_update_ && EVP_CipherUpdate(context, nullptr, &length, nullptr,
                                      static_cast<int>(plaintext_length)) <= 0) {
    return false;
  }
  return cipher_update(context, nullptr, additional);
}

bool Protection::finish_sealing(uint8_t* tag) {
  int length = 0;
  return EVP_CipherFinal_ex(context_.get(), tag, &length) > 0 &&
         EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, suite_->tag_length, tag) > 0;
}

// In place, with the tag checked. CCM checks it in its one update, the others at the end.
bool Protection::decrypt(std::span<uint8_t> plaintext) {
  EVP_CIPHER_CTX* context = context_.get();
  uint8_t unused[EVP_MAX_BLOCK_LENGTH];
  int length = 0;
  return ((plaintext.empty() && !one_update_) ||
          cipher_update(context, plaintext.data(), plaintext)) &&
         EVP_CipherFinal_ex(context, unused, &length) > 0;
}

Verdict Protection::seal(View header, View content, ContentType type, size_t padding,
                         uint8_t* out) {
  // RFC 8446 5.3: sequence numbers never wrap.
  if (sequence_ == UINT64_MAX) return internal_error();
  uint8_t* tail = out + content.size();
  size_t tail_length = 1 + padding;
  tail[0] = static_cast<uint8_t>(type);
  std::memset(tail + 1, 0, padding);

  EVP_CIPHER_CTX* context = context_.get();
  Nonce nonce;
  make_nonce(nonce);
  bool ok = start_record(nonce, content.size() + tail_length, header, nullptr);
  if (one_update_) {
    if (!content.empty()) std::memcpy(out, content.data(), content.size());
    ok = ok && cipher_update(context, out, {out, content.size() + tail_length});
  } else {
    ok = ok && (content.empty() || cipher_update(context, out, content)) &&
         cipher_update(context, tail, {tail, tail_length});
  }
  if (!ok || !finish_sealing(tail + tail_length)) return internal_error(ERR_R_EVP_LIB);
  ++sequence_;
  return success();
}

Verdict Protection::open(View header, std::span<uint8_t> ciphertext,
                         std::span<uint8_t>& plaintext) {
  if (sequence_ == UINT64_MAX) return internal_error();
  if (ciphertext.size() < suite_->tag_length) return bad_record();
  plaintext = ciphertext.first(ciphertext.size() - suite_->tag_length);
  Nonce nonce;
  make_nonce(nonce);
  if (!start_record(nonce, plaintext.size(), header, ciphertext.data() + plaintext.size())) {
    return internal_error(ERR_R_EVP_LIB);
  }
  if (!decrypt(plaintext)) return bad_record();
  ++sequence_;
  return success();
}

size_t Protection::sealed_length12(size_t length) const {
  if (kind_ == Kind::mac) return mac_->sealed_length(length);
  return explicit_nonce_ + length + suite_->tag_length;
}

Verdict Protection::seal12(View header, View content, uint8_t* out) {
  // RFC 5246 6.1: "Sequence numbers are of type uint64 and may not exceed 2^64-1."
  if (sequence_ == UINT64_MAX) return internal_error();
  HANDFAST_CHECK(kind_ == Kind::mac ? mac_->seal(sequence_, header, content, out)
                                    : seal_aead12(header, content, out));
  ++sequence_;
  return success();
}

Verdict Protection::open12(View header, std::span<uint8_t> ciphertext,
                           std::span<uint8_t>& plaintext) {
  if (sequence_ == UINT64_MAX) return internal_error();
  HANDFAST_CHECK(kind_ == Kind::mac ? mac_->open(sequence_, header, ciphertext, plaintext)
                                    : open_aead12(header, ciphertext, plaintext));
  ++sequence_;
  return success();
}

Verdict Protection::seal_aead12(View header, View content, uint8_t* out) {
  Nonce nonce;
  make_nonce(nonce);
  std::memcpy(out, nonce + kNonceLength - explicit_nonce_, explicit_nonce_);
  uint8_t* body = out + explicit_nonce_;
  PseudoHeader additional(sequence_, header, content.size());
  // CCM makes its tag in an update, even of nothing.
  View input(content.empty() ? body : content.data(), content.size());
  bool ok = start_record(nonce, content.size(), additional.view(), nullptr) &&
            ((content.empty() && !one_update_) || cipher_update(context_.get(), body, input)) &&
            finish_sealing(body + content.size());
  return ok ? success() : internal_error(ERR_R_EVP_LIB);
}

// `ciphertext` with explicit nonce and tag. Several calls of EVP cost more than a short record
// does.
bool Protection::open_at_once(PseudoHeader additional, std::span<uint8_t> ciphertext) {
  additional.set_length(ciphertext.size());
  return EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_TLS1_AAD, kPseudoHeaderLength,
                             additional.bytes) > 0 &&
         EVP_Cipher(context_.get(), ciphertext.data(), ciphertext.data(),
                    static_cast<unsigned>(ciphertext.size())) >= 0;
}

Verdict Protection::open_aead12(View header, std::span<uint8_t> ciphertext,
                                std::span<uint8_t>& plaintext) {
  size_t overhead = size_t{explicit_nonce_} + suite_->tag_length;
  if (ciphertext.size() < overhead) return bad_record();
  plaintext = ciphertext.subspan(explicit_nonce_, ciphertext.size() - overhead);
  PseudoHeader additional(sequence_, header, plaintext.size());
  if (opens_at_once_) return open_at_once(additional, ciphertext) ? success() : bad_record();
  Nonce nonce;
  make_nonce(nonce);
  std::memcpy(nonce + kNonceLength - explicit_nonce_, ciphertext.data(), explicit_nonce_);
  if (!start_record(nonce, plaintext.size(), additional.view(),
                    plaintext.data() + plaintext.size())) {
    return internal_error(ERR_R_EVP_LIB);
  }
  return decrypt(plaintext) ? success() : bad_record();
}

}  // namespace handfast
