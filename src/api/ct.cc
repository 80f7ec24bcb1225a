// SSL_CTX_set_ct_validation_callback(3), SSL_CTX_set_ctlog_list_file(3), SSL_get0_peer_scts(3).
#include <openssl/err.h>

#include "connection/connection.h"

namespace {

// The callbacks of SSL_CTX_enable_ct(3).

int permissive(const CT_POLICY_EVAL_CTX*, const STACK_OF(SCT) *, void*) {
  return 1;
}

int strict(const CT_POLICY_EVAL_CTX*, const STACK_OF(SCT) * scts, void*) {
  for (int i = 0; i < sk_SCT_num(scts); ++i) {
    if (SCT_get_validation_status(sk_SCT_value(scts, i)) == SCT_VALIDATION_STATUS_VALID) return 1;
  }
  ERR_raise(ERR_LIB_SSL, SSL_R_NO_VALID_SCTS);
  return 0;
}

// nullptr for an unknown mode, with the reason in the queue.
ssl_ct_validation_cb callback_of(int mode) {
  switch (mode) {
    case SSL_CT_VALIDATION_PERMISSIVE:
      return permissive;
    case SSL_CT_VALIDATION_STRICT:
      return strict;
    default:
      ERR_raise(ERR_LIB_SSL, SSL_R_INVALID_CT_VALIDATION_TYPE);
      return nullptr;
  }
}

// Programs from before OpenSSL 1.1.0 handle the extension by themselves.
bool handled_by_application(const SSL_CTX* ctx) {
  if (SSL_CTX_has_client_custom_ext(ctx, TLSEXT_TYPE_signed_certificate_timestamp) == 0) {
    return false;
  }
  ERR_raise(ERR_LIB_SSL, SSL_R_CUSTOM_EXT_HANDLER_ALREADY_INSTALLED);
  return true;
}

}  // namespace

extern "C" {

int SSL_CTX_set_ct_validation_callback(SSL_CTX* ctx, ssl_ct_validation_cb callback,
                                       void* argument) {
  if (callback != nullptr && handled_by_application(ctx)) return 0;
  ctx->transparency = {callback, argument};
  return 1;
}

int SSL_set_ct_validation_callback(SSL* ssl, ssl_ct_validation_cb callback, void* argument) {
  if (callback != nullptr && handled_by_application(ssl->ctx.get())) return 0;
  // RFC 6962 section 3.3: SCTs may come in a stapled OCSP response.
  if (callback != nullptr && SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp) == 0) return 0;
  ssl->transparency = {callback, argument};
  return 1;
}

int SSL_CTX_enable_ct(SSL_CTX* ctx, int mode) {
  ssl_ct_validation_cb callback = callback_of(mode);
  return callback == nullptr ? 0 : SSL_CTX_set_ct_validation_callback(ctx, callback, nullptr);
}

int SSL_enable_ct(SSL* ssl, int mode) {
  ssl_ct_validation_cb callback = callback_of(mode);
  return callback == nullptr ? 0 : SSL_set_ct_validation_callback(ssl, callback, nullptr);
}

int SSL_CTX_ct_is_enabled(const SSL_CTX* ctx) {
  return ctx->transparency.callback != nullptr ? 1 : 0;
}

int SSL_ct_is_enabled(const SSL* ssl) {
  return ssl->transparency.callback != nullptr ? 1 : 0;
}

int SSL_CTX_set_default_ctlog_list_file(SSL_CTX* ctx) {
  return CTLOG_STORE_load_default_file(ctx->ctlog_store.get());
}

int SSL_CTX_set_ctlog_list_file(SSL_CTX* ctx, const char* path) {
  return CTLOG_STORE_load_file(ctx->ctlog_store.get(), path);
}

void SSL_CTX_set0_ctlog_store(SSL_CTX* ctx, CTLOG_STORE* logs) {
  ctx->ctlog_store.reset(logs);
}

const CTLOG_STORE* SSL_CTX_get0_ctlog_store(const SSL_CTX* ctx) {
  return ctx->ctlog_store.get();
}

// Read when first asked for: few applications do.
const STACK_OF(SCT) * SSL_get0_peer_scts(SSL* ssl) {
  handfast::Negotiated& negotiated = ssl->negotiated;
  if (ssl->scts == nullptr) {
    X509* certificate = ssl->session == nullptr ? nullptr : ssl->session->peer.get();
    if (!handfast::read_scts(negotiated.scts.view(), negotiated.ocsp_response.view(), certificate,
                             ssl->scts)) {
      return nullptr;
    }
  }
  return ssl->scts.get();
}

}  // extern "C"
