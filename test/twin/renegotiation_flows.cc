// Renegotiation started by either end: what every call returns, states, callbacks and counts.
#include "support/renegotiation.h"

namespace {
using namespace twin;

struct Flavour {
  const char* name;
  int version;
  const char* suite;
  bool resumable, tickets;
};
constexpr Flavour kFlavours[] = {
    {"1.0", TLS1_VERSION, "ECDHE-RSA-AES128-SHA", false, false},
    {"1.1", TLS1_1_VERSION, "AES128-SHA", false, false},
    {"1.2", TLS1_2_VERSION, "ECDHE-RSA-AES128-SHA", false, false},
    {"1.2-gcm", TLS1_2_VERSION, "ECDHE-RSA-AES256-GCM-SHA384", false, false},
    {"1.2-chacha20", TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305", false, false},
    {"1.2-id", TLS1_2_VERSION, "AES128-GCM-SHA256", true, false},
    {"1.2-ticket", TLS1_2_VERSION, "AES128-GCM-SHA256", true, true},
    {"1.0-ticket", TLS1_VERSION, "AES128-SHA", true, true}};

Peers peers_of(const Flavour& flavour) {
  return renegotiable({.version = flavour.version,
                       .suite = flavour.suite,
                       .resumable = flavour.resumable,
                       .tickets = flavour.tickets});
}

SSL* starter(const Peers& peers, bool by_client) {
  return by_client ? peers.client.get() : peers.server.get();
}

void start(SSL* ssl, bool abbreviated) {
  int returned = abbreviated ? SSL_renegotiate_abbreviated(ssl) : SSL_renegotiate(ssl);
  out("  SSL_renegotiate: %s, %s, %s", outcome(ssl, returned).c_str(), counts(ssl).c_str(),
      state_line(ssl).c_str());
}

void go_on(SSL* ssl) {
  int returned = SSL_do_handshake(ssl);
  out("  SSL_do_handshake: %s, pending %d, %s", outcome_and_want(ssl, returned).c_str(),
      SSL_renegotiate_pending(ssl), state_line(ssl).c_str());
}

// One by SSL_do_handshake at the end that starts, by reads at the other.
void flow(const Flavour& flavour) {
  for (bool by_client : {true, false}) {
    for (bool abbreviated : {false, true}) {
      Peers peers = peers_of(flavour);
      out("%s%s:", by_client ? "client" : "server", abbreviated ? ", abbreviated" : "");
      SSL* ssl = starter(peers, by_client);
      start(ssl, abbreviated);
      go_on(ssl);
      read_in_turn(peers);
      go_on(ssl);
      tell_counts(peers);
      tell_data(peers);
    }
  }
}

// Only reads and writes: the first of them does what was asked for.
void by_data(const Flavour& flavour) {
  for (bool by_client : {true, false}) {
    Peers peers = peers_of(flavour);
    SSL* ssl = starter(peers, by_client);
    out("%s:", by_client ? "client" : "server");
    start(ssl, false);
    out("  SSL_write: %s, %s", outcome(ssl, SSL_write(ssl, "data", 4)).c_str(),
        state_line(ssl).c_str());
    read_in_turn(peers);
    out("  SSL_write: %s, %s", outcome(ssl, SSL_write(ssl, "data", 4)).c_str(),
        state_line(ssl).c_str());
    read_in_turn(peers);
    tell_counts(peers);
    tell_data(peers);
  }
}

template <bool kMessages>
void callbacks(const Flavour& flavour) {
  for (bool by_client : {true, false}) {
    Peers peers = peers_of(flavour);
    Log client, server;
    kMessages ? client.watch_messages(peers.client.get()) : client.watch_info(peers.client.get());
    kMessages ? server.watch_messages(peers.server.get()) : server.watch_info(peers.server.get());
    SSL* ssl = starter(peers, by_client);
    out("%s:", by_client ? "client" : "server");
    start(ssl, false);
    go_on(ssl);
    read_in_turn(peers);
    tell_data(peers);
    print("client", client.lines);
    print("server", server.lines);
  }
}

void several(const Flavour& flavour) {
  Peers peers = peers_of(flavour);
  for (int round = 0; round < 4; round++) {
    SSL* ssl = starter(peers, round % 2 == 0);
    out("round %d:", round);
    SSL_renegotiate(ssl);
    SSL_do_handshake(ssl);
    ERR_clear_error();
    read_in_turn(peers);
    tell_counts(peers);
    tell_data(peers);
    out("  client's context: %ld", SSL_CTX_sess_connect_renegotiate(peers.client_context.get()));
    if (round == 2) {
      out("  cleared: %ld, %ld", SSL_clear_num_renegotiations(peers.client.get()),
          SSL_clear_num_renegotiations(peers.server.get()));
    }
  }
  tell_counts(peers);
}

// A server wants a certificate that it did not want at first.
void asks_for_a_certificate(const Flavour& flavour) {
  for (const char* certificate : {"client-rsa", "client-stranger", ""}) {
    Peers peers = renegotiable({.version = flavour.version,
                                .suite = flavour.suite,
                                .resumable = flavour.resumable,
                                .tickets = flavour.tickets,
                                .client = [=](SSL_CTX* c) {
                                  if (*certificate) use_certificate(c, certificate);
                                }});
    out("certificate %s:", certificate);
    Alerts client, server;
    client.watch(peers.client.get());
    server.watch(peers.server.get());
    SSL_set_verify(peers.server.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    start(peers.server.get(), false);
    go_on(peers.server.get());
    read_in_turn(peers);
    out("  server sees %d, verify %ld", SSL_get0_peer_certificate(peers.server.get()) != nullptr,
        SSL_get_verify_result(peers.server.get()));
    out("  alerts: client %s | server %s", client.text_or_none(), server.text_or_none());
    tell_counts(peers);
  }
}

// SSL_VERIFY_CLIENT_ONCE: asked in the first handshake only.
void asks_only_once() {
  for (int mode : {SSL_VERIFY_PEER, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE}) {
    Peers peers =
        renegotiable({.client = [](SSL_CTX* c) { use_certificate(c, "client-rsa"); },
                      .server = [=](SSL_CTX* c) { SSL_CTX_set_verify(c, mode, nullptr); }});
    Log log;
    log.watch_messages(peers.client.get());
    out("mode %d:", mode);
    start(peers.server.get(), false);
    go_on(peers.server.get());
    read_in_turn(peers);
    out("  server sees %d", SSL_get0_peer_certificate(peers.server.get()) != nullptr);
    print("  client", log.lines);
  }
}

// Settings of the connection that changed since the first handshake.
void changed_settings() {
  for (bool by_client : {true, false}) {
    Peers peers = renegotiable({.suite = "ECDHE-RSA-AES128-SHA"});
    SSL_set_cipher_list(peers.client.get(), "AES256-SHA256:ECDHE-RSA-AES256-SHA384");
    SSL_set_cipher_list(peers.server.get(), "AES256-SHA256");
    start(starter(peers, by_client), false);
    go_on(starter(peers, by_client));
    read_in_turn(peers);
    tell_counts(peers);
    tell_data(peers);
  }
}

// Another version than the first handshake's is not possible.
void changed_versions() {
  for (bool by_client : {true, false}) {
    for (int version : {TLS1_VERSION, TLS1_3_VERSION}) {
      Peers peers = renegotiable(
          {.suite = "AES128-SHA", .client = [](SSL_CTX* c) { SSL_CTX_set_security_level(c, 0); }});
      for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
        SSL_set_security_level(ssl, 0);
        SSL_set_min_proto_version(ssl, 0);
        SSL_set_max_proto_version(ssl, version);
      }
      out("%s, at most %s:", by_client ? "client" : "server", version_text(version));
      start(starter(peers, by_client), false);
      go_on(starter(peers, by_client));
      read_in_turn(peers);
      tell_counts(peers);
    }
  }
}

void session_afterwards(const Flavour& flavour) {
  Peers peers = peers_of(flavour);
  SSL_SESSION* before = SSL_get1_session(peers.client.get());
  SSL_renegotiate(peers.client.get());
  SSL_do_handshake(peers.client.get());
  ERR_clear_error();
  read_in_turn(peers);
  out("another session object: %d", SSL_get_session(peers.client.get()) != before);
  SSL_SESSION_free(before);
  renew_with_session(peers);
  link_memory(peers);
  tell_handshake(peers, "afterwards");
}

}  // namespace

int main(int argc, char** argv) {
  struct Part {
    const char* name;
    void (*run)(const Flavour&);
  };
  std::vector<Case> cases;
  for (const Part& part :
       {Part{"flow", flow}, Part{"by-data", by_data}, Part{"info-callback", callbacks<false>},
        Part{"message-callback", callbacks<true>}, Part{"several", several},
        Part{"asks-for-a-certificate", asks_for_a_certificate},
        Part{"session-afterwards", session_afterwards}}) {
    for (const Flavour& flavour : kFlavours) {
      cases.push_back({text("%s.%s", part.name, flavour.name), [=] { part.run(flavour); }});
    }
  }
  cases.push_back({"asks-only-once", asks_only_once});
  cases.push_back({"changed-settings", changed_settings});
  cases.push_back({"changed-versions", changed_versions});
  return run(cases, argc, argv);
}
