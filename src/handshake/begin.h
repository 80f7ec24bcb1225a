// What both roles do at the beginning of a handshake.
#pragma once

#include "handshake/handshake.h"

namespace handfast {

// Settings of the channel, enabled versions, statistics.
[[nodiscard]] Verdict begin_handshake(Handshake& hs);
// The SSL_SESSION of a full handshake, once version, suite and group are known.
[[nodiscard]] Verdict begin_session(Handshake& hs);

}  // namespace handfast
