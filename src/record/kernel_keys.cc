#include "record/kernel_keys.h"

#include <openssl/crypto.h>
#include <openssl/tls1.h>

#include <cstring>

namespace handfast {

namespace {

constexpr size_t kNonceLength = 12;

}  // namespace

bool kernel_has(const CipherSuite& suite, uint16_t version) {
  if (version != TLS1_2_VERSION && version != TLS1_3_VERSION) return false;
  switch (suite.cipher) {
    case CipherId::aes128_gcm:
    case CipherId::aes256_gcm:
    case CipherId::chacha20_poly1305:
      return true;
    case CipherId::aes128_ccm:
      // Linux 5 does it wrongly in TLS 1.3.
      return version == TLS1_2_VERSION;
    default:
      return false;
  }
}

template <typename Info>
void KernelKeys::fill(Info& info, uint16_t type, uint16_t version, View key, View nonce,
                      uint64_t sequence) {
  constexpr size_t kSaltLength = kNonceLength - sizeof info.iv;
  info.info.version = version;
  info.info.cipher_type = type;
  if (key.size() == sizeof info.key && nonce.size() == kNonceLength) {
    std::memcpy(info.key, key.data(), sizeof info.key);
    if constexpr (kSaltLength > 0) std::memcpy(info.salt, nonce.data(), kSaltLength);
    std::memcpy(info.iv, nonce.data() + kSaltLength, sizeof info.iv);
    blob_.length = sizeof info;
  }
  for (size_t i = 0; i < sizeof info.rec_seq; ++i) {
    info.rec_seq[sizeof info.rec_seq - 1 - i] = static_cast<uint8_t>(sequence >> (8 * i));
  }
}

KernelKeys::KernelKeys(const CipherSuite& suite, uint16_t version, View key, View nonce,
                       uint64_t sequence) {
  // A length of 0 is refused by the kernel.
  std::memset(&blob_, 0, sizeof blob_);
  switch (suite.cipher) {
    case CipherId::aes128_gcm:
      fill(blob_.aes128_gcm, TLS_CIPHER_AES_GCM_128, version, key, nonce, sequence);
      break;
    case CipherId::aes256_gcm:
      fill(blob_.aes256_gcm, TLS_CIPHER_AES_GCM_256, version, key, nonce, sequence);
      break;
    case CipherId::aes128_ccm:
      fill(blob_.aes128_ccm, TLS_CIPHER_AES_CCM_128, version, key, nonce, sequence);
      break;
    case CipherId::chacha20_poly1305:
      fill(blob_.chacha20_poly1305, TLS_CIPHER_CHACHA20_POLY1305, version, key, nonce, sequence);
      break;
    default:
      break;
  }
}

KernelKeys::~KernelKeys() {
  OPENSSL_cleanse(&blob_, sizeof blob_);
}

}  // namespace handfast
