#include "message/certificate_verify.h"

#include "wire/reader.h"

namespace handfast {

Verdict parse(View body, CertificateVerify& out) {
  Reader reader(body);
  if (!reader.u16(out.scheme)) return fatal(Alert::decode_error, SSL_R_BAD_PACKET);
  if (!reader.vector16(out.signature) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  return success();
}

void build(const CertificateVerify& message, Writer& writer) {
  writer.u16(message.scheme);
  writer.vector16(message.signature);
}

}  // namespace handfast
