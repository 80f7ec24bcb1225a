// What the tests of crypto/ and record/ share.
#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/algorithms.h"
#include "crypto/key_schedule.h"
#include "crypto/key_share.h"
#include "wire/bytes.h"

namespace handfast {

struct KeyShareForTests {
  // Makes `share` hold `key`, which it owns then.
  static void set(KeyShare& share, const Group& group, EVP_PKEY* key) {
    share.group_ = &group;
    share.key_.reset(key);
  }
};

}  // namespace handfast

namespace handfast::crypto_test {

using Octets = std::vector<uint8_t>;

inline Octets octets(View view) {
  return {view.begin(), view.end()};
}

inline int hex_digit(char c) {
  return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

// Hex with any white space in between.
inline Octets from_hex(std::string_view text) {
  Octets out;
  int high = -1;
  for (char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    if (high < 0) {
      high = hex_digit(c);
    } else {
      out.push_back(static_cast<uint8_t>(high << 4 | hex_digit(c)));
      high = -1;
    }
  }
  return out;
}

inline std::string to_hex(View view) {
  std::string out;
  for (uint8_t byte : view) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

// Deterministic bytes that differ from place to place.
inline Octets pattern(size_t size, uint8_t seed = 1) {
  Octets out(size);
  uint32_t state = seed * 2654435761U + 1;
  for (uint8_t& byte : out) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<uint8_t>(state >> 24);
  }
  return out;
}

inline const Algorithms& default_algorithms() {
  static const Algorithms* algorithms = [] {
    static Algorithms made;
    EXPECT_TRUE(made.fetch(nullptr, nullptr));
    return &made;
  }();
  return *algorithms;
}

inline TrafficSecret traffic_secret(HashId hash, View value) {
  Secret secret;
  secret.assign(value);
  return {default_algorithms().hash(hash), secret};
}

// A verdict that failed by protocol, as alert and reason.
inline void expect_failed(const Verdict& verdict, Alert alert, int reason) {
  EXPECT_FALSE(verdict.ok());
  EXPECT_EQ(static_cast<int>(verdict.alert), static_cast<int>(alert));
  EXPECT_EQ(verdict.reason, reason) << ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, reason));
}

}  // namespace handfast::crypto_test
