// Parsed certificates of peers are shared by their DER (pki/certificate_cache.h).
#include "pki/certificate_cache.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace handfast {
namespace {

using Der = std::vector<uint8_t>;

Der fixture(const std::string& name) {
  std::string path = std::string(HANDFAST_SOURCE_DIR) + "/test/support/fixtures/" + name + ".pem";
  BioPtr file(BIO_new_file(path.c_str(), "r"));
  X509Ptr certificate(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr));
  unsigned char* bytes = nullptr;
  int length = i2d_X509(certificate.get(), &bytes);
  Der der(bytes, bytes + length);
  OPENSSL_free(bytes);
  return der;
}

// A certificate that is a fixture in all but its signature.
Der variant(const Der& der, unsigned int number) {
  Der changed = der;
  for (size_t i = 0; i < 4; ++i) {
    changed[changed.size() - 1 - i] ^= static_cast<uint8_t>(number >> (8 * i));
  }
  return changed;
}

class PkiCertificateCache : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(algorithms_.fetch(nullptr, nullptr));
    clear_certificate_cache();
    before_ = certificate_cache_statistics();
  }
  void TearDown() override {
    clear_certificate_cache();
    ERR_clear_error();
  }
  Verdict parse(const Der& der, X509Ptr& out) { return parse_certificate(algorithms_, der, out); }
  size_t hits() { return certificate_cache_statistics().hits - before_.hits; }
  size_t misses() { return certificate_cache_statistics().misses - before_.misses; }

  Algorithms algorithms_;
  CertificateCacheStatistics before_{};
};

TEST_F(PkiCertificateCache, SharesWhatIsTheSame) {
  Der der = fixture("server-p256");
  X509Ptr first, second, other;
  ASSERT_TRUE(parse(der, first).ok());
  ASSERT_TRUE(parse(der, second).ok());
  ASSERT_TRUE(parse(fixture("server-rsa"), other).ok());
  EXPECT_EQ(first.get(), second.get());
  EXPECT_NE(first.get(), other.get());
  EXPECT_EQ(hits(), 1U);
  EXPECT_EQ(misses(), 2U);
  EXPECT_EQ(certificate_cache_statistics().entries, 2U);
}

TEST_F(PkiCertificateCache, OutlivesTheCache) {
  Der der = fixture("server-p256");
  X509Ptr certificate;
  ASSERT_TRUE(parse(der, certificate).ok());
  clear_certificate_cache();
  EXPECT_EQ(certificate_cache_statistics().entries, 0U);
  EXPECT_EQ(i2d_X509(certificate.get(), nullptr), static_cast<int>(der.size()));
}

TEST_F(PkiCertificateCache, ReportsWhatIsNoCertificate) {
  Der der = fixture("server-p256");
  Der broken = der;
  broken[1] = 0x05;
  X509Ptr certificate;
  Verdict verdict = parse(broken, certificate);
  EXPECT_EQ(verdict.alert, Alert::decode_error);
  EXPECT_EQ(verdict.reason, ERR_R_ASN1_LIB);
  EXPECT_EQ(certificate, nullptr);
  verdict = parse_certificate(algorithms_, broken, certificate, Alert::bad_certificate);
  EXPECT_EQ(verdict.alert, Alert::bad_certificate);
  EXPECT_EQ(parse({}, certificate).reason, ERR_R_ASN1_LIB);
  EXPECT_EQ(certificate_cache_statistics().entries, 0U);
}

TEST_F(PkiCertificateCache, ReportsBytesAfterTheCertificate) {
  Der der = fixture("server-p256");
  der.push_back(0);
  X509Ptr certificate;
  Verdict verdict = parse(der, certificate);
  EXPECT_EQ(verdict.alert, Alert::decode_error);
  EXPECT_EQ(verdict.reason, SSL_R_CERT_LENGTH_MISMATCH);
  EXPECT_EQ(certificate_cache_statistics().entries, 0U);
}

TEST_F(PkiCertificateCache, DropsWhatTheApplicationMarked) {
  Der der = fixture("server-p256");
  X509Ptr first, second, third;
  ASSERT_TRUE(parse(der, first).ok());
  ASSERT_EQ(X509_add1_trust_object(first.get(), OBJ_nid2obj(NID_server_auth)), 1);
  ASSERT_TRUE(parse(der, second).ok());
  EXPECT_NE(first.get(), second.get());
  EXPECT_EQ(X509_get0_trust_objects(second.get()), nullptr);
  ASSERT_TRUE(parse(der, third).ok());
  EXPECT_EQ(second.get(), third.get());
  ASSERT_EQ(X509_alias_set1(third.get(), reinterpret_cast<const unsigned char*>("me"), 2), 1);
  ASSERT_TRUE(parse(der, first).ok());
  EXPECT_NE(first.get(), third.get());
}

TEST_F(PkiCertificateCache, IsBounded) {
  Der der = fixture("server-p256");
  for (unsigned int i = 0; i < 2000; ++i) {
    X509Ptr certificate;
    ASSERT_TRUE(parse(variant(der, i), certificate).ok());
  }
  EXPECT_EQ(misses(), 2000U);
  EXPECT_LE(certificate_cache_statistics().entries, 512U);
  EXPECT_GE(certificate_cache_statistics().entries, 400U);
}

TEST_F(PkiCertificateCache, KeepsWhatIsUsed) {
  Der der = fixture("server-p256");
  X509Ptr kept;
  ASSERT_TRUE(parse(der, kept).ok());
  for (unsigned int i = 1; i < 2000; ++i) {
    X509Ptr certificate, again;
    ASSERT_TRUE(parse(variant(der, i), certificate).ok());
    ASSERT_TRUE(parse(der, again).ok());
    ASSERT_EQ(kept.get(), again.get()) << i;
  }
}

TEST_F(PkiCertificateCache, LeavesLongCertificatesOut) {
  Der der = fixture("server-large");
  ASSERT_GT(der.size(), 8192U);
  X509Ptr first, second;
  ASSERT_TRUE(parse(der, first).ok());
  ASSERT_TRUE(parse(der, second).ok());
  EXPECT_NE(first.get(), second.get());
  EXPECT_EQ(hits() + misses(), 0U);
}

TEST_F(PkiCertificateCache, LeavesOtherProvidersOut) {
  Der der = fixture("server-p256");
  OSSL_LIB_CTX* library = OSSL_LIB_CTX_new();
  {
    Algorithms own, queried;
    ASSERT_TRUE(own.fetch(library, nullptr));
    ASSERT_TRUE(queried.fetch(nullptr, "provider=default"));
    for (const Algorithms* algorithms : {&own, &queried}) {
      X509Ptr first, second;
      ASSERT_TRUE(parse_certificate(*algorithms, der, first).ok());
      ASSERT_TRUE(parse_certificate(*algorithms, der, second).ok());
      EXPECT_NE(first.get(), second.get());
    }
    // A thread's own default context counts as another one.
    OSSL_LIB_CTX* previous = OSSL_LIB_CTX_set0_default(library);
    X509Ptr first, second;
    ASSERT_TRUE(parse(der, first).ok());
    ASSERT_TRUE(parse(der, second).ok());
    EXPECT_NE(first.get(), second.get());
    OSSL_LIB_CTX_set0_default(previous);
  }
  EXPECT_EQ(hits() + misses(), 0U);
  OSSL_LIB_CTX_free(library);
}

// A provider that is loaded later may know the key.
TEST_F(PkiCertificateCache, LeavesUnknownKeysOut) {
  Der der = fixture("server-ed25519");
  const uint8_t known[] = {0x06, 0x03, 0x2b, 0x65, 0x70};  // id-Ed25519, RFC 8410 section 3
  auto last = std::find_end(der.begin(), der.end(), std::begin(known), std::end(known));
  auto first = std::search(der.begin(), der.end(), std::begin(known), std::end(known));
  ASSERT_NE(first, der.end());
  // The key's algorithm, and the signature's if that is one too.
  first[4] = last[4] = 0x01;
  X509Ptr one, other;
  ASSERT_TRUE(parse(der, one).ok());
  ASSERT_TRUE(parse(der, other).ok());
  EXPECT_EQ(X509_get0_pubkey(one.get()), nullptr);
  EXPECT_NE(one.get(), other.get());
  EXPECT_EQ(certificate_cache_statistics().entries, 0U);
}

TEST_F(PkiCertificateCache, CanBeTurnedOff) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  setenv("HANDFAST_CERTIFICATE_CACHE", "off", 1);
  Der der = fixture("server-p256");
  auto share = [&] {
    X509Ptr first;
    X509Ptr second;
    bool ok = parse(der, first).ok() && parse(der, second).ok();
    std::exit(ok && first != second && hits() + misses() == 0 ? 0 : 1);
  };
  EXPECT_EXIT(share(), testing::ExitedWithCode(0), "");
  unsetenv("HANDFAST_CERTIFICATE_CACHE");
}

// Verification looks at what the certificate says, whoever parsed it.
TEST_F(PkiCertificateCache, IsVerifiedAnew) {
  X509Ptr good, broken;
  Der der = fixture("server-p256");
  X509StorePtr store(X509_STORE_new());
  X509Ptr root;
  ASSERT_TRUE(parse(fixture("root"), root).ok());
  ASSERT_EQ(X509_STORE_add_cert(store.get(), root.get()), 1);
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(parse(der, good).ok());
    ASSERT_TRUE(parse(variant(der, 1), broken).ok());
    for (X509* certificate : {good.get(), broken.get()}) {
      X509StoreCtxPtr context(X509_STORE_CTX_new());
      ASSERT_EQ(X509_STORE_CTX_init(context.get(), store.get(), certificate, nullptr), 1);
      EXPECT_EQ(X509_verify_cert(context.get()), certificate == good.get() ? 1 : 0);
    }
  }
  EXPECT_EQ(hits(), 2U);
}

TEST_F(PkiCertificateCache, ThreadsShareAndEvict) {
  Der der = fixture("server-p256");
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (unsigned int number = 0; number < 4; ++number) {
    threads.emplace_back([&, number] {
      for (unsigned int i = 0; i < 500; ++i) {
        // Half of the certificates are everybody's, half are the thread's own.
        Der bytes = variant(der, i % 2 == 0 ? i % 64 : 1000 * (number + 1) + i);
        X509Ptr certificate;
        if (!parse(bytes, certificate).ok() || X509_get0_pubkey(certificate.get()) == nullptr ||
            i2d_X509(certificate.get(), nullptr) != static_cast<int>(bytes.size())) {
          ++failures;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(hits() + misses(), 4U * 500U);
  EXPECT_GT(hits(), 0U);
  EXPECT_LE(certificate_cache_statistics().entries, 512U);
}

TEST_F(PkiCertificateCache, ThreadsClearMeanwhile) {
  Der der = fixture("server-p256");
  std::atomic<bool> stop{false};
  std::atomic<int> failures{0};
  std::thread reader([&] {
    while (!stop) {
      X509Ptr certificate;
      if (!parse(der, certificate).ok() || X509_get0_pubkey(certificate.get()) == nullptr) {
        ++failures;
      }
    }
  });
  for (int i = 0; i < 200; ++i) clear_certificate_cache();
  stop = true;
  reader.join();
  EXPECT_EQ(failures, 0);
}

TEST_F(PkiCertificateCache, ThreadsVerifyTheSameObject) {
  X509Ptr leaf, root;
  ASSERT_TRUE(parse(fixture("server-p256"), leaf).ok());
  ASSERT_TRUE(parse(fixture("root"), root).ok());
  X509StorePtr store(X509_STORE_new());
  ASSERT_EQ(X509_STORE_add_cert(store.get(), root.get()), 1);
  std::atomic<int> verified{0};
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        X509StoreCtxPtr context(X509_STORE_CTX_new());
        if (X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr) == 1 &&
            X509_verify_cert(context.get()) == 1) {
          ++verified;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(verified, 4 * 20);
}

}  // namespace
}  // namespace handfast
