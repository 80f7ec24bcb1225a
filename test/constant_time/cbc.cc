// Runs the check of padding and MAC under valgrind with the decrypted bytes declared undefined:
// memcheck then reports every branch and every address that depends on them.
//
//   cbc            the check of the record layer: no report is expected
//   cbc branch     a branch on the padding, to see that memcheck reports it
//   cbc index      an address from the padding
//   cbc length     an HMAC of as many bytes as the padding leaves, which is Lucky 13
//
// Status 0 when the answers were right; memcheck adds its own.
#include <openssl/hmac.h>
#include <valgrind/memcheck.h>

#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

#include "crypto/algorithms.h"
#include "record/cbc_check.h"

using namespace handfast;

namespace {

using Octets = std::vector<uint8_t>;

const uint8_t kHeader[] = {23, 3, 3, 0, 0};
const uint8_t kKey[48] = {1, 2, 3};

// Keeps a value that would not be computed otherwise.
volatile size_t sink;

// content || MAC || padding; `wrong` changes the byte at that place from the end.
Octets plaintext_of(const EVP_MD* md, size_t length, size_t padding, size_t wrong) {
  Octets out(length);
  for (size_t i = 0; i < length; ++i) out[i] = static_cast<uint8_t>(i * 37);
  PseudoHeader pseudo(9, kHeader, length);
  Octets message(pseudo.bytes, pseudo.bytes + sizeof pseudo.bytes);
  message.insert(message.end(), out.begin(), out.end());
  uint8_t mac[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(md, kKey, EVP_MD_get_size(md), message.data(), message.size(), mac, &size);
  out.insert(out.end(), mac, mac + size);
  out.insert(out.end(), padding + 1, static_cast<uint8_t>(padding));
  if (wrong < out.size()) out[out.size() - 1 - wrong] ^= 0x11;
  return out;
}

bool check(const EVP_MD* md, Octets plaintext, bool expected) {
  RecordMac mac;
  if (!mac.start(md, {kKey, static_cast<size_t>(EVP_MD_get_size(md))})) return false;
  CbcCheck result;
  VALGRIND_MAKE_MEM_UNDEFINED(plaintext.data(), plaintext.size());
  bool ran = check_cbc(mac, PseudoHeader(9, kHeader, 0), plaintext, result);
  // From here on the record layer acts upon the answer.
  VALGRIND_MAKE_MEM_DEFINED(&ran, sizeof ran);
  VALGRIND_MAKE_MEM_DEFINED(&result, sizeof result);
  return ran && (result.good != 0) == expected;
}

int check_all() {
  Algorithms algorithms;
  if (!algorithms.fetch(nullptr, nullptr)) return 1;
  constexpr size_t kNowhere = SIZE_MAX;
  int checked = 0;
  for (HashId id : {HashId::md5, HashId::sha1, HashId::sha256, HashId::sha384}) {
    const EVP_MD* md = algorithms.hash(id);
    size_t size = static_cast<size_t>(EVP_MD_get_size(md));
    for (size_t length : {0, 1, 51, 200, 1024}) {
      for (size_t padding : {0, 1, 15, 16, 100, 254, 255}) {
        for (size_t wrong : {kNowhere, size_t{0}, padding / 2 + 1, padding + 1, padding + size}) {
          // A byte at or before `padding` is padding, the next ones are the MAC's.
          if (!check(md, plaintext_of(md, length, padding, wrong), wrong == kNowhere)) {
            std::fprintf(stderr, "wrong answer: %zu bytes, padding %zu, changed at %zu\n", length,
                         padding, wrong);
            return 1;
          }
          ++checked;
        }
      }
    }
  }
  std::printf("%d records checked%s\n", checked, RUNNING_ON_VALGRIND ? " under valgrind" : "");
  return 0;
}

int leak(std::string_view how) {
  Octets plaintext = plaintext_of(EVP_sha1(), 100, 15, SIZE_MAX);
  VALGRIND_MAKE_MEM_UNDEFINED(plaintext.data(), plaintext.size());
  size_t padding = plaintext.back();
  if (how == "branch") {
    if (padding == 15) sink = 1;
  } else if (how == "index") {
    sink = plaintext[padding];
  } else if (how == "length") {
    RecordMac mac;
    uint8_t out[RecordMac::kMaxSize];
    if (!mac.start(EVP_sha1(), {kKey, 20})) return 1;
    View content(plaintext);
    if (!mac.compute(PseudoHeader(9, kHeader, 0), content.first(115 - padding), out)) return 1;
    sink = out[0];
  } else {
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return argc > 1 ? leak(argv[1]) : check_all();
}
