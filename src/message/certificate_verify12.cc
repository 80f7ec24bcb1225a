#include "message/certificate_verify12.h"

#include "wire/reader.h"

namespace handfast {

Verdict parse(View body, uint16_t version, CertificateVerify12& out) {
  out = {};
  Reader reader(body);
  out.has_scheme = version >= TLS1_2_VERSION;
  if (out.has_scheme && !reader.u16(out.scheme)) {
    return fatal(Alert::decode_error, SSL_R_BAD_PACKET);
  }
  if (!reader.vector16(out.signature) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  return success();
}

void build(const CertificateVerify12& message, Writer& writer) {
  if (message.has_scheme) writer.u16(message.scheme);
  writer.vector16(message.signature);
}

}  // namespace handfast
