// cookie, RFC 8446 section 4.2.2.
#include <openssl/tls1.h>

#include "extension/lists.h"
#include "extension/rows.h"

namespace handfast {

namespace {

// cookie<1..2^16-1>.
Verdict read(View body, View& cookie) {
  if (!only_vector16(body, cookie) || cookie.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  return success();
}

// The client echoes what came, the server sends its own.
Verdict write(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  send = !exchange.cookie.empty();
  if (send) writer.vector16(exchange.cookie.view());
  return success();
}

Verdict accept(Exchange& exchange, MessageSet, View body) {
  View cookie;
  HANDFAST_CHECK(read(body, cookie));
  return exchange.cookie.assign(cookie) ? success() : malloc_failure();
}

// 4.1.4: "Clients MUST abort the handshake with an "illegal_parameter" alert if the
// HelloRetryRequest would not result in any change in the ClientHello."
Verdict absent(Exchange& exchange, MessageSet message) {
  if (message != kInHelloRetryRequest || exchange.retry_group != 0) return success();
  return fatal(Alert::illegal_parameter, SSL_R_NO_CHANGE_FOLLOWING_HRR);
}

Verdict consider(Exchange& exchange, MessageSet, View body) {
  return read(body, exchange.offers.cookie);
}

}  // namespace

constinit const Extension kCookie = {
    .type = TLSEXT_TYPE_cookie,
    .in = kInClientHello | kInHelloRetryRequest,
    .unasked = kInHelloRetryRequest,
    .tls13 = true,
    .client = {.offer = write, .accept = accept, .absent = absent},
    .server = {.consider = consider, .answer = write},
};

}  // namespace handfast
