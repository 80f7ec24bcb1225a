// encrypt_then_mac, RFC 7366 section 2.
#include "extension/encrypt_then_mac.h"

#include <openssl/tls1.h>

#include "crypto/cipher_class.h"
#include "extension/rows.h"
#include "extension/state.h"

namespace handfast {

namespace {

Verdict offer(Exchange& exchange, MessageSet, Writer&, bool& send) {
  send = !has_option(exchange, SSL_OP_NO_ENCRYPT_THEN_MAC);
  return success();
}

// "The "extension_data" field of this extension SHALL be empty."
Verdict check_empty(View body) {
  return body.empty() ? success() : fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
}

// Servers of OpenSSL before 1.1 answer for every suite: for those that have no use for it the
// answer means nothing.
Verdict accept(Exchange& exchange, MessageSet, View body) {
  HANDFAST_CHECK(check_empty(body));
  exchange.encrypt_then_mac = takes_encrypt_then_mac(*exchange.negotiated->suite);
  return success();
}

Verdict consider(Exchange& exchange, MessageSet, View body) {
  HANDFAST_CHECK(check_empty(body));
  exchange.offers.encrypt_then_mac = !has_option(exchange, SSL_OP_NO_ENCRYPT_THEN_MAC);
  return success();
}

Verdict answer(Exchange& exchange, MessageSet, Writer&, bool& send) {
  send = exchange.encrypt_then_mac;
  return success();
}

}  // namespace

bool takes_encrypt_then_mac(const CipherSuite& suite) {
  return suite.mac != kMacAead;
}

constinit const Extension kEncryptThenMac = {
    .type = TLSEXT_TYPE_encrypt_then_mac,
    .in = kInClientHello | kInServerHello12,
    .tls12 = true,
    .client = {.offer = offer, .accept = accept},
    .server = {.consider = consider, .answer = answer},
};

}  // namespace handfast
