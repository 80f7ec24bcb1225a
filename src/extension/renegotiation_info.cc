// renegotiation_info, RFC 5746.
#include "extension/renegotiation_info.h"

#include <openssl/tls1.h>

#include "extension/lists.h"
#include "extension/rows.h"
#include "extension/state.h"

namespace handfast {

namespace {

// The Finished values of the handshake before; of the first one there are none.
struct Finished {
  View client, server;
};
Finished finished_before(const Exchange& exchange) {
  if (!exchange.renegotiating) return {};
  View own = exchange.negotiated->own_finished.view();
  View peer = exchange.negotiated->peer_finished.view();
  return exchange.server ? Finished{peer, own} : Finished{own, peer};
}

// 3.5: "containing the saved client_verify_data". A first hello has the signalling suite instead.
Verdict offer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  send = exchange.renegotiating;
  if (send) writer.vector8(finished_before(exchange).client);
  return success();
}

// 4.2 and 4.4: a connection that began without secure renegotiation cannot get it later.
bool too_late(const Exchange& exchange) {
  return exchange.renegotiating && !exchange.negotiated->secure_renegotiation;
}

// 3.5: "the first half of the "renegotiated_connection" field is equal to the saved
// client_verify_data value, and the second half is equal to the saved server_verify_data value";
// 3.4: in a first handshake it is empty.
Verdict accept(Exchange& exchange, MessageSet, View body) {
  View value;
  if (!only_vector8(body, value)) {
    return fatal(Alert::decode_error, SSL_R_RENEGOTIATION_ENCODING_ERR);
  }
  Finished expected = finished_before(exchange);
  bool right_size = value.size() == expected.client.size() + expected.server.size();
  if (too_late(exchange) || !right_size ||
      !equal_constant_time(value.first(expected.client.size()), expected.client) ||
      !equal_constant_time(value.subspan(expected.client.size()), expected.server)) {
    return fatal(Alert::illegal_parameter, SSL_R_RENEGOTIATION_MISMATCH);
  }
  exchange.negotiated->secure_renegotiation = true;
  return success();
}

Verdict refuse_insecure() {
  return fatal(Alert::handshake_failure, SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED);
}

// 3.5: "if it is not [present], the client MUST abort the handshake". 4.1: whether to talk to
// servers that do not know it is the application's decision.
Verdict absent_from_server(Exchange& exchange, MessageSet) {
  bool was_secure = exchange.renegotiating && exchange.negotiated->secure_renegotiation;
  bool allowed = has_option(exchange, SSL_OP_LEGACY_SERVER_CONNECT) ||
                 has_option(exchange, SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
  if (was_secure || !allowed) return refuse_insecure();
  exchange.negotiated->secure_renegotiation = false;
  return success();
}

// 3.6: empty in a first hello; 3.7: later "equal to the saved client_verify_data value".
Verdict consider(Exchange& exchange, MessageSet, View body) {
  View value;
  if (!only_vector8(body, value)) {
    return fatal(Alert::decode_error, SSL_R_RENEGOTIATION_ENCODING_ERR);
  }
  if (too_late(exchange) || !equal_constant_time(value, finished_before(exchange).client)) {
    return fatal(Alert::handshake_failure, SSL_R_RENEGOTIATION_MISMATCH);
  }
  exchange.negotiated->secure_renegotiation = true;
  return success();
}

// 3.7: "the server MUST verify that the "renegotiation_info" extension is present; if it is not,
// the server MUST abort the handshake."
Verdict absent_from_client(Exchange& exchange, MessageSet) {
  if (!exchange.renegotiating) return success();
  bool was_secure = exchange.negotiated->secure_renegotiation;
  bool allowed = has_option(exchange, SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
  return was_secure || !allowed ? refuse_insecure() : success();
}

Verdict answer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  send = exchange.negotiated->secure_renegotiation;
  if (!send) return success();
  Prefixed8 value(writer);
  Finished finished = finished_before(exchange);
  writer.bytes(finished.client);
  writer.bytes(finished.server);
  return success();
}

}  // namespace

Verdict note_renegotiation_scsv(Exchange& exchange) {
  // 3.7: "If the SCSV is present, the server MUST abort the handshake."
  if (exchange.renegotiating) {
    return fatal(Alert::handshake_failure, SSL_R_SCSV_RECEIVED_WHEN_RENEGOTIATING);
  }
  exchange.negotiated->secure_renegotiation = true;
  return success();
}

constinit const Extension kRenegotiationInfo = {
    .type = TLSEXT_TYPE_renegotiate,
    .in = kInClientHello | kInServerHello12,
    .unasked = kInServerHello12,  // the suite asks for it
    .tls12 = true,
    .client = {.offer = offer, .accept = accept, .absent = absent_from_server},
    .server = {.consider = consider, .answer = answer, .absent = absent_from_client},
};

}  // namespace handfast
