// The pseudorandom function of TLS <= 1.2.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "crypto/algorithms.h"
#include "crypto/cipher_suite.h"
#include "wire/bytes.h"

namespace handfast {

constexpr size_t kMaxPrfSeeds = 4;

// Fills `out` with the PRF of RFC 5246 section 5; with HashId::md5_sha1 the split one of RFC 4346
// section 5. `seeds`, at most kMaxPrfSeeds, are concatenated behind the label. False only when the
// providers lack the hash or libcrypto fails: `out` is wiped then. `out` overlaps no input.
[[nodiscard]] bool prf(const Algorithms& algorithms, HashId hash, View secret,
                       std::string_view label, std::initializer_list<View> seeds,
                       std::span<uint8_t> out);

// The hash of PRF and Finished of a suite at a version of TLS <= 1.2.
[[nodiscard]] HashId handshake_hash(const CipherSuite& suite, uint16_t version);

}  // namespace handfast
