#include "message/new_session_ticket12.h"

#include "wire/reader.h"

namespace handfast {

Verdict parse(View body, NewSessionTicket12& out) {
  Reader reader(body);
  if (!reader.u32(out.lifetime_hint) || !reader.vector16(out.ticket) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  return success();
}

void build(const NewSessionTicket12& message, Writer& writer) {
  writer.u32(message.lifetime_hint);
  writer.vector16(message.ticket);
}

}  // namespace handfast
