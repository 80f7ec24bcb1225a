// The signalling suite of secure renegotiation, RFC 5746.
#pragma once

#include "extension/exchange.h"
#include "wire/verdict.h"

namespace handfast {

// Server: the ClientHello has TLS_EMPTY_RENEGOTIATION_INFO_SCSV among its suites, which says as
// much as an empty renegotiation_info. To be called before read_extensions(), where it is an error
// (handshake_failure) in a renegotiation; the answer is written because of it.
[[nodiscard]] Verdict note_renegotiation_scsv(Exchange& exchange);

}  // namespace handfast
