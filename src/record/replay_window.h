// Which records of an epoch were here already (RFC 6347 section 4.1.2.6).
#pragma once

#include <cstdint>

namespace handfast {

class ReplayWindow {
 public:
  // Neither seen nor so old that nobody knows.
  [[nodiscard]] bool fresh(uint64_t sequence) const {
    if (sequence > highest_) return true;
    uint64_t age = highest_ - sequence;
    return age < kSize && (seen_ >> age & 1) == 0;
  }
  // RFC 6347 4.1.2.6: "The receive window is updated only if the MAC verification succeeds."
  void note(uint64_t sequence) {
    if (sequence > highest_) {
      uint64_t step = sequence - highest_;
      seen_ = step < kSize ? seen_ << step : 0;
      highest_ = sequence;
    }
    if (highest_ - sequence < kSize) seen_ |= uint64_t{1} << (highest_ - sequence);
  }

 private:
  static constexpr uint64_t kSize = 64;
  uint64_t highest_ = 0;
  uint64_t seen_ = 0;  // bit n: highest_ - n
};

}  // namespace handfast
