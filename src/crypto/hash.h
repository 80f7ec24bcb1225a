// Hash and HMAC states kept by value: no allocation for the digests of the default provider.
#pragma once

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <initializer_list>
#include <span>

#include "crypto/secret.h"
#include "wire/bytes.h"
#include "wire/crypto_types.h"

namespace handfast {

// A running hash. SHA-256 and SHA-384 of the default provider run on libcrypto's plain states;
// any other digest (another provider, an ENGINE) runs through EVP.
class Hash {
 public:
  Hash() = default;
  ~Hash() { OPENSSL_cleanse(&state_, state_size()); }
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;

  // `md` is borrowed. All functions return false only when libcrypto fails.
  [[nodiscard]] bool start(const EVP_MD* md);
  void reset();  // as before start()
  [[nodiscard]] bool started() const { return path_ != Path::none; }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] size_t block_size() const { return block_size_; }
  [[nodiscard]] bool update(View data);
  // Writes size() bytes; only start() and copy_from() may follow.
  [[nodiscard]] bool finish(uint8_t* out);
  // Becomes a copy of `other`, which was started.
  [[nodiscard]] bool copy_from(const Hash& other);

 private:
  enum class Path : uint8_t { none, generic, sha256, sha384 };
  union State {
    SHA256_CTX sha256;
    SHA512_CTX sha384;
  };

  [[nodiscard]] size_t state_size() const {
    if (path_ == Path::sha256) return sizeof(SHA256_CTX);
    return path_ == Path::sha384 ? sizeof(SHA512_CTX) : 0;
  }

  Path path_ = Path::none;
  uint8_t size_ = 0;
  uint8_t block_size_ = 0;
  State state_;
  EvpMdCtxPtr context_;
};

// HMAC (RFC 2104) with the padded key absorbed once.
class Hmac {
 public:
  [[nodiscard]] bool start(const EVP_MD* md, View key);
  [[nodiscard]] size_t size() const { return inner_.size(); }
  // MAC of the concatenated parts; size() bytes at `out`. May be called again.
  [[nodiscard]] bool compute(std::initializer_list<View> parts, uint8_t* out) const;

 private:
  Hash inner_;
  Hash outer_;
};

}  // namespace handfast
