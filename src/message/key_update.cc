#include "message/key_update.h"

#include "wire/reader.h"

namespace handfast {

Verdict parse(View body, KeyUpdate& out) {
  Reader reader(body);
  if (!reader.u8(out.request) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_BAD_KEY_UPDATE);
  }
  // RFC 8446 4.6.3: any other value is answered with illegal_parameter.
  if (out.request != SSL_KEY_UPDATE_NOT_REQUESTED && out.request != SSL_KEY_UPDATE_REQUESTED) {
    return fatal(Alert::illegal_parameter, SSL_R_BAD_KEY_UPDATE);
  }
  return success();
}

void build(const KeyUpdate& message, Writer& writer) {
  writer.u8(message.request);
}

}  // namespace handfast
