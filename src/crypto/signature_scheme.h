// The table of signature schemes (RFC 8446 4.2.3) and signatures with them.
#pragma once

#include <cstdint>
#include <span>

#include "crypto/algorithms.h"
#include "wire/bytes.h"
#include "wire/crypto_types.h"
#include "wire/verdict.h"

namespace handfast {

struct SignatureScheme {
  uint16_t id;        // on the wire
  const char* name;   // "ecdsa_secp256r1_sha256"
  int hash_nid;       // NID_undef for EdDSA
  int key_type;       // EVP_PKEY_RSA, EVP_PKEY_RSA_PSS, EVP_PKEY_EC, EVP_PKEY_ED25519, EVP_PKEY_DSA
  int signature_nid;  // what SSL_get_peer_signature_type_nid says: EVP_PKEY_RSA_PSS for
                      // rsa_pss_rsae
  int curve_nid;      // TLS 1.3 binds the curve; NID_undef otherwise
  int combined_nid;   // NID_ecdsa_with_SHA256 …, NID_undef when none
  bool pss;           // RSASSA-PSS, salt length = digest length
  bool tls13;         // allowed in CertificateVerify of TLS 1.3
  int security_bits;  // for security levels
};

std::span<const SignatureScheme> all_signature_schemes();
const SignatureScheme* find_signature_scheme(uint16_t id);
// RSA with MD5 and SHA-1 together, TLS 1.0 and 1.1 (RFC 4346 7.4.3): has no code point.
const SignatureScheme& legacy_rsa_scheme();
// The list that a new SSL_CTX offers, in OpenSSL 3.0's order.
std::span<const uint16_t> default_signature_schemes();
// Have the providers its digest and its keys?
[[nodiscard]] bool scheme_available(const Algorithms& algorithms, const SignatureScheme& scheme);
// Could a key (and its curve, its size, its PSS parameters) sign by this scheme in TLS 1.3?
[[nodiscard]] bool key_fits_scheme(EVP_PKEY* key, const SignatureScheme& scheme, int version);

// The content covered by CertificateVerify, RFC 8446 4.4.3. `server`: who signs.
[[nodiscard]] bool certificate_verify_content(bool server, View transcript_hash, Bytes& out);

[[nodiscard]] Verdict sign(const Algorithms& algorithms, const SignatureScheme& scheme,
                           EVP_PKEY* key, View content, Bytes& signature);
// A signature that does not verify: decrypt_error with SSL_R_BAD_SIGNATURE.
[[nodiscard]] Verdict verify_signature(const Algorithms& algorithms, const SignatureScheme& scheme,
                                       EVP_PKEY* key, View content, View signature);

}  // namespace handfast
