#include "crypto/group.h"

#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <iterator>

namespace handfast {

namespace {

using Kind = Group::Kind;
using Versions = Group::Versions;

// What TLS 1.0 and DTLS 1.0, which is TLS 1.1's, and all newer versions have.
constexpr Versions kTls = {TLS1_VERSION, 0}, kDtls = {TLS1_1_VERSION, 0};

constexpr Group curve(uint16_t id, int nid, int bits, uint16_t length, const char* standard,
                      const char* name) {
  return {id, nid, Kind::ecp, kTls, kDtls, bits, length, "EC", name, standard};
}

constexpr Group xdh(uint16_t id, int nid, int bits, uint16_t length, const char* standard,
                    const char* name) {
  return {id, nid, Kind::xdh, kTls, kDtls, bits, length, name, name, standard};
}

// RFC 7919's own use in TLS 1.2 is not libssl's.
constexpr Group ffdhe(uint16_t id, int nid, int bits, uint16_t length, const char* name) {
  constexpr Versions kTls13 = {TLS1_3_VERSION, 0}, kNone = {Group::kNever, Group::kNever};
  return {id, nid, Kind::ffdhe, kTls13, kNone, bits, length, "DH", name, name};
}

// RFC 8446 4.2.7 keeps these for TLS 1.2 and below.
constexpr Group old_curve(uint16_t id, int nid, int bits, uint16_t length, const char* standard,
                          const char* name = nullptr) {
  Group group = curve(id, nid, bits, length, standard, name != nullptr ? name : standard);
  group.tls.maximum = group.dtls.maximum = TLS1_2_VERSION;
  return group;
}

constexpr Group kGroups[] = {
    xdh(29, NID_X25519, 128, 32, "x25519", "X25519"),
    curve(23, NID_X9_62_prime256v1, 128, 65, "secp256r1", "P-256"),
    xdh(30, NID_X448, 224, 56, "x448", "X448"),
    curve(25, NID_secp521r1, 256, 133, "secp521r1", "P-521"),
    curve(24, NID_secp384r1, 192, 97, "secp384r1", "P-384"),
    ffdhe(0x100, NID_ffdhe2048, 112, 256, "ffdhe2048"),
    ffdhe(0x101, NID_ffdhe3072, 128, 384, "ffdhe3072"),
    ffdhe(0x102, NID_ffdhe4096, 128, 512, "ffdhe4096"),
    ffdhe(0x103, NID_ffdhe6144, 128, 768, "ffdhe6144"),
    ffdhe(0x104, NID_ffdhe8192, 192, 1024, "ffdhe8192"),
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

template <typename Match>
const Group* find(Match match) {
  const Group* found = std::find_if(std::begin(kGroups), std::end(kGroups), match);
  return found == std::end(kGroups) ? nullptr : found;
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

}  // namespace handfast
