// SSL_check_chain(3).
#pragma once

#include <openssl/ssl.h>

#include "extension/exchange.h"

namespace handfast {

// The CERT_PKEY_* that hold for this certificate, key and chain (which may be nullptr) against what
// the peer of the handshake accepts; 0 without certificate or key, or for a type of key that TLS
// does not know.
int check_chain(const Exchange& exchange, X509* certificate, EVP_PKEY* key, STACK_OF(X509) * chain);

// RFC 8422 5.3: a server's certificate is on a curve that the client supports; a client's on one of
// its own. The security level allows it. True for keys that are on none.
[[nodiscard]] bool curve_accepted(const Exchange& exchange, const X509* certificate);

// With SSL_CERT_FLAG_TLS_STRICT or Suite B (SSL_CTX_set_cert_flags): is the credential one that the
// peer accepts in every respect? True without these flags.
[[nodiscard]] bool chain_suits(const Exchange& exchange, const Credential& credential);

}  // namespace handfast
