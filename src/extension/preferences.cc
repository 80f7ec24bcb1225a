#include "extension/preferences.h"

#include <openssl/obj_mac.h>

#include <algorithm>
#include <cstring>

#include "config/security.h"
#include "crypto/group.h"
#include "crypto/signature_scheme.h"

namespace handfast {

namespace {

constexpr uint16_t kP256 = 23, kP384 = 24;
// ECDHE-ECDSA-AES128-GCM-SHA256, ECDHE-ECDSA-AES256-GCM-SHA384.
constexpr uint16_t kSuiteB128 = 0xc02b, kSuiteB192 = 0xc02c;
constexpr uint16_t kSuiteBGroups[] = {kP256, kP384};

bool contains(std::span<const uint16_t> list, uint16_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// RFC 6460 section 3.1: the suite names the curve. `curve` is 0 without Suite B; false: Suite B has
// no such suite.
bool curve_of_suite(const Exchange& exchange, const CipherSuite* suite, uint16_t& curve) {
  curve = 0;
  if (((*exchange.policy)->certificate_flags & SSL_CERT_FLAG_SUITEB_128_LOS) == 0) return true;
  if (suite == nullptr) return true;
  if (suite->id == kSuiteB128) curve = kP256;
  if (suite->id == kSuiteB192) curve = kP384;
  return curve != 0;
}

// RFC 8446 4.2.3: PKCS #1 is for certificates only there.
bool signs_in_tls13(const SignatureScheme& scheme) {
  return scheme.key_type != EVP_PKEY_RSA || scheme.pss;
}

bool weak_hash(int nid) {
  return nid == NID_sha1 || nid == NID_md5 || nid == NID_sha224;
}

bool fits_tls12(const Exchange& exchange, const Group& group) {
  return group.fits(exchange.datagram, TLS1_VERSION, TLS1_2_VERSION);
}

bool is_elliptic(const Group& group) {
  return group.kind == Group::Kind::ecp || group.kind == Group::Kind::xdh ||
         std::strcmp(group.algorithm, "EC") == 0;
}

const Group* shared_group(const Exchange& exchange, const CipherSuite* suite) {
  const Policy& policy = **exchange.policy;
  uint16_t bound = 0;
  if (!curve_of_suite(exchange, suite, bound)) return nullptr;
  std::span<const uint16_t> ours = group_preferences(exchange);
  std::span<const uint16_t> theirs = exchange.negotiated->peer_groups.view();
  // RFC 8422 section 4: any curve may be chosen then. Suite B knows which the client has.
  if (theirs.empty() && bound != 0) theirs = {&bound, 1};
  bool ours_first = (policy.options & SSL_OP_CIPHER_SERVER_PREFERENCE) != 0;
  std::span<const uint16_t> other = ours_first ? theirs : ours;
  for (uint16_t id : ours_first ? ours : theirs) {
    const Group* group = find_group(exchange, id);
    bool fits = group != nullptr && fits_tls12(exchange, *group) && contains(other, id) &&
                (bound == 0 || bound == id);
    if (fits && group_allowed(policy, exchange.ssl, *group, SSL_SECOP_CURVE_SHARED)) return group;
  }
  return nullptr;
}

}  // namespace

std::span<const uint16_t> group_preferences(const Exchange& exchange) {
  const Policy& policy = **exchange.policy;
  std::span<const uint16_t> strict = suite_b_part(policy, kSuiteBGroups);
  if (!strict.empty()) return strict;
  return policy.groups.empty() ? exchange.algorithms->groups().defaults() : policy.groups.view();
}

const Group* find_group(const Exchange& exchange, uint16_t id) {
  return exchange.algorithms->groups().find(id);
}

bool group_usable(const Exchange& exchange, uint16_t id) {
  const Group* group = find_group(exchange, id);
  return group != nullptr &&
         group->fits(exchange.datagram, exchange.min_version, exchange.max_version) &&
         group_allowed(**exchange.policy, exchange.ssl, *group, SSL_SECOP_CURVE_SUPPORTED);
}

bool group_usable_13(const Exchange& exchange, uint16_t id) {
  const Group* group = find_group(exchange, id);
  return group != nullptr && group->fits_tls13() &&
         group_allowed(**exchange.policy, exchange.ssl, *group, SSL_SECOP_CURVE_SUPPORTED);
}

bool offered_group_12(const Exchange& exchange, uint16_t id) {
  const Group* group = find_group(exchange, id);
  uint16_t bound = 0;
  if (group == nullptr || !fits_tls12(exchange, *group) ||
      !curve_of_suite(exchange, exchange.negotiated->suite, bound) || (bound != 0 && bound != id)) {
    return false;
  }
  return contains(group_preferences(exchange), id) &&
         group_allowed(**exchange.policy, exchange.ssl, *group, SSL_SECOP_CURVE_CHECK);
}

const Group* choose_shared_group(const Exchange& exchange, const CipherSuite& suite) {
  return shared_group(exchange, &suite);
}

const Group* choose_shared_group(const Exchange& exchange) {
  return shared_group(exchange, exchange.negotiated->suite);
}

bool offers_elliptic_curves(const Exchange& exchange) {
  if (!exchange.elliptic_suites) return false;
  for (uint16_t id : group_preferences(exchange)) {
    if (group_usable(exchange, id) && is_elliptic(*find_group(exchange, id))) return true;
  }
  return false;
}

std::span<const uint16_t> scheme_preferences(const Exchange& exchange, bool sent) {
  const Policy& policy = **exchange.policy;
  std::span<const uint16_t> strict = suite_b_schemes(policy);
  if (!strict.empty()) return strict;
  // The client's own certificate is what client_signature_schemes are about.
  if (exchange.server == sent && !policy.client_signature_schemes.empty()) {
    return policy.client_signature_schemes.view();
  }
  if (!policy.signature_schemes.empty()) return policy.signature_schemes.view();
  return default_signature_schemes();
}

bool scheme_usable(const Exchange& exchange, uint16_t id, int operation) {
  const SignatureScheme* scheme = find_signature_scheme(id);
  if (scheme == nullptr || !scheme_available(*exchange.algorithms, *scheme)) return false;
  // RFC 8446 4.2.3: DSA, SHA-1 and SHA-224 are for TLS 1.2 alone.
  bool only13 = exchange.server ? exchange.negotiated->version == TLS1_3_VERSION
                                : exchange.min_version >= TLS1_3_VERSION;
  if (only13 && scheme->key_type == EVP_PKEY_DSA) return false;
  if (only13 && !exchange.server && weak_hash(scheme->hash_nid)) return false;
  return scheme_allowed(**exchange.policy, exchange.ssl, id, operation);
}

Verdict write_signature_schemes(const Exchange& exchange, Writer& writer) {
  // OpenSSL lets a client name nothing but schemes for certificates: the server refuses it then.
  bool must_sign_13 = exchange.server && exchange.negotiated->version >= TLS1_3_VERSION;
  bool any = false;
  for (uint16_t id : scheme_preferences(exchange, true)) {
    if (!scheme_usable(exchange, id, SSL_SECOP_SIGALG_SUPPORTED)) continue;
    any = any || !must_sign_13 || signs_in_tls13(*find_signature_scheme(id));
    writer.u16(id);
  }
  return any ? success() : internal_error(SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM);
}

bool share_signature_schemes(Exchange& exchange) {
  Negotiated& negotiated = *exchange.negotiated;
  const Policy& policy = **exchange.policy;
  std::span<const uint16_t> ours = scheme_preferences(exchange, false);
  std::span<const uint16_t> theirs = negotiated.peer_signature_schemes.view();
  bool ours_first = (policy.options & SSL_OP_CIPHER_SERVER_PREFERENCE) != 0 ||
                    (policy.certificate_flags & SSL_CERT_FLAG_SUITEB_128_LOS) != 0;
  std::span<const uint16_t> preferred = ours_first ? ours : theirs;
  std::span<const uint16_t> other = ours_first ? theirs : ours;
  negotiated.shared_signature_schemes.clear();
  for (uint16_t scheme : preferred) {
    if (!contains(other, scheme) || !scheme_usable(exchange, scheme, SSL_SECOP_SIGALG_SHARED)) {
      continue;
    }
    if (!negotiated.shared_signature_schemes.push_back(scheme)) return false;
  }
  return true;
}

}  // namespace handfast
