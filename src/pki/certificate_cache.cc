#include "pki/certificate_cache.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#include <atomic>
#include <cstdlib>
#include <cstring>

namespace handfast {
namespace {

// Room for two bundles of public CAs, of about 150 each, beside the peers.
constexpr size_t kStripes = 16;
constexpr size_t kEntriesPerStripe = 32;
constexpr size_t kMaxLength = 8192;  // bytes of DER; longer ones are rare and are not kept

struct Entry {
  uint64_t hash = 0;
  Bytes der;
  X509* certificate = nullptr;    // one reference; nullptr: free
  std::atomic<bool> used{false};  // since the clock hand passed
};

struct Stripe {
  pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
  Entry entries[kEntriesPerStripe];
  size_t hand = 0;
  std::atomic<size_t> hits{0};
  std::atomic<size_t> misses{0};
};

// Never destroyed as a whole: another thread may still be in a handshake when the process ends.
union Storage {
  constexpr Storage() : stripes{} {}
  ~Storage() {}
  Stripe stripes[kStripes];
};
constinit Storage storage;

class ReadLock {
 public:
  explicit ReadLock(Stripe& stripe) : stripe_(stripe) { pthread_rwlock_rdlock(&stripe.lock); }
  ~ReadLock() { pthread_rwlock_unlock(&stripe_.lock); }
  ReadLock(const ReadLock&) = delete;
  ReadLock& operator=(const ReadLock&) = delete;

 private:
  Stripe& stripe_;
};

class WriteLock {
 public:
  explicit WriteLock(Stripe& stripe) : stripe_(stripe) { pthread_rwlock_wrlock(&stripe.lock); }
  ~WriteLock() { pthread_rwlock_unlock(&stripe_.lock); }
  WriteLock(const WriteLock&) = delete;
  WriteLock& operator=(const WriteLock&) = delete;

 private:
  Stripe& stripe_;
};

CRYPTO_ONCE start_once = CRYPTO_ONCE_STATIC_INIT;
bool enabled = false;
uint64_t seed = 0;

void start() {
  const char* choice = secure_getenv("HANDFAST_CERTIFICATE_CACHE");
  if (choice != nullptr && (std::strcmp(choice, "off") == 0 || std::strcmp(choice, "0") == 0)) {
    return;
  }
  // Peers must not be able to choose who shares a stripe with whom.
  unsigned char random[sizeof seed];
  if (RAND_bytes(random, sizeof random) != 1) return;
  std::memcpy(&seed, random, sizeof seed);
  // What is left at exit must be freed before libcrypto goes.
  enabled = OPENSSL_atexit(clear_certificate_cache) == 1;
}

bool cacheable(OSSL_LIB_CTX* library, const char* property_query, View der) {
  if (library != nullptr || property_query != nullptr || der.size() > kMaxLength) return false;
  if (CRYPTO_THREAD_run_once(&start_once, start) == 0 || !enabled) return false;
  // A thread may have made another context its default one.
  return OSSL_LIB_CTX_set0_default(nullptr) == OSSL_LIB_CTX_get0_global_default() &&
         EVP_default_properties_is_fips_enabled(nullptr) == 0;
}

uint64_t mix(uint64_t a, uint64_t b) {
  auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// Finds candidates only: the bytes are compared afterwards.
uint64_t hash_of(View der) {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
  uint64_t hash = mix(seed ^ kOdd, der.size() ^ kOdd);
  while (!der.empty()) {
    size_t length = der.size() < 8 ? der.size() : 8;
    uint64_t word = 0;
    std::memcpy(&word, der.data(), length);
    hash = mix(hash ^ word, kOdd ^ seed);
    der = der.subspan(length);
  }
  return hash;
}

// Has the application written to it?
bool marked(X509* certificate) {
  int length = 0;
  return X509_get0_trust_objects(certificate) != nullptr ||
         X509_get0_reject_objects(certificate) != nullptr ||
         X509_alias_get0(certificate, &length) != nullptr ||
         X509_keyid_get0(certificate, &length) != nullptr;
}

Entry* find(Stripe& stripe, uint64_t hash, View der) {
  for (Entry& entry : stripe.entries) {
    if (entry.certificate != nullptr && entry.hash == hash && equal(entry.der.view(), der)) {
      return &entry;
    }
  }
  return nullptr;
}

void drop(Stripe& stripe, uint64_t hash, View der) {
  X509Ptr dropped;
  WriteLock lock(stripe);
  if (Entry* entry = find(stripe, hash, der); entry != nullptr) {
    dropped.reset(entry->certificate);
    entry->certificate = nullptr;
  }
}

// Everything that libcrypto computes at first use.
void settle(X509* certificate) {
  ERR_set_mark();
  X509_check_purpose(certificate, -1, 0);
  ERR_pop_to_mark();
}

bool key_is_known(X509* certificate) {
  ERR_set_mark();
  bool known = X509_get0_pubkey(certificate) != nullptr;
  ERR_pop_to_mark();
  return known;
}

bool look_up(Stripe& stripe, uint64_t hash, View der, X509Ptr& out) {
  {
    ReadLock lock(stripe);
    Entry* entry = find(stripe, hash, der);
    if (entry == nullptr) return false;
    if (!marked(entry->certificate)) {
      settle(entry->certificate);
      if (X509_up_ref(entry->certificate) == 0) return false;
      out.reset(entry->certificate);
      entry->used.store(true, std::memory_order_relaxed);
      return true;
    }
  }
  drop(stripe, hash, der);
  return false;
}

// Keeps `certificate`; when memory is short it is not kept, and nobody needs to know.
void insert(Stripe& stripe, uint64_t hash, View der, X509* certificate) {
  Bytes copy;
  if (!copy.assign(der) || X509_up_ref(certificate) == 0) return;
  X509Ptr evicted(certificate);
  WriteLock lock(stripe);
  if (find(stripe, hash, der) != nullptr) return;  // another thread was faster
  Entry* victim = nullptr;
  // Clock: the first free entry or the first that was not used since the hand passed.
  while (victim == nullptr) {
    Entry& entry = stripe.entries[stripe.hand];
    stripe.hand = (stripe.hand + 1) % kEntriesPerStripe;
    if (entry.certificate == nullptr || !entry.used.exchange(false, std::memory_order_relaxed)) {
      victim = &entry;
    }
  }
  X509* previous = victim->certificate;
  victim->certificate = evicted.release();
  evicted.reset(previous);
  victim->hash = hash;
  victim->der.swap(copy);
}

Verdict parse(OSSL_LIB_CTX* library, const char* property_query, View der, X509Ptr& out,
              Alert malformed) {
  X509* certificate = X509_new_ex(library, property_query);
  if (certificate == nullptr) return malloc_failure();
  const unsigned char* end = der.data();
  // d2i_X509 frees the object on failure and then leaves nullptr.
  if (d2i_X509(&certificate, &end, static_cast<long>(der.size())) == nullptr) {
    X509_free(certificate);
    return fatal(malformed, ERR_R_ASN1_LIB);
  }
  out.reset(certificate);
  if (end != der.data() + der.size()) {
    return fatal(Alert::decode_error, SSL_R_CERT_LENGTH_MISMATCH);
  }
  return success();
}

enum class Origin : uint8_t { peer, file };

Verdict find_or_parse(Origin origin, OSSL_LIB_CTX* library, const char* property_query, View der,
                      X509Ptr& out, Alert malformed) {
  out.reset();
  if (!cacheable(library, property_query, der)) {
    return parse(library, property_query, der, out, malformed);
  }
  uint64_t hash = hash_of(der);
  Stripe& stripe = storage.stripes[hash % kStripes];
  if (look_up(stripe, hash, der, out)) {
    stripe.hits.fetch_add(1, std::memory_order_relaxed);
    return success();
  }
  stripe.misses.fetch_add(1, std::memory_order_relaxed);
  X509Ptr parsed;
  HANDFAST_CHECK(parse(library, property_query, der, parsed, malformed));
  // The verification of a peer needs it at once.
  if (origin == Origin::peer) settle(parsed.get());
  if (key_is_known(parsed.get())) insert(stripe, hash, der, parsed.get());
  out = std::move(parsed);
  return success();
}

}  // namespace

Verdict parse_certificate(const Algorithms& algorithms, View der, X509Ptr& out, Alert malformed) {
  return find_or_parse(Origin::peer, algorithms.library(), algorithms.property_query(), der, out,
                       malformed);
}

Verdict parse_file_certificate(OSSL_LIB_CTX* library, const char* property_query, View der,
                               X509Ptr& out) {
  return find_or_parse(Origin::file, library, property_query, der, out, Alert::decode_error);
}

CertificateCacheStatistics certificate_cache_statistics() {
  CertificateCacheStatistics statistics{};
  for (Stripe& stripe : storage.stripes) {
    ReadLock lock(stripe);
    for (const Entry& entry : stripe.entries) statistics.entries += entry.certificate != nullptr;
    statistics.hits += stripe.hits.load(std::memory_order_relaxed);
    statistics.misses += stripe.misses.load(std::memory_order_relaxed);
  }
  return statistics;
}

void clear_certificate_cache() {
  for (Stripe& stripe : storage.stripes) {
    WriteLock lock(stripe);
    for (Entry& entry : stripe.entries) {
      X509_free(entry.certificate);
      entry.certificate = nullptr;
      entry.der.release();
    }
  }
}

}  // namespace handfast
