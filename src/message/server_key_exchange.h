// ServerKeyExchange, RFC 5246 section 7.4.3; RFC 8422 section 5.4 (ECDHE), RFC 4279 (PSK), RFC 5054
// (SRP).
#pragma once

#include <openssl/ssl.h>

#include "crypto/cipher_suite.h"
#include "wire/bytes.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

struct ServerKeyExchange {
  static constexpr uint8_t kType = SSL3_MT_SERVER_KEY_EXCHANGE;
  static constexpr size_t kMaxLength = 102400;

  // What the suite's key exchange needs of these is in `params`.
  View psk_identity_hint;  // PSK kinds; may be empty, at most PSK_MAX_IDENTITY_LEN bytes
  View p, g;               // DHE: group, unsigned numbers
  uint16_t group = 0;      // ECDHE: NamedGroup
  View public_value;       // DHE: Ys, ECDHE: the point
  View srp_n, srp_g, srp_s, srp_b;

  View params;                 // the bytes that a signature covers after the randoms
  bool has_signature = false;  // of key exchanges that a certificate's key authenticates
  bool has_scheme = false;     // TLS 1.2 only
  uint16_t scheme = 0;         // SignatureAndHashAlgorithm, numbered as SignatureScheme
  View signature;
};

// Whether the server signs its parameters with the key of its certificate.
[[nodiscard]] bool signs_key_exchange(const CipherSuite& suite);

// `version` is the negotiated one, SSL_version(3). Numbers, group and point are not looked at. A
// suite whose key exchange has no such message fails with unexpected_message.
[[nodiscard]] Verdict parse(View body, const CipherSuite& suite, uint16_t version,
                            ServerKeyExchange& out);
// The bytes for `params`, from the fields above it.
void build_params(const ServerKeyExchange& message, const CipherSuite& suite, Writer& writer);
// From `params` and the fields below it.
void build(const ServerKeyExchange& message, Writer& writer);

}  // namespace handfast
