#include <openssl/err.h>

#include "connection/connection.h"
#include "wire/allocate.h"

namespace handfast {

void call_info(const Connection& connection, int where, int value) {
  InfoCallback callback = connection.hooks->info;
  if (callback == nullptr) callback = connection.ctx->live.info;
  if (callback != nullptr) callback(&connection, where, value);
}

void call_message(Connection& connection, bool written, int version, int content_type,
                  View bytes) {
  const Hooks& hooks = *connection.hooks;
  if (hooks.message == nullptr) return;
  hooks.message(written ? 1 : 0, version, content_type, bytes.data(), bytes.size(), &connection,
                hooks.message_argument);
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
  SSL_CTX_keylog_cb_func callback = connection.ctx->live.keylog;
  if (callback == nullptr) return;
  size_t label_length = std::strlen(label);
  View random{connection.negotiated.client_random};
  size_t length = label_length + 1 + 2 * random.size() + 1 + 2 * secret.size() + 1;
  auto* line = static_cast<char*>(OPENSSL_malloc(length));
  if (line == nullptr) return;
  std::memcpy(line, label, label_length);
  char* out = line + label_length;
  *out++ = ' ';
  out = put_hex(out, random);
  *out++ = ' ';
  out = put_hex(out, secret);
  *out = '\0';
  callback(&connection, line);
  OPENSSL_clear_free(line, length);
}

}  // namespace handfast
