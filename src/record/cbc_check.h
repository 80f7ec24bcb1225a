// Padding and MAC of a decrypted CBC record that was MACed before it was encrypted
// (RFC 5246 6.2.3.2): where Lucky 13 and padding oracles would listen.
#pragma once

#include "record/record_mac.h"
#include "wire/bytes.h"

namespace handfast {

// Both are secrets until `good` has been acted upon.
struct CbcCheck {
  size_t good = 0;    // mask: all ones when padding and MAC are right
  size_t length = 0;  // of the content, when good
};

// `plaintext`: content || MAC || padding, at least mac.size() + 1 bytes; its length is public, its
// bytes are not, and neither branches nor addresses depend on them. `header` carries sequence
// number, type and version. False only when libcrypto fails.
[[nodiscard]] bool check_cbc(const RecordMac& mac, PseudoHeader header, View plaintext,
                             CbcCheck& out);

}  // namespace handfast
