// Certificate, RFC 8446 section 4.4.2.
#pragma once

#include <openssl/ssl.h>

#include "wire/bytes.h"
#include "wire/reader.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

// The longest allowed is the policy's max_cert_list. parse() has checked the form of each entry.
struct Certificate13 {
  static constexpr uint8_t kType = SSL3_MT_CERTIFICATE;

  View context;  // certificate_request_context
  View entries;  // CertificateEntry list without its length: read with next(), leaf first
};

struct CertificateEntry {
  View data;        // cert_data, DER of an X509, at least one byte
  View extensions;  // the block without its length
};

[[nodiscard]] Verdict parse(View body, Certificate13& out);
void build(const Certificate13& message, Writer& writer);

// Takes the next entry from `entries`; false: no more, or malformed (entries is not empty then).
[[nodiscard]] bool next(Reader& entries, CertificateEntry& out);
void build(const CertificateEntry& entry, Writer& writer);

}  // namespace handfast
