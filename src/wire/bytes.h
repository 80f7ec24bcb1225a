// Owned bytes and views of bytes.
#pragma once

#include <openssl/crypto.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

namespace handfast {

using View = std::span<const uint8_t>;

inline View as_view(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// std::string_view::starts_with() needs libstdc++ at run time.
inline bool has_prefix(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         std::memcmp(text.data(), prefix.data(), prefix.size()) == 0;
}

inline bool equal(View a, View b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

// Comparison of secrets: time depends on the lengths only.
inline bool equal_constant_time(View a, View b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// A growable buffer from OPENSSL_malloc. Growth can fail and says so; contents are wiped when freed
// only through wipe(): secrets live in Secret (crypto/secret.h).
class [[nodiscard]] Bytes {
 public:
  Bytes() = default;
  Bytes(Bytes&& other) noexcept { swap(other); }
  Bytes& operator=(Bytes&& other) noexcept {
    Bytes taken(std::move(other));
    swap(taken);
    return *this;
  }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes() { OPENSSL_free(data_); }

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] size_t capacity() const { return capacity_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] uint8_t* data() { return data_; }
  [[nodiscard]] const uint8_t* data() const { return data_; }
  [[nodiscard]] View view() const { return {data_, size_}; }
  [[nodiscard]] std::span<uint8_t> span() { return {data_, size_}; }

  // Room for `capacity` bytes in total; the contents stay.
  [[nodiscard]] bool reserve(size_t capacity) {
    if (capacity <= capacity_) return true;
    auto* grown = static_cast<uint8_t*>(OPENSSL_realloc(data_, capacity));
    if (grown == nullptr) return false;
    data_ = grown;
    capacity_ = capacity;
    return true;
  }
  // New bytes are indeterminate.
  [[nodiscard]] bool resize(size_t size) {
    if (!reserve(size)) return false;
    size_ = size;
    return true;
  }
  [[nodiscard]] bool assign(View bytes) {
    if (!resize(bytes.size())) return false;
    if (!bytes.empty()) std::memmove(data_, bytes.data(), bytes.size());
    return true;
  }
  // `bytes` must not point into this buffer.
  [[nodiscard]] bool append(View bytes) {
    size_t needed = size_ + bytes.size();
    if (needed > capacity_ && !reserve(needed < 2 * capacity_ ? 2 * capacity_ : needed)) {
      return false;
    }
    if (!bytes.empty()) std::memcpy(data_ + size_, bytes.data(), bytes.size());
    size_ = needed;
    return true;
  }
  void clear() { size_ = 0; }
  void truncate(size_t size) {
    if (size < size_) size_ = size;
  }
  void release() { Bytes().swap(*this); }
  void wipe() {
    if (data_ != nullptr) OPENSSL_cleanse(data_, capacity_);
    size_ = 0;
  }
  void swap(Bytes& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace handfast
