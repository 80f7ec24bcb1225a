// Tickets of TLS 1.3, RFC 8446 section 4.6.1.
#pragma once

#include "handshake/handshake.h"
#include "message/new_session_ticket.h"

namespace handfast {

// --- Server ---

// SSL_OP_NO_ANTI_REPLAY in SSL_CTX_set_options(3): where early data is welcome, a ticket is good
// for one connection only.
[[nodiscard]] bool protects_from_replay(const Handshake& hs);
// Are tickets ids of sessions in the cache, instead of sealed sessions? With SSL_OP_NO_TICKET, and
// for replay protection.
[[nodiscard]] bool stateful_tickets(const Handshake& hs);

// The tickets that follow a handshake, which is finished with the first: as many as
// SSL_set_num_tickets(3) says, one after a resumption.
Flow send_tickets(Handshake& hs);
// One that SSL_new_session_ticket(3) has asked for.
Flow send_asked_ticket(Handshake& hs);

// --- Client ---

// A ticket has come: the connection goes on with a copy of its session that can be resumed.
[[nodiscard]] Verdict accept_ticket13(Handshake& hs, const NewSessionTicket13& message);

}  // namespace handfast
