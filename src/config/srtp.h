// The protection profiles of SRTP (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
#pragma once

#include <openssl/ssl.h>

#include <memory>

#include "wire/crypto_types.h"

namespace handfast {

inline void free_srtp_stack(STACK_OF(SRTP_PROTECTION_PROFILE) * stack) {
  sk_SRTP_PROTECTION_PROFILE_free(stack);
}

// Of rows of a constant table.
using SrtpStackPtr = std::unique_ptr<STACK_OF(SRTP_PROTECTION_PROFILE), FreeWith<free_srtp_stack>>;

}  // namespace handfast
