#include "record/record_mac.h"

#include <openssl/provider.h>

#include <algorithm>
#include <cstring>

#include "record/constant_time.h"

namespace handfast {

namespace {

using constant_time::fill;
using constant_time::kLane;
using constant_time::Lane;

// What one hash looks like to the code below. `kLengthBytes`: the message length at the end of the
// last block; words() tells the state, which after that block is the result.
struct Md5 {
  using Word = MD5_LONG;
  using State = MD5_CTX;
  static constexpr size_t kBlock = MD5_CBLOCK, kSize = MD5_DIGEST_LENGTH, kLengthBytes = 8;
  static constexpr bool kBigEndian = false;
  static void init(State* state) { MD5_Init(state); }
  static void update(State* state, View data) { MD5_Update(state, data.data(), data.size()); }
  static void finish(State* state, uint8_t* out) { MD5_Final(out, state); }
  static void transform(State* state, const uint8_t* block) { MD5_Transform(state, block); }
  static void words(const State& state, Word* out) {
    out[0] = state.A, out[1] = state.B, out[2] = state.C, out[3] = state.D;
  }
};

struct Sha1 {
  using Word = SHA_LONG;
  using State = SHA_CTX;
  static constexpr size_t kBlock = SHA_CBLOCK, kSize = SHA_DIGEST_LENGTH, kLengthBytes = 8;
  static constexpr bool kBigEndian = true;
  static void init(State* state) { SHA1_Init(state); }
  static void update(State* state, View data) { SHA1_Update(state, data.data(), data.size()); }
  static void finish(State* state, uint8_t* out) { SHA1_Final(out, state); }
  static void transform(State* state, const uint8_t* block) { SHA1_Transform(state, block); }
  static void words(const State& state, Word* out) {
    out[0] = state.h0, out[1] = state.h1, out[2] = state.h2, out[3] = state.h3, out[4] = state.h4;
  }
};

struct Sha256 {
  using Word = SHA_LONG;
  using State = SHA256_CTX;
  static constexpr size_t kBlock = SHA256_CBLOCK, kSize = SHA256_DIGEST_LENGTH, kLengthBytes = 8;
  static constexpr bool kBigEndian = true;
  static void init(State* state) { SHA256_Init(state); }
  static void update(State* state, View data) { SHA256_Update(state, data.data(), data.size()); }
  static void finish(State* state, uint8_t* out) { SHA256_Final(out, state); }
  static void transform(State* state, const uint8_t* block) { SHA256_Transform(state, block); }
  static void words(const State& state, Word* out) { std::memcpy(out, state.h, kSize); }
};

struct Sha384 {
  using Word = SHA_LONG64;
  using State = SHA512_CTX;
  static constexpr size_t kBlock = SHA512_CBLOCK, kSize = SHA384_DIGEST_LENGTH, kLengthBytes = 16;
  static constexpr bool kBigEndian = true;
  static void init(State* state) { SHA384_Init(state); }
  static void update(State* state, View data) { SHA384_Update(state, data.data(), data.size()); }
  static void finish(State* state, uint8_t* out) { SHA384_Final(out, state); }
  static void transform(State* state, const uint8_t* block) { SHA512_Transform(state, block); }
  static void words(const State& state, Word* out) { std::memcpy(out, state.h, kSize); }
};

template <typename H>
void absorb_key(View key, typename H::State* inner, typename H::State* outer) {
  uint8_t pad[H::kBlock] = {};
  H::init(inner);
  H::init(outer);
  if (key.size() > H::kBlock) {
    typename H::State state;
    H::init(&state);
    H::update(&state, key);
    H::finish(&state, pad);
  } else if (!key.empty()) {
    std::memcpy(pad, key.data(), key.size());
  }
  for (uint8_t& byte : pad) byte ^= 0x36;
  H::update(inner, pad);
  for (uint8_t& byte : pad) byte ^= 0x36 ^ 0x5c;
  H::update(outer, pad);
  OPENSSL_cleanse(pad, sizeof pad);
}

template <typename H>
void finish_outer(typename H::State outer, const uint8_t* inner_hash, uint8_t* out) {
  H::update(&outer, {inner_hash, H::kSize});
  H::finish(&outer, out);
}

template <typename H>
void hmac(typename H::State inner, const typename H::State& outer, const PseudoHeader& header,
          View content, uint8_t* out) {
  uint8_t inner_hash[H::kSize];
  H::update(&inner, header.view());
  if (!content.empty()) H::update(&inner, content);
  H::finish(&inner, inner_hash);
  finish_outer<H>(outer, inner_hash, out);
}

// The result of a hash from the words of its state.
template <typename H>
void write_hash(const typename H::Word* words, uint8_t* out) {
  constexpr size_t kWord = sizeof(typename H::Word);
  for (size_t i = 0; i < H::kSize; ++i) {
    size_t place = H::kBigEndian ? kWord - 1 - i % kWord : i % kWord;
    out[i] = static_cast<uint8_t>(words[i / kWord] >> (8 * place));
  }
}

// header || content, of which `length` bytes are hashed: a secret.
struct SecretMessage {
  const PseudoHeader& header;
  View content;
  size_t length;

  // `count` bytes from `position`, zeros behind the end; `position` is 0 or behind the header.
  void copy(size_t position, size_t count, uint8_t* out) const {
    size_t copied = 0;
    if (position == 0) {
      std::memcpy(out, header.bytes, kPseudoHeaderLength);
      copied = kPseudoHeaderLength;
    }
    View rest = content.subspan(std::min(position + copied - kPseudoHeaderLength, content.size()));
    size_t available = std::min(rest.size(), count - copied);
    if (available > 0) std::memcpy(out + copied, rest.data(), available);
    std::memset(out + copied + available, 0, count - copied - available);
  }
};

// Block `index` of the padded message. `last`: all ones when it is the final one.
template <typename H>
void padded_block(const SecretMessage& message, size_t index, size_t last, uint8_t* block) {
  size_t start = index * H::kBlock;
  message.copy(start, H::kBlock, block);
  // Where in this block the message ends and 0x80 stands, if it does.
  size_t end = message.length - start;
  size_t begun = constant_time::at_least(message.length, start);
  size_t full = begun & constant_time::at_least(end, H::kBlock);
  size_t ends = begun & ~full;
  Lane whole = fill(full);
  Lane in_part = fill(ends);
  for (size_t i = 0; i < H::kBlock; i += kLane) {
    Lane place = fill(i) + constant_time::count();
    Lane before = reinterpret_cast<Lane>(place < fill(end));
    Lane at = reinterpret_cast<Lane>(place == fill(end));
    Lane kept = constant_time::load(block + i) & (whole | (in_part & before));
    constant_time::store(block + i, kept | (in_part & at & fill(0x80)));
  }
  // The key took one block.
  size_t bits = 8 * (H::kBlock + message.length);
  for (size_t place = 0; place < sizeof bits; ++place) {
    size_t i = H::kBigEndian ? H::kBlock - 1 - place : H::kBlock - H::kLengthBytes + place;
    block[i] |= static_cast<uint8_t>(last & (bits >> (8 * place)));
  }
}

template <typename H>
void hmac_secret_length(typename H::State inner, const typename H::State& outer,
                        const SecretMessage& message, size_t shortest, uint8_t* out) {
  uint8_t block[H::kBlock];
  // Blocks that belong to the message whatever its length.
  size_t index = shortest / H::kBlock;
  if (index > 0) {
    H::update(&inner, message.header.view());
    H::update(&inner, message.content.first(index * H::kBlock - kPseudoHeaderLength));
  }
  // kBlock is a constant power of two: the division is a shift.
  size_t final_block = (message.length + H::kLengthBytes) / H::kBlock;
  size_t longest = kPseudoHeaderLength + message.content.size();
  size_t end = (longest + H::kLengthBytes) / H::kBlock;
  constexpr size_t kWords = H::kSize / sizeof(typename H::Word);
  typename H::Word result[kWords] = {};
  typename H::Word state[kWords];
  for (; index <= end; ++index) {
    size_t last = constant_time::equal(index, final_block);
    padded_block<H>(message, index, last, block);
    H::transform(&inner, block);
    H::words(inner, state);
    for (size_t i = 0; i < kWords; ++i) result[i] |= static_cast<typename H::Word>(last) & state[i];
  }
  uint8_t inner_hash[H::kSize];
  write_hash<H>(result, inner_hash);
  finish_outer<H>(outer, inner_hash, out);
}

bool is_default_provider(const EVP_MD* md) {
  const OSSL_PROVIDER* provider = EVP_MD_get0_provider(md);
  return provider != nullptr && std::strcmp(OSSL_PROVIDER_get0_name(provider), "default") == 0;
}

}  // namespace

PseudoHeader::PseudoHeader(uint64_t sequence, View header, size_t length) {
  for (size_t i = 0; i < sizeof sequence; ++i) {
    bytes[i] = static_cast<uint8_t>(sequence >> (8 * (sizeof sequence - 1 - i)));
  }
  std::memcpy(bytes + sizeof sequence, header.data(), 3);
  set_length(length);
}

void RecordMac::wipe() {
  OPENSSL_cleanse(&inner_, sizeof inner_);
  OPENSSL_cleanse(&outer_, sizeof outer_);
}

bool RecordMac::start(const EVP_MD* md, View key) {
  path_ = Path::generic;
  size_ = static_cast<uint8_t>(EVP_MD_get_size(md));
  if (is_default_provider(md)) {
    switch (EVP_MD_get_type(md)) {
      case NID_md5:
        path_ = Path::md5;
        absorb_key<Md5>(key, &inner_.md5, &outer_.md5);
        return true;
      case NID_sha1:
        path_ = Path::sha1;
        absorb_key<Sha1>(key, &inner_.sha1, &outer_.sha1);
        return true;
      case NID_sha256:
        path_ = Path::sha256;
        absorb_key<Sha256>(key, &inner_.sha256, &outer_.sha256);
        return true;
      case NID_sha384:
        path_ = Path::sha384;
        absorb_key<Sha384>(key, &inner_.sha384, &outer_.sha384);
        return true;
      default:
        break;
    }
  }
  return generic_.start(md, key);
}

bool RecordMac::compute(const PseudoHeader& header, View content, uint8_t* out) const {
  switch (path_) {
    case Path::md5:
      hmac<Md5>(inner_.md5, outer_.md5, header, content, out);
      return true;
    case Path::sha1:
      hmac<Sha1>(inner_.sha1, outer_.sha1, header, content, out);
      return true;
    case Path::sha256:
      hmac<Sha256>(inner_.sha256, outer_.sha256, header, content, out);
      return true;
    case Path::sha384:
      hmac<Sha384>(inner_.sha384, outer_.sha384, header, content, out);
      return true;
    case Path::generic:
      return generic_.compute({header.view(), content}, out);
    case Path::none:
      break;
  }
  return false;
}

bool RecordMac::compute_secret_length(const PseudoHeader& header, View content, size_t shortest,
                                      size_t length, uint8_t* out) const {
  SecretMessage message{header, content, kPseudoHeaderLength + length};
  size_t certain = kPseudoHeaderLength + shortest;
  switch (path_) {
    case Path::md5:
      hmac_secret_length<Md5>(inner_.md5, outer_.md5, message, certain, out);
      return true;
    case Path::sha1:
      hmac_secret_length<Sha1>(inner_.sha1, outer_.sha1, message, certain, out);
      return true;
    case Path::sha256:
      hmac_secret_length<Sha256>(inner_.sha256, outer_.sha256, message, certain, out);
      return true;
    case Path::sha384:
      hmac_secret_length<Sha384>(inner_.sha384, outer_.sha384, message, certain, out);
      return true;
    case Path::generic: {
      uint8_t unused[kMaxSize];
      return generic_.compute({header.view(), content.first(length)}, out) &&
             generic_.compute({content.subspan(length)}, unused);
    }
    case Path::none:
      break;
  }
  return false;
}

}  // namespace handfast
