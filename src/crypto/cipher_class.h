// What a cipher suite consists of: one bit for each algorithm, so that cipher strings can speak of
// sets, and the columns that follow from it.
#pragma once

#include <openssl/dtls1.h>
#include <openssl/obj_mac.h>
#include <openssl/ssl.h>

#include <cstdint>

#include "crypto/cipher_suite.h"

namespace handfast {

enum KxSet : uint32_t {
  kKxAny = 0,
  kKxRsa = 1 << 0,
  kKxDhe = 1 << 1,
  kKxEcdhe = 1 << 2,
  kKxPsk = 1 << 3,
  kKxGost = 1 << 4,
  kKxSrp = 1 << 5,
  kKxRsaPsk = 1 << 6,
  kKxEcdhePsk = 1 << 7,
  kKxDhePsk = 1 << 8,
  kKxGost18 = 1 << 9,
  // What a key exchange has in common with others, whoever authenticates it.
  kKxAllRsa = kKxRsa | kKxRsaPsk,
  kKxAllDhe = kKxDhe | kKxDhePsk,
  kKxAllEcdhe = kKxEcdhe | kKxEcdhePsk,
  kKxAllPsk = kKxPsk | kKxRsaPsk | kKxDhePsk | kKxEcdhePsk,
};

enum AuthSet : uint32_t {
  kAuthAny = 0,
  kAuthRsa = 1 << 0,
  kAuthDss = 1 << 1,
  kAuthNull = 1 << 2,
  kAuthEcdsa = 1 << 3,
  kAuthPsk = 1 << 4,
  kAuthGost01 = 1 << 5,
  kAuthSrp = 1 << 6,
  kAuthGost12 = 1 << 7,
};

// Suites whose server is known by its key, in a certificate.
constexpr uint32_t kAuthAllCertificates = kAuthRsa | kAuthDss | kAuthEcdsa;
inline bool has_certificate(const CipherSuite& suite) {
  return (suite.auth & kAuthAllCertificates) != 0;
}

enum EncSet : uint32_t {
  kEncNull = 1 << 0,
  kEncIdea = 1 << 1,
  kEncSeed = 1 << 2,
  kEncAes128 = 1 << 3,
  kEncAes256 = 1 << 4,
  kEncCamellia128 = 1 << 5,
  kEncCamellia256 = 1 << 6,
  kEncAes128Gcm = 1 << 7,
  kEncAes256Gcm = 1 << 8,
  kEncAes128Ccm = 1 << 9,
  kEncAes256Ccm = 1 << 10,
  kEncAes128Ccm8 = 1 << 11,
  kEncAes256Ccm8 = 1 << 12,
  kEncChacha20 = 1 << 13,
  kEncAria128Gcm = 1 << 14,
  kEncAria256Gcm = 1 << 15,
  kEncGost89 = 1 << 16,
  kEncGost89Set12 = 1 << 17,
  kEncMagma = 1 << 18,
  kEncKuznyechik = 1 << 19,
  // Names that cipher strings know but no suite has any more.
  kEncTripleDes = 1 << 20,
  kEncRc4 = 1 << 21,
  kEncRc2 = 1 << 22,
  kEncAllBits = (1 << 23) - 1,
};

enum MacSet : uint32_t {
  kMacMd5 = 1 << 0,
  kMacSha1 = 1 << 1,
  kMacSha256 = 1 << 2,
  kMacSha384 = 1 << 3,
  kMacAead = 1 << 4,
  kMacGost94 = 1 << 5,
  kMacGost89 = 1 << 6,
  kMacGost89Set12 = 1 << 7,
  kMacGost12 = 1 << 8,
  kMacMagma = 1 << 9,
  kMacKuznyechik = 1 << 10,
};

enum StrengthSet : uint32_t {
  kStrengthNone = 1 << 0,
  kMedium = 1 << 1,
  kHigh = 1 << 2,
  kFips = 1 << 3,
  kLow = 1 << 4,  // no suite is as weak any more
  kStrengthMask = (1 << 5) - 1,
  kNotDefault = 1 << 5,
};

// The columns that an algorithm gives to every suite that uses it.
struct AlgorithmColumns {
  uint32_t bit;
  int nid;
  const char* text;
  int bits;
  CipherId cipher;
  uint8_t tag_length;
};

inline constexpr AlgorithmColumns kKxColumns[] = {
    {kKxAny, NID_kx_any, "any", 0, CipherId::other, 0},
    {kKxRsa, NID_kx_rsa, "RSA", 0, CipherId::other, 0},
    {kKxDhe, NID_kx_dhe, "DH", 0, CipherId::other, 0},
    {kKxEcdhe, NID_kx_ecdhe, "ECDH", 0, CipherId::other, 0},
    {kKxPsk, NID_kx_psk, "PSK", 0, CipherId::other, 0},
    {kKxGost, NID_kx_gost, "GOST", 0, CipherId::other, 0},
    {kKxSrp, NID_kx_srp, "SRP", 0, CipherId::other, 0},
    {kKxRsaPsk, NID_kx_rsa_psk, "RSAPSK", 0, CipherId::other, 0},
    {kKxEcdhePsk, NID_kx_ecdhe_psk, "ECDHEPSK", 0, CipherId::other, 0},
    {kKxDhePsk, NID_kx_dhe_psk, "DHEPSK", 0, CipherId::other, 0},
    {kKxGost18, NID_kx_gost18, "GOST18", 0, CipherId::other, 0},
};

inline constexpr AlgorithmColumns kAuthColumns[] = {
    {kAuthAny, NID_auth_any, "any", 0, CipherId::other, 0},
    {kAuthRsa, NID_auth_rsa, "RSA", 0, CipherId::other, 0},
    {kAuthDss, NID_auth_dss, "DSS", 0, CipherId::other, 0},
    {kAuthNull, NID_auth_null, "None", 0, CipherId::other, 0},
    {kAuthEcdsa, NID_auth_ecdsa, "ECDSA", 0, CipherId::other, 0},
    {kAuthPsk, NID_auth_psk, "PSK", 0, CipherId::other, 0},
    {kAuthGost01, NID_auth_gost01, "GOST01", 0, CipherId::other, 0},
    {kAuthSrp, NID_auth_srp, "SRP", 0, CipherId::other, 0},
    // SSL_CIPHER_description has no word for the one and SSL_CIPHER_get_auth_nid no number for
    // the other: programs see what they always saw.
    {kAuthGost12, NID_auth_gost12, "unknown", 0, CipherId::other, 0},
    {kAuthGost12 | kAuthGost01, NID_undef, "GOST12", 0, CipherId::other, 0},
};

inline constexpr AlgorithmColumns kEncColumns[] = {
    {kEncNull, NID_undef, "None", 0, CipherId::null, 0},
    {kEncIdea, NID_idea_cbc, "IDEA(128)", 128, CipherId::idea_cbc, 0},
    {kEncSeed, NID_seed_cbc, "SEED(128)", 128, CipherId::seed_cbc, 0},
    {kEncAes128, NID_aes_128_cbc, "AES(128)", 128, CipherId::aes128_cbc, 0},
    {kEncAes256, NID_aes_256_cbc, "AES(256)", 256, CipherId::aes256_cbc, 0},
    {kEncCamellia128, NID_camellia_128_cbc, "Camellia(128)", 128, CipherId::camellia128_cbc, 0},
    {kEncCamellia256, NID_camellia_256_cbc, "Camellia(256)", 256, CipherId::camellia256_cbc, 0},
    {kEncAes128Gcm, NID_aes_128_gcm, "AESGCM(128)", 128, CipherId::aes128_gcm, 16},
    {kEncAes256Gcm, NID_aes_256_gcm, "AESGCM(256)", 256, CipherId::aes256_gcm, 16},
    {kEncAes128Ccm, NID_aes_128_ccm, "AESCCM(128)", 128, CipherId::aes128_ccm, 16},
    {kEncAes256Ccm, NID_aes_256_ccm, "AESCCM(256)", 256, CipherId::aes256_ccm, 16},
    {kEncAes128Ccm8, NID_aes_128_ccm, "AESCCM8(128)", 128, CipherId::aes128_ccm8, 8},
    {kEncAes256Ccm8, NID_aes_256_ccm, "AESCCM8(256)", 256, CipherId::aes256_ccm8, 8},
    {kEncChacha20, NID_chacha20_poly1305, "CHACHA20/POLY1305(256)", 256,
     CipherId::chacha20_poly1305, 16},
    {kEncAria128Gcm, NID_aria_128_gcm, "ARIAGCM(128)", 128, CipherId::aria128_gcm, 16},
    {kEncAria256Gcm, NID_aria_256_gcm, "ARIAGCM(256)", 256, CipherId::aria256_gcm, 16},
    {kEncGost89, NID_gost89_cnt, "GOST89(256)", 256, CipherId::other, 0},
    {kEncGost89Set12, NID_gost89_cnt_12, "GOST89(256)", 256, CipherId::other, 0},
    {kEncMagma, NID_magma_ctr_acpkm, "MAGMA", 256, CipherId::other, 0},
    {kEncKuznyechik, NID_kuznyechik_ctr_acpkm, "KUZNYECHIK", 256, CipherId::other, 0},
};

inline constexpr AlgorithmColumns kMacColumns[] = {
    {kMacMd5, NID_md5, "MD5", 0, CipherId::other, 0},
    {kMacSha1, NID_sha1, "SHA1", 0, CipherId::other, 0},
    {kMacSha256, NID_sha256, "SHA256", 0, CipherId::other, 0},
    {kMacSha384, NID_sha384, "SHA384", 0, CipherId::other, 0},
    {kMacAead, NID_undef, "AEAD", 0, CipherId::other, 0},
    {kMacGost94, NID_id_GostR3411_94, "GOST94", 0, CipherId::other, 0},
    {kMacGost89, NID_id_Gost28147_89_MAC, "GOST89", 0, CipherId::other, 0},
    {kMacGost89Set12, NID_gost_mac_12, "GOST89", 0, CipherId::other, 0},
    {kMacGost12, NID_id_GostR3411_2012_256, "GOST2012", 0, CipherId::other, 0},
    {kMacMagma, NID_magma_mac, "unknown", 0, CipherId::other, 0},
    {kMacKuznyechik, NID_kuznyechik_mac, "unknown", 0, CipherId::other, 0},
};

// Every set that a suite names has its columns: a missing row does not compile.
template <size_t kCount>
constexpr const AlgorithmColumns& columns_of(const AlgorithmColumns (&columns)[kCount],
                                             uint32_t bit) {
  size_t i = 0;
  while (columns[i].bit != bit) ++i;
  return columns[i];
}

constexpr CipherSuite make_suite(uint16_t id, const char* name, const char* standard_name,
                                 uint32_t kx, uint32_t auth, uint32_t enc, uint32_t mac,
                                 int min_tls, HashId hash, uint32_t strength) {
  const AlgorithmColumns& bulk = columns_of(kEncColumns, enc);
  const AlgorithmColumns& exchange = columns_of(kKxColumns, kx);
  const AlgorithmColumns& signer = columns_of(kAuthColumns, auth);
  const AlgorithmColumns& check = columns_of(kMacColumns, mac);
  int max_tls = min_tls == TLS1_3_VERSION ? TLS1_3_VERSION : TLS1_2_VERSION;
  return {id,
          name,
          standard_name,
          bulk.cipher,
          hash,
          bulk.nid,
          check.nid,
          exchange.nid,
          signer.nid,
          min_tls,
          max_tls,
          bulk.bits,
          bulk.bits,
          bulk.tag_length,
          exchange.text,
          signer.text,
          bulk.text,
          check.text,
          kx,
          auth,
          enc,
          mac,
          strength};
}

}  // namespace handfast
