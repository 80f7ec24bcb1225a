// Records of DTLS (RFC 6347 section 4.1): what is invalid is dropped without a word.
#include <openssl/err.h>

#include "record/record_reader.h"
#include "wire/version.h"

namespace handfast {

namespace {

constexpr size_t kMaxEncryptedLength = kMaxPlaintextLength + 320;

}  // namespace

struct RecordReader::DatagramHeader {
  View bytes;
  ContentType type;
  uint16_t version;
  uint16_t epoch;
  uint64_t sequence = 0;
  size_t length;

  explicit DatagramHeader(View input)
      : bytes(input.first(kDatagramRecordHeaderLength)),
        type(static_cast<ContentType>(input[0])),
        version(static_cast<uint16_t>(input[1] << 8 | input[2])),
        epoch(static_cast<uint16_t>(input[3] << 8 | input[4])),
        length(static_cast<size_t>(input[11] << 8 | input[12])) {
    for (uint8_t byte : input.subspan(5, 6)) sequence = sequence << 8 | byte;
  }
};

// Any of DTLS before the version is known, afterwards that one; an alert about it may say its own.
bool RecordReader::fits_version(const DatagramHeader& header) const {
  if (header.version >> 8 != DTLS1_VERSION_MAJOR) {
    return header.version == DTLS1_BAD_VER && is_prestandard(true, version_);
  }
  return version_ == 0 || header.type == ContentType::alert ||
         header.version == wire_version(true, version_);
}

Opened RecordReader::open_datagram(std::span<uint8_t> input) {
  if (input.empty()) return open_next_epoch();
  if (input.size() < kDatagramRecordHeaderLength) return Opened::skipped(input.size());
  DatagramHeader header(input);
  if (observer_.header != nullptr) observer_.header(observer_.context, header.bytes);
  const size_t whole = kDatagramRecordHeaderLength + header.length;
  if (whole > input.size()) return Opened::skipped(input.size());
  if (!fits_version(header) || header.length == 0 || header.length > kMaxEncryptedLength) {
    return Opened::skipped(whole);
  }
  if (header.epoch == epoch_->epoch + 1) {
    bool kept = !epoch_->keeps_next || epoch_->next.add(input.first(whole));
    return kept ? Opened::skipped(whole) : Opened::failure(malloc_failure());
  }
  if (header.epoch != epoch_->epoch) return Opened::skipped(whole);
  return open_record(header, input.subspan(kDatagramRecordHeaderLength, header.length), whole);
}

// Between two datagrams: what came too early for the epoch before.
Opened RecordReader::open_next_epoch() {
  while (!epoch_->next.empty()) {
    bool now = DatagramHeader(epoch_->next.first()).epoch == epoch_->epoch;
    if (!now && epoch_->keeps_next) break;
    std::span<uint8_t> record = epoch_->next.take();
    if (!now) continue;  // the handshake that would have begun its epoch was refused
    return open_record(DatagramHeader(record), record.subspan(kDatagramRecordHeaderLength), 0);
  }
  return Opened::needs(1);
}

Opened RecordReader::open_record(const DatagramHeader& header, std::span<uint8_t> body,
                                 size_t consumed) {
  // RFC 6347 4.1.2.6.
  if (!epoch_->window.fresh(header.sequence)) return Opened::skipped(consumed);
  std::span<uint8_t> plaintext = body;
  if (protection_.active()) {
    protection_.set_sequence(epoch_and_sequence(header.epoch, header.sequence));
    ERR_set_mark();
    Verdict verdict = protection_.open12(header.bytes, body, plaintext);
    bool invalid = verdict.alert == Alert::bad_record_mac || verdict.alert == Alert::decode_error;
    ERR_pop_to_mark();
    // RFC 6347 4.1.2.7: "invalid records SHOULD be silently discarded".
    if (!verdict.ok()) return invalid ? Opened::skipped(consumed) : Opened::failure(verdict);
  }
  if (plaintext.size() > max_plaintext_) {
    if (!protection_.active()) return Opened::skipped(consumed);
    return Opened::failure(fatal(Alert::record_overflow, SSL_R_DATA_LENGTH_TOO_LONG));
  }
  bool known = header.type >= ContentType::change_cipher_spec &&
               header.type <= ContentType::application_data;
  if (!known && !protection_.active()) return Opened::skipped(consumed);
  epoch_->window.note(header.sequence);
  if (!known) return Opened::failure(fatal(Alert::unexpected_message, SSL_R_UNEXPECTED_RECORD));
  return Opened::of(header.type, plaintext, consumed);
}

}  // namespace handfast
