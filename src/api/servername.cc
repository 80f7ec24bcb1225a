// SSL_CTX_set_tlsext_servername_callback(3), SSL_CTX_set_client_hello_cb(3).
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "connection/connection.h"
#include "extension/extension.h"
#include "handshake/handshake.h"

using handfast::ClientHello;
using handfast::Reader;
using handfast::View;

namespace {

// The ClientHello being looked at; nullptr outside of a server's handshake.
const ClientHello* current_hello(const SSL* ssl) {
  const handfast::Handshake* hs = ssl->handshake.get();
  return hs != nullptr && hs->server && !hs->client_hello.random.empty() ? &hs->client_hello
                                                                         : nullptr;
}

size_t give(View bytes, const unsigned char** out) {
  if (out != nullptr) *out = bytes.data();
  return bytes.size();
}

}  // namespace

extern "C" {

const char* SSL_get_servername(const SSL* ssl, const int type) {
  if (type != TLSEXT_NAMETYPE_host_name) return nullptr;
  // Before TLS 1.3 the name is the session's.
  const handfast::Negotiated& negotiated = ssl->negotiated;
  bool resumed =
      negotiated.resumed && negotiated.version < TLS1_3_VERSION && ssl->session != nullptr;
  const char* kept = resumed ? ssl->session->hostname.get() : nullptr;
  const char* asked = ssl->request.server_name.get();
  if (ssl->role == handfast::Role::server) {
    if (resumed) return kept;
    return negotiated.server_name != nullptr ? negotiated.server_name.get() : asked;
  }
  if (kept != nullptr) return kept;
  bool before = ssl->phase == handfast::Phase::before;
  if (before && asked == nullptr && ssl->session != nullptr &&
      ssl->session->version != TLS1_3_VERSION) {
    return ssl->session->hostname.get();
  }
  return asked;
}

int SSL_get_servername_type(const SSL* ssl) {
  return SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) != nullptr ? TLSEXT_NAMETYPE_host_name
                                                                       : -1;
}

void SSL_CTX_set_client_hello_cb(SSL_CTX* ctx, SSL_client_hello_cb_fn callback, void* argument) {
  ctx->live.client_hello = callback;
  ctx->live.client_hello_argument = argument;
}

int SSL_client_hello_isv2(SSL* ssl) {
  return current_hello(ssl) != nullptr && !ssl->handshake->v2_hello.empty() ? 1 : 0;
}

unsigned int SSL_client_hello_get0_legacy_version(SSL* ssl) {
  const ClientHello* hello = current_hello(ssl);
  return hello == nullptr ? 0 : hello->legacy_version;
}

size_t SSL_client_hello_get0_random(SSL* ssl, const unsigned char** out) {
  const ClientHello* hello = current_hello(ssl);
  return hello == nullptr ? 0 : give(hello->random, out);
}

size_t SSL_client_hello_get0_session_id(SSL* ssl, const unsigned char** out) {
  const ClientHello* hello = current_hello(ssl);
  return hello == nullptr ? 0 : give(hello->session_id, out);
}

size_t SSL_client_hello_get0_ciphers(SSL* ssl, const unsigned char** out) {
  const ClientHello* hello = current_hello(ssl);
  return hello == nullptr ? 0 : give(hello->cipher_suites, out);
}

size_t SSL_client_hello_get0_compression_methods(SSL* ssl, const unsigned char** out) {
  const ClientHello* hello = current_hello(ssl);
  return hello == nullptr ? 0 : give(hello->compression_methods, out);
}

int SSL_client_hello_get0_ext(SSL* ssl, unsigned int type, const unsigned char** out,
                              size_t* length) {
  const ClientHello* hello = current_hello(ssl);
  View body;
  if (hello == nullptr || type > UINT16_MAX ||
      !handfast::find_extension(hello->extensions, static_cast<uint16_t>(type), body)) {
    return 0;
  }
  if (out != nullptr) *out = body.data();
  if (length != nullptr) *length = body.size();
  return 1;
}

int SSL_client_hello_get1_extensions_present(SSL* ssl, int** out, size_t* length) {
  const ClientHello* hello = current_hello(ssl);
  if (hello == nullptr || out == nullptr || length == nullptr) return 0;
  size_t count = 0;
  uint16_t type = 0;
  View body;
  for (Reader block(hello->extensions); handfast::next_extension(block, type, body);) ++count;
  *out = nullptr;
  *length = 0;
  if (count == 0) return 1;
  auto* types = static_cast<int*>(OPENSSL_malloc(count * sizeof(int)));
  if (types == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return 0;
  }
  size_t index = 0;
  for (Reader block(hello->extensions); handfast::next_extension(block, type, body);) {
    types[index++] = type;
  }
  *out = types;
  *length = count;
  return 1;
}

}  // extern "C"
