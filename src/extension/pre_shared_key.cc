// pre_shared_key, RFC 8446 section 4.2.11.
#include <openssl/tls1.h>

#include "extension/lists.h"
#include "extension/rows.h"

namespace handfast {

namespace {

constexpr size_t kMinBinder = 32;

// identities<7..2^16-1> of PskIdentity: identity<1..2^16-1>, obfuscated_ticket_age.
bool count_identities(View list, size_t& count) {
  Reader reader(list);
  for (count = 0; !reader.empty(); ++count) {
    View identity;
    uint32_t age = 0;
    if (!reader.vector16(identity) || identity.empty() || !reader.u32(age)) return false;
  }
  return count > 0;
}

// binders<33..2^16-1> of PskBinderEntry<32..255>.
bool count_binders(View list, size_t& count) {
  Reader reader(list);
  for (count = 0; !reader.empty(); ++count) {
    View binder;
    if (!reader.vector8(binder) || binder.size() < kMinBinder) return false;
  }
  return count > 0;
}

Verdict consider(Exchange& exchange, MessageSet, View body) {
  Reader reader(body);
  View identities, binders;
  size_t identity_count = 0, binder_count = 0;
  if (!reader.vector16(identities) || !reader.vector16(binders) || !reader.empty() ||
      !count_identities(identities, identity_count) || !count_binders(binders, binder_count)) {
    return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  }
  // "binders: A series of HMAC values, one for each value in the identities list".
  if (identity_count != binder_count) {
    return fatal(Alert::illegal_parameter, SSL_R_BAD_EXTENSION);
  }
  // 4.2.9: "If clients offer "pre_shared_key" without a "psk_key_exchange_modes" extension,
  // servers MUST abort the handshake."
  if ((exchange.received & extension_bit(TLSEXT_TYPE_psk_kex_modes)) == 0) {
    return fatal(Alert::missing_extension, SSL_R_MISSING_PSK_KEX_MODES_EXTENSION);
  }
  exchange.offers.pre_shared_key = body;
  exchange.offers.psk = true;
  return success();
}

}  // namespace

constinit const Extension kPreSharedKey = {
    .type = TLSEXT_TYPE_psk,
    .in = kInClientHello | kInServerHello13,
    .tls13 = true,
    .server = {.consider = consider},
};

}  // namespace handfast
