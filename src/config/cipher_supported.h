// Which suites of a list a connection can really use: SSL_get1_supported_ciphers(3).
#pragma once

#include <openssl/ssl.h>

#include "config/ciphers.h"
#include "config/hooks.h"
#include "config/method.h"
#include "config/policy.h"

namespace handfast {

// The configuration that decides. References live with the connection.
struct CipherSupport {
  const SSL* ssl;
  const Method& method;
  const Policy& policy;
  const Hooks& hooks;
  bool server;
  bool srp;  // may its suites be used?
};

// Kinds of authentication (AuthSet) for which no signature scheme is left.
[[nodiscard]] uint32_t unusable_authentication(const CipherSupport& support);

// What the configuration rules out, worked out once for a list of suites.
struct CipherFilter {
  uint32_t no_kx = 0, no_auth = 0;
  uint16_t minimum = 0, maximum = 0;  // versions
};
[[nodiscard]] CipherFilter cipher_filter(const CipherSupport& support, uint16_t minimum,
                                         uint16_t maximum);
[[nodiscard]] bool passes(const CipherSupport& support, const CipherFilter& filter,
                          const CipherSuite& suite, int operation = SSL_SECOP_CIPHER_SUPPORTED);

// In the order of `list`; nullptr when it has none, or memory is short.
CipherStackPtr supported_ciphers(const CipherSupport& support, const STACK_OF(SSL_CIPHER) * list);

}  // namespace handfast
