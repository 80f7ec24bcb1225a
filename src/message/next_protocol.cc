#include "message/next_protocol.h"

#include "wire/reader.h"

namespace handfast {

Verdict parse(View body, NextProtocol& out) {
  Reader reader(body);
  View padding;
  if (!reader.vector8(out.protocol) || !reader.vector8(padding) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  return success();
}

void build(const NextProtocol& message, Writer& writer) {
  static constexpr uint8_t kZeros[32] = {};
  writer.vector8(message.protocol);
  // Section 3: the length of padding is 32 - ((len(selected_protocol) + 2) % 32).
  writer.vector8(View(kZeros).first(32 - (message.protocol.size() + 2) % 32));
}

}  // namespace handfast
