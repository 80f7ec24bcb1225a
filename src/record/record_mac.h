// HMAC of records at TLS <= 1.2 (RFC 5246 6.2.3.1).
#pragma once

#include <openssl/md5.h>
#include <openssl/sha.h>

#include "crypto/hash.h"
#include "wire/bytes.h"

namespace handfast {

// seq_num || type || version || length: what the MAC, or an AEAD, covers in front of the content.
constexpr size_t kPseudoHeaderLength = 13;

// `header` begins with a record's type and version.
struct PseudoHeader {
  uint8_t bytes[kPseudoHeaderLength];

  PseudoHeader(uint64_t sequence, View header, size_t length);
  void set_length(size_t length) {
    bytes[11] = static_cast<uint8_t>(length >> 8);
    bytes[12] = static_cast<uint8_t>(length);
  }
  [[nodiscard]] View view() const { return {bytes, sizeof bytes}; }
};

// HMAC with the padded key absorbed once. MD5, SHA-1, SHA-256 and SHA-384 of the default provider
// run on libcrypto's plain states, any other digest through EVP.
class RecordMac {
 public:
  static constexpr size_t kMaxSize = EVP_MAX_MD_SIZE;

  RecordMac() = default;
  ~RecordMac() { wipe(); }
  RecordMac(const RecordMac&) = delete;
  RecordMac& operator=(const RecordMac&) = delete;

  // `md` is borrowed; `key` is copied. False only when libcrypto fails; so below.
  [[nodiscard]] bool start(const EVP_MD* md, View key);
  [[nodiscard]] size_t size() const { return size_; }
  // MAC of header || content; size() bytes at `out`.
  [[nodiscard]] bool compute(const PseudoHeader& header, View content, uint8_t* out) const;
  // The same over the first `length` bytes of `content`, where `length` is a secret between
  // `shortest` and content.size(): no branch, no address and no count of hashed blocks depends on
  // it (Lucky 13). A digest that runs through EVP hashes all of `content` in any case, but may
  // differ by a block.
  [[nodiscard]] bool compute_secret_length(const PseudoHeader& header, View content,
                                           size_t shortest, size_t length, uint8_t* out) const;

 private:
  enum class Path : uint8_t { none, generic, md5, sha1, sha256, sha384 };
  union States {
    MD5_CTX md5;
    SHA_CTX sha1;
    SHA256_CTX sha256;
    SHA512_CTX sha384;
  };
  void wipe();

  Path path_ = Path::none;
  uint8_t size_ = 0;
  States inner_;
  States outer_;
  Hmac generic_;
};

}  // namespace handfast
