// The keys of tickets that an SSL_CTX makes for itself. They change by themselves, so that a stolen
// key opens the tickets of a short time only (RFC 5077 section 5.5).
#pragma once

#include <atomic>
#include <cstdint>

#include "crypto/algorithms.h"
#include "crypto/secret.h"
#include "wire/bytes.h"

namespace handfast {

// As SSL_CTX_set_tlsext_ticket_keys(3) lays them out.
struct TicketKey {
  uint8_t name[16] = {};
  uint8_t hmac[32] = {};
  uint8_t aes[32] = {};
  ~TicketKey() { OPENSSL_cleanse(this, sizeof *this); }
  [[nodiscard]] View bytes() const {
    return {reinterpret_cast<const uint8_t*>(this), sizeof(TicketKey)};
  }
  [[nodiscard]] uint8_t* data() { return reinterpret_cast<uint8_t*>(this); }
};
static_assert(sizeof(TicketKey) == 80);

// A key seals for kPeriod and opens for the lifetime of its last ticket longer; then it is wiped.
// Each key comes from a seed that is hashed on and forgotten: processes that were forked have the
// same keys at the same time, and no key tells another. Usable by any number of threads, without
// a lock.
class TicketKeys {
 public:
  static constexpr long kPeriod = 12L * 60 * 60;           // seconds
  static constexpr long kMaxLifetime = 7L * 24 * 60 * 60;  // of a ticket: RFC 8446 4.6.1
  static constexpr size_t kCount = kMaxLifetime / kPeriod + 2;

  TicketKeys() = default;
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;
  ~TicketKeys();

  // Random keys; `now` in seconds since 1970, here and below. False: no randomness.
  [[nodiscard]] bool start(const Algorithms& algorithms, long now);
  // The key that seals now; changes it when it is time. `lifetime`: seconds that tickets are good
  // for.
  void seal_with(const Algorithms& algorithms, long now, long lifetime, TicketKey& out);
  // The key with that name; false: there is none, or it opens no more.
  [[nodiscard]] bool find(View name, long now, TicketKey& out) const;

  [[nodiscard]] bool is_current(const uint8_t* name) const;

  // The application has its own idea of the keys, or wants to share ours: they stay.
  void set(const TicketKey& key);
  void get(TicketKey& out);

 private:
  // Words, so that a thread that reads a key while it is wiped reads garbage and no more.
  struct Slot {
    std::atomic<uint64_t> words[sizeof(TicketKey) / 8] = {};
    std::atomic<long> until{0};  // opens up to then
    void write(const TicketKey& key);
    void read(TicketKey& key) const;
  };

  [[nodiscard]] bool next_key(const Algorithms& algorithms, TicketKey& out);
  void rotate(const Algorithms& algorithms, long now, long lifetime);

  Slot slots_[kCount];
  std::atomic<size_t> current_{0};
  std::atomic<long> due_{0};  // when the current key seals no more
  std::atomic<bool> fixed_{false}, rotating_{false};
  Secret seed_;  // touched by the thread that rotates only
};

}  // namespace handfast
