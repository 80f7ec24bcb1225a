// CertificateVerify of TLS <= 1.2, RFC 5246 section 7.4.8.
#pragma once

#include <openssl/ssl.h>

#include "wire/bytes.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

struct CertificateVerify12 {
  static constexpr uint8_t kType = SSL3_MT_CERTIFICATE_VERIFY;
  static constexpr size_t kMaxLength = SSL3_RT_MAX_PLAIN_LENGTH;

  bool has_scheme = false;  // TLS 1.2 only
  uint16_t scheme = 0;      // SignatureAndHashAlgorithm, numbered as SignatureScheme
  View signature;
};

// `version` is the negotiated one, SSL_version(3).
[[nodiscard]] Verdict parse(View body, uint16_t version, CertificateVerify12& out);
void build(const CertificateVerify12& message, Writer& writer);

}  // namespace handfast
