// What a record reader makes of received bytes.
#pragma once

#include <cstdint>
#include <span>

#include "record/protection.h"
#include "wire/verdict.h"

namespace handfast {

// What open() made of the bytes so far.
struct Opened {
  enum class Kind : uint8_t {
    record,  // `content` of `type`
    need,    // at least `need` bytes in all must be there before the next try
    skip,    // a record that is to be ignored was consumed; call again
    failed,  // `verdict` says why
  };
  Kind kind = Kind::need;
  ContentType type = ContentType::application_data;
  std::span<uint8_t> content;  // decrypted in place in the bytes given
  // A server's first record: `content` is a CLIENT-HELLO in the format of SSL 2.0 (RFC 5246
  // appendix E.2) from its msg_type on.
  bool sslv2 = false;
  size_t consumed = 0;  // bytes of the input that record or skip used up
  size_t need = 0;
  Verdict verdict;

  static Opened failure(const Verdict& verdict) {
    Opened opened;
    opened.kind = Kind::failed;
    opened.verdict = verdict;
    return opened;
  }
  static Opened needs(size_t bytes) {
    Opened opened;
    opened.need = bytes;
    return opened;
  }
  static Opened skipped(size_t consumed) {
    Opened opened;
    opened.kind = Kind::skip;
    opened.consumed = consumed;
    return opened;
  }
  static Opened of(ContentType type, std::span<uint8_t> content, size_t consumed) {
    Opened opened;
    opened.kind = Kind::record;
    opened.type = type;
    opened.content = content;
    opened.consumed = consumed;
    return opened;
  }
};

}  // namespace handfast
