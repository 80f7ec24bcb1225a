// NextProtocol, draft-agl-tls-nextprotoneg-03 section 3.
#pragma once

#include <openssl/ssl.h>

#include "wire/bytes.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

struct NextProtocol {
  static constexpr uint8_t kType = SSL3_MT_NEXT_PROTO;
  static constexpr size_t kMaxLength = 514;

  View protocol;  // selected_protocol, at most 255 bytes; padding is made by build()
};

[[nodiscard]] Verdict parse(View body, NextProtocol& out);
void build(const NextProtocol& message, Writer& writer);

}  // namespace handfast
