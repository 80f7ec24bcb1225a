// What the three examples share: a certificate made in memory, two contexts, and a report of what
// was negotiated. Everything here uses the public OpenSSL API only.
#ifndef HANDFAST_EXAMPLES_SUPPORT_H_
#define HANDFAST_EXAMPLES_SUPPORT_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

namespace example {

template <auto free_function>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    free_function(object);
  }
};

using Context = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>>;
using Connection = std::unique_ptr<SSL, Deleter<SSL_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;

// The host name in the certificate, which the client checks.
inline constexpr const char* kHost = "localhost";

// Prints `what` and OpenSSL's error queue, then ends the program with status 1, unless `ok`.
void require(bool ok, const char* what);

// A client that trusts exactly one self-signed ECDSA P-256 certificate, and the server that has it.
// Both speak TLS 1.3 only.
struct Contexts {
  Context client;
  Context server;
};
Contexts make_contexts();

// A connection ready for SSL_do_handshake(): its role is set, and the client knows whom to expect.
// The caller still has to give it a way to the peer (SSL_set_fd or SSL_set_bio).
Connection make_client(SSL_CTX* context);
Connection make_server(SSL_CTX* context);

// "SSL_ERROR_WANT_READ" for SSL_ERROR_WANT_READ, and so on.
std::string_view error_name(int ssl_error);

// One line: "client: SSL_do_handshake() = -1, SSL_get_error() = SSL_ERROR_WANT_READ".
std::string describe(const char* who, const char* function, int result, int ssl_error);

// Prints which libssl.so.3 this process runs on, as the kernel maps it.
void print_library();

// Prints protocol, group, cipher and, on a client, the server's certificate and its verification.
// Ends the program if the handshake is not a verified TLS 1.3 one.
void print_connection(const char* who, SSL* ssl);

}  // namespace example

#endif  // HANDFAST_EXAMPLES_SUPPORT_H_
