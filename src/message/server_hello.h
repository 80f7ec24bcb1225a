// ServerHello and HelloRetryRequest, RFC 8446 sections 4.1.3 and 4.1.4.
#pragma once

#include <openssl/ssl.h>

#include "wire/bytes.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

// The `random` that makes a ServerHello a HelloRetryRequest.
extern const uint8_t kHelloRetryRequestRandom[32];

// Views point into the message body given to parse().
struct ServerHello {
  static constexpr uint8_t kType = SSL3_MT_SERVER_HELLO;
  static constexpr size_t kMaxLength = 20000;
  static constexpr size_t kRandomLength = 32;

  uint16_t legacy_version = 0;
  View random;      // 32 bytes
  View session_id;  // legacy_session_id_echo, at most 32 bytes
  uint16_t cipher_suite = 0;
  uint8_t compression_method = 0;
  View extensions;              // the block without its length
  bool has_extensions = false;  // TLS <= 1.2 hellos may end before the block

  [[nodiscard]] bool is_hello_retry_request() const;
};

[[nodiscard]] Verdict parse(View body, ServerHello& out);
void build(const ServerHello& message, Writer& writer);

}  // namespace handfast
