// Records in datagrams carry their place themselves: an epoch, which changes with the keys, and a
// sequence number (RFC 6347 section 4.1).
#pragma once

#include <cstdint>

#include "record/protection.h"
#include "record/replay_window.h"
#include "record/waiting_records.h"

namespace handfast {

constexpr size_t kDatagramRecordHeaderLength = 13;
constexpr uint64_t kMaxDatagramSequence = (uint64_t{1} << 48) - 1;

// What covers a record in place of TLS's sequence number.
[[nodiscard]] constexpr uint64_t epoch_and_sequence(uint16_t epoch, uint64_t sequence) {
  return uint64_t{epoch} << 48 | sequence;
}

struct ReadEpoch {
  uint16_t epoch = 0;
  ReplayWindow window;
  // RFC 6347 4.2.4 lets records of the next epoch overtake the change_cipher_spec. They are kept,
  // whole and still sealed, while a handshake is under way.
  bool keeps_next = false;
  WaitingRecords next;
};

struct WriteEpoch {
  uint16_t epoch = 0;
  uint64_t sequence = 0;  // of the next record
  // The epoch before: a flight that has to go out again may begin in it.
  Protection before;
  uint64_t sequence_before = 0;
  bool swapped = false;  // that one is in use for the moment
};

}  // namespace handfast
