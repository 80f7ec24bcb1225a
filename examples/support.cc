#include "support.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace example {
namespace {

constexpr long kOneDay = 24 * 60 * 60;

void add_extension(X509* certificate, int nid, const char* value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
  require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1,
          "adding a certificate extension");
  X509_EXTENSION_free(extension);
}

Certificate make_certificate(EVP_PKEY* key) {
  Certificate certificate(X509_new());
  X509* x509 = certificate.get();
  require(x509 != nullptr && X509_set_version(x509, X509_VERSION_3) == 1, "X509_new");
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), 0);
  X509_gmtime_adj(X509_getm_notAfter(x509), kOneDay);

  X509_NAME* name = X509_get_subject_name(x509);
  const auto* host = reinterpret_cast<const unsigned char*>(kHost);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, host, -1, -1, 0);
  require(X509_set_issuer_name(x509, name) == 1, "X509_set_issuer_name");
  require(X509_set_pubkey(x509, key) == 1, "X509_set_pubkey");
  add_extension(x509, NID_basic_constraints, "critical,CA:TRUE");
  add_extension(x509, NID_subject_alt_name, "DNS:localhost");
  require(X509_sign(x509, key, EVP_sha256()) > 0, "X509_sign");
  return certificate;
}

Context make_context(const SSL_METHOD* method) {
  Context context(SSL_CTX_new(method));
  require(context != nullptr, "SSL_CTX_new");
  require(SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) == 1,
          "SSL_CTX_set_min_proto_version");
  return context;
}

std::string mapped_library() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("/libssl.so.3") != std::string::npos) return line.substr(line.find('/'));
  }
  return {};
}

}  // namespace

void require(bool ok, const char* what) {
  if (ok) return;
  std::fflush(stdout);
  std::fprintf(stderr, "failed: %s\n", what);
  ERR_print_errors_fp(stderr);
  std::_Exit(1);
}

Contexts make_contexts() {
  Key key(EVP_EC_gen("P-256"));
  require(key != nullptr, "EVP_EC_gen");
  Certificate certificate = make_certificate(key.get());

  Contexts contexts{make_context(TLS_client_method()), make_context(TLS_server_method())};
  SSL_CTX* client = contexts.client.get();
  SSL_CTX* server = contexts.server.get();
  require(SSL_CTX_use_certificate(server, certificate.get()) == 1, "SSL_CTX_use_certificate");
  require(SSL_CTX_use_PrivateKey(server, key.get()) == 1, "SSL_CTX_use_PrivateKey");
  X509_STORE* trusted = SSL_CTX_get_cert_store(client);
  require(X509_STORE_add_cert(trusted, certificate.get()) == 1, "X509_STORE_add_cert");
  SSL_CTX_set_verify(client, SSL_VERIFY_PEER, nullptr);
  return contexts;
}

Connection make_client(SSL_CTX* context) {
  Connection ssl(SSL_new(context));
  require(ssl != nullptr, "SSL_new");
  SSL_set_connect_state(ssl.get());
  require(SSL_set_tlsext_host_name(ssl.get(), kHost) == 1, "SSL_set_tlsext_host_name");
  require(SSL_set1_host(ssl.get(), kHost) == 1, "SSL_set1_host");
  return ssl;
}

Connection make_server(SSL_CTX* context) {
  Connection ssl(SSL_new(context));
  require(ssl != nullptr, "SSL_new");
  SSL_set_accept_state(ssl.get());
  return ssl;
}

std::string_view error_name(int ssl_error) {
  switch (ssl_error) {
    case SSL_ERROR_NONE:
      return "SSL_ERROR_NONE";
    case SSL_ERROR_SSL:
      return "SSL_ERROR_SSL";
    case SSL_ERROR_WANT_READ:
      return "SSL_ERROR_WANT_READ";
    case SSL_ERROR_WANT_WRITE:
      return "SSL_ERROR_WANT_WRITE";
    case SSL_ERROR_SYSCALL:
      return "SSL_ERROR_SYSCALL";
    case SSL_ERROR_ZERO_RETURN:
      return "SSL_ERROR_ZERO_RETURN";
    default:
      return "another SSL_ERROR";
  }
}

std::string describe(const char* who, const char* function, int result, int ssl_error) {
  return std::string(who) + ": " + function + "() = " + std::to_string(result) +
         ", SSL_get_error() = " + std::string(error_name(ssl_error));
}

void print_library() {
  const std::string path = mapped_library();
  require(!path.empty(), "no libssl.so.3 in /proc/self/maps");
  std::printf("library: %s\n", path.c_str());
}

void print_connection(const char* who, SSL* ssl) {
  std::printf("%s: protocol %s, group %s, cipher %s\n", who, SSL_get_version(ssl),
              OBJ_nid2sn(static_cast<int>(SSL_get_negotiated_group(ssl))),
              SSL_get_cipher_name(ssl));
  require(SSL_version(ssl) == TLS1_3_VERSION, "the protocol is not TLS 1.3");
  if (SSL_is_server(ssl) == 1) return;

  X509* certificate = SSL_get0_peer_certificate(ssl);
  require(certificate != nullptr, "the server sent no certificate");
  char subject[256];
  X509_NAME_oneline(X509_get_subject_name(certificate), subject, sizeof subject);
  const long verified = SSL_get_verify_result(ssl);
  std::printf("%s: certificate %s, verification: %s\n", who, subject,
              X509_verify_cert_error_string(verified));
  require(verified == X509_V_OK, "the server's certificate is not verified");
}

}  // namespace example
