// Arithmetic on secrets without branches: conditions are masks, all ones or all zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace handfast::constant_time {

// Hides a value from the optimizer. It would turn masks that it knows to be all or nothing back
// into branches or a choice of addresses, and loops that compare their counter with a secret into
// loops that count from the secret.
inline size_t hidden(size_t value) {
  __asm__("" : "+r"(value));
  return value;
}

inline size_t mask_of_top_bit(size_t value) {
  return hidden(0 - (hidden(value) >> (8 * sizeof value - 1)));
}

// a < b
inline size_t less(size_t a, size_t b) {
  a = hidden(a);
  b = hidden(b);
  return mask_of_top_bit(a ^ ((a ^ b) | ((a - b) ^ b)));
}

// a >= b
inline size_t at_least(size_t a, size_t b) {
  return ~less(a, b);
}

inline size_t is_zero(size_t value) {
  return mask_of_top_bit(~value & (value - 1));
}

inline size_t equal(size_t a, size_t b) {
  return is_zero(a ^ b);
}

inline size_t select(size_t mask, size_t then, size_t otherwise) {
  return (mask & then) | (~mask & otherwise);
}

inline uint8_t select8(size_t mask, uint8_t then, uint8_t otherwise) {
  return static_cast<uint8_t>(select(mask, then, otherwise));
}

// Sixteen bytes at once. Comparisons of vectors give masks, and no branch is made of them.
using Lane = uint8_t __attribute__((vector_size(16)));
constexpr size_t kLane = sizeof(Lane);

inline Lane load(const uint8_t* bytes) {
  Lane lane;
  std::memcpy(&lane, bytes, kLane);
  return lane;
}

inline void store(uint8_t* bytes, Lane lane) {
  std::memcpy(bytes, &lane, kLane);
}

inline Lane fill(size_t byte) {
  return Lane{} + static_cast<uint8_t>(byte);
}

// 0, 1, 2 … 15
inline Lane count() {
  return Lane{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
}

}  // namespace handfast::constant_time
