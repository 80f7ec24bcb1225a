// What a server of TLS <= 1.2 makes of a ClientHello, and its ServerHello.
#pragma once

#include "handshake/handshake.h"
#include "pki/signer.h"

namespace handfast {

// Looks for a session to resume, or chooses suite and certificate of a full handshake, asking the
// application where it may decide. The ClientHello is in hs.client_hello and hs.message.
Flow negotiate12(Handshake& hs, Signer& signer);
[[nodiscard]] Verdict send_server_hello12(Handshake& hs);

}  // namespace handfast
