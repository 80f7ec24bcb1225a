// SSL_trace: a message callback (SSL_CTX_set_msg_callback(3)) that prints what it is shown.
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "api/trace12.h"
#include "api/trace_datagram.h"
#include "api/trace_names.h"
#include "api/trace_text.h"
#include "wire/crypto_types.h"
#include "wire/reader.h"

namespace {

using handfast::Reader;
using handfast::Text;
using handfast::View;
namespace trace = handfast::trace;
using trace::hex_line;
using trace::hex_vector16;
using trace::hex_vector8;
using trace::list16;
using trace::list8;
using trace::list_groups;
using trace::name_line;
using trace::Trace;
using trace::version_line;

// The whole of `body` as a vector.
bool only_vector8(View body, View& content) {
  Reader in(body);
  return in.vector8(content) && in.empty();
}

bool only_vector16(View body, View& content) {
  Reader in(body);
  return in.vector16(content) && in.empty();
}

// --- Extensions ---

bool alpn(Text& text, int indent, View body) {
  View list;
  if (!only_vector16(body, list)) return false;
  Reader in(list);
  while (!in.empty()) {
    View protocol;
    if (!in.vector8(protocol)) return false;
    text.indent(indent);
    text.bytes(protocol);
    text.puts("\n");
  }
  return true;
}

bool renegotiate(const Trace& trace, Text& text, int indent, View body) {
  View data;
  if (!only_vector8(body, data)) return false;
  if (data.empty()) {
    text.indent(indent);
    text.puts("<EMPTY>\n");
    return true;
  }
  if (!trace.answer()) {
    hex_line(text, indent, "client_verify_data", data);
    return true;
  }
  if (data.size() % 2 != 0) return false;
  hex_line(text, indent, "client_verify_data", data.first(data.size() / 2));
  hex_line(text, indent, "server_verify_data", data.subspan(data.size() / 2));
  return true;
}

void group_line(Text& text, int indent, int group) {
  trace::NameBuffer buffer;
  text.indent(indent);
  text.printf("NamedGroup: %s (%d)\n", trace::group(group, buffer), group);
}

bool key_share(const Trace& trace, Text& text, int indent, View body) {
  Reader in(body);
  uint16_t group = 0;
  // selected_group of a HelloRetryRequest.
  if (trace.answer() && body.size() == 2 && in.u16(group)) {
    group_line(text, indent, group);
    return true;
  }
  View shares = body;
  if (!trace.answer() && !only_vector16(body, shares)) return false;
  in = Reader(shares);
  while (!in.empty()) {
    View share;
    if (!in.u16(group) || !in.vector16(share)) return false;
    group_line(text, indent, group);
    hex_line(text, indent, "key_exchange: ", share);
  }
  return true;
}

bool supported_versions(const Trace& trace, Text& text, int indent, View body) {
  if (!trace.answer()) {
    View list;
    return only_vector8(body, list) && list16(text, indent, list, trace::version);
  }
  Reader in(body);
  uint16_t version = 0;
  if (!in.u16(version) || !in.empty()) return false;
  name_line(text, indent + 2, trace::version(version), version);
  return true;
}

bool early_data(const Trace& trace, Text& text, int indent, View body) {
  if (trace.message != SSL3_MT_NEWSESSION_TICKET) return true;
  Reader in(body);
  uint32_t limit = 0;
  if (!in.u32(limit) || !in.empty()) return false;
  text.indent(indent);
  text.printf("max_early_data=%u\n", limit);
  return true;
}

bool extension_body(Trace& trace, int indent, int type, View body) {
  Text& text = trace.text;
  View list;
  switch (type) {
    case TLSEXT_TYPE_max_fragment_length:
      return !body.empty() && list8(text, indent, body, trace::fragment_length);
    case TLSEXT_TYPE_ec_point_formats:
      return only_vector8(body, list) && list8(text, indent, list, trace::point_format);
    case TLSEXT_TYPE_supported_groups:
      return only_vector16(body, list) && list_groups(text, indent, list);
    case TLSEXT_TYPE_application_layer_protocol_negotiation:
      return alpn(text, indent, body);
    case TLSEXT_TYPE_signature_algorithms:
      return only_vector16(body, list) && trace::list_schemes(text, indent, list);
    case TLSEXT_TYPE_renegotiate:
      return renegotiate(trace, text, indent + 2, body);
    case TLSEXT_TYPE_session_ticket:
      if (!body.empty()) hex_line(text, indent + 2, "ticket", body);
      return true;
    case TLSEXT_TYPE_key_share:
      return key_share(trace, text, indent + 2, body);
    case TLSEXT_TYPE_supported_versions:
      return supported_versions(trace, text, indent, body);
    case TLSEXT_TYPE_psk_kex_modes:
      return only_vector8(body, list) && list8(text, indent, list, trace::psk_mode);
    case TLSEXT_TYPE_early_data:
      return early_data(trace, text, indent, body);
    default:
      text.dump(body, indent);
      return true;
  }
}

bool extension_list(Trace& trace, int indent, View block) {
  Reader in(block);
  while (!in.empty()) {
    View rest = in.rest();
    uint16_t type = 0, length = 0;
    View body;
    if (!in.u16(type) || !in.u16(length)) return false;
    if (!in.bytes(length, body)) {
      trace.text.printf("extensions, extype = %d, extlen = %d\n", type, length);
      trace.text.dump(rest, indent);
      return false;
    }
    trace.text.indent(indent);
    trace.text.printf("extension_type=%s(%d), length=%d\n", trace::extension(type), type, length);
    if (!extension_body(trace, indent + 2, type, body)) return false;
  }
  return true;
}

bool extensions(Trace& trace, int indent, Reader& in) {
  trace.text.indent(indent);
  View block;
  if (!in.empty() && !in.vector16(block)) return false;
  if (block.empty()) {
    trace.text.puts("No extensions\n");
    return true;
  }
  trace.text.printf("extensions, length = %d\n", static_cast<int>(block.size()));
  return extension_list(trace, indent + 2, block);
}

// --- Messages ---

// Before TLS 1.3 the first four bytes were a clock's (RFC 5246 section 7.4.1.2).
bool random(Text& text, int indent, Reader& in) {
  uint32_t time = 0;
  View rest;
  if (in.size() < SSL3_RANDOM_SIZE || !in.u32(time) || !in.bytes(SSL3_RANDOM_SIZE - 4, rest)) {
    return false;
  }
  text.indent(indent);
  text.puts("Random:\n");
  text.indent(indent + 2);
  text.printf("gmt_unix_time=0x%08X\n", time);
  hex_line(text, indent + 2, "random_bytes", rest);
  return true;
}

bool cipher_suites(Text& text, int indent, Reader& in) {
  uint16_t length = 0;
  View list;
  if (!in.u16(length)) return false;
  text.indent(indent);
  text.printf("cipher_suites (len=%d)\n", length);
  if (!in.bytes(length, list) || length % 2 != 0) return false;
  Reader suites(list);
  uint16_t suite = 0;
  while (suites.u16(suite)) {
    text.indent(indent + 2);
    text.printf("{0x%02X, 0x%02X} %s\n", suite >> 8, suite & 0xff, trace::cipher_suite(suite));
  }
  return true;
}

bool compression_methods(Text& text, int indent, Reader& in) {
  View list;
  if (!in.vector8(list)) return false;
  text.indent(indent);
  text.printf("compression_methods (len=%d)\n", static_cast<int>(list.size()));
  for (uint8_t method : list) {
    text.indent(indent + 2);
    text.printf("%s (0x%02X)\n", trace::compression(method), method);
  }
  return true;
}

bool client_hello(Trace& trace, int indent, Reader& in) {
  Text& text = trace.text;
  return version_line(text, indent, "client_version", in) && random(text, indent, in) &&
         hex_vector8(text, indent, "session_id", in) &&
         (!trace.datagram() || hex_vector8(text, indent, "cookie", in)) &&
         cipher_suites(text, indent, in) && compression_methods(text, indent, in) &&
         extensions(trace, indent, in);
}

bool server_hello(Trace& trace, int indent, Reader& in) {
  Text& text = trace.text;
  uint16_t suite = 0;
  uint8_t compression = 0;
  if (!version_line(text, indent, "server_version", in) || !random(text, indent, in) ||
      !hex_vector8(text, indent, "session_id", in) || !in.u16(suite)) {
    return false;
  }
  text.indent(indent);
  text.printf("cipher_suite {0x%02X, 0x%02X} %s\n", suite >> 8, suite & 0xff,
              trace::cipher_suite(suite));
  if (!in.u8(compression)) return false;
  text.indent(indent);
  text.printf("compression_method: %s (0x%02X)\n", trace::compression(compression), compression);
  return extensions(trace, indent, in);
}

bool certificate_entry(Trace& trace, int indent, Reader& in) {
  Text& text = trace.text;
  View der;
  if (!in.vector24(der)) return false;
  text.indent(indent);
  text.printf("ASN.1Cert, length=%d", static_cast<int>(der.size()));
  const unsigned char* end = der.data();
  handfast::X509Ptr certificate(d2i_X509(nullptr, &end, static_cast<long>(der.size())));
  if (certificate == nullptr) {
    text.puts("<UNPARSABLE CERTIFICATE>\n");
  } else {
    text.puts("\n------details-----\n");
    X509_print_ex(text.bio(), certificate.get(), XN_FLAG_ONELINE, 0);
    PEM_write_bio_X509(text.bio(), certificate.get());
    text.puts("------------------\n");
  }
  if (end != der.data() + der.size()) text.puts("<TRAILING GARBAGE AFTER CERTIFICATE>\n");
  return !trace.tls13() || extensions(trace, indent, in);
}

bool certificates(Trace& trace, int indent, Reader& in) {
  View list;
  if (trace.tls13() && !hex_vector8(trace.text, indent, "context", in)) return false;
  if (!in.vector24(list) || !in.empty()) return false;
  trace.text.indent(indent);
  trace.text.printf("certificate_list, length=%d\n", static_cast<int>(list.size()));
  Reader entries(list);
  while (!entries.empty()) {
    if (!certificate_entry(trace, indent + 2, entries)) return false;
  }
  return true;
}

bool ticket(Trace& trace, int indent, Reader& in) {
  Text& text = trace.text;
  uint32_t lifetime = 0, age_add = 0;
  if (in.empty()) {
    text.indent(indent);
    text.puts("No Ticket\n");
    return true;
  }
  if (!in.u32(lifetime)) return false;
  text.indent(indent);
  text.printf("ticket_lifetime_hint=%u\n", lifetime);
  if (!trace.tls13()) return hex_vector16(text, indent, "ticket", in) && in.empty();
  if (!in.u32(age_add)) return false;
  text.indent(indent);
  text.printf("ticket_age_add=%u\n", age_add);
  return hex_vector8(text, indent, "ticket_nonce", in) &&
         hex_vector16(text, indent, "ticket", in) && extensions(trace, indent, in) && in.empty();
}

bool key_update(Text& text, int indent, Reader& in) {
  if (in.size() == 1) return list8(text, indent, in.rest(), trace::key_update);
  hex_line(text, indent, "unexpected value", in.rest());
  return false;
}

bool unsupported(Text& text, int indent, Reader& in) {
  text.indent(indent);
  text.puts("Unsupported, hex dump follows:\n");
  text.dump(in.rest(), indent + 2);
  return true;
}

bool message_body(Trace& trace, int indent, Reader& in) {
  Text& text = trace.text;
  switch (trace.message) {
    case SSL3_MT_CLIENT_HELLO:
      return client_hello(trace, indent, in);
    case DTLS1_MT_HELLO_VERIFY_REQUEST:
      return trace::hello_verify_request(trace, indent, in);
    case SSL3_MT_SERVER_HELLO:
      return server_hello(trace, indent, in);
    case SSL3_MT_ENCRYPTED_EXTENSIONS:
      return extensions(trace, indent, in);
    case SSL3_MT_CERTIFICATE:
      return certificates(trace, indent, in);
    case SSL3_MT_SERVER_KEY_EXCHANGE:
      return trace::server_key_exchange(trace, indent, in);
    case SSL3_MT_CLIENT_KEY_EXCHANGE:
      return trace::client_key_exchange(trace, indent, in);
    case SSL3_MT_CERTIFICATE_REQUEST:
      if (!trace.tls13()) return trace::certificate_request(trace, indent, in);
      return hex_vector8(text, indent, "request_context", in) && extensions(trace, indent, in);
    case SSL3_MT_CERTIFICATE_VERIFY:
      return trace::signature(trace, indent, in);
    case SSL3_MT_FINISHED:
      hex_line(text, indent, "verify_data", in.rest());
      return true;
    case SSL3_MT_SERVER_DONE:
      if (!in.empty()) hex_line(text, indent, "unexpected value", in.rest());
      return true;
    case SSL3_MT_NEWSESSION_TICKET:
      return ticket(trace, indent + 2, in);
    case SSL3_MT_KEY_UPDATE:
      return key_update(text, indent, in);
    default:
      return unsupported(text, indent, in);
  }
}

bool handshake(Trace& trace, int indent, View bytes) {
  Reader in(bytes);
  uint32_t length = 0;
  if (!in.u8(trace.message) || !in.u24(length)) return false;
  trace.text.indent(indent);
  trace.text.printf("%s, Length=%d\n", trace::message(trace.message), static_cast<int>(length));
  if (trace.datagram() && !trace::fragment_position(trace.text, indent, in)) return false;
  return in.size() >= length && message_body(trace, indent + 2, in);
}

// --- Records ---

void record_header(Trace& trace, bool written, View header) {
  Text& text = trace.text;
  size_t whole = trace.datagram() ? DTLS1_RT_HEADER_LENGTH : SSL3_RT_HEADER_LENGTH;
  text.puts(written ? "Sent" : "Received");
  if (header.size() < whole) {
    return hex_line(text, 0, " too short message", header);
  }
  int version = header[1] << 8 | header[2];
  int length = header[header.size() - 2] << 8 | header[header.size() - 1];
  text.printf(" Record\nHeader:\n  Version = %s (0x%x)\n", trace::version(version), version);
  if (trace.datagram()) trace::record_position(text, header);
  text.printf("  Content Type = %s (%d)\n  Length = %d", trace::content_type(header[0]), header[0],
              length);
}

void alert(Text& text, View bytes) {
  if (bytes.size() != 2) return text.puts("    Illegal Alert Length\n");
  text.printf("    Level=%s(%d), description=%s(%d)\n", SSL_alert_type_string_long(bytes[0] << 8),
              bytes[0], SSL_alert_desc_string_long(bytes[1]), bytes[1]);
}

void change_cipher_spec(Text& text, View bytes) {
  if (bytes.size() == 1 && bytes[0] == 1) return text.puts("    change_cipher_spec (1)\n");
  hex_line(text, 4, "unknown value", bytes);
}

}  // namespace

extern "C" void SSL_trace(int written, int, int content_type, const void* buffer, size_t length,
                          SSL* ssl, void* argument) {
  Trace trace{Text(static_cast<BIO*>(argument)), ssl};
  View bytes(static_cast<const uint8_t*>(buffer), length);
  switch (content_type) {
    case SSL3_RT_HEADER:
      record_header(trace, written != 0, bytes);
      break;
    case SSL3_RT_INNER_CONTENT_TYPE:
      trace.text.printf("  Inner Content Type = %s (%d)", trace::content_type(bytes[0]), bytes[0]);
      break;
    case SSL3_RT_HANDSHAKE:
      if (!handshake(trace, 4, bytes)) trace.text.puts("Message length parse error!\n");
      break;
    case SSL3_RT_CHANGE_CIPHER_SPEC:
      change_cipher_spec(trace.text, bytes);
      break;
    case SSL3_RT_ALERT:
      alert(trace.text, bytes);
      break;
    default:
      break;
  }
  trace.text.puts("\n");
}
