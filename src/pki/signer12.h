// Which certificate we show in TLS <= 1.2, where the cipher suite names the kind of key.
#pragma once

#include <cstdint>

#include "extension/exchange.h"
#include "pki/signer.h"
#include "wire/verdict.h"

namespace handfast {

// Server: what our certificates, keys and parameters can do with this client, as sets of
// crypto/cipher_class.h's bits.
struct Possible {
  uint32_t kx = 0, auth = 0;
};
[[nodiscard]] Possible possible_exchanges(const Exchange& exchange);

// The bit of AuthSet for the suites that a key of this slot authenticates; 0: none.
[[nodiscard]] uint32_t authentication_of(KeySlot slot);

// Server: the certificate and scheme for negotiated.suite (RFC 5246 7.4.2, 7.4.3). A suite without
// certificate leaves `out` empty; nothing fit for one that has is handshake_failure.
[[nodiscard]] Verdict choose_server_signer12(Exchange& exchange, Signer& out);
// Client: the current certificate with the scheme for its CertificateVerify; empty when there is
// none or the server's request does not take it.
[[nodiscard]] Verdict choose_client_signer12(Exchange& exchange, Signer& out);
// The scheme of a key at TLS 1.0 and 1.1, or where TLS 1.2 names none (RFC 5246 7.4.1.4.1).
// nullptr: such keys do not sign there, or the security level forbids it.
[[nodiscard]] const SignatureScheme* legacy_scheme(const Exchange& exchange, KeySlot slot);

}  // namespace handfast
