// Protection of one direction's records: none, or TLS 1.3 AEAD (RFC 8446 section 5.2).
#pragma once

#include <cstdint>

#include "crypto/algorithms.h"
#include "crypto/cipher_suite.h"
#include "crypto/key_schedule.h"
#include "wire/bytes.h"
#include "wire/verdict.h"

namespace handfast {

enum class ContentType : uint8_t {
  change_cipher_spec = 20,
  alert = 21,
  handshake = 22,
  application_data = 23,
};

constexpr size_t kRecordHeaderLength = 5;
constexpr size_t kMaxPlaintextLength = 16384;           // RFC 8446 5.1
constexpr size_t kMaxCiphertextLength13 = 16384 + 256;  // RFC 8446 5.2
constexpr size_t kMaxCompressedLength = 16384 + 1024;   // TLS <= 1.2
constexpr size_t kMaxCiphertextLength = 16384 + 2048;   // TLS <= 1.2
// RFC 8446 5.2: legacy_record_version of every protected record.
constexpr uint16_t kVersionOnWire13 = 0x0303;

// One direction. Sequence number, key and nonce live here; a new secret resets the sequence.
class Protection {
 public:
  [[nodiscard]] bool active() const { return context_ != nullptr; }
  [[nodiscard]] uint64_t sequence() const { return sequence_; }
  [[nodiscard]] const CipherSuite* suite() const { return suite_; }
  // Installs keys of `secret` for sealing (`seal`) or opening.
  [[nodiscard]] Verdict install(const Algorithms& algorithms, const CipherSuite& suite,
                                const TrafficSecret& secret, bool seal);
  // Bytes that sealing adds to a plaintext, its inner content type and tag included.
  [[nodiscard]] size_t overhead() const;
  // Writes the protected content || type || `padding` zeros to `out`, which has room for
  // content.size() + padding + overhead() bytes and does not overlap `content`. `header`, the
  // five bytes before it on the wire, is the additional data.
  [[nodiscard]] Verdict seal(View header, View content, ContentType type, size_t padding,
                             uint8_t* out);
  // Decrypts in place. On success `plaintext` is a part of `ciphertext`: TLSInnerPlaintext with
  // padding still on. A bad tag is bad_record_mac, and leaves the sequence number as it was.
  [[nodiscard]] Verdict open(View header, std::span<uint8_t> ciphertext,
                             std::span<uint8_t>& plaintext);

 private:
  [[nodiscard]] bool start_record(size_t plaintext_length, View header, const uint8_t* tag);

  EvpCipherCtxPtr context_;
  const CipherSuite* suite_ = nullptr;
  uint64_t sequence_ = 0;
  uint8_t iv_[12] = {};
  bool one_update_ = false;  // CCM wants the whole plaintext at once
};

}  // namespace handfast
