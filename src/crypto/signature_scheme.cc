#include "crypto/signature_scheme.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <string_view>

namespace handfast {

namespace {

// Security levels count half a digest's bits; EdDSA has its own strength.
constexpr int kSha1Bits = 64;
constexpr int kMd5Sha1Bits = 67;

constexpr SignatureScheme ecdsa(uint16_t id, const char* name, int hash, int combined, int curve,
                                int bits) {
  return {id,    name,     hash,  EVP_PKEY_EC,        EVP_PKEY_EC,
          curve, combined, false, curve != NID_undef, bits};
}

constexpr SignatureScheme eddsa(uint16_t id, const char* name, int type, int bits) {
  return {id, name, NID_undef, type, type, NID_undef, NID_undef, false, true, bits};
}

constexpr SignatureScheme pss(uint16_t id, const char* name, int hash, int key_type, int bits) {
  return {id, name, hash, key_type, EVP_PKEY_RSA_PSS, NID_undef, NID_undef, true, true, bits};
}

constexpr SignatureScheme pkcs1(uint16_t id, const char* name, int hash, int combined, int bits) {
  return {id, name, hash, EVP_PKEY_RSA, EVP_PKEY_RSA, NID_undef, combined, false, false, bits};
}

constexpr SignatureScheme dsa(uint16_t id, const char* name, int hash, int combined, int bits) {
  return {id, name, hash, EVP_PKEY_DSA, EVP_PKEY_DSA, NID_undef, combined, false, false, bits};
}

constexpr SignatureScheme kSchemes[] = {
    ecdsa(0x0403, "ecdsa_secp256r1_sha256", NID_sha256, NID_ecdsa_with_SHA256, NID_X9_62_prime256v1,
          128),
    ecdsa(0x0503, "ecdsa_secp384r1_sha384", NID_sha384, NID_ecdsa_with_SHA384, NID_secp384r1, 192),
    ecdsa(0x0603, "ecdsa_secp521r1_sha512", NID_sha512, NID_ecdsa_with_SHA512, NID_secp521r1, 256),
    eddsa(0x0807, "ed25519", EVP_PKEY_ED25519, 128),
    eddsa(0x0808, "ed448", EVP_PKEY_ED448, 224),
    pss(0x0809, "rsa_pss_pss_sha256", NID_sha256, EVP_PKEY_RSA_PSS, 128),
    pss(0x080a, "rsa_pss_pss_sha384", NID_sha384, EVP_PKEY_RSA_PSS, 192),
    pss(0x080b, "rsa_pss_pss_sha512", NID_sha512, EVP_PKEY_RSA_PSS, 256),
    pss(0x0804, "rsa_pss_rsae_sha256", NID_sha256, EVP_PKEY_RSA, 128),
    pss(0x0805, "rsa_pss_rsae_sha384", NID_sha384, EVP_PKEY_RSA, 192),
    pss(0x0806, "rsa_pss_rsae_sha512", NID_sha512, EVP_PKEY_RSA, 256),
    pkcs1(0x0401, "rsa_pkcs1_sha256", NID_sha256, NID_sha256WithRSAEncryption, 128),
    pkcs1(0x0501, "rsa_pkcs1_sha384", NID_sha384, NID_sha384WithRSAEncryption, 192),
    pkcs1(0x0601, "rsa_pkcs1_sha512", NID_sha512, NID_sha512WithRSAEncryption, 256),
    ecdsa(0x0303, "ecdsa_sha224", NID_sha224, NID_ecdsa_with_SHA224, NID_undef, 112),
    ecdsa(0x0203, "ecdsa_sha1", NID_sha1, NID_ecdsa_with_SHA1, NID_undef, kSha1Bits),
    pkcs1(0x0301, "rsa_pkcs1_sha224", NID_sha224, NID_sha224WithRSAEncryption, 112),
    pkcs1(0x0201, "rsa_pkcs1_sha1", NID_sha1, NID_sha1WithRSAEncryption, kSha1Bits),
    dsa(0x0302, "dsa_sha224", NID_sha224, NID_undef, 112),
    dsa(0x0202, "dsa_sha1", NID_sha1, NID_dsaWithSHA1, kSha1Bits),
    dsa(0x0402, "dsa_sha256", NID_sha256, NID_dsa_with_SHA256, 128),
    dsa(0x0502, "dsa_sha384", NID_sha384, NID_undef, 192),
    dsa(0x0602, "dsa_sha512", NID_sha512, NID_undef, 256),
};

constexpr auto kDefaults = [] {
  std::array<uint16_t, std::size(kSchemes)> ids{};
  std::transform(std::begin(kSchemes), std::end(kSchemes), ids.begin(),
                 [](const SignatureScheme& scheme) { return scheme.id; });
  return ids;
}();

// EVP_PKEY_* of a key, of providers' own keys too.
int type_of(const EVP_PKEY* key) {
  int id = EVP_PKEY_get_base_id(key);
  if (id > 0) return id;
  constexpr struct {
    const char* name;
    int type;
  } kTypes[] = {{"RSA", EVP_PKEY_RSA},     {"RSA-PSS", EVP_PKEY_RSA_PSS},
                {"EC", EVP_PKEY_EC},       {"ED25519", EVP_PKEY_ED25519},
                {"ED448", EVP_PKEY_ED448}, {"DSA", EVP_PKEY_DSA}};
  for (const auto& type : kTypes) {
    if (EVP_PKEY_is_a(key, type.name)) return type.type;
  }
  return EVP_PKEY_NONE;
}

bool curve_is(EVP_PKEY* key, int nid) {
  char name[80];
  size_t length = 0;
  if (EVP_PKEY_get_group_name(key, name, sizeof name, &length) != 1) return false;
  int curve = OBJ_txt2nid(name);
  if (curve == NID_undef) curve = EC_curve_nist2nid(name);
  return curve == nid;
}

int digest_size(const SignatureScheme& scheme) {
  switch (scheme.hash_nid) {
    case NID_sha512:
      return 64;
    case NID_sha384:
      return 48;
    default:
      return 32;
  }
}

bool hash_available(const Algorithms& algorithms, int nid) {
  switch (nid) {
    case NID_undef:
      return true;
    case NID_sha1:
      return algorithms.hash(HashId::sha1) != nullptr;
    case NID_sha224:
      return algorithms.hash(HashId::sha224) != nullptr;
    case NID_sha256:
      return algorithms.hash(HashId::sha256) != nullptr;
    case NID_sha384:
      return algorithms.hash(HashId::sha384) != nullptr;
    case NID_sha512:
      return algorithms.hash(HashId::sha512) != nullptr;
    default:
      return false;
  }
}

// Digests go by several names. Only a loaded provider could tell libcrypto so, and the default
// library context may have none.
bool names_digest(const char* name, int nid) {
  const char* provider_name = nid == NID_sha256   ? "SHA2-256"
                              : nid == NID_sha384 ? "SHA2-384"
                                                  : "SHA2-512";
  return OPENSSL_strcasecmp(name, OBJ_nid2sn(nid)) == 0 ||
         OPENSSL_strcasecmp(name, provider_name) == 0;
}

// RFC 8446 4.2.3: "If the public key is carried in an X.509 certificate [with RSASSA-PSS
// parameters], ... the parameters in the signature MUST be identical to those in the public key".
bool pss_parameters_fit(EVP_PKEY* key, const SignatureScheme& scheme) {
  char digest[64];
  // 2: the digest is mandatory.
  if (EVP_PKEY_get_default_digest_name(key, digest, sizeof digest) != 2) return true;
  if (!names_digest(digest, scheme.hash_nid)) return false;
  size_t length = 0;
  char mgf1[64];
  if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_RSA_MGF1_DIGEST, mgf1, sizeof mgf1,
                                     &length) == 1 &&
      !names_digest(mgf1, scheme.hash_nid)) {
    return false;
  }
  int least_salt = 0;
  return EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_RSA_PSS_SALTLEN, &least_salt) != 1 ||
         least_salt <= digest_size(scheme);
}

// EMSA-PSS with a salt as long as the digest needs that much room (RFC 8017 9.1.1).
bool pss_fits(EVP_PKEY* key, const SignatureScheme& scheme) {
  return EVP_PKEY_get_size(key) >= 2 * digest_size(scheme) + 2 && pss_parameters_fit(key, scheme);
}

using DigestInit = int (*)(EVP_MD_CTX*, EVP_PKEY_CTX**, const char*, OSSL_LIB_CTX*, const char*,
                           EVP_PKEY*, const OSSL_PARAM*);

// A context ready for one-shot signing or verifying by `scheme`, or nullptr.
EvpMdCtxPtr prepare(DigestInit init, const Algorithms& algorithms, const SignatureScheme& scheme,
                    EVP_PKEY* key) {
  EvpMdCtxPtr context(EVP_MD_CTX_new());
  if (context == nullptr) return nullptr;
  const char* digest = scheme.hash_nid == NID_undef ? nullptr : OBJ_nid2sn(scheme.hash_nid);
  EVP_PKEY_CTX* parameters = nullptr;
  if (init(context.get(), &parameters, digest, algorithms.library(), algorithms.property_query(),
           key, nullptr) != 1) {
    return nullptr;
  }
  if (scheme.pss && (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
                     EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) != 1)) {
    return nullptr;
  }
  return context;
}

}  // namespace

std::span<const SignatureScheme> all_signature_schemes() {
  return kSchemes;
}

const SignatureScheme* find_signature_scheme(uint16_t id) {
  for (const SignatureScheme& scheme : kSchemes) {
    if (scheme.id == id) return &scheme;
  }
  return nullptr;
}

const SignatureScheme& legacy_rsa_scheme() {
  static constexpr SignatureScheme kScheme =
      pkcs1(0, "rsa_pkcs1_md5_sha1", NID_md5_sha1, NID_undef, kMd5Sha1Bits);
  return kScheme;
}

std::span<const uint16_t> default_signature_schemes() {
  return kDefaults;
}

bool scheme_available(const Algorithms& algorithms, const SignatureScheme& scheme) {
  return hash_available(algorithms, scheme.hash_nid) && algorithms.has_key_type(scheme.key_type);
}

bool key_fits_scheme(EVP_PKEY* key, const SignatureScheme& scheme, int version) {
  if (key == nullptr || type_of(key) != scheme.key_type) return false;
  bool tls13 = version >= TLS1_3_VERSION;
  if (tls13 && !scheme.tls13) return false;
  // A parameter that the key does not have is no error here.
  ERR_set_mark();
  // RFC 8446 4.2.3: the curve is part of the scheme.
  bool fits = !tls13 || scheme.curve_nid == NID_undef || curve_is(key, scheme.curve_nid);
  fits = fits && (!scheme.pss || pss_fits(key, scheme));
  ERR_pop_to_mark();
  return fits;
}

bool certificate_verify_content(bool server, View transcript_hash, Bytes& out) {
  constexpr size_t kPadding = 64;
  constexpr std::string_view kServer = "TLS 1.3, server CertificateVerify";
  constexpr std::string_view kClient = "TLS 1.3, client CertificateVerify";
  if (!out.resize(kPadding)) return false;
  std::memset(out.data(), 0x20, kPadding);
  const uint8_t separator = 0;
  return out.append(as_view(server ? kServer : kClient)) && out.append({&separator, 1}) &&
         out.append(transcript_hash);
}

Verdict sign(const Algorithms& algorithms, const SignatureScheme& scheme, EVP_PKEY* key,
             View content, Bytes& signature) {
  EvpMdCtxPtr context = prepare(EVP_DigestSignInit_ex, algorithms, scheme, key);
  int size = EVP_PKEY_get_size(key);
  if (context == nullptr || size <= 0) return internal_error(ERR_R_EVP_LIB);
  if (!signature.resize(static_cast<size_t>(size))) return malloc_failure();
  size_t length = signature.size();
  if (EVP_DigestSign(context.get(), signature.data(), &length, content.data(), content.size()) !=
      1) {
    return internal_error(ERR_R_EVP_LIB);
  }
  signature.truncate(length);
  return success();
}

Verdict verify_signature(const Algorithms& algorithms, const SignatureScheme& scheme, EVP_PKEY* key,
                         View content, View signature) {
  EvpMdCtxPtr context = prepare(EVP_DigestVerifyInit_ex, algorithms, scheme, key);
  if (context == nullptr) return internal_error(ERR_R_EVP_LIB);
  if (EVP_DigestVerify(context.get(), signature.data(), signature.size(), content.data(),
                       content.size()) != 1) {
    return fatal(Alert::decrypt_error, SSL_R_BAD_SIGNATURE);
  }
  return success();
}

}  // namespace handfast
