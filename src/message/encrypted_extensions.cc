#include "message/encrypted_extensions.h"

#include "wire/reader.h"

namespace handfast {

Verdict parse(View body, EncryptedExtensions& out) {
  Reader reader(body);
  if (!reader.vector16(out.extensions) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  return success();
}

void build(const EncryptedExtensions& message, Writer& writer) {
  writer.vector16(message.extensions);
}

}  // namespace handfast
