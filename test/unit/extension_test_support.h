// Bytes from hexadecimal text, comparison of verdicts, and an Exchange that is ready to use.
#pragma once

#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include "config/context.h"
#include "extension/exchange.h"
#include "extension/extension.h"
#include "wire/bytes.h"
#include "wire/verdict.h"

namespace handfast::test {

using Octets = std::vector<uint8_t>;

// Anything but hexadecimal digits is layout.
inline Octets hex(std::string_view text) {
  Octets out;
  int high = -1;
  for (char c : text) {
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) continue;
    int digit = std::isdigit(static_cast<unsigned char>(c)) != 0 ? c - '0' : (c | 0x20) - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      out.push_back(static_cast<uint8_t>(high << 4 | digit));
      high = -1;
    }
  }
  EXPECT_LT(high, 0) << "odd number of digits: " << text;
  return out;
}

inline std::string to_hex(View bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (uint8_t byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

inline Octets operator+(Octets a, const Octets& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline Octets number(size_t value, int length) {
  Octets out;
  for (int i = length - 1; i >= 0; --i) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
  return out;
}
inline Octets vector8(const Octets& body) {
  return number(body.size(), 1) + body;
}
inline Octets vector16(const Octets& body) {
  return number(body.size(), 2) + body;
}
inline Octets vector24(const Octets& body) {
  return number(body.size(), 3) + body;
}
inline Octets text(std::string_view value) {
  return {value.begin(), value.end()};
}
inline Octets extension(int type, const Octets& body) {
  return number(type, 2) + vector16(body);
}

inline std::string describe(const Verdict& verdict) {
  if (verdict.ok()) return "ok";
  const char* reason = ERR_reason_error_string(ERR_PACK(verdict.library, 0, verdict.reason));
  return "alert " + std::to_string(static_cast<int>(verdict.alert)) + ", reason " +
         (reason != nullptr ? reason : std::to_string(verdict.reason));
}

#define EXPECT_OK(verdict)                        \
  do {                                            \
    Verdict result = (verdict);                   \
    EXPECT_TRUE(result.ok()) << describe(result); \
  } while (0)

#define EXPECT_FATAL(verdict, expected_alert, expected_reason)                            \
  do {                                                                                    \
    Verdict result = (verdict);                                                           \
    EXPECT_EQ(describe(result), describe(fatal(Alert::expected_alert, expected_reason))); \
  } while (0)

// One side of a handshake with default settings, without an SSL.
struct Side {
  explicit Side(bool server) {
    EXPECT_TRUE(policy.create() && credentials.create() && trust.create() && hooks.create());
    EXPECT_TRUE(context.algorithms.fetch(nullptr, nullptr));
    exchange.server = server;
    exchange.ctx = &context;
    exchange.algorithms = &context.algorithms;
    exchange.policy = &policy;
    exchange.credentials = &credentials;
    exchange.trust = &trust;
    exchange.authorities = &authorities;
    exchange.hooks = &hooks;
    exchange.request = &request;
    exchange.negotiated = &negotiated;
    exchange.min_version = exchange.max_version = TLS1_3_VERSION;
    if (server) negotiated.version = TLS1_3_VERSION;
  }
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  // The block that is written, without its length.
  Octets write(MessageSet message) {
    Bytes out;
    Writer writer(out);
    EXPECT_OK(write_extensions(exchange, message, writer));
    View block;
    Reader reader(out.view());
    EXPECT_TRUE(reader.vector16(block) && reader.empty());
    return {block.begin(), block.end()};
  }
  Verdict read(MessageSet message, const Octets& block) {
    kept = block;  // views into it stay valid
    return read_extensions(exchange, message, kept);
  }
  void mark_sent(std::initializer_list<uint16_t> types) {
    exchange.sent = 0;
    for (uint16_t type : types) exchange.sent |= extension_bit(type);
  }
  void mark_received(std::initializer_list<uint16_t> types) {
    exchange.received = 0;
    for (uint16_t type : types) exchange.received |= extension_bit(type);
  }

  Context context;
  Cow<Policy> policy;
  Cow<Credentials> credentials;
  Cow<Trust> trust;
  Cow<Hooks> hooks;
  NamedAuthorities authorities;
  Request request;
  Negotiated negotiated;
  Exchange exchange;
  Octets kept;
};

// Smallest ClientHello extensions that a TLS 1.3 server accepts (X25519, one share of 32 bytes).
inline Octets groups_extension() {
  return extension(TLSEXT_TYPE_supported_groups, hex("0002 001d"));
}
inline Octets schemes_extension() {
  return extension(TLSEXT_TYPE_signature_algorithms, hex("0002 0403"));
}
inline Octets key_share_extension() {
  return extension(TLSEXT_TYPE_key_share, vector16(hex("001d") + vector16(Octets(32, 7))));
}
inline Octets minimal_hello() {
  return groups_extension() + schemes_extension() +
         extension(TLSEXT_TYPE_supported_versions, hex("02 0304")) + key_share_extension();
}

}  // namespace handfast::test
