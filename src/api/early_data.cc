// SSL_read_early_data(3), SSL_write_early_data(3); how much early data is welcome, and who may
// refuse it.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "config/context.h"
#include "connection/connection.h"
#include "driver/driver.h"

using handfast::Hooks;
using handfast::Policy;
using handfast::Role;
using State = handfast::EarlyDataState;

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

namespace {

// Called where the man page does not allow it.
int out_of_place(SSL* ssl, int result) {
  ssl->error_raised = true;
  ERR_raise(ERR_LIB_SSL, ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
  return result;
}

// Everything up to the state `ready` goes through the handshake.
bool handshake_for_early_data(SSL* ssl, Role role, State running, State retry, State ready) {
  // First: it makes a connection as new.
  if (ssl->role == Role::unset) handfast::set_role(*ssl, role);
  ssl->early_data.state = running;
  int result = SSL_do_handshake(ssl);
  ssl->early_data.state = result > 0 ? ready : retry;
  return result > 0;
}

// The rest of a server's early data, or its end.
int read_early(SSL* ssl, void* buffer, size_t length, size_t* done) {
  State& state = ssl->early_data.state;
  if (ssl->negotiated.early_data_status == SSL_EARLY_DATA_ACCEPTED) {
    state = State::reading;
    int result = SSL_read_ex(ssl, buffer, length, done);
    if (result > 0 || state != State::finished_reading) {
      state = State::read_retry;
      return result > 0 ? SSL_READ_EARLY_DATA_SUCCESS : SSL_READ_EARLY_DATA_ERROR;
    }
  }
  state = State::finished_reading;
  *done = 0;
  return SSL_READ_EARLY_DATA_FINISH;
}

int flush_early(SSL* ssl, size_t length, size_t* written) {
  if (!handfast::flush(*ssl)) return 0;
  *written = length;
  ssl->early_data.state = State::write_retry;
  return 1;
}

int write_early(SSL* ssl, const void* buffer, size_t length, size_t* written) {
  State& state = ssl->early_data.state;
  size_t count = 0;
  state = State::writing;
  if (SSL_write_ex(ssl, buffer, length, &count) == 0) {
    state = State::write_retry;
    return 0;
  }
  state = State::write_flush;
  return flush_early(ssl, length, written);
}

// A server writes to a client whose Finished it has not seen yet.
int write_unauthenticated(SSL* ssl, const void* buffer, size_t length, size_t* written) {
  State before = ssl->early_data.state;
  ssl->early_data.state = State::writing_unauthenticated;
  int result = SSL_write_ex(ssl, buffer, length, written);
  if (result > 0) (void)BIO_flush(ssl->wbio);
  ssl->early_data.state = before;
  return result;
}

bool may_begin_writing(const SSL* ssl) {
  bool has_session = ssl->session != nullptr && ssl->session->max_early_data > 0;
  return !ssl->server && SSL_in_before(ssl) != 0 &&
         (has_session || ssl->hooks->psk_use_session != nullptr);
}

}  // namespace

extern "C" {

int SSL_read_early_data(SSL* ssl, void* buffer, size_t length, size_t* done) {
  if (!ssl->server) return out_of_place(ssl, SSL_READ_EARLY_DATA_ERROR);
  switch (ssl->early_data.state) {
    case State::none:
      if (SSL_in_before(ssl) == 0) return out_of_place(ssl, SSL_READ_EARLY_DATA_ERROR);
      [[fallthrough]];
    case State::accept_retry:
      if (!handshake_for_early_data(ssl, Role::server, State::accepting, State::accept_retry,
                                    State::read_retry)) {
        return SSL_READ_EARLY_DATA_ERROR;
      }
      [[fallthrough]];
    case State::read_retry:
      return read_early(ssl, buffer, length, done);
    default:
      return out_of_place(ssl, SSL_READ_EARLY_DATA_ERROR);
  }
}

int SSL_write_early_data(SSL* ssl, const void* buffer, size_t length, size_t* written) {
  switch (ssl->early_data.state) {
    case State::none:
      if (!may_begin_writing(ssl)) return out_of_place(ssl, 0);
      [[fallthrough]];
    case State::connect_retry:
      if (!handshake_for_early_data(ssl, Role::client, State::connecting, State::connect_retry,
                                    State::write_retry)) {
        return 0;
      }
      [[fallthrough]];
    case State::write_retry:
      return write_early(ssl, buffer, length, written);
    case State::write_flush:
      return flush_early(ssl, length, written);
    case State::finished_reading:
    case State::read_retry:
      return write_unauthenticated(ssl, buffer, length, written);
    default:
      return out_of_place(ssl, 0);
  }
}

}  // extern "C"
