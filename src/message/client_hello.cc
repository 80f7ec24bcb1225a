#include "message/client_hello.h"

#include "wire/reader.h"

namespace handfast {

Verdict parse(View body, ClientHello& out, bool datagram) {
  out = {};
  out.datagram = datagram;
  Reader reader(body);
  if (!reader.u16(out.legacy_version)) return fatal(Alert::decode_error, SSL_R_LENGTH_TOO_SHORT);
  // RFC 8446 4.1.2: legacy_session_id<0..32>.
  if (!reader.bytes(ClientHello::kRandomLength, out.random) || !reader.vector8(out.session_id) ||
      out.session_id.size() > SSL_MAX_SSL_SESSION_ID_LENGTH ||
      // RFC 6347 4.2.1: cookie<0..2^8-1>.
      (datagram && !reader.vector8(out.cookie)) || !reader.vector16(out.cipher_suites) ||
      !reader.vector8(out.compression_methods)) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  // cipher_suites<2..2^16-2>, legacy_compression_methods<1..2^8-1>.
  if (out.cipher_suites.empty()) return fatal(Alert::decode_error, SSL_R_NO_CIPHERS_SPECIFIED);
  if (out.cipher_suites.size() % 2 != 0) {
    return fatal(Alert::decode_error, SSL_R_ERROR_IN_RECEIVED_CIPHER_LIST);
  }
  if (out.compression_methods.empty()) {
    return fatal(Alert::decode_error, SSL_R_NO_COMPRESSION_SPECIFIED);
  }
  if (reader.empty()) return success();
  out.has_extensions = true;
  if (!reader.vector16(out.extensions) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  return success();
}

void build(const ClientHello& message, Writer& writer) {
  writer.u16(message.legacy_version);
  writer.bytes(message.random);
  writer.vector8(message.session_id);
  if (message.datagram) writer.vector8(message.cookie);
  writer.vector16(message.cipher_suites);
  writer.vector8(message.compression_methods);
  if (message.has_extensions) writer.vector16(message.extensions);
}

}  // namespace handfast
