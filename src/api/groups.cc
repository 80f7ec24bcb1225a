// SSL_group_to_name(3), SSL_CTX_set0_tmp_dh_pkey(3): groups of key exchange.
#include "crypto/group.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "config/security.h"
#include "connection/connection.h"

using handfast::Cow;
using handfast::Credentials;

namespace {

constexpr int kUnknownGroup = 0x1000000;  // TLSEXT_nid_unknown

using DhCallback = DH* (*)(SSL* ssl, int is_export, int key_length);

Credentials* edit(Cow<Credentials>& credentials) {
  Credentials* edited = credentials.edit();
  if (edited == nullptr) ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return edited;
}

// Takes the key over when it returns 1.
int set_dh(Cow<Credentials>& credentials, EVP_PKEY* key, bool allowed) {
  if (!allowed) {
    ERR_raise(ERR_LIB_SSL, SSL_R_DH_KEY_TOO_SMALL);
    return 0;
  }
  Credentials* edited = edit(credentials);
  if (edited == nullptr) return 0;
  edited->dh_params.reset(key);
  return 1;
}

}  // namespace

extern "C" {

const char* SSL_group_to_name(SSL* ssl, int nid) {
  const handfast::Group* known = handfast::find_group_by_nid(nid);
  auto id = static_cast<uint16_t>(nid);
  if ((nid & kUnknownGroup) == 0) id = known != nullptr ? known->id : 0;
  const handfast::Group* group = ssl->ctx->algorithms.groups().find(id);
  return group == nullptr ? nullptr : group->standard_name;
}

int SSL_CTX_set0_tmp_dh_pkey(SSL_CTX* ctx, EVP_PKEY* key) {
  bool allowed = handfast::allowed(*ctx->policy, nullptr, ctx, SSL_SECOP_TMP_DH,
                                   EVP_PKEY_get_security_bits(key), 0, key);
  return set_dh(ctx->credentials, key, allowed);
}

int SSL_set0_tmp_dh_pkey(SSL* ssl, EVP_PKEY* key) {
  bool allowed = handfast::allowed(*ssl->policy, ssl, nullptr, SSL_SECOP_TMP_DH,
                                   EVP_PKEY_get_security_bits(key), 0, key);
  return set_dh(ssl->credentials, key, allowed);
}

void SSL_CTX_set_tmp_dh_callback(SSL_CTX* ctx, DhCallback callback) {
  if (Credentials* edited = edit(ctx->credentials)) edited->dh_callback = callback;
}

void SSL_set_tmp_dh_callback(SSL* ssl, DhCallback callback) {
  if (Credentials* edited = edit(ssl->credentials)) edited->dh_callback = callback;
}

}  // extern "C"
