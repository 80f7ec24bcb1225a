// Setting certificates, keys and chains: SSL_CTX_use_certificate(3) and its family for an SSL_CTX
// and for an SSL alike. Failures leave their reason in the error queue and change nothing.
#pragma once

#include <openssl/ssl.h>

#include "config/context.h"

namespace handfast {

// Whose credentials are set.
struct CredentialOwner {
  SSL* ssl;  // one of these two is nullptr
  SSL_CTX* ctx;
  Context& context;  // that library context and stores come from
  Cow<Credentials>& credentials;
  const Cow<Policy>& policy;
  const Cow<Hooks>& hooks;

  [[nodiscard]] const Credential& current() const {
    return credentials->slots[credentials->current];
  }
};

// `certificate` is counted. A private key in its slot that does not match is dropped: the key
// belongs to the certificate set before, and the new one's comes next.
[[nodiscard]] bool set_certificate(const CredentialOwner& owner, X509* certificate);
// `key` is counted. A key that does not match the certificate in its slot is refused.
[[nodiscard]] bool set_private_key(const CredentialOwner& owner, EVP_PKEY* key);
// SSL_CTX_use_cert_and_key(3): `key` and `chain` may be nullptr; all are counted.
[[nodiscard]] bool set_certificate_and_key(const CredentialOwner& owner, X509* certificate,
                                           EVP_PKEY* key, STACK_OF(X509) * chain, bool override);
// SSL_CTX_check_private_key(3).
[[nodiscard]] bool check_private_key(const Credential& credential);

// The chain of the current certificate: SSL_CTX_add1_chain_cert(3). `chain` may be nullptr.
// `take`: on success the caller's references are taken over.
[[nodiscard]] bool set_chain(const CredentialOwner& owner, STACK_OF(X509) * chain, bool take);
[[nodiscard]] bool add_to_chain(const CredentialOwner& owner, X509* certificate, bool take);
// SSL_CTX_build_cert_chain(3): `flags` SSL_BUILD_CHAIN_FLAG_*; 1, 2 (with errors ignored) or 0.
[[nodiscard]] int build_chain(const CredentialOwner& owner, int flags);
// SSL_CTX_select_current_cert(3), SSL_CTX_set_current_cert(3).
[[nodiscard]] bool select_current(const CredentialOwner& owner, X509* certificate);
[[nodiscard]] bool set_current(const CredentialOwner& owner, long operation);
// SSL_CTX_set1_chain_cert_store(3): `chain` or verification store; nullptr takes it away.
[[nodiscard]] bool set_store(const CredentialOwner& owner, X509_STORE* store, bool chain,
                             bool take);

}  // namespace handfast
