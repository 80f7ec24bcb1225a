#include "crypto/group.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/objects.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace handfast {

namespace {

using Kind = Group::Kind;

constexpr Group old_curve(uint16_t id, int nid, int bits, uint16_t length, const char* standard,
                          const char* name = nullptr) {
  return {id, nid, Kind::ecp, false, bits, length, name != nullptr ? name : standard, standard};
}

constexpr Group kGroups[] = {
    {29, NID_X25519, Kind::xdh, true, 128, 32, "X25519", "x25519"},
    {23, NID_X9_62_prime256v1, Kind::ecp, true, 128, 65, "P-256", "secp256r1"},
    {30, NID_X448, Kind::xdh, true, 224, 56, "X448", "x448"},
    {25, NID_secp521r1, Kind::ecp, true, 256, 133, "P-521", "secp521r1"},
    {24, NID_secp384r1, Kind::ecp, true, 192, 97, "P-384", "secp384r1"},
    {0x100, NID_ffdhe2048, Kind::ffdhe, true, 112, 256, "ffdhe2048", "ffdhe2048"},
    {0x101, NID_ffdhe3072, Kind::ffdhe, true, 128, 384, "ffdhe3072", "ffdhe3072"},
    {0x102, NID_ffdhe4096, Kind::ffdhe, true, 128, 512, "ffdhe4096", "ffdhe4096"},
    {0x103, NID_ffdhe6144, Kind::ffdhe, true, 128, 768, "ffdhe6144", "ffdhe6144"},
    {0x104, NID_ffdhe8192, Kind::ffdhe, true, 192, 1024, "ffdhe8192", "ffdhe8192"},
    // RFC 8446 4.2.7 keeps these for TLS 1.2 and below only.
    old_curve(1, NID_sect163k1, 80, 43, "sect163k1", "K-163"),
    old_curve(2, NID_sect163r1, 80, 43, "sect163r1"),
    old_curve(3, NID_sect163r2, 80, 43, "sect163r2", "B-163"),
    old_curve(4, NID_sect193r1, 80, 51, "sect193r1"),
    old_curve(5, NID_sect193r2, 80, 51, "sect193r2"),
    old_curve(6, NID_sect233k1, 112, 61, "sect233k1", "K-233"),
    old_curve(7, NID_sect233r1, 112, 61, "sect233r1", "B-233"),
    old_curve(8, NID_sect239k1, 112, 61, "sect239k1"),
    old_curve(9, NID_sect283k1, 128, 73, "sect283k1", "K-283"),
    old_curve(10, NID_sect283r1, 128, 73, "sect283r1", "B-283"),
    old_curve(11, NID_sect409k1, 192, 105, "sect409k1", "K-409"),
    old_curve(12, NID_sect409r1, 192, 105, "sect409r1", "B-409"),
    old_curve(13, NID_sect571k1, 256, 145, "sect571k1", "K-571"),
    old_curve(14, NID_sect571r1, 256, 145, "sect571r1", "B-571"),
    old_curve(15, NID_secp160k1, 80, 41, "secp160k1"),
    old_curve(16, NID_secp160r1, 80, 41, "secp160r1"),
    old_curve(17, NID_secp160r2, 80, 41, "secp160r2"),
    old_curve(18, NID_secp192k1, 80, 49, "secp192k1"),
    old_curve(19, NID_X9_62_prime192v1, 80, 49, "secp192r1", "P-192"),
    old_curve(20, NID_secp224k1, 112, 57, "secp224k1"),
    old_curve(21, NID_secp224r1, 112, 57, "secp224r1", "P-224"),
    old_curve(22, NID_secp256k1, 128, 65, "secp256k1"),
    old_curve(26, NID_brainpoolP256r1, 128, 65, "brainpoolP256r1"),
    old_curve(27, NID_brainpoolP384r1, 192, 97, "brainpoolP384r1"),
    old_curve(28, NID_brainpoolP512r1, 256, 129, "brainpoolP512r1"),
};

constexpr uint16_t kDefaults[] = {29, 23, 30, 25, 24, 0x100, 0x101, 0x102, 0x103, 0x104};

template <typename Match>
const Group* find(Match match) {
  const Group* found = std::find_if(std::begin(kGroups), std::end(kGroups), match);
  return found == std::end(kGroups) ? nullptr : found;
}

constexpr size_t kUncompressedPoint = 0x04;

Verdict bad_share() {
  return fatal(Alert::illegal_parameter, SSL_R_BAD_ECPOINT);
}

// libcrypto's name of the key type.
const char* key_type(const Group& group) {
  switch (group.kind) {
    case Kind::ecp:
      return "EC";
    case Kind::ffdhe:
      return "DH";
    case Kind::xdh:
      break;
  }
  return group.name;
}

Verdict read_public(EVP_PKEY* key, const Group& group, Bytes& out) {
  if (!out.resize(group.share_length)) return malloc_failure();
  size_t length = out.size();
  bool ok = group.kind == Kind::xdh
                ? EVP_PKEY_get_raw_public_key(key, out.data(), &length) == 1
                : EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
                                                  out.data(), out.size(), &length) == 1;
  return ok && length == out.size() ? success() : internal_error(ERR_R_EVP_LIB);
}

// libcrypto's object of the peer's share, checked as RFC 8446 4.2.8.1 and 4.2.8.2 want: a point
// on the curve, a number between 1 and p - 1.
Verdict import_peer(const Algorithms& algorithms, const Group& group, EVP_PKEY* own, View peer,
                    EvpPkeyPtr& out) {
  if (peer.size() != group.share_length) return bad_share();
  if (group.kind == Kind::xdh) {
    out.reset(EVP_PKEY_new_raw_public_key_ex(
        algorithms.library(), group.name, algorithms.property_query(), peer.data(), peer.size()));
    return out != nullptr ? success() : bad_share();
  }
  if (group.kind == Kind::ecp && peer[0] != kUncompressedPoint) return bad_share();
  out.reset(EVP_PKEY_new());
  if (out == nullptr) return malloc_failure();
  if (EVP_PKEY_copy_parameters(out.get(), own) != 1) return internal_error(ERR_R_EVP_LIB);
  if (EVP_PKEY_set1_encoded_public_key(out.get(), peer.data(), peer.size()) != 1) {
    return bad_share();
  }
  return success();
}

// RFC 8446 7.4.2: an all-zero result means a point of small order.
bool all_zero(View bytes) {
  uint8_t any = 0;
  for (uint8_t byte : bytes) any |= byte;
  return any == 0;
}

}  // namespace

std::span<const Group> all_groups() {
  return kGroups;
}

const Group* find_group(uint16_t id) {
  return find([id](const Group& group) { return group.id == id; });
}

const Group* find_group_by_nid(int nid) {
  return find([nid](const Group& group) { return group.nid == nid; });
}

const Group* find_group_of_key(const EVP_PKEY* key) {
  char name[80];
  size_t length = 0;
  if (EVP_PKEY_get_group_name(key, name, sizeof name, &length) != 1) return nullptr;
  int nid = OBJ_txt2nid(name);
  return find_group_by_nid(nid != NID_undef ? nid : EC_curve_nist2nid(name));
}

const Group* find_group_by_name(const char* name, size_t length) {
  std::string_view wanted(name, length);
  return find([wanted](const Group& group) {
    return wanted == group.name || wanted == group.standard_name || wanted == OBJ_nid2sn(group.nid);
  });
}

std::span<const uint16_t> default_groups() {
  return kDefaults;
}

Verdict KeyShare::generate(const Algorithms& algorithms, const Group& group) {
  EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(algorithms.library(), key_type(group),
                                                   algorithms.property_query()));
  EVP_PKEY* key = nullptr;
  if (context == nullptr || EVP_PKEY_keygen_init(context.get()) != 1 ||
      (group.kind != Kind::xdh && EVP_PKEY_CTX_set_group_name(context.get(), group.name) != 1) ||
      EVP_PKEY_generate(context.get(), &key) != 1) {
    return internal_error(ERR_R_EVP_LIB);
  }
  key_.reset(key);
  group_ = &group;
  return read_public(key, group, public_);
}

Verdict KeyShare::derive(const Algorithms& algorithms, View peer, Bytes& shared_secret) {
  if (key_ == nullptr) return internal_error();
  HANDFAST_CHECK(import_peer(algorithms, *group_, key_.get(), peer, peer_key_));
  EvpPkeyCtxPtr context(
      EVP_PKEY_CTX_new_from_pkey(algorithms.library(), key_.get(), algorithms.property_query()));
  if (context == nullptr || EVP_PKEY_derive_init(context.get()) != 1) {
    return internal_error(ERR_R_EVP_LIB);
  }
  // The import has checked the share; libcrypto's own validation would cost as much again. The
  // curves of TLS <= 1.2 have cofactors, and points of small order.
  if (EVP_PKEY_derive_set_peer_ex(context.get(), peer_key_.get(), group_->tls13 ? 0 : 1) != 1) {
    return group_->tls13 ? internal_error(ERR_R_EVP_LIB) : bad_share();
  }
  // RFC 8446 7.4.1: leading zeros of Z are kept in TLS 1.3.
  if (group_->kind == Kind::ffdhe && EVP_PKEY_CTX_set_dh_pad(context.get(), 1) != 1) {
    return internal_error(ERR_R_EVP_LIB);
  }
  size_t length = 0;
  if (EVP_PKEY_derive(context.get(), nullptr, &length) != 1) return internal_error(ERR_R_EVP_LIB);
  if (!shared_secret.resize(length)) return malloc_failure();
  bool derived = EVP_PKEY_derive(context.get(), shared_secret.data(), &length) == 1;
  if (group_->kind == Kind::xdh && (!derived || all_zero(shared_secret.view()))) {
    return bad_share();
  }
  if (!derived) return internal_error(ERR_R_EVP_LIB);
  shared_secret.truncate(length);
  return success();
}

}  // namespace handfast
