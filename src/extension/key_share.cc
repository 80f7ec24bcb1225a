// key_share, RFC 8446 section 4.2.8.
#include <openssl/tls1.h>

#include "extension/lists.h"
#include "extension/preferences.h"
#include "extension/rows.h"
#include "extension/u16_set.h"

namespace handfast {

namespace {

void write_entry(const KeyShare& share, Writer& writer) {
  writer.u16(share.group()->id);
  writer.vector16(share.public_bytes());
}

// KeyShareEntry: key_exchange<1..2^16-1>.
bool read_entry(Reader& reader, uint16_t& group, View& key_exchange) {
  return reader.u16(group) && reader.vector16(key_exchange) && !key_exchange.empty();
}

Verdict offer(Exchange& exchange, MessageSet, Writer& writer, bool&) {
  Prefixed16 shares(writer);
  for (size_t i = 0; i < exchange.share_groups.size(); ++i) {
    write_entry(exchange.key_shares[i], writer);
  }
  return success();
}

// 4.1.4, 4.2.8: selected_group must be one of our supported_groups, and not one that we have sent
// a share of already.
Verdict accept_retry(Exchange& exchange, View body) {
  Reader reader(body);
  uint16_t group = 0;
  if (!reader.u16(group) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  std::span<const uint16_t> ours = group_preferences(exchange);
  bool offered = std::find(ours.begin(), ours.end(), group) != ours.end();
  if (!offered || !group_usable_13(exchange, group) || exchange.share_groups.contains(group)) {
    return fatal(Alert::illegal_parameter, SSL_R_BAD_KEY_SHARE);
  }
  exchange.retry_group = group;
  return success();
}

Verdict accept(Exchange& exchange, MessageSet message, View body) {
  if (message == kInHelloRetryRequest) return accept_retry(exchange, body);
  Reader reader(body);
  uint16_t group = 0;
  View key_exchange;
  if (!read_entry(reader, group, key_exchange) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  // "[the server's share] MUST be in the same group as one of the client's shares."
  if (!exchange.share_groups.contains(group)) {
    return fatal(Alert::illegal_parameter, SSL_R_BAD_KEY_SHARE);
  }
  exchange.server_share_group = group;
  exchange.server_share = key_exchange;
  return success();
}

// Only with a pre-shared key in the mode psk_ke (4.2.9) does a server do without.
Verdict absent_from_server(Exchange& exchange, MessageSet message) {
  exchange.server_share = {};
  if (message != kInServerHello13) return success();
  bool psk_ke =
      !exchange.psks.empty() && ((*exchange.policy)->options & SSL_OP_ALLOW_NO_DHE_KEX) != 0;
  return psk_ke ? success() : fatal(Alert::missing_extension, SSL_R_NO_SUITABLE_KEY_SHARE);
}

// The group that our HelloRetryRequest asks for; 0: none.
uint16_t requested_group(const Exchange& exchange) {
  if (exchange.retry_group != 0) return exchange.retry_group;
  return exchange.group != nullptr && exchange.cookie.empty() ? exchange.group->id : 0;
}

// 4.1.2: a second ClientHello has a share of the requested group and no other.
Verdict check_requested(const Exchange& exchange, size_t count, uint16_t group) {
  uint16_t requested = exchange.hello_retry_request ? requested_group(exchange) : 0;
  if (requested != 0 && (count != 1 || group != requested)) {
    return fatal(Alert::illegal_parameter, SSL_R_BAD_KEY_SHARE);
  }
  return success();
}

// "Clients MUST NOT offer multiple KeyShareEntry values for the same group. Clients MUST NOT offer
// any KeyShareEntry values for groups not listed in the client's "supported_groups" extension."
Verdict consider(Exchange& exchange, MessageSet, View body) {
  View shares;
  if (!only_vector16(body, shares)) return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  View groups = exchange.offers.supported_groups;
  if (groups.empty()) {
    return fatal(Alert::missing_extension, SSL_R_MISSING_SUPPORTED_GROUPS_EXTENSION);
  }
  U16Set unused;
  for (size_t i = 0; i < groups.size() / 2; ++i) unused.insert(u16_at(groups, i));
  Reader reader(shares);
  size_t count = 0;
  uint16_t group = 0;
  for (; !reader.empty(); ++count) {
    View key_exchange;
    if (!read_entry(reader, group, key_exchange)) {
      return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
    }
    if (!unused.erase(group)) return fatal(Alert::illegal_parameter, SSL_R_BAD_KEY_SHARE);
  }
  HANDFAST_CHECK(check_requested(exchange, count, group));
  exchange.offers.key_shares = shares;
  return success();
}

// 9.2: required with supported_groups, and without a pre_shared_key.
Verdict absent_from_client(Exchange& exchange, MessageSet message) {
  if (message != kInClientHello) return success();
  bool may_lack = exchange.offers.supported_groups.empty() &&
                  (exchange.received & extension_bit(TLSEXT_TYPE_psk)) != 0;
  if (may_lack) return success();
  return fatal(Alert::missing_extension, SSL_R_NO_SUITABLE_KEY_SHARE);
}

Verdict answer(Exchange& exchange, MessageSet message, Writer& writer, bool& send) {
  if (message == kInHelloRetryRequest) {
    uint16_t group = requested_group(exchange);
    send = group != 0;
    if (send) writer.u16(group);
    return success();
  }
  send = exchange.share.group() != nullptr;
  if (send) write_entry(exchange.share, writer);
  return success();
}

}  // namespace

bool find_key_share(View shares, uint16_t group, View& key_exchange) {
  Reader reader(shares);
  uint16_t found = 0;
  View candidate;
  while (read_entry(reader, found, candidate)) {
    if (found == group) {
      key_exchange = candidate;
      return true;
    }
  }
  return false;
}

constinit const Extension kKeyShare = {
    .type = TLSEXT_TYPE_key_share,
    .in = kInClientHello | kInServerHello13 | kInHelloRetryRequest,
    .tls13 = true,
    .client = {.offer = offer, .accept = accept, .absent = absent_from_server},
    .server = {.consider = consider, .answer = answer, .absent = absent_from_client},
};

}  // namespace handfast
