// Which groups and signature schemes we name to the peer, and in which order.
#pragma once

#include <cstdint>
#include <span>

#include "config/policy.h"
#include "extension/exchange.h"
#include "wire/array.h"

namespace handfast {

// Our groups in order of preference: Suite B's, the configured or the default ones. Not filtered
// by security level; see group_usable().
std::span<const uint16_t> group_preferences(const Policy& policy);
// Known, fit for the exchange's versions and allowed by the security level.
[[nodiscard]] bool group_usable(const Exchange& exchange, uint16_t group);
// The same for TLS 1.3 alone: may a key_share use it?
[[nodiscard]] bool group_usable_13(const Exchange& exchange, uint16_t group);

// Signature schemes that we accept from the peer (`sent`: named in our hello or request), or that
// we may sign with.
std::span<const uint16_t> scheme_preferences(const Exchange& exchange, bool sent);
// May the scheme be named to the peer?
[[nodiscard]] bool scheme_usable(const Exchange& exchange, uint16_t scheme, int operation);
// What both sides can do, in the order of the side that has the preference, into
// negotiated->shared_signature_schemes; the peer's are negotiated->peer_signature_schemes.
// False: memory.
[[nodiscard]] bool share_signature_schemes(Exchange& exchange);

}  // namespace handfast
