// session_ticket, RFC 5077 section 3.2.
#include <openssl/tls1.h>

#include "config/security.h"
#include "extension/rows.h"
#include "extension/state.h"
#include "session/session.h"

namespace handfast {

namespace {

bool tickets_allowed(const Exchange& exchange) {
  return !has_option(exchange, SSL_OP_NO_TICKET) &&
         allowed(**exchange.policy, exchange.ssl, nullptr, SSL_SECOP_TICKET, 0, 0, nullptr);
}

// The offered session's ticket, or the application's own.
View ticket_to_send(const Exchange& exchange) {
  const Session* session = exchange.offered_session;
  bool has_ticket = session != nullptr && !session->ticket.empty();
  if (has_ticket && session->version != TLS1_3_VERSION) return session->ticket.view();
  return exchange.request->session_ticket.view();
}

// An empty one asks for a ticket.
Verdict offer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  View ticket = ticket_to_send(exchange);
  bool left_out = exchange.request->ticket_extension == TicketExtension::left_out;
  send = tickets_allowed(exchange) && !(ticket.empty() && left_out);
  if (send) writer.bytes(ticket);
  return success();
}

// SSL_set_session_ticket_ext_cb: the application sees the body before we do, and may refuse it.
bool application_takes(const Exchange& exchange, View body) {
  const Hooks& hooks = **exchange.hooks;
  return hooks.session_ticket_extension == nullptr ||
         hooks.session_ticket_extension(exchange.ssl, body.data(), static_cast<int>(body.size()),
                                        hooks.session_ticket_extension_argument) != 0;
}

// Empty: a NewSessionTicket will come.
Verdict accept(Exchange& exchange, MessageSet, View body) {
  if (!application_takes(exchange, body)) {
    return fatal(Alert::handshake_failure, SSL_R_BAD_EXTENSION);
  }
  if (!body.empty()) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  exchange.ticket_expected = true;
  return success();
}

Verdict consider(Exchange& exchange, MessageSet, View body) {
  if (!application_takes(exchange, body)) return internal_error();
  exchange.offers.session_ticket = body;
  exchange.offers.session_ticket_sent = true;
  return success();
}

// A callback may have forbidden tickets since the hello was read.
Verdict answer(Exchange& exchange, MessageSet, Writer&, bool& send) {
  send = exchange.ticket_expected && tickets_allowed(exchange);
  exchange.ticket_expected = send;
  return success();
}

}  // namespace

constinit const Extension kSessionTicket = {
    .type = TLSEXT_TYPE_session_ticket,
    .in = kInClientHello | kInServerHello12,
    .tls12 = true,
    .client = {.offer = offer, .accept = accept},
    .server = {.consider = consider, .answer = answer},
};

}  // namespace handfast
