#include "message/certificate.h"

namespace handfast {

namespace {

Verdict parse_entry(Reader& reader, CertificateEntry& out) {
  // RFC 8446 4.4.2: cert_data<1..2^24-1>.
  if (!reader.vector24(out.data) || out.data.empty()) {
    return fatal(Alert::decode_error, SSL_R_CERT_LENGTH_MISMATCH);
  }
  if (!reader.vector16(out.extensions)) return fatal(Alert::decode_error, SSL_R_BAD_LENGTH);
  return success();
}

}  // namespace

Verdict parse(View body, Certificate13& out) {
  Reader reader(body);
  if (!reader.vector8(out.context) || !reader.vector24(out.entries) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  Reader entries(out.entries);
  CertificateEntry entry;
  while (!entries.empty()) HANDFAST_CHECK(parse_entry(entries, entry));
  return success();
}

void build(const Certificate13& message, Writer& writer) {
  writer.vector8(message.context);
  writer.vector24(message.entries);
}

bool next(Reader& entries, CertificateEntry& out) {
  Reader ahead = entries;
  if (ahead.empty() || !parse_entry(ahead, out).ok()) return false;
  entries = ahead;
  return true;
}

void build(const CertificateEntry& entry, Writer& writer) {
  writer.vector24(entry.data);
  writer.vector16(entry.extensions);
}

}  // namespace handfast
