// The transcript hash of RFC 8446 section 4.4.1.
#pragma once

#include "crypto/hash.h"
#include "crypto/secret.h"
#include "wire/bytes.h"

namespace handfast {

class Transcript {
 public:
  // A whole handshake message with its header. Kept as bytes until start().
  [[nodiscard]] bool add(View message);
  // The hash is known now: everything kept is hashed. `md` is borrowed and must outlive this.
  [[nodiscard]] bool start(const EVP_MD* md);
  [[nodiscard]] bool started() const { return hash_.started(); }
  [[nodiscard]] const EVP_MD* md() const { return md_; }
  // RFC 8446 4.4.1: after a HelloRetryRequest, ClientHello1 becomes a message_hash message.
  // Call after start() and before the HelloRetryRequest is added.
  [[nodiscard]] bool replace_with_message_hash();
  // Hash of everything added so far; the transcript goes on.
  [[nodiscard]] bool hash(Digest& out) const;
  // Hash of everything added so far plus `partial`, for PSK binders (RFC 8446 4.2.11.2). `md` is
  // used when the hash was not started yet.
  [[nodiscard]] bool hash_with(const EVP_MD* md, View partial, Digest& out) const;

 private:
  Bytes kept_;
  Hash hash_;
  const EVP_MD* md_ = nullptr;
};

}  // namespace handfast
