#include "config/security.h"

#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <iterator>

#include "config/method.h"
#include "crypto/signature_scheme.h"

namespace handfast {

namespace {

// Even level 0 wants ephemeral DH keys of 1024 bits.
constexpr int kLeastDhBits = 80;
constexpr int kSha1Bits = 160;

bool is_datagram(int version) {
  return version == DTLS1_BAD_VER || version >= 0xfe00;
}

int clamp_level(int level) {
  return std::clamp(level, 0, 5);
}

bool forward_secret(const CipherSuite& suite) {
  return suite.min_tls == TLS1_3_VERSION || suite.kx_nid == NID_kx_dhe ||
         suite.kx_nid == NID_kx_ecdhe || suite.kx_nid == NID_kx_dhe_psk ||
         suite.kx_nid == NID_kx_ecdhe_psk;
}

bool cipher_allowed_by_default(const CipherSuite& suite, int bits, int level) {
  int least = level_bits(level);
  if (bits < least || suite.auth_nid == NID_auth_null || suite.digest_nid == NID_md5) return false;
  if (least > kSha1Bits && suite.digest_nid == NID_sha1) return false;
  if (level >= 2 && suite.cipher_nid == NID_rc4) return false;
  return level < 3 || forward_secret(suite);
}

bool version_allowed_by_default(int version, int level) {
  // DTLS counts downwards: 1.0 is 0xfeff.
  if (is_datagram(version)) return version <= DTLS1_2_VERSION || level < 4;
  if (version <= SSL3_VERSION) return level < 2;
  if (version <= TLS1_VERSION) return level < 3;
  return version > TLS1_1_VERSION || level < 4;
}

// Row of a version: the option that switches it off, and whether Suite B (RFC 6460) has it.
struct VersionRow {
  int version;
  uint64_t off;
  bool suite_b;
};

// Highest first.
constexpr VersionRow kTlsVersions[] = {
    {TLS1_3_VERSION, SSL_OP_NO_TLSv1_3, true},
    {TLS1_2_VERSION, SSL_OP_NO_TLSv1_2, true},
    {TLS1_1_VERSION, SSL_OP_NO_TLSv1_1, false},
    {TLS1_VERSION, SSL_OP_NO_TLSv1, false},
};
constexpr VersionRow kDtlsVersions[] = {
    {DTLS1_2_VERSION, SSL_OP_NO_DTLSv1_2, true},
    {DTLS1_VERSION, SSL_OP_NO_DTLSv1, false},
};

// Orders versions of one family. DTLS counts downwards, and what OpenSSL calls "bad" is older than
// 1.0.
int rank(int version) {
  if (version == DTLS1_BAD_VER) return 0x10000 - 0xff00;
  return is_datagram(version) ? 0x10000 - version : version;
}

bool version_enabled(const Policy& policy, const SSL* ssl, const VersionRow& row) {
  if (policy.min_version != 0 && rank(row.version) < rank(policy.min_version)) return false;
  if (policy.max_version != 0 && rank(row.version) > rank(policy.max_version)) return false;
  if ((policy.options & row.off) != 0) return false;
  if (!row.suite_b && (policy.certificate_flags & SSL_CERT_FLAG_SUITEB_128_LOS) != 0) return false;
  return allowed(policy, ssl, nullptr, SSL_SECOP_VERSION, 0, row.version, nullptr);
}

bool key_allowed(const Policy& policy, const SSL* ssl, const SSL_CTX* ctx, X509* certificate,
                 int operation) {
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  int bits = key == nullptr ? -1 : EVP_PKEY_get_security_bits(key);
  return allowed(policy, ssl, ctx, operation, bits, 0, certificate);
}

bool signature_allowed(const Policy& policy, const SSL* ssl, const SSL_CTX* ctx, X509* certificate,
                       int operation) {
  // A trust anchor's signature on itself proves nothing.
  if ((X509_get_extension_flags(certificate) & EXFLAG_SS) != 0) return true;
  int digest = NID_undef;
  int key_type = NID_undef;
  int bits = -1;
  if (X509_get_signature_info(certificate, &digest, &key_type, &bits, nullptr) != 1) bits = -1;
  if (digest == NID_undef) digest = key_type;
  return allowed(policy, ssl, ctx, operation, bits, digest, certificate);
}

// A client that offers nothing below TLS 1.3 does not name what only older versions can use.
bool too_old_for_offer(const Policy& policy, const SSL* ssl, const SignatureScheme& scheme) {
  if (scheme.key_type != EVP_PKEY_DSA && scheme.hash_nid != NID_sha1 &&
      scheme.hash_nid != NID_sha224) {
    return false;
  }
  const Method* method = ssl == nullptr ? nullptr : SSL_get_ssl_method(ssl);
  if (method == nullptr || method->datagram) return false;
  if (scheme.key_type == EVP_PKEY_DSA && SSL_version(ssl) == TLS1_3_VERSION &&
      method->min_version == TLS1_3_VERSION) {
    return true;
  }
  if (SSL_is_server(ssl) == 1) return false;
  uint16_t minimum = 0;
  uint16_t maximum = 0;
  return version_range(policy, ssl, method->min_version, method->max_version, minimum, maximum) ==
             0 &&
         minimum >= TLS1_3_VERSION;
}

}  // namespace

std::span<const uint16_t> suite_b_part(const Policy& policy, std::span<const uint16_t> both) {
  switch (policy.certificate_flags & SSL_CERT_FLAG_SUITEB_128_LOS) {
    case SSL_CERT_FLAG_SUITEB_128_LOS:
      return both;
    case SSL_CERT_FLAG_SUITEB_128_LOS_ONLY:
      return both.first(1);
    case SSL_CERT_FLAG_SUITEB_192_LOS:
      return both.subspan(1);
    default:
      return {};
  }
}

std::span<const uint16_t> suite_b_schemes(const Policy& policy) {
  // ecdsa_secp256r1_sha256, ecdsa_secp384r1_sha384
  static constexpr uint16_t kSchemes[] = {0x0403, 0x0503};
  return suite_b_part(policy, kSchemes);
}

int level_bits(int level) {
  constexpr int kBits[] = {0, 80, 112, 128, 192, 256};
  return kBits[clamp_level(level)];
}

bool default_allows(const Policy& policy, int operation, int bits, int nid, const void* other) {
  int level = clamp_level(policy.security_level);
  if (level == 0) return operation != SSL_SECOP_TMP_DH || bits >= kLeastDhBits;
  switch (operation) {
    case SSL_SECOP_CIPHER_SUPPORTED:
    case SSL_SECOP_CIPHER_SHARED:
    case SSL_SECOP_CIPHER_CHECK:
      return cipher_allowed_by_default(*static_cast<const CipherSuite*>(other), bits, level);
    case SSL_SECOP_VERSION:
      return version_allowed_by_default(nid, level);
    case SSL_SECOP_COMPRESSION:
      return level < 2;
    case SSL_SECOP_TICKET:
      return level < 3;
    default:
      return bits >= level_bits(level);
  }
}

bool allowed(const Policy& policy, const SSL* ssl, const SSL_CTX* ctx, int operation, int bits,
             int nid, void* other) {
  if (policy.security_callback == nullptr) {
    return default_allows(policy, operation, bits, nid, other);
  }
  return policy.security_callback(ssl, ctx, operation, bits, nid, other, policy.security_ex_data) !=
         0;
}

bool group_allowed(const Policy& policy, const SSL* ssl, const Group& group, int operation) {
  uint8_t wire[] = {static_cast<uint8_t>(group.id >> 8), static_cast<uint8_t>(group.id)};
  return allowed(policy, ssl, nullptr, operation, group.security_bits, group.nid, wire);
}

bool scheme_allowed(const Policy& policy, const SSL* ssl, uint16_t id, int operation) {
  const SignatureScheme* scheme = find_signature_scheme(id);
  return scheme != nullptr && scheme_allowed(policy, ssl, *scheme, operation);
}

bool scheme_allowed(const Policy& policy, const SSL* ssl, const SignatureScheme& scheme,
                    int operation) {
  if (too_old_for_offer(policy, ssl, scheme)) return false;
  uint8_t wire[] = {static_cast<uint8_t>(scheme.id >> 8), static_cast<uint8_t>(scheme.id)};
  return allowed(policy, ssl, nullptr, operation, scheme.security_bits, scheme.hash_nid, wire);
}

bool cipher_allowed(const Policy& policy, const SSL* ssl, const CipherSuite& suite, int operation) {
  return allowed(policy, ssl, nullptr, operation, suite.strength_bits, 0,
                 const_cast<CipherSuite*>(&suite));
}

int version_range(const Policy& policy, const SSL* ssl, int method_min, int method_max,
                  uint16_t& minimum, uint16_t& maximum) {
  // A method of one version is the application's explicit choice: nothing limits it.
  if (method_min == method_max) {
    minimum = maximum = static_cast<uint16_t>(method_min);
    return 0;
  }
  // Only who asks for nothing else gets what was before DTLS 1.0.
  if (is_datagram(method_min) && policy.max_version == DTLS1_BAD_VER) {
    minimum = maximum = DTLS1_BAD_VER;
    return 0;
  }
  // Both ends of ClientHello.legacy_version's range must be usable, so the range has no holes: the
  // lowest run of enabled versions is taken.
  int low = 0;
  int high = 0;
  bool hole = true;
  auto visit = [&](const VersionRow& row) {
    bool enabled = version_enabled(policy, ssl, row);
    if (enabled) {
      low = row.version;
      if (hole) high = row.version;
    }
    hole = !enabled;
  };
  if (is_datagram(method_min)) {
    std::for_each(std::begin(kDtlsVersions), std::end(kDtlsVersions), visit);
  } else {
    std::for_each(std::begin(kTlsVersions), std::end(kTlsVersions), visit);
  }
  minimum = static_cast<uint16_t>(low);
  maximum = static_cast<uint16_t>(high);
  return high == 0 ? SSL_R_NO_PROTOCOLS_AVAILABLE : 0;
}

bool version_allowed(const Policy& policy, const SSL* ssl, uint16_t version) {
  std::span<const VersionRow> rows = kTlsVersions;
  if (is_datagram(version)) rows = kDtlsVersions;
  for (const VersionRow& row : rows) {
    if (row.version == version) return version_enabled(policy, ssl, row);
  }
  return false;
}

int certificate_allowed(const Policy& policy, const SSL* ssl, const SSL_CTX* ctx, X509* certificate,
                        bool peer, bool leaf) {
  int whose = peer ? SSL_SECOP_PEER : 0;
  if (leaf && !key_allowed(policy, ssl, ctx, certificate, SSL_SECOP_EE_KEY | whose)) {
    return SSL_R_EE_KEY_TOO_SMALL;
  }
  if (!leaf && !key_allowed(policy, ssl, ctx, certificate, SSL_SECOP_CA_KEY | whose)) {
    return SSL_R_CA_KEY_TOO_SMALL;
  }
  if (!signature_allowed(policy, ssl, ctx, certificate, SSL_SECOP_CA_MD | whose)) {
    return SSL_R_CA_MD_TOO_WEAK;
  }
  return 1;
}

}  // namespace handfast
