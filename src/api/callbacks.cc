// SSL_CTX_set_info_callback(3), SSL_CTX_set_msg_callback(3), SSL_CTX_set_keylog_callback(3),
// SSL_set_async_callback(3).
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "connection/connection.h"

using handfast::Hooks;
using handfast::InfoCallback;
using handfast::MessageCallback;

namespace {

Hooks* editable(handfast::Cow<Hooks>& hooks) {
  Hooks* edited = hooks.edit();
  if (edited == nullptr) ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return edited;
}

}  // namespace

extern "C" {

void SSL_CTX_set_info_callback(SSL_CTX* ctx, InfoCallback callback) {
  ctx->live.info = callback;
}

InfoCallback SSL_CTX_get_info_callback(SSL_CTX* ctx) {
  return ctx->live.info;
}

void SSL_set_info_callback(SSL* ssl, InfoCallback callback) {
  if (Hooks* hooks = editable(ssl->hooks)) hooks->info = callback;
}

InfoCallback SSL_get_info_callback(const SSL* ssl) {
  return ssl->hooks->info;
}

void SSL_CTX_set_msg_callback(SSL_CTX* ctx, MessageCallback callback) {
  if (Hooks* hooks = editable(ctx->hooks)) hooks->message = callback;
}

void SSL_set_msg_callback(SSL* ssl, MessageCallback callback) {
  if (Hooks* hooks = editable(ssl->hooks)) hooks->message = callback;
}

void SSL_CTX_set_keylog_callback(SSL_CTX* ctx, SSL_CTX_keylog_cb_func callback) {
  ctx->live.keylog = callback;
}

SSL_CTX_keylog_cb_func SSL_CTX_get_keylog_callback(const SSL_CTX* ctx) {
  return ctx->live.keylog;
}

int SSL_CTX_set_async_callback(SSL_CTX* ctx, SSL_async_callback_fn callback) {
  Hooks* hooks = editable(ctx->hooks);
  if (hooks != nullptr) hooks->async = callback;
  return hooks != nullptr;
}

int SSL_CTX_set_async_callback_arg(SSL_CTX* ctx, void* argument) {
  Hooks* hooks = editable(ctx->hooks);
  if (hooks != nullptr) hooks->async_argument = argument;
  return hooks != nullptr;
}

int SSL_set_async_callback(SSL* ssl, SSL_async_callback_fn callback) {
  Hooks* hooks = editable(ssl->hooks);
  if (hooks != nullptr) hooks->async = callback;
  return hooks != nullptr;
}

int SSL_set_async_callback_arg(SSL* ssl, void* argument) {
  Hooks* hooks = editable(ssl->hooks);
  if (hooks != nullptr) hooks->async_argument = argument;
  return hooks != nullptr;
}

}  // extern "C"
