// early_data, RFC 8446 section 4.2.10.
#include <openssl/tls1.h>

#include "extension/rows.h"
#include "wire/reader.h"

namespace handfast {

namespace {

// In a NewSessionTicket: how much early data a resumption may carry.
Verdict accept(Exchange& exchange, MessageSet message, View body) {
  if (message == kInNewSessionTicket) {
    Reader reader(body);
    if (!reader.u32(exchange.ticket_max_early_data) || !reader.empty()) {
      return fatal(Alert::decode_error, SSL_R_INVALID_MAX_EARLY_DATA);
    }
    return success();
  }
  return body.empty() ? success() : fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
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

}  // namespace

constinit const Extension kEarlyData = {
    .type = TLSEXT_TYPE_early_data,
    .in = kInClientHello | kInEncryptedExtensions | kInNewSessionTicket,
    .tls13 = true,
    .client = {.accept = accept, .absent = absent},
    .server = {.consider = consider},
};

}  // namespace handfast
