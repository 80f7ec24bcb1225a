// Security levels (SSL_CTX_set_security_level(3)): is this allowed?
#pragma once

#include <openssl/ssl.h>

#include <span>

#include "config/policy.h"
#include "crypto/group.h"
#include "crypto/signature_scheme.h"

namespace handfast {

// The default rules themselves, by the policy's level.
[[nodiscard]] bool default_allows(const Policy& policy, int operation, int bits, int nid,
                                  const void* other);
// Bits of security that a level (0 to 5) asks for.
[[nodiscard]] int level_bits(int level);
// Asks the application's callback, or the default rules, as ssl_security() does. `operation`:
// SSL_SECOP_*; `other`: what SSL_CTX_set_security_callback(3) says for it, may be nullptr. `ssl` or
// `ctx` is nullptr.
[[nodiscard]] bool allowed(const Policy& policy, const SSL* ssl, const SSL_CTX* ctx, int operation,
                           int bits, int nid, void* other);

// RFC 6460 section 3: the part of `both` (128 bits first, then 192) that Suite B leaves, as
// SSL_CTX_set_cert_flags chose it; empty: no Suite B.
[[nodiscard]] std::span<const uint16_t> suite_b_part(const Policy& policy,
                                                     std::span<const uint16_t> both);
[[nodiscard]] std::span<const uint16_t> suite_b_schemes(const Policy& policy);

// Group and signature scheme forms of the question; false as well when the scheme is not in the
// table.
[[nodiscard]] bool group_allowed(const Policy& policy, const SSL* ssl, const Group& group,
                                 int operation);
[[nodiscard]] bool scheme_allowed(const Policy& policy, const SSL* ssl, uint16_t scheme,
                                  int operation);
[[nodiscard]] bool scheme_allowed(const Policy& policy, const SSL* ssl,
                                  const SignatureScheme& scheme, int operation);
[[nodiscard]] bool cipher_allowed(const Policy& policy, const SSL* ssl, const CipherSuite& suite,
                                  int operation);
// Minimum and maximum version after options, limits of the method and the security level.
// 0 or the SSL_R_* reason why there is none.
int version_range(const Policy& policy, const SSL* ssl, int method_min, int method_max,
                  uint16_t& minimum, uint16_t& maximum);
// Is this version of TLS allowed by itself, beyond a hole in the range too?
[[nodiscard]] bool version_allowed(const Policy& policy, const SSL* ssl, uint16_t version);
// SSL_R_EE_KEY_TOO_SMALL, CA_KEY_TOO_SMALL, CA_MD_TOO_WEAK …, or 1 when allowed.
int certificate_allowed(const Policy& policy, const SSL* ssl, const SSL_CTX* ctx, X509* certificate,
                        bool peer, bool leaf);

}  // namespace handfast
