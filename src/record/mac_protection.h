// Records with a MAC of their own, TLS <= 1.2: CBC ciphers, MAC before or after encryption, and
// the NULL cipher.
#pragma once

#include <cstdint>

#include "crypto/algorithms.h"
#include "crypto/cipher_suite.h"
#include "record/record_keys.h"
#include "record/record_mac.h"
#include "wire/bytes.h"
#include "wire/verdict.h"

namespace handfast {

// One direction; the sequence number is the caller's.
class MacProtection {
 public:
  // `version`: TLS1_VERSION to TLS1_2_VERSION, or DTLS1_BAD_VER. `encrypt_then_mac`: RFC 7366.
  // `seal`: whether this direction is written.
  [[nodiscard]] Verdict install(const Algorithms& algorithms, const CipherSuite& suite,
                                uint16_t version, const RecordKeys& keys, bool encrypt_then_mac,
                                bool seal);
  // Whether each record's IV is the end of the record before it (TLS 1.0).
  [[nodiscard]] bool chains_iv() const { return context_ != nullptr && !explicit_iv_; }
  // Whether the cipher takes several records at once. Their IVs must not depend on each other.
  [[nodiscard]] bool pipelines() const {
    return explicit_iv_ && context_ != nullptr &&
           (EVP_CIPHER_get_flags(EVP_CIPHER_CTX_get0_cipher(context_.get())) &
            EVP_CIPH_FLAG_PIPELINE) != 0;
  }
  // Length of the protected form of `length` bytes.
  [[nodiscard]] size_t sealed_length(size_t length) const;
  // Writes sealed_length(content.size()) bytes to `out`, which does not overlap `content`.
  // `header`: the five bytes before it on the wire.
  [[nodiscard]] Verdict seal(uint64_t sequence, View header, View content, uint8_t* out);
  // Decrypts in place; on success `plaintext` is a part of `ciphertext`.
  [[nodiscard]] Verdict open(uint64_t sequence, View header, std::span<uint8_t> ciphertext,
                             std::span<uint8_t>& plaintext);

 private:
  [[nodiscard]] size_t iv_length() const { return explicit_iv_ ? block_ : 0; }
  [[nodiscard]] Verdict authenticate(uint64_t sequence, View header, std::span<uint8_t>& body);
  [[nodiscard]] Verdict decrypt(uint64_t sequence, View header, std::span<uint8_t> body,
                                std::span<uint8_t>& plaintext);
  [[nodiscard]] bool crypt(std::span<uint8_t> blocks);
  [[nodiscard]] bool crypt_with_mac(PseudoHeader covered, std::span<uint8_t> blocks);

  EvpCipherCtxPtr context_;  // nullptr: NULL cipher
  OSSL_LIB_CTX* library_ = nullptr;
  uint8_t block_ = 0;
  bool explicit_iv_ = false;  // TLS >= 1.1
  bool encrypt_then_mac_ = false;
  bool makes_mac_ = false;  // the cipher itself appends MAC and padding
  RecordMac mac_;
};

}  // namespace handfast
