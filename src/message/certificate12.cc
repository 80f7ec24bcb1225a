#include "message/certificate12.h"

namespace handfast {

bool next_certificate(Reader& list, View& der) {
  Reader ahead = list;
  // RFC 5246 7.4.2: ASN.1Cert<1..2^24-1>.
  if (!ahead.vector24(der) || der.empty()) return false;
  list = ahead;
  return true;
}

Verdict parse(View body, Certificate12& out) {
  Reader reader(body);
  if (!reader.vector24(out.list) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  Reader list(out.list);
  View der;
  while (next_certificate(list, der)) continue;
  if (!list.empty()) return fatal(Alert::decode_error, SSL_R_CERT_LENGTH_MISMATCH);
  return success();
}

void build(const Certificate12& message, Writer& writer) {
  writer.vector24(message.list);
}

}  // namespace handfast
