// One SSL of DTLS and a genuine one on the other side, whose datagrams the input disturbs on their
// way; or datagrams as they stand.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <string>

#include "support/datagrams.h"
#include "wire/bytes.h"
#include "wire/reader.h"

namespace handfast::fuzz {

// Which side is tested.
enum class Tested : uint8_t { client, server, listener };

class DatagramHarness {
 public:
  // `choice`: version and suite; `options`: bits, see configure() in the source.
  DatagramHarness(Tested tested, uint8_t choice, uint8_t options);
  ~DatagramHarness();
  DatagramHarness(const DatagramHarness&) = delete;
  DatagramHarness& operator=(const DatagramHarness&) = delete;

  // Datagrams, each behind its length.
  void feed(Reader input);
  // What happens to each datagram that the genuine side sends, see Change.
  void converse(Reader input);
  void end();

 private:
  enum Change : uint8_t {
    kPass,
    kDrop,
    kDouble,
    kXor,
    kTruncate,
    kDelay,
    kInsert,  // bytes as they stand
    kSeal,    // content that the genuine side's keys protect
    kSplit,   // records in datagrams of their own, backwards
    kShred,   // messages in the clear in short fragments, backwards
    kTimeout,
    kChanges
  };
  void call_tested();
  void call_genuine(uint8_t action);
  void forward(Reader& input);
  void change(const std::string& datagram, Reader& input);
  // An empty one would be an end of the BIO.
  void put(const std::string& datagram) {
    if (!datagram.empty()) to_tested().arrived.push_back(datagram);
  }
  twin::Way& to_tested() { return tested_ == Tested::client ? net_.to_client : net_.to_server; }

  Tested tested_;
  bool listening_;
  twin::Net net_;
  SSL* ssl_;
  SSL* genuine_;
  std::string delayed_;
};

// Runs one input: choice, options, form, and the rest.
int run_datagrams(Tested tested, const uint8_t* data, size_t size);

}  // namespace handfast::fuzz
