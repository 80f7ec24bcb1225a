#include "config/cipher_aliases.h"

#include <openssl/ssl.h>

#include "crypto/cipher_class.h"

namespace handfast {

namespace {

struct Alias {
  std::string_view word;
  CipherPattern pattern;
};

constexpr uint32_t kGostAuth = kAuthGost01 | kAuthGost12;
constexpr uint32_t kCcm8 = kEncAes128Ccm8 | kEncAes256Ccm8;
constexpr uint32_t kCcm = kEncAes128Ccm | kEncAes256Ccm | kCcm8;
constexpr uint32_t kAes128 = kEncAes128 | kEncAes128Gcm | kEncAes128Ccm | kEncAes128Ccm8;
constexpr uint32_t kAes256 = kEncAes256 | kEncAes256Gcm | kEncAes256Ccm | kEncAes256Ccm8;
constexpr uint32_t kCamellia = kEncCamellia128 | kEncCamellia256;
constexpr uint32_t kAria = kEncAria128Gcm | kEncAria256Gcm;
constexpr uint32_t kGostCiphers = kEncGost89 | kEncGost89Set12 | kEncMagma | kEncKuznyechik;
constexpr uint32_t kCbc =
    kEncTripleDes | kEncRc2 | kEncIdea | kEncSeed | kEncAes128 | kEncAes256 | kCamellia;
constexpr uint32_t kNotNull = ~static_cast<uint32_t>(kAuthNull);
constexpr uint32_t kEncrypting = kEncAllBits & ~static_cast<uint32_t>(kEncNull);

constexpr CipherPattern exchange(uint32_t kx, uint32_t auth = 0) {
  return {kx, auth, 0, 0, 0, 0};
}
constexpr CipherPattern authentication(uint32_t auth) {
  return {0, auth, 0, 0, 0, 0};
}
constexpr CipherPattern encryption(uint32_t enc) {
  return {0, 0, enc, 0, 0, 0};
}
constexpr CipherPattern integrity(uint32_t mac) {
  return {0, 0, 0, mac, 0, 0};
}
constexpr CipherPattern version(int min_tls) {
  return {0, 0, 0, 0, min_tls, 0};
}
constexpr CipherPattern strength(uint32_t classes) {
  return {0, 0, 0, 0, 0, classes};
}

constexpr Alias kAliases[] = {
    {SSL_TXT_ALL, encryption(kEncrypting)},
    {SSL_TXT_CMPALL, encryption(kEncNull)},
    {SSL_TXT_CMPDEF, strength(kNotDefault)},

    {SSL_TXT_kRSA, exchange(kKxRsa)},
    {SSL_TXT_kEDH, exchange(kKxDhe)},
    {SSL_TXT_kDHE, exchange(kKxDhe)},
    {SSL_TXT_DH, exchange(kKxDhe)},
    {SSL_TXT_kEECDH, exchange(kKxEcdhe)},
    {SSL_TXT_kECDHE, exchange(kKxEcdhe)},
    {SSL_TXT_ECDH, exchange(kKxEcdhe)},
    {SSL_TXT_kPSK, exchange(kKxPsk)},
    {SSL_TXT_kRSAPSK, exchange(kKxRsaPsk)},
    {SSL_TXT_kECDHEPSK, exchange(kKxEcdhePsk)},
    {SSL_TXT_kDHEPSK, exchange(kKxDhePsk)},
    {SSL_TXT_kSRP, exchange(kKxSrp)},
    {SSL_TXT_kGOST, exchange(kKxGost)},
    {SSL_TXT_kGOST18, exchange(kKxGost18)},

    {SSL_TXT_aRSA, authentication(kAuthRsa)},
    {SSL_TXT_aDSS, authentication(kAuthDss)},
    {SSL_TXT_DSS, authentication(kAuthDss)},
    {SSL_TXT_aNULL, authentication(kAuthNull)},
    {SSL_TXT_aECDSA, authentication(kAuthEcdsa)},
    {SSL_TXT_ECDSA, authentication(kAuthEcdsa)},
    {SSL_TXT_aPSK, authentication(kAuthPsk)},
    {SSL_TXT_aGOST01, authentication(kAuthGost01)},
    {SSL_TXT_aGOST12, authentication(kAuthGost12)},
    {SSL_TXT_aGOST, authentication(kGostAuth)},
    {SSL_TXT_aSRP, authentication(kAuthSrp)},

    {SSL_TXT_EDH, exchange(kKxDhe, kNotNull)},
    {SSL_TXT_DHE, exchange(kKxDhe, kNotNull)},
    {SSL_TXT_EECDH, exchange(kKxEcdhe, kNotNull)},
    {SSL_TXT_ECDHE, exchange(kKxEcdhe, kNotNull)},
    {SSL_TXT_NULL, encryption(kEncNull)},
    {SSL_TXT_RSA, exchange(kKxRsa, kAuthRsa)},
    {SSL_TXT_ADH, exchange(kKxDhe, kAuthNull)},
    {SSL_TXT_AECDH, exchange(kKxEcdhe, kAuthNull)},
    {SSL_TXT_PSK, exchange(kKxAllPsk)},
    {SSL_TXT_SRP, exchange(kKxSrp)},

    {SSL_TXT_3DES, encryption(kEncTripleDes)},
    {SSL_TXT_RC4, encryption(kEncRc4)},
    {SSL_TXT_RC2, encryption(kEncRc2)},
    {SSL_TXT_IDEA, encryption(kEncIdea)},
    {SSL_TXT_SEED, encryption(kEncSeed)},
    {SSL_TXT_eNULL, encryption(kEncNull)},
    {SSL_TXT_GOST, encryption(kGostCiphers)},
    {SSL_TXT_AES128, encryption(kAes128)},
    {SSL_TXT_AES256, encryption(kAes256)},
    {SSL_TXT_AES, encryption(kAes128 | kAes256)},
    {SSL_TXT_AES_GCM, encryption(kEncAes128Gcm | kEncAes256Gcm)},
    {SSL_TXT_AES_CCM, encryption(kCcm)},
    {SSL_TXT_AES_CCM_8, encryption(kCcm8)},
    {SSL_TXT_CAMELLIA128, encryption(kEncCamellia128)},
    {SSL_TXT_CAMELLIA256, encryption(kEncCamellia256)},
    {SSL_TXT_CAMELLIA, encryption(kCamellia)},
    {SSL_TXT_CHACHA20, encryption(kEncChacha20)},
    {SSL_TXT_GOST2012_GOST8912_GOST8912, encryption(kEncGost89Set12)},
    {SSL_TXT_ARIA, encryption(kAria)},
    {SSL_TXT_ARIA_GCM, encryption(kAria)},
    {SSL_TXT_ARIA128, encryption(kEncAria128Gcm)},
    {SSL_TXT_ARIA256, encryption(kEncAria256Gcm)},
    {SSL_TXT_CBC, encryption(kCbc)},

    {SSL_TXT_MD5, integrity(kMacMd5)},
    {SSL_TXT_SHA1, integrity(kMacSha1)},
    {SSL_TXT_SHA, integrity(kMacSha1)},
    {SSL_TXT_GOST94, integrity(kMacGost94)},
    {SSL_TXT_GOST89MAC, integrity(kMacGost89 | kMacGost89Set12)},
    {SSL_TXT_SHA256, integrity(kMacSha256)},
    {SSL_TXT_SHA384, integrity(kMacSha384)},
    {SSL_TXT_GOST12, integrity(kMacGost12)},

    {SSL_TXT_SSLV3, version(SSL3_VERSION)},
    {SSL_TXT_TLSV1, version(TLS1_VERSION)},
    {"TLSv1.0", version(TLS1_VERSION)},
    {SSL_TXT_TLSV1_2, version(TLS1_2_VERSION)},

    {SSL_TXT_LOW, strength(kLow)},
    {SSL_TXT_MEDIUM, strength(kMedium)},
    {SSL_TXT_HIGH, strength(kHigh)},
    {SSL_TXT_FIPS, {0, 0, kEncrypting, 0, 0, kFips}},

    {SSL3_TXT_EDH_DSS_DES_192_CBC3_SHA,
     {kKxDhe, kAuthDss, kEncTripleDes, kMacSha1, 0, kHigh | kFips}},
    {SSL3_TXT_EDH_RSA_DES_192_CBC3_SHA,
     {kKxDhe, kAuthRsa, kEncTripleDes, kMacSha1, 0, kHigh | kFips}},
};

}  // namespace

const CipherPattern* find_cipher_alias(std::string_view word) {
  for (const Alias& alias : kAliases) {
    if (alias.word == word) return &alias.pattern;
  }
  return nullptr;
}

}  // namespace handfast
