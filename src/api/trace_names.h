// Names of what stands in messages, as SSL_trace prints them; "UNKNOWN" for what has none.
#pragma once

#include <cstdint>

namespace handfast::trace {

const char* version(int value);
const char* content_type(int value);
const char* message(int value);
const char* extension(int value);
const char* cipher_suite(int value);
const char* compression(int value);
const char* point_format(int value);
const char* fragment_length(int value);
const char* signature_scheme(int value);
const char* psk_mode(int value);
const char* key_update(int value);

// Room for a name that is put together.
struct NameBuffer {
  char text[48];
};
const char* group(int value, NameBuffer& buffer);

}  // namespace handfast::trace
