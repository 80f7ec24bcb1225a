#include "pki/signer12.h"

#include <openssl/x509v3.h>

#include "config/security.h"
#include "crypto/cipher_class.h"
#include "extension/lists.h"
#include "extension/preferences.h"
#include "pki/check_chain.h"
#include "pki/key_slot.h"

namespace handfast {
namespace {

constexpr uint16_t kRsaSha1 = 0x0201, kDsaSha1 = 0x0202, kEcdsaSha1 = 0x0203;

constexpr KeySlot kSlots[] = {KeySlot::rsa, KeySlot::rsa_pss, KeySlot::dsa,
                              KeySlot::ecc, KeySlot::ed25519, KeySlot::ed448};

const Credential& credential_of(const Exchange& exchange, KeySlot slot) {
  return (*exchange.credentials)->slots[static_cast<size_t>(slot)];
}

bool has_schemes(const Exchange& exchange) {
  return exchange.negotiated->version >= TLS1_2_VERSION;
}

bool has_certificate(const Exchange& exchange, KeySlot slot) {
  const Credential& credential = credential_of(exchange, slot);
  return credential.certificate != nullptr && credential.private_key != nullptr;
}

bool usable(const Exchange& exchange, KeySlot slot) {
  return has_certificate(exchange, slot) &&
         curve_accepted(exchange, credential_of(exchange, slot).certificate.get()) &&
         chain_suits(exchange, credential_of(exchange, slot));
}

bool sent_to_peer(const Exchange& exchange, uint16_t id) {
  for (uint16_t sent : scheme_preferences(exchange, true)) {
    if (sent == id) return true;
  }
  return false;
}

// Is there a scheme by which a key of this slot may sign for the peer?
bool may_sign(const Exchange& exchange, KeySlot slot) {
  if (!has_schemes(exchange)) return true;
  if (exchange.negotiated->peer_signature_schemes.empty()) {
    const SignatureScheme* scheme = legacy_scheme(exchange, slot);
    return scheme != nullptr && sent_to_peer(exchange, scheme->id);
  }
  for (uint16_t id : exchange.negotiated->shared_signature_schemes) {
    KeySlot of_scheme = KeySlot::rsa;
    const SignatureScheme* scheme = find_signature_scheme(id);
    if (scheme != nullptr && slot_of_scheme(*scheme, of_scheme) && of_scheme == slot) return true;
  }
  return false;
}

bool signs_explicitly(const Exchange& exchange, KeySlot slot) {
  return exchange.negotiated->version == TLS1_2_VERSION && has_certificate(exchange, slot) &&
         may_sign(exchange, slot);
}

bool has_dh(const Exchange& exchange) {
  const Credentials& credentials = **exchange.credentials;
  return credentials.dh_params != nullptr || credentials.dh_callback != nullptr ||
         credentials.dh_auto != 0;
}

bool ecdsa_possible(const Exchange& exchange) {
  if (usable(exchange, KeySlot::ecc) && may_sign(exchange, KeySlot::ecc)) {
    X509* certificate = credential_of(exchange, KeySlot::ecc).certificate.get();
    if ((X509_get_key_usage(certificate) & X509v3_KU_DIGITAL_SIGNATURE) != 0) return true;
  }
  return signs_explicitly(exchange, KeySlot::ed25519) || signs_explicitly(exchange, KeySlot::ed448);
}

// The slot for a suite whose peer named no schemes: the first kind of key that it takes.
KeySlot legacy_slot(const Exchange& exchange) {
  if (!exchange.server) return static_cast<KeySlot>((*exchange.credentials)->current);
  for (KeySlot slot : kSlots) {
    if ((authentication_of(slot) & exchange.negotiated->suite->auth) != 0) return slot;
  }
  return KeySlot::rsa;
}

// May a key of this slot answer for the suite?
bool slot_fits(const Exchange& exchange, KeySlot slot) {
  const CipherSuite& suite = *exchange.negotiated->suite;
  if (!exchange.server) return static_cast<uint8_t>(slot) == (*exchange.credentials)->current;
  // RFC 5246 7.4.2: an RSASSA-PSS key encrypts nothing.
  if (slot == KeySlot::rsa_pss && (suite.kx & kKxRsa) != 0) return false;
  return (authentication_of(slot) & suite.auth) != 0 && usable(exchange, slot);
}

const SignatureScheme* shared_scheme(const Exchange& exchange, KeySlot& slot) {
  Array<uint16_t> for_certificates;
  if (!copy_u16_list(exchange.offers.signature_schemes_cert, for_certificates)) return nullptr;
  bool suite_b = ((*exchange.policy)->certificate_flags & SSL_CERT_FLAG_SUITEB_128_LOS) != 0;
  for (uint16_t id : exchange.negotiated->shared_signature_schemes) {
    const SignatureScheme* scheme = find_signature_scheme(id);
    if (scheme == nullptr || !slot_of_scheme(*scheme, slot) || !slot_fits(exchange, slot)) continue;
    // Suite B binds the curve to the scheme, as TLS 1.3 does.
    int version = suite_b ? TLS1_3_VERSION : exchange.negotiated->version;
    if (credential_fits(exchange, credential_of(exchange, slot), *scheme, version,
                        for_certificates.view())) {
      return scheme;
    }
  }
  return nullptr;
}

Verdict take(Exchange& exchange, KeySlot slot, const SignatureScheme& scheme, Signer& out) {
  if ((*exchange.credentials)->current != static_cast<uint8_t>(slot)) {
    Credentials* own = exchange.credentials->edit();
    if (own == nullptr) return malloc_failure();
    own->current = static_cast<uint8_t>(slot);
  }
  exchange.chosen = *exchange.credentials;
  out.credential = &credential_of(exchange, slot);
  out.scheme = &scheme;
  return success();
}

}  // namespace

uint32_t authentication_of(KeySlot slot) {
  switch (slot) {
    case KeySlot::rsa:
    case KeySlot::rsa_pss:
      return kAuthRsa;
    case KeySlot::dsa:
      return kAuthDss;
    case KeySlot::ecc:
    case KeySlot::ed25519:
    case KeySlot::ed448:
      return kAuthEcdsa;
    default:
      return 0;
  }
}

const SignatureScheme* legacy_scheme(const Exchange& exchange, KeySlot slot) {
  uint16_t id = 0;
  const SignatureScheme* scheme = nullptr;
  switch (slot) {
    case KeySlot::rsa:
      id = kRsaSha1;
      if (!has_schemes(exchange)) scheme = &legacy_rsa_scheme();
      break;
    case KeySlot::dsa:
      id = kDsaSha1;
      break;
    case KeySlot::ecc:
      id = kEcdsaSha1;
      break;
    default:
      return nullptr;
  }
  if (scheme == nullptr) scheme = find_signature_scheme(id);
  bool allowed =
      scheme_allowed(**exchange.policy, exchange.ssl, *scheme, SSL_SECOP_SIGALG_SUPPORTED);
  return allowed ? scheme : nullptr;
}

Possible possible_exchanges(const Exchange& exchange) {
  Possible possible;
  possible.kx = kKxEcdhe | kKxEcdhePsk | kKxPsk;
  possible.auth = kAuthNull | kAuthPsk;
  if (usable(exchange, KeySlot::rsa)) {
    possible.kx |= kKxRsa | kKxRsaPsk;
    possible.auth |= kAuthRsa;
  }
  if (srp_enabled(*exchange.request)) {
    possible.kx |= kKxSrp;
    possible.auth |= kAuthSrp;
  }
  if (has_dh(exchange)) possible.kx |= kKxDhe | kKxDhePsk;
  if (signs_explicitly(exchange, KeySlot::rsa_pss)) possible.auth |= kAuthRsa;
  if (usable(exchange, KeySlot::dsa)) possible.auth |= kAuthDss;
  if (ecdsa_possible(exchange)) possible.auth |= kAuthEcdsa;
  return possible;
}

Verdict choose_server_signer12(Exchange& exchange, Signer& out) {
  out = {};
  if (!has_certificate(*exchange.negotiated->suite)) return success();
  KeySlot slot = legacy_slot(exchange);
  const SignatureScheme* scheme = nullptr;
  if (has_schemes(exchange) && !exchange.negotiated->peer_signature_schemes.empty()) {
    scheme = shared_scheme(exchange, slot);
    if (scheme == nullptr) {
      return fatal(Alert::handshake_failure, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM);
    }
    return take(exchange, slot, *scheme, out);
  }
  scheme = legacy_scheme(exchange, slot);
  if (scheme == nullptr) {
    return fatal(has_schemes(exchange) ? Alert::handshake_failure : Alert::internal_error,
                 SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM);
  }
  if (has_schemes(exchange) && !sent_to_peer(exchange, scheme->id)) {
    return fatal(Alert::handshake_failure, SSL_R_WRONG_SIGNATURE_TYPE);
  }
  return take(exchange, slot, *scheme, out);
}

Verdict choose_client_signer12(Exchange& exchange, Signer& out) {
  out = {};
  KeySlot slot = static_cast<KeySlot>((*exchange.credentials)->current);
  if (!has_certificate(exchange, slot)) return success();
  const SignatureScheme* scheme =
      has_schemes(exchange) ? shared_scheme(exchange, slot) : legacy_scheme(exchange, slot);
  return scheme == nullptr ? success() : take(exchange, slot, *scheme, out);
}

}  // namespace handfast
