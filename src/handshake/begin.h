// What both roles do at the beginning of a handshake.
#pragma once

#include "handshake/handshake.h"

namespace handfast {

// Settings of the channel, enabled versions, statistics.
[[nodiscard]] Verdict begin_handshake(Handshake& hs);
// TLS <= 1.2: the version is known, and every record must have it.
void begin_records12(Handshake& hs);
// TLS <= 1.2: what the hellos agreed on besides suite and version is kept for the API.
void keep_agreed(Handshake& hs);
// The SSL_SESSION of a full handshake, once the version is known.
[[nodiscard]] Verdict begin_session(Handshake& hs);
// RFC 6066 4: the max_fragment_length of the exchange holds from here on, in both directions.
void hold_max_fragment_length(Handshake& hs);

}  // namespace handfast
