// Post-handshake authentication of the client (RFC 8446 section 4.6.2).
#pragma once

#include "handshake/handshake.h"

namespace handfast {

// At the end of a handshake: where the client has offered post_handshake_auth, the transcript is
// kept for it.
[[nodiscard]] Verdict allow_post_auth(Handshake& hs);

// Server: sends the CertificateRequest that is due.
Flow request_authentication(Handshake& hs);
// Server: the client's answer, whose Certificate is in hs.message.
Flow read_authentication(Handshake& hs);
// Client: answers the CertificateRequest in hs.message.
Flow answer_authentication(Handshake& hs);

}  // namespace handfast
