// TLS_method(3) and its siblings: what an SSL_CTX and an SSL of each method are, and a role that
// the method does not have.
#include "support/peers.h"

namespace {
using namespace twin;

struct Row {
  const char* name;
  const SSL_METHOD* method;
};

std::vector<Row> methods() {
  return {{"TLS", TLS_method()},
          {"TLS client", TLS_client_method()},
          {"TLS server", TLS_server_method()},
          {"TLSv1", TLSv1_method()},
          {"TLSv1 client", TLSv1_client_method()},
          {"TLSv1 server", TLSv1_server_method()},
          {"TLSv1.1", TLSv1_1_method()},
          {"TLSv1.1 client", TLSv1_1_client_method()},
          {"TLSv1.1 server", TLSv1_1_server_method()},
          {"TLSv1.2", TLSv1_2_method()},
          {"TLSv1.2 client", TLSv1_2_client_method()},
          {"TLSv1.2 server", TLSv1_2_server_method()},
          {"DTLS", DTLS_method()},
          {"DTLS client", DTLS_client_method()},
          {"DTLS server", DTLS_server_method()},
          {"DTLSv1", DTLSv1_method()},
          {"DTLSv1 client", DTLSv1_client_method()},
          {"DTLSv1 server", DTLSv1_server_method()},
          {"DTLSv1.2", DTLSv1_2_method()},
          {"DTLSv1.2 client", DTLSv1_2_client_method()},
          {"DTLSv1.2 server", DTLSv1_2_server_method()}};
}

void distinct() {
  std::vector<Row> all = methods(), again = methods();
  size_t shared = 0;
  for (size_t i = 0; i < all.size(); i++) {
    for (size_t j = 0; j < i; j++) shared += all[i].method == all[j].method;
    out("%s: there %d, the same again %d", all[i].name, all[i].method != nullptr,
        all[i].method == again[i].method);
  }
  out("%zu are one", shared);
}

void objects() {
  for (const Row& row : methods()) {
    Owned<SSL_CTX> context(SSL_CTX_new(row.method));
    require(context != nullptr, row.name);
    Owned<SSL> ssl(SSL_new(context.get()));
    require(ssl != nullptr, row.name);
    out("%s: method %d %d, version %x %s, client's %x, dtls %d, server %d", row.name,
        SSL_CTX_get_ssl_method(context.get()) == row.method,
        SSL_get_ssl_method(ssl.get()) == row.method, static_cast<unsigned>(SSL_version(ssl.get())),
        SSL_get_version(ssl.get()), static_cast<unsigned>(SSL_client_version(ssl.get())),
        SSL_is_dtls(ssl.get()), SSL_is_server(ssl.get()));
    out("  bounds %lx %lx, %lx %lx, ciphers %d, timeout %ld %ld",
        SSL_CTX_get_min_proto_version(context.get()), SSL_CTX_get_max_proto_version(context.get()),
        SSL_get_min_proto_version(ssl.get()), SSL_get_max_proto_version(ssl.get()),
        sk_SSL_CIPHER_num(SSL_get_ciphers(ssl.get())), SSL_CTX_get_timeout(context.get()),
        SSL_get_default_timeout(ssl.get()));
    out("  options %lx, mode %lx, level %d", static_cast<unsigned long>(SSL_get_options(ssl.get())),
        static_cast<unsigned long>(SSL_get_mode(ssl.get())), SSL_get_security_level(ssl.get()));
    errors();
  }
}

// Bounds of versions that the method has, and has not.
void bounds() {
  for (const Row& row : methods()) {
    for (int version : {0, SSL3_VERSION, TLS1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION,
                        DTLS1_BAD_VER, DTLS1_VERSION, DTLS1_2_VERSION, 0x0305, -1}) {
      Owned<SSL_CTX> context(SSL_CTX_new(row.method));
      Owned<SSL> ssl(SSL_new(context.get()));
      long least = SSL_CTX_set_min_proto_version(context.get(), version);
      long most = SSL_CTX_set_max_proto_version(context.get(), version);
      long own_least = SSL_set_min_proto_version(ssl.get(), version);
      long own_most = SSL_set_max_proto_version(ssl.get(), version);
      out("%s, %x: %ld %ld, %ld %ld, now %lx %lx, %lx %lx [%s]", row.name,
          static_cast<unsigned>(version), least, most, own_least, own_most,
          SSL_CTX_get_min_proto_version(context.get()),
          SSL_CTX_get_max_proto_version(context.get()), SSL_get_min_proto_version(ssl.get()),
          SSL_get_max_proto_version(ssl.get()), errors().c_str());
    }
  }
}

using Handshake = int (*)(SSL*);

std::string first_step(const SSL_METHOD* method, void (*role)(SSL*), Handshake step) {
  Owned<SSL_CTX> context(SSL_CTX_new(method));
  Owned<SSL> ssl(SSL_new(context.get()));
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  if (role) role(ssl.get());
  int returned = step(ssl.get());
  std::string said = outcome_and_want(ssl.get(), returned);
  return said + text(", server %d, sent %d", SSL_is_server(ssl.get()),
                     BIO_pending(SSL_get_wbio(ssl.get())) > 0);
}

int read_byte(SSL* ssl) {
  char byte;
  return SSL_read(ssl, &byte, 1);
}

int write_byte(SSL* ssl) {
  return SSL_write(ssl, "x", 1);
}

int peek_byte(SSL* ssl) {
  char byte;
  return SSL_peek(ssl, &byte, 1);
}

// Each entry with each role, on methods that have one role only.
void wrong_roles() {
  const Row kMethods[] = {{"any", TLS_method()},
                          {"client", TLS_client_method()},
                          {"server", TLS_server_method()},
                          {"1.2 client", TLSv1_2_client_method()},
                          {"1.2 server", TLSv1_2_server_method()}};
  const std::pair<const char*, void (*)(SSL*)> kRoles[] = {
      {"none", nullptr}, {"connect", SSL_set_connect_state}, {"accept", SSL_set_accept_state}};
  const std::pair<const char*, Handshake> kSteps[] = {{"SSL_do_handshake", SSL_do_handshake},
                                                      {"SSL_connect", SSL_connect},
                                                      {"SSL_accept", SSL_accept},
                                                      {"SSL_read", read_byte},
                                                      {"SSL_peek", peek_byte},
                                                      {"SSL_write", write_byte},
                                                      {"SSL_shutdown", SSL_shutdown}};
  for (const Row& row : kMethods) {
    for (const auto& [role, set] : kRoles) {
      for (const auto& [name, step] : kSteps) {
        out("%s, %s, %s: %s", row.name, role, name, first_step(row.method, set, step).c_str());
      }
    }
  }
}

// A server of one method and a client of another: the handshake is of the version that both have.
void across_methods() {
  const Row kClients[] = {{"TLS", TLS_client_method()},
                          {"1.2", TLSv1_2_client_method()},
                          {"1.1", TLSv1_1_client_method()},
                          {"1.0", TLSv1_client_method()}};
  const Row kServers[] = {{"TLS", TLS_server_method()},
                          {"1.2", TLSv1_2_server_method()},
                          {"1.1", TLSv1_1_server_method()},
                          {"1.0", TLSv1_server_method()}};
  for (const Row& client : kClients) {
    for (const Row& server : kServers) {
      Peers peers;
      peers.client_context.reset(SSL_CTX_new(client.method));
      peers.server_context.reset(SSL_CTX_new(server.method));
      for (SSL_CTX* context : {peers.client_context.get(), peers.server_context.get()}) {
        SSL_CTX_set_security_level(context, 0);
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_num_tickets(context, 0);
      }
      use_certificate(peers.server_context.get(), "server-rsa");
      renew(peers);
      link_memory(peers);
      Result result = handshake(peers);
      out("%s with %s: %s, %s", client.name, server.name, result.said().c_str(),
          SSL_get_version(peers.client.get()));
    }
  }
}

// What SSL_set_ssl_method and SSL_CTX_set_ssl_version leave of other settings.
void changed() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  SSL_CTX_set_cipher_list(context.get(), "AES128-SHA");
  SSL_CTX_set_ciphersuites(context.get(), "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_1_VERSION);
  Owned<SSL> ssl(SSL_new(context.get()));
  auto show = [&](const char* what, long returned) {
    out("%s: %ld, context %d ciphers from %lx, ssl %d ciphers from %lx, version %x, server %d",
        what, returned, sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(context.get())),
        SSL_CTX_get_min_proto_version(context.get()), sk_SSL_CIPHER_num(SSL_get_ciphers(ssl.get())),
        SSL_get_min_proto_version(ssl.get()), static_cast<unsigned>(SSL_version(ssl.get())),
        SSL_is_server(ssl.get()));
  };
  show("new", 1);
  show("server", SSL_set_ssl_method(ssl.get(), TLS_server_method()));
  SSL_set_connect_state(ssl.get());
  show("client, with a role", SSL_set_ssl_method(ssl.get(), TLS_client_method()));
  show("1.2", SSL_set_ssl_method(ssl.get(), TLSv1_2_method()));
  show("the same", SSL_set_ssl_method(ssl.get(), TLSv1_2_method()));
  show("context, 1.2", SSL_CTX_set_ssl_version(context.get(), TLSv1_2_method()));
  show("clear", SSL_clear(ssl.get()));
  show("context, any", SSL_CTX_set_ssl_version(context.get(), TLS_method()));
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"distinct", distinct},
              {"objects", objects},
              {"bounds", bounds},
              {"wrong_roles", wrong_roles},
              {"across_methods", across_methods},
              {"changed", changed}},
             argc, argv);
}
