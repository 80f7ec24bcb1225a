// SSL_stateless of DTLSv1_listen(3), and the callbacks for cookies,
// SSL_CTX_set_stateless_cookie_generate_cb(3).
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "connection/connection.h"
#include "handshake/handshake.h"

using handfast::EarlyDataState;
using handfast::Phase;
using handfast::Role;

namespace {

// The ClientHello that comes may be the second, and another SSL may have seen the first.
bool expect_hello(SSL* ssl) {
  const bool early_data = ssl->early_data.state != EarlyDataState::none;
  if (SSL_clear(ssl) == 0) return false;
  if (ssl->role == Role::unset) SSL_set_accept_state(ssl);
  if (ssl->role != Role::server) return true;
  handfast::RecordReader& reader = ssl->channel.reader;
  // RFC 8446 5: change_cipher_spec is dropped "at any time after the first ClientHello".
  reader.allow_change_cipher_spec(true);
  // RFC 8446 4.2.10: early data behind a hello that is retried is skipped. What follows upon
  // SSL_read_early_data(3) belongs to the handshake that was given up.
  if (!early_data) reader.skip_early_data(ssl->policy->recv_max_early_data, true);
  return true;
}

}  // namespace

extern "C" {

int SSL_stateless(SSL* ssl) {
  // What came before is forgotten, unless it waits for this very call.
  if (!ssl->job.waits() && !expect_hello(ssl)) return 0;
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
