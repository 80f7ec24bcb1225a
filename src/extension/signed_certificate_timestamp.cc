// signed_certificate_timestamp, RFC 6962 section 3.3.1.
#include <openssl/tls1.h>

#include "extension/lists.h"
#include "extension/rows.h"

namespace handfast {

namespace {

Verdict offer(Exchange& exchange, MessageSet, Writer&, bool& send) {
  send = exchange.ct_enabled;
  return success();
}

// SignedCertificateTimestampList: sct_list<1..2^16-1> of SerializedSCT<1..2^16-1>.
bool well_formed(View body) {
  View list, sct;
  if (!only_vector16(body, list) || list.empty()) return false;
  Reader reader(list);
  while (!reader.empty()) {
    if (!reader.vector16(sct) || sct.empty()) return false;
  }
  return true;
}

Verdict accept(Exchange& exchange, MessageSet message, View body) {
  if (message == kInCertificateRequest) return success();
  if (!well_formed(body)) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
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
