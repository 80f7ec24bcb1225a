// What is of TLS alone, asked of DTLS and the other way round, and the ways in which connections of
// DTLS are made, cleared, copied and driven.
#include <netinet/in.h>

#include "support/dtls_time.h"

namespace {
using namespace twin;

void of_tls13() {
  for (bool connected : {false, true}) {
    Net net;
    Peers peers = connected ? dtls_connected(net) : dtls_peers(net);
    SSL *client = peers.client.get(), *server = peers.server.get();
    out("connected %d", connected);
    out("  key_update: %s", answer(SSL_key_update(client, SSL_KEY_UPDATE_REQUESTED)).c_str());
    out("  key_update_type: %d", SSL_get_key_update_type(client));
    out("  verify_client_post_handshake: %s",
        answer(SSL_verify_client_post_handshake(server)).c_str());
    out("  new_session_ticket: %s", answer(SSL_new_session_ticket(server)).c_str());
    out("  set_num_tickets: %s, %zu", answer(SSL_set_num_tickets(server, 4)).c_str(),
        SSL_get_num_tickets(server));
    out("  set_ciphersuites: %s",
        answer(SSL_set_ciphersuites(client, "TLS_AES_128_GCM_SHA256")).c_str());
    out("  set_max_early_data: %s, %u", answer(SSL_set_max_early_data(server, 1000)).c_str(),
        SSL_get_max_early_data(server));
    out("  early data status %d", SSL_get_early_data_status(client));
    SSL_set_post_handshake_auth(client, 1);
    if (!connected) out("  %s", handshake(peers).said().c_str());
    tell_agreed(peers);
  }
}

void stateless() {
  Net net;
  Peers peers = dtls_peers(net);
  SSL_do_handshake(peers.client.get());
  int returned = SSL_stateless(peers.server.get());
  out("stateless: %d [%s], sent %zu", returned, errors().c_str(), net.to_client.sent.size());
}

void versions() {
  struct Kind {
    const char* name;
    const SSL_METHOD* method;
  };
  const int kVersions[] = {0,
                           SSL3_VERSION,
                           TLS1_VERSION,
                           TLS1_2_VERSION,
                           TLS1_3_VERSION,
                           DTLS1_BAD_VER,
                           DTLS1_VERSION,
                           DTLS1_2_VERSION,
                           0xfefc,
                           0x7777};
  for (const Kind& kind : {Kind{"DTLS", DTLS_method()}, Kind{"DTLSv1_2", DTLSv1_2_method()},
                           Kind{"TLS", TLS_method()}}) {
    for (int version : kVersions) {
      Owned<SSL_CTX> context(SSL_CTX_new(kind.method));
      std::string least = answer(SSL_CTX_set_min_proto_version(context.get(), version));
      std::string most = answer(SSL_CTX_set_max_proto_version(context.get(), version));
      out("%s, %#x: least %s, most %s, are %#lx %#lx", kind.name, version, least.c_str(),
          most.c_str(), SSL_CTX_get_min_proto_version(context.get()),
          SSL_CTX_get_max_proto_version(context.get()));
    }
  }
}

void commands() {
  for (const SSL_METHOD* method : {DTLS_method(), TLS_method()}) {
    for (const char* command : {"MinProtocol", "MaxProtocol", "Protocol"}) {
      for (const char* value : {"DTLSv1", "DTLSv1.2", "TLSv1.2", "TLSv1.3", "None", "DTLSv1.3",
                                "-DTLSv1", "ALL,-DTLSv1.2"}) {
        Owned<SSL_CTX> context(SSL_CTX_new(method));
        SSL_CONF_CTX* conf = SSL_CONF_CTX_new();
        SSL_CONF_CTX_set_flags(conf, SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_CLIENT |
                                         SSL_CONF_FLAG_SERVER | SSL_CONF_FLAG_SHOW_ERRORS);
        SSL_CONF_CTX_set_ssl_ctx(conf, context.get());
        int returned = SSL_CONF_cmd(conf, command, value);
        ERR_clear_error();
        out("%s, %s = %s: %d, from %#lx to %#lx, options %#lx",
            method == DTLS_method() ? "DTLS" : "TLS", command, value, returned,
            SSL_CTX_get_min_proto_version(context.get()),
            SSL_CTX_get_max_proto_version(context.get()),
            static_cast<unsigned long>(SSL_CTX_get_options(context.get()) & SSL_OP_NO_SSL_MASK));
        SSL_CONF_CTX_free(conf);
      }
    }
  }
}

void tell_method(const char* title, SSL* ssl) {
  out("%s: is_dtls %d, %#x %s, context's method %d", title, SSL_is_dtls(ssl), SSL_version(ssl),
      SSL_get_version(ssl),
      SSL_get_ssl_method(ssl) == SSL_CTX_get_ssl_method(SSL_get_SSL_CTX(ssl)));
}

void other_methods() {
  Owned<SSL_CTX> streams(SSL_CTX_new(TLS_method())), datagrams(SSL_CTX_new(DTLS_method()));
  for (SSL_CTX* context : {streams.get(), datagrams.get()}) {
    Owned<SSL> ssl(SSL_new(context));
    tell_method("new", ssl.get());
    for (const SSL_METHOD* method : {DTLS_method(), DTLSv1_2_client_method(), TLS_method(),
                                     TLS_client_method(), DTLSv1_method()}) {
      std::string said = answer(SSL_set_ssl_method(ssl.get(), method));
      tell_method(said.c_str(), ssl.get());
    }
  }
  out("a context of TLS for DTLS: %d",
      SSL_CTX_set_ssl_version(streams.get(), DTLS_client_method()));
  Owned<SSL> ssl(SSL_new(streams.get()));
  tell_method("new", ssl.get());
}

/// The context has become one of DTLS.
void context_of_another_method() {
  Net net;
  Peers peers = make_peers({.certificate = "server-rsa"});
  for (SSL_CTX* context : {peers.client_context.get(), peers.server_context.get()}) {
    SSL_CTX_set_min_proto_version(context, 0);
    out("%d", SSL_CTX_set_ssl_version(context, DTLS_method()));
  }
  renew(peers);
  link_datagrams(peers, net);
  out("%s", handshake(peers).said().c_str());
  tell_agreed(peers);
}

void cleared() {
  Net net;
  Peers peers = dtls_connected(net);
  for (int i = 0; i < 2; i++) {
    for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
      SSL_write(ssl, "unread", 6);
      std::string said = answer(SSL_clear(ssl));
      out("clear: %s, %s, %s", said.c_str(), SSL_get_version(ssl), state_line(ssl).c_str());
    }
    net.clear();
    out("%s", handshake(peers).said().c_str());
    tell_sent(net, false);
    tell_agreed(peers);
  }
}

void copied() {
  Owned<SSL_CTX> context(SSL_CTX_new(DTLS_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  SSL_set_options(ssl.get(), SSL_OP_NO_QUERY_MTU);
  SSL_set_max_proto_version(ssl.get(), DTLS1_VERSION);
  SSL_set_connect_state(ssl.get());
  Owned<SSL> copy(SSL_dup(ssl.get()));
  tell_method("copy", copy.get());
  out("another %d, options %d, most %#lx, server %d", copy.get() != ssl.get(),
      (SSL_get_options(copy.get()) & SSL_OP_NO_QUERY_MTU) != 0,
      SSL_get_max_proto_version(copy.get()), SSL_is_server(copy.get()));
  Net net;
  Peers peers = dtls_connected(net);
  Owned<SSL> same(SSL_dup(peers.client.get()));
  out("of a connection: the same %d", same.get() == peers.client.get());
}

void filters() {
  Net net;
  Peers peers = dtls_peers(net);
  BIO* client = BIO_new_ssl(peers.client_context.get(), 1);
  BIO* server = BIO_new_ssl(peers.server_context.get(), 0);
  BIO_push(client, new_port_bio(&net.client));
  BIO_push(server, new_port_bio(&net.server));
  for (int i = 0; i < 4; i++) {
    long to = BIO_do_handshake(client), from = BIO_do_handshake(server);
    out("handshake %ld %d, %ld %d", to, BIO_should_retry(client), from, BIO_should_retry(server));
  }
  ERR_clear_error();
  char buffer[32];
  for (const char* data : {"one", "two"}) out("write %d", BIO_write(client, data, 3));
  for (int i = 0; i < 3; i++) {
    int got = BIO_read(server, buffer, sizeof buffer);
    out("read %d %.*s, retry %d, pending %d", got, std::max(got, 0), buffer,
        BIO_should_retry(server), static_cast<int>(BIO_pending(server)));
  }
  SSL* ssl = nullptr;
  BIO_get_ssl(server, &ssl);
  out("inside: is_dtls %d, %s", SSL_is_dtls(ssl), SSL_get_version(ssl));
  BIO_ssl_shutdown(client);
  int got = BIO_read(server, buffer, sizeof buffer);
  out("read %d, retry %d, eof %d", got, BIO_should_retry(server), BIO_eof(server));
  BIO_free_all(client);
  BIO_free_all(server);
}

void ex_functions() {
  Net net;
  Peers peers = dtls_connected(net);
  SSL *client = peers.client.get(), *server = peers.server.get();
  std::string data = sample(17000), got(17000, '\0');
  for (size_t size : {size_t{1}, size_t{16384}, size_t{16385}}) {
    size_t count = 99;
    int returned = SSL_write_ex(client, data.data(), size, &count);
    out("write_ex %zu: %s, %zu", size, outcome(client, returned).c_str(), count);
    count = 99;
    returned = SSL_read_ex(server, got.data(), got.size(), &count);
    out("read_ex: %s, %zu", outcome(server, returned).c_str(), count);
  }
  out("sendfile: %s", answer(static_cast<long>(SSL_sendfile(client, 0, 0, 10, 0))).c_str());
}

/// Two sockets of UDP on the loopback, connected with each other.
struct UdpSockets {
  int client = -1, server = -1;

  UdpSockets() {
    sockaddr_in addresses[2] = {};
    int* sockets[] = {&client, &server};
    for (int i = 0; i < 2; i++) {
      *sockets[i] = socket(AF_INET, SOCK_DGRAM, 0);
      addresses[i].sin_family = AF_INET;
      addresses[i].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      socklen_t size = sizeof addresses[i];
      auto* address = reinterpret_cast<sockaddr*>(&addresses[i]);
      require(
          bind(*sockets[i], address, size) == 0 && getsockname(*sockets[i], address, &size) == 0,
          "bind");
    }
    for (int i = 0; i < 2; i++) {
      auto* other = reinterpret_cast<sockaddr*>(&addresses[1 - i]);
      require(::connect(*sockets[i], other, sizeof addresses[i]) == 0, "connect");
    }
  }
  ~UdpSockets() {
    close(client);
    close(server);
  }
  UdpSockets(const UdpSockets&) = delete;
  UdpSockets& operator=(const UdpSockets&) = delete;
};

/// As handshake_threads(), however often a call may return before it is done.
void blocking_handshake(Peers& peers) {
  timeval now;
  gettimeofday(&now, nullptr);
  Side client{peers.client.get()}, server{peers.server.get()};
  auto drive = [](Side& side) {
    while (!side.over()) side.step();
  };
  std::thread other([&] { drive(server); });
  drive(client);
  other.join();
  out("client %s | server %s", client.said().c_str(), server.said().c_str());
}

/// Over sockets of UDP, by SSL_set_fd(3) or with the BIOs of BIO_new_dgram(3).
void sockets(bool datagram_bios) {
  Net unused;
  Peers peers = dtls_peers(unused);
  UdpSockets both;
  if (datagram_bios) {
    for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
      int socket = SSL_is_server(ssl) ? both.server : both.client;
      BIO* bio = BIO_new_dgram(socket, BIO_NOCLOSE);
      sockaddr_in other = {};
      socklen_t size = sizeof other;
      getpeername(socket, reinterpret_cast<sockaddr*>(&other), &size);
      BIO_ADDR* address = BIO_ADDR_new();
      BIO_ADDR_rawmake(address, AF_INET, &other.sin_addr, sizeof other.sin_addr, other.sin_port);
      BIO_ctrl_set_connected(bio, address);
      BIO_ADDR_free(address);
      SSL_set_bio(ssl, bio, bio);
    }
  } else {
    out("set_fd %d %d", SSL_set_fd(peers.client.get(), both.client),
        SSL_set_fd(peers.server.get(), both.server));
  }
  blocking_handshake(peers);
  SSL *client = peers.client.get(), *server = peers.server.get();
  char buffer[2000] = {};
  for (SSL* from : {client, server}) {
    SSL* to = from == client ? server : client;
    std::string data = sample(1200);
    out("write %s", outcome(from, SSL_write(from, data.data(), 1200)).c_str());
    int got = SSL_read(to, buffer, sizeof buffer);
    out("read %s, equal %d", outcome(to, got).c_str(),
        got == 1200 && data == std::string(buffer, 1200));
  }
  out("shutdown %s", outcome(client, SSL_shutdown(client)).c_str());
  out("read %s", outcome(server, SSL_read(server, buffer, sizeof buffer)).c_str());
  out("shutdown %s", outcome(server, SSL_shutdown(server)).c_str());
  out("shutdown %s", outcome(client, SSL_shutdown(client)).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"of-tls13", of_tls13},
              {"stateless", stateless},
              {"versions", versions},
              {"commands", commands},
              {"other-methods", other_methods},
              {"context-of-another-method", context_of_another_method},
              {"cleared", cleared},
              {"copied", copied},
              {"filters", filters},
              {"ex-functions", ex_functions},
              {"sockets.set_fd", [] { sockets(false); }},
              {"sockets.dgram", [] { sockets(true); }}},
             argc, argv);
}
