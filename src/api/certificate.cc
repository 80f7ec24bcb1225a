// SSL_CTX_use_certificate(3): certificates and keys from memory, and the callbacks that choose.
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "api/credential_owner.h"
#include "handshake/handshake.h"
#include "pki/check_chain.h"

using handfast::Credential;
using handfast::CredentialOwner;
using handfast::EvpPkeyPtr;
using handfast::owner_of;
using handfast::X509Ptr;

namespace {

int use_certificate_der(const CredentialOwner& owner, const unsigned char* der, long length) {
  const handfast::Algorithms& algorithms = owner.context.algorithms;
  X509* certificate = X509_new_ex(algorithms.library(), algorithms.property_query());
  if (certificate == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return 0;
  }
  // d2i_X509 frees the object on failure and then leaves nullptr.
  bool parsed = d2i_X509(&certificate, &der, length) != nullptr;
  X509Ptr guard(certificate);
  if (!parsed) {
    ERR_raise(ERR_LIB_SSL, ERR_R_ASN1_LIB);
    return 0;
  }
  return set_certificate(owner, certificate) ? 1 : 0;
}

int use_key_der(const CredentialOwner& owner, int type, const unsigned char* der, long length) {
  const handfast::Algorithms& algorithms = owner.context.algorithms;
  EvpPkeyPtr key(d2i_PrivateKey_ex(type, nullptr, &der, length, algorithms.library(),
                                   algorithms.property_query()));
  if (key == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_ASN1_LIB);
    return 0;
  }
  return set_private_key(owner, key.get()) ? 1 : 0;
}

int use_rsa_key(const CredentialOwner& owner, RSA* rsa) {
  if (rsa == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_PASSED_NULL_PARAMETER);
    return 0;
  }
  EvpPkeyPtr key(EVP_PKEY_new());
  if (key == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_EVP_LIB);
    return 0;
  }
  if (EVP_PKEY_set1_RSA(key.get(), rsa) <= 0) return 0;
  return set_private_key(owner, key.get()) ? 1 : 0;
}

int use_rsa_key_der(const CredentialOwner& owner, const unsigned char* der, long length) {
  std::unique_ptr<RSA, handfast::FreeWith<RSA_free>> rsa(d2i_RSAPrivateKey(nullptr, &der, length));
  if (rsa == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_ASN1_LIB);
    return 0;
  }
  return use_rsa_key(owner, rsa.get());
}

void set_callback(const CredentialOwner& owner, handfast::CertificateCallback callback,
                  void* argument) {
  handfast::Credentials* credentials = owner.credentials.edit();
  if (credentials == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return;
  }
  credentials->callback = callback;
  credentials->callback_argument = argument;
}

template <typename T>
const Credential& current(const T* holder) {
  return holder->credentials->slots[holder->credentials->current];
}

}  // namespace

extern "C" {

int SSL_CTX_use_certificate(SSL_CTX* ctx, X509* certificate) {
  return set_certificate(owner_of(ctx), certificate) ? 1 : 0;
}

int SSL_use_certificate(SSL* ssl, X509* certificate) {
  return set_certificate(owner_of(ssl), certificate) ? 1 : 0;
}

int SSL_CTX_use_certificate_ASN1(SSL_CTX* ctx, int length, const unsigned char* der) {
  return use_certificate_der(owner_of(ctx), der, length);
}

int SSL_use_certificate_ASN1(SSL* ssl, const unsigned char* der, int length) {
  return use_certificate_der(owner_of(ssl), der, length);
}

int SSL_CTX_use_PrivateKey(SSL_CTX* ctx, EVP_PKEY* key) {
  return set_private_key(owner_of(ctx), key) ? 1 : 0;
}

int SSL_use_PrivateKey(SSL* ssl, EVP_PKEY* key) {
  return set_private_key(owner_of(ssl), key) ? 1 : 0;
}

int SSL_CTX_use_PrivateKey_ASN1(int type, SSL_CTX* ctx, const unsigned char* der, long length) {
  return use_key_der(owner_of(ctx), type, der, length);
}

int SSL_use_PrivateKey_ASN1(int type, SSL* ssl, const unsigned char* der, long length) {
  return use_key_der(owner_of(ssl), type, der, length);
}

int SSL_CTX_use_RSAPrivateKey(SSL_CTX* ctx, RSA* rsa) {
  return use_rsa_key(owner_of(ctx), rsa);
}

int SSL_use_RSAPrivateKey(SSL* ssl, RSA* rsa) {
  return use_rsa_key(owner_of(ssl), rsa);
}

int SSL_CTX_use_RSAPrivateKey_ASN1(SSL_CTX* ctx, const unsigned char* der, long length) {
  return use_rsa_key_der(owner_of(ctx), der, length);
}

int SSL_use_RSAPrivateKey_ASN1(SSL* ssl, const unsigned char* der, long length) {
  return use_rsa_key_der(owner_of(ssl), der, length);
}

int SSL_CTX_use_cert_and_key(SSL_CTX* ctx, X509* certificate, EVP_PKEY* key, STACK_OF(X509) * chain,
                             int override) {
  return set_certificate_and_key(owner_of(ctx), certificate, key, chain, override != 0) ? 1 : 0;
}

int SSL_use_cert_and_key(SSL* ssl, X509* certificate, EVP_PKEY* key, STACK_OF(X509) * chain,
                         int override) {
  return set_certificate_and_key(owner_of(ssl), certificate, key, chain, override != 0) ? 1 : 0;
}

int SSL_CTX_check_private_key(const SSL_CTX* ctx) {
  if (ctx == nullptr) {
    ERR_raise(ERR_LIB_SSL, SSL_R_NO_CERTIFICATE_ASSIGNED);
    return 0;
  }
  return check_private_key(current(ctx)) ? 1 : 0;
}

int SSL_check_private_key(const SSL* ssl) {
  if (ssl == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_PASSED_NULL_PARAMETER);
    return 0;
  }
  return check_private_key(current(ssl)) ? 1 : 0;
}

X509* SSL_get_certificate(const SSL* ssl) {
  return current(ssl).certificate.get();
}

EVP_PKEY* SSL_get_privatekey(const SSL* ssl) {
  return current(ssl).private_key.get();
}

X509* SSL_CTX_get0_certificate(const SSL_CTX* ctx) {
  return current(ctx).certificate.get();
}

EVP_PKEY* SSL_CTX_get0_privatekey(const SSL_CTX* ctx) {
  return current(ctx).private_key.get();
}

void SSL_CTX_set_cert_cb(SSL_CTX* ctx, int (*callback)(SSL* ssl, void* argument), void* argument) {
  set_callback(owner_of(ctx), callback, argument);
}

void SSL_set_cert_cb(SSL* ssl, int (*callback)(SSL* ssl, void* argument), void* argument) {
  set_callback(owner_of(ssl), callback, argument);
}

// Outside a handshake nothing is known of a peer.
int SSL_check_chain(SSL* ssl, X509* certificate, EVP_PKEY* key, STACK_OF(X509) * chain) {
  if (ssl->handshake != nullptr) return check_chain(*ssl->handshake, certificate, key, chain);
  handfast::Unique<handfast::Handshake> none(handfast::make<handfast::Handshake>(*ssl));
  return none == nullptr ? 0 : check_chain(*none, certificate, key, chain);
}

int SSL_CTX_set_client_cert_engine(SSL_CTX* ctx, ENGINE* engine) {
  if (ENGINE_init(engine) == 0) {
    ERR_raise(ERR_LIB_SSL, ERR_R_ENGINE_LIB);
    return 0;
  }
  if (ENGINE_get_ssl_client_cert_function(engine) == nullptr) {
    ERR_raise(ERR_LIB_SSL, SSL_R_NO_CLIENT_CERT_METHOD);
    ENGINE_finish(engine);
    return 0;
  }
  ctx->client_certificate_engine = engine;
  return 1;
}

void SSL_CTX_set_client_cert_cb(SSL_CTX* ctx,
                                int (*callback)(SSL* ssl, X509** certificate, EVP_PKEY** key)) {
  ctx->live.client_certificate = callback;
}

int (*SSL_CTX_get_client_cert_cb(SSL_CTX* ctx))(SSL* ssl, X509** certificate, EVP_PKEY** key) {
  return ctx->live.client_certificate;
}

}  // extern "C"
