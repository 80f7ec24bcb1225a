// Objects in memory from OPENSSL_malloc, so that programs which replace the allocator see all of
// it.
#pragma once

#include <openssl/crypto.h>

#include <memory>
#include <new>
#include <utility>

namespace handfast {

// Constructs a T, or returns nullptr when memory is short. Free with destroy().
template <typename T, typename... Args>
[[nodiscard]] T* make(Args&&... args) {
  void* memory = OPENSSL_malloc(sizeof(T));
  return memory == nullptr ? nullptr : new (memory) T(std::forward<Args>(args)...);
}

// Destroys what make() returned; nullptr is allowed.
template <typename T>
void destroy(T* object) {
  if (object == nullptr) return;
  object->~T();
  OPENSSL_free(object);
}

struct Destroy {
  template <typename T>
  void operator()(T* object) const {
    destroy(object);
  }
};

// Sole owner of an object from make().
template <typename T>
using Unique = std::unique_ptr<T, Destroy>;

struct OpensslFree {
  void operator()(void* memory) const { OPENSSL_free(memory); }
};

// Owner of a NUL-terminated string from OPENSSL_strdup.
using UniqueString = std::unique_ptr<char, OpensslFree>;

}  // namespace handfast
