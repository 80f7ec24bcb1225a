// max_fragment_length, RFC 6066 section 4.
#include <openssl/tls1.h>

#include "extension/rows.h"

namespace handfast {

namespace {

Verdict offer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  uint8_t mode = (*exchange.policy)->max_fragment_length_mode;
  send = mode != TLSEXT_max_fragment_length_DISABLED;
  if (send) writer.u8(mode);
  return success();
}

bool in_range(uint8_t mode) {
  return mode >= TLSEXT_max_fragment_length_512 && mode <= TLSEXT_max_fragment_length_4096;
}

Verdict read(View body, uint8_t& mode) {
  if (body.size() != 1) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  mode = body[0];
  if (!in_range(mode)) {
    return fatal(Alert::illegal_parameter, SSL_R_SSL3_EXT_INVALID_MAX_FRAGMENT_LENGTH);
  }
  return success();
}

Verdict accept(Exchange& exchange, MessageSet, View body) {
  uint8_t mode = 0;
  HANDFAST_CHECK(read(body, mode));
  // "If a client receives a [...] response that differs from the length it requested, it MUST
  // also abort the handshake with an "illegal_parameter" alert."
  if (mode != (*exchange.policy)->max_fragment_length_mode) {
    return fatal(Alert::illegal_parameter, SSL_R_SSL3_EXT_INVALID_MAX_FRAGMENT_LENGTH);
  }
  exchange.max_fragment_length_mode = mode;
  return success();
}

// "The negotiated length applies for the duration of the session including session resumptions":
// it is the session's in an abbreviated handshake.
Verdict consider(Exchange& exchange, MessageSet, View body) {
  uint8_t mode = 0;
  HANDFAST_CHECK(read(body, mode));
  if (!exchange.resuming) exchange.max_fragment_length_mode = mode;
  return success();
}

Verdict answer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  uint8_t mode = exchange.max_fragment_length_mode;
  send = in_range(mode);
  if (send) writer.u8(mode);
  return success();
}

}  // namespace

constinit const Extension kMaxFragmentLength = {
    .type = TLSEXT_TYPE_max_fragment_length,
    .in = kInClientHello | kInServerHello12 | kInEncryptedExtensions,
    .client = {.offer = offer, .accept = accept},
    .server = {.consider = consider, .answer = answer},
};

}  // namespace handfast
