// Secrets of at most one hash output, wiped when they go.
#pragma once

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstdint>
#include <cstring>
#include <span>

#include "wire/bytes.h"

namespace handfast {

class [[nodiscard]] Secret {
 public:
  Secret() = default;
  Secret(const Secret& other) { assign(other.view()); }
  Secret& operator=(const Secret& other) {
    if (this != &other) assign(other.view());
    return *this;
  }
  ~Secret() { OPENSSL_cleanse(data_, size_); }

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] View view() const { return {data_, size_}; }
  // The storage, made `size` bytes long (at most EVP_MAX_MD_SIZE).
  std::span<uint8_t> storage(size_t size) {
    size_ = static_cast<uint8_t>(size);
    return {data_, size_};
  }
  // `value` has at most EVP_MAX_MD_SIZE bytes.
  void assign(View value) {
    if (!value.empty()) std::memcpy(data_, value.data(), value.size());
    size_ = static_cast<uint8_t>(value.size());
  }
  void wipe() {
    OPENSSL_cleanse(data_, sizeof data_);
    size_ = 0;
  }

 private:
  uint8_t data_[EVP_MAX_MD_SIZE];
  uint8_t size_ = 0;
};

// A hash value: public, same shape.
struct Digest {
  uint8_t data[EVP_MAX_MD_SIZE];
  uint8_t size = 0;
  [[nodiscard]] View view() const { return {data, size}; }
};

}  // namespace handfast
