#include "crypto/algorithms.h"

#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include <iterator>

namespace handfast {

namespace {

constexpr int kHashNids[] = {NID_sha256, NID_sha384, NID_sha1,  NID_md5_sha1,
                             NID_md5,    NID_sha224, NID_sha512};
static_assert(std::size(kHashNids) == kHashCount);

constexpr int kCipherNids[] = {
    NID_aes_128_gcm, NID_aes_256_gcm,      NID_chacha20_poly1305, NID_aes_128_ccm,  NID_aes_128_ccm,
    NID_aes_256_ccm, NID_aes_256_ccm,      NID_aria_128_gcm,      NID_aria_256_gcm, NID_aes_128_cbc,
    NID_aes_256_cbc, NID_camellia_128_cbc, NID_camellia_256_cbc,  NID_seed_cbc,     NID_idea_cbc};
static_assert(std::size(kCipherNids) == kCipherCount);

// Whether an ENGINE is the default for an algorithm. The reference is dropped at once: the
// implicit form of the algorithm takes it again when it is used.
bool engine_provides(ENGINE* engine) {
  if (engine == nullptr) return false;
  ENGINE_finish(engine);
  return true;
}

// The objects of EVP_get_*bynid are static, and EVP_*_free() leaves them alone.
EvpMdPtr fetch_hash(OSSL_LIB_CTX* library, int nid, const char* query) {
  if (engine_provides(ENGINE_get_digest_engine(nid))) {
    return EvpMdPtr(const_cast<EVP_MD*>(EVP_get_digestbynid(nid)));
  }
  return EvpMdPtr(EVP_MD_fetch(library, OBJ_nid2sn(nid), query));
}

EvpCipherPtr fetch_cipher(OSSL_LIB_CTX* library, int nid, const char* query) {
  if (engine_provides(ENGINE_get_cipher_engine(nid))) {
    return EvpCipherPtr(const_cast<EVP_CIPHER*>(EVP_get_cipherbynid(nid)));
  }
  return EvpCipherPtr(EVP_CIPHER_fetch(library, OBJ_nid2sn(nid), query));
}

constexpr struct {
  int id;
  const char* name;
} kKeyTypes[] = {{EVP_PKEY_RSA, "RSA"},     {EVP_PKEY_RSA_PSS, "RSA-PSS"},
                 {EVP_PKEY_EC, "EC"},       {EVP_PKEY_ED25519, "ED25519"},
                 {EVP_PKEY_ED448, "ED448"}, {EVP_PKEY_DSA, "DSA"}};

uint8_t fetch_key_types(OSSL_LIB_CTX* library, const char* query) {
  uint8_t found = 0;
  for (size_t i = 0; i < std::size(kKeyTypes); ++i) {
    EVP_KEYMGMT* management = EVP_KEYMGMT_fetch(library, kKeyTypes[i].name, query);
    if (management != nullptr) found = static_cast<uint8_t>(found | 1U << i);
    EVP_KEYMGMT_free(management);
  }
  return found;
}

}  // namespace

bool Algorithms::fetch(OSSL_LIB_CTX* library, const char* property_query) {
  library_ = library;
  property_query_ = property_query;
  // A provider that lacks an algorithm is no error: FIPS has no MD5.
  ERR_set_mark();
  for (size_t i = 0; i < kHashCount; ++i) {
    hashes_[i] = fetch_hash(library, kHashNids[i], property_query);
  }
  for (size_t i = 0; i < kCipherCount; ++i) {
    ciphers_[i] = fetch_cipher(library, kCipherNids[i], property_query);
  }
  fetch_with_hmac(CipherId::aes128_cbc, 0, NID_aes_128_cbc_hmac_sha1, NID_aes_128_cbc_hmac_sha256);
  fetch_with_hmac(CipherId::aes256_cbc, 1, NID_aes_256_cbc_hmac_sha1, NID_aes_256_cbc_hmac_sha256);
  key_types_ = fetch_key_types(library, property_query);
  ERR_pop_to_mark();
  return groups_.discover(library, property_query);
}

// An ENGINE's cipher or digest is not passed by.
void Algorithms::fetch_with_hmac(CipherId id, size_t index, int sha1_nid, int sha256_nid) {
  auto from_provider = [](auto* algorithm, auto* provider) {
    return algorithm != nullptr && provider(algorithm) != nullptr;
  };
  if (!from_provider(cipher(id), EVP_CIPHER_get0_provider)) return;
  if (from_provider(hash(HashId::sha1), EVP_MD_get0_provider)) {
    with_sha1_[index] = fetch_cipher(library_, sha1_nid, property_query_);
  }
  if (from_provider(hash(HashId::sha256), EVP_MD_get0_provider)) {
    with_sha256_[index] = fetch_cipher(library_, sha256_nid, property_query_);
  }
}

const EVP_CIPHER* Algorithms::cipher_with_hmac(CipherId id, HashId hash) const {
  if (id != CipherId::aes128_cbc && id != CipherId::aes256_cbc) return nullptr;
  size_t index = id == CipherId::aes128_cbc ? 0 : 1;
  if (hash == HashId::sha1) return with_sha1_[index].get();
  return hash == HashId::sha256 ? with_sha256_[index].get() : nullptr;
}

const EVP_MD* Algorithms::hash(HashId id) const {
  return hashes_[static_cast<size_t>(id)].get();
}

const EVP_CIPHER* Algorithms::cipher(CipherId id) const {
  size_t index = static_cast<size_t>(id);
  return index < kCipherCount ? ciphers_[index].get() : nullptr;
}

bool Algorithms::has_key_type(int key_type) const {
  for (size_t i = 0; i < std::size(kKeyTypes); ++i) {
    if (kKeyTypes[i].id == key_type) return (key_types_ >> i & 1) != 0;
  }
  return false;
}

bool Algorithms::random(std::span<uint8_t> out) const {
  return RAND_bytes_ex(library_, out.data(), out.size(), 0) == 1;
}

bool Algorithms::random_private(std::span<uint8_t> out) const {
  return RAND_priv_bytes_ex(library_, out.data(), out.size(), 0) == 1;
}

}  // namespace handfast
