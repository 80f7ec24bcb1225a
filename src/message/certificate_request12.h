// CertificateRequest of TLS <= 1.2, RFC 5246 section 7.4.4.
#pragma once

#include <openssl/ssl.h>

#include "wire/bytes.h"
#include "wire/reader.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

// The longest allowed is the policy's max_cert_list.
struct CertificateRequest12 {
  static constexpr uint8_t kType = SSL3_MT_CERTIFICATE_REQUEST;

  View certificate_types;    // one byte each; peers that have none to name are let through
  bool has_schemes = false;  // TLS 1.2 only
  View schemes;              // supported_signature_algorithms: two bytes each, at least one
  View authorities;          // DistinguishedName list without its length: next_authority()
};

// `version` is the negotiated one, SSL_version(3). The DER of the names is not looked at.
[[nodiscard]] Verdict parse(View body, uint16_t version, CertificateRequest12& out);
void build(const CertificateRequest12& message, Writer& writer);

// Takes the DER of the next name from `authorities`; false: no more, or malformed (`authorities`
// is not empty then). An entry is built with writer.vector16().
[[nodiscard]] bool next_authority(Reader& authorities, View& der);

}  // namespace handfast
