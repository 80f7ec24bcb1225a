// SSL_CTX_set_record_padding_callback(3), SSL_CTX_set_tlsext_max_fragment_length(3): how records
// are cut and padded.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "connection/connection.h"

using handfast::Cow;
using handfast::Hooks;
using handfast::Policy;

namespace {

using PaddingCallback = size_t (*)(SSL* ssl, int type, size_t length, void* argument);

template <typename T>
T* edit(Cow<T>& shared) {
  T* edited = shared.edit();
  if (edited == nullptr) ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return edited;
}

int set_block_padding(Cow<Policy>& policy, size_t block) {
  if (block > SSL3_RT_MAX_PLAIN_LENGTH) return 0;
  Policy* edited = edit(policy);
  if (edited == nullptr) return 0;
  // Blocks of one byte are no padding at all.
  edited->block_padding = block == 1 ? 0 : block;
  return 1;
}

// RFC 6066 section 4.
int set_max_fragment_length(Cow<Policy>& policy, uint8_t mode) {
  if (mode > TLSEXT_max_fragment_length_4096) {
    ERR_raise(ERR_LIB_SSL, SSL_R_SSL3_EXT_INVALID_MAX_FRAGMENT_LENGTH);
    return 0;
  }
  Policy* edited = edit(policy);
  if (edited == nullptr) return 0;
  edited->max_fragment_length_mode = mode;
  return 1;
}

int set_padding_callback(Cow<Hooks>& hooks, PaddingCallback callback) {
  Hooks* edited = edit(hooks);
  if (edited == nullptr) return 0;
  edited->record_padding = callback;
  return 1;
}

void set_padding_argument(Cow<Hooks>& hooks, void* argument) {
  if (Hooks* edited = edit(hooks)) edited->record_padding_argument = argument;
}

}  // namespace

extern "C" {

void SSL_CTX_set_record_padding_callback(SSL_CTX* ctx, PaddingCallback callback) {
  set_padding_callback(ctx->hooks, callback);
}

int SSL_set_record_padding_callback(SSL* ssl, PaddingCallback callback) {
  // The kernel does not pad.
  if (ssl->channel.writer.in_kernel()) return 0;
  return set_padding_callback(ssl->hooks, callback);
}

void SSL_CTX_set_record_padding_callback_arg(SSL_CTX* ctx, void* argument) {
  set_padding_argument(ctx->hooks, argument);
}

void SSL_set_record_padding_callback_arg(SSL* ssl, void* argument) {
  set_padding_argument(ssl->hooks, argument);
}

void* SSL_CTX_get_record_padding_callback_arg(const SSL_CTX* ctx) {
  return ctx->hooks->record_padding_argument;
}

void* SSL_get_record_padding_callback_arg(const SSL* ssl) {
  return ssl->hooks->record_padding_argument;
}

int SSL_CTX_set_block_padding(SSL_CTX* ctx, size_t block) {
  return set_block_padding(ctx->policy, block);
}

int SSL_set_block_padding(SSL* ssl, size_t block) {
  return set_block_padding(ssl->policy, block);
}

int SSL_CTX_set_tlsext_max_fragment_length(SSL_CTX* ctx, uint8_t mode) {
  return set_max_fragment_length(ctx->policy, mode);
}

int SSL_set_tlsext_max_fragment_length(SSL* ssl, uint8_t mode) {
  return set_max_fragment_length(ssl->policy, mode);
}

}  // extern "C"
