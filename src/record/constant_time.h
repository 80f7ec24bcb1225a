// Arithmetic on secrets without branches: conditions are masks, all ones or all zeros.
#pragma once

#include <cstddef>
#include <cstdint>

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

}  // namespace handfast::constant_time
