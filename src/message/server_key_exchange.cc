#include "message/server_key_exchange.h"

#include "crypto/cipher_class.h"
#include "wire/reader.h"

namespace handfast {

namespace {

constexpr uint8_t kNamedCurve = 3;  // ECCurveType, RFC 8422 5.4

Verdict length_mismatch(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH, file, line);
}

// RFC 4279 2: psk_identity_hint<0..2^16-1>.
Verdict read_hint(Reader& reader, ServerKeyExchange& out) {
  if (!reader.vector16(out.psk_identity_hint)) return length_mismatch();
  if (out.psk_identity_hint.size() > PSK_MAX_IDENTITY_LEN) {
    return fatal(Alert::handshake_failure, SSL_R_DATA_LENGTH_TOO_LONG);
  }
  return success();
}

// RFC 5246 7.4.3: dh_p, dh_g and dh_Ys are <1..2^16-1>.
Verdict read_dhe(Reader& reader, ServerKeyExchange& out) {
  if (!reader.vector16(out.p) || out.p.empty() || !reader.vector16(out.g) || out.g.empty() ||
      !reader.vector16(out.public_value) || out.public_value.empty()) {
    return length_mismatch();
  }
  return success();
}

Verdict read_ecdhe(Reader& reader, ServerKeyExchange& out) {
  uint8_t curve_type = 0;
  if (!reader.u8(curve_type) || !reader.u16(out.group)) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_TOO_SHORT);
  }
  // RFC 8422 5.4: only named_curve is left.
  if (curve_type != kNamedCurve) return fatal(Alert::illegal_parameter, SSL_R_WRONG_CURVE);
  // RFC 8422 5.4: point<1..2^8-1>.
  if (!reader.vector8(out.public_value) || out.public_value.empty()) return length_mismatch();
  return success();
}

// RFC 5054 2.8.2: srp_N, srp_g, srp_B <1..2^16-1>, srp_s<1..2^8-1>.
Verdict read_srp(Reader& reader, ServerKeyExchange& out) {
  if (!reader.vector16(out.srp_n) || out.srp_n.empty() || !reader.vector16(out.srp_g) ||
      out.srp_g.empty() || !reader.vector8(out.srp_s) || out.srp_s.empty() ||
      !reader.vector16(out.srp_b) || out.srp_b.empty()) {
    return length_mismatch();
  }
  return success();
}

Verdict read_params(Reader& reader, uint32_t kx, ServerKeyExchange& out) {
  if ((kx & kKxAllPsk) != 0) HANDFAST_CHECK(read_hint(reader, out));
  if ((kx & kKxAllDhe) != 0) return read_dhe(reader, out);
  if ((kx & kKxAllEcdhe) != 0) return read_ecdhe(reader, out);
  if ((kx & kKxSrp) != 0) return read_srp(reader, out);
  if ((kx & kKxAllPsk) != 0) return success();
  return fatal(Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE);
}

}  // namespace

bool signs_key_exchange(const CipherSuite& suite) {
  return (suite.kx & (kKxDhe | kKxEcdhe | kKxSrp)) != 0 && has_certificate(suite);
}

Verdict parse(View body, const CipherSuite& suite, uint16_t version, ServerKeyExchange& out) {
  out = {};
  Reader reader(body);
  HANDFAST_CHECK(read_params(reader, suite.kx, out));
  out.params = body.first(body.size() - reader.size());
  out.has_signature = signs_key_exchange(suite);
  if (!out.has_signature) {
    if (!reader.empty()) return fatal(Alert::decode_error, SSL_R_EXTRA_DATA_IN_MESSAGE);
    return success();
  }
  out.has_scheme = version >= TLS1_2_VERSION;
  if (out.has_scheme && !reader.u16(out.scheme)) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_TOO_SHORT);
  }
  if (!reader.vector16(out.signature) || !reader.empty()) return length_mismatch();
  return success();
}

void build_params(const ServerKeyExchange& message, const CipherSuite& suite, Writer& writer) {
  if ((suite.kx & kKxAllPsk) != 0) writer.vector16(message.psk_identity_hint);
  if ((suite.kx & kKxAllDhe) != 0) {
    writer.vector16(message.p);
    writer.vector16(message.g);
    writer.vector16(message.public_value);
  } else if ((suite.kx & kKxAllEcdhe) != 0) {
    writer.u8(kNamedCurve);
    writer.u16(message.group);
    writer.vector8(message.public_value);
  } else if ((suite.kx & kKxSrp) != 0) {
    writer.vector16(message.srp_n);
    writer.vector16(message.srp_g);
    writer.vector8(message.srp_s);
    writer.vector16(message.srp_b);
  }
}

void build(const ServerKeyExchange& message, Writer& writer) {
  writer.bytes(message.params);
  if (!message.has_signature) return;
  if (message.has_scheme) writer.u16(message.scheme);
  writer.vector16(message.signature);
}

}  // namespace handfast
