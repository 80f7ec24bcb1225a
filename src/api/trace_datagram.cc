#include "api/trace_datagram.h"

#include "api/trace_names.h"

namespace handfast::trace {

void record_position(Text& text, View header) {
  Reader in(header.subspan(3));  // behind type and version
  uint16_t epoch = 0, high = 0, middle = 0, low = 0;
  if (!in.u16(epoch) || !in.u16(high) || !in.u16(middle) || !in.u16(low)) return;
  text.printf("  epoch=%d, sequence_number=%04x%04x%04x\n", epoch, high, middle, low);
}

bool fragment_position(Text& text, int indent, Reader& in) {
  uint16_t sequence = 0;
  uint32_t offset = 0, length = 0;
  if (!in.u16(sequence) || !in.u24(offset) || !in.u24(length)) return false;
  text.indent(indent);
  text.printf("message_seq=%d, fragment_offset=%d, fragment_length=%d\n", sequence,
              static_cast<int>(offset), static_cast<int>(length));
  return true;
}

bool hello_verify_request(Trace& trace, int indent, Reader& in) {
  return version_line(trace.text, indent, "server_version", in) &&
         hex_vector8(trace.text, indent, "cookie", in);
}

}  // namespace handfast::trace
