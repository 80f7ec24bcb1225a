// SSL_CTX_set_cipher_list(3), SSL_get_ciphers(3): the cipher suites that may be negotiated.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "config/cipher_list.h"
#include "config/cipher_supported.h"
#include "connection/connection.h"
#include "wire/reader.h"

using handfast::Array;
using handfast::CipherStackPtr;
using handfast::CipherStringEffects;
using handfast::CipherSuite;
using handfast::Cow;
using handfast::Policy;

namespace {

int malloc_failure() {
  ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return 0;
}

const STACK_OF(SSL_CIPHER) * ciphers_of(const SSL& ssl) {
  return ssl.ciphers != nullptr ? ssl.ciphers.get() : ssl.ctx->ciphers.get();
}

int set_cipher_list(const SSL_CTX& ctx, Cow<Policy>& policy, CipherStackPtr& list,
                    const char* rules) {
  CipherStringEffects effects{policy->security_level, policy->certificate_flags};
  CipherStackPtr made;
  if (!handfast::make_cipher_list(ctx, policy->ciphersuites13.view(), rules, effects, made)) {
    return 0;
  }
  if (effects.security_level != policy->security_level ||
      effects.certificate_flags != policy->certificate_flags) {
    Policy* edited = policy.edit();
    if (edited == nullptr) return malloc_failure();
    edited->security_level = effects.security_level;
    edited->certificate_flags = effects.certificate_flags;
  }
  list = std::move(made);
  return 1;
}

// `current`: the list that `list` stands for now.
int set_ciphersuites(const SSL_CTX& ctx, Cow<Policy>& policy, CipherStackPtr& list,
                     const STACK_OF(SSL_CIPHER) * current, const char* names) {
  Array<const CipherSuite*> suites;
  if (!handfast::parse_ciphersuites(names, suites)) return 0;
  CipherStackPtr made = handfast::replace_ciphersuites(ctx, current, suites.view());
  Policy* edited = policy.edit();
  if (made == nullptr || edited == nullptr) return malloc_failure();
  edited->ciphersuites13 = std::move(suites);
  list = std::move(made);
  return 1;
}

// RFC 5246 7.4.1.2, or with three bytes for each suite: RFC 5246 E.2.
bool read_suites(handfast::Reader reader, bool version2, STACK_OF(SSL_CIPHER) * suites,
                 STACK_OF(SSL_CIPHER) * signalling) {
  while (!reader.empty()) {
    uint8_t kind = 0;
    uint16_t id = 0;
    if ((version2 && !reader.u8(kind)) || !reader.u16(id)) return false;
    const CipherSuite* suite = kind == 0 ? handfast::find_cipher_suite(id) : nullptr;
    if (suite == nullptr) continue;
    if (sk_SSL_CIPHER_push(handfast::is_signalling(*suite) ? signalling : suites, suite) == 0)
      return false;
  }
  return true;
}

}  // namespace

extern "C" {

const char* OSSL_default_cipher_list(void) {
  return handfast::kDefaultCipherList;
}

const char* OSSL_default_ciphersuites(void) {
  return handfast::kDefaultCiphersuites;
}

int SSL_CTX_set_cipher_list(SSL_CTX* ctx, const char* rules) {
  return set_cipher_list(*ctx, ctx->policy, ctx->ciphers, rules);
}

int SSL_set_cipher_list(SSL* ssl, const char* rules) {
  return set_cipher_list(*ssl->ctx, ssl->policy, ssl->ciphers, rules);
}

int SSL_CTX_set_ciphersuites(SSL_CTX* ctx, const char* names) {
  return set_ciphersuites(*ctx, ctx->policy, ctx->ciphers, ctx->ciphers.get(), names);
}

int SSL_set_ciphersuites(SSL* ssl, const char* names) {
  return set_ciphersuites(*ssl->ctx, ssl->policy, ssl->ciphers, ciphers_of(*ssl), names);
}

STACK_OF(SSL_CIPHER) * SSL_CTX_get_ciphers(const SSL_CTX* ctx) {
  return ctx == nullptr ? nullptr : ctx->ciphers.get();
}

STACK_OF(SSL_CIPHER) * SSL_get_ciphers(const SSL* ssl) {
  return ssl == nullptr ? nullptr : const_cast<STACK_OF(SSL_CIPHER)*>(ciphers_of(*ssl));
}

STACK_OF(SSL_CIPHER) * SSL_get1_supported_ciphers(SSL* ssl) {
  if (ssl == nullptr) return nullptr;
  handfast::CipherSupport support{ssl,         *ssl->method, *ssl->policy,
                                  *ssl->hooks, ssl->server,  handfast::srp_enabled(ssl->request)};
  return handfast::supported_ciphers(support, ciphers_of(*ssl)).release();
}

const char* SSL_get_cipher_list(const SSL* ssl, int index) {
  if (ssl == nullptr) return nullptr;
  const CipherSuite* suite = sk_SSL_CIPHER_value(ciphers_of(*ssl), index);
  return suite == nullptr ? nullptr : suite->name;
}

int SSL_bytes_to_cipher_list(SSL*, const unsigned char* bytes, size_t length, int version2,
                             STACK_OF(SSL_CIPHER) * *suites, STACK_OF(SSL_CIPHER) * *signalling) {
  if (length == 0) {
    ERR_raise(ERR_LIB_SSL, SSL_R_NO_CIPHERS_SPECIFIED);
    return 0;
  }
  if (length % (version2 != 0 ? 3 : 2) != 0) {
    ERR_raise(ERR_LIB_SSL, SSL_R_ERROR_IN_RECEIVED_CIPHER_LIST);
    return 0;
  }
  CipherStackPtr found(sk_SSL_CIPHER_new_null());
  CipherStackPtr found_signalling(sk_SSL_CIPHER_new_null());
  handfast::Reader reader(handfast::View(bytes, length));
  if (found == nullptr || found_signalling == nullptr ||
      !read_suites(reader, version2 != 0, found.get(), found_signalling.get())) {
    return malloc_failure();
  }
  if (suites != nullptr) *suites = found.release();
  if (signalling != nullptr) *signalling = found_signalling.release();
  return 1;
}

}  // extern "C"
