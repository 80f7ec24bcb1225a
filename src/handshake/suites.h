// The cipher suites in force: the connection's own list or its context's (SSL_get_ciphers(3)).
#pragma once

#include <openssl/ssl.h>

#include "handshake/handshake.h"

namespace handfast {

// Does `accept(suite)` hold for one of them? They are asked in order of preference.
template <typename Accept>
const CipherSuite* first_suite(const Handshake& hs, Accept accept) {
  const STACK_OF(SSL_CIPHER)* suites = SSL_get_ciphers(hs.ssl);
  for (int i = 0; i < sk_SSL_CIPHER_num(suites); ++i) {
    const CipherSuite* suite = sk_SSL_CIPHER_value(suites, i);
    if (accept(*suite)) return suite;
  }
  return nullptr;
}

inline bool fits_version(const CipherSuite& suite, int minimum, int maximum) {
  return suite.min_tls <= maximum && suite.max_tls >= minimum;
}

}  // namespace handfast
