// Small containers whose growth can fail.
#pragma once

#include <openssl/crypto.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

namespace handfast {

// A growable sequence from OPENSSL_malloc; T may be movable only.
template <typename T>
class [[nodiscard]] Array {
 public:
  Array() = default;
  Array(Array&& other) noexcept { swap(other); }
  Array& operator=(Array&& other) noexcept {
    Array taken(std::move(other));
    swap(taken);
    return *this;
  }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array() {
    clear();
    OPENSSL_free(data_);
  }

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  T& operator[](size_t index) { return data_[index]; }
  const T& operator[](size_t index) const { return data_[index]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& back() { return data_[size_ - 1]; }
  [[nodiscard]] std::span<const T> view() const { return {data_, size_}; }

  [[nodiscard]] bool reserve(size_t capacity) {
    if (capacity <= capacity_) return true;
    auto* grown = static_cast<T*>(OPENSSL_malloc(capacity * sizeof(T)));
    if (grown == nullptr) return false;
    for (size_t i = 0; i < size_; ++i) {
      new (grown + i) T(std::move(data_[i]));
      data_[i].~T();
    }
    OPENSSL_free(data_);
    data_ = grown;
    capacity_ = capacity;
    return true;
  }
  [[nodiscard]] bool push_back(T value) {
    if (size_ == capacity_ && !reserve(capacity_ == 0 ? 4 : 2 * capacity_)) return false;
    new (data_ + size_++) T(std::move(value));
    return true;
  }
  // Copies; for copyable T only.
  [[nodiscard]] bool assign(std::span<const T> values) {
    Array copy;
    if (!copy.reserve(values.size())) return false;
    for (const T& value : values) new (copy.data_ + copy.size_++) T(value);
    swap(copy);
    return true;
  }
  void erase(size_t index) {
    std::move(begin() + index + 1, end(), begin() + index);
    data_[--size_].~T();
  }
  [[nodiscard]] bool contains(const T& value) const {
    return std::find(begin(), end(), value) != end();
  }
  void clear() {
    while (size_ > 0) data_[--size_].~T();
  }
  void swap(Array& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// A sequence of at most N trivial elements, without the heap.
template <typename T, size_t N>
class InlineVector {
 public:
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] bool full() const { return size_ == N; }
  T& operator[](size_t index) { return data_[index]; }
  const T& operator[](size_t index) const { return data_[index]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  [[nodiscard]] std::span<const T> view() const { return {data_, size_}; }
  // False when full: the element is dropped.
  bool push_back(const T& value) {
    if (full()) return false;
    data_[size_++] = value;
    return true;
  }
  void clear() { size_ = 0; }
  [[nodiscard]] bool contains(const T& value) const {
    return std::find(begin(), end(), value) != end();
  }

 private:
  T data_[N] = {};
  uint32_t size_ = 0;
};

}  // namespace handfast
