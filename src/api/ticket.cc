// SSL_CTX_set_num_tickets(3), SSL_CTX_set_session_ticket_cb(3),
// SSL_CTX_set_tlsext_ticket_key_cb(3): what an application says about session tickets.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "config/context.h"
#include "connection/connection.h"

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
