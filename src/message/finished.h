// Finished, RFC 8446 section 4.4.4.
#pragma once

#include <openssl/ssl.h>

#include "wire/bytes.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

struct Finished {
  static constexpr uint8_t kType = SSL3_MT_FINISHED;
  static constexpr size_t kMaxLength = 64;

  View verify_data;  // the whole body; its length is for the receiver to compare
};

[[nodiscard]] Verdict parse(View body, Finished& out);
void build(const Finished& message, Writer& writer);

}  // namespace handfast
