// How many records one key of TLS 1.3 may protect (RFC 8446 section 5.5).
#pragma once

#include <cstdint>

#include "crypto/cipher_suite.h"

namespace handfast {

struct KeyLimits {
  uint64_t renew;  // our key is renewed by then, and the peer asked to renew its own
  uint64_t end;    // more of the peer's than these end the connection
};

[[nodiscard]] KeyLimits key_limits(const CipherSuite& suite);

}  // namespace handfast
