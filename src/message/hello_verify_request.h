// HelloVerifyRequest, RFC 6347 section 4.2.1.
#pragma once

#include <openssl/dtls1.h>
#include <openssl/ssl3.h>

#include "wire/bytes.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

// Views point into the message body given to parse().
struct HelloVerifyRequest {
  static constexpr uint8_t kType = DTLS1_MT_HELLO_VERIFY_REQUEST;
  static constexpr size_t kMaxLength = 258;

  // Section 4.2.1: DTLS 1.0's whatever the server will choose, and of no meaning to the client.
  uint16_t server_version = DTLS1_VERSION;
  View cookie;  // at most 255 bytes
};

[[nodiscard]] Verdict parse(View body, HelloVerifyRequest& out);
void build(const HelloVerifyRequest& message, Writer& writer);

}  // namespace handfast
