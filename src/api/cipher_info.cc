// SSL_CIPHER_get_name(3): what a cipher suite is made of.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <cstring>

#include "crypto/cipher_class.h"
#include "crypto/cipher_suite.h"

using handfast::HashId;

namespace {

constexpr const char* kNone = "(NONE)";
constexpr int kDescriptionLength = 128;
// The upper half of an id: all suites since SSL 3.0.
constexpr uint32_t kSslv3Suites = 0x03000000;

const char* version_name(int version) {
  switch (version) {
    case TLS1_3_VERSION:
      return "TLSv1.3";
    case TLS1_2_VERSION:
      return "TLSv1.2";
    case TLS1_VERSION:
      return "TLSv1";
    case SSL3_VERSION:
      return "SSLv3";
    default:
      return "unknown";
  }
}

bool is_gost(const SSL_CIPHER& suite) {
  return (suite.kx & (handfast::kKxGost | handfast::kKxGost18)) != 0;
}

}  // namespace

extern "C" {

const char* SSL_CIPHER_get_name(const SSL_CIPHER* suite) {
  return suite == nullptr ? kNone : suite->name;
}

const char* SSL_CIPHER_standard_name(const SSL_CIPHER* suite) {
  return suite == nullptr ? kNone : suite->standard_name;
}

const char* OPENSSL_cipher_name(const char* standard_name) {
  if (standard_name == nullptr) return kNone;
  const SSL_CIPHER* suite =
      handfast::find_cipher_suite_by_name(standard_name, std::strlen(standard_name));
  if (suite == nullptr || suite->standard_name == nullptr ||
      std::strcmp(suite->standard_name, standard_name) != 0) {
    return kNone;
  }
  return suite->name;
}

int SSL_CIPHER_get_bits(const SSL_CIPHER* suite, int* algorithm_bits) {
  if (suite == nullptr) return 0;
  if (algorithm_bits != nullptr) *algorithm_bits = suite->algorithm_bits;
  return suite->strength_bits;
}

// TLS 1.0 has another name here than everywhere else.
const char* SSL_CIPHER_get_version(const SSL_CIPHER* suite) {
  if (suite == nullptr) return kNone;
  return suite->min_tls == TLS1_VERSION ? "TLSv1.0" : version_name(suite->min_tls);
}

int SSL_CIPHER_get_cipher_nid(const SSL_CIPHER* suite) {
  return suite == nullptr ? NID_undef : suite->cipher_nid;
}

int SSL_CIPHER_get_digest_nid(const SSL_CIPHER* suite) {
  return suite->digest_nid;
}

int SSL_CIPHER_get_kx_nid(const SSL_CIPHER* suite) {
  return suite->kx_nid;
}

int SSL_CIPHER_get_auth_nid(const SSL_CIPHER* suite) {
  return suite->auth_nid;
}

int SSL_CIPHER_is_aead(const SSL_CIPHER* suite) {
  return suite->mac == handfast::kMacAead ? 1 : 0;
}

const EVP_MD* SSL_CIPHER_get_handshake_digest(const SSL_CIPHER* suite) {
  // Such hashes come with an engine, if at all.
  if (is_gost(*suite)) return nullptr;
  switch (suite->hash) {
    case HashId::sha256:
      return EVP_sha256();
    case HashId::sha384:
      return EVP_sha384();
    case HashId::md5:
      return EVP_md5();
    default:
      return EVP_md5_sha1();
  }
}

uint32_t SSL_CIPHER_get_id(const SSL_CIPHER* suite) {
  return kSslv3Suites | suite->id;
}

uint16_t SSL_CIPHER_get_protocol_id(const SSL_CIPHER* suite) {
  return suite->id;
}

const SSL_CIPHER* SSL_CIPHER_find(SSL*, const unsigned char* id) {
  return handfast::find_cipher_suite(static_cast<uint16_t>(id[0] << 8 | id[1]));
}

// Without a buffer the text is the caller's to free.
char* SSL_CIPHER_description(const SSL_CIPHER* suite, char* buffer, int length) {
  if (buffer == nullptr) {
    length = kDescriptionLength;
    buffer = static_cast<char*>(OPENSSL_malloc(kDescriptionLength));
    if (buffer == nullptr) {
      ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
      return nullptr;
    }
  } else if (length < kDescriptionLength) {
    return nullptr;
  }
  BIO_snprintf(buffer, static_cast<size_t>(length),
               "%-30s %-7s Kx=%-8s Au=%-5s Enc=%-22s Mac=%-4s\n", suite->name,
               version_name(suite->min_tls), suite->description_kx, suite->description_au,
               suite->description_enc, suite->description_mac);
  return buffer;
}

}  // extern "C"
