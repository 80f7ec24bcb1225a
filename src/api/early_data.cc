// SSL_read_early_data(3): how much early data is welcome, and who may refuse it.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "config/context.h"
#include "connection/connection.h"

using handfast::Hooks;
using handfast::Policy;

namespace {

template <typename Holder>
int set_limit(Holder* holder, uint32_t Policy::*limit, uint32_t bytes) {
  Policy* policy = holder->policy.edit();
  if (policy == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return 0;
  }
  policy->*limit = bytes;
  return 1;
}

template <typename Holder>
void set_allow(Holder* holder, SSL_allow_early_data_cb_fn callback, void* argument) {
  Hooks* hooks = holder->hooks.edit();
  if (hooks == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return;
  }
  hooks->allow_early_data = callback;
  hooks->allow_early_data_argument = argument;
}

}  // namespace

extern "C" {

int SSL_CTX_set_max_early_data(SSL_CTX* ctx, uint32_t bytes) {
  return set_limit(ctx, &Policy::max_early_data, bytes);
}

uint32_t SSL_CTX_get_max_early_data(const SSL_CTX* ctx) {
  return ctx->policy->max_early_data;
}

int SSL_set_max_early_data(SSL* ssl, uint32_t bytes) {
  return set_limit(ssl, &Policy::max_early_data, bytes);
}

uint32_t SSL_get_max_early_data(const SSL* ssl) {
  return ssl->policy->max_early_data;
}

int SSL_CTX_set_recv_max_early_data(SSL_CTX* ctx, uint32_t bytes) {
  return set_limit(ctx, &Policy::recv_max_early_data, bytes);
}

uint32_t SSL_CTX_get_recv_max_early_data(const SSL_CTX* ctx) {
  return ctx->policy->recv_max_early_data;
}

int SSL_set_recv_max_early_data(SSL* ssl, uint32_t bytes) {
  return set_limit(ssl, &Policy::recv_max_early_data, bytes);
}

uint32_t SSL_get_recv_max_early_data(const SSL* ssl) {
  return ssl->policy->recv_max_early_data;
}

void SSL_CTX_set_allow_early_data_cb(SSL_CTX* ctx, SSL_allow_early_data_cb_fn callback,
                                     void* argument) {
  set_allow(ctx, callback, argument);
}

void SSL_set_allow_early_data_cb(SSL* ssl, SSL_allow_early_data_cb_fn callback, void* argument) {
  set_allow(ssl, callback, argument);
}

int SSL_get_early_data_status(const SSL* ssl) {
  return ssl->negotiated.early_data_status;
}

}  // extern "C"
