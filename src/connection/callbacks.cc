#include <openssl/err.h>

#include "connection/connection.h"
#include "wire/allocate.h"

namespace handfast {

void call_info(const Connection& connection, int where, int value) {
  InfoCallback callback = connection.hooks->info;
  if (callback == nullptr) callback = connection.ctx->live.info;
  if (callback != nullptr) callback(&connection, where, value);
}

void call_message(Connection& connection, bool written, int version, int content_type, View bytes) {
  const Hooks& hooks = *connection.hooks;
  if (hooks.message == nullptr) return;
  hooks.message(written ? 1 : 0, version, content_type, bytes.data(), bytes.size(), &connection,
                hooks.message_argument);
}

namespace {

size_t ask_padding(SSL* ssl, int type, size_t length, void*) {
  const Hooks& hooks = *ssl->hooks;
  return hooks.record_padding(ssl, type, length, hooks.record_padding_argument);
}

}  // namespace

size_t fragment_limit(const Connection& connection) {
  size_t limit = connection.policy->max_send_fragment;
  uint8_t mode = connection.session == nullptr ? 0 : connection.session->max_fragment_length_mode;
  // RFC 6066 4: 2^9 to 2^12 bytes.
  if (mode < TLSEXT_max_fragment_length_512 || mode > TLSEXT_max_fragment_length_4096) return limit;
  size_t negotiated = size_t{512} << (mode - 1);
  return negotiated < limit ? negotiated : limit;
}

void follow_write_settings(Connection& connection) {
  RecordPadding padding;
  padding.block = connection.policy->block_padding;
  padding.limit = fragment_limit(connection);
  padding.callback = connection.hooks->record_padding != nullptr ? ask_padding : nullptr;
  padding.ssl = &connection;
  connection.channel.writer.set_padding(padding);
}

namespace {

constexpr char kHex[] = "0123456789abcdef";

char* put_hex(char* out, View bytes) {
  for (uint8_t byte : bytes) {
    *out++ = kHex[byte >> 4];
    *out++ = kHex[byte & 15];
  }
  return out;
}

}  // namespace

void log_secret(Connection& connection, const char* label, View secret) {
  log_line(connection, label, connection.negotiated.client_random, secret);
}

void log_line(Connection& connection, const char* label, View id, View secret) {
  SSL_CTX_keylog_cb_func callback = connection.ctx->live.keylog;
  if (callback == nullptr) return;
  size_t label_length = std::strlen(label);
  size_t length = label_length + 1 + 2 * id.size() + 1 + 2 * secret.size() + 1;
  auto* line = static_cast<char*>(OPENSSL_malloc(length));
  if (line == nullptr) return;
  std::memcpy(line, label, label_length);
  char* out = line + label_length;
  *out++ = ' ';
  out = put_hex(out, id);
  *out++ = ' ';
  out = put_hex(out, secret);
  *out = '\0';
  callback(&connection, line);
  OPENSSL_clear_free(line, length);
}

}  // namespace handfast
