// Which certificate we show and how we sign with it.
#pragma once

#include <cstdint>
#include <span>

#include "config/credentials.h"
#include "crypto/signature_scheme.h"
#include "extension/exchange.h"
#include "wire/array.h"
#include "wire/verdict.h"

namespace handfast {

struct Signer {
  const Credential* credential = nullptr;  // nullptr: no certificate fits
  const SignatureScheme* scheme = nullptr;
};

// Chooses the certificate and scheme of CertificateVerify (RFC 8446 4.4.2.2, 4.4.2.3): the first
// scheme of shared_schemes() that TLS 1.3 signs with and for which a certificate, its key and the
// peer's signature_algorithms_cert fit. `peer_schemes`, `peer_cert_schemes`: as the peer sent
// them; the latter may be empty (not sent). That nothing fits is no failure: `out` is empty then.
// The chosen slot becomes the current one (SSL_get_certificate). `out` points into the
// connection's Credentials and is valid until they are edited.
Verdict choose_signer(const Exchange& exchange, std::span<const uint16_t> peer_schemes,
                      std::span<const uint16_t> peer_cert_schemes, Signer& out);

// The schemes both sides have, as SSL_get_shared_sigalgs(3) gives them: in the peer's order, or in
// ours with SSL_OP_CIPHER_SERVER_PREFERENCE or Suite B. False: memory.
[[nodiscard]] bool shared_schemes(const Exchange& exchange, std::span<const uint16_t> peer_schemes,
                                  Array<uint16_t>& out);

}  // namespace handfast
