#include "crypto/cipher_suite.h"

#include <openssl/tls1.h>

#include <string_view>

namespace handfast {

namespace {

constexpr CipherSuite tls13(uint16_t id, const char* name, CipherId cipher, HashId hash,
                            int cipher_nid, int bits, uint8_t tag_length, const char* enc) {
  return {
      id,           name,           name,           cipher, hash, cipher_nid, NID_undef, NID_kx_any,
      NID_auth_any, TLS1_3_VERSION, TLS1_3_VERSION, bits,   bits, tag_length, "any",     "any",
      enc,          "AEAD"};
}

constexpr CipherSuite kSuites[] = {
    tls13(0x1302, TLS1_3_RFC_AES_256_GCM_SHA384, CipherId::aes256_gcm, HashId::sha384,
          NID_aes_256_gcm, 256, 16, "AESGCM(256)"),
    tls13(0x1303, TLS1_3_RFC_CHACHA20_POLY1305_SHA256, CipherId::chacha20_poly1305, HashId::sha256,
          NID_chacha20_poly1305, 256, 16, "CHACHA20/POLY1305(256)"),
    tls13(0x1301, TLS1_3_RFC_AES_128_GCM_SHA256, CipherId::aes128_gcm, HashId::sha256,
          NID_aes_128_gcm, 128, 16, "AESGCM(128)"),
    tls13(0x1304, TLS1_3_RFC_AES_128_CCM_SHA256, CipherId::aes128_ccm, HashId::sha256,
          NID_aes_128_ccm, 128, 16, "AESCCM(128)"),
    tls13(0x1305, TLS1_3_RFC_AES_128_CCM_8_SHA256, CipherId::aes128_ccm8, HashId::sha256,
          NID_aes_128_ccm, 128, 8, "AESCCM8(128)"),
};
constexpr size_t kDefaultCount = 3;

}  // namespace

std::span<const CipherSuite> tls13_suites() {
  return kSuites;
}

std::span<const CipherSuite> default_tls13_suites() {
  return std::span(kSuites).first(kDefaultCount);
}

const CipherSuite* find_cipher_suite(uint16_t id) {
  for (const CipherSuite& suite : kSuites) {
    if (suite.id == id) return &suite;
  }
  return nullptr;
}

const CipherSuite* find_cipher_suite_by_name(const char* name, size_t length) {
  std::string_view wanted(name, length);
  for (const CipherSuite& suite : kSuites) {
    if (wanted == suite.name || wanted == suite.standard_name) return &suite;
  }
  return nullptr;
}

}  // namespace handfast
