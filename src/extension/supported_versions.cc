// supported_versions, RFC 8446 section 4.2.1.
#include <openssl/tls1.h>

#include "extension/lists.h"
#include "extension/rows.h"

namespace handfast {

namespace {

// versions<2..254>.
Verdict read(View body, View& list) {
  if (!only_vector8(body, list) || list.empty() || list.size() % 2 != 0) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  return success();
}

Verdict offer(Exchange& exchange, MessageSet, Writer& writer, bool&) {
  Prefixed8 list(writer);
  for (uint16_t version = exchange.max_version; version >= exchange.min_version; --version) {
    writer.u16(version);
  }
  return success();
}

// "If the "supported_versions" extension in the ServerHello contains a version not offered by the
// client or contains a version prior to TLS 1.3, the client MUST abort the handshake with an
// "illegal_parameter" alert."
Verdict accept(Exchange& exchange, MessageSet, View body) {
  Reader reader(body);
  uint16_t version = 0;
  if (!reader.u16(version) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  if (version != TLS1_3_VERSION || version > exchange.max_version) {
    return fatal(Alert::illegal_parameter, SSL_R_BAD_PROTOCOL_VERSION_NUMBER);
  }
  exchange.selected_version = version;
  return success();
}

// RFC 8446 9.2: required in every ServerHello and HelloRetryRequest of TLS 1.3.
Verdict absent(Exchange&, MessageSet message) {
  if (message != kInServerHello13 && message != kInHelloRetryRequest) return success();
  return fatal(Alert::missing_extension, SSL_R_BAD_PROTOCOL_VERSION_NUMBER);
}

Verdict consider(Exchange&, MessageSet, View body) {
  View list;
  return read(body, list);
}

Verdict answer(Exchange&, MessageSet, Writer& writer, bool&) {
  writer.u16(TLS1_3_VERSION);
  return success();
}

}  // namespace

Verdict choose_version(View body, uint16_t minimum, uint16_t maximum, uint16_t& chosen) {
  View list;
  chosen = 0;
  HANDFAST_CHECK(read(body, list));
  for (size_t i = 0; i < list.size() / 2; ++i) {
    uint16_t version = u16_at(list, i);
    if (version >= minimum && version <= maximum && version > chosen) chosen = version;
  }
  return success();
}

constinit const Extension kSupportedVersions = {
    .type = TLSEXT_TYPE_supported_versions,
    .in = kInClientHello | kInServerHello13 | kInHelloRetryRequest,
    .tls13 = true,
    .client = {.offer = offer, .accept = accept, .absent = absent},
    .server = {.consider = consider, .answer = answer},
};

}  // namespace handfast
