// Verification of the peer's certificates.
#pragma once

#include <openssl/ssl.h>

#include "extension/exchange.h"
#include "wire/verdict.h"

namespace handfast {

enum class VerifyOutcome {
  verified,
  retry,     // the application called SSL_set_retry_verify(3); verify again later
  rejected,  // whether that ends the handshake is up to the verify mode
};

// Verifies `chain` (leaf first, not empty, not owned) with the connection's store, parameters,
// host names and callbacks, as SSL_CTX_set_verify(3), SSL_CTX_set_cert_verify_callback(3) and
// SSL_set1_host(3) say. Sets `verify_result` and SSL_get_verify_result(3) to the X509_V_* value,
// and negotiated.verified_chain. The caller has cleared SSL_want(3) before.
VerifyOutcome verify_chain(Exchange& exchange, STACK_OF(X509) * chain, long& verify_result);

// The alert for a chain that was rejected with X509_V_ERR_*.
Alert alert_for_verify_error(long x509_error);

// SSL_get_ex_data_X509_STORE_CTX_idx(3); -1: memory.
int store_context_ssl_index();

}  // namespace handfast
