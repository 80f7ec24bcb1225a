// SSL_read(3), SSL_write(3), SSL_pending(3), SSL_shutdown(3), SSL_get_error(3), SSL_want(3).
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "connection/connection.h"
#include "driver/driver.h"
#include "driver/kernel_tls.h"

using handfast::Call;
using handfast::Phase;
using handfast::Policy;
using handfast::Role;

namespace {

Policy* editable(handfast::Cow<Policy>& policy) {
  Policy* edited = policy.edit();
  if (edited == nullptr) ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return edited;
}

int refuse(SSL* ssl, int reason) {
  ssl->error_raised = true;
  ERR_raise(ERR_LIB_SSL, reason);
  return -1;
}

bool ready_for_io(SSL* ssl) {
  if (ssl->role != Role::unset) return true;
  refuse(ssl, SSL_R_UNINITIALIZED);
  return false;
}

// SSL_read_early_data(3), SSL_write_early_data(3): what they have begun they must go on with.
bool amid_early_data(SSL* ssl, bool reading) {
  using State = handfast::EarlyDataState;
  State state = ssl->early_data.state;
  if (state != State::connect_retry && state != State::accept_retry &&
      (reading || state != State::read_retry)) {
    return false;
  }
  refuse(ssl, ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
  return true;
}

int read_bytes(SSL* ssl, void* buffer, size_t length, bool peek, size_t* done) {
  if (!ready_for_io(ssl)) return -1;
  if (!peek && amid_early_data(ssl, true)) return 0;
  size_t count = 0;
  const Call::Kind kind = peek ? Call::Kind::peek : Call::Kind::read;
  int result = handfast::run_call(*ssl, {kind, buffer, length}, count);
  if (result > 0) *done = count;
  return result;
}

int write_bytes(SSL* ssl, const void* buffer, size_t length, size_t* done) {
  if (!ready_for_io(ssl)) return -1;
  if ((ssl->shutdown & SSL_SENT_SHUTDOWN) != 0) {
    ssl->want = SSL_NOTHING;
    return refuse(ssl, SSL_R_PROTOCOL_IS_SHUTDOWN);
  }
  if (amid_early_data(ssl, false)) return 0;
  size_t count = 0;
  int result = handfast::run_call(*ssl, {Call::Kind::write, buffer, length}, count);
  if (result > 0) *done = count;
  return result;
}

// What the BIO that stopped us waits for; SSL_ERROR_NONE when it says nothing. A BIO for both
// directions may still say of the other what it waited for there: the direction at hand goes first.
int bio_error(BIO* bio, bool writing) {
  if (bio == nullptr) return SSL_ERROR_NONE;
  if (writing && BIO_should_write(bio)) return SSL_ERROR_WANT_WRITE;
  if (BIO_should_read(bio)) return SSL_ERROR_WANT_READ;
  if (BIO_should_write(bio)) return SSL_ERROR_WANT_WRITE;
  if (!BIO_should_io_special(bio)) return SSL_ERROR_NONE;
  switch (BIO_get_retry_reason(bio)) {
    case BIO_RR_CONNECT:
      return SSL_ERROR_WANT_CONNECT;
    case BIO_RR_ACCEPT:
      return SSL_ERROR_WANT_ACCEPT;
    default:
      return SSL_ERROR_SYSCALL;
  }
}

int want_error(const SSL* ssl) {
  switch (ssl->want) {
    case SSL_READING:
      return bio_error(ssl->rbio, false);
    case SSL_WRITING:
      return bio_error(ssl->wbio, true);
    case SSL_X509_LOOKUP:
      return SSL_ERROR_WANT_X509_LOOKUP;
    case SSL_RETRY_VERIFY:
      return SSL_ERROR_WANT_RETRY_VERIFY;
    case SSL_ASYNC_PAUSED:
      return SSL_ERROR_WANT_ASYNC;
    case SSL_ASYNC_NO_JOBS:
      return SSL_ERROR_WANT_ASYNC_JOB;
    case SSL_CLIENT_HELLO_CB:
      return SSL_ERROR_WANT_CLIENT_HELLO_CB;
    default:
      return SSL_ERROR_NONE;
  }
}

// DTLS: data that came before the handshake was over.
size_t early_bytes(const SSL& ssl) {
  return ssl.channel.datagram == nullptr ? 0 : ssl.channel.datagram->early_data.bytes();
}

}  // namespace

extern "C" {

int SSL_read(SSL* ssl, void* buffer, int length) {
  if (length < 0) return refuse(ssl, SSL_R_BAD_LENGTH);
  size_t done = 0;
  int result = read_bytes(ssl, buffer, static_cast<size_t>(length), false, &done);
  return result > 0 ? static_cast<int>(done) : result;
}

int SSL_read_ex(SSL* ssl, void* buffer, size_t length, size_t* done) {
  int result = read_bytes(ssl, buffer, length, false, done);
  return result < 0 ? 0 : result;
}

int SSL_peek(SSL* ssl, void* buffer, int length) {
  if (length < 0) return refuse(ssl, SSL_R_BAD_LENGTH);
  size_t done = 0;
  int result = read_bytes(ssl, buffer, static_cast<size_t>(length), true, &done);
  return result > 0 ? static_cast<int>(done) : result;
}

int SSL_peek_ex(SSL* ssl, void* buffer, size_t length, size_t* done) {
  int result = read_bytes(ssl, buffer, length, true, done);
  return result < 0 ? 0 : result;
}

int SSL_write(SSL* ssl, const void* buffer, int length) {
  if (length < 0) return refuse(ssl, SSL_R_BAD_LENGTH);
  size_t done = 0;
  int result = write_bytes(ssl, buffer, static_cast<size_t>(length), &done);
  return result > 0 ? static_cast<int>(done) : result;
}

int SSL_write_ex(SSL* ssl, const void* buffer, size_t length, size_t* done) {
  int result = write_bytes(ssl, buffer, length, done);
  return result < 0 ? 0 : result;
}

int SSL_pending(const SSL* ssl) {
  size_t pending = ssl->channel.plaintext.size() + early_bytes(*ssl);
  return pending < INT_MAX ? static_cast<int>(pending) : INT_MAX;
}

int SSL_has_pending(const SSL* ssl) {
  // A record's header alone has been taken out of the buffer already.
  size_t received = ssl->channel.input_end - ssl->channel.input_begin;
  bool unread = received != 0 && received != handfast::kRecordHeaderLength;
  return !ssl->channel.plaintext.empty() || early_bytes(*ssl) > 0 ||
         (unread && ssl->phase != Phase::failed);
}

int SSL_shutdown(SSL* ssl) {
  if (!ready_for_io(ssl)) return -1;
  if (ssl->in_init) return refuse(ssl, SSL_R_SHUTDOWN_WHILE_IN_INIT);
  size_t none = 0;
  return handfast::run_call(*ssl, {.kind = Call::Kind::shutdown}, none);
}

void SSL_CTX_set_quiet_shutdown(SSL_CTX* ctx, int mode) {
  if (Policy* policy = editable(ctx->policy)) policy->quiet_shutdown = mode != 0;
}

int SSL_CTX_get_quiet_shutdown(const SSL_CTX* ctx) {
  return ctx->policy->quiet_shutdown ? 1 : 0;
}

void SSL_set_quiet_shutdown(SSL* ssl, int mode) {
  if (Policy* policy = editable(ssl->policy)) policy->quiet_shutdown = mode != 0;
}

int SSL_get_quiet_shutdown(const SSL* ssl) {
  return ssl->policy->quiet_shutdown ? 1 : 0;
}

void SSL_set_read_ahead(SSL* ssl, int yes) {
  if (Policy* policy = editable(ssl->policy)) policy->read_ahead = yes != 0;
}

int SSL_get_read_ahead(const SSL* ssl) {
  return ssl->policy->read_ahead ? 1 : 0;
}

ossl_ssize_t SSL_sendfile(SSL* ssl, int file, off_t offset, size_t size, int) {
  if (!ready_for_io(ssl)) return -1;
  if ((ssl->shutdown & SSL_SENT_SHUTDOWN) != 0) {
    ssl->want = SSL_NOTHING;
    return refuse(ssl, SSL_R_PROTOCOL_IS_SHUTDOWN);
  }
  if (!ssl->channel.writer.in_kernel()) return refuse(ssl, SSL_R_UNINITIALIZED);
  return handfast::send_file(*ssl, file, offset, size);
}

void SSL_set_shutdown(SSL* ssl, int mode) {
  ssl->shutdown = mode;
}

int SSL_get_shutdown(const SSL* ssl) {
  return ssl->shutdown;
}

int SSL_want(const SSL* ssl) {
  return ssl->want;
}

// This connection's own state decides first: an entry that another connection left in the thread's
// queue does not turn a retry into a failure.
int SSL_get_error(const SSL* ssl, int result) {
  if (result > 0) return SSL_ERROR_NONE;
  if (!ssl->error_raised) {
    int error = want_error(ssl);
    if (error != SSL_ERROR_NONE) return error;
    if ((ssl->shutdown & SSL_RECEIVED_SHUTDOWN) != 0 && ssl->warning_alert == SSL_AD_CLOSE_NOTIFY) {
      return SSL_ERROR_ZERO_RETURN;
    }
  }
  unsigned long queued = ERR_peek_error();
  if (queued == 0) return ssl->error_raised ? SSL_ERROR_SSL : SSL_ERROR_SYSCALL;
  return ERR_GET_LIB(queued) == ERR_LIB_SYS ? SSL_ERROR_SYSCALL : SSL_ERROR_SSL;
}

}  // extern "C"
