#include "record/cbc_check.h"

#include <algorithm>
#include <cstring>

#include "record/constant_time.h"

namespace handfast {

namespace {

constexpr size_t kLongestPadding = 256;  // with its length byte

// All ones when the padding ends in its length and consists of it only. RFC 5246 6.2.3.2: "Each
// uint8 in the padding data vector MUST be filled with the padding length value."
size_t padding_is_good(View plaintext, size_t mac_size, size_t padding_length) {
  size_t good = constant_time::at_least(plaintext.size(), mac_size + 1 + padding_length);
  size_t wrong = 0;
  size_t examined = std::min(kLongestPadding, plaintext.size());
  for (size_t i = 0; i < examined; ++i) {
    size_t inside = constant_time::at_least(padding_length, i);
    wrong |= inside & (padding_length ^ plaintext[plaintext.size() - 1 - i]);
  }
  return good & constant_time::is_zero(wrong);
}

// The MAC that begins at `start`, a secret not below `earliest`: collected at a rotation, which is
// then undone in steps of powers of two.
void copy_mac(View plaintext, size_t earliest, size_t start, size_t mac_size, uint8_t* out) {
  uint8_t rotated[RecordMac::kMaxSize] = {};
  uint8_t turned[RecordMac::kMaxSize];
  size_t rotation = 0;
  size_t end = start + mac_size;
  for (size_t i = earliest, place = 0; i < plaintext.size(); ++i) {
    size_t inside = constant_time::at_least(i, start) & constant_time::less(i, end);
    rotated[place] |= static_cast<uint8_t>(inside & plaintext[i]);
    rotation |= constant_time::equal(i, start) & place;
    if (++place == mac_size) place = 0;
  }
  for (size_t step = 1; step < mac_size; step <<= 1) {
    size_t turns = ~constant_time::is_zero(rotation & step);
    for (size_t i = 0, from = step; i < mac_size; ++i) {
      turned[i] = constant_time::select8(turns, rotated[from], rotated[i]);
      if (++from == mac_size) from = 0;
    }
    std::memcpy(rotated, turned, mac_size);
  }
  std::memcpy(out, rotated, mac_size);
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
