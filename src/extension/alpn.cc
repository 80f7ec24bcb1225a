// application_layer_protocol_negotiation, RFC 7301 section 3.
#include <openssl/tls1.h>

#include "extension/lists.h"
#include "extension/rows.h"

namespace handfast {

namespace {

// Only a first handshake may choose.
Verdict offer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  const Bytes& protocols = (*exchange.policy)->alpn;
  send = !protocols.empty() && !exchange.renegotiating;
  if (send) writer.vector16(protocols.view());
  return success();
}

bool list_contains(View list, View protocol) {
  Reader reader(list);
  View name;
  while (reader.vector8(name)) {
    if (equal(name, protocol)) return true;
  }
  return false;
}

// "[the list] MUST contain exactly one "ProtocolName"."
Verdict accept(Exchange& exchange, MessageSet, View body) {
  View list, protocol;
  if (!only_vector16(body, list) || !only_vector8(list, protocol) || protocol.empty()) {
    return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  }
  if (!list_contains((*exchange.policy)->alpn.view(), protocol)) {
    return fatal(Alert::illegal_parameter, SSL_R_BAD_EXTENSION);
  }
  return exchange.negotiated->alpn.assign(protocol) ? success() : malloc_failure();
}

// As in OpenSSL, a renegotiation forgets what the first handshake has chosen.
Verdict absent(Exchange& exchange, MessageSet) {
  exchange.negotiated->alpn.clear();
  return success();
}

// protocol_name_list<2..2^16-1> of ProtocolName<1..2^8-1>.
Verdict consider(Exchange& exchange, MessageSet message, View body) {
  View list, protocol;
  HANDFAST_CHECK(absent(exchange, message));
  if (exchange.renegotiating) return success();
  if (!only_vector16(body, list) || list.empty()) {
    return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  }
  Reader reader(list);
  while (!reader.empty()) {
    if (!reader.vector8(protocol) || protocol.empty()) {
      return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
    }
  }
  exchange.offers.alpn = list;
  return success();
}

Verdict answer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  send = !exchange.negotiated->alpn.empty();
  if (!send) return success();
  Prefixed16 list(writer);
  writer.vector8(exchange.negotiated->alpn.view());
  return success();
}

}  // namespace

constinit const Extension kAlpn = {
    .type = TLSEXT_TYPE_application_layer_protocol_negotiation,
    .in = kInClientHello | kInServerHello12 | kInEncryptedExtensions,
    .client = {.offer = offer, .accept = accept, .absent = absent},
    .server = {.consider = consider, .answer = answer, .absent = absent},
};

}  // namespace handfast
