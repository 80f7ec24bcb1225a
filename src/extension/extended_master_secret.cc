// extended_master_secret, RFC 7627 section 5.
#include <openssl/tls1.h>

#include "extension/rows.h"
#include "extension/state.h"
#include "session/session.h"

namespace handfast {

namespace {

Verdict offer(Exchange& exchange, MessageSet, Writer&, bool& send) {
  send = !has_option(exchange, SSL_OP_NO_EXTENDED_MASTER_SECRET);
  return success();
}

// 5.1: "The "extension_data" field of this extension is empty."
Verdict check_empty(View body) {
  return body.empty() ? success() : fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
}

Verdict inconsistent() {
  return fatal(Alert::handshake_failure, SSL_R_INCONSISTENT_EXTMS);
}

// 5.3: "If the original session used the extension but the new ServerHello does not contain the
// extension, the client MUST abort the handshake", and the other way round. A renegotiation must
// not lose it either.
Verdict check_server(const Exchange& exchange, bool now) {
  bool before = exchange.renegotiating && exchange.negotiated->extended_master_secret;
  if (before && !now) return inconsistent();
  if (!exchange.resuming || exchange.offered_session == nullptr) return success();
  bool in_session = (exchange.offered_session->flags & kSessionExtendedMasterSecret) != 0;
  return in_session == now ? success() : inconsistent();
}

Verdict accept(Exchange& exchange, MessageSet, View body) {
  HANDFAST_CHECK(check_empty(body));
  exchange.extended_master_secret = true;
  return check_server(exchange, true);
}

Verdict absent_from_server(Exchange& exchange, MessageSet) {
  exchange.extended_master_secret = false;
  return check_server(exchange, false);
}

Verdict absent_from_client(Exchange& exchange, MessageSet) {
  bool before = exchange.renegotiating && exchange.negotiated->extended_master_secret;
  return before ? inconsistent() : success();
}

Verdict consider(Exchange& exchange, MessageSet message, View body) {
  HANDFAST_CHECK(check_empty(body));
  if (has_option(exchange, SSL_OP_NO_EXTENDED_MASTER_SECRET)) {
    return absent_from_client(exchange, message);
  }
  exchange.offers.extended_master_secret = true;
  return success();
}

Verdict answer(Exchange& exchange, MessageSet, Writer&, bool& send) {
  send = exchange.extended_master_secret;
  return success();
}

}  // namespace

constinit const Extension kExtendedMasterSecret = {
    .type = TLSEXT_TYPE_extended_master_secret,
    .in = kInClientHello | kInServerHello12,
    .tls12 = true,
    .client = {.offer = offer, .accept = accept, .absent = absent_from_server},
    .server = {.consider = consider, .answer = answer, .absent = absent_from_client},
};

}  // namespace handfast
