// CertificateStatus, RFC 6066 section 8.
#pragma once

#include <openssl/ssl.h>

#include "wire/bytes.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

struct CertificateStatus {
  static constexpr uint8_t kType = SSL3_MT_CERTIFICATE_STATUS;
  static constexpr size_t kMaxLength = SSL3_RT_MAX_PLAIN_LENGTH;

  uint8_t type = TLSEXT_STATUSTYPE_ocsp;  // parse() allows no other
  View response;                          // DER of an OCSPResponse, at least one byte
};

[[nodiscard]] Verdict parse(View body, CertificateStatus& out);
void build(const CertificateStatus& message, Writer& writer);

}  // namespace handfast
