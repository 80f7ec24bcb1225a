// pre_shared_key, RFC 8446 section 4.2.11.
#include "extension/pre_shared_key.h"

#include <openssl/tls1.h>

#include "extension/lists.h"
#include "extension/rows.h"

namespace handfast {

namespace {

constexpr size_t kMinBinder = 32;
constexpr size_t kLengthPrefix = 2;
constexpr size_t kIdentityOverhead = 2 + 4;  // its length, obfuscated_ticket_age

const EVP_MD* hash_of(const Exchange& exchange, const OfferedPsk& psk) {
  return exchange.algorithms->hash(psk.session->cipher->hash);
}

size_t binder_length(const Exchange& exchange, const OfferedPsk& psk) {
  return static_cast<size_t>(EVP_MD_get_size(hash_of(exchange, psk)));
}

// Binders are zeros until the rest of the hello is there to be authenticated (4.2.11.2).
Verdict offer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  send = !exchange.psks.empty();
  if (!send) return success();
  {
    Prefixed16 identities(writer);
    for (const OfferedPsk& psk : exchange.psks.view()) {
      writer.vector16(psk.identity);
      writer.u32(psk.obfuscated_age);
    }
  }
  static constexpr uint8_t kZeros[EVP_MAX_MD_SIZE] = {};
  Prefixed16 binders(writer);
  for (const OfferedPsk& psk : exchange.psks.view()) {
    writer.vector8({kZeros, binder_length(exchange, psk)});
  }
  return success();
}

// "Clients MUST verify that the server's selected_identity is within the range supplied by the
// client": illegal_parameter.
Verdict accept(Exchange& exchange, MessageSet, View body) {
  Reader reader(body);
  if (!reader.u16(exchange.psk_index) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  if (exchange.psk_index >= exchange.psks.size()) {
    return fatal(Alert::illegal_parameter, SSL_R_BAD_PSK_IDENTITY);
  }
  exchange.resuming = true;
  return success();
}

// identities<7..2^16-1> of PskIdentity: identity<1..2^16-1>, obfuscated_ticket_age.
bool count_identities(View list, size_t& count) {
  Reader reader(list);
  PskIdentity identity;
  for (count = 0; !reader.empty(); ++count) {
    if (!next_identity(reader, identity)) return false;
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
  exchange.offers.psk_identities = identities;
  exchange.offers.psk_binders = binders;
  exchange.offers.psk = true;
  return success();
}

Verdict answer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  send = exchange.resuming;
  if (send) writer.u16(exchange.psk_index);
  return success();
}

}  // namespace

bool next_identity(Reader& list, PskIdentity& out) {
  return list.vector16(out.identity) && !out.identity.empty() && list.u32(out.obfuscated_age);
}

View binder_at(View list, size_t index) {
  Reader reader(list);
  View binder;
  for (size_t i = 0; i <= index; ++i) {
    if (!reader.vector8(binder)) return {};
  }
  return binder;
}

size_t binders_length(const Exchange& exchange) {
  size_t length = kLengthPrefix;
  for (const OfferedPsk& psk : exchange.psks.view()) length += 1 + binder_length(exchange, psk);
  return length;
}

size_t pre_shared_key_length(const Exchange& exchange) {
  if (exchange.psks.empty()) return 0;
  size_t length = 2 + kLengthPrefix + kLengthPrefix + binders_length(exchange);
  for (const OfferedPsk& psk : exchange.psks.view()) {
    length += kIdentityOverhead + psk.identity.size();
  }
  return length;
}

constinit const Extension kPreSharedKey = {
    .type = TLSEXT_TYPE_psk,
    .in = kInClientHello | kInServerHello13,
    .tls13 = true,
    .client = {.offer = offer, .accept = accept},
    .server = {.consider = consider, .answer = answer},
};

}  // namespace handfast
