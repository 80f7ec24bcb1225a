// What the rows ask about the handshake that they are part of.
#pragma once

#include "extension/exchange.h"

namespace handfast {

inline bool has_option(const Exchange& exchange, uint64_t option) {
  return ((*exchange.policy)->options & option) != 0;
}

// Once a version was chosen: is it TLS 1.3?
inline bool speaks_tls13(const Exchange& exchange) {
  return exchange.negotiated->version >= TLS1_3_VERSION;
}

}  // namespace handfast
