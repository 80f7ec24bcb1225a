// ClientHello, RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2 and, for DTLS, RFC 6347 section
// 4.2.1.
#pragma once

#include <openssl/ssl.h>

#include "wire/bytes.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

// Views point into the message body given to parse().
struct ClientHello {
  static constexpr uint8_t kType = SSL3_MT_CLIENT_HELLO;
  static constexpr size_t kMaxLength = 131396;
  static constexpr size_t kRandomLength = 32;

  uint16_t legacy_version = 0;
  View random;                  // 32 bytes
  View session_id;              // at most 32 bytes
  View cookie;                  // of a datagram hello, at most 255 bytes
  View cipher_suites;           // two bytes each, at least one
  View compression_methods;     // at least one
  View extensions;              // the block without its length
  bool has_extensions = false;  // TLS <= 1.2 hellos may end before the block
  bool datagram = false;        // of DTLS: there is a cookie field, maybe empty
};

// `datagram`: in the form of DTLS, which the bytes do not tell.
[[nodiscard]] Verdict parse(View body, ClientHello& out, bool datagram = false);
void build(const ClientHello& message, Writer& writer);

}  // namespace handfast
