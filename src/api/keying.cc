// SSL_export_keying_material(3) and SSL_get_key_update_type(3).
#include <openssl/err.h>

#include "connection/connection.h"
#include "crypto/prf.h"
#include "wire/writer.h"

using handfast::as_view;
using handfast::Bytes;
using handfast::Connection;
using handfast::View;
using handfast::Writer;

namespace {

// RFC 8446 7.1: HkdfLabel.label has room for 255 bytes, "tls13 " included.
constexpr size_t kMaxLabelLength = 255 - 6;

int no_keys_yet() {
  ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
  return 0;
}

// RFC 8446 7.5: no context is an empty one.
int export13(const handfast::ExporterSecret& exporter, View label, View context,
             std::span<uint8_t> out) {
  if (exporter.empty()) return 0;
  if (label.size() > kMaxLabelLength) {
    ERR_raise(ERR_LIB_SSL, SSL_R_TLS_ILLEGAL_EXPORTER_LABEL);
    return 0;
  }
  return exporter.derive(label, context, out) ? 1 : 0;
}

// Labels of the handshake itself, whose values are secret. What follows a label in the PRF's input
// might complete one of them.
bool is_reserved(View input) {
  for (std::string_view label : {"client finished", "server finished", "master secret",
                                 "extended master secret", "key expansion"}) {
    if (input.size() >= label.size() &&
        handfast::equal(input.first(label.size()), as_view(label))) {
      return true;
    }
  }
  return false;
}

// RFC 5705 section 4.
int export12(const Connection& connection, View label, View context, bool use_context,
             std::span<uint8_t> out) {
  const handfast::Negotiated& negotiated = connection.negotiated;
  Bytes input;
  Writer writer(input);
  writer.bytes(label);
  writer.bytes(negotiated.client_random);
  writer.bytes(negotiated.server_random);
  if (use_context) writer.vector16(context);
  if (!writer.ok()) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return 0;
  }
  if (is_reserved(input.view())) {
    ERR_raise(ERR_LIB_SSL, SSL_R_TLS_ILLEGAL_EXPORTER_LABEL);
    return 0;
  }
  const handfast::Session* session = connection.session.get();
  // RFC 5705 4: made from the master secret.
  if (negotiated.suite == nullptr || session->master_key.empty()) return no_keys_yet();
  handfast::HashId hash = handfast::handshake_hash(*negotiated.suite, negotiated.version);
  return handfast::prf(connection.session_ctx->algorithms, hash, session->master_key.view(), "",
                       {input.view()}, out)
             ? 1
             : 0;
}

}  // namespace

extern "C" {

int SSL_export_keying_material(SSL* ssl, unsigned char* out, size_t length, const char* label,
                               size_t label_length, const unsigned char* context,
                               size_t context_length, int use_context) {
  if (ssl->session == nullptr) return -1;
  View label_view(reinterpret_cast<const uint8_t*>(label), label_length);
  View context_view(context, use_context != 0 ? context_length : 0);
  if (ssl->negotiated.version != 0 && ssl->negotiated.version < TLS1_3_VERSION) {
    return export12(*ssl, label_view, context_view, use_context != 0, {out, length});
  }
  if (ssl->negotiated.version == 0) return no_keys_yet();
  return export13(ssl->exporter, label_view, context_view, {out, length});
}

// Without early data there is no such secret: 0 without an error, as OpenSSL answers.
int SSL_export_keying_material_early(SSL* ssl, unsigned char* out, size_t length, const char* label,
                                     size_t label_length, const unsigned char* context,
                                     size_t context_length) {
  if (handfast::current_version(*ssl) != TLS1_3_VERSION) return 0;
  return export13(ssl->early_exporter, {reinterpret_cast<const uint8_t*>(label), label_length},
                  {context, context_length}, {out, length});
}

}  // extern "C"
