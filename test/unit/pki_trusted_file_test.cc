// Files of trusted certificates are read through the cache (pki/trusted_file.h).
#include "pki/trusted_file.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "pki/certificate_cache.h"
#include "pki/name_list.h"
#include "support/failing_allocator.h"

namespace handfast {
namespace {

std::string path_of(const std::string& name) {
  return std::string(HANDFAST_SOURCE_DIR) + "/test/support/fixtures/" + name + ".pem";
}

X509Ptr read(const std::string& name) {
  BioPtr file(BIO_new_file(path_of(name).c_str(), "r"));
  return X509Ptr(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr));
}

std::vector<uint8_t> der_of(X509* certificate) {
  unsigned char* bytes = nullptr;
  int length = i2d_X509(certificate, &bytes);
  std::vector<uint8_t> der(bytes, bytes + length);
  OPENSSL_free(bytes);
  return der;
}

std::string block(const std::vector<uint8_t>& der) {
  BioPtr memory(BIO_new(BIO_s_mem()));
  PEM_write_bio(memory.get(), "CERTIFICATE", "", der.data(), static_cast<long>(der.size()));
  char* text = nullptr;
  long length = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<size_t>(length)};
}

// So many certificates that differ in their signatures only.
std::string bundle(unsigned int count) {
  std::vector<uint8_t> der = der_of(read("root").get());
  std::string text;
  for (unsigned int i = 0; i < count; ++i) {
    std::vector<uint8_t> changed = der;
    changed[changed.size() - 1] ^= static_cast<uint8_t>(i);
    changed[changed.size() - 2] ^= static_cast<uint8_t>(i >> 8);
    text += "# certificate " + std::to_string(i) + "\n" + block(changed);
  }
  return text;
}

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) {
    close(mkstemp(path_));
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~TemporaryFile() { unlink(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const char* path() const { return path_; }

 private:
  char path_[40] = "/tmp/handfast-trusted-file-XXXXXX";
};

bool load(X509_STORE* store, const char* path, OSSL_LIB_CTX* library = nullptr) {
  return load_trusted_file(store, path, library, nullptr);
}

std::vector<X509*> certificates_of(X509_STORE* store) {
  std::vector<X509*> certificates;
  STACK_OF(X509_OBJECT)* objects = X509_STORE_get0_objects(store);
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
    certificates.push_back(X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i)));
  }
  return certificates;
}

class PkiTrustedFile : public testing::Test {
 protected:
  void SetUp() override {
    clear_certificate_cache();
    before_ = certificate_cache_statistics();
  }
  void TearDown() override {
    clear_certificate_cache();
    ERR_clear_error();
  }
  size_t hits() { return certificate_cache_statistics().hits - before_.hits; }
  size_t misses() { return certificate_cache_statistics().misses - before_.misses; }

  X509StorePtr first_{X509_STORE_new()}, second_{X509_STORE_new()};
  CertificateCacheStatistics before_{};
};

TEST_F(PkiTrustedFile, StoresShareCertificates) {
  ASSERT_TRUE(load(first_.get(), path_of("root").c_str()));
  ASSERT_TRUE(load(second_.get(), path_of("root").c_str()));
  ASSERT_EQ(certificates_of(first_.get()).size(), 1U);
  EXPECT_EQ(certificates_of(first_.get()), certificates_of(second_.get()));
  EXPECT_EQ(misses(), 1U);
  EXPECT_EQ(hits(), 1U);
}

TEST_F(PkiTrustedFile, ContextsShareCertificates) {
  using Context = std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX_free>>;
  Context contexts[] = {Context(SSL_CTX_new(TLS_method())), Context(SSL_CTX_new(TLS_method()))};
  std::string path = path_of("root");
  ASSERT_EQ(SSL_CTX_load_verify_file(contexts[0].get(), path.c_str()), 1);
  ASSERT_EQ(SSL_CTX_load_verify_locations(contexts[1].get(), path.c_str(), nullptr), 1);
  EXPECT_EQ(certificates_of(SSL_CTX_get_cert_store(contexts[0].get())),
            certificates_of(SSL_CTX_get_cert_store(contexts[1].get())));
  X509NameStackPtr names(SSL_load_client_CA_file(path.c_str()));
  EXPECT_EQ(sk_X509_NAME_num(names.get()), 1);
  EXPECT_EQ(misses(), 1U);
  EXPECT_EQ(hits(), 2U);
}

TEST_F(PkiTrustedFile, PeersShareThemToo) {
  ASSERT_TRUE(load(first_.get(), path_of("root").c_str()));
  Algorithms algorithms;
  ASSERT_TRUE(algorithms.fetch(nullptr, nullptr));
  X509Ptr peer;
  std::vector<uint8_t> der = der_of(read("root").get());
  ASSERT_TRUE(parse_certificate(algorithms, der, peer).ok());
  EXPECT_EQ(certificates_of(first_.get()), std::vector<X509*>{peer.get()});
}

TEST_F(PkiTrustedFile, BundleFitsIntoTheCache) {
  constexpr unsigned int kCount = 150;
  TemporaryFile file(bundle(kCount));
  ASSERT_TRUE(load(first_.get(), file.path()));
  EXPECT_EQ(misses(), kCount);
  ASSERT_TRUE(load(second_.get(), file.path()));
  EXPECT_EQ(misses(), kCount);
  EXPECT_EQ(hits(), kCount);
  EXPECT_EQ(certificates_of(second_.get()).size(), kCount);
  EXPECT_EQ(certificates_of(first_.get()), certificates_of(second_.get()));
}

TEST_F(PkiTrustedFile, HugeBundleIsComplete) {
  constexpr unsigned int kCount = 700;  // more than are kept
  TemporaryFile file(bundle(kCount));
  ASSERT_TRUE(load(first_.get(), file.path()));
  EXPECT_EQ(certificates_of(first_.get()).size(), kCount);
  EXPECT_LE(certificate_cache_statistics().entries, 512U);
}

TEST_F(PkiTrustedFile, TrustSettingsAreNotShared) {
  X509Ptr marked = read("root");
  ASSERT_EQ(X509_add1_reject_object(marked.get(), OBJ_nid2obj(NID_server_auth)), 1);
  BioPtr memory(BIO_new(BIO_s_mem()));
  ASSERT_EQ(PEM_write_bio_X509_AUX(memory.get(), marked.get()), 1);
  char* text = nullptr;
  long length = BIO_get_mem_data(memory.get(), &text);
  TemporaryFile file({text, static_cast<size_t>(length)});
  ASSERT_TRUE(load(first_.get(), file.path()));
  EXPECT_EQ(certificate_cache_statistics().entries, 0U);
  ASSERT_TRUE(load(second_.get(), path_of("root").c_str()));
  EXPECT_NE(X509_get0_reject_objects(certificates_of(first_.get())[0]), nullptr);
  EXPECT_EQ(X509_get0_reject_objects(certificates_of(second_.get())[0]), nullptr);
}

TEST_F(PkiTrustedFile, DamagedFileAddsNothing) {
  std::string good = bundle(2);
  TemporaryFile file(good + "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n" + good);
  EXPECT_FALSE(load(first_.get(), file.path()));
  EXPECT_NE(ERR_peek_error(), 0U);
  EXPECT_TRUE(certificates_of(first_.get()).empty());
}

TEST_F(PkiTrustedFile, OtherLibraryContextsParseThemselves) {
  OSSL_LIB_CTX* library = OSSL_LIB_CTX_new();
  ASSERT_TRUE(load(first_.get(), path_of("root").c_str(), library));
  ASSERT_TRUE(load(second_.get(), path_of("root").c_str(), library));
  EXPECT_NE(certificates_of(first_.get()), certificates_of(second_.get()));
  EXPECT_EQ(hits() + misses(), 0U);
  first_.reset();
  second_.reset();
  OSSL_LIB_CTX_free(library);
}

// A certificate that could not be kept is no failure; a list that could not grow is one.
TEST_F(PkiTrustedFile, ShortOfMemory) {
  ASSERT_TRUE(support::allocator_installed());
  TemporaryFile file(bundle(10));
  size_t refused = 0;
  for (size_t successes = 0; successes < 100; ++successes) {
    clear_certificate_cache();
    X509StorePtr store(X509_STORE_new());
    support::fail_allocation_after(successes);
    bool loaded = load(store.get(), file.path());
    bool failed = support::stop_failing();
    EXPECT_EQ(certificates_of(store.get()).size(), loaded ? 10U : 0U);
    EXPECT_EQ(ERR_GET_REASON(ERR_peek_error()), loaded ? 0 : ERR_R_MALLOC_FAILURE);
    ERR_clear_error();
    EXPECT_TRUE(loaded || failed);
    if (!loaded) ++refused;
    if (failed) continue;
    EXPECT_GT(successes, 10U);  // each certificate that is kept, and the list
    EXPECT_GT(refused, 0U);
    return;
  }
  FAIL() << "no end of allocations";
}

TEST_F(PkiTrustedFile, ThreadsLoadAndVerify) {
  TemporaryFile file(bundle(8));
  X509Ptr leaf = read("server-p256");
  std::atomic<int> good{0};
  std::atomic<bool> stop{false};
  std::thread eraser([&] {
    while (!stop) {
      clear_certificate_cache();
      std::this_thread::yield();
    }
  });
  std::vector<std::thread> threads;
  // Freed after the threads: ThreadSanitizer does not see the counting in libcrypto.
  X509StorePtr stores[4][10];
  for (auto& of_thread : stores) {
    threads.emplace_back([&] {
      for (X509StorePtr& store : of_thread) {
        store.reset(X509_STORE_new());
        X509StoreCtxPtr context(X509_STORE_CTX_new());
        if (load(store.get(), file.path()) && certificates_of(store.get()).size() == 8 &&
            X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), nullptr) == 1 &&
            X509_verify_cert(context.get()) == 1) {
          ++good;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  stop = true;
  eraser.join();
  EXPECT_EQ(good, 4 * 10);
}

}  // namespace
}  // namespace handfast
