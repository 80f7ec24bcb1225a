// What the state functions and the info and message callbacks say at each step of a handshake of
// DTLS: full and resumed, with certificates of the client, with cookies, and after it.
#include "support/dtls_cookies.h"
#include "support/dtls_time.h"

namespace {
using namespace twin;

struct Flavour {
  const char* name;
  int version;
  const char* suite;
  bool client_auth = false, tickets = false, cache = false, cookies = false;
};
const Flavour kFlavours[] = {
    {"ecdhe", DTLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256"},
    {"old-rsa", DTLS1_VERSION, "AES256-SHA"},
    {"client-auth", DTLS1_2_VERSION, "AES128-SHA", true},
    {"ticket", DTLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", false, true, true},
    {"id", DTLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", false, false, true},
    {"old-id", DTLS1_VERSION, "ECDHE-RSA-AES128-SHA", true, false, true},
    {"cookies", DTLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", false, false, true, true}};

Setup setup_of(const Flavour& flavour) {
  auto both = [=](SSL_CTX* c) {
    SSL_CTX_set_cipher_list(c, flavour.suite);
    if (flavour.cache) allow_resumption(c, flavour.tickets);
  };
  return {.client_context =
              [=](SSL_CTX* c) {
                both(c);
                if (flavour.client_auth) use_certificate(c, "client-rsa");
              },
          .server_context =
              [=](SSL_CTX* c) {
                both(c);
                if (flavour.client_auth) SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
                if (flavour.cookies) exchange_cookies(c);
              }};
}

using Watch = void (*)(Peers&);

/// Runs `watch` on a full handshake, and on a resumed one where the flavour can.
void full_and_resumed(const Flavour& flavour, Watch watch) {
  Net net;
  Peers peers = dtls_peers(net, flavour.version, setup_of(flavour));
  out("full:");
  watch(peers);
  if (!flavour.cache) return;
  renew_with_session(peers);
  net.clear();
  link_datagrams(peers, net);
  out("resumed:");
  watch(peers);
}

std::string stop(const Side& side) {
  return text("%s %s: %s, want %d, is_dtls %d, %s", SSL_is_server(side.ssl) ? "server" : "client",
              side.said().c_str(), state_line(side.ssl).c_str(), SSL_want(side.ssl),
              SSL_is_dtls(side.ssl), SSL_get_version(side.ssl));
}

void after_calls(Peers& peers) {
  out("client: %s", state_line(peers.client.get()).c_str());
  out("server: %s", state_line(peers.server.get()).c_str());
  handshake(peers, [](const Side& side) { out("%s", stop(side).c_str()); });
}

void message_callback(Peers& peers) {
  tell_messages(peers,
                [](Peers& both) { transfer(both.client.get(), both.server.get(), "hello"); });
}

/// With a BIO that asks for a retry before each datagram.
void held_back() {
  for (const Flavour& flavour : {kFlavours[0], kFlavours[2]}) {
    Net net;
    Peers peers = dtls_peers(net, flavour.version, setup_of(flavour));
    Result result{{peers.client.get()}, {peers.server.get()}};
    for (int round = 0; round < 8; round++) {
      for (Side* side : {&result.client, &result.server}) {
        Port& port = side == &result.client ? net.client : net.server;
        for (bool stalled : {true, false}) {
          port.stalled = stalled;
          if (side->over()) continue;
          side->step();
          out("%s", stop(*side).c_str());
        }
      }
    }
    tell_sent(net, false);
    tell_agreed(peers);
  }
}

void lengths() {
  for (const char* suite : {"ECDHE-RSA-AES128-GCM-SHA256", "AES128-SHA", "AES256-CCM8",
                            "ECDHE-RSA-CHACHA20-POLY1305", "NULL-SHA:@SECLEVEL=0"}) {
    out("%s:", suite);
    Net net;
    Peers peers = dtls_peers(net, DTLS1_2_VERSION,
                             setup_of({"", DTLS1_2_VERSION, suite, false, false, true}));
    Log client, server;
    client.lengths = server.lengths = true;
    client.watch_messages(peers.client.get());
    server.watch_messages(peers.server.get());
    Result result = handshake(peers);
    transfer(peers.client.get(), peers.server.get(), "hello");
    print("client", client.lines);
    print("server", server.lines);
    tell_sent(net);
    out("%s", result.said().c_str());
  }
}

void after_the_handshake() {
  for (bool messages : {false, true}) {
    Net net;
    Peers peers = dtls_connected(net, DTLS1_2_VERSION, setup_of(kFlavours[0]));
    Log client, server;
    messages ? client.watch_messages(peers.client.get()) : client.watch_info(peers.client.get());
    messages ? server.watch_messages(peers.server.get()) : server.watch_info(peers.server.get());
    transfer(peers.client.get(), peers.server.get(), "hello");
    out("SSL_do_handshake: %s",
        outcome(peers.client.get(), SSL_do_handshake(peers.client.get())).c_str());
    transfer(peers.server.get(), peers.client.get(), "hello");
    for (SSL* ssl : {peers.client.get(), peers.server.get(), peers.client.get()}) {
      out("SSL_shutdown: %s, flags %d", outcome(ssl, SSL_shutdown(ssl)).c_str(),
          SSL_get_shutdown(ssl));
    }
    print("client", client.lines);
    print("server", server.lines);
  }
}

void failed() {
  struct Failure {
    const char *name, *client, *server;
    int client_version, server_version;
  };
  for (const Failure& failure :
       {Failure{"cipher", "AES128-SHA", "AES256-SHA", DTLS1_2_VERSION, DTLS1_2_VERSION},
        Failure{"version", "ALL:@SECLEVEL=0", "ALL:@SECLEVEL=0", DTLS1_VERSION, DTLS1_2_VERSION},
        Failure{"version", "ALL:@SECLEVEL=0", "ALL:@SECLEVEL=0", DTLS1_2_VERSION, DTLS1_VERSION}}) {
    for (bool messages : {false, true}) {
      Net net;
      auto use = [](const char* list, int version) {
        return [=](SSL_CTX* c) {
          SSL_CTX_set_cipher_list(c, list);
          set_versions(c, version, version);
        };
      };
      Peers peers = dtls_peers(net, 0,
                               {.client_context = use(failure.client, failure.client_version),
                                .server_context = use(failure.server, failure.server_version)});
      Log client, server;
      messages ? client.watch_messages(peers.client.get()) : client.watch_info(peers.client.get());
      messages ? server.watch_messages(peers.server.get()) : server.watch_info(peers.server.get());
      Result result = handshake(peers);
      out("%s: %s", failure.name, result.said().c_str());
      out("client: %s", state_line(peers.client.get()).c_str());
      out("server: %s", state_line(peers.server.get()).c_str());
      out("again: %s", handshake(peers).said().c_str());
      print("client", client.lines);
      print("server", server.lines);
    }
  }
}

void untrusted() {
  Net net;
  Peers peers = dtls_peers(net, DTLS1_2_VERSION, {.certificate = "server-rsa"});
  SSL_CTX_set_cert_store(peers.client_context.get(), X509_STORE_new());
  Log client, server;
  client.watch_messages(peers.client.get());
  server.watch_messages(peers.server.get());
  Result result = handshake(peers);
  out("%s", result.said().c_str());
  print("client", client.lines);
  print("server", server.lines);
  tell_sent(net, false);
}

void is_dtls() {
  struct Named {
    const char* name;
    const SSL_METHOD* method;
  };
  for (const Named& one : {Named{"DTLS", DTLS_method()}, Named{"DTLSv1", DTLSv1_method()},
                           Named{"DTLSv1_2", DTLSv1_2_client_method()}, Named{"TLS", TLS_method()},
                           Named{"TLSv1_2", TLSv1_2_method()}}) {
    Owned<SSL_CTX> context(SSL_CTX_new(one.method));
    Owned<SSL> ssl(SSL_new(context.get()));
    out("%s: is_dtls %d, version %#x %s, %s, timeout %ld", one.name, SSL_is_dtls(ssl.get()),
        SSL_version(ssl.get()), SSL_get_version(ssl.get()), state_line(ssl.get()).c_str(),
        SSL_get_default_timeout(ssl.get()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  struct Kind {
    const char* name;
    Watch run;
  };
  std::vector<Case> cases;
  for (const Kind& kind : {Kind{"after-calls", after_calls}, Kind{"info-callback", tell_infos},
                           Kind{"message-callback", message_callback}}) {
    for (const Flavour& flavour : kFlavours) {
      cases.push_back(
          {text("%s.%s", kind.name, flavour.name), [=] { full_and_resumed(flavour, kind.run); }});
    }
  }
  cases.push_back({"held-back", held_back});
  cases.push_back({"lengths", lengths});
  cases.push_back({"after-the-handshake", after_the_handshake});
  cases.push_back({"failed", failed});
  cases.push_back({"untrusted", untrusted});
  cases.push_back({"is-dtls", is_dtls});
  return run(cases, argc, argv);
}
