// SSL_alert_type_string(3): names of alerts.
#include <openssl/ssl.h>

namespace {

struct AlertName {
  const char* brief;
  const char* full;
};

// `value` is what an info callback receives: level in the upper byte, description in the lower.
AlertName level_name(int value) {
  switch (value >> 8) {
    case SSL3_AL_WARNING:
      return {"W", "warning"};
    case SSL3_AL_FATAL:
      return {"F", "fatal"};
    default:
      return {"U", "unknown"};
  }
}

struct Description {
  unsigned char code;
  AlertName name;
};

// no_application_protocol has no letters of its own, and unexpected_message keeps its underscore:
// programs and their logs know them so. The alerts of TLS 1.3 are unknown to both functions.
constexpr Description kDescriptions[] = {
    {SSL_AD_CLOSE_NOTIFY, {"CN", "close notify"}},
    {SSL_AD_UNEXPECTED_MESSAGE, {"UM", "unexpected_message"}},
    {SSL_AD_BAD_RECORD_MAC, {"BM", "bad record mac"}},
    {SSL_AD_DECRYPTION_FAILED, {"DC", "decryption failed"}},
    {SSL_AD_RECORD_OVERFLOW, {"RO", "record overflow"}},
    {SSL_AD_DECOMPRESSION_FAILURE, {"DF", "decompression failure"}},
    {SSL_AD_HANDSHAKE_FAILURE, {"HF", "handshake failure"}},
    {SSL_AD_NO_CERTIFICATE, {"NC", "no certificate"}},
    {SSL_AD_BAD_CERTIFICATE, {"BC", "bad certificate"}},
    {SSL_AD_UNSUPPORTED_CERTIFICATE, {"UC", "unsupported certificate"}},
    {SSL_AD_CERTIFICATE_REVOKED, {"CR", "certificate revoked"}},
    {SSL_AD_CERTIFICATE_EXPIRED, {"CE", "certificate expired"}},
    {SSL_AD_CERTIFICATE_UNKNOWN, {"CU", "certificate unknown"}},
    {SSL_AD_ILLEGAL_PARAMETER, {"IP", "illegal parameter"}},
    {SSL_AD_UNKNOWN_CA, {"CA", "unknown CA"}},
    {SSL_AD_ACCESS_DENIED, {"AD", "access denied"}},
    {SSL_AD_DECODE_ERROR, {"DE", "decode error"}},
    {SSL_AD_DECRYPT_ERROR, {"CY", "decrypt error"}},
    {SSL_AD_EXPORT_RESTRICTION, {"ER", "export restriction"}},
    {SSL_AD_PROTOCOL_VERSION, {"PV", "protocol version"}},
    {SSL_AD_INSUFFICIENT_SECURITY, {"IS", "insufficient security"}},
    {SSL_AD_INTERNAL_ERROR, {"IE", "internal error"}},
    {SSL_AD_USER_CANCELLED, {"US", "user canceled"}},
    {SSL_AD_NO_RENEGOTIATION, {"NR", "no renegotiation"}},
    {SSL_AD_UNSUPPORTED_EXTENSION, {"UE", "unsupported extension"}},
    {SSL_AD_CERTIFICATE_UNOBTAINABLE, {"CO", "certificate unobtainable"}},
    {SSL_AD_UNRECOGNIZED_NAME, {"UN", "unrecognized name"}},
    {SSL_AD_BAD_CERTIFICATE_STATUS_RESPONSE, {"BR", "bad certificate status response"}},
    {SSL_AD_BAD_CERTIFICATE_HASH_VALUE, {"BH", "bad certificate hash value"}},
    {SSL_AD_UNKNOWN_PSK_IDENTITY, {"UP", "unknown PSK identity"}},
    {SSL_AD_NO_APPLICATION_PROTOCOL, {"UK", "no application protocol"}},
};

AlertName description_name(int value) {
  for (const Description& description : kDescriptions) {
    if (description.code == (value & 0xff)) return description.name;
  }
  return {"UK", "unknown"};
}

}  // namespace

extern "C" {

const char* SSL_alert_type_string(int value) {
  return level_name(value).brief;
}

const char* SSL_alert_type_string_long(int value) {
  return level_name(value).full;
}

const char* SSL_alert_desc_string(int value) {
  return description_name(value).brief;
}

const char* SSL_alert_desc_string_long(int value) {
  return description_name(value).full;
}

}  // extern "C"
