// SSL_new(3): making, sharing, clearing and copying an SSL.
#include "connection/connection.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstring>

#include "wire/version_name.h"

using handfast::Connection;
using handfast::Hooks;
using handfast::Phase;
using handfast::Policy;
using handfast::Role;

// The struct that <openssl/ssl.h> only names.
struct openssl_ssl_test_functions {
  int (*initialise_write_buffer)(SSL* ssl);
  int (*set_up_buffers)(SSL* ssl);
};

namespace {

bool copy_names(handfast::X509NameStackPtr& to, const handfast::X509NameStackPtr& from) {
  if (from == nullptr) return true;
  to.reset(SSL_dup_CA_list(from.get()));
  return to != nullptr;
}

// The parameters that `to` has from its context are completed, not replaced.
bool copy_trust(handfast::Cow<handfast::Trust>& to, const handfast::Cow<handfast::Trust>& from) {
  if (&*to == &*from) return true;
  handfast::Trust* own = to.edit();
  if (own == nullptr) return false;
  own->verify_mode = from->verify_mode;
  if (from->verify_callback != nullptr) own->verify_callback = from->verify_callback;
  X509_VERIFY_PARAM* param = own->param.get();
  X509_VERIFY_PARAM_set_depth(param, X509_VERIFY_PARAM_get_depth(from->param.get()));
  return X509_VERIFY_PARAM_inherit(param, from->param.get()) == 1;
}

// SSL_dup(3) names what is copied; the rest is as the context has it.
bool copy_policy(handfast::Cow<Policy>& to, const handfast::Cow<Policy>& from) {
  if (&*to == &*from) return true;
  Policy* own = to.edit();
  return own != nullptr && own->copy_duplicated(*from);
}

bool copy_hooks(handfast::Cow<handfast::Hooks>& to, const handfast::Cow<handfast::Hooks>& from) {
  if (&*to == &*from) return true;
  handfast::Hooks* own = to.edit();
  if (own != nullptr) own->copy_duplicated(*from);
  return own != nullptr;
}

bool copy_settings(Connection& to, const Connection& from) {
  if (!copy_policy(to.policy, from.policy) || !copy_hooks(to.hooks, from.hooks)) return false;
  to.credentials = from.credentials;
  if (!to.channel.restart(from.method->datagram)) return false;
  to.method = from.method;
  to.server = from.server;
  to.role = from.role;
  to.shutdown = from.shutdown;
  if (from.ciphers != nullptr) {
    to.ciphers.reset(sk_SSL_CIPHER_dup(from.ciphers.get()));
    if (to.ciphers == nullptr) return false;
  }
  if (from.session != nullptr) {
    handfast::up_ref(from.session.get());
    to.session.reset(from.session.get());
  }
  return copy_trust(to.trust, from.trust) && copy_names(to.authorities.any, from.authorities.any) &&
         copy_names(to.authorities.client, from.authorities.client) &&
         to.dane.copy_from(from.dane, to.ctx->dane) &&
         CRYPTO_dup_ex_data(CRYPTO_EX_INDEX_SSL, &to.ex_data, &from.ex_data) == 1;
}

}  // namespace

extern "C" {

SSL* SSL_new(SSL_CTX* ctx) {
  if (ctx == nullptr) {
    ERR_raise(ERR_LIB_SSL, SSL_R_NULL_SSL_CTX);
    return nullptr;
  }
  if (ctx->method == nullptr) {
    ERR_raise(ERR_LIB_SSL, SSL_R_SSL_CTX_HAS_NO_DEFAULT_SSL_VERSION);
    return nullptr;
  }
  return handfast::new_connection(ctx);
}

void SSL_free(SSL* ssl) {
  handfast::free_connection(ssl);
}

int SSL_up_ref(SSL* ssl) {
  ssl->references.fetch_add(1, std::memory_order_relaxed);
  return 1;
}

int SSL_clear(SSL* ssl) {
  return handfast::clear(*ssl) ? 1 : 0;
}

// Once a handshake has begun, the "copy" is another reference.
SSL* SSL_dup(SSL* ssl) {
  if (ssl->phase != Phase::before) {
    SSL_up_ref(ssl);
    return ssl;
  }
  SSL* copy = SSL_new(ssl->ctx.get());
  if (copy == nullptr) return nullptr;
  if (!copy_settings(*copy, *ssl)) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    SSL_free(copy);
    return nullptr;
  }
  return copy;
}

void SSL_set_connect_state(SSL* ssl) {
  handfast::set_role(*ssl, Role::client);
}

void SSL_set_accept_state(SSL* ssl) {
  handfast::set_role(*ssl, Role::server);
}

int SSL_is_server(const SSL* ssl) {
  return ssl->server ? 1 : 0;
}

int SSL_is_dtls(const SSL* ssl) {
  return ssl->method->datagram ? 1 : 0;
}

int SSL_version(const SSL* ssl) {
  return handfast::current_version(*ssl);
}

const char* SSL_get_version(const SSL* ssl) {
  return handfast::version_name(handfast::current_version(*ssl));
}

int SSL_client_version(const SSL* ssl) {
  int offered = ssl->negotiated.client_version;
  if (offered != 0) return offered;
  if (ssl->server || ssl->phase == Phase::before) return ssl->ctx->method->version;
  if (ssl->method->datagram) return handfast::current_version(*ssl);
  // RFC 8446 4.1.2: legacy_version goes no higher.
  return std::min<int>(handfast::current_version(*ssl), TLS1_2_VERSION);
}

// Certificates and keys go, chains and callbacks too; the rest of the credentials stays.
void SSL_certs_clear(SSL* ssl) {
  handfast::Credentials* credentials = ssl->credentials.edit();
  if (credentials == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return;
  }
  for (handfast::Credential& slot : credentials->slots) slot = handfast::Credential();
}

// Buffers come when they are needed: a program that asks for them early loses nothing.
int SSL_alloc_buffers(SSL*) {
  return 1;
}

int SSL_free_buffers(SSL* ssl) {
  handfast::Channel& channel = ssl->channel;
  if (channel.unsent() || !channel.received().empty() || !channel.plaintext.empty()) return 0;
  channel.input.release();
  channel.input_begin = channel.input_end = 0;
  channel.output.release();
  channel.output_begin = 0;
  return 1;
}

void SSL_CTX_set_default_read_buffer_len(SSL_CTX* ctx, size_t length) {
  if (Policy* policy = ctx->policy.edit()) policy->default_read_buffer_length = length;
}

void SSL_set_default_read_buffer_len(SSL* ssl, size_t length) {
  if (Policy* policy = ssl->policy.edit()) policy->default_read_buffer_length = length;
}

// Does nothing since OpenSSL 1.1.0.
void SSL_set_debug(SSL*, int) {}

// OpenSSL's own tests prepare an SSL's buffers through these; buffers of ours come by themselves.
const struct openssl_ssl_test_functions* SSL_test_functions(void) {
  static constexpr openssl_ssl_test_functions kFunctions = {SSL_alloc_buffers, SSL_alloc_buffers};
  return &kFunctions;
}

}  // extern "C"
