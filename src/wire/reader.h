// A cursor over received bytes that cannot overrun.
#pragma once

#include <cstdint>

#include "wire/bytes.h"

namespace handfast {

// Every read returns false and leaves the cursor where it was when the bytes run out.
class Reader {
 public:
  Reader() = default;
  explicit Reader(View bytes) : rest_(bytes) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }
  [[nodiscard]] size_t size() const { return rest_.size(); }
  [[nodiscard]] View rest() const { return rest_; }

  [[nodiscard]] bool u8(uint8_t& value) { return integer<1>(value); }
  [[nodiscard]] bool u16(uint16_t& value) { return integer<2>(value); }
  [[nodiscard]] bool u24(uint32_t& value) { return integer<3>(value); }
  [[nodiscard]] bool u32(uint32_t& value) { return integer<4>(value); }

  [[nodiscard]] bool bytes(size_t length, View& value) {
    if (length > rest_.size()) return false;
    value = rest_.first(length);
    rest_ = rest_.subspan(length);
    return true;
  }
  // Vectors of RFC 8446 section 3.4 with a length of 1, 2 or 3 bytes.
  [[nodiscard]] bool vector8(View& value) { return vector<1>(value); }
  [[nodiscard]] bool vector16(View& value) { return vector<2>(value); }
  [[nodiscard]] bool vector24(View& value) { return vector<3>(value); }

 private:
  template <size_t kLength, typename T>
  bool integer(T& value) {
    if (rest_.size() < kLength) return false;
    uint32_t result = 0;
    for (size_t i = 0; i < kLength; ++i) result = result << 8 | rest_[i];
    value = static_cast<T>(result);
    rest_ = rest_.subspan(kLength);
    return true;
  }
  template <size_t kLength>
  bool vector(View& value) {
    Reader ahead = *this;
    uint32_t length = 0;
    if (!ahead.integer<kLength>(length) || !ahead.bytes(length, value)) return false;
    *this = ahead;
    return true;
  }

  View rest_;
};

}  // namespace handfast
