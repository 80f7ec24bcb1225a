// SSL_SESSION_new(3), its getters and setters, and the session of a connection.
#include "session/session.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstring>

#include "connection/connection.h"
#include "session/cache.h"

using handfast::Session;
using handfast::SessionCache;
using handfast::View;

namespace {

// A cache finds its sessions by version and id: before one of them changes, the session leaves.
void leave_cache(Session& session) {
  if (SessionCache* cache = session.cache) cache->remove(session);
}

void reorder(Session& session) {
  if (SessionCache* cache = session.cache) cache->reorder(session);
}

}  // namespace

extern "C" {

SSL_SESSION* SSL_SESSION_new(void) {
  if (OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS, nullptr) == 0) return nullptr;
  return handfast::new_session();
}

SSL_SESSION* SSL_SESSION_dup(const SSL_SESSION* session) {
  return handfast::duplicate(*session, true);
}

int SSL_SESSION_up_ref(SSL_SESSION* session) {
  handfast::up_ref(session);
  return 1;
}

void SSL_SESSION_free(SSL_SESSION* session) {
  handfast::free_session(session);
}

const unsigned char* SSL_SESSION_get_id(const SSL_SESSION* session, unsigned int* length) {
  if (length != nullptr) *length = session->id_length;
  return session->id;
}

int SSL_SESSION_set1_id(SSL_SESSION* session, const unsigned char* id, unsigned int length) {
  if (length > sizeof session->id) {
    ERR_raise(ERR_LIB_SSL, SSL_R_SSL_SESSION_ID_TOO_LONG);
    return 0;
  }
  leave_cache(*session);
  if (length > 0) std::memmove(session->id, id, length);
  session->id_length = static_cast<uint8_t>(length);
  return 1;
}

const unsigned char* SSL_SESSION_get0_id_context(const SSL_SESSION* session, unsigned int* length) {
  if (length != nullptr) *length = session->id_context_length;
  return session->id_context;
}

int SSL_SESSION_set1_id_context(SSL_SESSION* session, const unsigned char* context,
                                unsigned int length) {
  if (length > sizeof session->id_context) {
    ERR_raise(ERR_LIB_SSL, SSL_R_SSL_SESSION_ID_CONTEXT_TOO_LONG);
    return 0;
  }
  if (length > 0) std::memmove(session->id_context, context, length);
  session->id_context_length = static_cast<uint8_t>(length);
  return 1;
}

unsigned int SSL_SESSION_get_compress_id(const SSL_SESSION* session) {
  return session->compression;
}

long SSL_SESSION_get_time(const SSL_SESSION* session) {
  return session == nullptr ? 0 : session->time.load();
}

long SSL_SESSION_set_time(SSL_SESSION* session, long time) {
  if (session == nullptr) return 0;
  session->time = time;
  reorder(*session);
  return time;
}

long SSL_SESSION_get_timeout(const SSL_SESSION* session) {
  return session == nullptr ? 0 : session->timeout.load();
}

long SSL_SESSION_set_timeout(SSL_SESSION* session, long timeout) {
  if (session == nullptr || timeout < 0) return 0;
  session->timeout = timeout;
  reorder(*session);
  return 1;
}

int SSL_SESSION_get_protocol_version(const SSL_SESSION* session) {
  return session->version;
}

int SSL_SESSION_set_protocol_version(SSL_SESSION* session, int version) {
  leave_cache(*session);
  session->version = version;
  return 1;
}

const SSL_CIPHER* SSL_SESSION_get0_cipher(const SSL_SESSION* session) {
  return session->cipher;
}

int SSL_SESSION_set_cipher(SSL_SESSION* session, const SSL_CIPHER* cipher) {
  session->cipher = cipher;
  if (cipher != nullptr) session->cipher_id = SSL_CIPHER_get_id(cipher);
  return 1;
}

const char* SSL_SESSION_get0_hostname(const SSL_SESSION* session) {
  return session->hostname.get();
}

int SSL_SESSION_set1_hostname(SSL_SESSION* session, const char* hostname) {
  return handfast::assign(session->hostname, hostname) ? 1 : 0;
}

int SSL_SESSION_has_ticket(const SSL_SESSION* session) {
  return session->ticket.empty() ? 0 : 1;
}

unsigned long SSL_SESSION_get_ticket_lifetime_hint(const SSL_SESSION* session) {
  return session->ticket_lifetime_hint;
}

void SSL_SESSION_get0_ticket(const SSL_SESSION* session, const unsigned char** ticket,
                             size_t* length) {
  *length = session->ticket.size();
  if (ticket != nullptr) *ticket = session->ticket.data();
}

uint32_t SSL_SESSION_get_max_early_data(const SSL_SESSION* session) {
  return session->max_early_data;
}

int SSL_SESSION_set_max_early_data(SSL_SESSION* session, uint32_t limit) {
  session->max_early_data = limit;
  return 1;
}

void SSL_SESSION_get0_alpn_selected(const SSL_SESSION* session, const unsigned char** protocol,
                                    size_t* length) {
  *protocol = session->alpn.empty() ? nullptr : session->alpn.data();
  *length = session->alpn.size();
}

int SSL_SESSION_set1_alpn_selected(SSL_SESSION* session, const unsigned char* protocol,
                                   size_t length) {
  session->alpn.release();
  if (protocol == nullptr || length == 0) return 1;
  return session->alpn.assign({protocol, length}) ? 1 : 0;
}

X509* SSL_SESSION_get0_peer(SSL_SESSION* session) {
  return session->peer.get();
}

// A ticket of RFC 5077 comes without a session id.
int SSL_SESSION_is_resumable(const SSL_SESSION* session) {
  bool found = session->id_length > 0 || !session->ticket.empty();
  return !session->not_resumable && found ? 1 : 0;
}

size_t SSL_SESSION_get_master_key(const SSL_SESSION* session, unsigned char* out, size_t length) {
  View key = session->master_key.view();
  if (length == 0 || key.empty()) return key.size();
  if (length < key.size()) key = key.first(length);
  std::memcpy(out, key.data(), key.size());
  return key.size();
}

int SSL_SESSION_set1_master_key(SSL_SESSION* session, const unsigned char* key, size_t length) {
  return session->master_key.assign({key, length}) ? 1 : 0;
}

uint8_t SSL_SESSION_get_max_fragment_length(const SSL_SESSION* session) {
  uint8_t mode = session->max_fragment_length_mode;
  return mode == TLSEXT_max_fragment_length_UNSPECIFIED ? TLSEXT_max_fragment_length_DISABLED
                                                        : mode;
}

SSL_SESSION* SSL_get_session(const SSL* ssl) {
  return ssl->session.get();
}

SSL_SESSION* SSL_get1_session(SSL* ssl) {
  if (ssl->session != nullptr) handfast::up_ref(ssl->session.get());
  return ssl->session.get();
}

int SSL_set_session(SSL* ssl, SSL_SESSION* session) {
  // A handshake holds on to the session that it began with, between its calls too.
  if (ssl->driving || ssl->phase == handfast::Phase::handshaking) {
    ERR_raise(ERR_LIB_SSL, ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
    return 0;
  }
  handfast::drop_bad_session(*ssl);
  if (ssl->method != ssl->ctx->method && SSL_set_ssl_method(ssl, ssl->ctx->method) == 0) return 0;
  if (session != nullptr) {
    handfast::up_ref(session);
    ssl->verify_result = session->verify_result;
  }
  ssl->session.reset(session);
  return 1;
}

int SSL_session_reused(const SSL* ssl) {
  return ssl->negotiated.resumed ? 1 : 0;
}

int SSL_copy_session_id(SSL* to, const SSL* from) {
  if (SSL_set_session(to, from->session.get()) == 0) return 0;
  handfast::Policy* policy = to->policy.edit();
  if (policy == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return 0;
  }
  to->method = from->method;
  to->credentials = from->credentials;
  std::memcpy(policy->id_context, from->policy->id_context, sizeof policy->id_context);
  policy->id_context_length = from->policy->id_context_length;
  return 1;
}

}  // extern "C"
