// Secrets below TLS 1.3: exporters, the key log, Finished values, randoms and master secrets.
#include "support/older.h"

namespace {
using namespace twin;

struct Kind {
  const char* name;
  int version;
  const char* suite;
};
constexpr Kind kKinds[] = {{"1.0", TLS1_VERSION, "ECDHE-RSA-AES128-SHA"},
                           {"1.1", TLS1_1_VERSION, "AES128-SHA"},
                           {"1.2-sha256", TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256"},
                           {"1.2-sha384", TLS1_2_VERSION, "ECDHE-RSA-AES256-GCM-SHA384"},
                           {"1.2-sha1", TLS1_2_VERSION, "AES128-SHA"},
                           {"1.2-no-ems", TLS1_2_VERSION, "AES128-SHA256"}};

Setup setup_of(const Kind& kind) {
  bool without = std::string(kind.name) == "1.2-no-ems";
  auto side = [=](SSL_CTX* c) {
    SSL_CTX_set_cipher_list(c, kind.suite);
    allow_resumption(c, true);
    if (without) SSL_CTX_set_options(c, SSL_OP_NO_EXTENDED_MASTER_SECRET);
  };
  return at_version(kind.version, {.client_context = side, .server_context = side});
}

struct Exported {
  int returned;
  std::string secret, errors_said;
};

Exported exported(SSL* ssl, size_t size, const std::string& label, const char* context,
                  size_t context_size, int use) {
  std::string secret(size, '\0');
  int returned = SSL_export_keying_material(
      ssl, reinterpret_cast<unsigned char*>(secret.data()), size, label.data(), label.size(),
      reinterpret_cast<const unsigned char*>(context), context_size, use);
  return {returned, secret, errors()};
}

void exporters(const Kind& kind) {
  struct Ask {
    size_t size;
    const char *label, *context;
    int use;
  };
  constexpr Ask kAsks[] = {{32, "EXPERIMENTAL twin", "", 0},
                           {32, "EXPERIMENTAL twin", "", 1},
                           {32, "EXPERIMENTAL twin", "some context", 1},
                           {32, "EXPERIMENTAL twin", "some context", 0},
                           {1, "EXPERIMENTAL twin", "", 0},
                           {1000, "x", "y", 1},
                           {32, "", "", 0},
                           {32, "client finished", "", 0},
                           {32, "server finished", "", 0},
                           {32, "master secret", "", 0},
                           {32, "extended master secret", "", 0},
                           {32, "key expansion", "", 0},
                           {32, "client finished and more", "", 0},
                           {32, "clientfinished", "", 0}};
  Peers peers = make_peers(setup_of(kind));
  SSL *client = peers.client.get(), *server = peers.server.get();
  Exported early = exported(client, 32, "EXPERIMENTAL twin", "", 0, 0);
  out("before: %d [%s]", early.returned, early.errors_said.c_str());
  link_memory(peers);
  tell_handshake(peers, kind.name);
  std::string first;
  for (const Ask& ask : kAsks) {
    size_t size = std::strlen(ask.context);
    Exported one = exported(client, ask.size, ask.label, ask.context, size, ask.use);
    Exported other = exported(server, ask.size, ask.label, ask.context, size, ask.use);
    if (first.empty()) first = one.secret;
    out("%zu bytes of '%s', context '%s' %d: client %d [%s], server %d [%s], equal %d, as first %d",
        ask.size, ask.label, ask.context, ask.use, one.returned, one.errors_said.c_str(),
        other.returned, other.errors_said.c_str(), one.secret == other.secret, one.secret == first);
  }
  unsigned char secret[32];
  out("early: %s",
      answer(SSL_export_keying_material_early(client, secret, sizeof secret, "l", 1, nullptr, 0))
          .c_str());
  renew_with_session(peers);
  link_memory(peers);
  handshake(peers);
  Exported again = exported(peers.client.get(), 32, "EXPERIMENTAL twin", "", 0, 0);
  Exported other = exported(peers.server.get(), 32, "EXPERIMENTAL twin", "", 0, 0);
  out("resumed %d: %d, equal %d, as first %d", SSL_session_reused(peers.client.get()),
      again.returned, again.secret == other.secret, again.secret == first);
}

Lines log_lines[2];

template <int kEnd>
void keep_line(const SSL*, const char* line) {
  log_lines[kEnd].push_back(line);
}

void key_log(const Kind& kind) {
  Peers peers = make_peers(setup_of(kind));
  SSL_CTX_set_keylog_callback(peers.client_context.get(), keep_line<0>);
  SSL_CTX_set_keylog_callback(peers.server_context.get(), keep_line<1>);
  for (const char* title : {"full", "resumed"}) {
    for (Lines& lines : log_lines) lines.clear();
    link_memory(peers);
    out("%s: %s", title, handshake(peers).said().c_str());
    unsigned char random[32], master[64];
    SSL_get_client_random(peers.client.get(), random, sizeof random);
    size_t size =
        SSL_SESSION_get_master_key(SSL_get_session(peers.client.get()), master, sizeof master);
    std::string expected = "CLIENT_RANDOM ";
    for (unsigned char byte : random) expected += text("%02x", byte);
    expected += " ";
    for (size_t i = 0; i < size; i++) expected += text("%02x", master[i]);
    for (Lines& lines : log_lines) {
      for (const std::string& line : lines) {
        out("  %s, %zu characters, as expected %d", line.substr(0, line.find(' ')).c_str(),
            line.size(), line == expected);
      }
    }
    renew_with_session(peers);
  }
}

void finished(const Kind& kind) {
  Peers peers = make_peers(setup_of(kind));
  for (const char* title : {"full", "resumed"}) {
    link_memory(peers);
    SSL *client = peers.client.get(), *server = peers.server.get();
    unsigned char own[64] = {}, peer[64] = {}, own2[64] = {}, peer2[64] = {};
    out("%s, before: %zu %zu", title, SSL_get_finished(client, own, sizeof own),
        SSL_get_peer_finished(client, peer, sizeof peer));
    handshake(peers);
    out("  client %zu %zu, server %zu %zu, asked for 4: %zu",
        SSL_get_finished(client, own, sizeof own), SSL_get_peer_finished(client, peer, sizeof peer),
        SSL_get_finished(server, own2, sizeof own2),
        SSL_get_peer_finished(server, peer2, sizeof peer2), SSL_get_finished(client, nullptr, 0));
    out("  equal %d %d", std::memcmp(own, peer2, sizeof own) == 0,
        std::memcmp(own2, peer, sizeof own) == 0);
    unsigned char at_client[32], at_server[32];
    out("  randoms %zu %zu of %zu %zu", SSL_get_client_random(client, at_client, 32),
        SSL_get_client_random(server, at_server, 32), SSL_get_client_random(client, nullptr, 0),
        SSL_get_server_random(server, nullptr, 0));
    out("  client's equal %d", std::memcmp(at_client, at_server, 32) == 0);
    SSL_get_server_random(client, at_client, 32);
    SSL_get_server_random(server, at_server, 32);
    out("  server's equal %d", std::memcmp(at_client, at_server, 32) == 0);
    unsigned char master[64];
    SSL_SESSION* session = SSL_get_session(client);
    out("  master secret %zu of %zu", SSL_SESSION_get_master_key(session, master, 10),
        SSL_SESSION_get_master_key(session, nullptr, 0));
    renew_with_session(peers);
  }
}

// The names that say when a client's and a server's session are the same.
void session_facts(const Kind& kind) {
  for (bool tickets : {false, true}) {
    Peers peers = make_peers(setup_of(kind));
    if (!tickets) SSL_set_options(peers.server.get(), SSL_OP_NO_TICKET);
    link_memory(peers);
    handshake(peers);
    for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
      SSL_SESSION* session = SSL_get_session(ssl);
      unsigned size = 0, context_size = 0;
      SSL_SESSION_get_id(session, &size);
      SSL_SESSION_get0_id_context(session, &context_size);
      const SSL_CIPHER* cipher = SSL_SESSION_get0_cipher(session);
      const unsigned char* ticket;
      size_t ticket_size = 0;
      SSL_SESSION_get0_ticket(session, &ticket, &ticket_size);
      out("tickets %d: id %u, context %u, version %#x, %s, timeout %ld, ticket %d %d, hint %lu, "
          "resumable %d, compression %u",
          tickets, size, context_size, SSL_SESSION_get_protocol_version(session),
          cipher ? SSL_CIPHER_get_name(cipher) : "none", SSL_SESSION_get_timeout(session),
          SSL_SESSION_has_ticket(session), ticket_size > 0,
          SSL_SESSION_get_ticket_lifetime_hint(session), SSL_SESSION_is_resumable(session),
          SSL_SESSION_get_compress_id(session));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<Case> cases;
  struct Part {
    const char* name;
    void (*run)(const Kind&);
  };
  for (const Part& part : {Part{"exporters", exporters}, Part{"key-log", key_log},
                           Part{"finished", finished}, Part{"session", session_facts}}) {
    for (const Kind& kind : kKinds) {
      cases.push_back({text("%s.%s", part.name, kind.name), [=] { part.run(kind); }});
    }
  }
  return run(cases, argc, argv);
}
