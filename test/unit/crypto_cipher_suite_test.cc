// The rows of the cipher suites, as the system's libssl describes them.
#include <gtest/gtest.h>

#include "crypto/cipher_suite.h"
#include "crypto_test_support.h"

namespace handfast::crypto_test {
namespace {

struct Expected {
  uint16_t id;
  const char* name;
  const char* enc;
  int nid;
  int bits;
  int tag;
  HashId hash;
};

constexpr Expected kExpected[] = {
    {0x1302, "TLS_AES_256_GCM_SHA384", "AESGCM(256)", 901, 256, 16, HashId::sha384},
    {0x1303, "TLS_CHACHA20_POLY1305_SHA256", "CHACHA20/POLY1305(256)", 1018, 256, 16,
     HashId::sha256},
    {0x1301, "TLS_AES_128_GCM_SHA256", "AESGCM(128)", 895, 128, 16, HashId::sha256},
    {0x1304, "TLS_AES_128_CCM_SHA256", "AESCCM(128)", 896, 128, 16, HashId::sha256},
    {0x1305, "TLS_AES_128_CCM_8_SHA256", "AESCCM8(128)", 896, 128, 8, HashId::sha256},
};

TEST(CipherSuites, Rows) {
  auto suites = tls13_suites();
  ASSERT_EQ(suites.size(), std::size(kExpected));
  for (size_t i = 0; i < suites.size(); ++i) {
    const CipherSuite& suite = suites[i];
    const Expected& expected = kExpected[i];
    SCOPED_TRACE(expected.name);
    EXPECT_EQ(suite.id, expected.id);
    EXPECT_STREQ(suite.name, expected.name);
    EXPECT_STREQ(suite.standard_name, expected.name);
    EXPECT_EQ(suite.cipher_nid, expected.nid);
    EXPECT_EQ(suite.digest_nid, 0);
    EXPECT_EQ(suite.kx_nid, 1063);
    EXPECT_EQ(suite.auth_nid, 1064);
    EXPECT_EQ(suite.strength_bits, expected.bits);
    EXPECT_EQ(suite.algorithm_bits, expected.bits);
    EXPECT_EQ(suite.tag_length, expected.tag);
    EXPECT_EQ(suite.hash, expected.hash);
    EXPECT_EQ(suite.min_tls, TLS1_3_VERSION);
    EXPECT_EQ(suite.max_tls, TLS1_3_VERSION);
    EXPECT_STREQ(suite.description_kx, "any");
    EXPECT_STREQ(suite.description_au, "any");
    EXPECT_STREQ(suite.description_enc, expected.enc);
    EXPECT_STREQ(suite.description_mac, "AEAD");
    EXPECT_EQ(find_cipher_suite(expected.id), &suite);
    EXPECT_EQ(find_cipher_suite_by_name(expected.name, std::strlen(expected.name)), &suite);
    EXPECT_EQ(EVP_CIPHER_get_key_length(default_algorithms().cipher(suite.cipher)) * 8,
              expected.bits);
  }
}

TEST(CipherSuites, DefaultsLeaveCcmOut) {
  auto defaults = default_tls13_suites();
  ASSERT_EQ(defaults.size(), 3U);
  EXPECT_EQ(defaults[0].id, 0x1302);
  EXPECT_EQ(defaults[2].id, 0x1301);
}

TEST(CipherSuites, UnknownOnes) {
  EXPECT_EQ(find_cipher_suite(0), nullptr);
  EXPECT_EQ(find_cipher_suite(0x1306), nullptr);
  EXPECT_EQ(find_cipher_suite_by_name("TLS_AES_256_GCM_SHA38", 21), nullptr);
  EXPECT_EQ(find_cipher_suite_by_name("", 0), nullptr);
}

}  // namespace
}  // namespace handfast::crypto_test
