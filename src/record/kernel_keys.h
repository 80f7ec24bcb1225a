// Record keys in the form that Linux takes (kernel TLS, <linux/tls.h>), which is also the form that
// libcrypto's socket BIOs pass on.
#pragma once

#include <linux/tls.h>

#include <cstdint>

#include "crypto/cipher_suite.h"
#include "wire/bytes.h"

namespace handfast {

// Can Linux protect records of this suite and version? As OpenSSL 3.0 uses it.
[[nodiscard]] bool kernel_has(const CipherSuite& suite, uint16_t version);

// One direction's keys; wiped when they go.
class KernelKeys {
 public:
  // `nonce`: 12 bytes, for AES of TLS 1.2 the implicit four and the next explicit eight. The key
  // has the length of the suite's. `sequence`: number of the next record.
  KernelKeys(const CipherSuite& suite, uint16_t version, View key, View nonce, uint64_t sequence);
  ~KernelKeys();
  KernelKeys(const KernelKeys&) = delete;
  KernelKeys& operator=(const KernelKeys&) = delete;

  // For BIO_CTRL_SET_KTLS.
  [[nodiscard]] void* for_bio() { return &blob_; }

 private:
  // libcrypto reads `length` and hands the rest to setsockopt(2).
  struct Blob {
    union {
      tls12_crypto_info_aes_gcm_128 aes128_gcm;
      tls12_crypto_info_aes_gcm_256 aes256_gcm;
      tls12_crypto_info_aes_ccm_128 aes128_ccm;
      tls12_crypto_info_chacha20_poly1305 chacha20_poly1305;
    };
    size_t length;
  };

  template <typename Info>
  void fill(Info& info, uint16_t type, uint16_t version, View key, View nonce, uint64_t sequence);

  Blob blob_;
};

}  // namespace handfast
