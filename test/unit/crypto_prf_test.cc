// The PRF of TLS <= 1.2: published vectors, and libcrypto's own on arbitrary inputs.
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "crypto/prf.h"
#include "crypto_test_support.h"

namespace handfast::crypto_test {
namespace {

std::string prf_hex(HashId hash, const Octets& secret, std::string_view label,
                    std::initializer_list<View> seeds, size_t length) {
  Octets out(length, 0xee);
  EXPECT_TRUE(prf(default_algorithms(), hash, secret, label, seeds, out));
  return to_hex(out);
}

// The vectors that circulate for the PRF of TLS 1.2 (IETF TLS list, 2009).
TEST(Prf, Sha256KnownAnswer) {
  Octets secret = from_hex("9bbe436ba940f017b17652849a71db35");
  Octets seed = from_hex("a0ba9f936cda311827a6f796ffd5198c");
  EXPECT_EQ(
      prf_hex(HashId::sha256, secret, "test label", {seed}, 100),
      "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e"
      "14baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5"
      "a72e5a5110fff70187347b66");
}

TEST(Prf, Sha384KnownAnswer) {
  Octets secret = from_hex("b80b733d6ceefcdc71566ea48e5567df");
  Octets seed = from_hex("cd665cf6a8447dd6ff8b27555edb7465");
  EXPECT_EQ(
      prf_hex(HashId::sha384, secret, "test label", {seed}, 148),
      "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe34f82b123"
      "3c9146a0e534cb400fed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd"
      "4abfdad05d9184259b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee691c8f3a2"
      "6854308d5eaa3be85e0990703d73e56f");
}

std::string libcrypto_prf(const char* digest, const Octets& secret, std::string_view label,
                          std::initializer_list<View> seeds, size_t length) {
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_PRF, nullptr);
  EVP_KDF_CTX* context = EVP_KDF_CTX_new(kdf);
  Octets seed = octets(as_view(label));
  for (View part : seeds) seed.insert(seed.end(), part.begin(), part.end());
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char*>(digest), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, const_cast<uint8_t*>(secret.data()),
                                        secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed.data(), seed.size()),
      OSSL_PARAM_construct_end()};
  Octets out(length);
  EXPECT_EQ(EVP_KDF_derive(context, out.data(), length, params), 1);
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  return to_hex(out);
}

TEST(Prf, AgreesWithLibcrypto) {
  const std::pair<HashId, const char*> hashes[] = {
      {HashId::md5_sha1, "MD5-SHA1"}, {HashId::sha256, "SHA256"}, {HashId::sha384, "SHA384"}};
  for (auto [hash, name] : hashes) {
    for (size_t secret_size : {1, 2, 31, 32, 47, 48, 65, 129, 256, 383}) {
      Octets secret = pattern(secret_size);
      for (size_t size : {1, 12, 15, 16, 17, 20, 21, 48, 104, 240}) {
        Octets first = pattern(32, 2);
        Octets second = pattern(size, 3);
        EXPECT_EQ(prf_hex(hash, secret, "key expansion", {first, second}, size),
                  libcrypto_prf(name, secret, "key expansion", {first, second}, size))
            << name << " secret " << secret_size << " length " << size;
      }
    }
  }
}

TEST(Prf, SeedsAreConcatenated) {
  Octets secret = pattern(48);
  Octets seed = pattern(70, 9);
  View all(seed);
  std::string whole = prf_hex(HashId::sha256, secret, "label", {all}, 50);
  EXPECT_EQ(prf_hex(HashId::sha256, secret, "label",
                    {all.first(32), all.subspan(32, 32), {}, all.subspan(64)}, 50),
            whole);
  EXPECT_EQ(prf_hex(HashId::sha256, secret, "lab", {as_view("el"), all}, 50), whole);
  Octets out(8);
  EXPECT_FALSE(prf(default_algorithms(), HashId::sha256, secret, "l", {{}, {}, {}, {}, {}}, out));
}

TEST(Prf, NoHashNoOutput) {
  Algorithms nothing;
  Octets out(20, 7);
  EXPECT_FALSE(prf(nothing, HashId::md5_sha1, pattern(48), "label", {}, out));
  EXPECT_EQ(out, Octets(20, 0));
}

TEST(HandshakeHash, OfSuiteAndVersion) {
  const CipherSuite* old = find_cipher_suite(0x002f);     // TLS_RSA_WITH_AES_128_CBC_SHA
  const CipherSuite* strong = find_cipher_suite(0xc030);  // ..._AES_256_GCM_SHA384
  const CipherSuite* psk = find_cipher_suite(0x00af);     // TLS_PSK_WITH_AES_256_CBC_SHA384
  for (const CipherSuite* suite : {old, strong, psk}) {
    ASSERT_NE(suite, nullptr);
    EXPECT_EQ(handshake_hash(*suite, TLS1_VERSION), HashId::md5_sha1);
    EXPECT_EQ(handshake_hash(*suite, TLS1_1_VERSION), HashId::md5_sha1);
  }
  EXPECT_EQ(handshake_hash(*old, TLS1_2_VERSION), HashId::sha256);
  EXPECT_EQ(handshake_hash(*strong, TLS1_2_VERSION), HashId::sha384);
  EXPECT_EQ(handshake_hash(*psk, TLS1_2_VERSION), HashId::sha384);
}

}  // namespace
}  // namespace handfast::crypto_test
