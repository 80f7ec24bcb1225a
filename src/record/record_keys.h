// Key material of one direction, TLS <= 1.2.
#pragma once

#include <cstddef>
#include <cstdint>

#include "crypto/algorithms.h"
#include "crypto/cipher_suite.h"
#include "wire/bytes.h"

namespace handfast {

// Parts of the key block (RFC 5246 6.3); not owned, and copied by whoever takes keys.
struct RecordKeys {
  View mac_key;
  View key;
  View iv;
};

// How many bytes of the key block each part takes. The IV is an AEAD's implicit nonce, or at
// TLS 1.0 the first block of a CBC chain; TLS 1.1 and 1.2 have none for CBC.
struct RecordKeyLengths {
  size_t mac_key = 0;
  size_t key = 0;
  size_t iv = 0;
};

// `version`: the negotiated one, at most TLS1_2_VERSION, or DTLS1_BAD_VER.
[[nodiscard]] RecordKeyLengths record_key_lengths(const Algorithms& algorithms,
                                                  const CipherSuite& suite, uint16_t version);

// Whether the suite's cipher authenticates by itself.
[[nodiscard]] bool is_aead(const CipherSuite& suite);
// Hash of the suite's record MAC; nullptr for an AEAD or when the providers lack it.
[[nodiscard]] const EVP_MD* record_hash(const Algorithms& algorithms, const CipherSuite& suite);
// A cipher that seals with the MAC inside, in one pass; nullptr when there is none for the suite.
[[nodiscard]] const EVP_CIPHER* record_cipher_with_mac(const Algorithms& algorithms,
                                                       const CipherSuite& suite);

}  // namespace handfast
