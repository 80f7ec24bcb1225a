// What an SSL_CTX fetches, and from where.
#include <gtest/gtest.h>
#include <openssl/engine.h>
#include <openssl/provider.h>

#include <memory>

#include "crypto/signature_scheme.h"
#include "crypto_test_support.h"

namespace handfast::crypto_test {
namespace {

using LibraryPtr = std::unique_ptr<OSSL_LIB_CTX, FreeWith<OSSL_LIB_CTX_free>>;

TEST(Algorithms, DefaultContextHasAll) {
  const Algorithms& algorithms = default_algorithms();
  for (size_t i = 0; i < kHashCount; ++i) {
    EXPECT_NE(algorithms.hash(static_cast<HashId>(i)), nullptr) << i;
  }
  for (size_t i = 0; i < kCipherCount; ++i) {
    CipherId id = static_cast<CipherId>(i);
    // The legacy provider has these.
    bool legacy = id == CipherId::seed_cbc || id == CipherId::idea_cbc;
    EXPECT_EQ(algorithms.cipher(id) == nullptr, legacy) << i;
  }
  EXPECT_EQ(algorithms.cipher(CipherId::other), nullptr);
  EXPECT_EQ(algorithms.library(), nullptr);
  EXPECT_EQ(algorithms.property_query(), nullptr);
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(Algorithms, RowsAreWhatTheirNamesSay) {
  const Algorithms& algorithms = default_algorithms();
  EXPECT_TRUE(EVP_MD_is_a(algorithms.hash(HashId::sha384), "SHA2-384"));
  EXPECT_TRUE(EVP_MD_is_a(algorithms.hash(HashId::md5_sha1), "MD5-SHA1"));
  EXPECT_TRUE(EVP_MD_is_a(algorithms.hash(HashId::sha512), "SHA2-512"));
  EXPECT_TRUE(EVP_CIPHER_is_a(algorithms.cipher(CipherId::aes256_gcm), "AES-256-GCM"));
  EXPECT_TRUE(EVP_CIPHER_is_a(algorithms.cipher(CipherId::aes128_ccm8), "AES-128-CCM"));
  EXPECT_TRUE(EVP_CIPHER_is_a(algorithms.cipher(CipherId::chacha20_poly1305), "ChaCha20-Poly1305"));
}

TEST(Algorithms, QueryThatNothingMeetsFindsNothing) {
  Algorithms algorithms;
  EXPECT_TRUE(algorithms.fetch(nullptr, "provider=no-such-provider"));
  EXPECT_EQ(algorithms.hash(HashId::sha256), nullptr);
  EXPECT_TRUE(algorithms.groups().defaults().empty());
  EXPECT_EQ(ERR_peek_error(), 0U) << "a missing algorithm leaves no error behind";
}

TEST(Algorithms, ContextWithoutProviderOfCiphersFindsNothing) {
  LibraryPtr library(OSSL_LIB_CTX_new());
  OSSL_PROVIDER* base = OSSL_PROVIDER_load(library.get(), "base");
  ASSERT_NE(base, nullptr);
  Algorithms algorithms;
  EXPECT_TRUE(algorithms.fetch(library.get(), nullptr));
  EXPECT_EQ(algorithms.cipher(CipherId::aes256_gcm), nullptr);
  EXPECT_EQ(algorithms.groups().find(29), nullptr);
  OSSL_PROVIDER_unload(base);
}

// Neither offered nor shared.
TEST(Algorithms, SchemesWithoutProvider) {
  LibraryPtr library(OSSL_LIB_CTX_new());
  OSSL_PROVIDER* base = OSSL_PROVIDER_load(library.get(), "base");
  ASSERT_NE(base, nullptr);
  Algorithms none;
  EXPECT_TRUE(none.fetch(library.get(), nullptr));
  for (const SignatureScheme& scheme : all_signature_schemes()) {
    EXPECT_TRUE(default_algorithms().has_key_type(scheme.key_type)) << scheme.name;
    EXPECT_TRUE(scheme_available(default_algorithms(), scheme)) << scheme.name;
    EXPECT_FALSE(none.has_key_type(scheme.key_type)) << scheme.name;
    EXPECT_FALSE(scheme_available(none, scheme)) << scheme.name;
  }
  EXPECT_FALSE(default_algorithms().has_key_type(EVP_PKEY_NONE));
  EXPECT_EQ(ERR_peek_error(), 0U);
  OSSL_PROVIDER_unload(base);
}

TEST(Algorithms, OwnContext) {
  LibraryPtr library(OSSL_LIB_CTX_new());
  {
    Algorithms algorithms;
    ASSERT_TRUE(algorithms.fetch(library.get(), "provider=default"));
    EXPECT_EQ(algorithms.library(), library.get());
    EXPECT_STREQ(algorithms.property_query(), "provider=default");
    EXPECT_NE(algorithms.hash(HashId::sha256), default_algorithms().hash(HashId::sha256));
    KeyShare one;
    KeyShare other;
    ASSERT_TRUE(one.generate(algorithms, *find_group(23)).ok());
    ASSERT_TRUE(other.generate(algorithms, *find_group(23)).ok());
    Bytes secret;
    EXPECT_TRUE(one.derive(algorithms, other.public_bytes(), secret).ok());
  }
}

TEST(Algorithms, RandomBytesDiffer) {
  uint8_t bytes[4][32] = {};
  ASSERT_TRUE(default_algorithms().random(bytes[0]));
  ASSERT_TRUE(default_algorithms().random(bytes[1]));
  ASSERT_TRUE(default_algorithms().random_private(bytes[2]));
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < i; ++j) EXPECT_FALSE(equal(bytes[i], bytes[j]));
  }
}

int calls_of_engine_digest = 0;

int count_init(EVP_MD_CTX*) {
  ++calls_of_engine_digest;
  return 1;
}
int ignore_update(EVP_MD_CTX*, const void*, size_t) {
  return 1;
}
int all_ones(EVP_MD_CTX*, unsigned char* out) {
  std::memset(out, 0xff, 32);
  return 1;
}

EVP_MD* engine_digest = nullptr;

int engine_digests(ENGINE*, const EVP_MD** digest, const int** nids, int nid) {
  static const int kNids[] = {NID_sha256};
  if (digest == nullptr) {
    *nids = kNids;
    return 1;
  }
  *digest = nid == NID_sha256 ? engine_digest : nullptr;
  return *digest != nullptr;
}

// compat.md: "before a fetch, ENGINE_get_digest_engine must be asked, and fast paths step aside".
TEST(Algorithms, EngineComesBeforeTheProviders) {
  engine_digest = EVP_MD_meth_new(NID_sha256, NID_undef);
  EVP_MD_meth_set_result_size(engine_digest, 32);
  EVP_MD_meth_set_input_blocksize(engine_digest, 64);
  EVP_MD_meth_set_app_datasize(engine_digest, 1);  // libcrypto calls no update without it
  EVP_MD_meth_set_init(engine_digest, count_init);
  EVP_MD_meth_set_update(engine_digest, ignore_update);
  EVP_MD_meth_set_final(engine_digest, all_ones);
  ENGINE* engine = ENGINE_new();
  ENGINE_set_id(engine, "handfast-test");
  ENGINE_set_name(engine, "digest that is all ones");
  ENGINE_set_digests(engine, engine_digests);
  ASSERT_EQ(ENGINE_set_default_digests(engine), 1);
  {
    Algorithms algorithms;
    EXPECT_TRUE(algorithms.fetch(nullptr, nullptr));
    EXPECT_EQ(EVP_MD_get0_provider(algorithms.hash(HashId::sha256)), nullptr);
    EXPECT_NE(EVP_MD_get0_provider(algorithms.hash(HashId::sha384)), nullptr);
    Secret out;
    EXPECT_TRUE(hmac(algorithms.hash(HashId::sha256), as_view("k"), as_view("d"), out));
    EXPECT_EQ(octets(out.view()), Octets(32, 0xff));
    EXPECT_GT(calls_of_engine_digest, 0);
  }
  ENGINE_unregister_digests(engine);
  ENGINE_free(engine);
  EVP_MD_meth_free(engine_digest);
  Algorithms after;
  ASSERT_TRUE(after.fetch(nullptr, nullptr));
  EXPECT_NE(EVP_MD_get0_provider(after.hash(HashId::sha256)), nullptr);
}

}  // namespace
}  // namespace handfast::crypto_test
