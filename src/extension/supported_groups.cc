// supported_groups, RFC 8446 section 4.2.7.
#include <openssl/tls1.h>

#include <algorithm>
#include <iterator>

#include "extension/lists.h"
#include "extension/preferences.h"
#include "extension/rows.h"

namespace handfast {

namespace {

// Before TLS 1.3 groups are elliptic curves alone.
Verdict offer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  send = exchange.max_version >= TLS1_3_VERSION || offers_elliptic_curves(exchange);
  if (!send) return success();
  bool any13 = false;
  {
    Prefixed16 list(writer);
    for (uint16_t id : group_preferences(exchange)) {
      if (!group_usable(exchange, id)) continue;
      any13 = any13 || find_group(exchange, id)->fits_tls13();
      writer.u16(id);
    }
  }
  if (!any13 && exchange.max_version >= TLS1_3_VERSION) {
    return internal_error(SSL_R_NO_SUITABLE_GROUPS);
  }
  return success();
}

// "Clients MUST NOT act upon any information found in "supported_groups" prior to successful
// completion of the handshake": only its form is looked at. In a ServerHello it should not be at
// all, but some servers of TLS 1.2 send it, in whatever form.
Verdict accept(Exchange&, MessageSet message, View body) {
  View list;
  if (message == kInServerHello12) return success();
  if (!only_u16_list(body, list)) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  return success();
}

// RFC 8422 5.1.2: a client that names one of that document's curves knows their one point format.
bool formats_fit(const Exchange& exchange, View groups) {
  constexpr uint16_t kCurves[] = {23, 24, 25, 29, 30};
  View formats = exchange.offers.point_formats;
  bool without = !formats.empty() && std::find(formats.begin(), formats.end(),
                                               TLSEXT_ECPOINTFORMAT_uncompressed) == formats.end();
  return !without || std::none_of(std::begin(kCurves), std::end(kCurves), [groups](uint16_t curve) {
    return u16_list_contains(groups, curve);
  });
}

Verdict consider(Exchange& exchange, MessageSet, View body) {
  View list;
  if (!only_u16_list(body, list)) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  if (!formats_fit(exchange, list)) {
    return fatal(Alert::illegal_parameter, SSL_R_TLS_INVALID_ECPOINTFORMAT_LIST);
  }
  if (exchange.resuming) return success();
  exchange.offers.supported_groups = list;
  return copy_u16_list(list, exchange.negotiated->peer_groups) ? success() : malloc_failure();
}

Verdict absent(Exchange& exchange, MessageSet) {
  exchange.negotiated->peer_groups.clear();
  return success();
}

// Sent when we prefer another group than the one that is used. Of TLS 1.3 alone.
Verdict answer(Exchange& exchange, MessageSet message, Writer& writer, bool& send) {
  bool first = true;
  send = false;
  if (message == kInServerHello12 || exchange.group == nullptr) return success();
  Prefixed16 list(writer);
  for (uint16_t id : group_preferences(exchange)) {
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
    .server = {.consider = consider, .answer = answer, .absent = absent},
};

}  // namespace handfast
