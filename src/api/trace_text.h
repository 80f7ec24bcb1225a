// Lines that SSL_trace puts together from.
#pragma once

#include <openssl/ssl.h>

#include "api/text.h"
#include "connection/connection.h"
#include "wire/reader.h"

namespace handfast::trace {

// What printing a message may need besides its bytes.
struct Trace {
  Text text;
  const SSL* ssl;
  uint8_t message = 0;  // SSL3_MT_*

  // Extensions have another form in a server's answer than in an offer.
  [[nodiscard]] bool answer() const {
    return message != SSL3_MT_CLIENT_HELLO && message != SSL3_MT_NEWSESSION_TICKET;
  }

  [[nodiscard]] bool datagram() const { return ssl->method->datagram; }
  [[nodiscard]] bool tls13() const { return ssl->negotiated.version == TLS1_3_VERSION; }
};

using NameOf = const char* (*)(int value);

// All that return bool return false when the bytes are malformed; what was read before is printed.
void hex_line(Text& text, int indent, const char* name, View bytes);
void name_line(Text& text, int indent, const char* name, int value);
bool version_line(Text& text, int indent, const char* name, Reader& in);
bool hex_vector8(Text& text, int indent, const char* name, Reader& in);
bool hex_vector16(Text& text, int indent, const char* name, Reader& in);

// A line for each value in `list`.
bool list8(Text& text, int indent, View list, NameOf name_of);
bool list16(Text& text, int indent, View list, NameOf name_of);
bool list_groups(Text& text, int indent, View list);
bool list_schemes(Text& text, int indent, View list);

}  // namespace handfast::trace
