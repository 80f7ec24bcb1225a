// signed_certificate_timestamp, RFC 6962 section 3.3.1.
#include <openssl/tls1.h>

#include "extension/rows.h"

namespace handfast {

namespace {

Verdict offer(Exchange& exchange, MessageSet, Writer&, bool& send) {
  send = exchange.ct_enabled;
  return success();
}

// The application's callback judges what is in the list (SSL_CTX_set_ct_validation_callback(3)).
Verdict accept(Exchange& exchange, MessageSet message, View body) {
  if (message == kInCertificateRequest) return success();
  if (message == kInCertificate && exchange.certificate_index != 0) return success();
  return exchange.negotiated->scts.assign(body) ? success() : malloc_failure();
}

Verdict consider(Exchange& exchange, MessageSet message, View body) {
  if (message != kInClientHello) return success();
  if (!body.empty()) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  exchange.offers.sct = true;
  return success();
}

}  // namespace

constinit const Extension kSignedCertificateTimestamp = {
    .type = TLSEXT_TYPE_signed_certificate_timestamp,
    .in = kInClientHello | kInServerHello12 | kInCertificate | kInCertificateRequest,
    .client = {.offer = offer, .accept = accept},
    .server = {.consider = consider},
};

}  // namespace handfast
