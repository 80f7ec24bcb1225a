// Caches of TLS <= 1.2: their size, timeouts, external ones, ids, id contexts.
#include "support/resumption12.h"

namespace {
using namespace twin;

const unsigned char* bytes(const char* text) {
  return reinterpret_cast<const unsigned char*>(text);
}

void size() {
  Peers peers = resumable_peers(TLS1_2_VERSION, By::id);
  SSL_CTX_sess_set_cache_size(peers.server_context.get(), 1);
  SSL_CTX_sess_set_remove_cb(peers.server_context.get(), [](SSL_CTX*, SSL_SESSION* session) {
    out("  server drops one, resumable %d", SSL_SESSION_is_resumable(session));
  });
  std::vector<Owned<SSL_SESSION>> sessions;
  for (int i = 0; i < 5; i++) {
    sessions.push_back(connect(peers, text("full %d", i).c_str()));
    print_statistics(peers);
  }
  for (int i = 0; i < 5; i++) {
    SSL_SESSION* session = sessions[static_cast<size_t>(i)].get();
    out("%d: %s", i, about(session).c_str());
    connect(peers, "offered", {.offer = session});
  }
  print_statistics(peers);
}

/// Sessions whose time is up at one side or the other.
void timeouts() {
  for (By by : {By::id, By::ticket}) {
    Peers peers = resumable_peers(TLS1_2_VERSION, by);
    SSL_CTX_sess_set_remove_cb(peers.server_context.get(), [](SSL_CTX*, SSL_SESSION* session) {
      out("  server drops one, resumable %d", SSL_SESSION_is_resumable(session));
    });
    SSL_CTX_set_timeout(peers.client_context.get(), 1000);
    SSL_CTX_set_timeout(peers.server_context.get(), 2000);
    auto age = [](SSL*, SSL* server) {
      SSL_SESSION* session = SSL_get_session(server);
      out("  was %ld", SSL_SESSION_get_timeout(session));
      SSL_SESSION_set_time(session, SSL_SESSION_get_time(session) - 3000);
    };
    Owned<SSL_SESSION> session = connect(peers, "full", {.after = age});
    out("client's session lives %ld", SSL_SESSION_get_timeout(session.get()));
    connect(peers, "offered", {.offer = session.get()});
    print_statistics(peers);
    // The client does not look at its own clock.
    session = connect(peers, "full");
    SSL_SESSION_set_time(session.get(), 1000);
    connect(peers, "offered by a late client", {.offer = session.get()});
    print_statistics(peers);
    SSL_CTX_set_timeout(peers.server_context.get(), 0);
    connect(peers, "no timeout");
    SSL_CTX_flush_sessions(peers.client_context.get(), 0);
    SSL_CTX_flush_sessions(peers.server_context.get(), 0);
    print_statistics(peers);
  }
}

/// Tickets that are past their time when they come back.
void old_ticket() {
  Peers peers = resumable_peers();
  SSL_CTX_set_session_ticket_cb(
      peers.server_context.get(),
      [](SSL* ssl, void*) {
        SSL_SESSION* session = SSL_get_session(ssl);
        if (!SSL_session_reused(ssl)) {
          SSL_SESSION_set_time(session, SSL_SESSION_get_time(session) - 10000);
        }
        return 1;
      },
      nullptr, nullptr);
  Owned<SSL_SESSION> session = connect(peers, "full");
  connect(peers, "offered", {.offer = session.get()});
  print_statistics(peers);
}

/// An external cache of one session, and what it was asked.
struct External {
  Owned<SSL_SESSION> held{};
  bool keep = true;  ///< what the new-session callback answers
  int copy = 1;      ///< what the get-session callback leaves in *copy
  bool give = true;
  Lines lines{};

  static int index() {
    static int value = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return value;
  }
  static External* of(SSL_CTX* context) {
    return static_cast<External*>(SSL_CTX_get_ex_data(context, index()));
  }
  void attach(SSL_CTX* context) {
    SSL_CTX_set_ex_data(context, index(), this);
    SSL_CTX_sess_set_new_cb(context, [](SSL* ssl, SSL_SESSION* session) {
      External* self = of(SSL_get_SSL_CTX(ssl));
      self->lines.push_back(text("new in %s %d, of the SSL %d, %s", SSL_state_string(ssl),
                                 SSL_in_init(ssl), SSL_get_session(ssl) == session,
                                 about(session).c_str()));
      if (!self->keep) return 0;
      self->held.reset(session);
      return 1;
    });
    SSL_CTX_sess_set_get_cb(context, [](SSL* ssl, const unsigned char* id, int length, int* copy) {
      External* self = of(SSL_get_SSL_CTX(ssl));
      bool same = false;
      if (self->held) {
        unsigned int held = 0;
        const unsigned char* own = SSL_SESSION_get_id(self->held.get(), &held);
        same = static_cast<int>(held) == length && std::memcmp(own, id, held) == 0;
      }
      self->lines.push_back(text("get in %s, id of %d, the one we hold %d, copy %d",
                                 SSL_state_string(ssl), length, same, *copy));
      if (!same || !self->give) return static_cast<SSL_SESSION*>(nullptr);
      *copy = self->copy;
      if (!self->copy) SSL_SESSION_up_ref(self->held.get());
      return self->held.get();
    });
    SSL_CTX_sess_set_remove_cb(context, [](SSL_CTX* about_context, SSL_SESSION* session) {
      External* self = of(about_context);
      self->lines.push_back(text("remove, held %d", session == self->held.get()));
    });
  }
  void tell(const char* title) {
    print(title, lines);
    lines.clear();
  }
};

void external() {
  for (long mode : {SSL_SESS_CACHE_SERVER, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL,
                    SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL_STORE,
                    SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL_LOOKUP}) {
    for (int variant = 0; variant < 4; variant++) {
      External cache;
      cache.copy = variant == 1 ? 0 : 1;
      cache.keep = variant != 2;
      cache.give = variant != 3;
      out("mode %#lx, copy %d, keep %d, give %d", mode, cache.copy, cache.keep, cache.give);
      Peers peers = resumable_peers(TLS1_2_VERSION, By::id);
      SSL_CTX_set_session_cache_mode(peers.server_context.get(), mode);
      cache.attach(peers.server_context.get());
      Owned<SSL_SESSION> session = connect(peers, "full");
      cache.tell("external cache");
      connect(peers, "resumed", {.offer = session.get()});
      connect(peers, "again", {.offer = session.get()});
      cache.tell("external cache");
      print_statistics(peers);
    }
  }
}

/// The external cache with tickets: it only hears of sessions that have an id.
void external_and_tickets() {
  External server, client;
  Peers peers = resumable_peers();
  server.attach(peers.server_context.get());
  client.attach(peers.client_context.get());
  Owned<SSL_SESSION> session = connect(peers, "full");
  connect(peers, "resumed", {.offer = session.get()});
  server.tell("server's");
  client.tell("client's");
  print_statistics(peers);
}

/// A session that the external cache has in a form of its own.
void external_der() {
  static std::string der;
  Peers peers = resumable_peers(TLS1_2_VERSION, By::id);
  SSL_CTX* context = peers.server_context.get();
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, [](SSL*, SSL_SESSION* session) {
    unsigned char* form = nullptr;
    int length = i2d_SSL_SESSION(session, &form);
    der.assign(reinterpret_cast<char*>(form), static_cast<size_t>(length));
    OPENSSL_free(form);
    return 0;
  });
  SSL_CTX_sess_set_get_cb(context, [](SSL*, const unsigned char*, int, int* copy) {
    *copy = 0;
    const unsigned char* at = bytes(der.data());
    return d2i_SSL_SESSION(nullptr, &at, static_cast<long>(der.size()));
  });
  Owned<SSL_SESSION> session = connect(peers, "full");
  connect(peers, "resumed", {.offer = session.get()});
  print_statistics(peers);
}

/// External sessions that may not be resumed here.
void external_unfit() {
  static SSL_SESSION* given = nullptr;
  Peers peers = resumable_peers(TLS1_2_VERSION, By::id);
  SSL_CTX* context = peers.server_context.get();
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_get_cb(context, [](SSL*, const unsigned char*, int, int*) { return given; });
  Owned<SSL_SESSION> held;
  auto hold = [&](SSL*, SSL* server) { held.reset(SSL_get1_session(server)); };
  Owned<SSL_SESSION> session = connect(peers, "full", {.after = hold});
  Owned<SSL_SESSION> copy(SSL_SESSION_dup(held.get()));
  given = copy.get();
  SSL_SESSION_set_protocol_version(copy.get(), TLS1_1_VERSION);
  connect(peers, "another version", {.offer = session.get()});
  copy.reset(SSL_SESSION_dup(held.get()));
  given = copy.get();
  SSL_SESSION_set1_id_context(copy.get(), bytes("other"), 5);
  connect(peers, "another id context", {.offer = session.get()});
  copy.reset(SSL_SESSION_dup(held.get()));
  given = copy.get();
  SSL_SESSION_set_time(copy.get(), 1000);
  connect(peers, "too old", {.offer = session.get()});
  copy.reset(SSL_SESSION_dup(held.get()));
  given = copy.get();
  SSL_CTX_remove_session(context, copy.get());
  connect(peers, "not resumable", {.offer = session.get()});
  given = nullptr;
  print_statistics(peers);
}

/// The new-session callback of a client; it keeps what it is given.
void client_callback() {
  for (By by : {By::id, By::ticket}) {
    for (long mode : {SSL_SESS_CACHE_OFF, SSL_SESS_CACHE_CLIENT,
                      SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE}) {
      External cache;
      Peers peers = resumable_peers(TLS1_2_VERSION, by);
      SSL_CTX_set_session_cache_mode(peers.client_context.get(), mode);
      cache.attach(peers.client_context.get());
      out("mode %#lx by %s", mode, by_name(by));
      Owned<SSL_SESSION> session = connect(peers, "full");
      connect(peers, "resumed", {.offer = session.get()});
      cache.tell("client's callbacks");
      print_statistics(peers);
    }
  }
}

int generate(SSL*, unsigned char* id, unsigned int* length) {
  static unsigned char count = 0;
  out("  generate: room %u", *length);
  std::memset(id, 'i', 5);
  id[4] = count++;
  *length = 5;
  return 1;
}

void session_ids() {
  struct {
    const char* name;
    GEN_SESSION_CB callback;
  } callbacks[] = {
      {"five bytes", generate},
      {"fails", [](SSL*, unsigned char*, unsigned int*) { return 0; }},
      {"empty",
       [](SSL*, unsigned char*, unsigned int* length) {
         *length = 0;
         return 1;
       }},
      {"too long",
       [](SSL*, unsigned char*, unsigned int* length) {
         *length = 33;
         return 1;
       }},
      {"always the same",
       [](SSL*, unsigned char* id, unsigned int* length) {
         std::memset(id, 's', *length);
         return 1;
       }},
  };
  for (const auto& one : callbacks) {
    for (bool own : {false, true}) {
      out("%s, %s", one.name, own ? "of the SSL" : "of the context");
      Peers peers = resumable_peers(TLS1_2_VERSION, By::id);
      if (!own) SSL_CTX_set_generate_session_id(peers.server_context.get(), one.callback);
      Connect how{.before = [&](SSL*, SSL* server) {
        if (own) SSL_set_generate_session_id(server, one.callback);
      }};
      Owned<SSL_SESSION> session = connect(peers, "full", how);
      connect(peers, "another", how);
      how.offer = session.get();
      connect(peers, "resumed", how);
      print_statistics(peers);
    }
  }
  out("with tickets");
  Peers peers = resumable_peers();
  SSL_CTX_set_generate_session_id(peers.server_context.get(), generate);
  connect(peers, "full");
}

/// The session_ctx decides when another context takes over.
void id_contexts() {
  for (By by : {By::id, By::ticket}) {
    Peers peers = resumable_peers(TLS1_2_VERSION, by);
    auto named = [](const char* name) {
      return [=](SSL*, SSL* server) {
        SSL_set_session_id_context(server, bytes(name), static_cast<unsigned>(std::strlen(name)));
      };
    };
    Owned<SSL_SESSION> session = connect(peers, "one", {.before = named("one")});
    connect(peers, "two", {.offer = session.get(), .before = named("two")});
    connect(peers, "one again", {.offer = session.get(), .before = named("one")});
    connect(peers, "none", {.offer = session.get()});
    print_statistics(peers);
  }
}

/// SSL_VERIFY_PEER without an id context.
void missing_id_context() {
  for (By by : {By::id, By::ticket}) {
    Peers peers = resumable_peers(TLS1_2_VERSION, by);
    SSL_CTX_set_verify(peers.server_context.get(), SSL_VERIFY_PEER, nullptr);
    Owned<SSL_SESSION> session = connect(peers, "full");
    print_statistics(peers);
    connect(peers, "offered", {.offer = session.get()});
    // Made without, offered with verification.
    SSL_CTX_set_verify(peers.server_context.get(), SSL_VERIFY_NONE, nullptr);
    session = connect(peers, "full without verification");
    SSL_CTX_set_verify(peers.server_context.get(), SSL_VERIFY_PEER, nullptr);
    connect(peers, "offered with verification", {.offer = session.get()});
    print_statistics(peers);
  }
}

/// A client's own id context must be that of the session it offers.
void client_id_context() {
  for (By by : {By::id, By::ticket}) {
    Peers peers = resumable_peers(TLS1_2_VERSION, by);
    Owned<SSL_SESSION> session = connect(peers, "full");
    Alerts alerts;
    connect(peers, "in another context", {.offer = session.get(), .before = [&](SSL* client, SSL*) {
                                            SSL_set_session_id_context(client, bytes("mine"), 4);
                                            alerts.watch(client);
                                          }});
    out("alerts %s", alerts.text_or_none());
    print_statistics(peers);
  }
}

void not_resumable() {
  for (By by : {By::id, By::ticket}) {
    for (int answer_given : {0, 1}) {
      static int given;
      given = answer_given;
      Peers peers = resumable_peers(TLS1_2_VERSION, by);
      SSL_CTX_set_not_resumable_session_callback(
          peers.server_context.get(), [](SSL* ssl, int forward_secure) {
            out("  not resumable? forward secure %d, %s", forward_secure, SSL_state_string(ssl));
            return given;
          });
      out("answer %d by %s", given, by_name(by));
      Owned<SSL_SESSION> session = connect(peers, "full");
      connect(peers, "offered", {.offer = session.get()});
      print_statistics(peers);
    }
  }
}

/// Old sessions leave once in 256 handshakes, unless SSL_SESS_CACHE_NO_AUTO_CLEAR.
void auto_clear() {
  for (long more : {0, SSL_SESS_CACHE_NO_AUTO_CLEAR}) {
    Peers peers = resumable_peers(TLS1_2_VERSION, By::id);
    SSL_CTX_set_session_cache_mode(peers.server_context.get(), SSL_SESS_CACHE_SERVER | more);
    SSL_CTX_set_session_cache_mode(peers.client_context.get(), SSL_SESS_CACHE_CLIENT | more);
    auto age = [](SSL* client, SSL* server) {
      SSL_SESSION_set_time(SSL_get_session(client), 1000);
      SSL_SESSION_set_time(SSL_get_session(server), 1000);
    };
    for (int i = 0; i < 5; i++) connect(peers, "", {.after = age, .quiet = true});
    Owned<SSL_SESSION> session = connect(peers, "", {.quiet = true});
    long before_client = 0, before_server = 0;
    for (int i = 7; i <= 257; i++) {
      connect(peers, "", {.offer = session.get(), .quiet = true});
      long client = SSL_CTX_sess_number(peers.client_context.get());
      long server = SSL_CTX_sess_number(peers.server_context.get());
      if (client != before_client || server != before_server) {
        out("handshake %d: client %ld, server %ld", i, client, server);
      }
      before_client = client;
      before_server = server;
    }
    print_statistics(peers);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"size", size},
              {"timeouts", timeouts},
              {"old-ticket", old_ticket},
              {"external", external},
              {"external-and-tickets", external_and_tickets},
              {"external-der", external_der},
              {"external-unfit", external_unfit},
              {"client-callback", client_callback},
              {"session-ids", session_ids},
              {"id-contexts", id_contexts},
              {"missing-id-context", missing_id_context},
              {"client-id-context", client_id_context},
              {"not-resumable", not_resumable},
              {"auto-clear", auto_clear}},
             argc, argv);
}
