#include "config/context.h"

#include <openssl/err.h>
#include <openssl/rand.h>

#include <cstddef>
#include <ctime>

#include "config/cipher_list.h"

namespace handfast {

namespace {

// Without random ticket keys there are no tickets; without a cookie key there is no context.
bool make_random_keys(Context& context, Policy& policy) {
  const Algorithms& algorithms = context.algorithms;
  if (!context.ticket_keys.start(algorithms, std::time(nullptr))) {
    policy.options |= SSL_OP_NO_TICKET;
  }
  return algorithms.random_private(context.cookie_key);
}

bool make_stores(Context& context) {
  if (!context.trust.create() || !context.trust.edit()->init()) return false;
  NamedAuthorities& names = context.authorities;
  names.any.reset(sk_X509_NAME_new_null());
  names.client.reset(sk_X509_NAME_new_null());
  context.store.reset(X509_STORE_new());
  context.ctlog_store.reset(
      CTLOG_STORE_new_ex(context.algorithms.library(), context.algorithms.property_query()));
  return names.any != nullptr && names.client != nullptr && context.store != nullptr &&
         context.ctlog_store != nullptr;
}

bool set_up(Context& context) {
  context.missing_algorithms = missing_algorithms(context.algorithms);
  context.sessions = SessionCache::create();
  return context.sessions != nullptr && context.policy.create() && context.credentials.create() &&
         context.hooks.create() && make_stores(context);
}

std::nullptr_t refused(int reason) {
  ERR_raise(ERR_LIB_SSL, reason);
  return nullptr;
}

}  // namespace

Context* new_context(OSSL_LIB_CTX* library, const char* property_query, const Method* method) {
  ContextRef context(make<Context>());
  if (context == nullptr) return refused(ERR_R_MALLOC_FAILURE);
  context->method = method;
  if (property_query != nullptr) {
    context->property_query.reset(OPENSSL_strdup(property_query));
    if (context->property_query == nullptr) return refused(ERR_R_MALLOC_FAILURE);
  }
  if (!context->algorithms.fetch(library, context->property_query.get())) return nullptr;
  if (!set_up(*context)) return refused(ERR_R_MALLOC_FAILURE);
  if (!set_default_ciphers(*context)) return refused(SSL_R_LIBRARY_HAS_NO_CIPHERS);
  if (!make_random_keys(*context, *context->policy.edit()) ||
      CRYPTO_new_ex_data(CRYPTO_EX_INDEX_SSL_CTX, context.get(), &context->ex_data) != 1) {
    return refused(ERR_R_MALLOC_FAILURE);
  }
  return context.release();
}

void up_ref(Context* context) {
  context->references.fetch_add(1, std::memory_order_relaxed);
}

void free_context(Context* context) {
  if (context == nullptr || context->references.fetch_sub(1, std::memory_order_acq_rel) > 1) {
    return;
  }
  // The remove-session callback may look at the context's ex_data, which may look at the context.
  if (context->sessions != nullptr) flush_sessions(*context, 0);
  CRYPTO_free_ex_data(CRYPTO_EX_INDEX_SSL_CTX, context, &context->ex_data);
  if (context->client_certificate_engine != nullptr) {
    ENGINE_finish(context->client_certificate_engine);
  }
  OPENSSL_cleanse(context->cookie_key, sizeof context->cookie_key);
  destroy(context);
}

}  // namespace handfast
