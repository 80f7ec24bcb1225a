#include "message/client_key_exchange.h"

#include "crypto/cipher_class.h"
#include "wire/reader.h"

namespace handfast {

namespace {

// RFC 4279 2: psk_identity<0..2^16-1>.
Verdict read_identity(Reader& reader, View& out) {
  if (!reader.vector16(out)) return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  if (out.size() > PSK_MAX_IDENTITY_LEN) {
    return fatal(Alert::decode_error, SSL_R_DATA_LENGTH_TOO_LONG);
  }
  return success();
}

// RFC 5246 7.4.7.2: dh_Yc<1..2^16-1>; only the explicit form is left.
Verdict read_dhe(Reader& reader, View& out) {
  if (!reader.vector16(out) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_DH_PUBLIC_VALUE_LENGTH_IS_WRONG);
  }
  if (out.empty()) return fatal(Alert::decode_error, SSL_R_MISSING_TMP_DH_KEY);
  return success();
}

// RFC 8422 5.7: point<1..2^8-1>.
Verdict read_ecdhe(Reader& reader, View& out) {
  if (!reader.vector8(out) || out.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  return success();
}

// RFC 5054 2.8.3: srp_A<1..2^16-1>.
Verdict read_srp(Reader& reader, View& out) {
  if (!reader.vector16(out) || out.empty()) {
    return fatal(Alert::decode_error, SSL_R_BAD_SRP_A_LENGTH);
  }
  return success();
}

Verdict read_exchange(Reader& reader, uint32_t kx, ClientKeyExchange& out) {
  if ((kx & kKxAllDhe) != 0) return read_dhe(reader, out.public_value);
  if ((kx & kKxAllEcdhe) != 0) return read_ecdhe(reader, out.public_value);
  if ((kx & kKxSrp) != 0) return read_srp(reader, out.public_value);
  if ((kx & kKxAllRsa) != 0) {
    // RFC 5246 7.4.7.1: EncryptedPreMasterSecret has the length of public-key-encrypted values.
    if (reader.vector16(out.encrypted_premaster)) return success();
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  if ((kx & kKxPsk) != 0) return success();
  return internal_error(SSL_R_UNKNOWN_CIPHER_TYPE);
}

}  // namespace

Verdict parse(View body, const CipherSuite& suite, ClientKeyExchange& out) {
  out = {};
  out.suite = &suite;
  Reader reader(body);
  if ((suite.kx & kKxAllPsk) != 0) HANDFAST_CHECK(read_identity(reader, out.psk_identity));
  HANDFAST_CHECK(read_exchange(reader, suite.kx, out));
  if (!reader.empty()) return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  return success();
}

void build(const ClientKeyExchange& message, Writer& writer) {
  uint32_t kx = message.suite->kx;
  if ((kx & kKxAllPsk) != 0) writer.vector16(message.psk_identity);
  if ((kx & kKxAllRsa) != 0) writer.vector16(message.encrypted_premaster);
  if ((kx & kKxAllEcdhe) != 0) writer.vector8(message.public_value);
  if ((kx & (kKxAllDhe | kKxSrp)) != 0) writer.vector16(message.public_value);
}

}  // namespace handfast
