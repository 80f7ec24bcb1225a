// What the state functions and the info and message callbacks say at each step of a handshake
// below TLS 1.3: full and resumed, with and without certificates of the client.
#include "support/older.h"

namespace {
using namespace twin;

struct Flavour {
  const char* name;
  int version;
  const char* suite;
  const char* certificate;
  bool client_auth, tickets, cache;
};
constexpr Flavour kFlavours[] = {
    {"ecdhe", TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", "server-rsa", false, false, false},
    {"rsa", TLS1_2_VERSION, "AES128-SHA", "server-rsa", false, false, false},
    {"dhe", TLS1_2_VERSION, "DHE-RSA-AES128-SHA256", "server-rsa", false, false, false},
    {"anonymous", TLS1_2_VERSION, "AECDH-AES128-SHA:@SECLEVEL=0", "", false, false, false},
    {"old-ecdhe", TLS1_VERSION, "ECDHE-RSA-AES128-SHA", "server-rsa", false, false, false},
    {"old-rsa", TLS1_1_VERSION, "AES256-SHA", "server-rsa", false, false, false},
    {"client-auth", TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", "server-rsa", true, false,
     false},
    {"old-client-auth", TLS1_VERSION, "AES128-SHA", "server-rsa", true, false, false},
    {"ticket", TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", "server-rsa", false, true, true},
    {"old-ticket", TLS1_1_VERSION, "AES128-SHA", "server-rsa", true, true, true},
    {"id", TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", "server-rsa", false, false, true},
    {"old-id", TLS1_VERSION, "ECDHE-RSA-AES128-SHA", "server-rsa", true, false, true}};

Setup setup_of(const Flavour& flavour) {
  return at_version(flavour.version,
                    {.certificate = flavour.certificate,
                     .client_context =
                         [=](SSL_CTX* c) {
                           SSL_CTX_set_cipher_list(c, flavour.suite);
                           if (flavour.cache) allow_resumption(c, flavour.tickets);
                           if (flavour.client_auth) use_certificate(c, "client-rsa");
                         },
                     .server_context =
                         [=](SSL_CTX* c) {
                           SSL_CTX_set_cipher_list(c, flavour.suite);
                           SSL_CTX_set_dh_auto(c, 1);
                           if (flavour.cache) allow_resumption(c, flavour.tickets);
                           if (flavour.client_auth) {
                             SSL_CTX_set_verify(
                                 c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
                           }
                         }});
}

/// Runs `watch` on a full handshake, and on a resumed one where the flavour can.
void full_and_resumed(const Flavour& flavour, const std::function<void(Peers&)>& watch) {
  Peers peers = make_peers(setup_of(flavour));
  link_memory(peers);
  out("full:");
  watch(peers);
  if (!flavour.cache) return;
  renew_with_session(peers);
  link_memory(peers);
  out("resumed:");
  watch(peers);
}

void after_calls(Peers& peers) {
  out("client: %s", state_line(peers.client.get()).c_str());
  out("server: %s", state_line(peers.server.get()).c_str());
  handshake(peers, [](const Side& side) {
    out("%s %s: %s", SSL_is_server(side.ssl) ? "server" : "client", side.said().c_str(),
        state_line(side.ssl).c_str());
  });
}

// The smallest steps: every state in which a call can return, and what it waits for.
void byte_by_byte(Peers& peers) {
  Faults client, server;
  client.read = client.write = server.read = server.write = {.piece = 1, .retry_between = true};
  link_memory(peers, &client, &server);
  Lines client_states, server_states;
  Result result = handshake(peers, [&](const Side& side) {
    Lines& lines = SSL_is_server(side.ssl) ? server_states : client_states;
    std::string line = text("%s: %s", error_name(side.error), state_line(side.ssl).c_str());
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
  });
  print("client", client_states);
  print("server", server_states);
  out("%s", result.said().c_str());
  out("%s", transfer(peers.client.get(), peers.server.get(), "hello").c_str());
  link_memory(peers);
}

// Lengths of messages and records, where no signature or ticket makes them vary.
void lengths() {
  for (const char* suite : {"AES128-SHA", "AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305",
                            "AES256-CCM8", "CAMELLIA128-SHA", "NULL-SHA:@SECLEVEL=0"}) {
    out("%s:", suite);
    Flavour flavour = {"", TLS1_2_VERSION, suite, "server-rsa", false, false, true};
    Peers peers = make_peers(setup_of(flavour));
    link_memory(peers);
    for (const char* title : {"full", "resumed"}) {
      Log client, server;
      client.lengths = server.lengths = true;
      client.watch_messages(peers.client.get());
      server.watch_messages(peers.server.get());
      Result result = handshake(peers);
      transfer(peers.client.get(), peers.server.get(), "hello");
      print(text("%s: client", title).c_str(), client.lines);
      print(text("%s: server", title).c_str(), server.lines);
      out("%s", result.said().c_str());
      SSL_set_msg_callback(peers.client.get(), nullptr);
      SSL_set_msg_callback(peers.server.get(), nullptr);
      renew_with_session(peers);
      link_memory(peers);
    }
  }
}

void after_the_handshake() {
  for (bool messages : {false, true}) {
    Peers peers = connected(setup_of(kFlavours[0]));
    Log client, server;
    messages ? client.watch_messages(peers.client.get()) : client.watch_info(peers.client.get());
    messages ? server.watch_messages(peers.server.get()) : server.watch_info(peers.server.get());
    transfer(peers.client.get(), peers.server.get(), "hello");
    out("SSL_key_update: %s",
        answer(SSL_key_update(peers.client.get(), SSL_KEY_UPDATE_REQUESTED)).c_str());
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
  for (bool messages : {false, true}) {
    Flavour flavour = kFlavours[0];
    flavour.certificate = "server-self-signed";
    flavour.suite = "ECDHE-ECDSA-AES128-GCM-SHA256";
    Peers peers = make_peers(setup_of(flavour));
    link_memory(peers);
    Log client, server;
    messages ? client.watch_messages(peers.client.get()) : client.watch_info(peers.client.get());
    messages ? server.watch_messages(peers.server.get()) : server.watch_info(peers.server.get());
    Result result = handshake(peers);
    out("%s", result.said().c_str());
    out("client: %s", state_line(peers.client.get()).c_str());
    out("server: %s", state_line(peers.server.get()).c_str());
    out("again: %s", handshake(peers).said().c_str());
    print("client", client.lines);
    print("server", server.lines);
  }
}

void no_shared_cipher() {
  Peers peers = make_peers(
      at_version(TLS1_2_VERSION,
                 {.client_context = [](SSL_CTX* c) { SSL_CTX_set_cipher_list(c, "AES128-SHA"); },
                  .server_context = [](SSL_CTX* c) { SSL_CTX_set_cipher_list(c, "AES256-SHA"); }}));
  link_memory(peers);
  Log client, server;
  client.watch_info(peers.client.get());
  server.watch_info(peers.server.get());
  out("%s", handshake(peers).said().c_str());
  out("client: %s", state_line(peers.client.get()).c_str());
  out("server: %s", state_line(peers.server.get()).c_str());
  print("client", client.lines);
  print("server", server.lines);
}

}  // namespace

int main(int argc, char** argv) {
  struct Kind {
    const char* name;
    void (*run)(Peers&);
  };
  std::vector<Case> cases;
  for (const Kind& kind : {Kind{"after-calls", after_calls}, Kind{"info-callback", tell_infos},
                           Kind{"message-callback", [](Peers& peers) { tell_messages(peers); }},
                           Kind{"byte-by-byte", byte_by_byte}}) {
    for (const Flavour& flavour : kFlavours) {
      cases.push_back(
          {text("%s.%s", kind.name, flavour.name), [=] { full_and_resumed(flavour, kind.run); }});
    }
  }
  cases.push_back({"lengths", lengths});
  cases.push_back({"after-the-handshake", after_the_handshake});
  cases.push_back({"failed", failed});
  cases.push_back({"no-shared-cipher", no_shared_cipher});
  return run(cases, argc, argv);
}
