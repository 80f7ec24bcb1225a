#include "record/record_reader.h"

#include <openssl/err.h>

#include <algorithm>

#include "record/key_limits.h"

namespace handfast {

namespace {

constexpr uint8_t kMaxEmptyRecords = 32;
// What OpenSSL's receive buffer holds after a header: longer records get another reason.
constexpr size_t kMaxBufferedLength = 16384 + 323;
constexpr size_t kMaxCiphertextLengthAead = 16384 + 320;
// RFC 5246 E.2: a two-byte header with the high bit set; then msg_type, version and three lengths.
constexpr size_t kSslv2HeaderLength = 2;
constexpr size_t kMinSslv2Length = 9;
// The buffer counts from the shorter header on.
constexpr size_t kMaxBufferedSslv2Length =
    kMaxBufferedLength + kRecordHeaderLength - kSslv2HeaderLength;
// What protection may add to a rejected record of early data: type and tag.
constexpr size_t kEarlyOverhead = 17;

Opened fail(Alert alert, int reason, const char* file = __builtin_FILE(),
            int line = __builtin_LINE()) {
  return Opened::failure(fatal(alert, reason, file, line));
}

bool looks_like_sslv2(View input) {
  return (input[0] & 0x80) != 0 && input[2] == SSL2_MT_CLIENT_HELLO;
}

bool is_known(ContentType type) {
  return type >= ContentType::change_cipher_spec && type <= ContentType::application_data;
}

bool starts_with(View bytes, std::string_view text) {
  return bytes.size() >= text.size() && equal(bytes.first(text.size()), as_view(text));
}

// Position of the last byte that is not zero; 0 when there is none after the first.
size_t last_nonzero(std::span<const uint8_t> bytes) {
  size_t end = bytes.size() - 1;
  while (end > 0 && bytes[end] == 0) --end;
  return end;
}

}  // namespace

struct RecordReader::Header {
  View bytes;  // the five of them
  ContentType type;
  uint16_t version;
  size_t length;

  explicit Header(View input)
      : bytes(input.first(kRecordHeaderLength)),
        type(static_cast<ContentType>(input[0])),
        version(static_cast<uint16_t>(input[1] << 8 | input[2])),
        length(static_cast<size_t>(input[3] << 8 | input[4])) {}
  size_t record_length() const { return kRecordHeaderLength + length; }
};

Verdict RecordReader::change_keys(const Algorithms& algorithms, const CipherSuite& suite,
                                  const TrafficSecret& secret) {
  return protection_.install(algorithms, suite, secret, false);
}

Verdict RecordReader::change_keys(const Algorithms& algorithms, const CipherSuite& suite,
                                  uint16_t version, const RecordKeys& keys, bool encrypt_then_mac) {
  // A renegotiation: the kernel has no second keys.
  if (in_kernel_) return fatal(Alert::no_renegotiation, ERR_R_INTERNAL_ERROR);
  // RFC 6347 4.1: an epoch is not used twice.
  if (epoch_ != nullptr && epoch_->epoch == UINT16_MAX) return internal_error();
  HANDFAST_CHECK(protection_.install(algorithms, suite, version, keys, encrypt_then_mac, false));
  if (epoch_ == nullptr) return success();
  ++epoch_->epoch;
  epoch_->window = ReplayWindow();
  return success();
}

Opened RecordReader::open(std::span<uint8_t> input) {
  if (epoch_ != nullptr) return open_datagram(input);
  if (input.size() < kRecordHeaderLength) return Opened::needs(kRecordHeaderLength);
  if (first_record_ && server_ && looks_like_sslv2(input)) return open_sslv2(input);
  Header header(input);
  if (!header_shown_) {
    header_shown_ = true;
    if (observer_.header != nullptr) observer_.header(observer_.context, header.bytes);
  }
  if (Verdict verdict = check_header(header); !verdict.ok()) return Opened::failure(verdict);
  if (input.size() < header.record_length()) return Opened::needs(header.record_length());

  header_shown_ = false;
  first_record_ = false;
  std::span<uint8_t> body = input.subspan(kRecordHeaderLength, header.length);
  if (in_kernel_) return open_plaintext12(header, body);
  if (protection_.active() && !protection_.tls13()) return open_protected12(header, body);
  switch (header.type) {
    case ContentType::change_cipher_spec:
      return open_change_cipher_spec(header, body);
    case ContentType::application_data:
      if (skips_by_type(header)) return skip_early_record(header);
      break;
    case ContentType::handshake:
      // The second ClientHello ends what a rejected one announced.
      if (skip_by_type_) skipping_ = false;
      break;
    case ContentType::alert:
      break;
    default:
      // RFC 8446 5: "If a TLS implementation receives an unexpected record type, it MUST terminate
      // the connection with an "unexpected_message" alert."
      return fail(Alert::unexpected_message,
                  version_ == 0 ? SSL_R_UNEXPECTED_MESSAGE : SSL_R_UNEXPECTED_RECORD);
  }
  if (protects(header.type)) return open_protected(header, body);
  return deliver(header.type, body, header.record_length());
}

// The first bytes of a connection may not be TLS at all; then no alert would be understood.
Verdict RecordReader::check_first_header(const Header& header) const {
  if (header.version >> 8 == SSL3_VERSION_MAJOR) return success();
  for (std::string_view method : {"GET ", "POST", "HEAD", "PUT "}) {
    if (starts_with(header.bytes, method)) return fatal(Alert::none, SSL_R_HTTP_REQUEST);
  }
  if (starts_with(header.bytes, "CONNE")) return fatal(Alert::none, SSL_R_HTTPS_PROXY_REQUEST);
  return fatal(Alert::none, SSL_R_WRONG_VERSION_NUMBER);
}

Verdict RecordReader::check_header(const Header& header) const {
  if (first_record_) HANDFAST_CHECK(check_first_header(header));
  if (header.version >> 8 != SSL3_VERSION_MAJOR) {
    return fatal(Alert::protocol_version, SSL_R_WRONG_VERSION_NUMBER);
  }
  if (version_ != 0 && version_ < TLS1_3_VERSION && header.version != version_) {
    // A peer that failed on our version may say so under its own: no alert against an alert.
    bool alert = header.type == ContentType::alert && !protection_.active();
    return fatal(alert ? Alert::none : Alert::protocol_version, SSL_R_WRONG_VERSION_NUMBER);
  }
  if (protection_.tls13()) {
    bool expected = header.type == ContentType::application_data ||
                    (header.type == ContentType::change_cipher_spec && allow_change_cipher_spec_) ||
                    (header.type == ContentType::alert && allow_plaintext_alert_);
    if (!expected) return fatal(Alert::unexpected_message, SSL_R_BAD_RECORD_TYPE);
    // RFC 8446 5.2: "The legacy_record_version field is always 0x0303."
    if (header.version != kVersionOnWire13) {
      return fatal(Alert::decode_error, SSL_R_WRONG_VERSION_NUMBER);
    }
  }
  return in_kernel_ ? success() : check_length(header);
}

// RFC 8446 5.1 and 5.2: too long is record_overflow, before any of the body is awaited.
Verdict RecordReader::check_length(const Header& header) const {
  if (header.length > kMaxBufferedLength) {
    return fatal(Alert::record_overflow, SSL_R_PACKET_LENGTH_TOO_LONG);
  }
  size_t limit = version_ == TLS1_3_VERSION ? kMaxCiphertextLength13 : kMaxCiphertextLengthAead;
  if (header.length > limit) {
    return fatal(Alert::record_overflow, SSL_R_ENCRYPTED_LENGTH_TOO_LONG);
  }
  if (!protects(header.type) && !skips_by_type(header) && header.length > max_plaintext_) {
    return fatal(Alert::record_overflow, SSL_R_DATA_LENGTH_TOO_LONG);
  }
  return success();
}

bool RecordReader::protects(ContentType outer_type) const {
  return protection_.active() &&
         (!protection_.tls13() || outer_type == ContentType::application_data);
}

bool RecordReader::skips_by_type(const Header& header) const {
  return skipping_ && skip_by_type_ && header.type == ContentType::application_data;
}

Opened RecordReader::skip_early_record(const Header& header) {
  size_t length = header.length - std::min(header.length, kEarlyOverhead);
  // A record with a short tag may have more content than it looks.
  if (length > skip_budget_ || skip_none_) {
    return fail(Alert::unexpected_message, SSL_R_TOO_MUCH_EARLY_DATA);
  }
  skip_budget_ -= length;
  if (length == 0 && ++empty_records_ > kMaxEmptyRecords) {
    return fail(Alert::unexpected_message, SSL_R_RECORD_TOO_SMALL);
  }
  return Opened::skipped(header.record_length());
}

Opened RecordReader::open_change_cipher_spec(const Header& header, std::span<uint8_t> body) {
  if (version_ != 0 && version_ < TLS1_3_VERSION && !allow_change_cipher_spec_) {
    return deliver(header.type, body, header.record_length());
  }
  // RFC 8446 5: any other value, or one outside the handshake, is an unexpected_message.
  if (body.size() != 1 || body[0] != SSL3_MT_CCS) {
    return fail(Alert::unexpected_message,
                protection_.active() ? SSL_R_INVALID_CCS_MESSAGE : SSL_R_BAD_CHANGE_CIPHER_SPEC);
  }
  if (!allow_change_cipher_spec_) return fail(Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE);
  if (++empty_records_ > kMaxEmptyRecords) {
    return fail(Alert::unexpected_message, SSL_R_UNEXPECTED_CCS_MESSAGE);
  }
  return Opened::skipped(header.record_length());
}

Opened RecordReader::open_protected(const Header& header, std::span<uint8_t> body) {
  // RFC 8446 5.5: the key was to be renewed long ago.
  if (protection_.sequence() >= key_limits(*protection_.suite()).end) {
    return fail(Alert::unexpected_message, SSL_R_UNEXPECTED_RECORD);
  }
  std::span<uint8_t> plaintext;
  if (skipping_) ERR_set_mark();
  Verdict verdict = protection_.open(header.bytes, body, plaintext);
  if (skipping_) ERR_pop_to_mark();
  if (!verdict.ok()) {
    bool early = skipping_ && verdict.alert == Alert::bad_record_mac;
    return early ? skip_early_record(header) : Opened::failure(verdict);
  }
  skipping_ = false;
  // RFC 8446 5.4: "the full encoded TLSInnerPlaintext MUST NOT exceed 2^14 + 1 octets".
  if (plaintext.size() > kMaxPlaintextLength + 1) {
    return fail(Alert::record_overflow, SSL_R_DATA_LENGTH_TOO_LONG);
  }
  // RFC 8446 5.4: no non-zero octet is an unexpected_message; so is any other type than these.
  if (plaintext.empty()) return fail(Alert::unexpected_message, SSL_R_BAD_RECORD_TYPE);
  size_t end = last_nonzero(plaintext);
  uint8_t inner = plaintext[end];
  ContentType type = static_cast<ContentType>(inner);
  if (type != ContentType::application_data && type != ContentType::alert &&
      type != ContentType::handshake) {
    return fail(Alert::unexpected_message, SSL_R_BAD_RECORD_TYPE);
  }
  if (observer_.inner_type != nullptr) observer_.inner_type(observer_.context, inner);
  if (end > max_plaintext_) return fail(Alert::record_overflow, SSL_R_DATA_LENGTH_TOO_LONG);
  return deliver(type, plaintext.first(end), header.record_length());
}

// Every type is protected, the handshake messages of a renegotiation too.
Opened RecordReader::open_protected12(const Header& header, std::span<uint8_t> body) {
  std::span<uint8_t> plaintext;
  Verdict verdict = protection_.open12(header.bytes, body, plaintext);
  if (!verdict.ok()) return Opened::failure(verdict);
  // RFC 5246 6.2.1: "The length MUST NOT exceed 2^14."
  if (plaintext.size() > max_plaintext_) {
    return fail(Alert::record_overflow, SSL_R_DATA_LENGTH_TOO_LONG);
  }
  return open_plaintext12(header, plaintext);
}

// RFC 5246 6: "If a TLS implementation receives an unexpected record type, it MUST send an
// unexpected_message alert."
Opened RecordReader::open_plaintext12(const Header& header, std::span<uint8_t> plaintext) {
  if (!is_known(header.type)) return fail(Alert::unexpected_message, SSL_R_UNEXPECTED_RECORD);
  return deliver(header.type, plaintext, header.record_length());
}

// RFC 5246 appendix E.2, with the limits of OpenSSL. The observer sees no header of such a record.
Opened RecordReader::open_sslv2(std::span<uint8_t> input) {
  size_t length = static_cast<size_t>(input[0] & 0x7f) << 8 | input[1];
  if (length > kMaxBufferedSslv2Length) {
    return fail(Alert::record_overflow, SSL_R_PACKET_LENGTH_TOO_LONG);
  }
  if (length < kMinSslv2Length) return fail(Alert::decode_error, SSL_R_LENGTH_TOO_SHORT);
  if (length > kMaxCiphertextLengthAead) {
    return fail(Alert::record_overflow, SSL_R_ENCRYPTED_LENGTH_TOO_LONG);
  }
  if (length > max_plaintext_) {
    return fail(Alert::record_overflow, SSL_R_DATA_LENGTH_TOO_LONG);
  }
  size_t whole = kSslv2HeaderLength + length;
  if (input.size() < whole) return Opened::needs(whole);
  first_record_ = false;
  Opened opened = deliver(ContentType::handshake, input.subspan(kSslv2HeaderLength, length), whole);
  opened.sslv2 = true;
  return opened;
}

Opened RecordReader::deliver(ContentType type, std::span<uint8_t> content, size_t consumed) {
  if (content.empty()) {
    // RFC 8446 5.1: "Implementations MUST NOT send zero-length fragments of Handshake types"; 5.4
    // says the same of Alert.
    bool strict = version_ == 0 || version_ == TLS1_3_VERSION;
    // An empty alert of a peer without keys fails as any malformed alert does.
    bool handled = type == ContentType::handshake ||
                   (type == ContentType::alert && version_ == TLS1_3_VERSION);
    if (strict && handled) {
      return fail(Alert::unexpected_message, SSL_R_BAD_LENGTH);
    }
    if (++empty_records_ > kMaxEmptyRecords) {
      return fail(Alert::unexpected_message, SSL_R_RECORD_TOO_SMALL);
    }
  } else {
    empty_records_ = 0;
  }
  return Opened::of(type, content, consumed);
}

}  // namespace handfast
