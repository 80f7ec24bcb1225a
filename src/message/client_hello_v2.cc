#include "message/client_hello_v2.h"

#include <algorithm>
#include <cstring>

#include "message/client_hello.h"
#include "wire/reader.h"

namespace handfast {

namespace {

constexpr size_t kCipherSpecLength = 3;

struct HelloV2 {
  uint16_t version = 0;
  View cipher_specs;
  View session_id;
  View challenge;
};

Verdict parse(View body, HelloV2& out) {
  Reader reader(body);
  uint8_t type = 0;
  uint16_t cipher_specs = 0;
  uint16_t session_id = 0;
  uint16_t challenge = 0;
  if (!reader.u8(type) || type != SSL2_MT_CLIENT_HELLO) return internal_error();
  if (!reader.u16(out.version)) return fatal(Alert::decode_error, SSL_R_LENGTH_TOO_SHORT);
  if (!reader.u16(cipher_specs) || !reader.u16(session_id) || !reader.u16(challenge)) {
    return fatal(Alert::decode_error, SSL_R_RECORD_LENGTH_MISMATCH);
  }
  // The RFC wants no session id and a challenge of 16 to 32 bytes. As in OpenSSL the one is
  // ignored and the other may have any length.
  if (session_id > SSL_MAX_SSL_SESSION_ID_LENGTH) {
    return fatal(Alert::illegal_parameter, SSL_R_LENGTH_MISMATCH);
  }
  if (!reader.bytes(cipher_specs, out.cipher_specs) || !reader.bytes(session_id, out.session_id) ||
      !reader.bytes(challenge, out.challenge) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_RECORD_LENGTH_MISMATCH);
  }
  if (out.version >> 8 != SSL3_VERSION_MAJOR) {
    return fatal(Alert::protocol_version, SSL_R_UNKNOWN_PROTOCOL);
  }
  if (out.cipher_specs.empty()) {
    return fatal(Alert::illegal_parameter, SSL_R_NO_CIPHERS_SPECIFIED);
  }
  if (out.cipher_specs.size() % kCipherSpecLength != 0) {
    return fatal(Alert::decode_error, SSL_R_ERROR_IN_RECEIVED_CIPHER_LIST);
  }
  return success();
}

// "For example, the TLS cipher suite {0x00,0x0A} would be sent as {0x00,0x00,0x0A}." Specs that do
// not begin with zero are SSL 2.0's own.
bool convert_suites(View specs, Bytes& suites) {
  for (; !specs.empty(); specs = specs.subspan(kCipherSpecLength)) {
    if (specs[0] == 0 && !suites.append(specs.subspan(1, kCipherSpecLength - 1))) return false;
  }
  return true;
}

}  // namespace

Verdict convert_v2(View hello, Bytes& out) {
  HelloV2 old;
  HANDFAST_CHECK(parse(hello, old));
  Bytes suites;
  if (!convert_suites(old.cipher_specs, suites)) return malloc_failure();
  if (suites.empty()) return fatal(Alert::handshake_failure, SSL_R_NO_SHARED_CIPHER);

  // "If the challenge length is less than 32, the TLS server will pad the data with leading (note:
  // not trailing) zero bytes to make it 32 bytes long."
  uint8_t random[ClientHello::kRandomLength] = {};
  size_t length = std::min(old.challenge.size(), sizeof random);
  if (length > 0) std::memcpy(random + sizeof random - length, old.challenge.data(), length);
  const uint8_t null_compression = 0;
  ClientHello converted;
  converted.legacy_version = old.version;
  converted.random = random;
  converted.cipher_suites = suites.view();
  converted.compression_methods = {&null_compression, 1};
  Writer writer(out);
  build(converted, writer);
  return writer.ok() ? success() : malloc_failure();
}

}  // namespace handfast
