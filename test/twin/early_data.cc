// Early data: SSL_write_early_data(3), SSL_read_early_data(3), every status and what refuses it.
#include "support/resumption13.h"

namespace {
using namespace twin;

constexpr uint32_t kLimit = 1000;

/// A server that welcomes early data. Without replay protection tickets are good more than once; a
/// client that keeps no sessions lets them be.
Peers early_peers(bool protect = true, Setup setup = {}) {
  setup.client_context = [](SSL_CTX* context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  };
  auto more = setup.server_context;
  setup.server_context = [=](SSL_CTX* context) {
    SSL_CTX_set_max_early_data(context, kLimit);
    if (!protect) SSL_CTX_set_options(context, SSL_OP_NO_ANTI_REPLAY);
    if (more) more(context);
  };
  return tickets_peers(setup);
}

using Change = std::function<void(SSL* client, SSL* server)>;

/// Writes `data` early, reads it, and goes on to the end.
void exchange(Peers& peers, const char* title, SSL_SESSION* session,
              const std::string& data = sample(100), const Change& change = nullptr) {
  out("%s", title);
  renew(peers);
  link_memory(peers);
  SSL *client = peers.client.get(), *server = peers.server.get();
  Owned<SSL_SESSION> copy(SSL_SESSION_dup(session));  // which a failure spoils
  SSL_set_session(client, copy.get());
  if (change) change(client, server);
  std::string got;
  out("  write %s", write_early(client, data).c_str());
  for (int i = 0; i < 4; i++) {
    std::string said = read_early(server, got);
    out("  read %s", said.c_str());
    if (said[0] != 'S') break;
  }
  out("  data the same %d", got == data);
  Result result = handshake(peers);
  std::string last = read_early(server, got);
  out("  then %s; read %s", result.said().c_str(), last.c_str());
  out("  %s, reused %d %d", early_statuses(peers).c_str(), SSL_session_reused(client),
      SSL_session_reused(server));
  if (!result.good()) return;
  out("  to server %s", transfer(client, server, sample(50)).c_str());
  out("  to client %s", transfer(server, client, sample(50)).c_str());
}

void accepted() {
  for (bool protect : {true, false}) {
    Peers peers = early_peers(protect);
    Owned<SSL_SESSION> session = first_session(peers);
    out("session's limit %u, contexts %u %u, received %u",
        SSL_SESSION_get_max_early_data(session.get()),
        SSL_CTX_get_max_early_data(peers.client_context.get()),
        SSL_CTX_get_max_early_data(peers.server_context.get()),
        SSL_CTX_get_recv_max_early_data(peers.server_context.get()));
    exchange(peers, "first", session.get());
    exchange(peers, "the same ticket again", session.get());
    print_statistics(peers);
  }
}

void restarted_server() {
  for (bool protect : {true, false}) {
    Peers peers = early_peers(protect);
    unsigned char keys[80];
    SSL_CTX_get_tlsext_ticket_keys(peers.server_context.get(), keys, sizeof keys);
    Owned<SSL_SESSION> session = first_session(peers);
    Peers others = early_peers(protect);
    SSL_CTX_set_tlsext_ticket_keys(others.server_context.get(), keys, sizeof keys);
    exchange(others, protect ? "protected" : "not protected", session.get());
  }
}

void limits() {
  Peers peers = early_peers(false);
  Owned<SSL_SESSION> session = first_session(peers);
  exchange(peers, "all that is allowed", session.get(), sample(kLimit));
  exchange(peers, "one byte more", session.get(), sample(kLimit + 1));
  exchange(peers, "nothing", session.get(), "");
  exchange(peers, "server takes less", session.get(), sample(100),
           [](SSL*, SSL* s) { SSL_set_recv_max_early_data(s, 99); });
  exchange(peers, "server takes as much", session.get(), sample(100),
           [](SSL*, SSL* s) { SSL_set_recv_max_early_data(s, 100); });
  exchange(peers, "server's own is less", session.get(), sample(100),
           [](SSL*, SSL* s) { SSL_set_max_early_data(s, 10); });
  exchange(peers, "server takes none any more", session.get(), sample(100),
           [](SSL*, SSL* s) { SSL_set_max_early_data(s, 0); });
  exchange(peers, "skipped at most", session.get(), sample(400), [](SSL*, SSL* s) {
    SSL_set_max_early_data(s, 0);
    SSL_set_recv_max_early_data(s, 150);
  });
  SSL_SESSION_set_max_early_data(session.get(), 10);
  exchange(peers, "client's session says less", session.get());
}

void rejected() {
  Peers peers = early_peers(false);
  Owned<SSL_SESSION> session = first_session(peers);
  exchange(peers, "HelloRetryRequest", session.get(), sample(100),
           [](SSL*, SSL* s) { SSL_set1_groups_list(s, "P-384"); });
  exchange(peers, "callback refuses", session.get(), sample(100), [](SSL*, SSL* s) {
    SSL_set_allow_early_data_cb(
        s,
        [](SSL* ssl, void*) {
          out("  asked in %s", SSL_state_string(ssl));
          return 0;
        },
        nullptr);
  });
  exchange(peers, "callback allows", session.get(), sample(100), [](SSL*, SSL* s) {
    SSL_set_allow_early_data_cb(
        s, [](SSL*, void*) { return 1; }, nullptr);
  });
  long now = SSL_SESSION_get_time(session.get());
  for (long skew : {-9L, -12L}) {
    Owned<SSL_SESSION> copy(SSL_SESSION_dup(session.get()));
    SSL_SESSION_set_time(copy.get(), now + skew);
    exchange(peers, text("ticket's age is %ld s off", skew).c_str(), copy.get());
  }
  SSL_CTX_set_tlsext_ticket_keys(peers.server_context.get(), std::string(80, 'k').data(), 80);
  exchange(peers, "ticket unknown", session.get());
}

void select_first(SSL_CTX* context) {
  SSL_CTX_set_alpn_select_cb(
      context,
      [](SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
         unsigned int, void*) {
        *chosen = offered + 1;
        *length = offered[0];
        return SSL_TLSEXT_ERR_OK;
      },
      nullptr);
}

void offer_protocols(SSL* ssl, const std::string& list) {
  SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(list.data()),
                      static_cast<unsigned int>(list.size()));
}

void protocols() {
  Peers peers = early_peers(false, {.server_context = select_first});
  auto offering = [](const std::string& list) {
    return [=](SSL* client, SSL*) { offer_protocols(client, list); };
  };
  Owned<SSL_SESSION> session = first_session(peers, {.before = offering("\002h2")});
  exchange(peers, "the same protocol", session.get(), sample(100), offering("\002h2\003foo"));
  exchange(peers, "another is chosen", session.get(), sample(100), offering("\003foo\002h2"));
  exchange(peers, "not offered", session.get(), sample(100), offering("\003foo"));
  exchange(peers, "none offered", session.get());
  Owned<SSL_SESSION> plain = first_session(peers);
  exchange(peers, "a session without", plain.get(), sample(100), offering("\002h2"));
}

void names() {
  Peers peers = early_peers(false);
  SSL_CTX_set_tlsext_servername_callback(
      peers.server_context.get(), +[](SSL*, int*, void*) -> int { return SSL_TLSEXT_ERR_OK; });
  auto naming = [](const char* name) {
    return [=](SSL* client, SSL*) { SSL_set_tlsext_host_name(client, name); };
  };
  Owned<SSL_SESSION> session = first_session(peers, {.before = naming("one.example")});
  exchange(peers, "the same name", session.get(), sample(100), naming("one.example"));
  exchange(peers, "another name", session.get(), sample(100), naming("two.example"));
  exchange(peers, "no name", session.get());
}

void older_server() {
  Peers peers = early_peers(false);
  Owned<SSL_SESSION> session = first_session(peers);
  SSL_CTX_set_min_proto_version(peers.client_context.get(), TLS1_2_VERSION);
  SSL_CTX_set_min_proto_version(peers.server_context.get(), TLS1_2_VERSION);
  renew(peers);
  link_memory(peers);
  SSL_set_session(peers.client.get(), session.get());
  SSL_set_max_proto_version(peers.server.get(), TLS1_2_VERSION);
  out("write %s", write_early(peers.client.get(), "x").c_str());
  out("%s", handshake(peers).said().c_str());
}

void half_rtt() {
  Peers peers = early_peers(false);
  Owned<SSL_SESSION> session = first_session(peers);
  renew(peers);
  link_memory(peers);
  SSL *client = peers.client.get(), *server = peers.server.get();
  SSL_set_session(client, session.get());
  std::string got;
  char buffer[100];
  out("client %s", write_early(client, "question").c_str());
  out("server %s", read_early(server, got).c_str());
  out("server writes %s", write_early(server, "answer").c_str());
  int read = SSL_read(client, buffer, sizeof buffer);
  out("client reads %s %.*s", outcome(client, read).c_str(), read > 0 ? read : 0, buffer);
  out("  state %d, in_init %d, %s", SSL_get_state(client), SSL_in_init(client),
      early_statuses(peers).c_str());
  out("client %s", write_early(client, " and more").c_str());
  out("server %s", read_early(server, got).c_str());
  out("it got %s", got.c_str());
  out("client writes %d", SSL_write(client, "late", 4));
  out("server %s", read_early(server, got).c_str());
  out("server writes %s", write_early(server, "unauthenticated").c_str());
  out("%s", handshake(peers).said().c_str());
  read = SSL_read(server, buffer, sizeof buffer);
  out("server reads %s %.*s", outcome(server, read).c_str(), read > 0 ? read : 0, buffer);
  read = SSL_read(client, buffer, sizeof buffer);
  out("client reads %s %.*s", outcome(client, read).c_str(), read > 0 ? read : 0, buffer);
}

void secrets() {
  Peers peers = early_peers(false);
  Owned<SSL_SESSION> session = first_session(peers);
  static std::string client_lines, server_lines;
  SSL_CTX_set_keylog_callback(peers.client_context.get(), [](const SSL*, const char* line) {
    client_lines += std::string(line) + "\n";
  });
  SSL_CTX_set_keylog_callback(peers.server_context.get(), [](const SSL*, const char* line) {
    server_lines += std::string(line) + "\n";
  });
  renew(peers);
  link_memory(peers);
  SSL *client = peers.client.get(), *server = peers.server.get();
  SSL_set_session(client, session.get());
  unsigned char ours[2][20] = {}, theirs[20] = {};
  const auto* context = reinterpret_cast<const unsigned char*>("context");
  out("before %d", SSL_export_keying_material_early(client, ours[0], 20, "label", 5, context, 7));
  std::string got;
  write_early(client, "data");
  out("client %d", SSL_export_keying_material_early(client, ours[0], 20, "label", 5, context, 7));
  read_early(server, got);
  out("server %d", SSL_export_keying_material_early(server, theirs, 20, "label", 5, context, 7));
  out("%s", handshake(peers).said().c_str());
  out("client %d", SSL_export_keying_material_early(client, ours[1], 20, "label", 5, context, 7));
  out("the same %d %d", std::memcmp(ours[0], theirs, 20) == 0,
      std::memcmp(ours[1], theirs, 20) == 0);
  for (const std::string* lines : {&client_lines, &server_lines}) {
    for (size_t at = 0; at < lines->size(); at = lines->find('\n', at) + 1) {
      out("  %s", lines->substr(at, lines->find(' ', at) - at).c_str());
    }
  }
  out("the same lines %d", client_lines.size() == server_lines.size());
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"accepted", accepted},
              {"restarted-server", restarted_server},
              {"limits", limits},
              {"rejected", rejected},
              {"protocols", protocols},
              {"names", names},
              {"older-server", older_server},
              {"half-rtt", half_rtt},
              {"secrets", secrets}},
             argc, argv);
}
