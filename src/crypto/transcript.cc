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
  if (!hash(digest) || !hash_.start(md_)) return false;
  const uint8_t header[4] = {SSL3_MT_MESSAGE_HASH, 0, 0, digest.size};
  return hash_.update(header) && hash_.update(digest.view());
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
