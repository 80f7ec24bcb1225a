// CertificateRequest, RFC 8446 section 4.3.2.
#pragma once

#include <openssl/ssl.h>

#include "wire/bytes.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

// The longest allowed is the policy's max_cert_list.
struct CertificateRequest13 {
  static constexpr uint8_t kType = SSL3_MT_CERTIFICATE_REQUEST;

  View context;     // certificate_request_context; empty in the handshake
  View extensions;  // the block without its length
};

[[nodiscard]] Verdict parse(View body, CertificateRequest13& out);
void build(const CertificateRequest13& message, Writer& writer);

}  // namespace handfast
