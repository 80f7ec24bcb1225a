// SSL_CTX_set_srp_password(3): Secure Remote Password, RFC 5054.
#include <openssl/err.h>
#include <openssl/srp.h>

#include <cstring>

#include "api/control_table.h"
#include "config/srp.h"
#include "handshake/srp.h"

using handfast::Connection;
using handfast::Context;
using handfast::Control;
using handfast::ControlTarget;
using handfast::SrpNumber;
using handfast::SrpSettings;
using handfast::SrpState;

namespace {

using On = Control::On;

constexpr size_t kMaxUserName = 255;  // RFC 5054 2.8.1: srp_I<1..2^8-1>

// For change; nullptr with the reason in the queue.
SrpSettings* edit(Context& context) {
  if (context.srp == nullptr) context.srp.reset(handfast::make<SrpSettings>());
  if (context.srp == nullptr) ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return context.srp.get();
}

SrpState* edit(Connection& connection) {
  handfast::Unique<SrpState>& srp = connection.request.srp;
  if (srp == nullptr) srp.reset(handfast::make<SrpState>());
  if (srp == nullptr) ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return srp.get();
}

long set_user_name(ControlTarget& target, long, void* name) {
  SrpSettings* srp = edit(*target.ctx);
  if (srp == nullptr) return 0;
  const auto* text = static_cast<const char*>(name);
  srp->enabled = true;
  srp->user_name.reset();
  if (text == nullptr) return 1;
  if (*text == '\0' || std::strlen(text) > kMaxUserName) {
    ERR_raise(ERR_LIB_SSL, SSL_R_INVALID_SRP_USERNAME);
    return 0;
  }
  if (handfast::assign(srp->user_name, text)) return 1;
  ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return 0;
}

char* password_of(SSL* ssl, void*) {
  const char* password = ssl->request.srp->information.get();
  return password == nullptr ? nullptr : OPENSSL_strdup(password);
}

long set_password(ControlTarget& target, long, void* password) {
  SrpSettings* srp = edit(*target.ctx);
  if (srp == nullptr) return 0;
  const auto* text = static_cast<const char*>(password);
  srp->password_callback = password_of;
  srp->information.reset(text == nullptr ? nullptr : OPENSSL_strdup(text));
  if (srp->information != nullptr) return 1;
  ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
  return 0;
}

long set_strength(ControlTarget& target, long strength, void*) {
  SrpSettings* srp = edit(*target.ctx);
  if (srp == nullptr) return 0;
  srp->strength = static_cast<int>(strength);
  return 1;
}

template <typename Field>
long set_callback(Context& context, Field SrpSettings::*field, void (*callback)()) {
  SrpSettings* srp = edit(context);
  if (srp == nullptr) return 0;
  srp->enabled = true;
  srp->*field = reinterpret_cast<Field>(callback);
  return 1;
}

// Into the number that is there, so that what SSL_get_srp_N gave stays good.
void set_number(SrpNumber& number, const BIGNUM* value) {
  if (value == nullptr) return;
  if (number == nullptr) {
    number.reset(BN_dup(value));
  } else if (BN_copy(number.get(), value) == nullptr) {
    number.reset();
  }
}

constexpr Control kControls[] = {
    {SSL_CTRL_SET_TLS_EXT_SRP_USERNAME, On::ctx, set_user_name},
    {SSL_CTRL_SET_TLS_EXT_SRP_PASSWORD, On::ctx, set_password},
    {SSL_CTRL_SET_TLS_EXT_SRP_STRENGTH, On::ctx, set_strength},
};

using Callback = void (*)();

}  // namespace

std::span<const Control> handfast::srp_controls() {
  return kControls;
}

long handfast::control_srp_callback(SSL_CTX* ctx, int command, void (*callback)(), bool& handled) {
  handled = true;
  switch (command) {
    case SSL_CTRL_SET_TLS_EXT_SRP_USERNAME_CB:
      return set_callback(*ctx, &SrpSettings::user_callback, callback);
    case SSL_CTRL_SET_SRP_VERIFY_PARAM_CB:
      return set_callback(*ctx, &SrpSettings::parameters_callback, callback);
    case SSL_CTRL_SET_SRP_GIVE_CLIENT_PWD_CB:
      return set_callback(*ctx, &SrpSettings::password_callback, callback);
    default:
      handled = false;
      return 0;
  }
}

extern "C" {

// --- Contexts ---

int SSL_CTX_set_srp_username(SSL_CTX* ctx, char* name) {
  return static_cast<int>(SSL_CTX_ctrl(ctx, SSL_CTRL_SET_TLS_EXT_SRP_USERNAME, 0, name));
}

int SSL_CTX_set_srp_password(SSL_CTX* ctx, char* password) {
  return static_cast<int>(SSL_CTX_ctrl(ctx, SSL_CTRL_SET_TLS_EXT_SRP_PASSWORD, 0, password));
}

int SSL_CTX_set_srp_strength(SSL_CTX* ctx, int strength) {
  return static_cast<int>(SSL_CTX_ctrl(ctx, SSL_CTRL_SET_TLS_EXT_SRP_STRENGTH, strength, nullptr));
}

// SSL_CTRL_SET_SRP_ARG has the number of SSL_CTRL_CLEAR_MODE, which is what SSL_CTX_ctrl takes it
// for.
int SSL_CTX_set_srp_cb_arg(SSL_CTX* ctx, void* argument) {
  SrpSettings* srp = edit(*ctx);
  if (srp == nullptr) return 0;
  srp->enabled = true;
  srp->argument = argument;
  return 1;
}

int SSL_CTX_set_srp_verify_param_callback(SSL_CTX* ctx, int (*callback)(SSL*, void*)) {
  return static_cast<int>(SSL_CTX_callback_ctrl(ctx, SSL_CTRL_SET_SRP_VERIFY_PARAM_CB,
                                                reinterpret_cast<Callback>(callback)));
}

int SSL_CTX_set_srp_username_callback(SSL_CTX* ctx, int (*callback)(SSL*, int*, void*)) {
  return static_cast<int>(SSL_CTX_callback_ctrl(ctx, SSL_CTRL_SET_TLS_EXT_SRP_USERNAME_CB,
                                                reinterpret_cast<Callback>(callback)));
}

int SSL_CTX_set_srp_client_pwd_callback(SSL_CTX* ctx, char* (*callback)(SSL*, void*)) {
  return static_cast<int>(SSL_CTX_callback_ctrl(ctx, SSL_CTRL_SET_SRP_GIVE_CLIENT_PWD_CB,
                                                reinterpret_cast<Callback>(callback)));
}

int SSL_CTX_SRP_CTX_init(SSL_CTX* ctx) {
  if (ctx == nullptr) return 0;
  ctx->srp.reset();
  return 1;
}

int SSL_CTX_SRP_CTX_free(SSL_CTX* ctx) {
  return SSL_CTX_SRP_CTX_init(ctx);
}

// --- Connections ---

int SSL_SRP_CTX_init(SSL* ssl) {
  if (ssl == nullptr) return 0;
  if (handfast::copy_srp(ssl->ctx->srp.get(), ssl->request.srp)) return 1;
  ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
  return 0;
}

int SSL_SRP_CTX_free(SSL* ssl) {
  if (ssl == nullptr) return 0;
  return handfast::copy_srp(nullptr, ssl->request.srp) ? 1 : 0;
}

BIGNUM* SSL_get_srp_g(SSL* ssl) {
  return ssl->request.srp == nullptr ? nullptr : ssl->request.srp->generator.get();
}

BIGNUM* SSL_get_srp_N(SSL* ssl) {
  return ssl->request.srp == nullptr ? nullptr : ssl->request.srp->prime.get();
}

char* SSL_get_srp_username(SSL* ssl) {
  const SrpState* own = ssl->request.srp.get();
  if (own != nullptr && own->user_name != nullptr) return own->user_name.get();
  return ssl->ctx->srp == nullptr ? nullptr : ssl->ctx->srp->user_name.get();
}

char* SSL_get_srp_userinfo(SSL* ssl) {
  const SrpState* own = ssl->request.srp.get();
  if (own != nullptr && own->information != nullptr) return own->information.get();
  return ssl->ctx->srp == nullptr ? nullptr : ssl->ctx->srp->information.get();
}

int SSL_set_srp_server_param(SSL* ssl, const BIGNUM* prime, const BIGNUM* generator, BIGNUM* salt,
                             BIGNUM* verifier, char* information) {
  SrpState* srp = edit(*ssl);
  if (srp == nullptr) return -1;
  set_number(srp->prime, prime);
  set_number(srp->generator, generator);
  set_number(srp->salt, salt);
  set_number(srp->verifier, verifier);
  if (information != nullptr) {
    srp->information.reset(OPENSSL_strdup(information));
    if (srp->information == nullptr) return -1;
  }
  bool complete = srp->prime != nullptr && srp->generator != nullptr && srp->salt != nullptr &&
                  srp->verifier != nullptr;
  return complete ? 1 : -1;
}

int SSL_set_srp_server_param_pw(SSL* ssl, const char* user, const char* password,
                                const char* group) {
  const SRP_gN* known = SRP_get_default_gN(group);
  if (known == nullptr) return -1;
  SrpState* srp = edit(*ssl);
  if (srp == nullptr) return -1;
  srp->prime.reset(BN_dup(known->N));
  srp->generator.reset(BN_dup(known->g));
  srp->salt.reset();
  srp->verifier.reset();
  BIGNUM* salt = nullptr;
  BIGNUM* verifier = nullptr;
  const handfast::Algorithms& algorithms = ssl->ctx->algorithms;
  int made = SRP_create_verifier_BN_ex(user, password, &salt, &verifier, srp->prime.get(),
                                       srp->generator.get(), algorithms.library(),
                                       algorithms.property_query());
  srp->salt.reset(salt);
  srp->verifier.reset(verifier);
  return made == 1 ? 1 : -1;
}

int SSL_srp_server_param_with_username(SSL* ssl, int* alert) {
  return handfast::find_srp_user(*ssl, *alert);
}

int SRP_Calc_A_param(SSL* ssl) {
  return handfast::make_client_srp(*ssl) ? 1 : 0;
}

}  // extern "C"
