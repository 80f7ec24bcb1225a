#include "config/cipher_order.h"

#include "crypto/cipher_class.h"

namespace handfast {

namespace {

bool matches(const CipherPattern& pattern, const CipherSuite& suite) {
  auto disjoint = [](uint32_t wanted, uint32_t has) { return wanted != 0 && (wanted & has) == 0; };
  return !disjoint(pattern.kx, suite.kx) && !disjoint(pattern.auth, suite.auth) &&
         !disjoint(pattern.enc, suite.enc) && !disjoint(pattern.mac, suite.mac) &&
         !disjoint(pattern.strength & kStrengthMask, suite.strength) &&
         !disjoint(pattern.strength & kNotDefault, suite.strength) &&
         (pattern.min_tls == 0 || pattern.min_tls == suite.min_tls);
}

bool available(const CipherSuite& suite, const CipherPattern& missing) {
  return (suite.kx & missing.kx) == 0 && (suite.auth & missing.auth) == 0 &&
         (suite.enc & missing.enc) == 0 && (suite.mac & missing.mac) == 0 && !is_signalling(suite);
}

}  // namespace

bool CipherOrder::fill(const CipherPattern& missing) {
  std::span<const CipherSuite> all = tls12_suites();
  if (!entries_.reserve(all.size()) || !moved_.reserve(all.size())) return false;
  // Of what is equal in everything else, the higher number is the newer suite.
  for (auto suite = all.rbegin(); suite != all.rend(); ++suite) {
    if (available(*suite, missing) && !entries_.push_back({&*suite, false})) return false;
  }
  prefer();
  return true;
}

// The default preference, from the least to the most important.
void CipherOrder::prefer() {
  constexpr uint32_t kEphemeral = kKxDhe | kKxEcdhe;
  constexpr uint32_t kGcm = kEncAes128Gcm | kEncAes256Gcm;
  constexpr uint32_t kOtherAes =
      kEncAes128 | kEncAes256 | kEncAes128Ccm | kEncAes256Ccm | kEncAes128Ccm8 | kEncAes256Ccm8;

  // ECDHE first, ECDSA before RSA; GCM, ChaCha20, other AES, everything else.
  apply(Step::add, {.kx = kKxEcdhe, .auth = kAuthEcdsa});
  apply(Step::add, {.kx = kKxEcdhe});
  apply(Step::remove, {.kx = kKxEcdhe});
  apply(Step::add, {.enc = kGcm});
  apply(Step::add, {.enc = kEncChacha20});
  apply(Step::add, {.enc = kOtherAes});
  apply(Step::add, {});
  apply(Step::move_last, {.mac = kMacMd5});
  apply(Step::move_last, {.auth = kAuthNull});
  apply(Step::move_last, {.kx = kKxRsa});
  apply(Step::move_last, {.kx = kKxPsk});
  sort_by_strength();
  // Newer and authenticated encryption, and forward secrecy, count for more than the key's length.
  apply(Step::move_first, {.min_tls = TLS1_2_VERSION});
  apply(Step::move_first, {.mac = kMacAead});
  apply(Step::move_first, {.kx = kEphemeral});
  apply(Step::move_first, {.kx = kEphemeral, .mac = kMacAead});
  apply(Step::remove, {});
}

template <typename Match>
void CipherOrder::apply_if(Step step, Match match) {
  auto concerned = [&](const Entry& entry) {
    if (!match(*entry.suite)) return false;
    return step == Step::kill || entry.enabled == (step != Step::add);
  };
  moved_.clear();
  size_t kept = 0;
  for (Entry& entry : entries_) {
    if (concerned(entry)) {
      // Cannot fail: fill() made room.
      (void)moved_.push_back({entry.suite, step != Step::remove});
    } else {
      entries_[kept++] = entry;
    }
  }
  while (entries_.size() > kept) entries_.erase(entries_.size() - 1);
  if (step == Step::kill) return;
  bool last = step == Step::add || step == Step::move_last;
  Array<Entry>& front = last ? entries_ : moved_;
  Array<Entry>& back = last ? moved_ : entries_;
  for (const Entry& entry : back) (void)front.push_back(entry);
  if (!last) entries_.swap(moved_);
}

void CipherOrder::apply(Step step, const CipherPattern& pattern, const CipherSuite* only) {
  apply_if(step, [&](const CipherSuite& suite) {
    return (only == nullptr || only == &suite) && matches(pattern, suite);
  });
}

void CipherOrder::sort_by_strength() {
  // Stable: each class in turn goes to the end, the strongest first.
  int bits = 0;
  for (const Entry& entry : entries_) {
    if (entry.enabled && entry.suite->strength_bits > bits) bits = entry.suite->strength_bits;
  }
  while (bits >= 0) {
    apply_if(Step::move_last,
             [bits](const CipherSuite& suite) { return suite.strength_bits == bits; });
    int next = -1;
    for (const Entry& entry : entries_) {
      int other = entry.suite->strength_bits;
      if (entry.enabled && other < bits && other > next) next = other;
    }
    bits = next;
  }
}

const CipherSuite* CipherOrder::find(std::string_view name) const {
  for (const Entry& entry : entries_) {
    if (name == entry.suite->name) return entry.suite;
  }
  return nullptr;
}

}  // namespace handfast
