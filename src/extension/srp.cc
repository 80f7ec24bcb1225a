// srp, RFC 5054 section 2.8.1: the name by which the client authenticates.
#include <openssl/tls1.h>

#include <algorithm>

#include "extension/lists.h"
#include "extension/rows.h"

namespace handfast {

namespace {

Verdict offer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  const SrpState* srp = exchange.request->srp.get();
  send = srp != nullptr && srp->user_name != nullptr;
  if (!send) return success();
  const char* name = srp->user_name.get();
  if (*name == '\0') return internal_error();
  writer.vector8(as_view(name));
  return success();
}

// srp_I<1..2^8-1>.
Verdict consider(Exchange& exchange, MessageSet, View body) {
  View name;
  if (!only_vector8(body, name) || name.empty() ||
      std::find(name.begin(), name.end(), 0) != name.end()) {
    return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  }
  exchange.offers.srp_username = name;
  return success();
}

}  // namespace

constinit const Extension kSrp = {
    .type = TLSEXT_TYPE_srp,
    .in = kInClientHello,
    .tls12 = true,
    .client = {.offer = offer},
    .server = {.consider = consider},
};

}  // namespace handfast
