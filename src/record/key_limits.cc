#include "record/key_limits.h"

namespace handfast {

namespace {

// RFC 8446 5.5: "For AES-GCM, up to 2^24.5 full-size records".
constexpr uint64_t kRecordsGcm = uint64_t{1} << 24;
// RFC 9001 B.2: at the same margin of 2^-57, and with records of 2^10 blocks, 2^23.5.
constexpr uint64_t kRecordsCcm = uint64_t{1} << 23;
// libssl has never renewed keys by itself, and a peer that only writes does not hear that it
// should: one that goes on has 2^8 times as much, where the margin is 2^-42.
constexpr unsigned kPatience = 8;

KeyLimits with_patience(uint64_t records) {
  return {records, records << kPatience};
}

}  // namespace

KeyLimits key_limits(const CipherSuite& suite) {
  switch (suite.cipher) {
    case CipherId::aes128_gcm:
    case CipherId::aes256_gcm:
      return with_patience(kRecordsGcm);
    case CipherId::aes128_ccm:
    case CipherId::aes128_ccm8:
      return with_patience(kRecordsCcm);
    default:
      // RFC 8446 5.5: with ChaCha20-Poly1305 the sequence number, which must not wrap, ends first.
      return {uint64_t{1} << 63, UINT64_MAX};
  }
}

}  // namespace handfast
