// Which algorithms of cipher suites the providers have.
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>

#include "config/cipher_list.h"
#include "crypto/cipher_class.h"

namespace handfast {

namespace {

using KeyExchangePtr = std::unique_ptr<EVP_KEYEXCH, FreeWith<EVP_KEYEXCH_free>>;
using SignaturePtr = std::unique_ptr<EVP_SIGNATURE, FreeWith<EVP_SIGNATURE_free>>;

// GOST would need its own handshake and record protection, which is not here.
constexpr uint32_t kGostEnc = kEncGost89 | kEncGost89Set12 | kEncMagma | kEncKuznyechik;
constexpr uint32_t kGostMac =
    kMacGost94 | kMacGost89 | kMacGost89Set12 | kMacGost12 | kMacMagma | kMacKuznyechik;

uint32_t missing_ciphers(const Algorithms& algorithms) {
  uint32_t missing = kGostEnc;
  for (const AlgorithmColumns& row : kEncColumns) {
    if (row.bit == kEncNull || (row.bit & kGostEnc) != 0) continue;
    if (algorithms.cipher(row.cipher) == nullptr) missing |= row.bit;
  }
  return missing;
}

uint32_t missing_macs(const Algorithms& algorithms) {
  constexpr struct {
    uint32_t bit;
    HashId hash;
  } kHashes[] = {{kMacMd5, HashId::md5},
                 {kMacSha1, HashId::sha1},
                 {kMacSha256, HashId::sha256},
                 {kMacSha384, HashId::sha384}};
  uint32_t missing = kGostMac;
  for (const auto& row : kHashes) {
    if (algorithms.hash(row.hash) == nullptr) missing |= row.bit;
  }
  return missing;
}

}  // namespace

CipherPattern missing_algorithms(const Algorithms& algorithms) {
  OSSL_LIB_CTX* library = algorithms.library();
  const char* query = algorithms.property_query();
  CipherPattern missing;
  missing.kx = kKxGost | kKxGost18;
  missing.auth = kAuthGost01 | kAuthGost12;
  missing.mac = missing_macs(algorithms);
  ERR_set_mark();
  missing.enc = missing_ciphers(algorithms);
  if (KeyExchangePtr(EVP_KEYEXCH_fetch(library, "DH", query)) == nullptr) {
    missing.kx |= kKxDhe | kKxDhePsk;
  }
  if (KeyExchangePtr(EVP_KEYEXCH_fetch(library, "ECDH", query)) == nullptr) {
    missing.kx |= kKxEcdhe | kKxEcdhePsk;
  }
  if (SignaturePtr(EVP_SIGNATURE_fetch(library, "DSA", query)) == nullptr) {
    missing.auth |= kAuthDss;
  }
  if (SignaturePtr(EVP_SIGNATURE_fetch(library, "ECDSA", query)) == nullptr) {
    missing.auth |= kAuthEcdsa;
  }
  ERR_pop_to_mark();
  return missing;
}

}  // namespace handfast
