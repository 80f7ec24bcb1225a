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
};

// In the order of `list`; nullptr when it has none, or memory is short.
CipherStackPtr supported_ciphers(const CipherSupport& support, const STACK_OF(SSL_CIPHER) * list);

}  // namespace handfast
