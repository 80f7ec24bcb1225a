// The sessions that follow post-handshake authentication: tickets, and what is resumed from them.
#include "support/post_handshake.h"

namespace {
using namespace twin;

Lines sessions;

int keep(SSL* ssl, SSL_SESSION* session) {
  sessions.push_back(text("%s has a new session, peer %s", SSL_is_server(ssl) ? "server" : "client",
                          subject(SSL_SESSION_get0_peer(session)).c_str()));
  return 0;
}

/// Both have sessions; the server sends `tickets` of them, sealed or as ids in its cache.
Setup with_tickets(const Setup& setup, size_t tickets, bool sealed) {
  Setup result = setup;
  auto add = [=](SSL_CTX* context) {
    if (sealed) SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, tickets);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_BOTH);
    SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("twin"), 4);
    SSL_CTX_sess_set_new_cb(context, keep);
  };
  result.client_context = [=](SSL_CTX* c) { setup.client_context(c), add(c); };
  result.server_context = [=](SSL_CTX* c) { setup.server_context(c), add(c); };
  return result;
}

void tell_sessions() {
  print("sessions", sessions);
  sessions.clear();
}

void tickets_follow() {
  for (bool sealed : {true, false}) {
    for (size_t tickets : {0u, 1u, 2u, 5u}) {
      for (const char* certificate : {"client-ed25519", ""}) {
        out("%s, %zu tickets, %s", sealed ? "sealed" : "ids", tickets, certificate);
        Peers peers = connected(with_tickets(later_authentication(certificate), tickets, sealed));
        reads(peers.client.get());
        tell_sessions();
        for (int i = 0; i < 2; ++i) {
          authenticate(peers);
          tell_sessions();
        }
      }
    }
  }
}

void messages() {
  Peers peers = connected(with_tickets(later_authentication(), 2, true));
  reads(peers.client.get());
  Log client, server;
  client.watch_messages(peers.client.get());
  server.watch_messages(peers.server.get());
  authenticate(peers);
  print("client", client.lines);
  print("server", server.lines);
  sessions.clear();
}

void info() {
  Peers peers = connected(with_tickets(later_authentication(), 2, true));
  reads(peers.client.get());
  Log client, server;
  client.watch_info(peers.client.get());
  server.watch_info(peers.server.get());
  authenticate(peers);
  print("client", client.lines);
  print("server", server.lines);
  sessions.clear();
}

// The next connection knows the client from the session, and may ask it again.
void resumed() {
  for (bool sealed : {true, false}) {
    for (bool before : {true, false}) {
      out("%s, session of %s", sealed ? "sealed" : "ids", before ? "before" : "afterwards");
      Peers peers = connected(with_tickets(later_authentication(), 1, sealed));
      reads(peers.client.get());
      Owned<SSL_SESSION> session(SSL_get1_session(peers.client.get()));
      authenticate(peers);
      if (!before) session.reset(SSL_get1_session(peers.client.get()));
      SSL_shutdown(peers.client.get());
      SSL_shutdown(peers.server.get());
      renew(peers);
      out("set session %d", SSL_set_session(peers.client.get(), session.get()));
      link_memory(peers);
      out("%s", handshake(peers).said().c_str());
      out("reused %d %d, %s", SSL_session_reused(peers.client.get()),
          SSL_session_reused(peers.server.get()), peer_line(peers.server.get()).c_str());
      reads(peers.client.get());
      tell_sessions();
      authenticate(peers);
      authenticate(peers);
      tell_sessions();
    }
  }
}

// SSL_new_session_ticket(3) and a request at the same time.
void ticket_asked_for() {
  Peers peers = connected(with_tickets(later_authentication(), 0, true));
  SSL* server = peers.server.get();
  out("new ticket %d", SSL_new_session_ticket(server));
  out("ask: %s", answer(SSL_verify_client_post_handshake(server)).c_str());
  out("do_handshake: %s", outcome(server, SSL_do_handshake(server)).c_str());
  out("client: %s", reads(peers.client.get()).c_str());
  out("server: %s", reads(server).c_str());
  out("%s", peer_line(server).c_str());
  ask(server);
  out("new ticket %d", SSL_new_session_ticket(server));
  out("server: %s", writes(server, "data").c_str());
  out("client: %s", reads(peers.client.get()).c_str());
  out("server: %s", reads(server).c_str());
  out("%s", peer_line(server).c_str());
  tell_sessions();
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"tickets-follow", tickets_follow},
              {"messages", messages},
              {"info", info},
              {"resumed", resumed},
              {"ticket-asked-for", ticket_asked_for}},
             argc, argv);
}
