// psk_key_exchange_modes, RFC 8446 section 4.2.9.
#include <openssl/tls1.h>

#include "extension/lists.h"
#include "extension/rows.h"

namespace handfast {

namespace {

constexpr uint8_t kPskKe = 0, kPskDheKe = 1;

// Sent also without a pre_shared_key: it says which tickets the server may give.
Verdict offer(Exchange& exchange, MessageSet, Writer& writer, bool&) {
  Prefixed8 modes(writer);
  writer.u8(kPskDheKe);
  if (((*exchange.policy)->options & SSL_OP_ALLOW_NO_DHE_KEX) != 0) writer.u8(kPskKe);
  return success();
}

// ke_modes<1..255>.
Verdict consider(Exchange& exchange, MessageSet, View body) {
  View modes;
  if (!only_vector8(body, modes) || modes.empty()) {
    return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
  }
  bool allow_psk_ke = ((*exchange.policy)->options & SSL_OP_ALLOW_NO_DHE_KEX) != 0;
  for (uint8_t mode : modes) {
    if (mode == kPskDheKe) exchange.offers.psk_dhe_ke = true;
    if (mode == kPskKe && allow_psk_ke) exchange.offers.psk_ke = true;
  }
  return success();
}

}  // namespace

constinit const Extension kPskKeyExchangeModes = {
    .type = TLSEXT_TYPE_psk_kex_modes,
    .in = kInClientHello,
    .tls13 = true,
    .client = {.offer = offer},
    .server = {.consider = consider},
};

}  // namespace handfast
