// One SSL of TLS <= 1.2 and a genuine one on the other side, whose messages the input changes on
// their way, also under protection; or records as they stand.
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstdint>
#include <vector>

#include "record/record_reader.h"
#include "record/record_writer.h"
#include "wire/reader.h"

namespace handfast::fuzz {

// Roles and settings of a run, from the first bytes of the input.
struct Choice12 {
  bool server = false;  // is tested
  uint8_t version = 0;  // and suite
  uint8_t options = 0;
};

class Harness12 {
 public:
  explicit Harness12(const Choice12& choice);
  ~Harness12();
  Harness12(const Harness12&) = delete;
  Harness12& operator=(const Harness12&) = delete;

  // The bytes as they came from the wire.
  void feed(View bytes);
  // What happens to each thing that the genuine side sends, see Change.
  void converse(View input);
  void end();

  // Random bytes of each side, the same in every run.
  static void use_fixed_random();

 private:
  using Octets = std::vector<uint8_t>;
  enum Change : uint8_t {
    kPass,
    kXor,
    kDrop,
    kDouble,
    kInsert,
    kReplace,
    kTruncate,
    kRaw,
    kRetype,
    kCut,
    kDelay,
    kOverwrite,
    kChanges
  };
  void collect();
  void forward(Reader& input);
  void pass(ContentType type, Octets content, Reader& input);
  void change(uint8_t change, ContentType type, Octets& content, Reader& input);
  void put(ContentType type, View content);
  void call_tested();
  void call_genuine(uint8_t action);
  template <class Side>
  void install(Side& side) const;

  bool server_;
  uint16_t version_;
  SSL* tested_;
  SSL* genuine_;
  BIO *to_tested_, *from_tested_, *to_genuine_, *from_genuine_;
  uint32_t tested_random_ = 1, genuine_random_ = 2;
  RecordReader reader_;
  RecordWriter writer_;
  Octets output_, handshake_, delayed_;
  ContentType delayed_type_ = ContentType::handshake;
  size_t cut_ = 0;
};

// Runs one input: choice of version, of options, of the form, and the rest.
int run12(bool server, const uint8_t* data, size_t size);

}  // namespace handfast::fuzz
