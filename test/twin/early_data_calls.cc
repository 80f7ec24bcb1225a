// Early data in every order of calls, over slow BIOs, and what callbacks see of it.
#include "support/resumption13.h"

namespace {
using namespace twin;

struct Pair : Peers {
  Owned<SSL_SESSION> session;

  explicit Pair(uint32_t limit = 1000)
      : Peers(tickets_peers({.client_context =
                                 [](SSL_CTX* context) {
                                   SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
                                 },
                             .server_context =
                                 [=](SSL_CTX* context) {
                                   SSL_CTX_set_max_early_data(context, limit);
                                   SSL_CTX_set_options(context, SSL_OP_NO_ANTI_REPLAY);
                                 }})) {
    session = first_session(*this);
  }
  void begin() {
    renew(*this);
    link_memory(*this);
    Owned<SSL_SESSION> copy(SSL_SESSION_dup(session.get()));  // which a failure spoils
    SSL_set_session(client.get(), copy.get());
  }
};

std::string read_some(SSL* ssl) {
  char buffer[200];
  ERR_clear_error();
  int read = SSL_read(ssl, buffer, sizeof buffer);
  return outcome(ssl, read) +
         (read > 0 ? " " + std::string(buffer, static_cast<size_t>(read)) : "");
}

std::string write_some(SSL* ssl, const char* words) {
  ERR_clear_error();
  return outcome(ssl, SSL_write(ssl, words, static_cast<int>(std::strlen(words))));
}

std::string shake(SSL* ssl) {
  ERR_clear_error();
  return outcome(ssl, SSL_do_handshake(ssl));
}

void out_of_place() {
  Pair pair;
  std::string got;
  pair.begin();
  SSL *client = pair.client.get(), *server = pair.server.get();
  out("server writes %s", write_early(server, "x").c_str());
  out("client reads %s", read_early(client, got).c_str());
  SSL_set_session(client, nullptr);
  out("client without a session %s", write_early(client, "x").c_str());
  pair.begin();
  client = pair.client.get();
  server = pair.server.get();
  require(handshake(pair).good(), "handshake");
  out("client after the handshake %s", write_early(client, "x").c_str());
  out("server after the handshake %s", read_early(server, got).c_str());
  pair.begin();
  client = pair.client.get();
  out("client began as usual %s", shake(client).c_str());
  out("and then %s", write_early(client, "x").c_str());
}

void roles_come_with_the_calls() {
  Pair pair;
  std::string got;
  pair.begin();
  pair.client.reset(SSL_new(pair.client_context.get()));
  pair.server.reset(SSL_new(pair.server_context.get()));
  link_memory(pair);
  SSL *client = pair.client.get(), *server = pair.server.get();
  Owned<SSL_SESSION> copy(SSL_SESSION_dup(pair.session.get()));
  SSL_set_session(client, copy.get());
  out("client %s, server %d", write_early(client, "early").c_str(), SSL_is_server(client));
  out("server %s, server %d", read_early(server, got).c_str(), SSL_is_server(server));
  out("got %s", got.c_str());
}

void mixed_calls() {
  Pair pair;
  std::string got;
  pair.begin();
  SSL *client = pair.client.get(), *server = pair.server.get();
  out("client %s", write_early(client, "one").c_str());
  out("client %s", write_early(client, "two").c_str());
  out("client SSL_do_handshake %s", shake(client).c_str());
  out("client %s", write_early(client, "three").c_str());
  out("server %s", read_early(server, got, 2).c_str());
  out("server SSL_write %s", write_some(server, "x").c_str());
  out("server SSL_read %s", read_some(server).c_str());
  out("server %s", read_early(server, got).c_str());
  out("server SSL_do_handshake %s", shake(server).c_str());
  out("got %s", got.c_str());
  out("%s", handshake(pair).said().c_str());
}

void server_skips() {
  Pair pair;
  pair.begin();
  SSL *client = pair.client.get(), *server = pair.server.get();
  out("client %s", write_early(client, "early").c_str());
  out("server SSL_accept %s", shake(server).c_str());
  out("client SSL_write %s", write_some(client, "late").c_str());
  out("%s", handshake(pair).said().c_str());
  out("client SSL_write %s", write_some(client, "late").c_str());
  out("server SSL_read %s", read_some(server).c_str());
  out("%s", early_statuses(pair).c_str());
}

void server_handshakes_amid() {
  Pair pair;
  pair.begin();
  std::string got;
  SSL *client = pair.client.get(), *server = pair.server.get();
  out("client %s", write_early(client, "early").c_str());
  out("client %s", write_early(client, "more").c_str());
  out("server %s", read_early(server, got).c_str());
  out("server SSL_do_handshake %s", shake(server).c_str());
  out("server %s", read_early(server, got).c_str());
}

void client_just_writes() {
  Pair pair;
  pair.begin();
  std::string got;
  SSL *client = pair.client.get(), *server = pair.server.get();
  out("client %s", write_early(client, "early").c_str());
  out("server %s", read_early(server, got).c_str());
  out("client SSL_write %s", write_some(client, "late").c_str());
  out("server %s", read_early(server, got).c_str());
  out("server SSL_do_handshake %s", shake(server).c_str());
  out("server SSL_read %s", read_some(server).c_str());
  out("client SSL_shutdown %d", SSL_shutdown(client));
  out("server SSL_read %s", read_some(server).c_str());
}

void without_early_data() {
  Pair pair;
  std::string got;
  for (bool resume : {false, true}) {
    pair.begin();
    SSL *client = pair.client.get(), *server = pair.server.get();
    if (!resume) SSL_set_session(client, nullptr);
    out("client %s", shake(client).c_str());
    out("server %s", read_early(server, got).c_str());
    out("server %s", read_early(server, got).c_str());
    out("server writes %s", write_early(server, "half").c_str());
    out("%s", handshake(pair).said().c_str());
    out("client SSL_read %s", read_some(client).c_str());
    out("%s", early_statuses(pair).c_str());
  }
}

void slow() {
  Pair pair;
  for (size_t room : {1, 7, 100}) {
    renew(pair);
    link_pair(pair, room, 20000);
    SSL *client = pair.client.get(), *server = pair.server.get();
    Owned<SSL_SESSION> copy(SSL_SESSION_dup(pair.session.get()));
    SSL_set_session(client, copy.get());
    std::string got, data = sample(600);
    bool written = false, finished = false;
    Lines client_said, server_said;
    for (int i = 0; i < 20000 && !(written && finished); i++) {
      if (!written) {
        std::string said = write_early(client, data);
        written = said[0] == '1';
        if (client_said.empty() || client_said.back() != said) client_said.push_back(said);
      } else {
        SSL_do_handshake(client);
      }
      if (!finished) {
        std::string said = read_early(server, got);
        finished = said[0] == 'F';
        if (server_said.empty() || server_said.back() != said) server_said.push_back(said);
      }
    }
    out("room for %zu", room);
    print("client", client_said);
    print_runs("server", server_said);
    out("the same %d; %s", got == data, handshake(pair).said().c_str());
    out("%s; %s", transfer(client, server, sample(300)).c_str(), early_statuses(pair).c_str());
  }
}

void callbacks() {
  for (bool compatible : {true, false}) {
    Pair pair;
    pair.begin();
    SSL *client = pair.client.get(), *server = pair.server.get();
    Log client_messages, server_messages, client_steps, server_steps;
    for (SSL* ssl : {client, server}) {
      if (!compatible) SSL_clear_options(ssl, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
    }
    client_messages.watch_messages(client);
    server_messages.watch_messages(server);
    client_steps.watch_info(client);
    server_steps.watch_info(server);
    std::string got;
    write_early(client, "early");
    read_early(server, got);
    out("client SSL_read %s", read_some(client).c_str());
    write_early(client, "more");
    read_early(server, got);
    out("%s", handshake(pair).said().c_str());
    out("server %s", read_early(server, got).c_str());
    out("%s", transfer(server, client, "x").c_str());
    print("client's messages", client_messages.lines);
    print("server's messages", server_messages.lines);
    print("client's steps", client_steps.lines);
    print("server's steps", server_steps.lines);
  }
}

void ends() {
  for (bool with_shutdown : {true, false}) {
    Pair pair;
    std::string got;
    pair.begin();
    SSL *client = pair.client.get(), *server = pair.server.get();
    write_early(client, "early");
    if (with_shutdown) out("client SSL_shutdown %d", SSL_shutdown(client));
    out("server %s", read_early(server, got).c_str());
    out("server %s", read_early(server, got).c_str());
    out("server SSL_shutdown %d", SSL_shutdown(server));
    ERR_clear_error();
    out("cleared %d %d", SSL_clear(client), SSL_clear(server));
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"out-of-place", out_of_place},
              {"roles-come-with-the-calls", roles_come_with_the_calls},
              {"mixed-calls", mixed_calls},
              {"server-skips", server_skips},
              {"server-handshakes-amid", server_handshakes_amid},
              {"client-just-writes", client_just_writes},
              {"without-early-data", without_early_data},
              {"slow", slow},
              {"callbacks", callbacks},
              {"ends", ends}},
             argc, argv);
}
