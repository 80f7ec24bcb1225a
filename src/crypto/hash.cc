#include "crypto/hash.h"

#include <openssl/provider.h>

#include <cstring>

namespace handfast {

namespace {

constexpr size_t kMaxBlock = 144;  // SHA3-224's, the longest of libcrypto

// An ENGINE's digest has no provider, and a provider of another name computes its own way.
bool is_default_provider(const EVP_MD* md) {
  const OSSL_PROVIDER* provider = EVP_MD_get0_provider(md);
  return provider != nullptr && std::strcmp(OSSL_PROVIDER_get0_name(provider), "default") == 0;
}

}  // namespace

bool Hash::start(const EVP_MD* md) {
  path_ = Path::generic;
  int nid = EVP_MD_get_type(md);
  if ((nid == NID_sha256 || nid == NID_sha384) && is_default_provider(md)) {
    path_ = nid == NID_sha256 ? Path::sha256 : Path::sha384;
  }
  switch (path_) {
    case Path::sha256:
      size_ = SHA256_DIGEST_LENGTH;
      block_size_ = SHA256_CBLOCK;
      return SHA256_Init(&state_.sha256) == 1;
    case Path::sha384:
      size_ = SHA384_DIGEST_LENGTH;
      block_size_ = SHA512_CBLOCK;
      return SHA384_Init(&state_.sha384) == 1;
    default:
      break;
  }
  size_ = static_cast<uint8_t>(EVP_MD_get_size(md));
  block_size_ = static_cast<uint8_t>(EVP_MD_get_block_size(md));
  if (context_ == nullptr) context_.reset(EVP_MD_CTX_new());
  if (context_ != nullptr && EVP_DigestInit_ex(context_.get(), md, nullptr) == 1) return true;
  path_ = Path::none;
  return false;
}

void Hash::reset() {
  OPENSSL_cleanse(&state_, state_size());
  path_ = Path::none;
}

bool Hash::update(View data) {
  switch (path_) {
    case Path::sha256:
      return SHA256_Update(&state_.sha256, data.data(), data.size()) == 1;
    case Path::sha384:
      return SHA384_Update(&state_.sha384, data.data(), data.size()) == 1;
    case Path::generic:
      return EVP_DigestUpdate(context_.get(), data.data(), data.size()) == 1;
    case Path::none:
      break;
  }
  return false;
}

bool Hash::finish(uint8_t* out) {
  switch (path_) {
    case Path::sha256:
      return SHA256_Final(out, &state_.sha256) == 1;
    case Path::sha384:
      return SHA384_Final(out, &state_.sha384) == 1;
    case Path::generic:
      return EVP_DigestFinal_ex(context_.get(), out, nullptr) == 1;
    case Path::none:
      break;
  }
  return false;
}

bool Hash::copy_from(const Hash& other) {
  path_ = other.path_;
  size_ = other.size_;
  block_size_ = other.block_size_;
  switch (path_) {
    case Path::sha256:
      state_.sha256 = other.state_.sha256;
      return true;
    case Path::sha384:
      state_.sha384 = other.state_.sha384;
      return true;
    case Path::generic:
      if (context_ == nullptr) context_.reset(EVP_MD_CTX_new());
      if (context_ != nullptr && EVP_MD_CTX_copy_ex(context_.get(), other.context_.get()) == 1) {
        return true;
      }
      break;
    case Path::none:
      break;
  }
  path_ = Path::none;
  return false;
}

bool Hmac::start(const EVP_MD* md, View key) {
  if (!inner_.start(md) || !outer_.start(md)) return false;
  size_t block = inner_.block_size();
  uint8_t pad[kMaxBlock] = {};
  if (block > sizeof pad) return false;
  bool ok = true;
  if (key.size() > block) {
    ok = inner_.update(key) && inner_.finish(pad) && inner_.start(md);
  } else if (!key.empty()) {
    std::memcpy(pad, key.data(), key.size());
  }
  for (uint8_t& byte : pad) byte ^= 0x36;
  ok = ok && inner_.update({pad, block});
  for (uint8_t& byte : pad) byte ^= 0x36 ^ 0x5c;
  ok = ok && outer_.update({pad, block});
  OPENSSL_cleanse(pad, sizeof pad);
  return ok;
}

bool Hmac::compute(std::initializer_list<View> parts, uint8_t* out) const {
  Hash hash;
  if (!hash.copy_from(inner_)) return false;
  for (View part : parts) {
    if (!hash.update(part)) return false;
  }
  uint8_t inner[EVP_MAX_MD_SIZE];
  bool ok = hash.finish(inner) && hash.copy_from(outer_) && hash.update({inner, size()}) &&
            hash.finish(out);
  OPENSSL_cleanse(inner, sizeof inner);
  return ok;
}

}  // namespace handfast
