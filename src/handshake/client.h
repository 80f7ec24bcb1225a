// Between the client's flows.
#pragma once

#include "handshake/handshake.h"
#include "message/server_hello.h"

namespace handfast {

// TLS 1.3 from its ServerHello on, which is in hs.message.
Flow client13(Handshake& hs, const ServerHello& hello);  // client13.cc

// TLS 1.2 and below from its ServerHello on, which is in hs.message.
Flow client12(Handshake& hs, const ServerHello& hello);  // client12.cc

// Is it one of the suites that our hello offered, for the negotiated version?
[[nodiscard]] bool offered_suite(const Handshake& hs, const CipherSuite& suite);
// Compression, session id and cipher suite of a hello, by TLS 1.3's rules; sets the suite.
[[nodiscard]] Verdict check_echoes(Handshake& hs, const ServerHello& hello);
// The suite is known: so is the transcript's hash.
[[nodiscard]] Verdict start_transcript(Handshake& hs);

}  // namespace handfast
