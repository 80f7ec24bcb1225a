#include "lab.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace bench {
namespace {

using CertificatePtr = std::unique_ptr<X509, Deleter<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;

constexpr const char* kHost = "server.example";
constexpr long kOneYear = 365L * 24 * 60 * 60;
// Room for a bulk batch: 64 records of 16 KB and what surrounds them.
constexpr std::size_t kPipeSize = 2 * 1024 * 1024;

KeyPtr make_key(KeyKind kind) {
  KeyPtr key(kind == KeyKind::kEcdsaP256 ? EVP_EC_gen("P-256")
                                         : EVP_RSA_gen(static_cast<unsigned>(2048)));
  check(key != nullptr, "key generation");
  return key;
}

void add_extension(X509* certificate, int nid, const char* value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
  check(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "X509_add_ext");
  X509_EXTENSION_free(extension);
}

CertificatePtr make_certificate(const char* name, EVP_PKEY* key, X509* issuer,
                                EVP_PKEY* issuer_key) {
  static long serial = 1;
  CertificatePtr certificate(X509_new());
  X509* x509 = certificate.get();
  check(X509_set_version(x509, X509_VERSION_3) == 1, "X509_set_version");
  ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++);
  X509_gmtime_adj(X509_getm_notBefore(x509), -kOneYear);
  X509_gmtime_adj(X509_getm_notAfter(x509), kOneYear);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509* signer = issuer != nullptr ? issuer : x509;
  check(X509_set_issuer_name(x509, X509_get_subject_name(signer)) == 1, "X509_set_issuer_name");
  check(X509_set_pubkey(x509, key) == 1, "X509_set_pubkey");
  if (issuer == nullptr) {
    add_extension(x509, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(x509, NID_key_usage, "critical,keyCertSign");
  } else {
    add_extension(x509, NID_subject_alt_name, "DNS:server.example");
    add_extension(x509, NID_key_usage, "critical,digitalSignature");
  }
  check(X509_sign(x509, issuer_key, EVP_sha256()) > 0, "X509_sign");
  return certificate;
}

ContextPtr make_context(const SSL_METHOD* method, const Setup& setup) {
  ContextPtr context(SSL_CTX_new(method));
  check(context != nullptr, "SSL_CTX_new");
  check(SSL_CTX_set_min_proto_version(context.get(), setup.version) == 1, "minimum version");
  check(SSL_CTX_set_max_proto_version(context.get(), setup.version) == 1, "maximum version");
  // Below TLS 1.3 the groups also say which curves certificates may have.
  const char* groups = setup.version == TLS1_3_VERSION ? "X25519" : "X25519:P-256";
  check(SSL_CTX_set1_groups_list(context.get(), groups) == 1, "SSL_CTX_set1_groups_list");
  if (setup.suite != nullptr) {
    const auto set_suites =
        setup.version == TLS1_3_VERSION ? SSL_CTX_set_ciphersuites : SSL_CTX_set_cipher_list;
    check(set_suites(context.get(), setup.suite) == 1, "setting the cipher suite");
  }
  if (!setup.encrypt_then_mac) SSL_CTX_set_options(context.get(), SSL_OP_NO_ENCRYPT_THEN_MAC);
  if (setup.version != TLS1_3_VERSION || setup.resumption != Resumption::kNone) {
    if (setup.resumption != Resumption::kTicket)
      SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context.get(), setup.resumption == Resumption::kSessionId
                                                      ? SSL_SESS_CACHE_SERVER
                                                      : SSL_SESS_CACHE_OFF);
  }
  if (setup.release_buffers) SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  return context;
}

std::int64_t read_clock(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

void check(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "failed: %s\n", what);
  ERR_print_errors_fp(stderr);
  std::_Exit(1);
}

bool is_datagram_version(int version) {
  return (version >> 8) == DTLS1_VERSION_MAJOR;
}

Contexts::Contexts(const Setup& setup)
    : client(make_context(
          is_datagram_version(setup.version) ? DTLS_client_method() : TLS_client_method(), setup)),
      server(make_context(
          is_datagram_version(setup.version) ? DTLS_server_method() : TLS_server_method(), setup)) {
  const KeyPtr ca_key = make_key(setup.key);
  const CertificatePtr ca = make_certificate("Benchmark CA", ca_key.get(), nullptr, ca_key.get());
  const KeyPtr key = make_key(setup.key);
  const CertificatePtr leaf = make_certificate(kHost, key.get(), ca.get(), ca_key.get());

  check(SSL_CTX_use_certificate(server.get(), leaf.get()) == 1, "SSL_CTX_use_certificate");
  check(SSL_CTX_use_PrivateKey(server.get(), key.get()) == 1, "SSL_CTX_use_PrivateKey");
  if (!setup.tickets) check(SSL_CTX_set_num_tickets(server.get(), 0) == 1, "no tickets");
  check(X509_STORE_add_cert(SSL_CTX_get_cert_store(client.get()), ca.get()) == 1, "trusting a CA");
  SSL_CTX_set_verify(client.get(), SSL_VERIFY_PEER, nullptr);
}

SslPtr new_client(const Contexts& contexts) {
  SslPtr ssl(SSL_new(contexts.client.get()));
  check(ssl != nullptr, "SSL_new");
  SSL_set_connect_state(ssl.get());
  check(SSL_set_tlsext_host_name(ssl.get(), kHost) == 1, "SSL_set_tlsext_host_name");
  check(SSL_set1_host(ssl.get(), kHost) == 1, "SSL_set1_host");
  return ssl;
}

SslPtr new_server(const Contexts& contexts) {
  SslPtr ssl(SSL_new(contexts.server.get()));
  check(ssl != nullptr, "SSL_new");
  SSL_set_accept_state(ssl.get());
  return ssl;
}

int Link::write_bytes(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
  const End& end = *static_cast<End*>(BIO_get_data(bio));
  Pipe& pipe = *end.out;
  BIO_clear_retry_flags(bio);
  check(size <= pipe.bytes.size() - pipe.end, "the pipe is too small");
  std::memcpy(pipe.bytes.data() + pipe.end, data, size);
  pipe.end += size;
  if (end.datagrams) pipe.ends.push_back(pipe.end);
  *written = size;
  return 1;
}

int Link::read_bytes(BIO* bio, char* data, std::size_t size, std::size_t* read) {
  const End& end = *static_cast<End*>(BIO_get_data(bio));
  Pipe& pipe = *end.in;
  BIO_clear_retry_flags(bio);
  const std::size_t stop =
      end.datagrams && pipe.begin != pipe.end ? pipe.ends[pipe.next++] : pipe.end;
  const std::size_t length = std::min(size, stop - pipe.begin);
  if (length == 0) {
    BIO_set_retry_read(bio);
    *read = 0;
    return -1;
  }
  std::memcpy(data, pipe.bytes.data() + pipe.begin, length);
  pipe.begin = end.datagrams ? stop : pipe.begin + length;
  if (pipe.begin == pipe.end) pipe.clear();
  *read = length;
  return 1;
}

long Link::control(BIO*, int command, long, void*) {
  if (command == BIO_CTRL_DGRAM_QUERY_MTU) return kMtu;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD* Link::method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "memory link");
    check(made != nullptr, "BIO_meth_new");
    BIO_meth_set_write_ex(made, write_bytes);
    BIO_meth_set_read_ex(made, read_bytes);
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  return method;
}

Link::Link(const Setup& setup)
    : client_end_{&to_client_, &to_server_, is_datagram_version(setup.version)},
      server_end_{&to_server_, &to_client_, is_datagram_version(setup.version)},
      client_bio_(BIO_new(method())),
      server_bio_(BIO_new(method())) {
  check(client_bio_ != nullptr && server_bio_ != nullptr, "BIO_new");
  to_server_.bytes.resize(kPipeSize);
  to_client_.bytes.resize(kPipeSize);
  BIO_set_data(client_bio_.get(), &client_end_);
  BIO_set_data(server_bio_.get(), &server_end_);
  BIO_set_init(client_bio_.get(), 1);
  BIO_set_init(server_bio_.get(), 1);
}

void Link::attach_client(SSL* ssl) {
  BIO_up_ref(client_bio_.get());
  SSL_set_bio(ssl, client_bio_.get(), client_bio_.get());
}

void Link::attach_server(SSL* ssl) {
  BIO_up_ref(server_bio_.get());
  SSL_set_bio(ssl, server_bio_.get(), server_bio_.get());
}

void Link::clear() {
  to_server_.clear();
  to_client_.clear();
}

bool advance(SSL* ssl) {
  const int result = SSL_do_handshake(ssl);
  if (result == 1) return true;
  check(SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ, "SSL_do_handshake");
  return false;
}

void finish_handshake(SSL* client, SSL* server) {
  bool client_done = false;
  bool server_done = false;
  for (int turn = 0; turn < 8 && !(client_done && server_done); ++turn) {
    if (!client_done) client_done = advance(client);
    if (!server_done) server_done = advance(server);
  }
  check(client_done && server_done, "the handshake does not finish");
  check_negotiated(client);
}

void check_negotiated(SSL* ssl, bool resumed) {
  const int version = static_cast<int>(SSL_CTX_get_min_proto_version(SSL_get_SSL_CTX(ssl)));
  check(SSL_version(ssl) == version, "not the version asked for");
  check(SSL_get_negotiated_group(ssl) == NID_X25519, "the group is not X25519");
  check((SSL_session_reused(ssl) == 1) == resumed, "wrong about resumption");
}

std::int64_t thread_cpu_ns() {
  return read_clock(CLOCK_THREAD_CPUTIME_ID);
}
std::int64_t wall_ns() {
  return read_clock(CLOCK_MONOTONIC);
}

double median(std::vector<double> values) {
  check(!values.empty(), "nothing measured");
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void print_row(const std::string& row, const char* unit, double value, bool higher_is_better) {
  std::printf(R"({"row": "%s", "unit": "%s", "value": %.3f, "better": "%s"})"
              "\n",
              row.c_str(), unit, value, higher_is_better ? "higher" : "lower");
}

}  // namespace bench
