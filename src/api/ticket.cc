// SSL_CTX_set_num_tickets(3), SSL_CTX_set_session_ticket_cb(3),
// SSL_CTX_set_tlsext_ticket_key_cb(3): what an application says about session tickets.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "config/context.h"
#include "connection/connection.h"

using handfast::Hooks;
using handfast::Policy;

namespace {

template <typename Holder>
int set_num_tickets(Holder* holder, size_t count) {
  Policy* policy = holder->policy.edit();
  if (policy == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return 0;
  }
  policy->num_tickets = count;
  return 1;
}

template <typename Callback>
int set_hook(SSL* ssl, Callback Hooks::*place, Callback callback, void* Hooks::*argument_place,
             void* argument) {
  if (ssl == nullptr) return 0;
  Hooks* hooks = ssl->hooks.edit();
  if (hooks == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return 0;
  }
  hooks->*place = callback;
  hooks->*argument_place = argument;
  return 1;
}

}  // namespace

extern "C" {

int SSL_CTX_set_num_tickets(SSL_CTX* ctx, size_t count) {
  return set_num_tickets(ctx, count);
}

size_t SSL_CTX_get_num_tickets(const SSL_CTX* ctx) {
  return ctx->policy->num_tickets;
}

int SSL_set_num_tickets(SSL* ssl, size_t count) {
  return set_num_tickets(ssl, count);
}

size_t SSL_get_num_tickets(const SSL* ssl) {
  return ssl->policy->num_tickets;
}

int SSL_new_session_ticket(SSL* ssl) {
  bool sending = ssl->tickets_asked > 0;
  if ((ssl->in_init && !sending) || ssl->phase != handfast::Phase::connected || !ssl->server ||
      ssl->negotiated.version != TLS1_3_VERSION) {
    return 0;
  }
  ++ssl->tickets_asked;
  if (!ssl->channel.unsent()) ssl->in_init = true;
  return 1;
}

int SSL_CTX_set_session_ticket_cb(SSL_CTX* ctx, SSL_CTX_generate_session_ticket_fn generate,
                                  SSL_CTX_decrypt_session_ticket_fn decrypt, void* argument) {
  ctx->live.generate_ticket = generate;
  ctx->live.decrypt_ticket = decrypt;
  ctx->live.ticket_argument = argument;
  return 1;
}

int SSL_CTX_set_tlsext_ticket_key_evp_cb(SSL_CTX* ctx,
                                         int (*callback)(SSL*, unsigned char*, unsigned char*,
                                                         EVP_CIPHER_CTX*, EVP_MAC_CTX*, int)) {
  ctx->live.ticket_key_evp = callback;
  return 1;
}

int SSL_set_session_secret_cb(SSL* ssl, tls_session_secret_cb_fn callback, void* argument) {
  return set_hook(ssl, &Hooks::session_secret, callback, &Hooks::session_secret_argument, argument);
}

int SSL_set_session_ticket_ext_cb(SSL* ssl, tls_session_ticket_ext_cb_fn callback, void* argument) {
  return set_hook(ssl, &Hooks::session_ticket_extension, callback,
                  &Hooks::session_ticket_extension_argument, argument);
}

int SSL_set_session_ticket_ext(SSL* ssl, void* data, int length) {
  handfast::Request& request = ssl->request;
  request.session_ticket.release();
  request.ticket_extension = handfast::TicketExtension::left_out;
  if (data == nullptr) return 1;
  if (length < 0) {
    ERR_raise(ERR_LIB_SSL, ERR_R_PASSED_INVALID_ARGUMENT);
    return 0;
  }
  if (!request.session_ticket.assign(
          {static_cast<const uint8_t*>(data), static_cast<size_t>(length)})) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return 0;
  }
  request.ticket_extension = handfast::TicketExtension::given;
  return 1;
}

int SSL_SESSION_set1_ticket_appdata(SSL_SESSION* session, const void* data, size_t length) {
  session->ticket_appdata.release();
  if (data == nullptr || length == 0) return 1;
  return session->ticket_appdata.assign({static_cast<const uint8_t*>(data), length}) ? 1 : 0;
}

int SSL_SESSION_get0_ticket_appdata(SSL_SESSION* session, void** data, size_t* length) {
  *data = session->ticket_appdata.data();
  *length = session->ticket_appdata.size();
  return 1;
}

}  // extern "C"
