// signature_algorithms and signature_algorithms_cert, RFC 8446 section 4.2.3.
#include <openssl/obj_mac.h>
#include <openssl/tls1.h>

#include "crypto/signature_scheme.h"
#include "extension/lists.h"
#include "extension/preferences.h"
#include "extension/rows.h"

namespace handfast {

namespace {

bool fit_for_tls13(uint16_t id) {
  const SignatureScheme* scheme = find_signature_scheme(id);
  return scheme->key_type != EVP_PKEY_RSA || scheme->pss;
}

// In the ClientHello and in the CertificateRequest.
Verdict name_schemes(Exchange& exchange, MessageSet, Writer& writer, bool&) {
  // OpenSSL lets a client name nothing but schemes for certificates: the server refuses it then.
  bool only13 = exchange.server;
  bool any = false;
  {
    Prefixed16 list(writer);
    for (uint16_t id : scheme_preferences(exchange, true)) {
      if (!scheme_usable(exchange, id, SSL_SECOP_SIGALG_SUPPORTED)) continue;
      any = any || !only13 || fit_for_tls13(id);
      writer.u16(id);
    }
  }
  return any ? success() : internal_error(SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM);
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

Verdict consider(Exchange& exchange, MessageSet, View body) {
  HANDFAST_CHECK(read(body, exchange.offers.signature_schemes));
  bool kept =
      copy_u16_list(exchange.offers.signature_schemes, exchange.negotiated->peer_signature_schemes);
  return kept ? success() : malloc_failure();
}

// "If a server is authenticating via a certificate and the client has not sent a
// "signature_algorithms" extension, then the server MUST abort the handshake with a
// "missing_extension" alert"; 4.3.2: in a CertificateRequest it MUST be there.
Verdict absent(Exchange&, MessageSet) {
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
