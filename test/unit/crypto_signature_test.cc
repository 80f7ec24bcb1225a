// Signature schemes: the table, which key fits which, and signatures by each.
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include <map>

#include "crypto/signature_scheme.h"
#include "crypto_test_support.h"

namespace handfast::crypto_test {
namespace {

constexpr int kTls12 = TLS1_2_VERSION;
constexpr int kTls13 = TLS1_3_VERSION;

EvpPkeyPtr rsa_key(int bits) {
  return EvpPkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<size_t>(bits)));
}

EvpPkeyPtr ec_key(const char* curve) {
  return EvpPkeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve));
}

// `digest` nullptr: without restrictions.
EvpPkeyPtr pss_key(const EVP_MD* digest, int salt = 0, const EVP_MD* mgf1 = nullptr) {
  EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA-PSS", nullptr));
  EVP_PKEY_keygen_init(context.get());
  EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), 2048);
  if (digest != nullptr) {
    EVP_PKEY_CTX_set_rsa_pss_keygen_md(context.get(), digest);
    EVP_PKEY_CTX_set_rsa_pss_keygen_mgf1_md(context.get(), mgf1 != nullptr ? mgf1 : digest);
    EVP_PKEY_CTX_set_rsa_pss_keygen_saltlen(context.get(), salt);
  }
  EVP_PKEY* key = nullptr;
  EXPECT_EQ(EVP_PKEY_generate(context.get(), &key), 1);
  return EvpPkeyPtr(key);
}

EvpPkeyPtr dsa_key() {
  EvpPkeyCtxPtr parameters(EVP_PKEY_CTX_new_from_name(nullptr, "DSA", nullptr));
  EVP_PKEY_paramgen_init(parameters.get());
  EVP_PKEY_CTX_set_dsa_paramgen_bits(parameters.get(), 1024);
  EVP_PKEY* made = nullptr;
  EXPECT_EQ(EVP_PKEY_paramgen(parameters.get(), &made), 1);
  EvpPkeyPtr domain(made);
  EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, domain.get(), nullptr));
  EVP_PKEY_keygen_init(context.get());
  EVP_PKEY* key = nullptr;
  EXPECT_EQ(EVP_PKEY_generate(context.get(), &key), 1);
  return EvpPkeyPtr(key);
}

// One key for every scheme; slow ones are made once.
EVP_PKEY* key_for(const SignatureScheme& scheme) {
  static std::map<std::string, EvpPkeyPtr> keys;
  std::string name = std::to_string(scheme.key_type) + "/" + std::to_string(scheme.curve_nid);
  EvpPkeyPtr& key = keys[name];
  if (key != nullptr) return key.get();
  switch (scheme.key_type) {
    case EVP_PKEY_RSA:
      key = rsa_key(2048);
      break;
    case EVP_PKEY_RSA_PSS:
      key = pss_key(nullptr);
      break;
    case EVP_PKEY_DSA:
      key = dsa_key();
      break;
    case EVP_PKEY_EC:
      key = ec_key(scheme.curve_nid == NID_undef ? "P-256" : OBJ_nid2sn(scheme.curve_nid));
      break;
    default:
      key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr,
                                  scheme.key_type == EVP_PKEY_ED25519 ? "ED25519" : "ED448"));
  }
  return key.get();
}

const SignatureScheme& scheme(uint16_t id) {
  return *find_signature_scheme(id);
}

TEST(SignatureSchemes, DefaultOrderIsOpenssls) {
  const std::vector<uint16_t> expected = {0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0809,
                                          0x080a, 0x080b, 0x0804, 0x0805, 0x0806, 0x0401,
                                          0x0501, 0x0601, 0x0303, 0x0203, 0x0301, 0x0201,
                                          0x0302, 0x0202, 0x0402, 0x0502, 0x0602};
  auto defaults = default_signature_schemes();
  EXPECT_EQ(std::vector<uint16_t>(defaults.begin(), defaults.end()), expected);
  EXPECT_EQ(find_signature_scheme(0), nullptr);
  EXPECT_EQ(find_signature_scheme(0x0840), nullptr);
}

// RFC 8446 4.2.3: what may appear in a CertificateVerify.
TEST(SignatureSchemes, Tls13HasNoPkcs1NorSha1NorDsa) {
  int allowed = 0;
  for (const SignatureScheme& row : all_signature_schemes()) {
    if (row.tls13) ++allowed;
    const bool old = row.hash_nid == NID_sha1 || row.hash_nid == NID_sha224 ||
                     row.key_type == EVP_PKEY_DSA || (row.key_type == EVP_PKEY_RSA && !row.pss);
    EXPECT_EQ(row.tls13, !old) << row.name;
  }
  EXPECT_EQ(allowed, 11);
}

class EachScheme : public ::testing::TestWithParam<uint16_t> {};

TEST_P(EachScheme, SignsAndVerifies) {
  const SignatureScheme& row = scheme(GetParam());
  EVP_PKEY* key = key_for(row);
  ASSERT_NE(key, nullptr);
  const Algorithms& algorithms = default_algorithms();
  Octets content = pattern(130);
  Bytes signature;
  ASSERT_TRUE(sign(algorithms, row, key, content, signature).ok());
  EXPECT_TRUE(verify_signature(algorithms, row, key, content, signature.view()).ok());
  EXPECT_EQ(ERR_peek_error(), 0U);

  auto expect_bad = [&](View tampered, View signed_by) {
    expect_failed(verify_signature(algorithms, row, key, tampered, signed_by), Alert::decrypt_error,
                  SSL_R_BAD_SIGNATURE);
    ERR_clear_error();
  };
  Octets other = content;
  other[7] ^= 1;
  expect_bad(other, signature.view());
  Octets damaged = octets(signature.view());
  damaged[damaged.size() / 2] ^= 0x10;
  expect_bad(content, damaged);
  expect_bad(content, View(damaged).first(damaged.size() - 1));
  expect_bad(content, {});
}

TEST_P(EachScheme, OnlyFitsItsVersions) {
  const SignatureScheme& row = scheme(GetParam());
  EXPECT_TRUE(key_fits_scheme(key_for(row), row, kTls12));
  EXPECT_EQ(key_fits_scheme(key_for(row), row, kTls13), row.tls13);
  EXPECT_FALSE(key_fits_scheme(nullptr, row, kTls13));
  for (const SignatureScheme& other : all_signature_schemes()) {
    if (other.key_type != row.key_type) {
      EXPECT_FALSE(key_fits_scheme(key_for(other), row, kTls13)) << other.name;
      EXPECT_FALSE(key_fits_scheme(key_for(other), row, kTls12)) << other.name;
    }
  }
  EXPECT_EQ(ERR_peek_error(), 0U);
}

std::vector<uint16_t> every_id() {
  auto defaults = default_signature_schemes();
  return {defaults.begin(), defaults.end()};
}

INSTANTIATE_TEST_SUITE_P(Table, EachScheme, ::testing::ValuesIn(every_id()),
                         [](const auto& id) { return std::string(scheme(id.param).name); });

// RFC 8446 4.2.3: the curve is bound in TLS 1.3 and free in TLS 1.2.
TEST(KeyFits, Curves) {
  EvpPkeyPtr p256 = ec_key("P-256");
  EvpPkeyPtr p384 = ec_key("P-384");
  EvpPkeyPtr brainpool = ec_key("brainpoolP256r1");
  EXPECT_TRUE(key_fits_scheme(p256.get(), scheme(0x0403), kTls13));
  EXPECT_FALSE(key_fits_scheme(p384.get(), scheme(0x0403), kTls13));
  EXPECT_TRUE(key_fits_scheme(p384.get(), scheme(0x0403), kTls12));
  EXPECT_TRUE(key_fits_scheme(p384.get(), scheme(0x0503), kTls13));
  EXPECT_FALSE(key_fits_scheme(brainpool.get(), scheme(0x0403), kTls13));
}

TEST(KeyFits, RsaMustBeLongEnoughForPss) {
  EvpPkeyPtr small = rsa_key(1024);
  EXPECT_TRUE(key_fits_scheme(small.get(), scheme(0x0804), kTls13));
  EXPECT_TRUE(key_fits_scheme(small.get(), scheme(0x0805), kTls13));
  EXPECT_FALSE(key_fits_scheme(small.get(), scheme(0x0806), kTls13));
  EXPECT_TRUE(key_fits_scheme(small.get(), scheme(0x0601), kTls12));
}

TEST(KeyFits, PssKeyWithParameters) {
  EvpPkeyPtr sha384 = pss_key(EVP_sha384(), 48);
  EXPECT_FALSE(key_fits_scheme(sha384.get(), scheme(0x0809), kTls13));
  EXPECT_TRUE(key_fits_scheme(sha384.get(), scheme(0x080a), kTls13));
  EXPECT_FALSE(key_fits_scheme(sha384.get(), scheme(0x080b), kTls13));
  EvpPkeyPtr sha256 = pss_key(EVP_sha256(), 32);
  EXPECT_TRUE(key_fits_scheme(sha256.get(), scheme(0x0809), kTls13));
  EXPECT_FALSE(key_fits_scheme(sha256.get(), scheme(0x080a), kTls13));
  EvpPkeyPtr long_salt = pss_key(EVP_sha256(), 40);
  EXPECT_FALSE(key_fits_scheme(long_salt.get(), scheme(0x0809), kTls13));
  EvpPkeyPtr mixed = pss_key(EVP_sha256(), 32, EVP_sha384());
  EXPECT_FALSE(key_fits_scheme(mixed.get(), scheme(0x0809), kTls13));
  EXPECT_EQ(ERR_peek_error(), 0U);
  Bytes signature;
  EXPECT_TRUE(sign(default_algorithms(), scheme(0x080a), sha384.get(), pattern(9), signature).ok());
}

TEST(Signing, WithoutAPrivateKeyFails) {
  EvpPkeyPtr whole(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  uint8_t raw[32];
  size_t length = sizeof raw;
  ASSERT_EQ(EVP_PKEY_get_raw_public_key(whole.get(), raw, &length), 1);
  EvpPkeyPtr half(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw, length));
  Bytes signature;
  Verdict verdict = sign(default_algorithms(), scheme(0x0807), half.get(), pattern(9), signature);
  EXPECT_FALSE(verdict.ok());
  EXPECT_EQ(verdict.alert, Alert::internal_error);
  ERR_clear_error();
}

// RFC 8446 4.4.3, its own example.
TEST(CertificateVerifyContent, IsTheRfcsExample) {
  Bytes content;
  Octets hash(32, 0x01);
  ASSERT_TRUE(certificate_verify_content(true, hash, content));
  EXPECT_EQ(to_hex(content.view()),
            "2020202020202020202020202020202020202020202020202020202020202020"
            "2020202020202020202020202020202020202020202020202020202020202020"
            "544c5320312e332c207365727665722043657274696669636174655665726966"
            "79"
            "00"
            "0101010101010101010101010101010101010101010101010101010101010101");
  ASSERT_TRUE(certificate_verify_content(false, hash, content));
  EXPECT_EQ(std::string(reinterpret_cast<char*>(content.data()) + 64, 33),
            "TLS 1.3, client CertificateVerify");
  EXPECT_EQ(content.size(), 64U + 33 + 1 + 32);
}

}  // namespace
}  // namespace handfast::crypto_test
