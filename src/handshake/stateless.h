// SSL_stateless(3): a server of TLS 1.3 that answers the first ClientHello with a cookie and keeps
// nothing; what it needs for the second comes back with it (RFC 8446 section 4.2.2).
#pragma once

#include "handshake/handshake.h"

namespace handfast {

// Makes the cookie of the HelloRetryRequest that comes next. ClientHello is in the transcript.
[[nodiscard]] Verdict make_cookie(Handshake& hs);
// Looks at the cookie of the ClientHello just read. If it is a good one, the handshake goes on as
// if it had sent the HelloRetryRequest (hs.cookie_ok); one that is too old counts as none.
[[nodiscard]] Verdict take_cookie(Handshake& hs);
// Must a HelloRetryRequest ask for a cookie?
[[nodiscard]] bool lacks_cookie(const Handshake& hs);

}  // namespace handfast
