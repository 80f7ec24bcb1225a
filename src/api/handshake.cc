// SSL_do_handshake(3), SSL_connect(3), SSL_accept(3), SSL_get_state(3), SSL_key_update(3),
// SSL_verify_client_post_handshake(3).
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "connection/connection.h"
#include "driver/driver.h"
#include "handshake/certificates.h"

using handfast::Call;
using handfast::Phase;
using handfast::Role;

namespace {

// RFC 8446 has no renegotiation.
int request_renegotiation(SSL* ssl, bool fresh) {
  if (ssl->negotiated.version == TLS1_3_VERSION || ssl->method->version == TLS1_3_VERSION) {
    ERR_raise(ERR_LIB_SSL, SSL_R_WRONG_SSL_VERSION);
    return 0;
  }
  if ((ssl->policy->options & SSL_OP_NO_RENEGOTIATION) != 0) {
    ERR_raise(ERR_LIB_SSL, SSL_R_NO_RENEGOTIATION);
    return 0;
  }
  ssl->renegotiation.requested = true;
  ssl->renegotiation.fresh = fresh;
  if (ssl->role != Role::unset) ssl->renegotiation.due = true;
  return 1;
}

// Why a client cannot be asked for a certificate now; 0: it can.
int refusal_to_request(const SSL* ssl) {
  if (ssl->negotiated.version != TLS1_3_VERSION) return SSL_R_WRONG_SSL_VERSION;
  if (!ssl->server) return SSL_R_NOT_SERVER;
  if (SSL_is_init_finished(ssl) == 0) return SSL_R_STILL_IN_INIT;
  if (ssl->post_auth == nullptr) return SSL_R_EXTENSION_NOT_RECEIVED;
  if (ssl->post_auth->sent != nullptr) return SSL_R_REQUEST_SENT;
  return handfast::may_request_certificate(*ssl) ? 0 : SSL_R_INVALID_CONFIG;
}

}  // namespace

extern "C" {

int SSL_do_handshake(SSL* ssl) {
  if (ssl->role == Role::unset) {
    ERR_raise(ERR_LIB_SSL, SSL_R_CONNECTION_TYPE_NOT_SET);
    return -1;
  }
  // A handshake may wait in a callback that comes when it is done.
  const bool waits = ssl->job.waits() && ssl->job.kind == Call::Kind::handshake;
  if (!ssl->job.waits()) {
    handfast::start_renegotiation(*ssl, false);
    handfast::leave_early_data(*ssl, handfast::Caller::handshake);
  }
  if (!ssl->in_init && !waits) return 1;
  size_t none = 0;
  return handfast::run_call(*ssl, {.kind = Call::Kind::handshake}, none);
}

int SSL_connect(SSL* ssl) {
  if (ssl->role == Role::unset) SSL_set_connect_state(ssl);
  return SSL_do_handshake(ssl);
}

int SSL_accept(SSL* ssl) {
  if (ssl->role == Role::unset) SSL_set_accept_state(ssl);
  return SSL_do_handshake(ssl);
}

OSSL_HANDSHAKE_STATE SSL_get_state(const SSL* ssl) {
  return ssl->state;
}

int SSL_in_init(const SSL* ssl) {
  return ssl->in_init ? 1 : 0;
}

int SSL_is_init_finished(const SSL* ssl) {
  return !ssl->in_init && ssl->state == TLS_ST_OK;
}

int SSL_in_before(const SSL* ssl) {
  return ssl->phase == Phase::before && ssl->state == TLS_ST_BEFORE ? 1 : 0;
}

int SSL_key_update(SSL* ssl, int type) {
  if (ssl->negotiated.version != TLS1_3_VERSION) {
    ERR_raise(ERR_LIB_SSL, SSL_R_WRONG_SSL_VERSION);
    return 0;
  }
  if (type != SSL_KEY_UPDATE_NOT_REQUESTED && type != SSL_KEY_UPDATE_REQUESTED) {
    ERR_raise(ERR_LIB_SSL, SSL_R_INVALID_KEY_UPDATE_TYPE);
    return 0;
  }
  if (!SSL_is_init_finished(ssl)) {
    ERR_raise(ERR_LIB_SSL, SSL_R_STILL_IN_INIT);
    return 0;
  }
  if (ssl->channel.unsent()) {
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_WRITE_RETRY);
    return 0;
  }
  ssl->in_init = true;
  ssl->key_update = type;
  return 1;
}

int SSL_renegotiate(SSL* ssl) {
  return request_renegotiation(ssl, true);
}

int SSL_renegotiate_abbreviated(SSL* ssl) {
  return request_renegotiation(ssl, false);
}

int SSL_renegotiate_pending(const SSL* ssl) {
  return ssl->renegotiation.requested ? 1 : 0;
}

void SSL_CTX_set_post_handshake_auth(SSL_CTX* ctx, int value) {
  if (handfast::Policy* policy = ctx->policy.edit()) policy->post_handshake_auth = value != 0;
}

void SSL_set_post_handshake_auth(SSL* ssl, int value) {
  if (handfast::Policy* policy = ssl->policy.edit()) policy->post_handshake_auth = value != 0;
}

int SSL_verify_client_post_handshake(SSL* ssl) {
  int reason = refusal_to_request(ssl);
  if (reason != 0) {
    ERR_raise(ERR_LIB_SSL, reason);
    return 0;
  }
  ssl->post_auth->due = true;
  ssl->in_init = true;
  return 1;
}

int SSL_get_key_update_type(const SSL* ssl) {
  return ssl->key_update;
}

}  // extern "C"
