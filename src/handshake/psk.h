// Pre-shared keys of TLS 1.3 (RFC 8446 sections 2.2 and 4.2.11): sessions that are resumed and keys
// of the application.
#pragma once

#include "crypto/key_schedule.h"
#include "handshake/handshake.h"

namespace handfast {

// --- Client ---

// May the connection's session be offered as a pre-shared key?
[[nodiscard]] bool offers_psk(const Handshake& hs);
// Chooses the keys of the next ClientHello, in hs.psks: the connection's session and the one that
// the callbacks of SSL_set_psk_use_session_callback(3) or SSL_set_psk_client_callback(3) name.
// After a HelloRetryRequest only keys of its suite's hash (RFC 8446 4.1.4).
[[nodiscard]] Verdict choose_psks(Handshake& hs);
// Puts the binders into hs.scratch, a whole ClientHello with hs.psks.
[[nodiscard]] Verdict write_binders(Handshake& hs);
// The server has chosen hs.psk_index: its session becomes the connection's.
[[nodiscard]] Verdict use_offered_psk(Handshake& hs);

// --- Server ---

// Looks for the first key of the ClientHello in hs.message that we know and whose hash is that of
// the chosen suite, and verifies its binder. If there is one, its session becomes the connection's
// and hs.resuming is set. Sets hs.ticket_expected. Runs the callbacks of
// SSL_set_psk_find_session_callback(3), SSL_set_psk_server_callback(3) and of tickets.
[[nodiscard]] Verdict select_psk(Handshake& hs);

// --- Both ---

// The early secret of the key schedule: of the connection's session when it resumes, or of none.
[[nodiscard]] bool start_early_secret(const Handshake& hs, EarlySecret& early);

}  // namespace handfast
