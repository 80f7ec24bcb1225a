// Named groups (RFC 8446 4.2.7, RFC 7919): what a group is, and IANA's table of those that
// libcrypto's own providers have. Which of them an SSL_CTX can use, and what its providers add, is
// in crypto/provider_groups.h.
#pragma once

#include <openssl/evp.h>
#include <openssl/tls1.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace handfast {

struct Group {
  // The last two are of providers that libcrypto does not bring along.
  enum class Kind : uint8_t { ecp, xdh, ffdhe, foreign, foreign_kem };
  static constexpr int kNever = -1;
  // Which versions may use it, in TLS's numbers (wire/version.h).
  struct Versions {
    int minimum, maximum;  // a maximum of 0: all newer ones; kNever: none
    // Is there one from `lowest` to `highest`?
    [[nodiscard]] bool fit(int lowest, int highest) const {
      if (minimum == kNever || maximum == kNever) return false;
      return highest >= minimum && (maximum == 0 || lowest <= maximum);
    }
  };

  uint16_t id;  // NamedGroup on the wire
  int nid;      // NID_undef: libcrypto has none
  Kind kind;
  Versions tls, dtls;
  int security_bits;
  uint16_t share_length;      // bytes of key_exchange; 0: as the provider makes them
  const char* algorithm;      // key type: "EC", "X25519", "DH"
  const char* name;           // the providers' name of the group: "P-256", "X25519", "ffdhe2048"
  const char* standard_name;  // SSL_group_to_name(3): "secp256r1", "x25519"

  [[nodiscard]] bool fits(bool datagram, int lowest, int highest) const {
    return (datagram ? dtls : tls).fit(lowest, highest);
  }
  [[nodiscard]] bool fits_tls13() const { return tls.fit(TLS1_3_VERSION, TLS1_3_VERSION); }
};

std::span<const Group> all_groups();
// Rows of the table, whether or not a provider has them; nullptr: not there.
const Group* find_group(uint16_t id);
const Group* find_group_by_nid(int nid);
// The curve of an EC key, or a key's named DH group; nullptr: none in the table.
const Group* find_group_of_key(const EVP_PKEY* key);

}  // namespace handfast
