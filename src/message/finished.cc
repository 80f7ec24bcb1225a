#include "message/finished.h"

namespace handfast {

Verdict parse(View body, Finished& out) {
  out.verify_data = body;
  return success();
}

void build(const Finished& message, Writer& writer) {
  writer.bytes(message.verify_data);
}

}  // namespace handfast
