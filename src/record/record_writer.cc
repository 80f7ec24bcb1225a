#include "record/record_writer.h"

#include <algorithm>
#include <cstring>

namespace handfast {

namespace {

// Zeros to add to `length` bytes of content and type.
size_t padding_for(const RecordPadding& padding, ContentType type, size_t length) {
  if (length >= padding.limit) return 0;
  size_t wanted = 0;
  if (padding.callback != nullptr) {
    wanted = padding.callback(padding.ssl, static_cast<int>(type), length, padding.argument);
  } else if (padding.block > 1 && length % padding.block != 0) {
    wanted = padding.block - length % padding.block;
  }
  return std::min(wanted, padding.limit - length);
}

// Room for `length` more bytes; a buffer that takes several records grows geometrically.
bool extend(Bytes& out, size_t length) {
  size_t needed = out.size() + length;
  if (needed > out.capacity() && !out.reserve(std::max(needed, 2 * out.size()))) return false;
  return out.resize(needed);
}

}  // namespace

Verdict RecordWriter::change_keys(const Algorithms& algorithms, const CipherSuite& suite,
                                  const TrafficSecret& secret) {
  kernel_keys_old_ = in_kernel_;
  return protection_.install(algorithms, suite, secret, true);
}

Verdict RecordWriter::change_keys(const Algorithms& algorithms, const CipherSuite& suite,
                                  uint16_t version, const RecordKeys& keys, bool encrypt_then_mac) {
  // A renegotiation: the kernel has no second keys.
  if (in_kernel_) return fatal(Alert::no_renegotiation, ERR_R_INTERNAL_ERROR);
  if (epoch_ == nullptr) {
    return protection_.install(algorithms, suite, version, keys, encrypt_then_mac, true);
  }
  // RFC 6347 4.1: an epoch is not used twice.
  if (epoch_->epoch == UINT16_MAX) return internal_error();
  Protection next;
  HANDFAST_CHECK(next.install(algorithms, suite, version, keys, encrypt_then_mac, true));
  epoch_->before = std::move(protection_);
  epoch_->sequence_before = epoch_->sequence;
  protection_ = std::move(next);
  ++epoch_->epoch;
  epoch_->sequence = 0;
  return success();
}

size_t RecordWriter::sealed_length(size_t length) const {
  size_t longest = length;
  if (protection_.tls13()) {
    bool pads = padding_.block > 1 || padding_.callback != nullptr;
    longest = (pads ? std::max(length, padding_.limit) : length) + protection_.overhead();
  } else if (protection_.active()) {
    longest = protection_.sealed_length12(length);
  }
  return header_length() + longest;
}

void RecordWriter::swap_epochs() {
  std::swap(protection_, epoch_->before);
  std::swap(epoch_->sequence, epoch_->sequence_before);
  epoch_->swapped = !epoch_->swapped;
  epoch_->epoch = static_cast<uint16_t>(epoch_->epoch + (epoch_->swapped ? -1 : 1));
}

// RFC 6347 4.1: epoch and sequence_number stand in front of the length.
Verdict RecordWriter::number_record(uint8_t* header) {
  // RFC 6347 4.1: sequence numbers of an epoch never wrap.
  if (epoch_->sequence > kMaxDatagramSequence) return internal_error();
  uint64_t place = epoch_and_sequence(epoch_->epoch, epoch_->sequence++);
  protection_.set_sequence(place);
  for (int i = 0; i < 8; ++i) header[3 + i] = static_cast<uint8_t>(place >> (56 - 8 * i));
  return success();
}

Verdict RecordWriter::protect(View header, View content, ContentType type, size_t padding,
                              uint8_t* body) {
  if (protection_.tls13()) return protection_.seal(header, content, type, padding, body);
  return protection_.seal12(header, content, body);
}

Verdict RecordWriter::seal(ContentType type, View content, Bytes& out) {
  if (content.size() > kMaxPlaintextLength) return internal_error();
  bool hides_type = protection_.tls13() && !in_kernel_ && type != ContentType::change_cipher_spec;
  bool sealed = hides_type || (protection_.active() && !protection_.tls13() && !in_kernel_);
  size_t padding = hides_type ? padding_for(padding_, type, content.size() + 1) : 0;
  size_t length = content.size();
  if (hides_type) {
    length += padding + protection_.overhead();
  } else if (sealed) {
    length = protection_.sealed_length12(length);
  }
  size_t start = out.size();
  const size_t header_size = header_length();
  if (!extend(out, header_size + length)) return malloc_failure();

  uint8_t* record = out.data() + start;
  record[0] = static_cast<uint8_t>(hides_type ? ContentType::application_data : type);
  uint16_t version = hides_type ? kVersionOnWire13 : record_version_;
  record[1] = static_cast<uint8_t>(version >> 8);
  record[2] = static_cast<uint8_t>(version);
  uint8_t* body = record + header_size;
  body[-2] = static_cast<uint8_t>(length >> 8);
  body[-1] = static_cast<uint8_t>(length);
  View header(record, header_size);
  Verdict verdict = epoch_ == nullptr ? success() : number_record(record);
  if (sealed && verdict.ok()) verdict = protect(header, content, type, padding, body);
  if (!verdict.ok()) {
    out.truncate(start);
    return verdict;
  }
  if (!sealed && !content.empty()) {
    std::memcpy(body, content.data(), content.size());
  }
  if (in_kernel_) return success();
  if (observer_.header != nullptr) observer_.header(observer_.context, header);
  if (hides_type && observer_.inner_type != nullptr) {
    observer_.inner_type(observer_.context, static_cast<uint8_t>(type));
  }
  return success();
}

}  // namespace handfast
