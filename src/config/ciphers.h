// Owner of a list of cipher suites; the suites themselves are constant rows.
#pragma once

#include <openssl/ssl.h>

#include <memory>

#include "wire/crypto_types.h"

namespace handfast {

inline void free_cipher_stack(STACK_OF(SSL_CIPHER) * stack) {
  sk_SSL_CIPHER_free(stack);
}

using CipherStackPtr = std::unique_ptr<STACK_OF(SSL_CIPHER), FreeWith<free_cipher_stack>>;

}  // namespace handfast
