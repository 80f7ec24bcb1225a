// Handshake messages of DTLS come in fragments, in any order and more than once (RFC 6347 4.2.3).
#pragma once

#include <cstdint>

#include "wire/array.h"
#include "wire/bytes.h"
#include "wire/verdict.h"

namespace handfast {

struct Handshake;

// A message of which some bytes are there.
struct PartialMessage {
  uint16_t message_seq = 0;
  size_t missing = 0;  // bytes of the body
  Bytes whole;         // with a header as of one fragment
  Bytes present;       // bit for each byte of the body
};

class Reassembly {
 public:
  // The fragment `body`, from `offset` on, of a message; a message that is known otherwise stays
  // as it is. `header`: of the whole message. False: memory.
  [[nodiscard]] bool add(View header, uint16_t message_seq, size_t offset, View body,
                         size_t length);
  // If the message is whole, it is moved to `out` and true returned.
  [[nodiscard]] bool take(uint16_t message_seq, Bytes& out);
  // Bytes that are kept for other messages than this one.
  [[nodiscard]] size_t kept_beside(uint16_t message_seq) const;
  // Is a part of it here?
  [[nodiscard]] bool knows(uint16_t message_seq) const {
    return find(message_seq) < messages_.size();
  }
  void drop(uint16_t message_seq) {
    if (knows(message_seq)) messages_.erase(find(message_seq));
  }
  void clear() { messages_.clear(); }

 private:
  [[nodiscard]] size_t find(uint16_t message_seq) const;
  Array<PartialMessage> messages_;
};

// What a record of the handshake holds; messages whose turn it is end up in the inbox.
[[nodiscard]] Verdict take_fragments(Handshake& hs, View record);

}  // namespace handfast
