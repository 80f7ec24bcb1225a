// Which slot of Credentials a key belongs to.
#pragma once

#include <openssl/evp.h>

#include "config/credentials.h"
#include "crypto/signature_scheme.h"

namespace handfast {

// The slot for keys of this type; false for a type that TLS has no certificates for.
[[nodiscard]] bool slot_of_key(const EVP_PKEY* key, KeySlot& slot);
// The slot whose key signs by `scheme`; false when the scheme is for none.
[[nodiscard]] bool slot_of_scheme(const SignatureScheme& scheme, KeySlot& slot);

}  // namespace handfast
