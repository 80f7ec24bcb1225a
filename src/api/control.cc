// SSL_ctrl(3), SSL_CTX_ctrl(3) and the forms with a callback: what the macros of <openssl/ssl.h>
// call.
#include <openssl/err.h>

#include "api/control_certificate.h"
#include "api/control_session.h"
#include "api/control_table.h"
#include "config/name_lists.h"

using handfast::Array;
using handfast::Control;
using handfast::ControlTarget;
using handfast::Hooks;

namespace {

// nullptr when the command is for neither, or only for the other kind of object.
const Control* find(int command, Control::On on) {
  for (std::span<const Control> table :
       {handfast::policy_controls(), handfast::extension_controls(), handfast::algorithm_controls(),
        handfast::connection_controls(), handfast::datagram_controls(), handfast::srp_controls()}) {
    for (const Control& control : table) {
      if (control.command == command && (control.on == Control::On::both || control.on == on)) {
        return &control;
      }
    }
  }
  return nullptr;
}

// Without an object only the syntax of a list is checked; which groups there are is the object's.
long check_syntax(int command, const void* parg) {
  Array<uint16_t> list;
  const auto* text = static_cast<const char*>(parg);
  switch (command) {
    case SSL_CTRL_SET_GROUPS_LIST:
      return handfast::parse_groups({}, text, list) ? 1 : 0;
    case SSL_CTRL_SET_SIGALGS_LIST:
    case SSL_CTRL_SET_CLIENT_SIGALGS_LIST:
      return handfast::parse_signature_schemes(text, list) ? 1 : 0;
    default:
      return 0;
  }
}

using Callback = void (*)(void);

Hooks* edit(handfast::Cow<Hooks>& hooks) {
  Hooks* edited = hooks.edit();
  if (edited == nullptr) ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return edited;
}

template <typename Field>
long set_hook(handfast::Cow<Hooks>& hooks, Field Hooks::*field, Callback callback) {
  Hooks* edited = edit(hooks);
  if (edited == nullptr) return 0;
  edited->*field = reinterpret_cast<Field>(callback);
  return 1;
}

template <typename Field>
long set_live(Field& field, Callback callback) {
  field = reinterpret_cast<Field>(callback);
  return 1;
}

long set_dh_callback(handfast::Cow<handfast::Credentials>& credentials, Callback callback) {
  handfast::Credentials* edited = credentials.edit();
  if (edited == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return 0;
  }
  edited->dh_callback = reinterpret_cast<decltype(edited->dh_callback)>(callback);
  return 1;
}

}  // namespace

handfast::Policy* handfast::edit_policy(ControlTarget& target) {
  Policy* policy = target.policy.edit();
  if (policy == nullptr) ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return policy;
}

extern "C" {

long SSL_ctrl(SSL* ssl, int command, long larg, void* parg) {
  bool handled = false;
  long result = handfast::control_certificate(ssl, nullptr, command, larg, parg, handled);
  if (handled) return result;
  const Control* control = find(command, Control::On::ssl);
  if (control == nullptr) return 0;
  ControlTarget target{ssl, nullptr, *ssl->ctx, ssl->policy, ssl->credentials, ssl->hooks};
  return control->run(target, larg, parg);
}

long SSL_CTX_ctrl(SSL_CTX* ctx, int command, long larg, void* parg) {
  if (ctx == nullptr) return check_syntax(command, parg);
  bool handled = false;
  long result = handfast::control_certificate(nullptr, ctx, command, larg, parg, handled);
  if (handled) return result;
  result = handfast::control_session(ctx, command, larg, parg, handled);
  if (handled) return result;
  const Control* control = find(command, Control::On::ctx);
  if (control == nullptr) return 0;
  ControlTarget target{nullptr, ctx, *ctx, ctx->policy, ctx->credentials, ctx->hooks};
  return control->run(target, larg, parg);
}

long SSL_callback_ctrl(SSL* ssl, int command, Callback callback) {
  switch (command) {
    case SSL_CTRL_SET_MSG_CALLBACK:
      return set_hook(ssl->hooks, &Hooks::message, callback);
    case SSL_CTRL_SET_TLSEXT_DEBUG_CB:
      return set_hook(ssl->hooks, &Hooks::extension_debug, callback);
    case SSL_CTRL_SET_NOT_RESUMABLE_SESS_CB:
      return set_hook(ssl->hooks, &Hooks::not_resumable_session, callback);
    case SSL_CTRL_SET_TMP_DH_CB:
      return set_dh_callback(ssl->credentials, callback);
    default:
      return 0;
  }
}

long SSL_CTX_callback_ctrl(SSL_CTX* ctx, int command, Callback callback) {
  bool handled = false;
  long result = handfast::control_session_callback(ctx, command, callback, handled);
  if (handled) return result;
  result = handfast::control_srp_callback(ctx, command, callback, handled);
  if (handled) return result;
  switch (command) {
    case SSL_CTRL_SET_MSG_CALLBACK:
      return set_hook(ctx->hooks, &Hooks::message, callback);
    case SSL_CTRL_SET_NOT_RESUMABLE_SESS_CB:
      return set_hook(ctx->hooks, &Hooks::not_resumable_session, callback);
    case SSL_CTRL_SET_TMP_DH_CB:
      return set_dh_callback(ctx->credentials, callback);
    case SSL_CTRL_SET_TLSEXT_SERVERNAME_CB:
      return set_live(ctx->live.server_name, callback);
    case SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB:
      return set_live(ctx->live.status, callback);
    default:
      return 0;
  }
}

}  // extern "C"
