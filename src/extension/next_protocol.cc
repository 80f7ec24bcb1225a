// next_protocol_negotiation, draft-agl-tls-nextprotoneg-03: the server names its protocols, the
// client chooses one of them, or another, and says so in a NextProtocol message.
#include <openssl/tls1.h>

#include "extension/lists.h"
#include "extension/rows.h"

namespace handfast {

namespace {

// Only a first handshake may choose.
Verdict offer(Exchange& exchange, MessageSet, Writer&, bool& send) {
  send = exchange.ctx->live.npn_select != nullptr && !exchange.renegotiating;
  return success();
}

// Names of one byte at least, and nothing after the last.
bool well_formed(View list) {
  Reader reader(list);
  while (!reader.empty()) {
    View name;
    if (!reader.vector8(name) || name.empty()) return false;
  }
  return true;
}

Verdict accept(Exchange& exchange, MessageSet, View body) {
  const LiveHooks& live = exchange.ctx->live;
  if (live.npn_select == nullptr) {
    return fatal(Alert::unsupported_extension, SSL_R_BAD_EXTENSION);
  }
  if (!well_formed(body)) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  unsigned char* selected = nullptr;
  unsigned char length = 0;
  int result = live.npn_select(exchange.ssl, &selected, &length, body.data(),
                               static_cast<unsigned int>(body.size()), live.npn_select_argument);
  if (result != SSL_TLSEXT_ERR_OK || selected == nullptr || length == 0) {
    return fatal(Alert::handshake_failure, SSL_R_BAD_EXTENSION);
  }
  if (!exchange.negotiated->npn.assign({selected, length})) return malloc_failure();
  exchange.negotiated->npn_seen = true;
  exchange.next_protocol_expected = true;
  return success();
}

// "The "extension_data" field of a "next_protocol_negotiation" extension in a "ClientHello" MUST be
// empty."
Verdict consider(Exchange& exchange, MessageSet, View body) {
  if (!body.empty()) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  exchange.offers.next_protocol = !exchange.renegotiating;
  exchange.negotiated->npn_seen = false;
  return success();
}

Verdict absent(Exchange& exchange, MessageSet) {
  exchange.negotiated->npn_seen = false;
  return success();
}

// What ALPN has chosen stays.
Verdict answer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  const LiveHooks& live = exchange.ctx->live;
  send = false;
  if (!exchange.offers.next_protocol || live.npn_advertised == nullptr ||
      !exchange.negotiated->alpn.empty()) {
    return success();
  }
  const unsigned char* protocols = nullptr;
  unsigned int length = 0;
  if (live.npn_advertised(exchange.ssl, &protocols, &length, live.npn_advertised_argument) !=
      SSL_TLSEXT_ERR_OK) {
    return success();
  }
  writer.bytes({protocols, length});
  send = true;
  exchange.negotiated->npn_seen = true;
  exchange.next_protocol_expected = true;
  return success();
}

}  // namespace

constinit const Extension kNextProtocol = {
    .type = TLSEXT_TYPE_next_proto_neg,
    .in = kInClientHello | kInServerHello12,
    .tls12 = true,
    .client = {.offer = offer, .accept = accept, .absent = absent},
    .server = {.consider = consider, .answer = answer, .absent = absent},
};

}  // namespace handfast
