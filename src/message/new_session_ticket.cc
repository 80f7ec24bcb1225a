#include "message/new_session_ticket.h"

#include "wire/reader.h"

namespace handfast {

Verdict parse(View body, NewSessionTicket13& out) {
  Reader reader(body);
  // RFC 8446 4.6.1: ticket<1..2^16-1>.
  if (!reader.u32(out.lifetime) || !reader.u32(out.age_add) || !reader.vector8(out.nonce) ||
      !reader.vector16(out.ticket) || out.ticket.empty() || !reader.vector16(out.extensions) ||
      !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  return success();
}

void build(const NewSessionTicket13& message, Writer& writer) {
  writer.u32(message.lifetime);
  writer.u32(message.age_add);
  writer.vector8(message.nonce);
  writer.vector16(message.ticket);
  writer.vector16(message.extensions);
}

}  // namespace handfast
