// Which groups and signature schemes we name to the peer, and in which order.
#pragma once

#include <cstdint>
#include <span>

#include "config/policy.h"
#include "extension/exchange.h"
#include "wire/array.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

// Our groups in order of preference: Suite B's, the configured or the default ones. Not filtered
// by security level; see group_usable().
std::span<const uint16_t> group_preferences(const Exchange& exchange);
// nullptr: no provider of the context has it.
const Group* find_group(const Exchange& exchange, uint16_t group);
// Known, fit for the exchange's versions and allowed by the security level.
[[nodiscard]] bool group_usable(const Exchange& exchange, uint16_t group);
// The same for TLS 1.3 alone: may a key_share use it?
[[nodiscard]] bool group_usable_13(const Exchange& exchange, uint16_t group);
// TLS <= 1.2: may the peer use the curve, in its key exchange or certificate? One of ours, and what
// Suite B wants for negotiated.suite.
[[nodiscard]] bool offered_group_12(const Exchange& exchange, uint16_t group);
// Server, TLS <= 1.2: the curve for ECDHE with `suite`, by the order of the side that has the
// preference. nullptr: none in common, or the client named none: OpenSSL chooses another key
// exchange then. Without `suite`: with negotiated.suite, or any when that is not chosen yet.
const Group* choose_shared_group(const Exchange& exchange, const CipherSuite& suite);
const Group* choose_shared_group(const Exchange& exchange);
// Client: does the hello offer key exchange or signatures by elliptic curves?
[[nodiscard]] bool offers_elliptic_curves(const Exchange& exchange);

// Signature schemes that we accept from the peer (`sent`: named in our hello or request), or that
// we may sign with.
std::span<const uint16_t> scheme_preferences(const Exchange& exchange, bool sent);
// May the scheme be named to the peer?
[[nodiscard]] bool scheme_usable(const Exchange& exchange, uint16_t scheme, int operation);
// Appends those that we name, two bytes each: for signature_algorithms and for the
// CertificateRequest of TLS 1.2. None, or in a CertificateRequest of TLS 1.3 none that can sign
// there: internal_error.
[[nodiscard]] Verdict write_signature_schemes(const Exchange& exchange, Writer& writer);
// What both sides can do, in the order of the side that has the preference, into
// negotiated->shared_signature_schemes; the peer's are negotiated->peer_signature_schemes.
// False: memory.
[[nodiscard]] bool share_signature_schemes(Exchange& exchange);

}  // namespace handfast
