// A ClientHello in the format of SSL 2.0, RFC 5246 appendix E.2.
#pragma once

#include "wire/bytes.h"
#include "wire/verdict.h"

namespace handfast {

// Appends to `out` the body of the ClientHello that `hello`, a CLIENT-HELLO from its msg_type on,
// stands for: with no session to resume, no compression and no extensions. The transcript takes
// `hello` itself, not what is made of it.
[[nodiscard]] Verdict convert_v2(View hello, Bytes& out);

}  // namespace handfast
