// TLS_method(3) and its siblings; which method an SSL_CTX or an SSL has.
#include "config/method.h"

#include <openssl/err.h>

#include "config/cipher_list.h"
#include "connection/connection.h"

using handfast::find_method;
using handfast::MethodRole;

#define METHODS(prefix, version)                     \
  const SSL_METHOD* prefix##_method(void) {          \
    return find_method(version, MethodRole::both);   \
  }                                                  \
  const SSL_METHOD* prefix##_client_method(void) {   \
    return find_method(version, MethodRole::client); \
  }                                                  \
  const SSL_METHOD* prefix##_server_method(void) {   \
    return find_method(version, MethodRole::server); \
  }

extern "C" {

METHODS(TLS, TLS_ANY_VERSION)
METHODS(TLSv1, TLS1_VERSION)
METHODS(TLSv1_1, TLS1_1_VERSION)
METHODS(TLSv1_2, TLS1_2_VERSION)
METHODS(DTLS, DTLS_ANY_VERSION)
METHODS(DTLSv1, DTLS1_VERSION)
METHODS(DTLSv1_2, DTLS1_2_VERSION)

const SSL_METHOD* SSL_CTX_get_ssl_method(const SSL_CTX* ctx) {
  return ctx->method;
}

// Cipher suites go back to the defaults.
int SSL_CTX_set_ssl_version(SSL_CTX* ctx, const SSL_METHOD* method) {
  ctx->method = method;
  if (!handfast::set_default_ciphers(*ctx)) {
    ERR_raise(ERR_LIB_SSL, SSL_R_SSL_LIBRARY_HAS_NO_CIPHERS);
    return 0;
  }
  return 1;
}

const SSL_METHOD* SSL_get_ssl_method(const SSL* ssl) {
  return ssl->method;
}

int SSL_set_ssl_method(SSL* ssl, const SSL_METHOD* method) {
  if (method->datagram != ssl->method->datagram) {
    // A handshake cannot change its channel.
    if (ssl->handshake != nullptr) {
      ERR_raise(ERR_LIB_SSL, ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
      return 0;
    }
    if (!ssl->channel.restart(method->datagram)) {
      ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
      return 0;
    }
  }
  ssl->method = method;
  return 1;
}

}  // extern "C"
