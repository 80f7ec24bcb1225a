// SSL_CTX_config(3): named sets of commands that libcrypto has read from openssl.cnf.
#include "api/conf_module.h"

#include <openssl/err.h>

#include "connection/connection.h"

// libcrypto parses the sections and keeps them; only the libssl of the same release calls these.
struct ssl_conf_cmd_st;
extern "C" {
const ssl_conf_cmd_st* conf_ssl_get(size_t index, const char** name, size_t* count);
int conf_ssl_name_find(const char* name, size_t* index);
void conf_ssl_get_cmd(const ssl_conf_cmd_st* commands, size_t index, char** command,
                      char** argument);
}

namespace {

struct Target {
  SSL* ssl;
  SSL_CTX* ctx;
};

// Commands that failed.
int apply(SSL_CONF_CTX* conf, const char* name, size_t index) {
  size_t count = 0;
  const ssl_conf_cmd_st* commands = conf_ssl_get(index, &name, &count);
  int failures = 0;
  for (size_t i = 0; i < count; ++i) {
    char* command = nullptr;
    char* argument = nullptr;
    conf_ssl_get_cmd(commands, i, &command, &argument);
    if (SSL_CONF_cmd(conf, command, argument) <= 0) ++failures;
  }
  if (SSL_CONF_CTX_finish(conf) != 1) ++failures;
  return failures;
}

bool configure(const Target& target, const char* name, bool system) {
  size_t index = 0;
  if (conf_ssl_name_find(name, &index) == 0) {
    if (!system) {
      ERR_raise_data(ERR_LIB_SSL, SSL_R_INVALID_CONFIGURATION_NAME, "name=%s", name);
    }
    return false;
  }
  SSL_CONF_CTX* conf = SSL_CONF_CTX_new();
  if (conf == nullptr) return false;
  unsigned int flags = SSL_CONF_FLAG_FILE;
  if (!system) flags |= SSL_CONF_FLAG_CERTIFICATE | SSL_CONF_FLAG_REQUIRE_PRIVATE;
  const SSL_CTX* ctx = target.ctx;
  const SSL_METHOD* method = nullptr;
  if (target.ssl != nullptr) {
    SSL_CONF_CTX_set_ssl(conf, target.ssl);
    ctx = target.ssl->ctx.get();
    method = target.ssl->method;
  } else {
    SSL_CONF_CTX_set_ssl_ctx(conf, target.ctx);
    method = target.ctx->method;
  }
  if (method->server) flags |= SSL_CONF_FLAG_SERVER;
  if (method->client) flags |= SSL_CONF_FLAG_CLIENT;
  SSL_CONF_CTX_set_flags(conf, flags);
  // Files named by the commands are read with the context's providers.
  OSSL_LIB_CTX* previous = OSSL_LIB_CTX_set0_default(ctx->algorithms.library());
  int failures = apply(conf, name, index);
  OSSL_LIB_CTX_set0_default(previous);
  SSL_CONF_CTX_free(conf);
  return failures == 0;
}

int configure_by_application(const Target& target, const char* name) {
  if (target.ssl == nullptr && target.ctx == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_PASSED_NULL_PARAMETER);
    return 0;
  }
  return configure(target, name, false) ? 1 : 0;
}

}  // namespace

void handfast::apply_system_configuration(SSL_CTX* ctx) {
  configure({nullptr, ctx}, "system_default", true);
}

extern "C" {

int SSL_config(SSL* ssl, const char* name) {
  return configure_by_application({ssl, nullptr}, name);
}

int SSL_CTX_config(SSL_CTX* ctx, const char* name) {
  return configure_by_application({nullptr, ctx}, name);
}

// libcrypto registers the module by itself.
void SSL_add_ssl_module(void) {}

}  // extern "C"
