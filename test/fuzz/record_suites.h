// One suite for each cipher and MAC of TLS 1.2 and below that the default provider has.
#pragma once

#include <vector>

#include "crypto/cipher_class.h"
#include "fuzz/engine_harness.h"
#include "record/record_keys.h"

namespace handfast::fuzz {

inline const std::vector<const CipherSuite*>& record_suites() {
  static const std::vector<const CipherSuite*> all = [] {
    std::vector<const CipherSuite*> found;
    for (const CipherSuite& suite : tls12_suites()) {
      bool usable =
          !is_signalling(suite) && suite.cipher != CipherId::other &&
          (suite.cipher == CipherId::null || algorithms().cipher(suite.cipher) != nullptr) &&
          (is_aead(suite) || record_hash(algorithms(), suite) != nullptr);
      for (const CipherSuite* other : found) {
        usable = usable && (other->cipher != suite.cipher || other->mac != suite.mac);
      }
      if (usable) found.push_back(&suite);
    }
    return found;
  }();
  return all;
}

}  // namespace handfast::fuzz
