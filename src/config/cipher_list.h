// Cipher strings (openssl-ciphers(1)) and the lists that they make.
#pragma once

#include "config/ciphers.h"
#include "config/context.h"
#include "config/policy.h"

namespace handfast {

// The list of a new SSL_CTX, OSSL_default_cipher_list().
constexpr const char* kDefaultCipherList = "ALL:!COMPLEMENTOFDEFAULT:!eNULL";

// Gives the context the default suites of all versions; false: memory, or no suite is usable.
[[nodiscard]] bool set_default_ciphers(Context& context);

}  // namespace handfast
