#include "session/ticket_keys.h"

#include <algorithm>
#include <climits>
#include <cstring>

#include "crypto/hash.h"

namespace handfast {
namespace {

constexpr size_t kWord = sizeof(uint64_t);

bool derive(const EVP_MD* md, View seed, std::string_view label, uint8_t* out) {
  Hmac hmac;
  return hmac.start(md, seed) && hmac.compute({as_view(label)}, out);
}

}  // namespace

void TicketKeys::Slot::write(const TicketKey& key) {
  for (size_t i = 0; i < std::size(words); ++i) {
    uint64_t word = 0;
    std::memcpy(&word, key.bytes().data() + i * kWord, kWord);
    words[i].store(word, std::memory_order_relaxed);
  }
}

void TicketKeys::Slot::read(TicketKey& key) const {
  for (size_t i = 0; i < std::size(words); ++i) {
    uint64_t word = words[i].load(std::memory_order_relaxed);
    std::memcpy(key.data() + i * kWord, &word, kWord);
  }
}

TicketKeys::~TicketKeys() {
  for (Slot& slot : slots_) slot.write(TicketKey());
}

bool TicketKeys::start(const Algorithms& algorithms, long now) {
  TicketKey key;
  bool random = algorithms.random(key.name) && algorithms.random_private(key.hmac) &&
                algorithms.random_private(key.aes) && algorithms.random_private(seed_.storage(32));
  slots_[0].write(key);
  slots_[0].until = LONG_MAX;
  due_ = now + kPeriod;
  return random;
}

bool TicketKeys::next_key(const Algorithms& algorithms, TicketKey& out) {
  static_assert(sizeof out.hmac == 32 && sizeof out.aes == 32, "SHA-256");
  const EVP_MD* md = algorithms.hash(HashId::sha256);
  uint8_t name[32];
  Secret next;
  if (md == nullptr || !derive(md, seed_.view(), "name", name) ||
      !derive(md, seed_.view(), "hmac", out.hmac) || !derive(md, seed_.view(), "aes", out.aes) ||
      !derive(md, seed_.view(), "next", next.storage(32).data())) {
    return false;
  }
  std::memcpy(out.name, name, sizeof out.name);
  seed_ = next;
  return true;
}

// Whoever was away for long goes through every period, to have what forked processes have.
void TicketKeys::rotate(const Algorithms& algorithms, long now, long lifetime) {
  for (long due = due_; due <= now; due += kPeriod) {
    TicketKey key;
    if (!next_key(algorithms, key)) return;
    size_t before = current_;
    size_t next = (before + 1) % kCount;
    slots_[before].until = due + std::clamp<long>(lifetime, 0, kMaxLifetime);
    slots_[next].write(key);
    slots_[next].until = LONG_MAX;
    current_ = next;
    due_ = due + kPeriod;
  }
  for (Slot& slot : slots_) {
    if (slot.until < now) slot.write(TicketKey());
  }
}

void TicketKeys::seal_with(const Algorithms& algorithms, long now, long lifetime, TicketKey& out) {
  if (now >= due_ && !fixed_ && !rotating_.exchange(true)) {
    rotate(algorithms, now, lifetime);
    rotating_ = false;
  }
  slots_[current_].read(out);
}

bool TicketKeys::find(View name, long now, TicketKey& out) const {
  for (const Slot& slot : slots_) {
    if (slot.until < now) continue;
    slot.read(out);
    if (equal(name, out.name)) return true;
  }
  return false;
}

bool TicketKeys::is_current(const uint8_t* name) const {
  TicketKey key;
  slots_[current_].read(key);
  return std::memcmp(name, key.name, sizeof key.name) == 0;
}

void TicketKeys::set(const TicketKey& key) {
  fixed_ = true;
  for (Slot& slot : slots_) slot.until = 0;
  slots_[current_].write(key);
  slots_[current_].until = LONG_MAX;
}

void TicketKeys::get(TicketKey& out) {
  fixed_ = true;
  slots_[current_].read(out);
}

}  // namespace handfast
