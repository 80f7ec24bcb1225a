// Words of cipher strings that stand for many suites (openssl-ciphers(1)).
#pragma once

#include <cstdint>
#include <string_view>

namespace handfast {

// A pattern of suites. In kx, auth, enc, mac and strength 0 stands for any; else the suite must
// have one of the bits (crypto/cipher_class.h).
struct CipherPattern {
  uint32_t kx = 0, auth = 0, enc = 0, mac = 0;
  int min_tls = 0;
  uint32_t strength = 0;
};

// nullptr when the word is not known.
const CipherPattern* find_cipher_alias(std::string_view word);

}  // namespace handfast
