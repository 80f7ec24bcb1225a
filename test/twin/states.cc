// What the state functions and the info and message callbacks say at each step of a handshake.
#include "support/loggers.h"

namespace {
using namespace twin;

void with_client_certificate(SSL_CTX* client, SSL_CTX* server) {
  if (client) use_certificate(client, "client-ed25519");
  if (server)
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
}

Setup plain() {
  return {};
}

Setup client_auth() {
  return {.client_context = [](SSL_CTX* c) { with_client_certificate(c, nullptr); },
          .server_context = [](SSL_CTX* c) { with_client_certificate(nullptr, c); }};
}

Setup requested_without_certificate() {
  return {.server_context = [](SSL_CTX* c) { SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr); }};
}

Setup retry_request() {
  return {.client_context = [](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, "X25519:P-256"); },
          .server_context = [](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, "P-256"); }};
}

Setup no_middlebox() {
  auto off = [](SSL_CTX* c) { SSL_CTX_clear_options(c, SSL_OP_ENABLE_MIDDLEBOX_COMPAT); };
  return {.client_context = off, .server_context = off};
}

Setup with_cookie() {
  return {.server_context = [](SSL_CTX* c) {
    SSL_CTX_set_options(c, SSL_OP_COOKIE_EXCHANGE);
    SSL_CTX_set_stateless_cookie_generate_cb(c, [](SSL*, unsigned char*, size_t*) { return 0; });
  }};
}

struct Flavour {
  const char* name;
  Setup (*setup)();
};
constexpr Flavour kFlavours[] = {{"plain", plain},
                                 {"client-auth", client_auth},
                                 {"no-client-certificate", requested_without_certificate},
                                 {"retry-request", retry_request},
                                 {"no-middlebox", no_middlebox},
                                 {"cookie-option", with_cookie}};

void states_after_calls(const Setup& setup) {
  Peers peers = make_peers(setup);
  link_memory(peers);
  out("client: %s", state_line(peers.client.get()).c_str());
  out("server: %s", state_line(peers.server.get()).c_str());
  handshake(peers, [](const Side& side) {
    out("%s %s: %s", SSL_is_server(side.ssl) ? "server" : "client", side.said().c_str(),
        state_line(side.ssl).c_str());
  });
}

// The same with the smallest steps: every state in which a call can return.
void states_byte_by_byte(const Setup& setup) {
  Faults client, server;
  client.read = client.write = server.read = server.write = {.piece = 1, .retry_between = true};
  Peers peers = make_peers(setup);
  link_memory(peers, &client, &server);
  Lines client_states, server_states;
  Result result = handshake(peers, [&](const Side& side) {
    Lines& lines = SSL_is_server(side.ssl) ? server_states : client_states;
    std::string line = text("%s: %s", error_name(side.error), state_line(side.ssl).c_str());
    if (lines.empty() || lines.back() != line) lines.push_back(line);
  });
  // Calls alternate between the two wants while bytes trickle: keep each line once, in order.
  for (Lines* lines : {&client_states, &server_states}) {
    Lines once;
    for (const std::string& line : *lines) {
      if (std::find(once.begin(), once.end(), line) == once.end()) once.push_back(line);
    }
    print(lines == &client_states ? "client" : "server", once);
  }
  out("%s", result.said().c_str());
}

void info_callback(const Setup& setup) {
  Peers peers = make_peers(setup);
  link_memory(peers);
  tell_infos(peers);
}

void message_callback(const Setup& setup) {
  Peers peers = make_peers(setup);
  link_memory(peers);
  tell_messages(peers);
}

void message_lengths() {
  Peers peers = make_peers();
  link_memory(peers);
  Log client, server;
  client.lengths = server.lengths = true;
  client.watch_messages(peers.client.get());
  server.watch_messages(peers.server.get());
  handshake(peers);
  print("client", client.lines);
  print("server", server.lines);
}

void callbacks_after_the_handshake() {
  for (bool messages : {false, true}) {
    Peers peers = connected();
    Log client, server;
    messages ? client.watch_messages(peers.client.get()) : client.watch_info(peers.client.get());
    messages ? server.watch_messages(peers.server.get()) : server.watch_info(peers.server.get());
    transfer(peers.client.get(), peers.server.get(), "hello");
    SSL_key_update(peers.client.get(), SSL_KEY_UPDATE_REQUESTED);
    out("%s", state_line(peers.client.get()).c_str());
    int returned = SSL_do_handshake(peers.client.get());
    out("SSL_do_handshake for the KeyUpdate: %s", outcome(peers.client.get(), returned).c_str());
    char byte;
    SSL_read(peers.server.get(), &byte, 1);
    transfer(peers.server.get(), peers.client.get(), "hello");
    SSL_shutdown(peers.client.get());
    SSL_read(peers.server.get(), &byte, 1);
    SSL_shutdown(peers.server.get());
    SSL_shutdown(peers.client.get());
    errors();
    print("client", client.lines);
    print("server", server.lines);
  }
}

void failed() {
  Peers peers =
      make_peers({.client_context = [](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, "X25519"); },
                  .server_context = [](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, "P-256"); }});
  link_memory(peers);
  Log client, server;
  client.watch_info(peers.client.get());
  server.watch_info(peers.server.get());
  Result result = handshake(peers);
  out("%s", result.said().c_str());
  print("client", client.lines);
  print("server", server.lines);
  out("client: %s", state_line(peers.client.get()).c_str());
  out("server: %s", state_line(peers.server.get()).c_str());
}

void failed_messages() {
  Peers peers = make_peers({.certificate = "server-self-signed"});
  link_memory(peers);
  Log client, server;
  client.watch_messages(peers.client.get());
  server.watch_messages(peers.server.get());
  Result result = handshake(peers);
  out("%s", result.said().c_str());
  char byte;
  int returned = SSL_read(peers.server.get(), &byte, 1);
  out("server reads: %s", outcome(peers.server.get(), returned).c_str());
  print("client", client.lines);
  print("server", server.lines);
}

// The context's info callback is used where the connection has none.
void info_callback_of_the_context() {
  static int calls, own_calls;
  calls = own_calls = 0;
  Peers peers = make_peers(
      {.client_context =
           [](SSL_CTX* c) { SSL_CTX_set_info_callback(c, [](const SSL*, int, int) { calls++; }); },
       .server_context =
           [](SSL_CTX* c) {
             SSL_CTX_set_info_callback(c, [](const SSL*, int, int) { calls++; });
           }});
  SSL_set_info_callback(peers.server.get(), [](const SSL*, int, int) { own_calls++; });
  link_memory(peers);
  handshake(peers);
  out("context's %d, own %d", calls, own_calls);
  out("get: context %d, client %d, server %d",
      SSL_CTX_get_info_callback(peers.client_context.get()) != nullptr,
      SSL_get_info_callback(peers.client.get()) != nullptr,
      SSL_get_info_callback(peers.server.get()) != nullptr);
}

void new_connection() {
  Owned<SSL_CTX> context = new_context();
  Owned<SSL> ssl(SSL_new(context.get()));
  out("new: %s", state_line(ssl.get()).c_str());
  out("want %d, shutdown %d, version %s, is_server %d", SSL_want(ssl.get()),
      SSL_get_shutdown(ssl.get()), SSL_get_version(ssl.get()), SSL_is_server(ssl.get()));
  SSL_set_connect_state(ssl.get());
  out("connect: %s, is_server %d", state_line(ssl.get()).c_str(), SSL_is_server(ssl.get()));
  SSL_set_accept_state(ssl.get());
  out("accept: %s, is_server %d", state_line(ssl.get()).c_str(), SSL_is_server(ssl.get()));
  out("peer certificate %d, cipher %d, verify_result %ld, session %d",
      SSL_get0_peer_certificate(ssl.get()) != nullptr, SSL_get_current_cipher(ssl.get()) != nullptr,
      SSL_get_verify_result(ssl.get()), SSL_get_session(ssl.get()) != nullptr);
}

void cleared() {
  Peers peers = connected();
  SSL* client = peers.client.get();
  out("before: %s", state_line(client).c_str());
  out("SSL_clear: %d", SSL_clear(client));
  out("after: %s", state_line(client).c_str());
  out("want %d, shutdown %d, version %s, is_server %d", SSL_want(client), SSL_get_shutdown(client),
      SSL_get_version(client), SSL_is_server(client));
  out("peer certificate %d, cipher %d", SSL_get0_peer_certificate(client) != nullptr,
      SSL_get_current_cipher(client) != nullptr);
  SSL_clear(peers.server.get());
  link_memory(peers);
  out("handshake again: %s", handshake(peers).said().c_str());
  out("%s", transfer(peers.client.get(), peers.server.get(), "hello").c_str());
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Case> cases = {{"new-connection", new_connection}};
  struct Kind {
    const char* name;
    void (*run)(const Setup&);
  };
  for (const Kind& kind :
       {Kind{"after-calls", states_after_calls}, Kind{"byte-by-byte", states_byte_by_byte},
        Kind{"info-callback", info_callback}, Kind{"message-callback", message_callback}}) {
    for (const Flavour& flavour : kFlavours) {
      cases.push_back({text("%s.%s", kind.name, flavour.name), [=] { kind.run(flavour.setup()); }});
    }
  }
  cases.push_back({"message-callback.lengths", message_lengths});
  cases.push_back({"callbacks-after-the-handshake", callbacks_after_the_handshake});
  cases.push_back({"failed.info-callback", failed});
  cases.push_back({"failed.message-callback", failed_messages});
  cases.push_back({"info-callback-of-the-context", info_callback_of_the_context});
  cases.push_back({"cleared", cleared});
  return run(cases, argc, argv);
}
