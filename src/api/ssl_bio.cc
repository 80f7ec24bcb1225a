// BIO_f_ssl(3): a filter BIO around an SSL. Written on the public API: what passes through it is
// what SSL_read, SSL_write and SSL_do_handshake do.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <ctime>

#include "connection/connection.h"
#include "wire/allocate.h"
#include "wire/crypto_types.h"

namespace {

// BIO_set_ssl_renegotiate_bytes, BIO_set_ssl_renegotiate_timeout.
constexpr long kMinRenegotiateBytes = 512;
constexpr long kMinRenegotiateSeconds = 60;  // what is less becomes:
constexpr long kLeastRenegotiateSeconds = 5;

struct SslBio {
  SSL* ssl = nullptr;  // owned when the BIO was made with BIO_CLOSE
  long renegotiations = 0;
  size_t renegotiate_bytes = 0;
  size_t bytes = 0;  // since the last renegotiation
  long renegotiate_seconds = 0;
  long last_time = 0;
};

SslBio* data_of(BIO* bio) {
  return static_cast<SslBio*>(BIO_get_data(bio));
}

// The BIO's retry flags say what SSL_get_error says.
void note_retry(BIO* bio, const SSL* ssl, int result) {
  int reason = 0;
  BIO_clear_retry_flags(bio);
  switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
      BIO_set_retry_read(bio);
      break;
    case SSL_ERROR_WANT_WRITE:
      BIO_set_retry_write(bio);
      break;
    case SSL_ERROR_WANT_X509_LOOKUP:
      BIO_set_retry_special(bio);
      reason = BIO_RR_SSL_X509_LOOKUP;
      break;
    case SSL_ERROR_WANT_ACCEPT:
      BIO_set_retry_special(bio);
      reason = BIO_RR_ACCEPT;
      break;
    case SSL_ERROR_WANT_CONNECT:
      BIO_set_retry_special(bio);
      reason = BIO_RR_CONNECT;
      break;
    default:
      break;
  }
  BIO_set_retry_reason(bio, reason);
}

// Whether it works is not the caller's business: its bytes have been transferred.
void renegotiate(SslBio& data) {
  ++data.renegotiations;
  ERR_set_mark();
  SSL_renegotiate(data.ssl);
  ERR_pop_to_mark();
}

void count_bytes(SslBio& data, size_t transferred) {
  data.bytes += transferred;
  if (data.renegotiate_bytes > 0 && data.bytes > data.renegotiate_bytes) {
    data.bytes = 0;
    return renegotiate(data);
  }
  if (data.renegotiate_seconds == 0) return;
  long now = std::time(nullptr);
  if (now > data.last_time + data.renegotiate_seconds) {
    data.last_time = now;
    renegotiate(data);
  }
}

int transferred(BIO* bio, int result, size_t* done) {
  SslBio& data = *data_of(bio);
  note_retry(bio, data.ssl, result);
  if (result <= 0) return result;
  *done = static_cast<size_t>(result);
  count_bytes(data, *done);
  return 1;
}

int clamp(size_t size) {
  return static_cast<int>(std::min<size_t>(size, INT_MAX));
}

int read(BIO* bio, char* buffer, size_t size, size_t* done) {
  if (buffer == nullptr) return 0;
  return transferred(bio, SSL_read(data_of(bio)->ssl, buffer, clamp(size)), done);
}

int write(BIO* bio, const char* buffer, size_t size, size_t* done) {
  if (buffer == nullptr) return 0;
  return transferred(bio, SSL_write(data_of(bio)->ssl, buffer, clamp(size)), done);
}

int puts(BIO* bio, const char* text) {
  return BIO_write(bio, text, clamp(std::strlen(text)));
}

int create(BIO* bio) {
  auto* data = handfast::make<SslBio>();
  if (data == nullptr) {
    ERR_raise(ERR_LIB_BIO, ERR_R_MALLOC_FAILURE);
    return 0;
  }
  BIO_set_init(bio, 0);
  BIO_set_data(bio, data);
  BIO_clear_flags(bio, ~0);
  return 1;
}

int destroy(BIO* bio) {
  if (bio == nullptr) return 0;
  SslBio* data = data_of(bio);
  if (BIO_get_shutdown(bio) != 0) {
    if (data->ssl != nullptr && SSL_in_init(data->ssl) == 0) SSL_shutdown(data->ssl);
    if (BIO_get_init(bio) != 0) SSL_free(data->ssl);
    BIO_clear_flags(bio, ~0);
    BIO_set_init(bio, 0);
  }
  handfast::destroy(data);
  return 1;
}

// The SSL's transport becomes the next BIO of the chain.
long set_ssl(BIO* bio, SSL* ssl, long close) {
  if (data_of(bio)->ssl != nullptr) {
    destroy(bio);
    if (create(bio) == 0) return 0;
  }
  BIO_set_shutdown(bio, static_cast<int>(close));
  data_of(bio)->ssl = ssl;
  if (BIO* transport = SSL_get_rbio(ssl)) {
    if (BIO* next = BIO_next(bio)) BIO_push(transport, next);
    BIO_set_next(bio, transport);
    BIO_up_ref(transport);
  }
  BIO_set_init(bio, 1);
  return 1;
}

long reset(BIO* bio, SSL* ssl, int command, long number, void* pointer) {
  SSL_shutdown(ssl);
  if (ssl->role == handfast::Role::client) SSL_set_connect_state(ssl);
  if (ssl->role == handfast::Role::server) SSL_set_accept_state(ssl);
  if (SSL_clear(ssl) == 0) return 0;
  BIO* transport = BIO_next(bio) != nullptr ? BIO_next(bio) : SSL_get_rbio(ssl);
  return transport == nullptr ? 1 : BIO_ctrl(transport, command, number, pointer);
}

// BIO_push: what follows becomes the SSL's transport.
void pushed(BIO* bio, SSL* ssl) {
  BIO* next = BIO_next(bio);
  if (next == nullptr || next == SSL_get_rbio(ssl)) return;
  BIO_up_ref(next);
  SSL_set_bio(ssl, next, next);
}

long handshake(BIO* bio, SSL* ssl) {
  int result = SSL_do_handshake(ssl);
  note_retry(bio, ssl, result);
  return result;
}

long flush(BIO* bio, SSL* ssl, long number, void* pointer) {
  BIO_clear_retry_flags(bio);
  long result = BIO_ctrl(SSL_get_wbio(ssl), BIO_CTRL_FLUSH, number, pointer);
  BIO_copy_next_retry(bio);
  return result;
}

long pending(const SSL* ssl) {
  int bytes = SSL_pending(ssl);
  return bytes != 0 ? bytes : static_cast<long>(BIO_pending(SSL_get_rbio(ssl)));
}

long duplicate(const SslBio& data, BIO* bio) {
  SslBio& copy = *data_of(bio);
  SSL_free(copy.ssl);
  copy = data;
  copy.ssl = SSL_dup(data.ssl);
  return copy.ssl != nullptr ? 1 : 0;
}

long set_renegotiate_seconds(SslBio& data, long seconds) {
  long previous = data.renegotiate_seconds;
  data.renegotiate_seconds = seconds < kMinRenegotiateSeconds ? kLeastRenegotiateSeconds : seconds;
  data.last_time = std::time(nullptr);
  return previous;
}

long set_renegotiate_bytes(SslBio& data, long bytes) {
  long previous = static_cast<long>(data.renegotiate_bytes);
  if (bytes >= kMinRenegotiateBytes) data.renegotiate_bytes = static_cast<size_t>(bytes);
  return previous;
}

// Commands about the SSL; the others are the transport's.
long control_ssl(BIO* bio, SslBio& data, int command, long number, void* pointer) {
  SSL* ssl = data.ssl;
  switch (command) {
    case BIO_C_SSL_MODE:
      number != 0 ? SSL_set_connect_state(ssl) : SSL_set_accept_state(ssl);
      return 1;
    case BIO_C_GET_SSL:
      if (pointer == nullptr) return 0;
      *static_cast<SSL**>(pointer) = ssl;
      return 1;
    case BIO_C_DO_STATE_MACHINE:
      return handshake(bio, ssl);
    case BIO_C_SET_SSL_RENEGOTIATE_TIMEOUT:
      return set_renegotiate_seconds(data, number);
    case BIO_C_SET_SSL_RENEGOTIATE_BYTES:
      return set_renegotiate_bytes(data, number);
    case BIO_C_GET_SSL_NUM_RENEGOTIATES:
      return data.renegotiations;
    default:
      return BIO_ctrl(SSL_get_rbio(ssl), command, number, pointer);
  }
}

long control(BIO* bio, int command, long number, void* pointer) {
  if (command == BIO_C_SET_SSL) return set_ssl(bio, static_cast<SSL*>(pointer), number);
  SslBio& data = *data_of(bio);
  SSL* ssl = data.ssl;
  if (ssl == nullptr) return 0;
  switch (command) {
    case BIO_CTRL_RESET:
      return reset(bio, ssl, command, number, pointer);
    case BIO_CTRL_INFO:
    case BIO_CTRL_SET_CALLBACK:  // comes through callback_control
      return 0;
    case BIO_CTRL_GET_CLOSE:
      return BIO_get_shutdown(bio);
    case BIO_CTRL_SET_CLOSE:
      BIO_set_shutdown(bio, static_cast<int>(number));
      return 1;
    case BIO_CTRL_WPENDING:
      return BIO_ctrl(SSL_get_wbio(ssl), command, number, pointer);
    case BIO_CTRL_PENDING:
      return pending(ssl);
    case BIO_CTRL_FLUSH:
      return flush(bio, ssl, number, pointer);
    case BIO_CTRL_PUSH:
      pushed(bio, ssl);
      return 1;
    case BIO_CTRL_POP:
      // Only when this very BIO leaves the chain.
      if (bio == pointer) SSL_set_bio(ssl, nullptr, nullptr);
      return 1;
    case BIO_CTRL_DUP:
      return duplicate(data, static_cast<BIO*>(pointer));
    default:
      return control_ssl(bio, data, command, number, pointer);
  }
}

long callback_control(BIO* bio, int command, BIO_info_cb* callback) {
  if (command != BIO_CTRL_SET_CALLBACK) return 0;
  return BIO_callback_ctrl(SSL_get_rbio(data_of(bio)->ssl), command, callback);
}

CRYPTO_ONCE method_once = CRYPTO_ONCE_STATIC_INIT;
// Never freed: a BIO may be freed after everything else.
BIO_METHOD* method;

void make_method() {
  BIO_METHOD* made = BIO_meth_new(BIO_TYPE_SSL, "ssl");
  if (made == nullptr) return;
  BIO_meth_set_read_ex(made, read);
  BIO_meth_set_write_ex(made, write);
  BIO_meth_set_puts(made, puts);
  BIO_meth_set_ctrl(made, control);
  BIO_meth_set_create(made, create);
  BIO_meth_set_destroy(made, destroy);
  BIO_meth_set_callback_ctrl(made, callback_control);
  method = made;
}

SSL* ssl_of(BIO* bio) {
  return data_of(bio) == nullptr ? nullptr : data_of(bio)->ssl;
}

}  // namespace

extern "C" {

const BIO_METHOD* BIO_f_ssl(void) {
  CRYPTO_THREAD_run_once(&method_once, make_method);
  if (method == nullptr) ERR_raise(ERR_LIB_BIO, ERR_R_MALLOC_FAILURE);
  return method;
}

BIO* BIO_new_ssl(SSL_CTX* ctx, int client) {
  const BIO_METHOD* type = BIO_f_ssl();
  handfast::BioPtr bio(type == nullptr ? nullptr : BIO_new(type));
  if (bio == nullptr) return nullptr;
  SSL* ssl = SSL_new(ctx);
  if (ssl == nullptr) return nullptr;
  client != 0 ? SSL_set_connect_state(ssl) : SSL_set_accept_state(ssl);
  BIO_set_ssl(bio.get(), ssl, BIO_CLOSE);
  return bio.release();
}

BIO* BIO_new_ssl_connect(SSL_CTX* ctx) {
  handfast::BioPtr transport(BIO_new(BIO_s_connect()));
  if (transport == nullptr) return nullptr;
  BIO* ssl = BIO_new_ssl(ctx, 1);
  return ssl == nullptr ? nullptr : BIO_push(ssl, transport.release());
}

BIO* BIO_new_buffer_ssl_connect(SSL_CTX* ctx) {
  handfast::BioPtr buffer(BIO_new(BIO_f_buffer()));
  if (buffer == nullptr) return nullptr;
  BIO* ssl = BIO_new_ssl_connect(ctx);
  return ssl == nullptr ? nullptr : BIO_push(buffer.release(), ssl);
}

int BIO_ssl_copy_session_id(BIO* to, BIO* from) {
  to = BIO_find_type(to, BIO_TYPE_SSL);
  from = BIO_find_type(from, BIO_TYPE_SSL);
  if (to == nullptr || from == nullptr) return 0;
  SSL *to_ssl = ssl_of(to), *from_ssl = ssl_of(from);
  if (to_ssl == nullptr || from_ssl == nullptr) return 0;
  return SSL_copy_session_id(to_ssl, from_ssl);
}

void BIO_ssl_shutdown(BIO* chain) {
  for (BIO* bio = chain; bio != nullptr; bio = BIO_next(bio)) {
    if (BIO_method_type(bio) == BIO_TYPE_SSL && ssl_of(bio) != nullptr) SSL_shutdown(ssl_of(bio));
  }
}

}  // extern "C"
