// Resumption in DTLS: by ticket and by id, in which versions, through DER, and what sessions say.
#include "support/dtls_time.h"

namespace {
using namespace twin;

constexpr int kVersions[] = {DTLS1_VERSION, DTLS1_2_VERSION};

/// Contexts that resume by `by`, linked.
Peers resumable(Net& net, int version, By by, const char* suite = nullptr) {
  auto both = [=](SSL_CTX* c) {
    allow_resumption(c, by == By::ticket);
    if (suite) SSL_CTX_set_cipher_list(c, suite);
  };
  return dtls_peers(net, version, {.client_context = both, .server_context = both});
}

/// A handshake that offers `session`, told with its datagrams, and closed.
Owned<SSL_SESSION> connect_once(Peers& peers, Net& net, const char* title,
                                SSL_SESSION* offer = nullptr, bool wire = true) {
  renew(peers);
  link_datagrams(peers, net);
  SSL *client = peers.client.get(), *server = peers.server.get();
  if (offer) out("offer: %d", SSL_set_session(client, offer));
  Result result = handshake(peers);
  out("%s: %s, reused %d %d", title, result.said().c_str(), SSL_session_reused(client),
      SSL_session_reused(server));
  if (wire) tell_sent(net, false);
  out("  client's %s", about(SSL_get_session(client)).c_str());
  out("  server's %s", about(SSL_get_session(server)).c_str());
  if (result.good()) tell_agreed(peers);
  Owned<SSL_SESSION> session(SSL_get1_session(client));
  if (result.good()) {
    for (SSL* ssl : {client, server, client}) SSL_shutdown(ssl);
    ERR_clear_error();
  }
  net.clear();
  return session;
}

void versions(By by) {
  for (int version : kVersions) {
    Net net;
    Peers peers = resumable(net, version, by);
    out("%s by %s", version_text(version), by_name(by));
    Owned<SSL_SESSION> first = connect_once(peers, net, "full");
    Owned<SSL_SESSION> second = connect_once(peers, net, "resumed", first.get());
    out("  the same session %d", first == second);
    connect_once(peers, net, "again", second.get());
    print_statistics(peers);
  }
}

void suites(By by) {
  for (const char* suite : {"ECDHE-RSA-CHACHA20-POLY1305", "AES128-SHA", "AES256-CCM8",
                            "NULL-SHA:@SECLEVEL=0", "DHE-RSA-AES128-SHA256"}) {
    Net net;
    Peers peers = resumable(net, DTLS1_2_VERSION, by, suite);
    SSL_CTX_set_dh_auto(peers.server_context.get(), 1);
    out("%s", suite);
    Owned<SSL_SESSION> first = connect_once(peers, net, "full", nullptr, false);
    connect_once(peers, net, "resumed", first.get());
  }
}

void der() {
  for (By by : {By::id, By::ticket}) {
    for (int version : kVersions) {
      Net net;
      Peers peers = resumable(net, version, by);
      out("%s by %s", version_text(version), by_name(by));
      Owned<SSL_SESSION> first = connect_once(peers, net, "full", nullptr, false);
      unsigned char* der = nullptr;
      int size = i2d_SSL_SESSION(first.get(), &der);
      require(size > 20, "i2d_SSL_SESSION");
      out("  version in DER %02x%02x", der[10], der[11]);
      const unsigned char* at = der;
      Owned<SSL_SESSION> read(d2i_SSL_SESSION(nullptr, &at, size));
      out("  read %d of all %d, %s", read != nullptr, at == der + size, about(read.get()).c_str());
      out("  cipher %s", SSL_CIPHER_get_name(SSL_SESSION_get0_cipher(read.get())));
      connect_once(peers, net, "resumed", read.get(), false);
      OPENSSL_free(der);
    }
  }
}

// Sessions of one version offered where another is spoken, and of streams.
void other_versions() {
  for (By by : {By::id, By::ticket}) {
    Net net;
    Peers peers = resumable(net, DTLS1_VERSION, by);
    Owned<SSL_SESSION> old = connect_once(peers, net, "of 1.0", nullptr, false);
    for (SSL_CTX* context : {peers.client_context.get(), peers.server_context.get()}) {
      SSL_CTX_set_max_proto_version(context, 0);
    }
    connect_once(peers, net, "1.0 where both are spoken", old.get());
    Owned<SSL_SESSION> recent = connect_once(peers, net, "of 1.2", nullptr, false);
    SSL_CTX_set_max_proto_version(peers.server_context.get(), DTLS1_VERSION);
    connect_once(peers, net, "1.2 to a server of 1.0", recent.get());
    SSL_CTX_set_max_proto_version(peers.server_context.get(), 0);
    connect_once(peers, net, "1.2 where both are spoken", recent.get());
    SSL_CTX_set_min_proto_version(peers.client_context.get(), DTLS1_2_VERSION);
    connect_once(peers, net, "1.0 by a client of 1.2", old.get());
  }
}

void sessions_of_streams() {
  Peers streams = resumable_peers(TLS1_2_VERSION, By::ticket, {.certificate = "server-rsa"});
  Owned<SSL_SESSION> stream = connect(streams, "stream", {.quiet = true});
  Net net;
  Peers peers = resumable(net, DTLS1_2_VERSION, By::ticket);
  out("of TLS to DTLS: %s", answer(SSL_set_session(peers.client.get(), stream.get())).c_str());
  Result result = handshake(peers);
  out("%s, reused %d, %s", result.said().c_str(), SSL_session_reused(peers.client.get()),
      SSL_get_version(peers.client.get()));
  Owned<SSL_SESSION> datagram(SSL_get1_session(peers.client.get()));
  renew(streams);
  link_memory(streams);
  out("of DTLS to TLS: %s", answer(SSL_set_session(streams.client.get(), datagram.get())).c_str());
  result = handshake(streams);
  out("%s, reused %d, %s", result.said().c_str(), SSL_session_reused(streams.client.get()),
      SSL_get_version(streams.client.get()));
}

// The server that does not know the session any more.
void forgotten() {
  for (By by : {By::id, By::ticket}) {
    Net net;
    Peers peers = resumable(net, DTLS1_2_VERSION, by);
    Owned<SSL_SESSION> first = connect_once(peers, net, "full", nullptr, false);
    SSL_CTX_flush_sessions(peers.server_context.get(), 0);
    unsigned char keys[80] = {};
    SSL_CTX_set_tlsext_ticket_keys(peers.server_context.get(), keys, sizeof keys);
    connect_once(peers, net, "forgotten", first.get());
  }
}

void not_resumable_after_an_alert() {
  Net net;
  Peers peers = resumable(net, DTLS1_2_VERSION, By::id);
  Owned<SSL_SESSION> first = connect_once(peers, net, "full", nullptr, false);
  renew(peers);
  link_datagrams(peers, net);
  SSL_set_session(peers.client.get(), first.get());
  out("%s, in the cache %ld", handshake(peers).said().c_str(),
      SSL_CTX_sess_number(peers.server_context.get()));
  peers.client.reset();  // without a close_notify
  peers.server.reset();
  out("in the cache %ld", SSL_CTX_sess_number(peers.server_context.get()));
  connect_once(peers, net, "after a cut", first.get(), false);
}

struct Seen {
  int made = 0, removed = 0, asked = 0;
};

void callbacks() {
  static Seen seen;
  Net net;
  Peers peers = resumable(net, DTLS1_2_VERSION, By::id);
  SSL_CTX* context = peers.server_context.get();
  SSL_CTX_sess_set_new_cb(context, [](SSL*, SSL_SESSION* session) {
    seen.made++;
    out("  new: %s", version_text(SSL_SESSION_get_protocol_version(session)));
    return 0;
  });
  SSL_CTX_sess_set_remove_cb(context, [](SSL_CTX*, SSL_SESSION*) { seen.removed++; });
  SSL_CTX_sess_set_get_cb(context, [](SSL*, const unsigned char*, int, int* copy) {
    seen.asked++;
    *copy = 0;
    return static_cast<SSL_SESSION*>(nullptr);
  });
  Owned<SSL_SESSION> first = connect_once(peers, net, "full", nullptr, false);
  connect_once(peers, net, "resumed", first.get(), false);
  SSL_CTX_flush_sessions(context, 0);
  connect_once(peers, net, "gone", first.get(), false);
  out("new %d, removed %d, asked %d", seen.made, seen.removed, seen.asked);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"by-id", [] { versions(By::id); }},
              {"by-ticket", [] { versions(By::ticket); }},
              {"suites.by-id", [] { suites(By::id); }},
              {"suites.by-ticket", [] { suites(By::ticket); }},
              {"der", der},
              {"other-versions", other_versions},
              {"sessions-of-streams", sessions_of_streams},
              {"forgotten", forgotten},
              {"after-a-cut", not_resumable_after_an_alert},
              {"callbacks", callbacks}},
             argc, argv);
}
