// Protection of one direction's records: none, AEAD of TLS 1.3 (RFC 8446 5.2) or of TLS 1.2
// (RFC 5246 6.2.3.3), or a MAC with a CBC or the NULL cipher.
#pragma once

#include <cstdint>

#include "crypto/algorithms.h"
#include "crypto/cipher_suite.h"
#include "crypto/key_schedule.h"
#include "record/mac_protection.h"
#include "record/record_keys.h"
#include "wire/allocate.h"
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

// One direction. Sequence number, key and nonce live here; new keys reset the sequence.
class Protection {
 public:
  static constexpr size_t kNonceLength = 12;

  [[nodiscard]] bool active() const { return kind_ != Kind::none; }
  // Whether the type of a record hides behind application_data and padding.
  [[nodiscard]] bool tls13() const { return kind_ == Kind::aead13; }
  // RFC 5246 F.1.3 knows it as a problem of TLS 1.0: a record's IV is seen before it is used.
  [[nodiscard]] bool chains_iv() const { return kind_ == Kind::mac && mac_->chains_iv(); }
  // Whether the cipher, an ENGINE's, takes several records at once (SSL_CTX_set_max_pipelines(3)).
  [[nodiscard]] bool pipelines() const { return kind_ == Kind::mac && mac_->pipelines(); }
  [[nodiscard]] uint64_t sequence() const { return sequence_; }
  // DTLS: each record names its place.
  void set_sequence(uint64_t sequence) { sequence_ = sequence; }
  [[nodiscard]] const CipherSuite* suite() const { return suite_; }
  // TLS 1.2 with an AEAD: the nonce from which another sealer may count upwards with the same key
  // (kernel TLS): it meets none of those that were used here.
  void nonce_for_another(std::span<uint8_t, kNonceLength> out) const;
  // Installs keys of `secret` for sealing (`seal`) or opening.
  [[nodiscard]] Verdict install(const Algorithms& algorithms, const CipherSuite& suite,
                                const TrafficSecret& secret, bool seal);
  // The same at TLS 1.0 to 1.2. The parts of `keys` have the lengths of record_key_lengths().
  // `encrypt_then_mac`: RFC 7366, without meaning for an AEAD.
  [[nodiscard]] Verdict install(const Algorithms& algorithms, const CipherSuite& suite,
                                uint16_t version, const RecordKeys& keys, bool encrypt_then_mac,
                                bool seal);

  // TLS 1.3. Bytes that sealing adds to a plaintext, its inner content type and tag included.
  [[nodiscard]] size_t overhead() const { return 1 + static_cast<size_t>(suite_->tag_length); }
  // Writes the protected content || type || `padding` zeros to `out`, which has room for
  // content.size() + padding + overhead() bytes and does not overlap `content`. `header`, the
  // five bytes before it on the wire, is the additional data.
  [[nodiscard]] Verdict seal(View header, View content, ContentType type, size_t padding,
                             uint8_t* out);
  // Decrypts in place. On success `plaintext` is a part of `ciphertext`: TLSInnerPlaintext with
  // padding still on. A bad tag is bad_record_mac, and leaves the sequence number as it was.
  [[nodiscard]] Verdict open(View header, std::span<uint8_t> ciphertext,
                             std::span<uint8_t>& plaintext);

  // TLS 1.0 to 1.2. Length of the protected form of `length` bytes.
  [[nodiscard]] size_t sealed_length12(size_t length) const;
  // Writes sealed_length12(content.size()) bytes to `out`, which does not overlap `content`.
  [[nodiscard]] Verdict seal12(View header, View content, uint8_t* out);
  // Decrypts in place; on success `plaintext` is a part of `ciphertext`. Whatever is wrong is the
  // same bad_record_mac.
  [[nodiscard]] Verdict open12(View header, std::span<uint8_t> ciphertext,
                               std::span<uint8_t>& plaintext);

 private:
  friend struct SequenceSeam;  // test/unit: reaches the limits of a key without millions of records
  enum class Kind : uint8_t { none, aead13, aead12, mac };
  using Nonce = uint8_t[kNonceLength];

  [[nodiscard]] Verdict install_aead(const Algorithms& algorithms, const CipherSuite& suite,
                                     View key, bool seal);
  void make_nonce(Nonce& nonce) const;
  [[nodiscard]] bool start_record(const Nonce& nonce, size_t plaintext_length, View additional,
                                  const uint8_t* tag);
  [[nodiscard]] bool finish_sealing(uint8_t* tag);
  [[nodiscard]] bool decrypt(std::span<uint8_t> plaintext);
  [[nodiscard]] Verdict seal_aead12(View header, View content, uint8_t* out);
  [[nodiscard]] bool open_at_once(PseudoHeader additional, std::span<uint8_t> ciphertext);
  [[nodiscard]] Verdict open_aead12(View header, std::span<uint8_t> ciphertext,
                                    std::span<uint8_t>& plaintext);

  EvpCipherCtxPtr context_;
  Unique<MacProtection> mac_;  // Kind::mac
  const CipherSuite* suite_ = nullptr;
  uint64_t sequence_ = 0;
  Nonce iv_ = {};
  Kind kind_ = Kind::none;
  uint8_t explicit_nonce_ = 0;  // TLS 1.2: bytes of the nonce in front of each record
  bool one_update_ = false;     // CCM wants the whole plaintext at once
  bool opens_at_once_ = false;  // GCM opens records of TLS 1.2 in one call
};

}  // namespace handfast
