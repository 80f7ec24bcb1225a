// HelloRequest, RFC 5246 section 7.4.1.1.
#pragma once

#include <openssl/ssl.h>

#include "wire/bytes.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

struct HelloRequest {
  static constexpr uint8_t kType = SSL3_MT_HELLO_REQUEST;
  static constexpr size_t kMaxLength = 0;
};

[[nodiscard]] inline Verdict parse(View body, HelloRequest&) {
  if (!body.empty()) return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  return success();
}
inline void build(const HelloRequest&, Writer&) {}

}  // namespace handfast
