// What SSL_trace prints of DTLS alone (RFC 6347 section 4).
#pragma once

#include "api/trace_text.h"

namespace handfast::trace {

// Where a record stands: epoch and sequence number of its header, which has DTLS's full length.
void record_position(Text& text, View header);
// Where a fragment stands: what the header of a handshake message has behind its length. All return
// false when bytes are missing.
bool fragment_position(Text& text, int indent, Reader& in);
bool hello_verify_request(Trace& trace, int indent, Reader& in);

}  // namespace handfast::trace
