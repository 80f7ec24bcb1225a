#include "rfc8448_trace.h"

#include <openssl/ssl3.h>

#include <fstream>
#include <sstream>

namespace handfast::crypto_test {

std::string Step::label() const {
  size_t start = what.find('"') + 1;
  std::string quoted = what.substr(start, what.rfind('"') - start);
  return quoted.rfind("tls13 ", 0) == 0 ? quoted.substr(6) : quoted;
}

Trace read_trace(int wanted) {
  Trace trace;
  std::ifstream file(HANDFAST_SOURCE_DIR "/test/unit/data/rfc8448.txt");
  int section = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string first;
    std::string rest;
    words >> first >> std::ws;
    std::getline(words, rest);
    if (first == "section") {
      section = std::stoi(rest);
    } else if (section != wanted) {
      continue;
    } else if (line[0] == ' ') {
      trace.back().values[first] = rest == "-" ? Octets() : from_hex(rest);
    } else {
      trace.push_back({first, rest, {}});
    }
  }
  return trace;
}

const char* section_name(int section) {
  constexpr const char* kNames[] = {"Simple", "Resumed0Rtt", "HelloRetryRequest", "ClientAuth",
                                    "Compatibility"};
  return kNames[section - 3];
}

std::vector<TraceMessage> messages_of(const Trace& trace) {
  std::vector<TraceMessage> messages;
  for (const Step& step : trace) {
    if (!step.is("send handshake")) continue;
    const Octets& payload = step["payload"];
    for (size_t at = 0; at < payload.size();) {
      size_t length = 4 + (static_cast<size_t>(payload[at + 1]) << 16 |
                           static_cast<size_t>(payload[at + 2]) << 8 | payload[at + 3]);
      View whole = View(payload).subspan(at, length);
      messages.push_back({step.actor == "server", octets(whole)});
      at += length;
    }
  }
  return messages;
}

bool is_hello_retry_request(const Octets& message) {
  constexpr uint8_t kRandomStart[] = {0xcf, 0x21, 0xad, 0x74};
  return message[0] == SSL3_MT_SERVER_HELLO && equal(View(message).subspan(6, 4), kRandomStart);
}

Octets secret_of(const Trace& trace, std::string_view label) {
  for (const Step& step : trace) {
    if (step.is("derive secret") && step.label() == label) return step["expanded"];
  }
  ADD_FAILURE() << "no secret " << label;
  return {};
}

}  // namespace handfast::crypto_test
