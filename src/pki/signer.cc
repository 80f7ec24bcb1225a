#include "pki/signer.h"

#include <openssl/objects.h>
#include <openssl/provider.h>

#include <algorithm>
#include <cstring>

#include "pki/key_slot.h"

namespace handfast {
namespace {

// RFC 8446 4.2.3: signature_algorithms_cert restricts how certificates were signed. The leaf is
// looked at; whether its issuer's key is for PSS only cannot be seen in it.
bool signed_acceptably(X509* certificate, std::span<const uint16_t> peer_cert_schemes) {
  if (peer_cert_schemes.empty()) return true;
  int hash_nid = NID_undef;
  int signature_nid = NID_undef;
  if (X509_get_signature_info(certificate, &hash_nid, &signature_nid, nullptr, nullptr) == 0) {
    return false;
  }
  return std::any_of(peer_cert_schemes.begin(), peer_cert_schemes.end(), [&](uint16_t id) {
    const SignatureScheme* scheme = find_signature_scheme(id);
    return scheme != nullptr && scheme->hash_nid == hash_nid &&
           scheme->signature_nid == signature_nid;
  });
}

// libcrypto's own provider signs with every hash that a scheme names, for any key of its types.
bool key_is_ordinary(const Algorithms& algorithms, const EVP_PKEY* key) {
  const OSSL_PROVIDER* provider = EVP_PKEY_get0_provider(key);
  return provider != nullptr && algorithms.library() == nullptr &&
         algorithms.property_query() == nullptr &&
         std::strcmp(OSSL_PROVIDER_get0_name(provider), "default") == 0;
}

// Keys may live in tokens: only their provider knows.
bool key_supports_hash(const Algorithms& algorithms, EVP_PKEY* key, int hash_nid) {
  if (key_is_ordinary(algorithms, key)) return true;
  const char* name = hash_nid == NID_undef ? nullptr : OBJ_nid2sn(hash_nid);
  return EVP_PKEY_digestsign_supports_digest(key, algorithms.library(), name,
                                             algorithms.property_query()) > 0;
}

bool fits(const Exchange& exchange, X509* certificate, EVP_PKEY* key, const SignatureScheme& scheme,
          int version, std::span<const uint16_t> peer_cert_schemes) {
  return certificate != nullptr && key != nullptr &&
         scheme_available(*exchange.algorithms, scheme) && key_fits_scheme(key, scheme, version) &&
         signed_acceptably(certificate, peer_cert_schemes) &&
         key_supports_hash(*exchange.algorithms, key, scheme.hash_nid);
}

// RFC 8446 4.2.3: PKCS #1 v1.5, SHA-1 and SHA-224 are for certificates only.
const SignatureScheme* signing_scheme(uint16_t id, KeySlot& slot) {
  const SignatureScheme* scheme = find_signature_scheme(id);
  return scheme != nullptr && scheme->tls13 && slot_of_scheme(*scheme, slot) ? scheme : nullptr;
}

}  // namespace

bool credential_fits(const Exchange& exchange, const Credential& credential,
                     const SignatureScheme& scheme, int version,
                     std::span<const uint16_t> peer_cert_schemes) {
  return fits(exchange, credential.certificate.get(), credential.private_key.get(), scheme, version,
              peer_cert_schemes);
}

const SignatureScheme* scheme_for(const Exchange& exchange, X509* certificate, EVP_PKEY* key,
                                  KeySlot slot, std::span<const uint16_t> peer_cert_schemes) {
  for (uint16_t id : exchange.negotiated->shared_signature_schemes) {
    KeySlot of_scheme = KeySlot::rsa;
    const SignatureScheme* scheme = signing_scheme(id, of_scheme);
    if (scheme != nullptr && of_scheme == slot &&
        fits(exchange, certificate, key, *scheme, TLS1_3_VERSION, peer_cert_schemes)) {
      return scheme;
    }
  }
  return nullptr;
}

Verdict choose_signer(Exchange& exchange, std::span<const uint16_t> peer_cert_schemes,
                      Signer& out) {
  out = {};
  const SignatureScheme* chosen = nullptr;
  KeySlot slot = KeySlot::rsa;
  for (uint16_t id : exchange.negotiated->shared_signature_schemes) {
    const SignatureScheme* scheme = signing_scheme(id, slot);
    if (scheme == nullptr) continue;
    const Credential& credential = (*exchange.credentials)->slots[static_cast<size_t>(slot)];
    if (!credential_fits(exchange, credential, *scheme, TLS1_3_VERSION, peer_cert_schemes))
      continue;
    chosen = scheme;
    break;
  }
  if (chosen == nullptr) return success();

  if ((*exchange.credentials)->current != static_cast<uint8_t>(slot)) {
    Credentials* own = exchange.credentials->edit();
    if (own == nullptr) return malloc_failure();
    own->current = static_cast<uint8_t>(slot);
  }
  exchange.chosen = *exchange.credentials;
  out.credential = &exchange.chosen->slots[static_cast<size_t>(slot)];
  out.scheme = chosen;
  return success();
}

}  // namespace handfast
