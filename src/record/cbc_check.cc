#include "record/cbc_check.h"

#include <algorithm>
#include <cstring>

#include "record/constant_time.h"

namespace handfast {

namespace {

using constant_time::fill;
using constant_time::kLane;
using constant_time::Lane;
using constant_time::load;

constexpr size_t kLongestPadding = 256;  // with its length byte

// All ones when the padding ends in its length and consists of it only. RFC 5246 6.2.3.2: "Each
// uint8 in the padding data vector MUST be filled with the padding length value."
size_t padding_is_good(View plaintext, size_t mac_size, size_t padding_length) {
  size_t good = constant_time::at_least(plaintext.size(), mac_size + 1 + padding_length);
  uint8_t tail[kLongestPadding] = {};
  size_t examined = std::min(sizeof tail, plaintext.size());
  std::memcpy(tail + sizeof tail - examined, plaintext.last(examined).data(), examined);
  Lane wrong = {};
  for (size_t i = 0; i < sizeof tail; i += kLane) {
    Lane from_end = fill(sizeof tail - 1 - i) - constant_time::count();
    Lane inside = reinterpret_cast<Lane>(from_end <= fill(padding_length));
    wrong |= inside & (load(tail + i) ^ fill(padding_length));
  }
  uint64_t halves[2];
  std::memcpy(halves, &wrong, sizeof halves);
  return good & constant_time::is_zero(halves[0] | halves[1]);
}

// The MAC that begins at `start`, a secret from `earliest` to `earliest` + 255: what may hold it is
// moved forward in steps of powers of two.
void copy_mac(View plaintext, size_t earliest, size_t start, size_t mac_size, uint8_t* out) {
  uint8_t window[kLongestPadding + RecordMac::kMaxSize + kLane] = {};
  std::memcpy(window, plaintext.data() + earliest, plaintext.size() - earliest);
  size_t distance = start - earliest;
  for (size_t step = kLongestPadding / 2; step > 0; step /= 2) {
    Lane moved = fill(~constant_time::is_zero(distance & step));
    for (size_t i = 0; i < step - 1 + mac_size; i += kLane) {
      Lane stays = load(window + i);
      constant_time::store(window + i, stays ^ (moved & (stays ^ load(window + i + step))));
    }
  }
  std::memcpy(out, window, mac_size);
}

}  // namespace

bool check_cbc(const RecordMac& mac, PseudoHeader header, View plaintext, CbcCheck& out) {
  size_t mac_size = mac.size();
  size_t padding_length = plaintext.back();
  size_t padding_good = padding_is_good(plaintext, mac_size, padding_length);
  // RFC 5246 6.2.3.2: bad padding is computed on as if there were none.
  size_t longest = plaintext.size() - mac_size - 1;
  size_t length = longest - (padding_good & padding_length);
  size_t shortest = longest - std::min(longest, kLongestPadding - 1);

  uint8_t expected[RecordMac::kMaxSize];
  uint8_t received[RecordMac::kMaxSize];
  header.set_length(length);
  if (!mac.compute_secret_length(header, plaintext.first(longest), shortest, length, expected)) {
    return false;
  }
  copy_mac(plaintext, shortest, length, mac_size, received);
  size_t wrong = 0;
  for (size_t i = 0; i < mac_size; ++i) wrong |= static_cast<size_t>(expected[i] ^ received[i]);
  out.good = padding_good & constant_time::is_zero(wrong);
  out.length = length;
  return true;
}

}  // namespace handfast
