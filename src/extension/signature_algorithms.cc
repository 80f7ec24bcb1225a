// signature_algorithms and signature_algorithms_cert, RFC 8446 section 4.2.3.
#include <openssl/obj_mac.h>
#include <openssl/tls1.h>

#include "crypto/signature_scheme.h"
#include "extension/lists.h"
#include "extension/preferences.h"
#include "extension/rows.h"
#include "extension/state.h"

namespace handfast {

namespace {

// In the ClientHello and in the CertificateRequest.
Verdict name_schemes(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  // RFC 5246 7.4.1.4.1: "Clients MUST NOT offer it if they are offering versions of TLS prior to
  // 1.2", which means those that offer none above.
  send = exchange.server || exchange.max_version >= TLS1_2_VERSION;
  if (!send) return success();
  Prefixed16 list(writer);
  return write_signature_schemes(exchange, writer);
}

// supported_signature_algorithms<2..2^16-2>.
Verdict read(View body, View& list) {
  return only_u16_list(body, list) ? success() : fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
}

Verdict accept(Exchange& exchange, MessageSet, View body) {
  View list;
  HANDFAST_CHECK(read(body, list));
  bool kept = copy_u16_list(list, exchange.request_schemes) &&
              copy_u16_list(list, exchange.negotiated->peer_signature_schemes);
  return kept ? success() : malloc_failure();
}

Verdict forget(Exchange& exchange) {
  exchange.negotiated->peer_signature_schemes.clear();
  return success();
}

Verdict consider(Exchange& exchange, MessageSet, View body) {
  HANDFAST_CHECK(read(body, exchange.offers.signature_schemes));
  if (exchange.resuming) return forget(exchange);
  bool kept =
      copy_u16_list(exchange.offers.signature_schemes, exchange.negotiated->peer_signature_schemes);
  return kept ? success() : malloc_failure();
}

// 9.2: a hello without pre_shared_key MUST have it; where no key is found after all, the flow
// misses it. Before TLS 1.3 there are defaults (RFC 5246 7.4.1.4.1). 4.3.2: in a CertificateRequest
// it MUST be there.
Verdict absent(Exchange& exchange, MessageSet message) {
  bool psk = (exchange.received & extension_bit(TLSEXT_TYPE_psk)) != 0;
  if (message == kInClientHello && (psk || !speaks_tls13(exchange))) return forget(exchange);
  return fatal(Alert::missing_extension, SSL_R_MISSING_SIGALGS_EXTENSION);
}

Verdict accept_cert(Exchange& exchange, MessageSet, View body) {
  View list;
  HANDFAST_CHECK(read(body, list));
  return copy_u16_list(list, exchange.request_schemes_cert) ? success() : malloc_failure();
}

Verdict consider_cert(Exchange& exchange, MessageSet, View body) {
  return read(body, exchange.offers.signature_schemes_cert);
}

Verdict absent_cert(Exchange& exchange, MessageSet) {
  exchange.request_schemes_cert.clear();
  return success();
}

}  // namespace

constinit const Extension kSignatureAlgorithms = {
    .type = TLSEXT_TYPE_signature_algorithms,
    .in = kInClientHello | kInCertificateRequest,
    .client = {.offer = name_schemes, .accept = accept, .absent = absent},
    .server = {.consider = consider, .answer = name_schemes, .absent = absent},
};

constinit const Extension kSignatureAlgorithmsCert = {
    .type = TLSEXT_TYPE_signature_algorithms_cert,
    .in = kInClientHello | kInCertificateRequest,
    .client = {.accept = accept_cert, .absent = absent_cert},
    .server = {.consider = consider_cert},
};

}  // namespace handfast
