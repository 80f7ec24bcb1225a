#include "api/trace_text.h"

#include "api/trace_names.h"

namespace handfast::trace {

void hex_line(Text& text, int indent, const char* name, View bytes) {
  text.indent(indent);
  text.printf("%s (len=%d): ", name, static_cast<int>(bytes.size()));
  text.hex(bytes);
  text.puts("\n");
}

void name_line(Text& text, int indent, const char* name, int value) {
  text.indent(indent);
  text.printf("%s (%d)\n", name, value);
}

bool version_line(Text& text, int indent, const char* name, Reader& in) {
  uint16_t version = 0;
  if (!in.u16(version)) return false;
  text.indent(indent);
  text.printf("%s=0x%x (%s)\n", name, version, trace::version(version));
  return true;
}

bool hex_vector8(Text& text, int indent, const char* name, Reader& in) {
  View bytes;
  if (!in.vector8(bytes)) return false;
  hex_line(text, indent, name, bytes);
  return true;
}

bool hex_vector16(Text& text, int indent, const char* name, Reader& in) {
  View bytes;
  if (!in.vector16(bytes)) return false;
  hex_line(text, indent, name, bytes);
  return true;
}

bool list8(Text& text, int indent, View list, NameOf name_of) {
  for (uint8_t value : list) name_line(text, indent, name_of(value), value);
  return true;
}

bool list16(Text& text, int indent, View list, NameOf name_of) {
  Reader in(list);
  uint16_t value = 0;
  if (list.size() % 2 != 0) return false;
  while (in.u16(value)) name_line(text, indent, name_of(value), value);
  return true;
}

bool list_groups(Text& text, int indent, View list) {
  Reader in(list);
  uint16_t value = 0;
  NameBuffer buffer;
  if (list.size() % 2 != 0) return false;
  while (in.u16(value)) name_line(text, indent, group(value, buffer), value);
  return true;
}

bool list_schemes(Text& text, int indent, View list) {
  Reader in(list);
  uint16_t value = 0;
  if (list.size() % 2 != 0) return false;
  while (in.u16(value)) {
    text.indent(indent);
    text.printf("%s (0x%04x)\n", signature_scheme(value), value);
  }
  return true;
}

}  // namespace handfast::trace
