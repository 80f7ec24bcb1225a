// Lists of groups and signature schemes as applications write them: SSL_CTX_set1_groups(3),
// SSL_CTX_set1_sigalgs(3). All functions change `out` only when they succeed.
#pragma once

#include <cstdint>
#include <span>

#include "crypto/provider_groups.h"
#include "wire/array.h"

namespace handfast {

// "P-256:X25519"; false when a name is unknown (with a reason in the queue), empty or there twice.
[[nodiscard]] bool parse_groups(const ProviderGroups& known, const char* names,
                                Array<uint16_t>& out);
// NIDs; false when one is unknown or there twice, or there is none (reason in the queue).
[[nodiscard]] bool groups_of_nids(std::span<const int> nids, Array<uint16_t>& out);

// "RSA+SHA256:ecdsa_secp256r1_sha256"; false when one is unknown, empty or there twice.
[[nodiscard]] bool parse_signature_schemes(const char* names, Array<uint16_t>& out);
// Pairs of the NIDs of a hash and of a kind of key.
[[nodiscard]] bool signature_schemes_of_nids(std::span<const int> pairs, Array<uint16_t>& out);

}  // namespace handfast
