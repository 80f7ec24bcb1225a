// Commands about extensions: server name, certificate status, debugging.
#include <openssl/err.h>
#include <openssl/tls1.h>

#include <cstring>

#include "api/control_table.h"

namespace handfast {

namespace {

using On = Control::On;

template <typename T>
long give(void* out, T value) {
  *static_cast<T*>(out) = value;
  return 1;
}

long set_host_name(ControlTarget& target, long larg, void* parg) {
  if (larg != TLSEXT_NAMETYPE_host_name) {
    ERR_raise(ERR_LIB_SSL, SSL_R_SSL3_EXT_INVALID_SERVERNAME_TYPE);
    return 0;
  }
  UniqueString& name = target.ssl->request.server_name;
  name.reset();
  if (parg == nullptr) return 1;
  size_t length = std::strlen(static_cast<const char*>(parg));
  if (length == 0 || length > TLSEXT_MAXLEN_host_name) {
    ERR_raise(ERR_LIB_SSL, SSL_R_SSL3_EXT_INVALID_SERVERNAME);
    return 0;
  }
  name.reset(OPENSSL_strdup(static_cast<const char*>(parg)));
  if (name == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
    return 0;
  }
  return 1;
}

long set_server_name_argument(ControlTarget& target, long, void* parg) {
  target.ctx->live.server_name_argument = parg;
  return 1;
}

long set_debug_argument(ControlTarget& target, long, void* parg) {
  Hooks* hooks = target.hooks.edit();
  if (hooks == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return 0;
  }
  hooks->extension_debug_argument = parg;
  return 1;
}

long get_status_type(ControlTarget& target, long, void*) {
  // A server shows what its client asked for.
  if (target.ssl != nullptr && target.ssl->negotiated.status_requested) {
    return TLSEXT_STATUSTYPE_ocsp;
  }
  return target.policy->status_type;
}

long set_status_type(ControlTarget& target, long larg, void*) {
  Policy* policy = edit_policy(target);
  if (policy == nullptr) return 0;
  policy->status_type = static_cast<int>(larg);
  return 1;
}

long set_status_argument(ControlTarget& target, long, void* parg) {
  target.ctx->live.status_argument = parg;
  return 1;
}

long get_status_argument(ControlTarget& target, long, void* parg) {
  return give(parg, target.ctx->live.status_argument);
}

long get_status_callback(ControlTarget& target, long, void* parg) {
  return give(parg, target.ctx->live.status);
}

long get_status_extensions(ControlTarget& target, long, void* parg) {
  return give(parg, target.ssl->request.ocsp_extensions.get());
}

// What was there before is the application's again, as it always was: it may be a part of what is
// set now.
long set_status_extensions(ControlTarget& target, long, void* parg) {
  auto& extensions = target.ssl->request.ocsp_extensions;
  (void)extensions.release();
  extensions.reset(static_cast<STACK_OF(X509_EXTENSION)*>(parg));
  return 1;
}

long get_status_ids(ControlTarget& target, long, void* parg) {
  return give(parg, target.ssl->request.ocsp_ids.get());
}

long set_status_ids(ControlTarget& target, long, void* parg) {
  auto& ids = target.ssl->request.ocsp_ids;
  (void)ids.release();
  ids.reset(static_cast<STACK_OF(OCSP_RESPID)*>(parg));
  return 1;
}

// A client sees what the server stapled, a server what it will staple.
long get_status_response(ControlTarget& target, long, void* parg) {
  Connection& connection = *target.ssl;
  Bytes& response = connection.negotiated.ocsp_response.empty()
                        ? connection.request.ocsp_response
                        : connection.negotiated.ocsp_response;
  give(parg, response.empty() ? nullptr : response.data());
  return response.empty() ? -1 : static_cast<long>(response.size());
}

// Takes the bytes over.
long set_status_response(ControlTarget& target, long larg, void* parg) {
  Request& request = target.ssl->request;
  auto* bytes = static_cast<uint8_t*>(parg);
  size_t length = bytes == nullptr || larg < 0 ? 0 : static_cast<size_t>(larg);
  request.has_ocsp_response = bytes != nullptr;
  bool ok = request.ocsp_response.assign({bytes, length});
  if (!ok) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return 0;
  }
  OPENSSL_free(bytes);
  return 1;
}

constexpr Control kControls[] = {
    {SSL_CTRL_SET_TLSEXT_HOSTNAME, On::ssl, set_host_name},
    {SSL_CTRL_SET_TLSEXT_SERVERNAME_ARG, On::ctx, set_server_name_argument},
    {SSL_CTRL_SET_TLSEXT_DEBUG_ARG, On::ssl, set_debug_argument},
    {SSL_CTRL_GET_TLSEXT_STATUS_REQ_TYPE, On::both, get_status_type},
    {SSL_CTRL_SET_TLSEXT_STATUS_REQ_TYPE, On::both, set_status_type},
    {SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB_ARG, On::ctx, set_status_argument},
    {SSL_CTRL_GET_TLSEXT_STATUS_REQ_CB_ARG, On::ctx, get_status_argument},
    {SSL_CTRL_GET_TLSEXT_STATUS_REQ_CB, On::ctx, get_status_callback},
    {SSL_CTRL_GET_TLSEXT_STATUS_REQ_EXTS, On::ssl, get_status_extensions},
    {SSL_CTRL_SET_TLSEXT_STATUS_REQ_EXTS, On::ssl, set_status_extensions},
    {SSL_CTRL_GET_TLSEXT_STATUS_REQ_IDS, On::ssl, get_status_ids},
    {SSL_CTRL_SET_TLSEXT_STATUS_REQ_IDS, On::ssl, set_status_ids},
    {SSL_CTRL_GET_TLSEXT_STATUS_REQ_OCSP_RESP, On::ssl, get_status_response},
    {SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, On::ssl, set_status_response},
};

}  // namespace

std::span<const Control> extension_controls() {
  return kControls;
}

}  // namespace handfast
