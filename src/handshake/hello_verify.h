// The cookie exchange of DTLS (RFC 6347 section 4.2.1), with which a server makes sure that its
// client is where it says before it does any work for it.
#pragma once

#include "handshake/handshake.h"

namespace handfast {

// --- Server, SSL_OP_COOKIE_EXCHANGE of SSL_CTX_set_options(3) ---
// Must the client in hs.client_hello be asked for a cookie?
[[nodiscard]] bool needs_cookie(const Handshake& hs);
// Sends a HelloVerifyRequest.
Flow request_cookie(Handshake& hs);
// Is the cookie in hs.client_hello, where there must be one, ours?
[[nodiscard]] Verdict check_cookie(Handshake& hs);

// --- Client ---
// Keeps the cookie of the HelloVerifyRequest in hs.message; the hello before it does not count.
[[nodiscard]] Verdict read_hello_verify_request(Handshake& hs);

}  // namespace handfast
