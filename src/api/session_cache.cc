// SSL_CTX_add_session(3), SSL_CTX_sess_set_get_cb(3), SSL_CTX_set_timeout(3): the internal session
// cache of an SSL_CTX and the callbacks for external ones.
#include "session/cache.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstring>

#include "config/context.h"
#include "connection/connection.h"

using handfast::Hooks;

namespace {

using NotResumable = int (*)(SSL* ssl, int is_forward_secure);

// Of an SSL_CTX or an SSL.
template <typename Holder>
Hooks* edit_hooks(Holder* holder) {
  Hooks* hooks = holder->hooks.edit();
  if (hooks == nullptr) ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return hooks;
}

template <typename Holder>
int set_generate_session_id(Holder* holder, GEN_SESSION_CB callback) {
  Hooks* hooks = edit_hooks(holder);
  if (hooks == nullptr) return 0;
  hooks->generate_session_id = callback;
  return 1;
}

template <typename Holder>
void set_not_resumable(Holder* holder, NotResumable callback) {
  if (Hooks* hooks = edit_hooks(holder)) hooks->not_resumable_session = callback;
}

}  // namespace

extern "C" {

int SSL_CTX_add_session(SSL_CTX* ctx, SSL_SESSION* session) {
  return handfast::add_session(*ctx, *session) ? 1 : 0;
}

int SSL_CTX_remove_session(SSL_CTX* ctx, SSL_SESSION* session) {
  return session != nullptr && handfast::remove_session(*ctx, *session) ? 1 : 0;
}

void SSL_CTX_flush_sessions(SSL_CTX* ctx, long time) {
  handfast::flush_sessions(*ctx, time);
}

LHASH_OF(SSL_SESSION) * SSL_CTX_sessions(SSL_CTX* ctx) {
  return ctx->sessions->table();
}

long SSL_CTX_set_timeout(SSL_CTX* ctx, long timeout) {
  if (ctx == nullptr) return 0;
  long previous = ctx->session_timeout;
  ctx->session_timeout = timeout;
  return previous;
}

long SSL_CTX_get_timeout(const SSL_CTX* ctx) {
  return ctx == nullptr ? 0 : ctx->session_timeout;
}

long SSL_get_default_timeout(const SSL*) {
  return handfast::kDefaultSessionTimeout;
}

void SSL_CTX_sess_set_new_cb(SSL_CTX* ctx, int (*callback)(SSL*, SSL_SESSION*)) {
  ctx->live.new_session = callback;
}

int (*SSL_CTX_sess_get_new_cb(SSL_CTX* ctx))(SSL*, SSL_SESSION*) {
  return ctx->live.new_session;
}

void SSL_CTX_sess_set_remove_cb(SSL_CTX* ctx, void (*callback)(SSL_CTX*, SSL_SESSION*)) {
  ctx->live.remove_session = callback;
}

void (*SSL_CTX_sess_get_remove_cb(SSL_CTX* ctx))(SSL_CTX*, SSL_SESSION*) {
  return ctx->live.remove_session;
}

void SSL_CTX_sess_set_get_cb(SSL_CTX* ctx,
                             SSL_SESSION* (*callback)(SSL*, const unsigned char*, int, int*)) {
  ctx->live.get_session = callback;
}

SSL_SESSION* (*SSL_CTX_sess_get_get_cb(SSL_CTX* ctx))(SSL*, const unsigned char*, int, int*) {
  return ctx->live.get_session;
}

int SSL_CTX_set_generate_session_id(SSL_CTX* ctx, GEN_SESSION_CB callback) {
  return set_generate_session_id(ctx, callback);
}

int SSL_set_generate_session_id(SSL* ssl, GEN_SESSION_CB callback) {
  return set_generate_session_id(ssl, callback);
}

int SSL_has_matching_session_id(const SSL* ssl, const unsigned char* id, unsigned int length) {
  handfast::SessionKey key;
  if (length > sizeof key.id) return 0;
  key.version = SSL_version(ssl);
  key.id_length = static_cast<uint8_t>(length);
  if (length > 0) std::memcpy(key.id, id, length);
  return ssl->session_ctx->sessions->find(key) != nullptr ? 1 : 0;
}

void SSL_CTX_set_not_resumable_session_callback(SSL_CTX* ctx, NotResumable callback) {
  set_not_resumable(ctx, callback);
}

void SSL_set_not_resumable_session_callback(SSL* ssl, NotResumable callback) {
  set_not_resumable(ssl, callback);
}

}  // extern "C"
