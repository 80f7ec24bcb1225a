#include "record/record_keys.h"

#include <openssl/evp.h>

#include "crypto/cipher_class.h"

namespace handfast {

namespace {

// RFC 5288 3 and RFC 6655 3: the "salt"; RFC 7905 2: the whole nonce.
constexpr size_t kSaltLength = 4;
constexpr size_t kChachaNonceLength = 12;

}  // namespace

bool is_aead(const CipherSuite& suite) {
  return (suite.mac & kMacAead) != 0;
}

const EVP_MD* record_hash(const Algorithms& algorithms, const CipherSuite& suite) {
  switch (suite.mac) {
    case kMacMd5:
      return algorithms.hash(HashId::md5);
    case kMacSha1:
      return algorithms.hash(HashId::sha1);
    case kMacSha256:
      return algorithms.hash(HashId::sha256);
    case kMacSha384:
      return algorithms.hash(HashId::sha384);
    default:
      return nullptr;
  }
}

const EVP_CIPHER* record_cipher_with_mac(const Algorithms& algorithms, const CipherSuite& suite) {
  switch (suite.mac) {
    case kMacSha1:
      return algorithms.cipher_with_hmac(suite.cipher, HashId::sha1);
    case kMacSha256:
      return algorithms.cipher_with_hmac(suite.cipher, HashId::sha256);
    default:
      return nullptr;
  }
}

RecordKeyLengths record_key_lengths(const Algorithms& algorithms, const CipherSuite& suite,
                                    uint16_t version) {
  RecordKeyLengths lengths;
  const EVP_CIPHER* cipher = algorithms.cipher(suite.cipher);
  if (cipher != nullptr) lengths.key = static_cast<size_t>(EVP_CIPHER_get_key_length(cipher));
  if (is_aead(suite)) {
    bool chacha = suite.cipher == CipherId::chacha20_poly1305;
    lengths.iv = chacha ? kChachaNonceLength : kSaltLength;
    return lengths;
  }
  const EVP_MD* md = record_hash(algorithms, suite);
  if (md != nullptr) lengths.mac_key = static_cast<size_t>(EVP_MD_get_size(md));
  if (cipher != nullptr && version == TLS1_VERSION) {
    lengths.iv = static_cast<size_t>(EVP_CIPHER_get_iv_length(cipher));
  }
  return lengths;
}

}  // namespace handfast
