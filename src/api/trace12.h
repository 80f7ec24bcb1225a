// The messages of TLS <= 1.2 as SSL_trace prints them.
#pragma once

#include "api/trace_text.h"

namespace handfast::trace {

// Bodies of messages; false when malformed. What a key exchange consists of depends on the
// connection's suite.
bool server_key_exchange(Trace& trace, int indent, Reader& in);
bool client_key_exchange(Trace& trace, int indent, Reader& in);
bool certificate_request(Trace& trace, int indent, Reader& in);
// A signature, behind its scheme in TLS 1.2 and up; also the body of CertificateVerify.
bool signature(Trace& trace, int indent, Reader& in);

}  // namespace handfast::trace
