// Which suites encrypt-then-MAC is for.
#pragma once

#include "crypto/cipher_suite.h"

namespace handfast {

// RFC 7366 section 3: those that have block cipher and MAC apart; not AEAD, not NULL.
[[nodiscard]] bool takes_encrypt_then_mac(const CipherSuite& suite);

}  // namespace handfast
