#include "message/certificate_request12.h"

namespace handfast {

bool next_authority(Reader& authorities, View& der) {
  Reader ahead = authorities;
  // RFC 5246 7.4.4: DistinguishedName<1..2^16-1>.
  if (!ahead.vector16(der) || der.empty()) return false;
  authorities = ahead;
  return true;
}

Verdict parse(View body, uint16_t version, CertificateRequest12& out) {
  out = {};
  Reader reader(body);
  if (!reader.vector8(out.certificate_types)) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  out.has_schemes = version >= TLS1_2_VERSION;
  if (out.has_schemes) {
    if (!reader.vector16(out.schemes)) return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
    // RFC 5246 7.4.1.4.1: supported_signature_algorithms<2..2^16-2>.
    if (out.schemes.empty() || out.schemes.size() % 2 != 0) {
      return fatal(Alert::decode_error, SSL_R_SIGNATURE_ALGORITHMS_ERROR);
    }
  }
  if (!reader.vector16(out.authorities) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  Reader authorities(out.authorities);
  View der;
  while (next_authority(authorities, der)) continue;
  if (!authorities.empty()) return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  return success();
}

void build(const CertificateRequest12& message, Writer& writer) {
  writer.vector8(message.certificate_types);
  if (message.has_schemes) writer.vector16(message.schemes);
  writer.vector16(message.authorities);
}

}  // namespace handfast
