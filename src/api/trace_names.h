// Names of what stands in messages, as SSL_trace prints them; "UNKNOWN" for what has none.
#pragma once

#include <cstddef>
#include <cstdint>

namespace handfast::trace {

constexpr const char* kUnknown = "UNKNOWN";

struct Name {
  int value;
  const char* text;
};

template <size_t kCount>
const char* find(const Name (&names)[kCount], int value) {
  for (const Name& name : names) {
    if (name.value == value) return name.text;
  }
  return kUnknown;
}

const char* version(int value);
const char* content_type(int value);
const char* message(int value);
const char* extension(int value);
const char* cipher_suite(int value);
const char* foreign_suite(int value);  // of those that the library does not have
const char* compression(int value);
const char* point_format(int value);
const char* fragment_length(int value);
const char* signature_scheme(int value);
const char* psk_mode(int value);
const char* key_update(int value);
const char* certificate_type(int value);

// Room for a name that is put together.
struct NameBuffer {
  char text[48];
};
const char* group(int value, NameBuffer& buffer);

}  // namespace handfast::trace
