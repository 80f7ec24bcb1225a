#include "message/server_hello.h"

#include "wire/reader.h"

namespace handfast {

// RFC 8446 4.1.3: SHA-256 of "HelloRetryRequest".
const uint8_t kHelloRetryRequestRandom[32] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

bool ServerHello::is_hello_retry_request() const {
  return legacy_version == TLS1_2_VERSION && equal(random, kHelloRetryRequestRandom);
}

Verdict parse(View body, ServerHello& out) {
  out = {};
  Reader reader(body);
  if (!reader.u16(out.legacy_version) || !reader.bytes(ServerHello::kRandomLength, out.random) ||
      !reader.vector8(out.session_id)) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  // RFC 8446 4.1.3: legacy_session_id_echo<0..32>.
  if (out.session_id.size() > SSL_MAX_SSL_SESSION_ID_LENGTH) {
    return fatal(Alert::decode_error, SSL_R_SSL3_SESSION_ID_TOO_LONG);
  }
  if (!reader.u16(out.cipher_suite) || !reader.u8(out.compression_method)) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  if (reader.empty() && !out.is_hello_retry_request()) return success();
  out.has_extensions = true;
  if (!reader.vector16(out.extensions) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_BAD_LENGTH);
  }
  return success();
}

void build(const ServerHello& message, Writer& writer) {
  writer.u16(message.legacy_version);
  writer.bytes(message.random);
  writer.vector8(message.session_id);
  writer.u16(message.cipher_suite);
  writer.u8(message.compression_method);
  if (message.has_extensions) writer.vector16(message.extensions);
}

}  // namespace handfast
