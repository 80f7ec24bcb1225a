#include "config/cipher_supported.h"

#include "config/security.h"
#include "crypto/cipher_class.h"
#include "crypto/signature_scheme.h"
#include "wire/version.h"

namespace handfast {

namespace {

std::span<const uint16_t> offered_schemes(const CipherSupport& support) {
  const Policy& policy = support.policy;
  std::span<const uint16_t> suite_b = suite_b_schemes(policy);
  if (!suite_b.empty()) return suite_b;
  if (support.server && !policy.client_signature_schemes.empty()) {
    return policy.client_signature_schemes.view();
  }
  if (!policy.signature_schemes.empty()) return policy.signature_schemes.view();
  return default_signature_schemes();
}

uint32_t authentication_of(const SignatureScheme& scheme) {
  switch (scheme.key_type) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      return kAuthRsa;
    case EVP_PKEY_DSA:
      return kAuthDss;
    default:
      return kAuthEcdsa;
  }
}

}  // namespace

uint32_t unusable_authentication(const CipherSupport& support) {
  uint32_t unusable = kAuthAllCertificates;
  for (uint16_t id : offered_schemes(support)) {
    const SignatureScheme* scheme = find_signature_scheme(id);
    if (scheme == nullptr) continue;
    uint32_t kind = authentication_of(*scheme);
    if ((unusable & kind) != 0 &&
        scheme_allowed(support.policy, support.ssl, id, SSL_SECOP_SIGALG_MASK)) {
      unusable &= ~kind;
    }
  }
  return unusable;
}

namespace {

bool version_fits(const CipherSuite& suite, int minimum, int maximum) {
  return suite.min_tls <= maximum && suite.max_tls >= minimum;
}

}  // namespace

CipherFilter cipher_filter(const CipherSupport& support, uint16_t minimum, uint16_t maximum) {
  CipherFilter filter;
  // DTLS 1.2 has the suites of TLS 1.2, DTLS 1.0 those of TLS 1.1.
  filter.minimum = tls_version(minimum);
  filter.maximum = tls_version(maximum);
  // SRP needs a user name and PSK a callback that has the key.
  filter.no_auth = unusable_authentication(support);
  if (!support.srp) {
    filter.no_auth |= kAuthSrp;
    filter.no_kx |= kKxSrp;
  }
  if (support.hooks.psk_client == nullptr) {
    filter.no_auth |= kAuthPsk;
    filter.no_kx |= kKxAllPsk;
  }
  return filter;
}

bool passes(const CipherSupport& support, const CipherFilter& filter, const CipherSuite& suite,
            int operation) {
  return (suite.kx & filter.no_kx) == 0 && (suite.auth & filter.no_auth) == 0 &&
         version_fits(suite, filter.minimum, filter.maximum) &&
         cipher_allowed(support.policy, support.ssl, suite, operation);
}

CipherStackPtr supported_ciphers(const CipherSupport& support, const STACK_OF(SSL_CIPHER) * list) {
  uint16_t minimum = 0;
  uint16_t maximum = 0;
  const Method& method = support.method;
  if (version_range(support.policy, support.ssl, method.min_version, method.max_version, minimum,
                    maximum) != 0) {
    return nullptr;
  }
  CipherFilter filter = cipher_filter(support, minimum, maximum);
  CipherStackPtr supported;
  for (int i = 0; i < sk_SSL_CIPHER_num(list); ++i) {
    const CipherSuite* suite = sk_SSL_CIPHER_value(list, i);
    if (!passes(support, filter, *suite)) continue;
    if (supported == nullptr) supported.reset(sk_SSL_CIPHER_new_null());
    if (supported == nullptr || sk_SSL_CIPHER_push(supported.get(), suite) == 0) return nullptr;
  }
  return supported;
}

}  // namespace handfast
