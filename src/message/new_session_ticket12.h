// NewSessionTicket of TLS <= 1.2, RFC 5077 section 3.3.
#pragma once

#include <openssl/ssl.h>

#include "wire/bytes.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

struct NewSessionTicket12 {
  static constexpr uint8_t kType = SSL3_MT_NEWSESSION_TICKET;
  static constexpr size_t kMaxLength = 65541;

  uint32_t lifetime_hint = 0;  // seconds; 0: unspecified
  View ticket;                 // empty: the server decided to issue none
};

[[nodiscard]] Verdict parse(View body, NewSessionTicket12& out);
void build(const NewSessionTicket12& message, Writer& writer);

}  // namespace handfast
