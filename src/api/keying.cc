// SSL_export_keying_material(3) and SSL_get_key_update_type(3).
#include <openssl/err.h>

#include "connection/connection.h"

using handfast::View;

namespace {

// RFC 8446 7.1: HkdfLabel.label has room for 255 bytes, "tls13 " included.
constexpr size_t kMaxLabelLength = 255 - 6;

}  // namespace

extern "C" {

// RFC 8446 7.5: no context is an empty one.
int SSL_export_keying_material(SSL* ssl, unsigned char* out, size_t length, const char* label,
                               size_t label_length, const unsigned char* context,
                               size_t context_length, int use_context) {
  if (ssl->session == nullptr) return -1;
  if (ssl->exporter.empty()) return 0;
  if (label_length > kMaxLabelLength) {
    ERR_raise(ERR_LIB_SSL, SSL_R_TLS_ILLEGAL_EXPORTER_LABEL);
    return 0;
  }
  View label_view(reinterpret_cast<const uint8_t*>(label), label_length);
  View context_view(context, use_context != 0 ? context_length : 0);
  return ssl->exporter.derive(label_view, context_view, {out, length}) ? 1 : 0;
}

// There is no early secret before early data was accepted: 0 without an error, as OpenSSL answers.
int SSL_export_keying_material_early(SSL*, unsigned char*, size_t, const char*, size_t,
                                     const unsigned char*, size_t) {
  return 0;
}

}  // extern "C"
