#include "message/certificate_status.h"

#include "wire/reader.h"

namespace handfast {

Verdict parse(View body, CertificateStatus& out) {
  Reader reader(body);
  if (!reader.u8(out.type) || out.type != TLSEXT_STATUSTYPE_ocsp) {
    return fatal(Alert::decode_error, SSL_R_UNSUPPORTED_STATUS_TYPE);
  }
  // RFC 6066 8: OCSPResponse<1..2^24-1>.
  if (!reader.vector24(out.response) || out.response.empty() || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  return success();
}

void build(const CertificateStatus& message, Writer& writer) {
  writer.u8(message.type);
  writer.vector24(message.response);
}

}  // namespace handfast
