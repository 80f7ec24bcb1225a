// Turns received bytes into opened records (RFC 8446 section 5), without I/O.
#pragma once

#include <cstdint>

#include "record/epochs.h"
#include "record/opened.h"
#include "record/protection.h"
#include "wire/bytes.h"
#include "wire/verdict.h"

namespace handfast {

// For SSL_CTX_set_msg_callback: the record header as read, and the inner content type.
struct RecordObserver {
  void (*header)(void* context, View header) = nullptr;
  void (*inner_type)(void* context, uint8_t type) = nullptr;
  void* context = nullptr;
};

class RecordReader {
 public:
  // How strictly record versions are held: any 3.x before the version is known, exactly
  // `version` afterwards (TLS 1.3 records say 0x0303).
  void set_version(uint16_t negotiated) { version_ = negotiated; }
  [[nodiscard]] uint16_t version() const { return version_; }
  // The records come in datagrams, and `epoch`, which is borrowed, says where they stand.
  void use_datagrams(ReadEpoch* epoch) { epoch_ = epoch; }
  // A server takes an SSL 2.0 CLIENT-HELLO as the first record.
  void set_server(bool server) { server_ = server; }
  void set_observer(const RecordObserver& observer) { observer_ = observer; }
  // RFC 8446 5.1 with max_fragment_length (RFC 6066 4): limit of a plaintext.
  void set_max_plaintext(size_t length) { max_plaintext_ = length; }
  // RFC 8446 4.2.10: up to `budget` bytes of undecryptable (or, after a HelloRetryRequest, any)
  // application_data records are skipped: rejected early data. Without a budget none is.
  void skip_early_data(size_t budget, bool by_type) {
    skip_budget_ = budget;
    skip_none_ = budget == 0;
    skip_by_type_ = by_type;
    skipping_ = true;
  }
  void stop_skipping() { skipping_ = false; }
  // RFC 8446 appendix D.4: whether a single-byte change_cipher_spec may be dropped now.
  void allow_change_cipher_spec(bool allow) { allow_change_cipher_spec_ = allow; }
  // A client may still send an alert in the clear after the server has changed its read keys.
  void allow_plaintext_alert(bool allow) { allow_plaintext_alert_ = allow; }

  [[nodiscard]] Verdict change_keys(const Algorithms& algorithms, const CipherSuite& suite,
                                    const TrafficSecret& secret);
  // TLS 1.0 to 1.2; parameters as of Protection::install().
  [[nodiscard]] Verdict change_keys(const Algorithms& algorithms, const CipherSuite& suite,
                                    uint16_t version, const RecordKeys& keys,
                                    bool encrypt_then_mac);
  [[nodiscard]] Protection& protection() { return protection_; }
  // From now on the kernel opens the records: what comes is plaintext behind a header of its type
  // and length, the data of several records perhaps behind one.
  void leave_to_kernel() { in_kernel_ = true; }
  [[nodiscard]] bool in_kernel() const { return in_kernel_; }

  // `input` is everything received and not consumed yet; of a datagram, its rest. RFC 6347
  // 4.1.2.7: a record of a datagram that is invalid is skipped.
  [[nodiscard]] Opened open(std::span<uint8_t> input);

 private:
  struct Header;

  Verdict check_first_header(const Header& header) const;
  Verdict check_header(const Header& header) const;
  Verdict check_length(const Header& header) const;
  bool protects(ContentType outer_type) const;
  bool skips_by_type(const Header& header) const;
  Opened skip_early_record(const Header& header);
  Opened open_change_cipher_spec(const Header& header, std::span<uint8_t> body);
  Opened open_protected(const Header& header, std::span<uint8_t> body);
  Opened open_plaintext12(const Header& header, std::span<uint8_t> plaintext);
  Opened open_protected12(const Header& header, std::span<uint8_t> body);
  Opened open_sslv2(std::span<uint8_t> input);
  Opened deliver(ContentType type, std::span<uint8_t> content, size_t consumed);
  // datagram_reader.cc
  struct DatagramHeader;
  Opened open_datagram(std::span<uint8_t> input);
  Opened open_next_epoch();
  Opened open_record(const DatagramHeader& header, std::span<uint8_t> body, size_t consumed);
  bool fits_version(const DatagramHeader& header) const;

  Protection protection_;
  RecordObserver observer_;
  ReadEpoch* epoch_ = nullptr;  // of datagrams
  size_t max_plaintext_ = kMaxPlaintextLength;
  size_t skip_budget_ = 0;
  uint16_t version_ = 0;
  uint8_t empty_records_ = 0;
  bool server_ = false;
  bool skipping_ = false;
  bool skip_by_type_ = false;
  bool skip_none_ = false;
  bool allow_change_cipher_spec_ = false;
  bool allow_plaintext_alert_ = false;
  bool first_record_ = true;
  bool in_kernel_ = false;
  bool header_shown_ = false;  // the observer has seen the header of the record at hand
};

}  // namespace handfast
