// What the cookie of a HelloRetryRequest holds (RFC 8446 section 4.2.2), for a server that keeps no
// state. Its form is our own business: only we read it.
#pragma once

#include <openssl/ssl.h>

#include "wire/bytes.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

struct RetryCookie {
  static constexpr uint16_t kFormat = 1;

  uint16_t format = kFormat;  // of another than kFormat nothing else is known
  uint16_t group = 0;         // that will be used; 0: none
  bool group_requested = false;
  uint16_t cipher_suite = 0;
  uint64_t time = 0;       // seconds since the epoch
  View client_hello_hash;  // RFC 8446 4.4.1, with the suite's hash
  View application;        // SSL_CTX_set_stateless_cookie_generate_cb(3)
};

[[nodiscard]] Verdict parse(View bytes, RetryCookie& out);
void build(const RetryCookie& cookie, Writer& writer);

}  // namespace handfast
