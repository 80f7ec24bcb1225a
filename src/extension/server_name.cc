// server_name, RFC 6066 section 3.
#include <openssl/tls1.h>

#include <algorithm>
#include <cstring>

#include "extension/lists.h"
#include "extension/rows.h"
#include "extension/state.h"

namespace handfast {

namespace {

Verdict offer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  const char* name = exchange.request->server_name.get();
  if (name == nullptr) {
    send = false;
    return success();
  }
  Prefixed16 list(writer);
  writer.u8(TLSEXT_NAMETYPE_host_name);
  writer.vector16(as_view(name));
  return success();
}

Verdict accept(Exchange& exchange, MessageSet, View body) {
  // "The "extension_data" field of this extension SHALL be empty."
  if (!body.empty()) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  exchange.accept_server_name = true;
  return success();
}

// The list holds one name: of host_name there may be only one, and there are no other types.
Verdict consider(Exchange& exchange, MessageSet, View body) {
  View list, name;
  uint8_t type = 0;
  if (!only_vector16(body, list)) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  Reader reader(list);
  if (!reader.u8(type) || type != TLSEXT_NAMETYPE_host_name ||
      !only_vector16(reader.rest(), name) || name.empty()) {
    return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  }
  bool has_zero = std::find(name.begin(), name.end(), 0) != name.end();
  if (name.size() > TLSEXT_MAXLEN_host_name || has_zero) {
    return fatal(Alert::unrecognized_name, SSL_R_BAD_EXTENSION);
  }
  exchange.offers.server_name = name;
  return success();
}

// Before TLS 1.3 the name is the session's, not that of the hello that resumes it.
Verdict answer(Exchange& exchange, MessageSet, Writer&, bool& send) {
  send = exchange.accept_server_name && !(exchange.resuming && !speaks_tls13(exchange));
  return success();
}

}  // namespace

constinit const Extension kServerName = {
    .type = TLSEXT_TYPE_server_name,
    .in = kInClientHello | kInServerHello12 | kInEncryptedExtensions,
    .client = {.offer = offer, .accept = accept},
    .server = {.consider = consider, .answer = answer},
};

}  // namespace handfast
