#include "pki/signer.h"

#include <openssl/objects.h>

#include <algorithm>

#include "config/security.h"
#include "pki/key_slot.h"

namespace handfast {
namespace {

// RFC 6460: Suite B's schemes; the flags take the first, the second or both.
constexpr uint16_t kSuiteBSchemes[] = {0x0403, 0x0503};

std::span<const uint16_t> suite_b_schemes(uint32_t flags) {
  std::span<const uint16_t> both = kSuiteBSchemes;
  switch (flags & SSL_CERT_FLAG_SUITEB_128_LOS) {
    case SSL_CERT_FLAG_SUITEB_128_LOS:
      return both;
    case SSL_CERT_FLAG_SUITEB_128_LOS_ONLY:
      return both.first(1);
    case SSL_CERT_FLAG_SUITEB_192_LOS:
      return both.last(1);
    default:
      return {};
  }
}

std::span<const uint16_t> own_schemes(const Policy& policy, bool server) {
  if (!server && !policy.client_signature_schemes.empty()) {
    return policy.client_signature_schemes.view();
  }
  if (!policy.signature_schemes.empty()) return policy.signature_schemes.view();
  return default_signature_schemes();
}

bool hash_available(const Algorithms& algorithms, int nid) {
  switch (nid) {
    case NID_undef:
      return true;
    case NID_sha1:
      return algorithms.hash(HashId::sha1) != nullptr;
    case NID_sha224:
      return algorithms.hash(HashId::sha224) != nullptr;
    case NID_sha256:
      return algorithms.hash(HashId::sha256) != nullptr;
    case NID_sha384:
      return algorithms.hash(HashId::sha384) != nullptr;
    case NID_sha512:
      return algorithms.hash(HashId::sha512) != nullptr;
    default:
      return false;
  }
}

// May `scheme` be shared at all, whoever asks for it?
bool shareable(const Exchange& exchange, const SignatureScheme& scheme) {
  bool dsa = scheme.key_type == EVP_PKEY_DSA;
  if (dsa && exchange.negotiated->version == TLS1_3_VERSION) return false;
  if (!exchange.server && exchange.min_version >= TLS1_3_VERSION &&
      (dsa || scheme.hash_nid == NID_sha1 || scheme.hash_nid == NID_sha224)) {
    return false;
  }
  return hash_available(*exchange.algorithms, scheme.hash_nid) &&
         scheme_allowed(**exchange.policy, exchange.ssl, scheme.id, SSL_SECOP_SIGALG_SHARED);
}

// Calls `visit` with each shared scheme in order of preference until it returns true.
template <typename Visit>
void visit_shared(const Exchange& exchange, std::span<const uint16_t> peer, Visit visit) {
  const Policy& policy = **exchange.policy;
  std::span<const uint16_t> own = suite_b_schemes(policy.certificate_flags);
  bool own_order = !own.empty() || (policy.options & SSL_OP_CIPHER_SERVER_PREFERENCE) != 0;
  if (own.empty()) own = own_schemes(policy, exchange.server);
  std::span<const uint16_t> preferred = own_order ? own : peer;
  std::span<const uint16_t> permitted = own_order ? peer : own;
  for (uint16_t id : preferred) {
    if (std::find(permitted.begin(), permitted.end(), id) == permitted.end()) continue;
    const SignatureScheme* scheme = find_signature_scheme(id);
    if (scheme == nullptr || !shareable(exchange, *scheme)) continue;
    if (visit(*scheme)) return;
  }
}

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

// Keys may live in tokens or carry RSA-PSS restrictions: only their provider knows.
bool key_supports_hash(const Algorithms& algorithms, EVP_PKEY* key, int hash_nid) {
  const char* name = hash_nid == NID_undef ? nullptr : OBJ_nid2sn(hash_nid);
  return EVP_PKEY_digestsign_supports_digest(key, algorithms.library(), name,
                                             algorithms.property_query()) > 0;
}

bool fits(const Exchange& exchange, const Credential& credential, const SignatureScheme& scheme,
          std::span<const uint16_t> peer_cert_schemes) {
  EVP_PKEY* key = credential.private_key.get();
  return credential.certificate != nullptr && key != nullptr &&
         key_fits_scheme(key, scheme, TLS1_3_VERSION) &&
         signed_acceptably(credential.certificate.get(), peer_cert_schemes) &&
         key_supports_hash(*exchange.algorithms, key, scheme.hash_nid);
}

}  // namespace

Verdict choose_signer(const Exchange& exchange, std::span<const uint16_t> peer_schemes,
                      std::span<const uint16_t> peer_cert_schemes, Signer& out) {
  out = {};
  const SignatureScheme* chosen = nullptr;
  KeySlot slot = KeySlot::rsa;
  visit_shared(exchange, peer_schemes, [&](const SignatureScheme& scheme) {
    // RFC 8446 4.2.3: PKCS #1 v1.5, SHA-1 and SHA-224 are for certificates only.
    if (!scheme.tls13 || !slot_of_scheme(scheme, slot)) return false;
    const Credential& credential = (*exchange.credentials)->slots[static_cast<size_t>(slot)];
    if (!fits(exchange, credential, scheme, peer_cert_schemes)) return false;
    chosen = &scheme;
    return true;
  });
  if (chosen == nullptr) return success();

  if ((*exchange.credentials)->current != static_cast<uint8_t>(slot)) {
    Credentials* own = exchange.credentials->edit();
    if (own == nullptr) return malloc_failure();
    own->current = static_cast<uint8_t>(slot);
  }
  out.credential = &(*exchange.credentials)->slots[static_cast<size_t>(slot)];
  out.scheme = chosen;
  return success();
}

bool shared_schemes(const Exchange& exchange, std::span<const uint16_t> peer_schemes,
                    Array<uint16_t>& out) {
  out.clear();
  bool ok = true;
  visit_shared(exchange, peer_schemes, [&](const SignatureScheme& scheme) {
    ok = out.push_back(scheme.id);
    return !ok;
  });
  return ok;
}

}  // namespace handfast
