// Certificate Transparency (RFC 6962): the peer's signed certificate timestamps.
#pragma once

#include <openssl/ct.h>
#include <openssl/ssl.h>

#include <memory>

#include "extension/exchange.h"
#include "wire/bytes.h"
#include "wire/crypto_types.h"
#include "wire/verdict.h"

namespace handfast {

using SctStackPtr = std::unique_ptr<STACK_OF(SCT), FreeWith<SCT_LIST_free>>;

// The timestamps of the TLS extension's body, of a stapled OCSP response and in the certificate
// itself; each may be missing; `out` stays empty when all are. False: memory.
[[nodiscard]] bool read_scts(View extension, View ocsp_response, X509* certificate,
                             SctStackPtr& out);

// SSL_set_ct_validation_callback(3): validates the timestamps of an accepted chain and asks the
// callback. Nothing to do without callback, certificate or verified chain, or where DANE names the
// trust anchor (RFC 7671 section 4.2). handshake_failure when the callback refuses; the verify
// result is X509_V_ERR_NO_VALID_SCTS then, and whether the handshake ends is up to the verify mode.
Verdict check_transparency(Exchange& exchange, const CtSettings& settings, X509* certificate);

}  // namespace handfast
