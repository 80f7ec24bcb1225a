// Turns content into sealed records at the end of a buffer, without I/O.
#pragma once

#include <cstdint>

#include "record/epochs.h"
#include "record/protection.h"
#include "record/record_reader.h"
#include "wire/bytes.h"
#include "wire/verdict.h"

namespace handfast {

// How much padding a record of TLS 1.3 gets: SSL_CTX_set_block_padding and the padding callback.
struct RecordPadding {
  size_t block = 0;                    // pad plaintexts to a multiple; 0 or 1: none
  size_t limit = kMaxPlaintextLength;  // content, type and padding together stay within this
  size_t (*callback)(SSL* ssl, int type, size_t length, void* argument) = nullptr;
  void* argument = nullptr;
  SSL* ssl = nullptr;
};

class RecordWriter {
 public:
  // Record version on the wire: 0x0301 for a first ClientHello, later the negotiated version, or
  // 0x0303 at TLS 1.3.
  void set_record_version(uint16_t version) { record_version_ = version; }
  // The records go into datagrams, and `epoch`, which is borrowed, counts them.
  void use_datagrams(WriteEpoch* epoch) { epoch_ = epoch; }
  [[nodiscard]] size_t header_length() const {
    return epoch_ == nullptr ? kRecordHeaderLength : kDatagramRecordHeaderLength;
  }
  void set_padding(const RecordPadding& padding) { padding_ = padding; }
  void set_observer(const RecordObserver& observer) { observer_ = observer; }

  [[nodiscard]] Verdict change_keys(const Algorithms& algorithms, const CipherSuite& suite,
                                    const TrafficSecret& secret);
  // What follows goes out in the clear.
  void drop_keys() { protection_ = Protection(); }
  // TLS 1.0 to 1.2; parameters as of Protection::install().
  [[nodiscard]] Verdict change_keys(const Algorithms& algorithms, const CipherSuite& suite,
                                    uint16_t version, const RecordKeys& keys,
                                    bool encrypt_then_mac);
  // Whether the IV of the next record can be seen before its content is chosen (CBC at TLS 1.0). An
  // empty application_data record in front of it changes that:
  // SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS in SSL_CTX_set_options(3).
  [[nodiscard]] bool wants_empty_record() const { return protection_.chains_iv(); }
  [[nodiscard]] Protection& protection() { return protection_; }
  // From now on the kernel protects what is sent, with the keys that are installed here: seal()
  // puts the plaintext behind a header of its type and length.
  void leave_to_kernel() {
    in_kernel_ = true;
    kernel_keys_old_ = false;
  }
  [[nodiscard]] bool in_kernel() const { return in_kernel_; }
  // Whether keys were changed since then.
  [[nodiscard]] bool kernel_keys_old() const { return kernel_keys_old_; }
  // Longest record that seal() makes of `length` bytes of content, header included.
  [[nodiscard]] size_t sealed_length(size_t length) const;
  // Appends one record; `content` is at most kMaxPlaintextLength bytes. At TLS 1.3
  // change_cipher_spec is always sent unprotected (RFC 8446 section 5).
  [[nodiscard]] Verdict seal(ContentType type, View content, Bytes& out);
  // Datagrams: the epoch before takes the place of the current one; called again, gives it back.
  void swap_epochs();

 private:
  [[nodiscard]] Verdict number_record(uint8_t* header);
  [[nodiscard]] Verdict protect(View header, View content, ContentType type, size_t padding,
                                uint8_t* body);

  Protection protection_;
  RecordPadding padding_;
  RecordObserver observer_;
  WriteEpoch* epoch_ = nullptr;  // of datagrams
  uint16_t record_version_ = 0x0301;
  bool in_kernel_ = false;
  bool kernel_keys_old_ = false;
};

}  // namespace handfast
