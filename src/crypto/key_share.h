// Ephemeral key exchange in a group.
#pragma once

#include "crypto/algorithms.h"
#include "crypto/group.h"
#include "wire/bytes.h"
#include "wire/crypto_types.h"
#include "wire/verdict.h"

namespace handfast {

// Our half of one exchange: an ephemeral key pair, or what answers a peer's KEM key.
class KeyShare {
 public:
  [[nodiscard]] const Group* group() const { return group_; }
  // The group must outlive this object.
  [[nodiscard]] Verdict generate(const Algorithms& algorithms, const Group& group);
  // The key_exchange bytes, empty before generate() or respond().
  [[nodiscard]] View public_bytes() const { return public_.view(); }
  // Agreement with the peer's key_exchange bytes. Wrong length, a point not on the curve, an
  // all-zero X25519 result: illegal_parameter (RFC 8446 4.2.8.1, 4.2.8.2, 7.4.2).
  [[nodiscard]] Verdict derive(const Algorithms& algorithms, View peer, Bytes& shared_secret);
  // Both at once, for the side that has the peer's bytes already.
  [[nodiscard]] Verdict respond(const Algorithms& algorithms, const Group& group, View peer,
                                Bytes& shared_secret);
  // The peer's key as libcrypto's object, after derive(); for SSL_get_peer_tmp_key. nullptr where
  // the peer has answered to a KEM key.
  [[nodiscard]] EvpPkeyPtr take_peer_key() { return std::move(peer_key_); }
  // nullptr before generate().
  [[nodiscard]] EVP_PKEY* private_key() const { return key_.get(); }
  [[nodiscard]] EvpPkeyPtr take_private_key() { return std::move(key_); }

 private:
  friend struct KeyShareForTests;  // known answers need known private keys

  [[nodiscard]] Verdict encapsulate(const Algorithms& algorithms, View peer, Bytes& shared_secret);
  [[nodiscard]] Verdict decapsulate(const Algorithms& algorithms, View peer, Bytes& shared_secret);

  const Group* group_ = nullptr;
  EvpPkeyPtr key_;
  EvpPkeyPtr peer_key_;
  Bytes public_;
};

}  // namespace handfast
