// What every handshake message begins with (RFC 8446 section 4).
#pragma once

#include <openssl/ssl3.h>

#include <cstddef>
#include <cstdint>

#include "wire/bytes.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace handfast {

constexpr size_t kHandshakeHeaderLength = 4;

struct HandshakeHeader {
  uint8_t type = 0;     // SSL3_MT_*
  uint32_t length = 0;  // of the body
};

// False: fewer than kHandshakeHeaderLength bytes.
[[nodiscard]] inline bool read_header(View bytes, HandshakeHeader& out) {
  Reader reader(bytes);
  return reader.u8(out.type) && reader.u24(out.length);
}

// Appends a whole message to `out`; false when memory is short or a part is too long for its
// length field: `out` is as it was before then.
template <typename Message>
[[nodiscard]] bool build_message(const Message& message, Bytes& out) {
  size_t start = out.size();
  Writer writer(out);
  writer.u8(Message::kType);
  {
    Prefixed24 body(writer);
    build(message, writer);
  }
  if (!writer.ok()) out.truncate(start);
  return writer.ok();
}

}  // namespace handfast
