// Between the server's flows.
#pragma once

#include "handshake/handshake.h"

namespace handfast {

// TLS 1.3 from the first ClientHello on, which is in hs.client_hello.
Flow server13(Handshake& hs);  // server13.cc

// TLS 1.2 and below from the ClientHello on.
Flow server12(Handshake& hs);  // server12.cc

// Waits for a ClientHello and asks the client-hello callback.
Flow receive_client_hello(Handshake& hs);
// The version of the ClientHello in hs.client_hello; sets negotiated->version.
[[nodiscard]] Verdict choose_server_version(Handshake& hs);
// Signalling suites of the ClientHello (RFC 5746 3.3, RFC 7507), once the version is chosen.
[[nodiscard]] Verdict check_signalling(Handshake& hs);
// Fills negotiated->server_random, with the downgrade sentinel where RFC 8446 4.1.3 asks for it.
[[nodiscard]] Verdict choose_server_random(Handshake& hs);

}  // namespace handfast
