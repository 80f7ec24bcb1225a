// Renegotiation in DTLS: begun by either side, refused, with data amid it, resumed, and with
// losses.
#include "support/dtls_time.h"
#include "support/renegotiation.h"

namespace {
using namespace twin;

struct How {
  int version = DTLS1_2_VERSION;
  bool cache = false, tickets = false, client_auth = false;
  uint64_t client_options = 0, server_options = SSL_OP_ALLOW_CLIENT_RENEGOTIATION;
};

Peers prepared(Net& net, const How& how) {
  auto both = [=](SSL_CTX* c) {
    if (how.cache) allow_resumption(c, how.tickets);
  };
  return dtls_connected(net, how.version,
                        {.client_context =
                             [=](SSL_CTX* c) {
                               both(c);
                               SSL_CTX_set_options(c, how.client_options);
                               if (how.client_auth) use_certificate(c, "client-rsa");
                             },
                         .server_context =
                             [=](SSL_CTX* c) {
                               both(c);
                               SSL_CTX_set_options(c, how.server_options);
                               if (how.client_auth) SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
                             }});
}

const How kHows[] = {{},
                     {.version = DTLS1_VERSION, .client_auth = true},
                     {.cache = true},
                     {.cache = true, .tickets = true}};

std::string named(const How& how) {
  return text("%s, cache %d, tickets %d, client's certificate %d", version_text(how.version),
              how.cache, how.tickets, how.client_auth);
}

/// Drives both ends until both are done.
void finish(Peers& peers, Net& net, bool wire = true) {
  read_in_turn(peers);
  if (wire) tell_sent(net, false);
  tell_counts(peers);
  tell_data(peers);
}

void by_the_client() {
  for (const How& how : kHows) {
    for (bool abbreviated : {false, true}) {
      Net net;
      Peers peers = prepared(net, how);
      SSL* client = peers.client.get();
      int asked = abbreviated ? SSL_renegotiate_abbreviated(client) : SSL_renegotiate(client);
      out("%s: %s, pending %d", named(how).c_str(), answer(asked).c_str(),
          SSL_renegotiate_pending(client));
      std::string said = outcome(client, SSL_do_handshake(client));
      out("  do_handshake: %s, timeout %s", said.c_str(), timeout_of(client).c_str());
      finish(peers, net);
    }
  }
}

void by_the_server() {
  for (const How& how : kHows) {
    for (bool abbreviated : {false, true}) {
      Net net;
      Peers peers = prepared(net, how);
      SSL* server = peers.server.get();
      int asked = abbreviated ? SSL_renegotiate_abbreviated(server) : SSL_renegotiate(server);
      out("%s: %s", named(how).c_str(), answer(asked).c_str());
      std::string said = outcome(server, SSL_do_handshake(server));
      out("  do_handshake: %s, %s", said.c_str(), state_line(server).c_str());
      finish(peers, net);
    }
  }
}

void told(Net& net, Peers& peers, const char* title) {
  Alerts client, server;
  client.watch(peers.client.get());
  server.watch(peers.server.get());
  out("%s", title);
  read_in_turn(peers);
  out("  alerts: client %s | server %s", client.text_or_none(), server.text_or_none());
  tell_sent(net, false);
  SSL_set_info_callback(peers.client.get(), nullptr);
  SSL_set_info_callback(peers.server.get(), nullptr);
}

void refused() {
  for (int version : {DTLS1_VERSION, DTLS1_2_VERSION}) {
    {
      Net net;
      Peers peers = prepared(net, {.version = version, .server_options = 0});
      SSL_renegotiate(peers.client.get());
      SSL_do_handshake(peers.client.get());
      told(net, peers, "the server does not allow clients to");
    }
    {
      Net net;
      Peers peers = prepared(
          net, {.version = version,
                .server_options = SSL_OP_NO_RENEGOTIATION | SSL_OP_ALLOW_CLIENT_RENEGOTIATION});
      SSL_renegotiate(peers.client.get());
      SSL_do_handshake(peers.client.get());
      told(net, peers, "the server wants none");
      out("  its own: %s", answer(SSL_renegotiate(peers.server.get())).c_str());
    }
    {
      Net net;
      Peers peers = prepared(net, {.version = version, .client_options = SSL_OP_NO_RENEGOTIATION});
      SSL_renegotiate(peers.server.get());
      SSL_do_handshake(peers.server.get());
      told(net, peers, "the client wants none");
      tell_data(peers);
    }
  }
}

/// Data that the server has sent before it knew of the renegotiation, and amid it.
void data_amid() {
  Net net;
  Peers peers = prepared(net, {});
  SSL *client = peers.client.get(), *server = peers.server.get();
  auto write = [](SSL* ssl, const char* data) {
    int returned = SSL_write(ssl, data, static_cast<int>(std::strlen(data)));
    out("  %s writes %s: %s", SSL_is_server(ssl) ? "server" : "client", data,
        outcome(ssl, returned).c_str());
  };
  write(server, "before");
  write(server, "more");
  SSL_renegotiate(client);
  for (int i = 0; i < 3; i++) out("  client reads %s", read_said(client).c_str());
  out("  server reads %s", read_said(server).c_str());
  finish(peers, net);
}

/// Data of a client that meets the server's HelloRequest.
void data_against_a_request() {
  Net net;
  Peers peers = prepared(net, {});
  SSL *client = peers.client.get(), *server = peers.server.get();
  SSL_renegotiate(server);
  out("  server: %s", outcome(server, SSL_do_handshake(server)).c_str());
  out("  client writes: %s", outcome(client, SSL_write(client, "data", 4)).c_str());
  out("  server writes: %s", outcome(server, SSL_write(server, "data", 4)).c_str());
  out("  server reads %s", read_said(server).c_str());
  finish(peers, net);
}

void without_auto_retry() {
  Net net;
  Peers peers = prepared(net, {});
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    SSL_clear_mode(ssl, SSL_MODE_AUTO_RETRY);
  }
  SSL_renegotiate(peers.server.get());
  SSL_do_handshake(peers.server.get());
  finish(peers, net);
}

void several_times() {
  Net net;
  Peers peers = prepared(net, {.cache = true});
  for (int i = 0; i < 3; i++) {
    SSL* first = i == 1 ? peers.server.get() : peers.client.get();
    SSL_renegotiate(first);
    SSL_do_handshake(first);
    finish(peers, net);
  }
}

/// Loses each datagram of a renegotiation in turn; of one that the server asks for, those behind
/// its HelloRequest.
void lost(bool by_server) {
  for (bool to_client : {false, true}) {
    for (size_t which = by_server ? 1 : 0; which < 3; which++) {
      Net net;
      Peers peers = prepared(net, {});
      (to_client ? net.to_client : net.to_server).fate = lose({which});
      SSL* first = by_server ? peers.server.get() : peers.client.get();
      SSL_renegotiate(first);
      SSL_do_handshake(first);
      int timeouts = 0;
      char byte[1];
      auto moves = [&] {
        for (int i = 0; i < 6; i++) {
          for (SSL* ssl : {peers.server.get(), peers.client.get()}) SSL_read(ssl, byte, 1);
        }
      };
      for (moves(); timeouts < 4 && run_out(peers); moves()) timeouts++;
      ERR_clear_error();
      out("%s's datagram %zu: timeouts %d", to_client ? "server" : "client", which, timeouts);
      tell_sent(net, false);
      tell_counts(peers);
    }
  }
}

void callbacks() {
  for (bool messages : {false, true}) {
    Net net;
    Peers peers = prepared(net, {});
    Log client, server;
    messages ? client.watch_messages(peers.client.get()) : client.watch_info(peers.client.get());
    messages ? server.watch_messages(peers.server.get()) : server.watch_info(peers.server.get());
    SSL_renegotiate(peers.server.get());
    SSL_do_handshake(peers.server.get());
    read_in_turn(peers);
    print("client", client.lines);
    print("server", server.lines);
  }
}

/// Data of the epoch before, which comes late.
void old_epoch() {
  Net net;
  Peers peers = prepared(net, {});
  SSL *client = peers.client.get(), *server = peers.server.get();
  SSL_write(client, "late", 4);
  std::string late = net.to_server.arrived.back();
  net.to_server.arrived.clear();
  SSL_renegotiate(client);
  SSL_do_handshake(client);
  read_in_turn(peers);
  net.to_server.arrived.push_back(late);
  out("  server reads %s", read_said(server).c_str());
  SSL_write(client, "new", 3);
  out("  server reads %s", read_said(server).c_str());
  net.to_server.sent.clear();
  SSL_write(client, "newer", 5);
  tell_sent("sent", net.to_server);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"by-the-client", by_the_client},
              {"by-the-server", by_the_server},
              {"refused", refused},
              {"data-amid", data_amid},
              {"data-against-a-request", data_against_a_request},
              {"without-auto-retry", without_auto_retry},
              {"several-times", several_times},
              {"lost.by-the-client", [] { lost(false); }},
              {"lost.by-the-server", [] { lost(true); }},
              {"callbacks", callbacks},
              {"old-epoch", old_epoch}},
             argc, argv);
}
