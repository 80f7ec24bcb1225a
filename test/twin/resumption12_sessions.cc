// Sessions of TLS <= 1.2 as objects: copied, encoded, offered where they fit and where they do not;
// what else of a hello counts when they come back.
#include "support/resumption12.h"

namespace {
using namespace twin;

Owned<SSL_SESSION> through_der(SSL_SESSION* session) {
  unsigned char* der = nullptr;
  int length = i2d_SSL_SESSION(session, &der);
  const unsigned char* at = der;
  Owned<SSL_SESSION> result(d2i_SSL_SESSION(nullptr, &at, length));
  OPENSSL_free(der);
  return result;
}

Owned<SSL_SESSION> through_pem(SSL_SESSION* session) {
  Owned<BIO> memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_SSL_SESSION(memory.get(), session);
  return Owned<SSL_SESSION>(PEM_read_bio_SSL_SESSION(memory.get(), nullptr, nullptr, nullptr));
}

void copies() {
  for (By by : {By::id, By::ticket}) {
    for (int version : {TLS1_VERSION, TLS1_2_VERSION}) {
      Peers peers = resumable_peers(version, by);
      Owned<SSL_SESSION> session = connect(peers, "full");
      Owned<SSL_SESSION> copy(SSL_SESSION_dup(session.get()));
      connect(peers, "duplicate", {.offer = copy.get()});
      copy = through_der(session.get());
      connect(peers, "DER", {.offer = copy.get()});
      copy = through_pem(session.get());
      connect(peers, "PEM", {.offer = copy.get()});
      print_statistics(peers);
    }
  }
}

/// SSL_SESSION_print without what differs from run to run.
void printed() {
  for (By by : {By::id, By::ticket}) {
    Peers peers = resumable_peers(TLS1_2_VERSION, by);
    Owned<SSL_SESSION> session = connect(peers, "full");
    Owned<BIO> memory(BIO_new(BIO_s_mem()));
    SSL_SESSION_print(memory.get(), session.get());
    char line[256];
    while (BIO_gets(memory.get(), line, sizeof line) > 0) {
      std::string_view shown(line);
      shown.remove_suffix(shown.back() == '\n');
      bool varies = shown.find("Session-ID:") != shown.npos || shown.find(" - ") != shown.npos ||
                    shown.find("Master-Key") != shown.npos || shown.find("Start") != shown.npos;
      if (!varies) out("%.*s", static_cast<int>(shown.size()), shown.data());
    }
  }
}

void server_names() {
  for (By by : {By::id, By::ticket}) {
    for (int answer : {SSL_TLSEXT_ERR_OK, SSL_TLSEXT_ERR_NOACK}) {
      static int given;
      given = answer;
      Peers peers = resumable_peers(TLS1_2_VERSION, by);
      SSL_CTX_set_tlsext_servername_callback(
          peers.server_context.get(), +[](SSL* ssl, int*, void*) {
            const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
            out("  callback: %s, reused %d", name ? name : "no name", SSL_session_reused(ssl));
            return given;
          });
      auto named = [](const char* name) {
        return [=](SSL* client, SSL*) {
          if (name) SSL_set_tlsext_host_name(client, name);
        };
      };
      auto told = [](SSL* client, SSL* server) {
        for (SSL* ssl : {client, server}) {
          const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
          const char* kept = SSL_SESSION_get0_hostname(SSL_get_session(ssl));
          out("  name %s, of the session %s", name ? name : "none", kept ? kept : "none");
        }
      };
      out("answer %d by %s", given, by_name(by));
      Owned<SSL_SESSION> session =
          connect(peers, "full", {.before = named("one.example"), .after = told});
      connect(peers, "same name",
              {.offer = session.get(), .before = named("one.example"), .after = told});
      connect(peers, "another name",
              {.offer = session.get(), .before = named("two.example"), .after = told});
      connect(peers, "no name", {.offer = session.get(), .before = named(nullptr), .after = told});
      print_statistics(peers);
    }
  }
}

/// A server-name callback that goes over to another context: cache and tickets stay the first's.
void switched_context() {
  for (By by : {By::id, By::ticket}) {
    static SSL_CTX* other;
    Peers peers = resumable_peers(TLS1_2_VERSION, by);
    Peers others = resumable_peers(TLS1_2_VERSION, by, {.certificate = "server-rsa"});
    other = others.server_context.get();
    SSL_CTX_set_tlsext_servername_callback(
        peers.server_context.get(), +[](SSL* ssl, int*, void*) {
          SSL_set_SSL_CTX(ssl, other);
          return SSL_TLSEXT_ERR_OK;
        });
    auto named = [](SSL* client, SSL*) { SSL_set_tlsext_host_name(client, "one.example"); };
    Owned<SSL_SESSION> session = connect(peers, "full", {.before = named});
    connect(peers, "resumed", {.offer = session.get(), .before = named});
    print_statistics(peers);
    out("  other: %s", statistics(other).c_str());
  }
}

/// The server-name callback takes tickets away.
void ticket_taken_back() {
  Peers peers = resumable_peers();
  SSL_CTX_set_tlsext_servername_callback(
      peers.server_context.get(), +[](SSL* ssl, int*, void*) {
        SSL_set_options(ssl, SSL_OP_NO_TICKET);
        return SSL_TLSEXT_ERR_OK;
      });
  Owned<SSL_SESSION> session = connect(peers, "full");
  connect(peers, "offered", {.offer = session.get()});
  print_statistics(peers);
}

void alpn() {
  for (By by : {By::id, By::ticket}) {
    static std::string chosen;
    Peers peers = resumable_peers(TLS1_2_VERSION, by);
    SSL_CTX_set_alpn_select_cb(
        peers.server_context.get(),
        [](SSL* ssl, const unsigned char** protocol, unsigned char* length, const unsigned char*,
           unsigned int, void*) {
          out("  callback, reused %d", SSL_session_reused(ssl));
          *protocol = reinterpret_cast<const unsigned char*>(chosen.data());
          *length = static_cast<unsigned char>(chosen.size());
          return chosen.empty() ? SSL_TLSEXT_ERR_NOACK : SSL_TLSEXT_ERR_OK;
        },
        nullptr);
    auto offer = [](SSL* client, SSL*) {
      SSL_set_alpn_protos(client, reinterpret_cast<const unsigned char*>("\2h2\5http9"), 9);
    };
    auto told = [](SSL* client, SSL* server) {
      for (SSL* ssl : {client, server}) {
        const unsigned char *now = nullptr, *kept = nullptr;
        unsigned int now_length = 0;
        size_t kept_length = 0;
        SSL_get0_alpn_selected(ssl, &now, &now_length);
        SSL_SESSION_get0_alpn_selected(SSL_get_session(ssl), &kept, &kept_length);
        out("  selected '%.*s', of the session '%.*s'", static_cast<int>(now_length),
            reinterpret_cast<const char*>(now), static_cast<int>(kept_length),
            reinterpret_cast<const char*>(kept));
      }
    };
    chosen = "h2";
    Owned<SSL_SESSION> session = connect(peers, "full", {.before = offer, .after = told});
    connect(peers, "same", {.offer = session.get(), .before = offer, .after = told});
    chosen = "http9";
    connect(peers, "another", {.offer = session.get(), .before = offer, .after = told});
    chosen = "";
    connect(peers, "none", {.offer = session.get(), .before = offer, .after = told});
    connect(peers, "not offered", {.offer = session.get(), .after = told});
  }
}

/// RFC 7627 5.3, both ways.
void extended_master_secret() {
  for (By by : {By::id, By::ticket}) {
    for (bool before : {true, false}) {
      for (bool server : {true, false}) {
        if (before && !server) continue;  // the client would not offer it
        Peers peers = resumable_peers(TLS1_2_VERSION, by);
        SSL_CTX* changing = (server ? peers.server_context : peers.client_context).get();
        if (!before) SSL_CTX_set_options(changing, SSL_OP_NO_EXTENDED_MASTER_SECRET);
        out("%s, extended before %d, switched at the %s", by_name(by), before,
            server ? "server" : "client");
        auto told = [](SSL* client, SSL* s) {
          out("  extended %ld %ld", SSL_get_extms_support(client), SSL_get_extms_support(s));
        };
        Owned<SSL_SESSION> session = connect(peers, "full", {.after = told});
        if (before) {
          SSL_CTX_set_options(changing, SSL_OP_NO_EXTENDED_MASTER_SECRET);
        } else {
          SSL_CTX_clear_options(changing, SSL_OP_NO_EXTENDED_MASTER_SECRET);
        }
        connect(peers, "offered", {.offer = session.get(), .after = told});
        print_statistics(peers);
      }
    }
  }
}

/// A client that accepts more than the session's version, a server that has changed its mind.
void versions() {
  for (By by : {By::id, By::ticket}) {
    Peers peers = resumable_peers(TLS1_1_VERSION, by);
    SSL_CTX *client = peers.client_context.get(), *server = peers.server_context.get();
    Owned<SSL_SESSION> session = connect(peers, "full");
    SSL_CTX_set_max_proto_version(client, TLS1_2_VERSION);
    connect(peers, "client has more", {.offer = session.get()});
    SSL_CTX_set_max_proto_version(server, TLS1_2_VERSION);
    connect(peers, "both have more", {.offer = session.get()});
    SSL_CTX_set_min_proto_version(client, TLS1_2_VERSION);
    connect(peers, "client has only more", {.offer = session.get()});
    SSL_CTX_set_min_proto_version(client, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(client, TLS1_VERSION);
    SSL_CTX_set_min_proto_version(server, TLS1_VERSION);
    connect(peers, "client has less", {.offer = session.get()});
    print_statistics(peers);
  }
}

/// The session's suite, when the server or the client no longer has it.
void suites() {
  for (By by : {By::id, By::ticket}) {
    Peers peers = resumable_peers(TLS1_2_VERSION, by);
    SSL_CTX_set_cipher_list(peers.client_context.get(), "ECDHE-ECDSA-AES128-GCM-SHA256");
    Owned<SSL_SESSION> session = connect(peers, "full");
    SSL_CTX_set_cipher_list(peers.client_context.get(),
                            "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256");
    auto told = [](SSL* client, SSL*) { out("  %s", SSL_get_cipher_name(client)); };
    connect(peers, "preferred less", {.offer = session.get(), .after = told});
    SSL_CTX_set_cipher_list(peers.server_context.get(), "ECDHE-ECDSA-AES256-GCM-SHA384");
    connect(peers, "server has it no longer", {.offer = session.get(), .after = told});
    print_statistics(peers);
  }
}

/// Sessions that the client's own hello no longer fits: RFC 5246 7.4.1.2, RFC 7627 5.3.
void unfit_for_the_hello() {
  for (By by : {By::id, By::ticket}) {
    auto offer = [=](Peers& peers, const char* title, SSL_SESSION* session) {
      auto told = [=](SSL* client, SSL* server) {
        out("%s, by %s: finished %d %d, reused %d", title, by_name(by),
            SSL_is_init_finished(client), SSL_is_init_finished(server), SSL_session_reused(client));
      };
      connect(peers, "", {.offer = session, .after = told, .quiet = true});
    };
    Peers peers = resumable_peers(TLS1_2_VERSION, by);
    SSL_CTX_set_cipher_list(peers.client_context.get(), "ECDHE-ECDSA-AES128-GCM-SHA256");
    Owned<SSL_SESSION> session = connect(peers, "full");
    SSL_CTX_set_cipher_list(peers.client_context.get(), "ECDHE-ECDSA-AES256-GCM-SHA384");
    offer(peers, "the suite is gone", session.get());
    Peers others = resumable_peers(TLS1_2_VERSION, by);
    session = connect(others, "full");
    SSL_CTX_set_options(others.client_context.get(), SSL_OP_NO_EXTENDED_MASTER_SECRET);
    offer(others, "extended_master_secret is off", session.get());
  }
}

/// Without a certificate, without its key: a resumption needs neither.
void without_certificate() {
  for (By by : {By::id, By::ticket}) {
    Peers peers = resumable_peers(TLS1_2_VERSION, by);
    Owned<SSL_SESSION> session = connect(peers, "full");
    static bool asked;
    asked = false;
    SSL_CTX_set_cert_cb(
        peers.server_context.get(),
        [](SSL*, void*) {
          asked = true;
          return 1;
        },
        nullptr);
    connect(peers, "resumed",
            {.offer = session.get(), .before = [](SSL*, SSL* server) { SSL_certs_clear(server); }});
    out("certificate callback asked %d", asked);
  }
}

void set_session() {
  Peers peers = resumable_peers();
  Owned<SSL_SESSION> session = connect(peers, "full");
  renew(peers);
  SSL* client = peers.client.get();
  out("null at first %s", answer(SSL_set_session(client, nullptr)).c_str());
  out("set %s", answer(SSL_set_session(client, session.get())).c_str());
  out("the same %d", SSL_get_session(client) == session.get());
  out("again %s", answer(SSL_set_session(client, session.get())).c_str());
  out("reused %d before", SSL_session_reused(client));
  out("null again %s", answer(SSL_set_session(client, nullptr)).c_str());
  out("none %d", SSL_get_session(client) == nullptr);
  link_memory(peers);
  Result result = handshake(peers);
  out("%s, reused %d", result.said().c_str(), SSL_session_reused(client));
  // After a handshake: spoils the connection's own session.
  Owned<SSL_SESSION> own(SSL_get1_session(client));
  out("set after %s", answer(SSL_set_session(client, session.get())).c_str());
  out("own %s", about(own.get()).c_str());
  out("one more of an empty session");
  Owned<SSL_SESSION> empty(SSL_SESSION_new());
  connect(peers, "empty session", {.offer = empty.get()});
  connect(peers, "the first again", {.offer = session.get()});
  print_statistics(peers);
}

/// A session of another connection, by SSL_copy_session_id.
void copy_session_id() {
  Peers peers = resumable_peers();
  connect(peers, "full");
  Owned<SSL_SESSION> session = connect(peers, "full");
  Owned<SSL> from(SSL_new(peers.client_context.get()));
  SSL_set_session(from.get(), session.get());
  connect(peers, "copied", {.before = [&](SSL* client, SSL*) {
            out("copy %s", answer(SSL_copy_session_id(client, from.get())).c_str());
          }});
}

/// The same session at the same time in two connections, the second with an error.
void shared() {
  for (By by : {By::id, By::ticket}) {
    Peers peers = resumable_peers(TLS1_2_VERSION, by);
    Owned<SSL_SESSION> session = connect(peers, "full");
    connect(peers, "cut off", {.offer = session.get(), .close = false});
    out("then %s", about(session.get()).c_str());
    connect(peers, "offered", {.offer = session.get()});
    print_statistics(peers);
  }
}

/// What the client says about tickets without a session: SSL_set_session_ticket_ext.
void ticket_extension() {
  struct {
    const char* name;
    const char* data;
    int length;
  } choices[] = {{"left out", nullptr, 0}, {"given", "ticket of the application", 25}};
  for (const auto& choice : choices) {
    for (int accepted : {1, 0}) {
      static int answer_given;
      answer_given = accepted;
      Peers peers = resumable_peers();
      auto callback = [](SSL* ssl, const unsigned char* data, int length, void* argument) {
        out("  %s sees %d bytes '%.*s'", SSL_is_server(ssl) ? "server" : "client", length,
            *static_cast<bool*>(argument) ? length : 0, reinterpret_cast<const char*>(data));
        return SSL_is_server(ssl) ? answer_given : 1;
      };
      static bool show;
      show = true;
      auto prepare = [&](SSL* client, SSL* server) {
        out("set %d",
            SSL_set_session_ticket_ext(client, const_cast<char*>(choice.data), choice.length));
        SSL_set_session_ticket_ext_cb(client, callback, &show);
        SSL_set_session_ticket_ext_cb(server, callback, &show);
      };
      out("%s, accepted %d", choice.name, accepted);
      Owned<SSL_SESSION> session = connect(peers, "full", {.before = prepare});
      show = false;
      if (accepted) {
        connect(peers, "resumed", {.offer = session.get(), .before = [&](SSL* c, SSL* s) {
                                     SSL_set_session_ticket_ext_cb(c, callback, &show);
                                     SSL_set_session_ticket_ext_cb(s, callback, &show);
                                   }});
      }
    }
  }
}

/// EAP-FAST: both ends know the master secret from elsewhere.
void session_secret() {
  for (int knows : {3, 1, 2, 0}) {
    static int who;
    who = knows;
    Peers peers = resumable_peers();
    auto secret = [](SSL* ssl, void* master, int* length, STACK_OF(SSL_CIPHER) * ciphers,
                     const SSL_CIPHER** cipher, void*) {
      out("  %s: room for %d, ciphers %d", SSL_is_server(ssl) ? "server" : "client", *length,
          ciphers != nullptr);
      if (!(who & (SSL_is_server(ssl) ? 2 : 1))) return 0;
      std::memset(master, 'm', 48);
      *length = 48;
      if (ciphers) *cipher = sk_SSL_CIPHER_value(ciphers, 0);
      return 1;
    };
    out("client knows %d, server knows %d", who & 1, who >> 1);
    connect(peers, "by secret", {.before = [&](SSL* client, SSL* server) {
              SSL_set_session_ticket_ext(client, const_cast<char*>("opaque"), 6);
              SSL_set_session_secret_cb(client, secret, nullptr);
              SSL_set_session_secret_cb(server, secret, nullptr);
            }});
    print_statistics(peers);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"copies", copies},
              {"printed", printed},
              {"server-names", server_names},
              {"switched-context", switched_context},
              {"ticket-taken-back", ticket_taken_back},
              {"alpn", alpn},
              {"extended-master-secret", extended_master_secret},
              {"versions", versions},
              {"suites", suites},
              {"unfit-for-the-hello", unfit_for_the_hello},
              {"without-certificate", without_certificate},
              {"set-session", set_session},
              {"copy-session-id", copy_session_id},
              {"shared", shared},
              {"ticket-extension", ticket_extension},
              {"session-secret", session_secret}},
             argc, argv);
}
