#include "message/retry_cookie.h"

#include "wire/reader.h"

namespace handfast {

Verdict parse(View bytes, RetryCookie& out) {
  Reader reader(bytes);
  uint8_t requested = 0;
  uint32_t high = 0, low = 0;
  if (reader.u16(out.format) && out.format != RetryCookie::kFormat) return success();
  if (!reader.u16(out.group) || !reader.u8(requested) || requested > 1 ||
      !reader.u16(out.cipher_suite) || !reader.u32(high) || !reader.u32(low) ||
      !reader.vector8(out.client_hello_hash) || !reader.vector16(out.application) ||
      !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  out.group_requested = requested == 1;
  out.time = uint64_t{high} << 32 | low;
  return success();
}

void build(const RetryCookie& cookie, Writer& writer) {
  writer.u16(cookie.format);
  writer.u16(cookie.group);
  writer.u8(cookie.group_requested ? 1 : 0);
  writer.u16(cookie.cipher_suite);
  writer.u32(static_cast<uint32_t>(cookie.time >> 32));
  writer.u32(static_cast<uint32_t>(cookie.time));
  writer.vector8(cookie.client_hello_hash);
  writer.vector16(cookie.application);
}

}  // namespace handfast
