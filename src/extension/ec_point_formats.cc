// ec_point_formats, RFC 8422 section 5.1.2.
#include <openssl/tls1.h>

#include <algorithm>

#include "crypto/cipher_class.h"
#include "extension/lists.h"
#include "extension/preferences.h"
#include "extension/rows.h"

namespace handfast {

namespace {

// What OpenSSL names; only uncompressed points are sent.
void write_formats(const Exchange& exchange, Writer& writer) {
  constexpr uint8_t kFormats[] = {TLSEXT_ECPOINTFORMAT_uncompressed,
                                  TLSEXT_ECPOINTFORMAT_ansiX962_compressed_prime,
                                  TLSEXT_ECPOINTFORMAT_ansiX962_compressed_char2};
  const Policy& policy = **exchange.policy;
  bool suite_b = (policy.certificate_flags & SSL_CERT_FLAG_SUITEB_128_LOS) != 0;
  writer.vector8(View(kFormats).first(suite_b ? 2 : 3));
}

bool has_uncompressed(View formats) {
  return std::find(formats.begin(), formats.end(), TLSEXT_ECPOINTFORMAT_uncompressed) !=
         formats.end();
}

bool elliptic(const CipherSuite& suite) {
  return (suite.kx & kKxEcdhe) != 0 || (suite.auth & kAuthEcdsa) != 0;
}

Verdict keep(Exchange& exchange, View formats) {
  return exchange.negotiated->peer_point_formats.assign(formats) ? success() : malloc_failure();
}

Verdict absent(Exchange& exchange, MessageSet) {
  exchange.negotiated->peer_point_formats.clear();
  return success();
}

Verdict offer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  send = offers_elliptic_curves(exchange);
  if (send) write_formats(exchange, writer);
  return success();
}

// 5.2: ec_point_format_list<1..2^8-1>, which "MUST contain the value 0 (uncompressed)".
Verdict accept(Exchange& exchange, MessageSet, View body) {
  View formats;
  if (!only_vector8(body, formats)) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  if (exchange.resuming) return success();
  if (formats.empty()) return fatal(Alert::decode_error, SSL_R_BAD_LENGTH);
  if (elliptic(*exchange.negotiated->suite) && !has_uncompressed(formats)) {
    return fatal(Alert::illegal_parameter, SSL_R_TLS_INVALID_ECPOINTFORMAT_LIST);
  }
  return keep(exchange, formats);
}

Verdict consider(Exchange& exchange, MessageSet, View body) {
  View formats;
  if (!only_vector8(body, formats) || formats.empty()) {
    return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  }
  if (exchange.resuming) return success();
  exchange.offers.point_formats = formats;
  return keep(exchange, formats);
}

Verdict answer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  send = elliptic(*exchange.negotiated->suite) && !exchange.offers.point_formats.empty();
  if (send) write_formats(exchange, writer);
  return success();
}

}  // namespace

constinit const Extension kEcPointFormats = {
    .type = TLSEXT_TYPE_ec_point_formats,
    .in = kInClientHello | kInServerHello12,
    .tls12 = true,
    .client = {.offer = offer, .accept = accept, .absent = absent},
    .server = {.consider = consider, .answer = answer, .absent = absent},
};

}  // namespace handfast
