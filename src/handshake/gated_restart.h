// Server Gated Cryptography: a client that has seen the server's certificate starts again, to be
// given stronger cryptography. Off unless the application asks for it (handfast/control.h).
#pragma once

#include "handshake/handshake.h"
#include "pki/signer.h"

namespace handfast {

// May the client send a second ClientHello in place of its next message?
[[nodiscard]] bool accepts_restart(const Handshake& hs, const Signer& signer);
// Starts the handshake again with the ClientHello in hs.message, up to our ServerHello. A second
// restart fails (CVE-2011-4619), and so does one that would weaken what was agreed on.
Flow restart(Handshake& hs, Signer& signer);

}  // namespace handfast
