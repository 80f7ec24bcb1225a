// Forms that several extensions share.
#pragma once

#include "wire/array.h"
#include "wire/reader.h"

namespace handfast {

// A body that is one vector with a 16-bit length and nothing else; false otherwise.
[[nodiscard]] inline bool only_vector16(View body, View& out) {
  Reader reader(body);
  return reader.vector16(out) && reader.empty();
}
[[nodiscard]] inline bool only_vector8(View body, View& out) {
  Reader reader(body);
  return reader.vector8(out) && reader.empty();
}
// As only_vector16(), and the vector is a non-empty list of 16-bit code points.
[[nodiscard]] inline bool only_u16_list(View body, View& out) {
  return only_vector16(body, out) && !out.empty() && out.size() % 2 == 0;
}

// Element of a list of 16-bit code points.
[[nodiscard]] inline uint16_t u16_at(View list, size_t index) {
  return static_cast<uint16_t>(list[2 * index] << 8 | list[2 * index + 1]);
}
[[nodiscard]] inline bool u16_list_contains(View list, uint16_t value) {
  for (size_t i = 0; i < list.size() / 2; ++i) {
    if (u16_at(list, i) == value) return true;
  }
  return false;
}
// Copies a list of 16-bit code points; false: memory.
[[nodiscard]] inline bool copy_u16_list(View list, Array<uint16_t>& out) {
  Array<uint16_t> copy;
  if (!copy.reserve(list.size() / 2)) return false;
  for (size_t i = 0; i < list.size() / 2; ++i) {
    if (!copy.push_back(u16_at(list, i))) return false;
  }
  out.swap(copy);
  return true;
}

}  // namespace handfast
