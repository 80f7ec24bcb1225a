// What both roles do at the beginning of a handshake.
#pragma once

#include "handshake/handshake.h"

namespace handfast {

// Settings of the channel, enabled versions, statistics.
[[nodiscard]] Verdict begin_handshake(Handshake& hs);
// The SSL_SESSION of a full handshake, once version, suite and group are known.
[[nodiscard]] Verdict begin_session(Handshake& hs);
// RFC 6066 4: the max_fragment_length of the exchange holds from here on, in both directions.
void hold_max_fragment_length(Handshake& hs);

}  // namespace handfast
