// The DER form of sessions, field by field, as d2i_SSL_SESSION reads it.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace twin {

inline std::string der_value(uint8_t tag, const std::string& content) {
  std::string result(1, static_cast<char>(tag));
  size_t size = content.size();
  if (size >= 0x100) {
    result += {'\x82', static_cast<char>(size >> 8)};
  } else if (size >= 0x80) {
    result += '\x81';
  }
  return result + static_cast<char>(size) + content;
}

/// INTEGER of a non-negative value.
inline std::string der_integer(uint64_t value) {
  std::string content;
  do {
    content.insert(content.begin(), static_cast<char>(value));
    value >>= 8;
  } while (value != 0);
  if (content[0] & 0x80) content.insert(content.begin(), '\0');
  return der_value(0x02, content);
}

inline std::string der_octets(const std::string& content) {
  return der_value(0x04, content);
}

inline std::string explicit_tag(int tag, const std::string& value) {
  return der_value(static_cast<uint8_t>(0xa0 | tag), value);
}

/// Encoded values, tags included, by the name of their field.
using SessionFields = std::map<std::string, std::string>;

/// The order of the sequence; the first five are mandatory.
inline const std::vector<std::string>& field_order() {
  static const std::vector<std::string> kOrder = {"form_version",
                                                  "protocol_version",
                                                  "cipher",
                                                  "id",
                                                  "master_key",
                                                  "key_argument",
                                                  "time",
                                                  "timeout",
                                                  "peer",
                                                  "id_context",
                                                  "verify_result",
                                                  "hostname",
                                                  "psk_identity_hint",
                                                  "psk_identity",
                                                  "ticket_lifetime_hint",
                                                  "ticket",
                                                  "compression",
                                                  "srp_username",
                                                  "flags",
                                                  "ticket_age_add",
                                                  "max_early_data",
                                                  "alpn",
                                                  "max_fragment_length_mode",
                                                  "ticket_appdata",
                                                  "group"};
  return kOrder;
}

inline bool mandatory(const std::string& field) {
  for (size_t i = 0; i < 5; i++) {
    if (field_order()[i] == field) return true;
  }
  return false;
}

inline SessionFields minimal_session() {
  return {{"form_version", der_integer(1)},
          {"protocol_version", der_integer(TLS1_3_VERSION)},
          {"cipher", der_octets("\x13\x01")},
          {"id", der_octets("")},
          {"master_key", der_octets(std::string(32, 'k'))}};
}

inline SessionFields full_session() {
  SessionFields fields = minimal_session();
  auto octets = [](int tag, const std::string& content) {
    return explicit_tag(tag, der_octets(content));
  };
  auto integer = [](int tag, uint64_t value) { return explicit_tag(tag, der_integer(value)); };
  fields["id"] = der_octets("0123456789abcdef0123456789abcdef");
  fields["time"] = integer(1, 1700000000);
  fields["timeout"] = integer(2, 7200);
  fields["id_context"] = octets(4, "context");
  fields["verify_result"] = integer(5, X509_V_ERR_CERT_HAS_EXPIRED);
  fields["hostname"] = octets(6, "example.org");
  fields["psk_identity_hint"] = octets(7, "a hint");
  fields["psk_identity"] = octets(8, "an identity");
  fields["ticket_lifetime_hint"] = integer(9, 86400);
  fields["ticket"] = octets(10, std::string(40, '\x8a') + std::string(160, 't'));
  fields["compression"] = octets(11, "\x07");
  fields["srp_username"] = octets(12, "somebody");
  fields["flags"] = integer(13, 1);
  fields["ticket_age_add"] = integer(14, 0xfedcba98);
  fields["max_early_data"] = integer(15, 16384);
  fields["alpn"] = octets(16, "h2");
  fields["max_fragment_length_mode"] = integer(17, 2);
  fields["ticket_appdata"] = octets(18, "data of the application");
  fields["group"] = integer(19, 29);
  return fields;
}

inline std::string session_der(const SessionFields& fields) {
  std::string content;
  for (const std::string& name : field_order()) {
    auto field = fields.find(name);
    if (field != fields.end()) content += field->second;
  }
  return der_value(0x30, content);
}

}  // namespace twin
