// SSL_CTX_set_psk_client_callback(3), SSL_CTX_use_psk_identity_hint(3): pre-shared keys.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstring>

#include "connection/connection.h"

using handfast::Cow;
using handfast::Credentials;
using handfast::Hooks;

namespace {

template <typename Callback>
void set(Cow<Hooks>& hooks, Callback Hooks::*field, Callback callback) {
  Hooks* edited = hooks.edit();
  if (edited == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return;
  }
  edited->*field = callback;
}

int set_hint(Cow<Credentials>& credentials, const char* hint) {
  if (hint != nullptr && std::strlen(hint) > PSK_MAX_IDENTITY_LEN) {
    ERR_raise(ERR_LIB_SSL, SSL_R_DATA_LENGTH_TOO_LONG);
    return 0;
  }
  handfast::UniqueString copy(hint == nullptr ? nullptr : OPENSSL_strdup(hint));
  Credentials* edited = credentials.edit();
  if (edited == nullptr || (hint != nullptr && copy == nullptr)) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return 0;
  }
  edited->psk_identity_hint = std::move(copy);
  return 1;
}

}  // namespace

extern "C" {

void SSL_CTX_set_psk_client_callback(SSL_CTX* ctx, SSL_psk_client_cb_func callback) {
  set(ctx->hooks, &Hooks::psk_client, callback);
}

void SSL_set_psk_client_callback(SSL* ssl, SSL_psk_client_cb_func callback) {
  set(ssl->hooks, &Hooks::psk_client, callback);
}

void SSL_CTX_set_psk_server_callback(SSL_CTX* ctx, SSL_psk_server_cb_func callback) {
  set(ctx->hooks, &Hooks::psk_server, callback);
}

void SSL_set_psk_server_callback(SSL* ssl, SSL_psk_server_cb_func callback) {
  set(ssl->hooks, &Hooks::psk_server, callback);
}

void SSL_CTX_set_psk_find_session_callback(SSL_CTX* ctx, SSL_psk_find_session_cb_func callback) {
  set(ctx->hooks, &Hooks::psk_find_session, callback);
}

void SSL_set_psk_find_session_callback(SSL* ssl, SSL_psk_find_session_cb_func callback) {
  set(ssl->hooks, &Hooks::psk_find_session, callback);
}

void SSL_CTX_set_psk_use_session_callback(SSL_CTX* ctx, SSL_psk_use_session_cb_func callback) {
  set(ctx->hooks, &Hooks::psk_use_session, callback);
}

void SSL_set_psk_use_session_callback(SSL* ssl, SSL_psk_use_session_cb_func callback) {
  set(ssl->hooks, &Hooks::psk_use_session, callback);
}

int SSL_CTX_use_psk_identity_hint(SSL_CTX* ctx, const char* hint) {
  return set_hint(ctx->credentials, hint);
}

int SSL_use_psk_identity_hint(SSL* ssl, const char* hint) {
  return ssl == nullptr ? 0 : set_hint(ssl->credentials, hint);
}

const char* SSL_get_psk_identity_hint(const SSL* ssl) {
  if (ssl == nullptr || ssl->session == nullptr) return nullptr;
  return ssl->session->psk_identity_hint.get();
}

const char* SSL_get_psk_identity(const SSL* ssl) {
  if (ssl == nullptr || ssl->session == nullptr) return nullptr;
  return ssl->session->psk_identity.get();
}

}  // extern "C"
