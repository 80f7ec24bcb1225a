// ClientKeyExchange, RFC 5246 section 7.4.7; RFC 8422 section 5.7 (ECDHE), RFC 4279 (PSK), RFC 5054
// (SRP).
#pragma once

#include <openssl/ssl.h>

#include "crypto/cipher_suite.h"
#include "wire/bytes.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

struct ClientKeyExchange {
  static constexpr uint8_t kType = SSL3_MT_CLIENT_KEY_EXCHANGE;
  static constexpr size_t kMaxLength = 2048;

  const CipherSuite* suite = nullptr;  // says which of the fields there are; set by parse()
  View psk_identity;                   // PSK kinds; at most PSK_MAX_IDENTITY_LEN bytes
  View encrypted_premaster;            // RSA and RSA-PSK
  View public_value;                   // DHE: Yc, ECDHE: the point, SRP: A; at least one byte
};

// A suite whose key exchange cannot be negotiated is an internal_error.
[[nodiscard]] Verdict parse(View body, const CipherSuite& suite, ClientKeyExchange& out);
// message.suite is set.
void build(const ClientKeyExchange& message, Writer& writer);

}  // namespace handfast
