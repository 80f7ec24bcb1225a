// Certificate of TLS <= 1.2, RFC 5246 section 7.4.2.
#pragma once

#include <openssl/ssl.h>

#include "wire/bytes.h"
#include "wire/reader.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

// The longest allowed is the policy's max_cert_list. parse() has checked the form of each entry.
// That a server's list is not empty is for the receiver to check.
struct Certificate12 {
  static constexpr uint8_t kType = SSL3_MT_CERTIFICATE;

  View list;  // ASN.1Cert list without its length: read with next_certificate(), leaf first
};

[[nodiscard]] Verdict parse(View body, Certificate12& out);
void build(const Certificate12& message, Writer& writer);

// Takes the DER of the next certificate from `list`; false: no more, or malformed (`list` is not
// empty then). An entry is built with writer.vector24().
[[nodiscard]] bool next_certificate(Reader& list, View& der);

}  // namespace handfast
