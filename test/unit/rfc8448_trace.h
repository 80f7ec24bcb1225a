// The traces of RFC 8448 (test/unit/data/rfc8448.txt), step by step.
#pragma once

#include <map>

#include "crypto_test_support.h"

namespace handfast::crypto_test {

struct Step {
  std::string actor;
  std::string what;
  std::map<std::string, Octets> values;

  const Octets& operator[](const std::string& name) const { return values.at(name); }
  bool has(const std::string& name) const { return values.count(name) != 0; }
  bool is(std::string_view prefix) const { return what.rfind(prefix, 0) == 0; }
  // The label between quotes, without its "tls13 ".
  std::string label() const;
};

using Trace = std::vector<Step>;

// Sections 3 to 7; empty: not in the file.
Trace read_trace(int section);
const char* section_name(int section);

struct TraceMessage {
  bool from_server;
  Octets whole;  // with its header
  [[nodiscard]] uint8_t type() const { return whole[0]; }
  [[nodiscard]] View body() const { return View(whole).subspan(4); }
};

// All handshake messages of the records, in the order in which they were sent.
std::vector<TraceMessage> messages_of(const Trace& trace);
bool is_hello_retry_request(const Octets& message);
// What "derive secret" made, by label.
Octets secret_of(const Trace& trace, std::string_view label);

}  // namespace handfast::crypto_test
