// supported_groups, RFC 8446 section 4.2.7.
#include <openssl/tls1.h>

#include "extension/lists.h"
#include "extension/preferences.h"
#include "extension/rows.h"

namespace handfast {

namespace {

Verdict offer(Exchange& exchange, MessageSet, Writer& writer, bool&) {
  bool any13 = false;
  {
    Prefixed16 list(writer);
    for (uint16_t id : group_preferences(**exchange.policy)) {
      if (!group_usable(exchange, id)) continue;
      any13 = any13 || find_group(id)->tls13;
      writer.u16(id);
    }
  }
  if (!any13 && exchange.max_version >= TLS1_3_VERSION) {
    return internal_error(SSL_R_NO_SUITABLE_GROUPS);
  }
  return success();
}

// "Clients MUST NOT act upon any information found in "supported_groups" prior to successful
// completion of the handshake": only its form is looked at.
Verdict accept(Exchange&, MessageSet, View body) {
  View list;
  if (!only_u16_list(body, list)) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  return success();
}

Verdict consider(Exchange& exchange, MessageSet, View body) {
  View list;
  if (!only_u16_list(body, list)) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  exchange.offers.supported_groups = list;
  return copy_u16_list(list, exchange.negotiated->peer_groups) ? success() : malloc_failure();
}

// Sent when we prefer another group than the one that is used.
Verdict answer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  bool first = true;
  send = false;
  if (exchange.group == nullptr) return success();
  Prefixed16 list(writer);
  for (uint16_t id : group_preferences(**exchange.policy)) {
    if (!group_usable_13(exchange, id)) continue;
    if (first && id == exchange.group->id) return success();
    first = false;
    send = true;
    writer.u16(id);
  }
  return success();
}

}  // namespace

constinit const Extension kSupportedGroups = {
    .type = TLSEXT_TYPE_supported_groups,
    .in = kInClientHello | kInEncryptedExtensions | kInServerHello12,
    .client = {.offer = offer, .accept = accept},
    .server = {.consider = consider, .answer = answer},
};

}  // namespace handfast
