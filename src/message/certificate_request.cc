#include "message/certificate_request.h"

#include "wire/reader.h"

namespace handfast {

Verdict parse(View body, CertificateRequest13& out) {
  Reader reader(body);
  if (!reader.vector8(out.context)) return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  if (!reader.vector16(out.extensions)) return fatal(Alert::decode_error, SSL_R_BAD_LENGTH);
  if (!reader.empty()) return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  return success();
}

void build(const CertificateRequest13& message, Writer& writer) {
  writer.vector8(message.context);
  writer.vector16(message.extensions);
}

}  // namespace handfast
