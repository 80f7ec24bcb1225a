// Which certificate we show and how we sign with it.
#pragma once

#include <cstdint>
#include <span>

#include "config/credentials.h"
#include "crypto/signature_scheme.h"
#include "extension/exchange.h"
#include "wire/verdict.h"

namespace handfast {

struct Signer {
  const Credential* credential = nullptr;  // nullptr: no certificate fits; in Exchange::chosen
  const SignatureScheme* scheme = nullptr;
};

// Chooses the certificate and scheme of CertificateVerify (RFC 8446 4.4.2.2, 4.4.2.3): the first
// of negotiated.shared_signature_schemes that TLS 1.3 signs with and for which a certificate, its
// key and the peer's signature_algorithms_cert fit. `peer_cert_schemes`: as the peer sent them,
// empty: not sent. That nothing fits is no failure: `out` is empty then. The chosen slot becomes
// the current one (SSL_get_certificate).
Verdict choose_signer(Exchange& exchange, std::span<const uint16_t> peer_cert_schemes, Signer& out);

// Can the certificate be shown, and its key sign by `scheme` at `version`?
[[nodiscard]] bool credential_fits(const Exchange& exchange, const Credential& credential,
                                   const SignatureScheme& scheme, int version,
                                   std::span<const uint16_t> peer_cert_schemes);

// The first shared scheme for this one certificate and key, whose slot is `slot`; nullptr: none.
const SignatureScheme* scheme_for(const Exchange& exchange, X509* certificate, EVP_PKEY* key,
                                  KeySlot slot, std::span<const uint16_t> peer_cert_schemes);

}  // namespace handfast
