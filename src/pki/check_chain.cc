#include "pki/check_chain.h"

#include <openssl/objects.h>

#include "config/security.h"
#include "crypto/group.h"
#include "extension/preferences.h"
#include "pki/key_slot.h"
#include "pki/signer.h"
#include "wire/reader.h"

namespace handfast {
namespace {

constexpr int kNeeded = CERT_PKEY_EE_SIGNATURE | CERT_PKEY_EE_PARAM;
constexpr int kNeededStrictly = kNeeded | CERT_PKEY_CA_SIGNATURE | CERT_PKEY_CA_PARAM |
                                CERT_PKEY_ISSUER_NAME | CERT_PKEY_CERT_TYPE;
constexpr int kCanSign = CERT_PKEY_SIGN | CERT_PKEY_EXPLICIT_SIGN;

bool checks_strictly(const Policy& policy) {
  return (policy.certificate_flags & (SSL_CERT_FLAG_SUITEB_128_LOS | SSL_CERT_FLAG_TLS_STRICT)) !=
         0;
}

struct Check {
  const Exchange& exchange;
  Array<uint16_t> cert_schemes;  // signature_algorithms_cert of the peer
  bool tls13 = false;
  KeySlot slot = KeySlot::rsa;
  int default_nid = 0;  // the only signature that a peer without a list takes; 0: it has a list
};

// RFC 5246 7.4.1.4.1: what a peer without signature_algorithms is taken to accept; -1: anything.
int default_signature(KeySlot slot) {
  switch (slot) {
    case KeySlot::rsa:
      return NID_sha1WithRSAEncryption;
    case KeySlot::dsa:
      return NID_dsaWithSHA1;
    case KeySlot::ecc:
      return NID_ecdsa_with_SHA1;
    case KeySlot::gost01:
      return NID_id_GostR3411_94_with_GostR3410_2001;
    case KeySlot::gost12_256:
      return NID_id_tc26_signwithdigest_gost3410_2012_256;
    case KeySlot::gost12_512:
      return NID_id_tc26_signwithdigest_gost3410_2012_512;
    default:
      return -1;
  }
}

// Do we have that signature ourselves?
bool configured(const Policy& policy, int combined_nid) {
  if (policy.signature_schemes.empty()) return true;
  for (uint16_t id : policy.signature_schemes) {
    const SignatureScheme* scheme = find_signature_scheme(id);
    if (scheme != nullptr && scheme->combined_nid == combined_nid) return true;
  }
  return false;
}

// RFC 5246 7.4.1.4.1: the extension is of TLS 1.2 and above.
bool has_schemes(const Exchange& exchange) {
  return SSL_version(exchange.ssl) >= TLS1_2_VERSION;
}

// Is the certificate signed as the peer accepts it?
bool signature_accepted(const Check& check, const X509* certificate) {
  if (check.default_nid == -1) return true;
  int nid = X509_get_signature_nid(certificate);
  if (check.default_nid != 0) return nid == check.default_nid;
  const Array<uint16_t>& accepted = check.tls13 && !check.cert_schemes.empty()
                                        ? check.cert_schemes
                                        : check.exchange.negotiated->shared_signature_schemes;
  for (uint16_t id : accepted) {
    const SignatureScheme* scheme = find_signature_scheme(id);
    if (scheme != nullptr && scheme->combined_nid == nid) return true;
  }
  return false;
}

int check_signatures(const Check& check, X509* certificate, EVP_PKEY* key, STACK_OF(X509) * chain) {
  if (!has_schemes(check.exchange)) return CERT_PKEY_EE_SIGNATURE | CERT_PKEY_CA_SIGNATURE;
  if (check.default_nid > 0 && !configured(**check.exchange.policy, check.default_nid)) return 0;
  int result = CERT_PKEY_CA_SIGNATURE;
  bool leaf = check.tls13 ? scheme_for(check.exchange, certificate, key, check.slot,
                                       check.cert_schemes.view()) != nullptr
                          : signature_accepted(check, certificate);
  if (leaf) result |= CERT_PKEY_EE_SIGNATURE;
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    if (!signature_accepted(check, sk_X509_value(chain, i))) result &= ~CERT_PKEY_CA_SIGNATURE;
  }
  return result;
}

// RFC 6460 section 3: P-256 goes with SHA-256, P-384 with SHA-384.
bool suite_b_scheme_shared(const Exchange& exchange, EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "EC") == 0) return true;
  const Group* group = find_group_of_key(key);
  int wanted = group->nid == NID_X9_62_prime256v1 ? NID_ecdsa_with_SHA256
               : group->nid == NID_secp384r1      ? NID_ecdsa_with_SHA384
                                                  : NID_undef;
  for (uint16_t id : exchange.negotiated->shared_signature_schemes) {
    const SignatureScheme* scheme = find_signature_scheme(id);
    if (wanted != NID_undef && scheme != nullptr && scheme->combined_nid == wanted) return true;
  }
  return false;
}

int check_parameters(const Exchange& exchange, X509* certificate, STACK_OF(X509) * chain) {
  int result = CERT_PKEY_CA_PARAM;
  bool suite_b = ((*exchange.policy)->certificate_flags & SSL_CERT_FLAG_SUITEB_128_LOS) != 0;
  if (curve_accepted(exchange, certificate) &&
      (!suite_b || suite_b_scheme_shared(exchange, X509_get0_pubkey(certificate)))) {
    result |= CERT_PKEY_EE_PARAM;
  }
  for (int i = 0; exchange.server && i < sk_X509_num(chain); ++i) {
    if (!curve_accepted(exchange, sk_X509_value(chain, i))) result &= ~CERT_PKEY_CA_PARAM;
  }
  return result;
}

// ClientCertificateType of RFC 5246 7.4.4 and RFC 8422 5.5; 0: none is needed.
int certificate_type(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") != 0) return TLS_CT_RSA_SIGN;
  if (EVP_PKEY_is_a(key, "DSA") != 0) return TLS_CT_DSS_SIGN;
  return EVP_PKEY_is_a(key, "EC") != 0 ? TLS_CT_ECDSA_SIGN : 0;
}

bool issuer_named(STACK_OF(X509_NAME) * names, const X509* certificate) {
  for (int i = 0; i < sk_X509_NAME_num(names); ++i) {
    if (X509_NAME_cmp(X509_get_issuer_name(certificate), sk_X509_NAME_value(names, i)) == 0) {
      return true;
    }
  }
  return false;
}

// What the server's CertificateRequest asks for.
int check_request(const Negotiated& negotiated, X509* certificate, EVP_PKEY* key,
                  STACK_OF(X509) * chain) {
  int type = certificate_type(key);
  int result = type == 0 ? CERT_PKEY_CERT_TYPE : 0;
  for (uint8_t asked : negotiated.certificate_types.view()) {
    if (asked == type) result = CERT_PKEY_CERT_TYPE;
  }
  STACK_OF(X509_NAME)* names = negotiated.peer_ca_names.get();
  bool named = sk_X509_NAME_num(names) <= 0 || issuer_named(names, certificate);
  for (int i = 0; !named && i < sk_X509_num(chain); ++i) {
    named = issuer_named(names, sk_X509_value(chain, i));
  }
  return named ? result | CERT_PKEY_ISSUER_NAME : result;
}

// Does a shared scheme sign with keys of this slot?
bool can_sign(const Check& check) {
  if (!has_schemes(check.exchange)) return true;
  for (uint16_t id : check.exchange.negotiated->shared_signature_schemes) {
    const SignatureScheme* scheme = find_signature_scheme(id);
    KeySlot slot = KeySlot::rsa;
    if (scheme == nullptr || (check.tls13 && scheme->signature_nid == EVP_PKEY_RSA)) continue;
    if (slot_of_scheme(*scheme, slot) && slot == check.slot) return true;
  }
  return false;
}

bool copy_cert_schemes(const Exchange& exchange, Array<uint16_t>& out) {
  if (!exchange.server) return out.assign(exchange.request_schemes_cert.view());
  // The offers are there until the next message is read.
  if (SSL_get_state(exchange.ssl) != TLS_ST_SR_CLNT_HELLO) return true;
  Reader reader(exchange.offers.signature_schemes_cert);
  uint16_t id = 0;
  while (reader.u16(id)) {
    if (!out.push_back(id)) return false;
  }
  return true;
}

}  // namespace

bool curve_accepted(const Exchange& exchange, const X509* certificate) {
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr) return false;
  if (EVP_PKEY_is_a(key, "EC") == 0) return true;
  const Group* group = find_group_of_key(key);
  if (group != nullptr) group = find_group(exchange, group->id);
  if (group == nullptr ||
      !group_allowed(**exchange.policy, exchange.ssl, *group, SSL_SECOP_CURVE_CHECK)) {
    return false;
  }
  if (!exchange.server) {
    for (uint16_t id : group_preferences(exchange)) {
      if (id == group->id) return true;
    }
    return false;
  }
  const Array<uint16_t>& peer = exchange.negotiated->peer_groups;
  return peer.empty() || peer.contains(group->id);
}

bool chain_suits(const Exchange& exchange, const Credential& credential) {
  if (!checks_strictly(**exchange.policy)) return true;
  int result = check_chain(exchange, credential.certificate.get(), credential.private_key.get(),
                           credential.chain.get());
  return (result & CERT_PKEY_VALID) != 0;
}

int check_chain(const Exchange& exchange, X509* certificate, EVP_PKEY* key,
                STACK_OF(X509) * chain) {
  Check check{exchange, {}, exchange.negotiated->version == TLS1_3_VERSION};
  if (certificate == nullptr || key == nullptr || !slot_of_key(key, check.slot) ||
      !copy_cert_schemes(exchange, check.cert_schemes)) {
    return 0;
  }
  if (check.cert_schemes.empty() && exchange.negotiated->peer_signature_schemes.empty()) {
    check.default_nid = default_signature(check.slot);
  }
  const Policy& policy = **exchange.policy;
  int needed = checks_strictly(policy) ? kNeededStrictly : kNeeded;
  int result = 0;
  if (unsigned long suite_b = policy.certificate_flags & SSL_CERT_FLAG_SUITEB_128_LOS) {
    needed |= CERT_PKEY_SUITEB;
    if (X509_chain_check_suiteb(nullptr, certificate, chain, suite_b) == X509_V_OK) {
      result |= CERT_PKEY_SUITEB;
    }
  }
  result |= check_signatures(check, certificate, key, chain);
  result |= check_parameters(exchange, certificate, chain);
  result |= exchange.server ? CERT_PKEY_ISSUER_NAME | CERT_PKEY_CERT_TYPE
                            : check_request(*exchange.negotiated, certificate, key, chain);
  if ((result & needed) == needed) result |= CERT_PKEY_VALID;
  return can_sign(check) ? result | kCanSign : result;
}

}  // namespace handfast
