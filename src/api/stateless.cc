// SSL_stateless of DTLSv1_listen(3), and the callbacks for cookies,
// SSL_CTX_set_stateless_cookie_generate_cb(3).
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "connection/connection.h"
#include "handshake/handshake.h"

using handfast::Phase;

extern "C" {

int SSL_stateless(SSL* ssl) {
  // What came before is forgotten, unless it waits for this very call.
  if (!ssl->job.waits() && SSL_clear(ssl) == 0) return 0;
  ERR_clear_error();
  handfast::Entered entered(*ssl);
  ssl->stateless = true;
  int result = SSL_accept(ssl);
  ssl->stateless = false;
  const handfast::Handshake* hs = ssl->handshake.get();
  if (hs == nullptr || ssl->phase == Phase::failed) return -1;
  if (hs->cookie_ok) return result > 0 ? 1 : -1;
  return hs->hello_retry_request ? 0 : -1;
}

void SSL_CTX_set_stateless_cookie_generate_cb(SSL_CTX* ctx,
                                              int (*callback)(SSL* ssl, unsigned char* cookie,
                                                              size_t* length)) {
  ctx->live.generate_stateless_cookie = callback;
}

void SSL_CTX_set_stateless_cookie_verify_cb(SSL_CTX* ctx,
                                            int (*callback)(SSL* ssl, const unsigned char* cookie,
                                                            size_t length)) {
  ctx->live.verify_stateless_cookie = callback;
}

void SSL_CTX_set_cookie_generate_cb(SSL_CTX* ctx, int (*callback)(SSL* ssl, unsigned char* cookie,
                                                                  unsigned int* length)) {
  ctx->live.generate_cookie = callback;
}

void SSL_CTX_set_cookie_verify_cb(SSL_CTX* ctx,
                                  int (*callback)(SSL* ssl, const unsigned char* cookie,
                                                  unsigned int length)) {
  ctx->live.verify_cookie = callback;
}

}  // extern "C"
