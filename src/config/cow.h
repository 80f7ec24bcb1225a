// Copy-on-write sharing of configuration between an SSL_CTX and its SSLs.
#pragma once

#include <atomic>
#include <utility>

#include "wire/allocate.h"

namespace handfast {

// Base of what Cow shares.
struct Shared {
  std::atomic<int> references{1};
};

// A counted pointer to configuration: -> reads, edit() clones first when somebody else holds it
// too. T derives from Shared and has `bool copy_from(const T&)`. Different holders may be used by
// different threads; one holder may not.
template <typename T>
class Cow {
 public:
  Cow() = default;
  Cow(const Cow& other) : shared_(other.shared_) {
    if (shared_ != nullptr) shared_->references.fetch_add(1, std::memory_order_relaxed);
  }
  Cow& operator=(const Cow& other) {
    Cow copy(other);
    std::swap(shared_, copy.shared_);
    return *this;
  }
  ~Cow() { release(); }

  // A fresh T of default settings; false when memory is short.
  [[nodiscard]] bool create() {
    release();
    shared_ = make<T>();
    return shared_ != nullptr;
  }
  const T* operator->() const { return shared_; }
  const T& operator*() const { return *shared_; }
  // For change; nullptr when a clone was needed and memory is short, nothing is changed then.
  [[nodiscard]] T* edit() {
    if (shared_->references.load(std::memory_order_acquire) == 1) return shared_;
    T* clone = make<T>();
    if (clone == nullptr || !clone->copy_from(*shared_)) {
      destroy(clone);
      return nullptr;
    }
    release();
    shared_ = clone;
    return shared_;
  }

 private:
  void release() {
    if (shared_ != nullptr && shared_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      destroy(shared_);
    }
    shared_ = nullptr;
  }
  T* shared_ = nullptr;
};

}  // namespace handfast
