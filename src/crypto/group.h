// The table of named groups (RFC 8446 4.2.7, RFC 7919) and ephemeral key exchange in them.
#pragma once

#include <cstdint>
#include <span>

#include "crypto/algorithms.h"
#include "wire/bytes.h"
#include "wire/crypto_types.h"
#include "wire/verdict.h"

namespace handfast {

struct Group {
  enum class Kind : uint8_t { ecp, xdh, ffdhe };
  uint16_t id;  // NamedGroup on the wire
  int nid;
  Kind kind;
  bool tls13;  // allowed in TLS 1.3 (P-256/384/521, X25519, X448, ffdhe*)
  int security_bits;
  uint16_t share_length;      // bytes of key_exchange
  const char* name;           // libcrypto's group name: "P-256", "X25519", "ffdhe2048"
  const char* standard_name;  // name in SSL_get_negotiated_group's users: "secp256r1", "x25519"
};

std::span<const Group> all_groups();
const Group* find_group(uint16_t id);  // nullptr: not in the table
// Names as SSL_set1_groups_list(3) takes them: "P-256", "prime256v1", "secp256r1", "X25519", …
const Group* find_group_by_name(const char* name, size_t length);
const Group* find_group_by_nid(int nid);
// The curve of an EC key, or a key's named DH group; nullptr: none in the table.
const Group* find_group_of_key(const EVP_PKEY* key);
// The groups of a new SSL_CTX, in order of preference.
std::span<const uint16_t> default_groups();

// One ephemeral key pair.
class KeyShare {
 public:
  [[nodiscard]] const Group* group() const { return group_; }
  [[nodiscard]] Verdict generate(const Algorithms& algorithms, const Group& group);
  // The key_exchange bytes, empty before generate().
  [[nodiscard]] View public_bytes() const { return public_.view(); }
  // Agreement with the peer's key_exchange bytes. Wrong length, a point not on the curve, an
  // all-zero X25519 result: illegal_parameter (RFC 8446 4.2.8.1, 4.2.8.2, 7.4.2).
  [[nodiscard]] Verdict derive(const Algorithms& algorithms, View peer, Bytes& shared_secret);
  // The peer's key as libcrypto's object, after derive(); for SSL_get_peer_tmp_key.
  [[nodiscard]] EvpPkeyPtr take_peer_key() { return std::move(peer_key_); }
  // nullptr before generate().
  [[nodiscard]] EVP_PKEY* private_key() const { return key_.get(); }
  [[nodiscard]] EvpPkeyPtr take_private_key() { return std::move(key_); }

 private:
  friend struct KeyShareForTests;  // known answers need known private keys

  const Group* group_ = nullptr;
  EvpPkeyPtr key_;
  EvpPkeyPtr peer_key_;
  Bytes public_;
};

}  // namespace handfast
