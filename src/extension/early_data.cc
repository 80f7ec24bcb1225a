// early_data, RFC 8446 section 4.2.10.
#include <openssl/tls1.h>

#include "extension/rows.h"
#include "wire/reader.h"

namespace handfast {

namespace {

Verdict offer(Exchange& exchange, MessageSet, Writer&, bool& send) {
  send = exchange.early_data;
  if (send) exchange.negotiated->early_data_status = SSL_EARLY_DATA_REJECTED;
  return success();
}

// "the client MUST verify that the server's selected_identity is 0"; the suite and the protocol
// must be those of the key as well.
bool may_be_accepted(const Exchange& exchange) {
  if (!exchange.resuming || exchange.psk_index != 0) return false;
  const Session& session = *exchange.psks[0].session;
  return exchange.negotiated->suite == session.cipher &&
         equal(exchange.negotiated->alpn.view(), session.alpn.view());
}

// In a NewSessionTicket: how much early data a resumption may carry.
Verdict accept(Exchange& exchange, MessageSet message, View body) {
  if (message == kInNewSessionTicket) {
    Reader reader(body);
    if (!reader.u32(exchange.ticket_max_early_data) || !reader.empty()) {
      return fatal(Alert::decode_error, SSL_R_INVALID_MAX_EARLY_DATA);
    }
    return success();
  }
  if (!body.empty()) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  if (!may_be_accepted(exchange)) return fatal(Alert::illegal_parameter, SSL_R_BAD_EXTENSION);
  exchange.negotiated->early_data_status = SSL_EARLY_DATA_ACCEPTED;
  return success();
}

Verdict absent(Exchange& exchange, MessageSet message) {
  if (message == kInNewSessionTicket) exchange.ticket_max_early_data = 0;
  return success();
}

Verdict consider(Exchange& exchange, MessageSet, View body) {
  if (!body.empty()) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  // 4.1.2: a second ClientHello has no early_data.
  if (exchange.hello_retry_request) return fatal(Alert::illegal_parameter, SSL_R_BAD_EXTENSION);
  exchange.offers.early_data = true;
  return success();
}

Verdict answer(Exchange& exchange, MessageSet message, Writer& writer, bool& send) {
  if (message == kInNewSessionTicket) {
    uint32_t limit = (*exchange.policy)->max_early_data;
    send = limit != 0;
    if (send) writer.u32(limit);
    return success();
  }
  send = exchange.early_data;
  return success();
}

}  // namespace

constinit const Extension kEarlyData = {
    .type = TLSEXT_TYPE_early_data,
    .in = kInClientHello | kInEncryptedExtensions | kInNewSessionTicket,
    .tls13 = true,
    .client = {.offer = offer, .accept = accept, .absent = absent},
    .server = {.consider = consider, .answer = answer},
};

}  // namespace handfast
