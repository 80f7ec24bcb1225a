// A set of 16-bit code points: lists of a peer are compared in linear time, however long.
#pragma once

#include <cstdint>

namespace handfast {

class U16Set {
 public:
  // False when it was there already.
  bool insert(uint16_t value) {
    uint64_t bit = uint64_t{1} << (value % 64);
    bool is_new = (bits_[value / 64] & bit) == 0;
    bits_[value / 64] |= bit;
    return is_new;
  }
  // False when it was not there.
  bool erase(uint16_t value) {
    uint64_t bit = uint64_t{1} << (value % 64);
    bool was_there = (bits_[value / 64] & bit) != 0;
    bits_[value / 64] &= ~bit;
    return was_there;
  }

 private:
  uint64_t bits_[65536 / 64] = {};
};

}  // namespace handfast
