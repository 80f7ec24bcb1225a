// Resumption in TLS <= 1.2: by session id (RFC 5246 section 7.3) and by ticket (RFC 5077). TLS 1.3
// shares the ways in which sessions are found and kept (psk.h, tickets13.h).
#pragma once

#include "handshake/handshake.h"
#include "session/session.h"

namespace handfast {

// --- Server ---

// The session of that id (at most 32 bytes) in the internal cache or, by the callback of
// SSL_CTX_sess_set_get_cb(3), outside; counts hits of the callback and misses. nullptr: none.
[[nodiscard]] SessionRef look_up_session(Handshake& hs, View id);

// The session that the ClientHello in hs.client_hello offers, after every check; nullptr (and
// success) when a full handshake must follow. Reads the hello itself: extensions need not have been
// read, the version must have been chosen. Sets hs.ticket_expected (the client gets a new ticket)
// and counts hits, misses and timeouts. The caller makes the session the connection's, takes its
// verify_result over, and checks that its suite is in the hello.
// Not to be called for a renegotiation under SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION.
// Runs the callbacks of SSL_CTX_sess_set_get_cb(3), SSL_CTX_set_tlsext_ticket_key_cb(3) and
// SSL_CTX_set_session_ticket_cb(3).
[[nodiscard]] Verdict find_session(Handshake& hs, SessionRef& session);
// The id of a full handshake's session: none when hs.ticket_expected, otherwise from the callback
// of SSL_CTX_set_generate_session_id(3) or random, and not one that the cache has.
[[nodiscard]] Verdict generate_session_id(Handshake& hs, Session& session);
// The callback of SSL_CTX_set_session_ticket_cb(3) that is told of a ticket to come.
[[nodiscard]] Verdict ask_generate_ticket(Handshake& hs);
// Body of the NewSessionTicket (RFC 5077 3.3) for the connection's session; an empty `ticket` when
// the application's callback wants none. hs.resuming must be set: a renewed ticket has no hint.
[[nodiscard]] Verdict make_ticket(Handshake& hs, Bytes& ticket, uint32_t& lifetime_hint);

// --- Client ---

// May the connection's session (SSL_set_session(3)) be offered in this hello? If not, OpenSSL
// replaces it by a new one before the hello.
[[nodiscard]] bool offerable(const Handshake& hs);
// RFC 5077 3.3: a NewSessionTicket has come for the connection's session, which is replaced by a
// copy when it has been shared. An empty ticket changes nothing.
[[nodiscard]] Verdict accept_ticket(Handshake& hs, View ticket, uint32_t lifetime_hint);

// The session's id becomes one of our own, made of its ticket: by it a ServerHello says that the
// ticket was accepted (RFC 5077 3.4), and a cache finds the session.
[[nodiscard]] Verdict name_by_ticket(Handshake& hs, Session& session);

// --- Both ---

// SSL_set_session_secret_cb: `known` when the application has put the master secret of a session
// that is not ours into the connection's session; `suite` is then its choice, nullptr: none.
// `offered`: the client's suites, nullptr on a client.
[[nodiscard]] Verdict ask_session_secret(Handshake& hs, STACK_OF(SSL_CIPHER) * offered,
                                         const CipherSuite*& suite, bool& known);

// After the handshake, before finish() counts it: the session goes into the internal and the
// external cache, as SSL_CTX_set_session_cache_mode(3) says. Reads negotiated.resumed. Runs the
// callback of SSL_CTX_sess_set_new_cb(3) and flushes the cache once in 256 handshakes.
void update_cache(Connection& connection);

}  // namespace handfast
