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
  // The hash is known now: everything kept is hashed. `md` is borrowed and must outlive this. With
  // `keep` the messages themselves are kept too, until drop_messages().
  [[nodiscard]] bool start(const EVP_MD* md, bool keep = false);
  // All messages added so far, where they are kept: what CertificateVerify of TLS <= 1.2 signs
  // (RFC 5246 7.4.8).
  [[nodiscard]] View messages() const { return kept_.view(); }
  void drop_messages();
  void reset();  // empty again
  // Becomes a copy of the hash of `other`, which was started; without messages that it keeps.
  [[nodiscard]] bool copy_from(const Transcript& other);
  [[nodiscard]] bool started() const { return hash_.started(); }
  [[nodiscard]] const EVP_MD* md() const { return md_; }
  // RFC 8446 4.4.1: after a HelloRetryRequest, ClientHello1 becomes a message_hash message.
  // Call after start() and before the HelloRetryRequest is added.
  [[nodiscard]] bool replace_with_message_hash();
  // The same where ClientHello1 was seen by somebody else: instead of start(). Nothing was added.
  [[nodiscard]] bool start_with_message_hash(const EVP_MD* md, View client_hello_hash);
  // Hash of everything added so far; the transcript goes on.
  [[nodiscard]] bool hash(Digest& out) const;
  // Hash of everything added so far plus `partial`, for PSK binders (RFC 8446 4.2.11.2). `md` is
  // used when the hash was not started yet.
  [[nodiscard]] bool hash_with(const EVP_MD* md, View partial, Digest& out) const;

 private:
  Bytes kept_;
  bool keeps_ = true;  // messages are added to kept_
  Hash hash_;
  const EVP_MD* md_ = nullptr;
};

}  // namespace handfast
