// The proof that a client has the key it offers, RFC 8446 section 4.2.11.2.
#pragma once

#include "crypto/secret.h"
#include "handshake/handshake.h"

namespace handfast {

// Over everything in the transcript and `truncated`, the ClientHello up to its binders.
[[nodiscard]] bool compute_binder(const Handshake& hs, const Session& session, bool external,
                                  View truncated, Secret& out);
// A session for a key that comes without a suite: that of RFC 8446 4.2.11 by default. nullptr:
// memory.
[[nodiscard]] SessionRef session_of_key(View key);

}  // namespace handfast
