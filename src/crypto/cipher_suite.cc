#include "crypto/cipher_suite.h"

#include <openssl/tls1.h>

#include <string_view>

#include "crypto/cipher_class.h"

namespace handfast {

namespace {

constexpr CipherSuite tls13(uint16_t id, const char* name, CipherId cipher, HashId hash,
                            uint32_t enc, uint8_t tag_length) {
  CipherSuite suite =
      make_suite(id, name, name, kKxAny, kAuthAny, enc, kMacAead, TLS1_3_VERSION, hash, kHigh);
  suite.cipher = cipher;
  suite.tag_length = tag_length;
  return suite;
}

constexpr CipherSuite kSuites[] = {
    tls13(0x1302, TLS1_3_RFC_AES_256_GCM_SHA384, CipherId::aes256_gcm, HashId::sha384,
          kEncAes256Gcm, 16),
    tls13(0x1303, TLS1_3_RFC_CHACHA20_POLY1305_SHA256, CipherId::chacha20_poly1305, HashId::sha256,
          kEncChacha20, 16),
    tls13(0x1301, TLS1_3_RFC_AES_128_GCM_SHA256, CipherId::aes128_gcm, HashId::sha256,
          kEncAes128Gcm, 16),
    tls13(0x1304, TLS1_3_RFC_AES_128_CCM_SHA256, CipherId::aes128_ccm, HashId::sha256,
          kEncAes128Ccm, 16),
    tls13(0x1305, TLS1_3_RFC_AES_128_CCM_8_SHA256, CipherId::aes128_ccm8, HashId::sha256,
          kEncAes128Ccm8, 8),
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
  for (const CipherSuite& suite : tls12_suites()) {
    if (suite.id == id) return &suite;
  }
  return nullptr;
}

const CipherSuite* find_cipher_suite_by_name(const char* name, size_t length) {
  std::string_view wanted(name, length);
  auto named = [wanted](const CipherSuite& suite) {
    return wanted == suite.name ||
           (suite.standard_name != nullptr && wanted == suite.standard_name);
  };
  for (const CipherSuite& suite : kSuites) {
    if (named(suite)) return &suite;
  }
  for (const CipherSuite& suite : tls12_suites()) {
    if (named(suite)) return &suite;
  }
  return nullptr;
}

}  // namespace handfast
