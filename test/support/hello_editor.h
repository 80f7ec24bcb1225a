// Changes a ClientHello on its way, in the one record that it fills.
#pragma once

#include <functional>
#include <string>

#include "report.h"

namespace twin {

inline size_t number(const std::string& bytes, size_t at, size_t size) {
  size_t value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

inline void add_to(std::string& bytes, size_t at, size_t size, ptrdiff_t change) {
  size_t value = number(bytes, at, size) + static_cast<size_t>(change);
  for (size_t i = size; i > 0; --i, value >>= 8) bytes[at + i - 1] = static_cast<char>(value);
}

/// Where the list of extensions begins in the record of a ClientHello.
inline size_t extensions_of(const std::string& record) {
  size_t at = 5 + 4 + 2 + 32;
  at += 1 + number(record, at, 1);
  at += 2 + number(record, at, 2);
  at += 1 + number(record, at, 1);
  return at;
}

/// Changes the body of the extension `type` in a record with one ClientHello.
inline void change_extension(std::string& record, size_t type,
                             const std::function<void(std::string& body)>& change) {
  size_t list = extensions_of(record);
  for (size_t at = list + 2; at < record.size(); at += 4 + number(record, at + 2, 2)) {
    if (number(record, at, 2) != type) continue;
    size_t length = number(record, at + 2, 2);
    std::string body = record.substr(at + 4, length);
    change(body);
    auto more = static_cast<ptrdiff_t>(body.size()) - static_cast<ptrdiff_t>(length);
    record.replace(at + 4, length, body);
    add_to(record, at + 2, 2, more);
    add_to(record, list, 2, more);
    add_to(record, 6, 3, more);
    add_to(record, 3, 2, more);
    return;
  }
  out("  no extension %zu", type);
}

/// Changes the cookie itself; its length follows.
inline std::function<void(std::string&)> in_cookie(
    const std::function<void(std::string&)>& change) {
  return [change](std::string& body) {
    std::string inside = body.substr(2);
    change(inside);
    body = std::string{static_cast<char>(inside.size() >> 8), static_cast<char>(inside.size())} +
           inside;
  };
}

}  // namespace twin
