// Extensions of TLS <= 1.2 alone. OpenSSL sends them in every hello, also in one of TLS 1.3 only.
#include <openssl/tls1.h>

#include "extension/preferences.h"
#include "extension/rows.h"

namespace handfast {

namespace {

uint64_t options(const Exchange& exchange) {
  return (*exchange.policy)->options;
}

// RFC 8422 section 5.1.2: for hellos that name an elliptic curve.
Verdict offer_point_formats(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  constexpr uint8_t kFormats[] = {TLSEXT_ECPOINTFORMAT_uncompressed,
                                  TLSEXT_ECPOINTFORMAT_ansiX962_compressed_prime,
                                  TLSEXT_ECPOINTFORMAT_ansiX962_compressed_char2};
  const Policy& policy = **exchange.policy;
  send = false;
  for (uint16_t id : group_preferences(policy)) {
    if (!group_usable(exchange, id) || find_group(id)->kind == Group::Kind::ffdhe) continue;
    bool suite_b = (policy.certificate_flags & SSL_CERT_FLAG_SUITEB_128_LOS) != 0;
    writer.vector8(View(kFormats).first(suite_b ? 2 : 3));
    send = true;
    break;
  }
  return success();
}

// RFC 5077 section 3.2.
Verdict offer_session_ticket(Exchange& exchange, MessageSet, Writer&, bool& send) {
  send = (options(exchange) & SSL_OP_NO_TICKET) == 0;
  return success();
}

// RFC 7366 section 2.
Verdict offer_encrypt_then_mac(Exchange& exchange, MessageSet, Writer&, bool& send) {
  send = (options(exchange) & SSL_OP_NO_ENCRYPT_THEN_MAC) == 0;
  return success();
}

// RFC 7627 section 5.1.
Verdict offer_extended_master_secret(Exchange& exchange, MessageSet, Writer&, bool& send) {
  send = (options(exchange) & SSL_OP_NO_EXTENDED_MASTER_SECRET) == 0;
  return success();
}

}  // namespace

constinit const Extension kEcPointFormats = {
    .type = TLSEXT_TYPE_ec_point_formats,
    .in = kInClientHello | kInServerHello12,
    .client = {.offer = offer_point_formats},
};

constinit const Extension kSessionTicket = {
    .type = TLSEXT_TYPE_session_ticket,
    .in = kInClientHello | kInServerHello12,
    .client = {.offer = offer_session_ticket},
};

constinit const Extension kEncryptThenMac = {
    .type = TLSEXT_TYPE_encrypt_then_mac,
    .in = kInClientHello | kInServerHello12,
    .client = {.offer = offer_encrypt_then_mac},
};

constinit const Extension kExtendedMasterSecret = {
    .type = TLSEXT_TYPE_extended_master_secret,
    .in = kInClientHello | kInServerHello12,
    .client = {.offer = offer_extended_master_secret},
};

}  // namespace handfast
