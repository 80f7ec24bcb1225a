// Verification of the peer's certificate: errors, callbacks, alerts, names; OCSP stapling.
#include <openssl/x509v3.h>

#include "support/loggers.h"

namespace {
using namespace twin;

Result told(Peers& peers) {
  Alerts client, server;
  client.watch(peers.client.get());
  server.watch(peers.server.get());
  Result result = handshake(peers);
  // What the client did in its last flight reaches the server, and the other way round.
  char byte;
  if (result.client.good() && !result.server.good()) SSL_read(peers.client.get(), &byte, 1);
  std::string late = errors();
  out("  %s", result.said().c_str());
  if (!late.empty()) out("  client reads: %s", late.c_str());
  out("  alerts: client %s | server %s", client.text_or_none(), server.text_or_none());
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    out("  %s: verify result %s, chain %d, verified chain %d",
        SSL_is_server(ssl) ? "server" : "client",
        X509_verify_cert_error_string(SSL_get_verify_result(ssl)),
        sk_X509_num(SSL_get_peer_cert_chain(ssl)), sk_X509_num(SSL_get0_verified_chain(ssl)));
  }
  return result;
}

Result told(const Setup& setup) {
  Peers peers = make_peers(setup);
  link_memory(peers);
  return told(peers);
}

constexpr const char* kServers[] = {"server-ed25519",     "server-chain",   "server-large",
                                    "server-self-signed", "server-expired", "server-future",
                                    "server-purpose",     "server-stranger"};

void server_certificates() {
  for (const char* name : kServers) {
    out("%s", name);
    told({.certificate = name});
  }
}

void server_certificates_not_verified() {
  for (const char* name : {"server-stranger", "server-expired"}) {
    out("%s", name);
    told({.certificate = name,
          .client_context = [](SSL_CTX* c) { SSL_CTX_set_verify(c, SSL_VERIFY_NONE, nullptr); }});
  }
}

void weak_server_certificates() {
  for (const char* name : {"server-rsa1024", "server-sha1"}) {
    Owned<SSL_CTX> context = new_context();
    int used = SSL_CTX_use_certificate_file(context.get(), fixture(text("%s.pem", name)).c_str(),
                                            SSL_FILETYPE_PEM);
    out("%s: use %d [%s]", name, used, errors().c_str());
    told({.certificate = "",
          .client_context = [](SSL_CTX* c) { SSL_CTX_set_security_level(c, 2); },
          .server_context =
              [=](SSL_CTX* c) {
                SSL_CTX_set_security_level(c, 0);
                use_certificate(c, name);
              }});
  }
}

int verdict;
int watching(int good, X509_STORE_CTX* store) {
  char name[64] = "none";
  X509* at = X509_STORE_CTX_get_current_cert(store);
  if (at) X509_NAME_get_text_by_NID(X509_get_subject_name(at), NID_commonName, name, sizeof name);
  auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  out("  verify %d, depth %d, %s, %s, in the %s", good, X509_STORE_CTX_get_error_depth(store), name,
      X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)),
      SSL_is_server(ssl) ? "server" : "client");
  return verdict < 0 ? good : verdict;
}

void verify_callback() {
  for (int answer : {-1, 0, 1}) {
    for (const char* name : {"server-chain", "server-self-signed", "server-expired"}) {
      verdict = answer;
      out("%s, answer %s", name, answer < 0 ? "as given" : answer ? "1" : "0");
      told({.certificate = name, .client_context = [](SSL_CTX* c) {
              SSL_CTX_set_verify(c, SSL_VERIFY_PEER, watching);
            }});
    }
  }
}

void verify_callback_of_the_connection() {
  verdict = -1;
  Peers peers = make_peers();
  SSL_set_verify(peers.client.get(), SSL_VERIFY_PEER, watching);
  out("mode %d and %d, callback set %d and %d", SSL_get_verify_mode(peers.client.get()),
      SSL_CTX_get_verify_mode(peers.client_context.get()),
      SSL_get_verify_callback(peers.client.get()) == watching,
      SSL_CTX_get_verify_callback(peers.client_context.get()) == watching);
  link_memory(peers);
  told(peers);
}

// Each error that a callback can leave, and the alert that it becomes.
int left_error;
void alert_of_each_error() {
  for (int error = X509_V_ERR_UNSPECIFIED; error <= 96; error++) {
    if (error == X509_V_OK) continue;
    left_error = error;
    Peers peers = make_peers({.client_context = [](SSL_CTX* c) {
      SSL_CTX_set_cert_verify_callback(
          c,
          [](X509_STORE_CTX* store, void*) {
            X509_STORE_CTX_set_error(store, left_error);
            return 0;
          },
          nullptr);
    }});
    link_memory(peers);
    Alerts alerts;
    alerts.watch(peers.client.get());
    Result result = handshake(peers);
    out("%d: %s, %s", error, alerts.text_or_none(), result.client.said().c_str());
  }
}

void depth() {
  for (int limit : {0, 1, 2}) {
    out("limit %d", limit);
    told({.certificate = "server-chain",
          .client_context = [=](SSL_CTX* c) { SSL_CTX_set_verify_depth(c, limit); }});
  }
}

void host_names() {
  for (const char* name : {"localhost", "twin.example", "a.wild.example", "a.b.wild.example",
                           "WILD.example", "TWIN.EXAMPLE", "other.example"}) {
    out("%s", name);
    Peers peers = make_peers();
    SSL_set_hostflags(peers.client.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    out("  set: %d", SSL_set1_host(peers.client.get(), name));
    link_memory(peers);
    told(peers);
    const char* matched = SSL_get0_peername(peers.client.get());
    out("  peername %s", matched ? matched : "none");
  }
  Peers peers = make_peers();
  SSL_set1_host(peers.client.get(), "first.example");
  SSL_add1_host(peers.client.get(), "localhost");
  link_memory(peers);
  out("two names");
  told(peers);
  Peers address = make_peers();
  X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(address.client.get()), "127.0.0.1");
  link_memory(address);
  out("an address");
  told(address);
}

Setup client_auth(const char* certificate, int mode) {
  return {.client_context =
              [=](SSL_CTX* c) {
                if (*certificate) use_certificate(c, certificate);
              },
          .server_context = [=](SSL_CTX* c) { SSL_CTX_set_verify(c, mode, nullptr); }};
}

void client_certificates() {
  constexpr int kDemand = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  for (const char* name :
       {"client-rsa", "client-p256", "client-ed25519", "client-stranger", "server-ed25519", ""}) {
    for (int mode : {SSL_VERIFY_NONE, SSL_VERIFY_PEER, kDemand, SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE}) {
      out("%s, mode %d", *name ? name : "none", mode);
      told(client_auth(name, mode));
    }
  }
}

void client_without_the_key_type() {
  Setup setup = client_auth("client-p256", SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
  auto before = setup.server_context;
  setup.server_context = [=](SSL_CTX* c) {
    before(c);
    SSL_CTX_set1_client_sigalgs_list(c, "RSA-PSS+SHA256");
  };
  told(setup);
}

void ca_names() {
  Setup setup = client_auth("client-rsa", SSL_VERIFY_PEER);
  auto before = setup.server_context;
  setup.server_context = [=](SSL_CTX* c) {
    before(c);
    SSL_CTX_set_client_CA_list(c, SSL_load_client_CA_file(fixture("root.pem").c_str()));
    out("added %d", SSL_CTX_add_client_CA(c, read_certificate("other-root").get()));
  };
  Peers peers = make_peers(setup);
  link_memory(peers);
  told(peers);
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    const STACK_OF(X509_NAME)* names = SSL_get_client_CA_list(ssl);
    out("%s: %d names", SSL_is_server(ssl) ? "server" : "client", sk_X509_NAME_num(names));
    for (int i = 0; i < sk_X509_NAME_num(names); i++) {
      char name[64] = "";
      X509_NAME_get_text_by_NID(sk_X509_NAME_value(names, i), NID_commonName, name, sizeof name);
      out("  %s", name);
    }
    out("  peer's CA list %d", sk_X509_NAME_num(SSL_get0_peer_CA_list(ssl)));
  }
}

void peer_certificates() {
  Peers peers = connected({.certificate = "server-chain"});
  SSL* client = peers.client.get();
  Owned<X509> one(SSL_get1_peer_certificate(client)), file = read_certificate("server-chain");
  out("the same: %d", X509_cmp(one.get(), file.get()) == 0);
  out("chain %d, verified chain %d", sk_X509_num(SSL_get_peer_cert_chain(client)),
      sk_X509_num(SSL_get0_verified_chain(client)));
  out("server's own: %d, peer's: %d", SSL_get_certificate(peers.server.get()) != nullptr,
      SSL_get0_peer_certificate(peers.server.get()) != nullptr);
  out("own chain at the server: %d", [&] {
    STACK_OF(X509)* chain = nullptr;
    SSL_CTX_get0_chain_certs(peers.server_context.get(), &chain);
    return sk_X509_num(chain);
  }());
}

// OCSP stapling: what the server's callback and the client's callback answer.
int server_answer, client_answer;
bool staple;

int server_status(SSL* ssl, void*) {
  if (staple) {
    auto* response = static_cast<unsigned char*>(OPENSSL_memdup("not checked", 11));
    out("  server sets a response: %ld", SSL_set_tlsext_status_ocsp_resp(ssl, response, 11));
  }
  return server_answer;
}

int client_status(SSL* ssl, void* argument) {
  const unsigned char* response = nullptr;
  long size = SSL_get_tlsext_status_ocsp_resp(ssl, &response);
  out("  client has %ld bytes %.*s, argument %s", size, size > 0 ? static_cast<int>(size) : 0,
      response ? reinterpret_cast<const char*>(response) : "", static_cast<const char*>(argument));
  return client_answer;
}

void one_stapling(bool asked) {
  Peers peers = make_peers(
      {.client_context =
           [=](SSL_CTX* c) {
             if (asked) SSL_CTX_set_tlsext_status_type(c, TLSEXT_STATUSTYPE_ocsp);
             SSL_CTX_set_tlsext_status_cb(c, client_status);
             SSL_CTX_set_tlsext_status_arg(c, const_cast<char*>("mine"));
           },
       .server_context = [](SSL_CTX* c) { SSL_CTX_set_tlsext_status_cb(c, server_status); }});
  link_memory(peers);
  told(peers);
  out("  type: client %ld, server %ld", SSL_get_tlsext_status_type(peers.client.get()),
      SSL_get_tlsext_status_type(peers.server.get()));
}

void stapling() {
  for (int from_server :
       {SSL_TLSEXT_ERR_OK, SSL_TLSEXT_ERR_NOACK, SSL_TLSEXT_ERR_ALERT_FATAL, 77}) {
    for (int from_client : {1, 0, -1}) {
      if (from_client < 1 && from_server != SSL_TLSEXT_ERR_OK) continue;
      for (bool response : {true, false}) {
        server_answer = from_server;
        client_answer = from_client;
        staple = response;
        out("server answers %d, client %d, response %d", from_server, from_client, response);
        one_stapling(true);
      }
    }
  }
}

void stapling_not_asked_for() {
  server_answer = SSL_TLSEXT_ERR_OK;
  client_answer = 1;
  staple = true;
  one_stapling(false);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"server-certificates", server_certificates},
              {"server-certificates.not-verified", server_certificates_not_verified},
              {"weak-server-certificates", weak_server_certificates},
              {"callback", verify_callback},
              {"callback.of-the-connection", verify_callback_of_the_connection},
              {"alert-of-each-error", alert_of_each_error},
              {"depth", depth},
              {"host-names", host_names},
              {"client-certificates", client_certificates},
              {"client-without-the-key-type", client_without_the_key_type},
              {"ca-names", ca_names},
              {"peer-certificates", peer_certificates},
              {"stapling", stapling},
              {"stapling.not-asked-for", stapling_not_asked_for}},
             argc, argv);
}
