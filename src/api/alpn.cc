// SSL_CTX_set_alpn_select_cb(3): the application protocol, by ALPN (RFC 7301) and its predecessor.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "connection/connection.h"
#include "wire/reader.h"

using handfast::Bytes;
using handfast::Cow;
using handfast::Policy;
using handfast::Reader;
using handfast::View;

namespace {

// RFC 7301 3.1: one or more names of one or more bytes.
bool is_protocol_list(View list) {
  Reader reader(list);
  if (reader.empty()) return false;
  while (!reader.empty()) {
    View name;
    if (!reader.vector8(name) || name.empty()) return false;
  }
  return true;
}

// Unlike its neighbours this one returns 0 for success.
int set_protocols(Cow<Policy>& policy, const unsigned char* protocols, unsigned int length) {
  View list = protocols == nullptr ? View() : View(protocols, length);
  if (!list.empty() && !is_protocol_list(list)) return 1;
  Policy* edited = policy.edit();
  if (edited == nullptr || !edited->alpn.assign(list)) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return 1;
  }
  return 0;
}

void give(const Bytes& value, const unsigned char** data, unsigned int* length) {
  *data = value.empty() ? nullptr : value.data();
  *length = static_cast<unsigned int>(value.size());
}

// Trailing bytes that are no name are passed over.
bool contains(View list, View wanted) {
  Reader reader(list);
  View name;
  while (reader.vector8(name)) {
    if (handfast::equal(name, wanted)) return true;
  }
  return false;
}

}  // namespace

extern "C" {

int SSL_CTX_set_alpn_protos(SSL_CTX* ctx, const unsigned char* protocols, unsigned int length) {
  return set_protocols(ctx->policy, protocols, length);
}

int SSL_set_alpn_protos(SSL* ssl, const unsigned char* protocols, unsigned int length) {
  return set_protocols(ssl->policy, protocols, length);
}

void SSL_CTX_set_alpn_select_cb(SSL_CTX* ctx, SSL_CTX_alpn_select_cb_func callback,
                                void* argument) {
  ctx->live.alpn_select = callback;
  ctx->live.alpn_select_argument = argument;
}

void SSL_get0_alpn_selected(const SSL* ssl, const unsigned char** data, unsigned int* length) {
  give(ssl->negotiated.alpn, data, length);
}

void SSL_CTX_set_next_protos_advertised_cb(SSL_CTX* ctx, SSL_CTX_npn_advertised_cb_func callback,
                                           void* argument) {
  ctx->live.npn_advertised = callback;
  ctx->live.npn_advertised_argument = argument;
}

void SSL_CTX_set_next_proto_select_cb(SSL_CTX* ctx, SSL_CTX_npn_select_cb_func callback,
                                      void* argument) {
  ctx->live.npn_select = callback;
  ctx->live.npn_select_argument = argument;
}

void SSL_get0_next_proto_negotiated(const SSL* ssl, const unsigned char** data,
                                    unsigned int* length) {
  give(ssl->negotiated.npn, data, length);
}

// Without a common protocol the client's first one is taken, and the return value says so.
int SSL_select_next_proto(unsigned char** out, unsigned char* out_length,
                          const unsigned char* server, unsigned int server_length,
                          const unsigned char* client, unsigned int client_length) {
  *out = nullptr;
  *out_length = 0;
  View clients(client, client_length);
  View name;
  if (!Reader(clients).vector8(name) || name.empty()) return OPENSSL_NPN_NO_OVERLAP;
  int result = OPENSSL_NPN_NO_OVERLAP;
  Reader servers(View(server, server_length));
  for (View candidate; result != OPENSSL_NPN_NEGOTIATED && servers.vector8(candidate);) {
    if (candidate.empty() || !contains(clients, candidate)) continue;
    name = candidate;
    result = OPENSSL_NPN_NEGOTIATED;
  }
  *out = const_cast<unsigned char*>(name.data());
  *out_length = static_cast<unsigned char>(name.size());
  return result;
}

}  // extern "C"
