// SSL_CTX_dane_enable(3) and its family.
#include "pki/dane.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "config/context.h"
#include "connection/connection.h"

using handfast::has_tlsa_records;
using handfast::View;

namespace {

// Both hold 32 bits of flags or more; the old value is the result.
unsigned long change(unsigned long& flags, unsigned long set, unsigned long cleared) {
  unsigned long before = flags;
  flags = (flags | set) & ~cleared;
  return before;
}

bool matched(const SSL* ssl) {
  return has_tlsa_records(&ssl->dane) && ssl->verify_result == X509_V_OK;
}

template <typename T>
void give(T* out, T value) {
  if (out != nullptr) *out = value;
}

}  // namespace

extern "C" {

int SSL_CTX_dane_enable(SSL_CTX* ctx) {
  return ctx->dane.enable();
}

unsigned long SSL_CTX_dane_set_flags(SSL_CTX* ctx, unsigned long flags) {
  return change(ctx->dane.flags, flags, 0);
}

unsigned long SSL_CTX_dane_clear_flags(SSL_CTX* ctx, unsigned long flags) {
  return change(ctx->dane.flags, 0, flags);
}

int SSL_CTX_dane_mtype_set(SSL_CTX* ctx, const EVP_MD* md, uint8_t mtype, uint8_t ord) {
  return ctx->dane.set_matching_type(md, mtype, ord);
}

int SSL_dane_enable(SSL* ssl, const char* base_domain) {
  if (ssl->ctx->dane.mdmax == 0) {
    ERR_raise(ERR_LIB_SSL, SSL_R_CONTEXT_NOT_DANE_ENABLED);
    return 0;
  }
  if (ssl->dane.trecs != nullptr) {
    ERR_raise(ERR_LIB_SSL, SSL_R_DANE_ALREADY_ENABLED);
    return 0;
  }
  // The server name goes first: it refuses names that the host check would take as "no check".
  handfast::Trust* trust = nullptr;
  bool named = ssl->request.server_name != nullptr || SSL_set_tlsext_host_name(ssl, base_domain);
  if (!named || (trust = ssl->trust.edit()) == nullptr ||
      X509_VERIFY_PARAM_set1_host(trust->param.get(), base_domain, 0) == 0) {
    ERR_raise(ERR_LIB_SSL, SSL_R_ERROR_SETTING_TLSA_BASE_DOMAIN);
    return -1;
  }
  if (!ssl->dane.start(ssl->ctx->dane)) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return -1;
  }
  return 1;
}

unsigned long SSL_dane_set_flags(SSL* ssl, unsigned long flags) {
  return change(ssl->dane.flags, flags, 0);
}

unsigned long SSL_dane_clear_flags(SSL* ssl, unsigned long flags) {
  return change(ssl->dane.flags, 0, flags);
}

int SSL_dane_tlsa_add(SSL* ssl, uint8_t usage, uint8_t selector, uint8_t mtype,
                      const unsigned char* data, size_t length) {
  return ssl->dane.add(usage, selector, mtype, View(data, length), data == nullptr);
}

SSL_DANE* SSL_get0_dane(SSL* ssl) {
  return &ssl->dane;
}

int SSL_get0_dane_authority(SSL* ssl, X509** certificate, EVP_PKEY** public_key) {
  if (!matched(ssl)) return -1;
  const handfast::DaneState& dane = ssl->dane;
  if (dane.mtlsa != nullptr) {
    give(certificate, dane.mcert);
    give(public_key, dane.mcert == nullptr ? dane.mtlsa->spki : nullptr);
  }
  return dane.mdpth;
}

int SSL_get0_dane_tlsa(SSL* ssl, uint8_t* usage, uint8_t* selector, uint8_t* mtype,
                       const unsigned char** data, size_t* length) {
  if (!matched(ssl)) return -1;
  const handfast::DaneState& dane = ssl->dane;
  if (dane.mtlsa != nullptr) {
    give(usage, dane.mtlsa->usage);
    give(selector, dane.mtlsa->selector);
    give(mtype, dane.mtlsa->mtype);
    if (data != nullptr) *data = dane.mtlsa->data;
    give(length, dane.mtlsa->dlen);
  }
  return dane.mdpth;
}

}  // extern "C"
