#include "message/hello_verify_request.h"

#include "wire/reader.h"

namespace handfast {

Verdict parse(View body, HelloVerifyRequest& out) {
  Reader reader(body);
  if (!reader.u16(out.server_version) || !reader.vector8(out.cookie) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  return success();
}

void build(const HelloVerifyRequest& message, Writer& writer) {
  writer.u16(message.server_version);
  writer.vector8(message.cookie);
}

}  // namespace handfast
