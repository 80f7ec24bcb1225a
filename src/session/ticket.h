// Protection of tickets, RFC 5077 section 4, in the layout of OpenSSL:
//   key name [16], IV, encrypted SSL_SESSION (DER), MAC of all before.
// Its own keys make AES-256-CBC and HMAC-SHA256; an application's callback can choose others
// (SSL_CTX_set_tlsext_ticket_key_cb(3)). Keys and callbacks are those of `context`, the
// connection's session_ctx.
#pragma once

#include <openssl/ssl.h>

#include "session/session.h"
#include "wire/bytes.h"
#include "wire/verdict.h"

namespace handfast {

struct Ticket {
  // SSL_TICKET_EMPTY, _NO_DECRYPT, _SUCCESS, _SUCCESS_RENEW; _NONE when the application ignores it;
  // _FATAL_ERR_MALLOC and _FATAL_ERR_OTHER end the handshake.
  SSL_TICKET_STATUS status = SSL_TICKET_NONE;
  SessionRef session;  // with _SUCCESS and _SUCCESS_RENEW
};

// Opens what a client sent. `session_id` of its hello becomes the session's, if there is one
// (RFC 5077 3.4). `tls13`: a ticket of the context's own keys is to be renewed.
Ticket open_ticket(SSL* ssl, SSL_CTX& context, bool tls13, View bytes, View session_id);
// The callback of SSL_CTX_set_session_ticket_cb(3) may overrule what open_ticket() found.
void ask_decrypt_ticket(SSL* ssl, SSL_CTX& context, View bytes, Ticket& ticket);
// Seals `session`. An empty `ticket`: the application's callback wants none.
[[nodiscard]] Verdict seal_ticket(SSL* ssl, SSL_CTX& context, const Session& session,
                                  Bytes& ticket);

}  // namespace handfast
