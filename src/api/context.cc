// SSL_CTX_new(3): making and sharing an SSL_CTX.
#include "config/context.h"

#include <openssl/err.h>

#include <cstring>

#include "api/conf_module.h"
#include "connection/connection.h"

using handfast::Cow;
using handfast::Policy;

namespace {

int set_id_context(Cow<Policy>& shared, const unsigned char* id, unsigned int length) {
  if (length > SSL_MAX_SID_CTX_LENGTH) {
    ERR_raise(ERR_LIB_SSL, SSL_R_SSL_SESSION_ID_CONTEXT_TOO_LONG);
    return 0;
  }
  Policy* policy = shared.edit();
  if (policy == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return 0;
  }
  policy->id_context_length = static_cast<uint8_t>(length);
  if (length > 0) std::memcpy(policy->id_context, id, length);
  return 1;
}

}  // namespace

extern "C" {

SSL_CTX* SSL_CTX_new_ex(OSSL_LIB_CTX* library, const char* property_query,
                        const SSL_METHOD* method) {
  if (method == nullptr) {
    ERR_raise(ERR_LIB_SSL, SSL_R_NULL_SSL_METHOD_PASSED);
    return nullptr;
  }
  if (OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS, nullptr) != 1) return nullptr;
  SSL_CTX* ctx = handfast::new_context(library, property_query, method);
  // What the machine's openssl.cnf says about TLS; its mistakes do not stop a program.
  if (ctx != nullptr) handfast::apply_system_configuration(ctx);
  return ctx;
}

SSL_CTX* SSL_CTX_new(const SSL_METHOD* method) {
  return SSL_CTX_new_ex(nullptr, nullptr, method);
}

int SSL_CTX_up_ref(SSL_CTX* ctx) {
  handfast::up_ref(ctx);
  return 1;
}

void SSL_CTX_free(SSL_CTX* ctx) {
  handfast::free_context(ctx);
}

int SSL_CTX_set_session_id_context(SSL_CTX* ctx, const unsigned char* id, unsigned int length) {
  return set_id_context(ctx->policy, id, length);
}

int SSL_set_session_id_context(SSL* ssl, const unsigned char* id, unsigned int length) {
  return set_id_context(ssl->policy, id, length);
}

SSL_CTX* SSL_get_SSL_CTX(const SSL* ssl) {
  return ssl->ctx.get();
}

SSL_CTX* SSL_set_SSL_CTX(SSL* ssl, SSL_CTX* ctx) {
  return handfast::switch_context(*ssl, ctx) ? ssl->ctx.get() : nullptr;
}

}  // extern "C"
