// CertificateVerify, RFC 8446 section 4.4.3.
#pragma once

#include <openssl/ssl.h>

#include "wire/bytes.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

struct CertificateVerify {
  static constexpr uint8_t kType = SSL3_MT_CERTIFICATE_VERIFY;
  static constexpr size_t kMaxLength = SSL3_RT_MAX_PLAIN_LENGTH;

  uint16_t scheme = 0;  // SignatureScheme
  View signature;
};

[[nodiscard]] Verdict parse(View body, CertificateVerify& out);
void build(const CertificateVerify& message, Writer& writer);

}  // namespace handfast
