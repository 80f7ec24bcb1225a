// Finite-field Diffie-Hellman of TLS <= 1.2, where the server names prime and generator itself.
#pragma once

#include "crypto/algorithms.h"
#include "wire/bytes.h"
#include "wire/crypto_types.h"
#include "wire/verdict.h"

namespace handfast {

// Parameters of at least `security_bits`: SSL_CTX_set_dh_auto(3). nullptr: libcrypto failed.
EvpPkeyPtr standard_dh_parameters(const Algorithms& algorithms, int security_bits);
// SSL_CTX_set_tmp_dh_callback's DH as an EVP_PKEY of its own; nullptr for nullptr, or memory.
EvpPkeyPtr dh_parameters_of(const DH* dh);

// A new key pair with the parameters of `parameters`.
[[nodiscard]] Verdict generate_dh_key(const Algorithms& algorithms, EVP_PKEY* parameters,
                                      EvpPkeyPtr& out);
// The numbers of ServerDHParams (RFC 5246 7.4.3); the public value is as long as the prime.
struct DhNumbers {
  Bytes p, g, public_value;
};
[[nodiscard]] Verdict read_dh_key(const EVP_PKEY* key, DhNumbers& out);
// The server's key from its message. Numbers that are no Diffie-Hellman key: illegal_parameter.
[[nodiscard]] Verdict import_dh_server_key(const Algorithms& algorithms, View p, View g,
                                           View public_value, EvpPkeyPtr& out);
// The client's key with the parameters of `own`.
[[nodiscard]] Verdict import_dh_client_key(EVP_PKEY* own, View public_value, EvpPkeyPtr& out);
// RFC 5246 8.1.2: leading zero bytes of the result are stripped.
[[nodiscard]] Verdict derive_dh(const Algorithms& algorithms, EVP_PKEY* own, EVP_PKEY* peer,
                                Bytes& shared_secret);

}  // namespace handfast
