// post_handshake_auth, RFC 8446 section 4.2.6: SSL_set_post_handshake_auth(3).
#include <openssl/tls1.h>

#include "extension/rows.h"

namespace handfast {

namespace {

Verdict offer(Exchange& exchange, MessageSet, Writer&, bool& send) {
  send = (*exchange.policy)->post_handshake_auth;
  return success();
}

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
    .client = {.offer = offer},
    .server = {.consider = consider},
};

}  // namespace handfast
