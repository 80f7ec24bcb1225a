// Between the client's flows.
#pragma once

#include "handshake/handshake.h"
#include "message/server_hello.h"

namespace handfast {

// TLS 1.3 from its ServerHello on, which is in hs.message.
Flow client13(Handshake& hs, const ServerHello& hello);  // client13.cc

// Compression, session id and cipher suite of a hello, by TLS 1.3's rules; sets the suite.
[[nodiscard]] Verdict check_echoes(Handshake& hs, const ServerHello& hello);
// The suite is known: so is the transcript's hash.
[[nodiscard]] Verdict start_transcript(Handshake& hs);

}  // namespace handfast
