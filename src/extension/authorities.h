// Lists of CA names in messages: certificate_authorities, and CertificateRequest of TLS <= 1.2.
#pragma once

#include "extension/exchange.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

// Appends the names that we have to tell, each with its length.
[[nodiscard]] Verdict write_authorities(const Exchange& exchange, Writer& writer);
// Keeps the peer's list (its length taken off) for SSL_get0_peer_CA_list(3).
[[nodiscard]] Verdict read_authorities(Exchange& exchange, View list);

}  // namespace handfast
