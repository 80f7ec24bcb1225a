// libcrypto's algorithms, fetched once per SSL_CTX: no fetch in any handshake.
#pragma once

#include <openssl/evp.h>

#include "crypto/cipher_suite.h"
#include "crypto/provider_groups.h"
#include "wire/crypto_types.h"
#include "wire/verdict.h"

namespace handfast {

// The library context and property query that an SSL_CTX was made with, and what was fetched
// from them. Immutable after fetch(); shared by every connection of the context.
class Algorithms {
 public:
  // Neither parameter is owned; both may be nullptr (default context, no query).
  // `property_query` must outlive this object. False, perhaps with the reason in the queue: a
  // provider does not tell its groups. Whatever else is missing is no failure.
  [[nodiscard]] bool fetch(OSSL_LIB_CTX* library, const char* property_query);

  [[nodiscard]] OSSL_LIB_CTX* library() const { return library_; }
  [[nodiscard]] const char* property_query() const { return property_query_; }

  // nullptr when the providers lack the algorithm.
  [[nodiscard]] const EVP_MD* hash(HashId id) const;
  [[nodiscard]] const EVP_CIPHER* cipher(CipherId id) const;
  // Have the providers keys of this kind? `key_type` is an EVP_PKEY_* of a signature scheme.
  [[nodiscard]] bool has_key_type(int key_type) const;
  // What key exchange can use.
  [[nodiscard]] const ProviderGroups& groups() const { return groups_; }
  // A CBC cipher that makes the HMAC of a record on the way (AES with SHA-1 or SHA-256 on some
  // processors), faster than both by themselves.
  [[nodiscard]] const EVP_CIPHER* cipher_with_hmac(CipherId id, HashId hash) const;

  // A cipher or digest that an ENGINE has registered comes before the providers' (compat.md).
  // The random source of the context; false raises internal_error at the caller.
  [[nodiscard]] bool random(std::span<uint8_t> out) const;
  [[nodiscard]] bool random_private(std::span<uint8_t> out) const;

 private:
  void fetch_with_hmac(CipherId id, size_t index, int sha1_nid, int sha256_nid);

  OSSL_LIB_CTX* library_ = nullptr;
  const char* property_query_ = nullptr;
  EvpMdPtr hashes_[kHashCount];
  EvpCipherPtr ciphers_[kCipherCount];
  EvpCipherPtr with_sha1_[2];  // AES-128 and AES-256
  EvpCipherPtr with_sha256_[2];
  ProviderGroups groups_;
  uint8_t key_types_ = 0;  // a bit for each of kKeyTypes in algorithms.cc
};

}  // namespace handfast
