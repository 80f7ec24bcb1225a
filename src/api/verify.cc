// SSL_CTX_set_verify(3), SSL_CTX_get0_param(3), SSL_set1_host(3): how peers are verified.
#include "pki/verify.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "connection/connection.h"

using handfast::Trust;

namespace {

// The parameters for change, in a Trust of the holder's own. nullptr: memory, see the queue.
template <typename Holder>
Trust* edit_trust(Holder* holder) {
  Trust* trust = holder->trust.edit();
  if (trust == nullptr) ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return trust;
}

template <typename Holder>
X509_VERIFY_PARAM* edit_param(Holder* holder) {
  Trust* trust = edit_trust(holder);
  return trust == nullptr ? nullptr : trust->param.get();
}

// The application keeps the pointer: from now on nobody else may hold this Trust.
template <typename Holder>
X509_VERIFY_PARAM* expose_param(Holder* holder) {
  Trust* trust = edit_trust(holder);
  if (trust == nullptr) return nullptr;
  trust->param_exposed = true;
  return trust->param.get();
}

bool is_address(const char* name) {
  ASN1_OCTET_STRING* address = a2i_IPADDRESS(name);
  ASN1_OCTET_STRING_free(address);
  return address != nullptr;
}

bool has_address(const X509_VERIFY_PARAM* param) {
  char* address = X509_VERIFY_PARAM_get1_ip_asc(const_cast<X509_VERIFY_PARAM*>(param));
  OPENSSL_free(address);
  return address != nullptr;
}

}  // namespace

extern "C" {

void SSL_CTX_set_verify(SSL_CTX* ctx, int mode, SSL_verify_cb callback) {
  if (Trust* trust = edit_trust(ctx)) {
    trust->verify_mode = mode;
    trust->verify_callback = callback;
  }
}

// Unlike the context's, this one keeps the callback when there is no new one.
void SSL_set_verify(SSL* ssl, int mode, SSL_verify_cb callback) {
  if (Trust* trust = edit_trust(ssl)) {
    trust->verify_mode = mode;
    if (callback != nullptr) trust->verify_callback = callback;
  }
}

int SSL_CTX_get_verify_mode(const SSL_CTX* ctx) {
  return ctx->trust->verify_mode;
}

int SSL_get_verify_mode(const SSL* ssl) {
  return ssl->trust->verify_mode;
}

SSL_verify_cb SSL_CTX_get_verify_callback(const SSL_CTX* ctx) {
  return ctx->trust->verify_callback;
}

SSL_verify_cb SSL_get_verify_callback(const SSL* ssl) {
  return ssl->trust->verify_callback;
}

void SSL_CTX_set_verify_depth(SSL_CTX* ctx, int depth) {
  if (X509_VERIFY_PARAM* param = edit_param(ctx)) X509_VERIFY_PARAM_set_depth(param, depth);
}

void SSL_set_verify_depth(SSL* ssl, int depth) {
  if (X509_VERIFY_PARAM* param = edit_param(ssl)) X509_VERIFY_PARAM_set_depth(param, depth);
}

int SSL_CTX_get_verify_depth(const SSL_CTX* ctx) {
  return X509_VERIFY_PARAM_get_depth(ctx->trust->param.get());
}

int SSL_get_verify_depth(const SSL* ssl) {
  return X509_VERIFY_PARAM_get_depth(ssl->trust->param.get());
}

int SSL_CTX_set_purpose(SSL_CTX* ctx, int purpose) {
  X509_VERIFY_PARAM* param = edit_param(ctx);
  return param == nullptr ? 0 : X509_VERIFY_PARAM_set_purpose(param, purpose);
}

int SSL_set_purpose(SSL* ssl, int purpose) {
  X509_VERIFY_PARAM* param = edit_param(ssl);
  return param == nullptr ? 0 : X509_VERIFY_PARAM_set_purpose(param, purpose);
}

int SSL_CTX_set_trust(SSL_CTX* ctx, int trust) {
  X509_VERIFY_PARAM* param = edit_param(ctx);
  return param == nullptr ? 0 : X509_VERIFY_PARAM_set_trust(param, trust);
}

int SSL_set_trust(SSL* ssl, int trust) {
  X509_VERIFY_PARAM* param = edit_param(ssl);
  return param == nullptr ? 0 : X509_VERIFY_PARAM_set_trust(param, trust);
}

X509_VERIFY_PARAM* SSL_CTX_get0_param(SSL_CTX* ctx) {
  return expose_param(ctx);
}

X509_VERIFY_PARAM* SSL_get0_param(SSL* ssl) {
  return expose_param(ssl);
}

int SSL_CTX_set1_param(SSL_CTX* ctx, X509_VERIFY_PARAM* from) {
  X509_VERIFY_PARAM* param = edit_param(ctx);
  return param == nullptr ? 0 : X509_VERIFY_PARAM_set1(param, from);
}

int SSL_set1_param(SSL* ssl, X509_VERIFY_PARAM* from) {
  X509_VERIFY_PARAM* param = edit_param(ssl);
  return param == nullptr ? 0 : X509_VERIFY_PARAM_set1(param, from);
}

// A name that is an IP address is taken for one.
int SSL_set1_host(SSL* ssl, const char* name) {
  X509_VERIFY_PARAM* param = edit_param(ssl);
  if (param == nullptr) return 0;
  if (name != nullptr && X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1) return 1;
  return X509_VERIFY_PARAM_set1_host(param, name, 0);
}

// There can be many names but one address only.
int SSL_add1_host(SSL* ssl, const char* name) {
  X509_VERIFY_PARAM* param = edit_param(ssl);
  if (param == nullptr) return 0;
  if (name == nullptr || !is_address(name)) return X509_VERIFY_PARAM_add1_host(param, name, 0);
  return has_address(param) ? 0 : X509_VERIFY_PARAM_set1_ip_asc(param, name);
}

void SSL_set_hostflags(SSL* ssl, unsigned int flags) {
  if (X509_VERIFY_PARAM* param = edit_param(ssl)) X509_VERIFY_PARAM_set_hostflags(param, flags);
}

const char* SSL_get0_peername(SSL* ssl) {
  return X509_VERIFY_PARAM_get0_peername(ssl->trust->param.get());
}

long SSL_get_verify_result(const SSL* ssl) {
  return ssl->verify_result;
}

void SSL_set_verify_result(SSL* ssl, long result) {
  ssl->verify_result = result;
}

void SSL_CTX_set_cert_verify_callback(SSL_CTX* ctx,
                                      int (*callback)(X509_STORE_CTX* store, void* argument),
                                      void* argument) {
  ctx->live.verify = callback;
  ctx->live.verify_argument = argument;
}

int SSL_get_ex_data_X509_STORE_CTX_idx(void) {
  return handfast::store_context_ssl_index();
}

}  // extern "C"
