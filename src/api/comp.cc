// SSL_COMP_add_compression_method(3). Records are never compressed (RFC 8446 section 4.1.2 and the
// CRIME attack on older versions): the list exists for programs that read or empty it at start-up.
#include "api/comp.h"

#include <openssl/comp.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

// The name that <openssl/ssl.h> gives to the type of SSL_COMP.
struct ssl_comp_st {
  int id;
  const char* name;
  COMP_METHOD* method;
};

namespace {

constexpr int kZlibId = 1;  // RFC 3749 section 2.1
// RFC 3749 section 2: reserved for private use.
constexpr int kFirstPrivateId = 193;
constexpr int kLastPrivateId = 255;

using Methods = STACK_OF(SSL_COMP);

CRYPTO_ONCE builtin_once = CRYPTO_ONCE_STATIC_INIT;
Methods* methods;

int compare(const SSL_COMP* const* left, const SSL_COMP* const* right) {
  return (*left)->id - (*right)->id;
}

void free_method(SSL_COMP* method) {
  OPENSSL_free(method);
}

// Takes nothing over on failure.
bool append(int id, COMP_METHOD* method) {
  auto* entry = static_cast<SSL_COMP*>(OPENSSL_malloc(sizeof(SSL_COMP)));
  if (entry == nullptr) return false;
  *entry = {id, COMP_get_name(method), method};
  if (sk_SSL_COMP_push(methods, entry) > 0) return true;
  OPENSSL_free(entry);
  return false;
}

void load_builtin() {
  methods = sk_SSL_COMP_new(compare);
  if (methods == nullptr) return;
  COMP_METHOD* zlib = COMP_zlib();
  // A libcrypto without zlib has a method that is nobody's.
  if (COMP_get_type(zlib) != NID_undef && append(kZlibId, zlib)) sk_SSL_COMP_sort(methods);
}

}  // namespace

void handfast::free_compression_methods() {
  sk_SSL_COMP_pop_free(methods, free_method);
  methods = nullptr;
}

extern "C" {

Methods* SSL_COMP_get_compression_methods(void) {
  CRYPTO_THREAD_run_once(&builtin_once, load_builtin);
  return methods;
}

Methods* SSL_COMP_set0_compression_methods(Methods* replacement) {
  Methods* previous = methods;
  methods = replacement;
  return previous;
}

// Unlike its neighbours this one returns 0 for success.
int SSL_COMP_add_compression_method(int id, COMP_METHOD* method) {
  if (method == nullptr || COMP_get_type(method) == NID_undef) return 1;
  if (id < kFirstPrivateId || id > kLastPrivateId) {
    ERR_raise(ERR_LIB_SSL, SSL_R_COMPRESSION_ID_NOT_WITHIN_PRIVATE_RANGE);
    return 1;
  }
  Methods* known = SSL_COMP_get_compression_methods();
  SSL_COMP sought = {id, nullptr, nullptr};
  if (known != nullptr && sk_SSL_COMP_find(known, &sought) >= 0) {
    ERR_raise(ERR_LIB_SSL, SSL_R_DUPLICATE_COMPRESSION_ID);
    return 1;
  }
  if (known == nullptr || !append(id, method)) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return 1;
  }
  return 0;
}

const char* SSL_COMP_get_name(const COMP_METHOD* method) {
  return method == nullptr ? nullptr : COMP_get_name(method);
}

const char* SSL_COMP_get0_name(const SSL_COMP* method) {
  return method == nullptr ? nullptr : method->name;
}

int SSL_COMP_get_id(const SSL_COMP* method) {
  return method == nullptr ? -1 : method->id;
}

const COMP_METHOD* SSL_get_current_compression(const SSL*) {
  return nullptr;
}

const COMP_METHOD* SSL_get_current_expansion(const SSL*) {
  return nullptr;
}

}  // extern "C"
