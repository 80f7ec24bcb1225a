// Text for a BIO.
#pragma once

#include <openssl/bio.h>

#include <cstdarg>

#include "wire/bytes.h"

namespace handfast {

// Writes to a BIO that is not owned; a failure is remembered and ends the writing.
class Text {
 public:
  explicit Text(BIO* out) : out_(out) {}
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] BIO* bio() const { return out_; }

  void puts(const char* text) { ok_ = ok_ && BIO_puts(out_, text) > 0; }
  [[gnu::format(printf, 2, 3)]] void printf(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    ok_ = ok_ && BIO_vprintf(out_, format, arguments) > 0;
    va_end(arguments);
  }
  void indent(int columns) {
    if (columns > 0) printf("%*s", columns, "");
  }
  void bytes(View bytes) {
    if (!bytes.empty()) BIO_write(out_, bytes.data(), static_cast<int>(bytes.size()));
  }
  void hex(View bytes) {
    for (uint8_t byte : bytes) printf("%02X", byte);
  }
  // Hexadecimal and characters side by side, 16 bytes to a line or fewer.
  void dump(View bytes, int indent) {
    if (bytes.empty()) return;
    ok_ = ok_ && BIO_dump_indent(out_, bytes.data(), static_cast<int>(bytes.size()), indent) > 0;
  }

 private:
  BIO* out_;
  bool ok_ = true;
};

}  // namespace handfast
