// post_handshake_auth, RFC 8446 section 4.2.6. A client does not offer it: no flow answers a
// CertificateRequest after the handshake yet.
#include <openssl/tls1.h>

#include "extension/rows.h"

namespace handfast {

namespace {

// "The "extension_data" field of the "post_handshake_auth" extension is zero length."
Verdict consider(Exchange& exchange, MessageSet, View body) {
  if (!body.empty()) return fatal(Alert::decode_error, SSL_R_POST_HANDSHAKE_AUTH_ENCODING_ERR);
  exchange.offers.post_handshake_auth = true;
  return success();
}

}  // namespace

constinit const Extension kPostHandshakeAuth = {
    .type = TLSEXT_TYPE_post_handshake_auth,
    .in = kInClientHello,
    .tls13 = true,
    .server = {.consider = consider},
};

}  // namespace handfast
