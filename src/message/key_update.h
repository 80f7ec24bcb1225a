// KeyUpdate, RFC 8446 section 4.6.3.
#pragma once

#include <openssl/ssl.h>

#include "wire/bytes.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

struct KeyUpdate {
  static constexpr uint8_t kType = SSL3_MT_KEY_UPDATE;
  static constexpr size_t kMaxLength = 1;

  uint8_t request = SSL_KEY_UPDATE_NOT_REQUESTED;  // SSL_KEY_UPDATE_*; parse() allows no other
};

[[nodiscard]] Verdict parse(View body, KeyUpdate& out);
void build(const KeyUpdate& message, Writer& writer);

}  // namespace handfast
