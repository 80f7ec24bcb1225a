// The ASN.1 form of a session, the one of every libssl (d2i_SSL_SESSION(3)).
#pragma once

#include "session/session.h"

namespace handfast {

// i2d: the length of the DER form, or <= 0. Where it goes is said by `out` as for every i2d.
int encode_session(const Session& session, unsigned char** out);
// Overwrites `session` with the DER form at `*in` and moves `*in` behind it. False with the reason
// in the queue: `*in` is as it was, `session` too unless memory is short.
[[nodiscard]] bool decode_session(const unsigned char** in, long length, Session& session);

}  // namespace handfast
