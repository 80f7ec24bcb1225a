// The table of cipher suites: everything about a suite is derived from its row.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <span>

namespace handfast {

enum class HashId : uint8_t { sha256, sha384, sha1, md5_sha1, md5, sha224, sha512 };
constexpr size_t kHashCount = 7;

enum class CipherId : uint8_t {
  aes128_gcm,
  aes256_gcm,
  chacha20_poly1305,
  aes128_ccm,
  aes128_ccm8,
  aes256_ccm,
  aes256_ccm8,
  aria128_gcm,
  aria256_gcm,
  aes128_cbc,
  aes256_cbc,
  camellia128_cbc,
  camellia256_cbc,
  seed_cbc,
  idea_cbc,
  null,        // no encryption: a MAC alone
  other = 255  // a suite that cannot be negotiated
};
constexpr size_t kCipherCount = 15;  // those that libcrypto has an EVP_CIPHER for

}  // namespace handfast

// The public SSL_CIPHER: one constant row, never freed. Fields are the columns that
// SSL_CIPHER_description(3) and the handshake need.
struct ssl_cipher_st {
  uint16_t id;                // two bytes on the wire
  const char* name;           // OpenSSL's name
  const char* standard_name;  // RFC's name
  handfast::CipherId cipher;
  handfast::HashId hash;  // of transcript and key schedule
  int cipher_nid;
  int digest_nid;  // MAC; NID_undef for AEAD
  int kx_nid;
  int auth_nid;
  int min_tls, max_tls;  // protocol versions
  int strength_bits, algorithm_bits;
  uint8_t tag_length;
  const char* description_kx;  // columns of SSL_CIPHER_description
  const char* description_au;
  const char* description_enc;
  const char* description_mac;
  // Classes that cipher strings speak of, sets of the bits in crypto/cipher_class.h.
  uint32_t kx, auth, enc, mac, strength;
};

namespace handfast {

using CipherSuite = ssl_cipher_st;

// All suites of TLS 1.3, in OpenSSL's default order of preference.
std::span<const CipherSuite> tls13_suites();
// Those of them that a new SSL_CTX offers: a prefix of the table.
std::span<const CipherSuite> default_tls13_suites();
// All suites of TLS 1.2 and below by ascending id, then the signalling values.
std::span<const CipherSuite> tls12_suites();
// RFC 5746 3.3, RFC 7507: values in a list of suites that are none.
inline bool is_signalling(const CipherSuite& suite) {
  return suite.max_tls == 0;
}
// nullptr when not in the tables.
const CipherSuite* find_cipher_suite(uint16_t id);
// Takes both OpenSSL's and the RFCs' name.
const CipherSuite* find_cipher_suite_by_name(const char* name, size_t length);

}  // namespace handfast
