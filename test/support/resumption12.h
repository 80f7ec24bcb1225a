// Handshakes of TLS <= 1.2 that resume, and what is said about them.
#pragma once

#include "loggers.h"

namespace twin {

/// How a client comes back.
enum class By { id, ticket };

inline const char* by_name(By by) {
  return by == By::id ? "id" : "ticket";
}

/// This version alone, resumption by `by` alone, both caches on.
inline void make_resumable(SSL_CTX* context, int version, By by) {
  SSL_CTX_set_max_proto_version(context, version);
  SSL_CTX_set_min_proto_version(context, version);
  if (version < TLS1_2_VERSION) SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
  by == By::ticket ? SSL_CTX_clear_options(context, SSL_OP_NO_TICKET)
                   : SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_BOTH);
}

/// Contexts of such connections; the server's can be changed further by `setup`.
inline Peers resumable_peers(int version = TLS1_2_VERSION, By by = By::ticket, Setup setup = {}) {
  auto both = [=](const std::function<void(SSL_CTX*)>& more) {
    return [=](SSL_CTX* context) {
      make_resumable(context, version, by);
      if (more) more(context);
    };
  };
  setup.client_context = both(setup.client_context);
  setup.server_context = both(setup.server_context);
  if (setup.certificate == "server-ed25519") setup.certificate = "server-p256";
  return make_peers(setup);
}

inline std::string statistics(SSL_CTX* context) {
  return text(
      "number %ld, connect %ld/%ld, accept %ld/%ld, hits %ld, misses %ld, timeouts %ld, "
      "cb_hits %ld, full %ld",
      SSL_CTX_sess_number(context), SSL_CTX_sess_connect(context),
      SSL_CTX_sess_connect_good(context), SSL_CTX_sess_accept(context),
      SSL_CTX_sess_accept_good(context), SSL_CTX_sess_hits(context), SSL_CTX_sess_misses(context),
      SSL_CTX_sess_timeouts(context), SSL_CTX_sess_cb_hits(context),
      SSL_CTX_sess_cache_full(context));
}

inline void print_statistics(const Peers& peers) {
  out("  client: %s", statistics(peers.client_context.get()).c_str());
  out("  server: %s", statistics(peers.server_context.get()).c_str());
}

/// What does not change from run to run.
inline std::string about(SSL_SESSION* session) {
  if (!session) return "no session";
  unsigned int id = 0, context = 0;
  SSL_SESSION_get_id(session, &id);
  SSL_SESSION_get0_id_context(session, &context);
  return text(
      "id %u, id context %u, ticket %d, hint %lu, timeout %ld, resumable %d, version %#x, "
      "verify peer %d",
      id, context, SSL_SESSION_has_ticket(session), SSL_SESSION_get_ticket_lifetime_hint(session),
      SSL_SESSION_get_timeout(session), SSL_SESSION_is_resumable(session),
      SSL_SESSION_get_protocol_version(session), SSL_SESSION_get0_peer(session) != nullptr);
}

struct Connect {
  SSL_SESSION* offer = nullptr;
  std::function<void(SSL*client, SSL*server)> before{}, after{};
  bool close = true;  ///< with close_notify: a connection that is cut off spoils its session
  bool quiet = false;
  bool answer = false;  ///< the server sends too: tickets of TLS 1.3 come before its data
};

/// Another connection of the same contexts; returns the client's session afterwards.
inline Owned<SSL_SESSION> connect(Peers& peers, const char* title, const Connect& how = {}) {
  renew(peers);
  link_memory(peers);
  SSL *client = peers.client.get(), *server = peers.server.get();
  if (how.offer) SSL_set_session(client, how.offer);
  if (how.before) how.before(client, server);
  Result result = handshake(peers);
  if (!how.quiet) {
    out("%s: %s, reused %d %d", title, result.said().c_str(), SSL_session_reused(client),
        SSL_session_reused(server));
    out("  client's %s", about(SSL_get_session(client)).c_str());
    out("  server's %s", about(SSL_get_session(server)).c_str());
  }
  if (result.good()) {
    std::string sent = transfer(client, server, sample(100));
    if (!how.quiet) out("  %s", sent.c_str());
    if (how.answer) transfer(server, client, "answer");
  }
  if (how.after) how.after(client, server);
  Owned<SSL_SESSION> session(SSL_get1_session(client));
  if (how.close && result.good()) {
    SSL_shutdown(client);
    SSL_shutdown(server);
    SSL_shutdown(client);
  }
  peers.client.reset();
  peers.server.reset();
  ERR_clear_error();
  return session;
}

}  // namespace twin
