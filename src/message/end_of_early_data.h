// EndOfEarlyData, RFC 8446 section 4.5.
#pragma once

#include <openssl/ssl.h>

#include "wire/bytes.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

struct EndOfEarlyData {
  static constexpr uint8_t kType = SSL3_MT_END_OF_EARLY_DATA;
  static constexpr size_t kMaxLength = 0;
};

[[nodiscard]] inline Verdict parse(View body, EndOfEarlyData&) {
  if (!body.empty()) return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  return success();
}
inline void build(const EndOfEarlyData&, Writer&) {}

}  // namespace handfast
