#include "crypto/transcript.h"

#include <openssl/ssl3.h>

namespace handfast {

namespace {

bool finish(Hash& hash, Digest& out) {
  out.size = static_cast<uint8_t>(hash.size());
  return hash.finish(out.data);
}

}  // namespace

bool Transcript::add(View message) {
  if (keeps_ && !kept_.append(message)) return false;
  return !hash_.started() || hash_.update(message);
}

bool Transcript::start(const EVP_MD* md, bool keep) {
  md_ = md;
  if (!hash_.start(md) || !hash_.update(kept_.view())) return false;
  if (!keep) drop_messages();
  return true;
}

void Transcript::reset() {
  kept_.clear();
  keeps_ = true;
  hash_.reset();
}

bool Transcript::copy_from(const Transcript& other) {
  drop_messages();
  md_ = other.md_;
  return hash_.copy_from(other.hash_);
}

void Transcript::drop_messages() {
  keeps_ = false;
  kept_.release();
}

bool Transcript::replace_with_message_hash() {
  Digest digest;
  return hash(digest) && start_with_message_hash(md_, digest.view());
}

bool Transcript::start_with_message_hash(const EVP_MD* md, View client_hello_hash) {
  const uint8_t header[4] = {SSL3_MT_MESSAGE_HASH, 0, 0,
                             static_cast<uint8_t>(client_hello_hash.size())};
  md_ = md;
  drop_messages();
  return hash_.start(md) && hash_.update(header) && hash_.update(client_hello_hash);
}

bool Transcript::hash(Digest& out) const {
  Hash copy;
  return copy.copy_from(hash_) && finish(copy, out);
}

bool Transcript::hash_with(const EVP_MD* md, View partial, Digest& out) const {
  Hash copy;
  if (started()) {
    if (!copy.copy_from(hash_)) return false;
  } else if (!copy.start(md) || !copy.update(kept_.view())) {
    return false;
  }
  return copy.update(partial) && finish(copy, out);
}

}  // namespace handfast
