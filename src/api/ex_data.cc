// SSL_set_ex_data(3): the application's own pointers on contexts, connections and sessions.
#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include "config/context.h"
#include "connection/connection.h"
#include "session/session.h"

extern "C" {

int SSL_set_ex_data(SSL* ssl, int index, void* value) {
  return CRYPTO_set_ex_data(&ssl->ex_data, index, value);
}

void* SSL_get_ex_data(const SSL* ssl, int index) {
  return CRYPTO_get_ex_data(&ssl->ex_data, index);
}

int SSL_CTX_set_ex_data(SSL_CTX* ctx, int index, void* value) {
  return CRYPTO_set_ex_data(&ctx->ex_data, index, value);
}

void* SSL_CTX_get_ex_data(const SSL_CTX* ctx, int index) {
  return CRYPTO_get_ex_data(&ctx->ex_data, index);
}

int SSL_SESSION_set_ex_data(SSL_SESSION* session, int index, void* value) {
  return CRYPTO_set_ex_data(&session->ex_data, index, value);
}

void* SSL_SESSION_get_ex_data(const SSL_SESSION* session, int index) {
  return CRYPTO_get_ex_data(&session->ex_data, index);
}

}  // extern "C"
