// What every fragment of a handshake message begins with in DTLS (RFC 6347 section 4.2.2).
#pragma once

#include <openssl/dtls1.h>

#include <cstddef>
#include <cstdint>

#include "wire/bytes.h"
#include "wire/reader.h"
#include "wire/writer.h"

namespace handfast {

constexpr size_t kDatagramHandshakeHeaderLength = DTLS1_HM_HEADER_LENGTH;

struct DatagramHandshakeHeader {
  uint8_t type = 0;              // SSL3_MT_*, DTLS1_MT_*
  uint32_t length = 0;           // of the whole message's body
  uint16_t message_seq = 0;      // counts the messages of one side
  uint32_t fragment_offset = 0;  // in the body
  uint32_t fragment_length = 0;

  // Section 4.2.3: a message that is not fragmented has one fragment of its whole length.
  [[nodiscard]] bool whole() const { return fragment_offset == 0 && fragment_length == length; }
  [[nodiscard]] bool inside() const {
    return fragment_offset <= length && fragment_length <= length - fragment_offset;
  }
};

// False: fewer than kDatagramHandshakeHeaderLength bytes. Whether the fragment lies inside() its
// message is the caller's to ask.
[[nodiscard]] inline bool read_header(View bytes, DatagramHandshakeHeader& out) {
  Reader reader(bytes);
  return reader.u8(out.type) && reader.u24(out.length) && reader.u16(out.message_seq) &&
         reader.u24(out.fragment_offset) && reader.u24(out.fragment_length);
}

inline void write_header(const DatagramHandshakeHeader& header, Writer& writer) {
  writer.u8(header.type);
  writer.u24(header.length);
  writer.u16(header.message_seq);
  writer.u24(header.fragment_offset);
  writer.u24(header.fragment_length);
}

}  // namespace handfast
