// SSL_CTX_set_options(3) and other plain settings of an SSL_CTX or an SSL.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "config/security.h"
#include "connection/connection.h"

using handfast::Cow;
using handfast::Policy;

namespace {

// For change; nullptr with the reason in the queue.
Policy* edit(Cow<Policy>& policy) {
  Policy* edited = policy.edit();
  if (edited == nullptr) ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return edited;
}

// Most calls change nothing that SSL_new has not shared already.
uint64_t set_options(Cow<Policy>& policy, uint64_t options) {
  if (options == policy->options) return options;
  if (Policy* edited = edit(policy)) edited->options = options;
  return policy->options;
}

// What programs that log the questions of security levels call on to: the default rules.
int default_security_callback(const SSL* ssl, const SSL_CTX* ctx, int operation, int bits, int nid,
                              void* other, void*) {
  const Policy& policy = ctx != nullptr ? *ctx->policy : *ssl->policy;
  return handfast::default_allows(policy, operation, bits, nid, other) ? 1 : 0;
}

handfast::SecurityCallback security_callback(const Policy& policy) {
  return policy.security_callback != nullptr ? policy.security_callback : default_security_callback;
}

}  // namespace

extern "C" {

uint64_t SSL_CTX_get_options(const SSL_CTX* ctx) {
  return ctx->policy->options;
}

uint64_t SSL_get_options(const SSL* ssl) {
  return ssl->policy->options;
}

uint64_t SSL_CTX_set_options(SSL_CTX* ctx, uint64_t options) {
  return set_options(ctx->policy, ctx->policy->options | options);
}

uint64_t SSL_set_options(SSL* ssl, uint64_t options) {
  return set_options(ssl->policy, ssl->policy->options | options);
}

uint64_t SSL_CTX_clear_options(SSL_CTX* ctx, uint64_t options) {
  return set_options(ctx->policy, ctx->policy->options & ~options);
}

uint64_t SSL_clear_options(SSL* ssl, uint64_t options) {
  return set_options(ssl->policy, ssl->policy->options & ~options);
}

void SSL_CTX_set_security_level(SSL_CTX* ctx, int level) {
  if (Policy* policy = edit(ctx->policy)) policy->security_level = level;
}

void SSL_set_security_level(SSL* ssl, int level) {
  if (Policy* policy = edit(ssl->policy)) policy->security_level = level;
}

int SSL_CTX_get_security_level(const SSL_CTX* ctx) {
  return ctx->policy->security_level;
}

int SSL_get_security_level(const SSL* ssl) {
  return ssl->policy->security_level;
}

void SSL_CTX_set_security_callback(SSL_CTX* ctx, handfast::SecurityCallback callback) {
  if (Policy* policy = edit(ctx->policy)) policy->security_callback = callback;
}

void SSL_set_security_callback(SSL* ssl, handfast::SecurityCallback callback) {
  if (Policy* policy = edit(ssl->policy)) policy->security_callback = callback;
}

handfast::SecurityCallback SSL_CTX_get_security_callback(const SSL_CTX* ctx) {
  return security_callback(*ctx->policy);
}

handfast::SecurityCallback SSL_get_security_callback(const SSL* ssl) {
  return security_callback(*ssl->policy);
}

void SSL_CTX_set0_security_ex_data(SSL_CTX* ctx, void* data) {
  if (Policy* policy = edit(ctx->policy)) policy->security_ex_data = data;
}

void SSL_set0_security_ex_data(SSL* ssl, void* data) {
  if (Policy* policy = edit(ssl->policy)) policy->security_ex_data = data;
}

void* SSL_CTX_get0_security_ex_data(const SSL_CTX* ctx) {
  return ctx->policy->security_ex_data;
}

void* SSL_get0_security_ex_data(const SSL* ssl) {
  return ssl->policy->security_ex_data;
}

}  // extern "C"
