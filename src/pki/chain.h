// The certificates that we send.
#pragma once

#include "config/credentials.h"
#include "extension/exchange.h"
#include "wire/crypto_types.h"
#include "wire/verdict.h"

namespace handfast {

// The leaf of `credential` and the chain to send with it (RFC 8446 4.4.2): its own chain, else the
// context's extra chain certificates, else what can be built from the chain store or the context's
// store, unless SSL_MODE_NO_AUTO_CHAIN. A certificate below the security level is internal_error
// with SSL_R_EE_KEY_TOO_SMALL, SSL_R_CA_KEY_TOO_SMALL or SSL_R_CA_MD_TOO_WEAK, as in OpenSSL.
// `out` holds counted references, leaf first.
Verdict certificate_chain(const Exchange& exchange, const Credential& credential,
                          X509StackPtr& out);

}  // namespace handfast
