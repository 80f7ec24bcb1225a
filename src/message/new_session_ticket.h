// NewSessionTicket, RFC 8446 section 4.6.1.
#pragma once

#include <openssl/ssl.h>

#include "wire/bytes.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

struct NewSessionTicket13 {
  static constexpr uint8_t kType = SSL3_MT_NEWSESSION_TICKET;
  static constexpr size_t kMaxLength = 131338;
  // "Servers MUST NOT use any value greater than 604800 seconds (7 days) [...] Clients MUST NOT
  // cache tickets for longer than 7 days, regardless of the ticket_lifetime".
  static constexpr long kMaxLifetime = 604800;

  uint32_t lifetime = 0;  // seconds
  uint32_t age_add = 0;
  View nonce;       // at most 255 bytes
  View ticket;      // at least one byte
  View extensions;  // the block without its length
};

[[nodiscard]] Verdict parse(View body, NewSessionTicket13& out);
void build(const NewSessionTicket13& message, Writer& writer);

}  // namespace handfast
