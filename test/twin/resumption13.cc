// TLS 1.3 sessions: tickets that come, resumptions, whose session it is, caches and callbacks.
#include "support/resumption13.h"

namespace {
using namespace twin;

/// Whether both sides resume `session` under what `how` changes.
void resume(Peers& peers, const char* title, SSL_SESSION* session, Connect how = {}) {
  how.offer = session;
  connect13(peers, title, how);
}

void twice() {
  Peers peers = tickets_peers();
  Owned<SSL_SESSION> session = connect13(peers, "full");
  Owned<SSL_SESSION> next = connect13(peers, "resumed", {.offer = session.get()});
  out("the same object %d", next.get() == session.get());
  connect13(peers, "the next ticket", {.offer = next.get()});
  connect13(peers, "the first again", {.offer = session.get()});
  print_statistics(peers);
}

void caches() {
  for (long mode : {SSL_SESS_CACHE_OFF, SSL_SESS_CACHE_CLIENT, SSL_SESS_CACHE_SERVER,
                    SSL_SESS_CACHE_BOTH | SSL_SESS_CACHE_NO_INTERNAL_STORE}) {
    Peers peers = tickets_peers();
    for (SSL_CTX* context : {peers.client_context.get(), peers.server_context.get()}) {
      SSL_CTX_set_session_cache_mode(context, mode);
    }
    out("mode %ld", mode);
    Owned<SSL_SESSION> session = first_session(peers);
    resume(peers, "resumed", session.get());
    out("  offered one is resumable %d", SSL_SESSION_is_resumable(session.get()));
    print_statistics(peers);
  }
}

void stateful() {
  Peers peers = tickets_peers();
  SSL_CTX_set_options(peers.server_context.get(), SSL_OP_NO_TICKET);
  Owned<SSL_SESSION> session = connect13(peers, "full");
  const unsigned char* ticket = nullptr;
  size_t length = 0;
  SSL_SESSION_get0_ticket(session.get(), &ticket, &length);
  out("ticket of %zu bytes", length);
  print_statistics(peers);
  resume(peers, "resumed", session.get());
  resume(peers, "resumed again", session.get());
  print_statistics(peers);
  SSL_CTX_flush_sessions(peers.server_context.get(), 0);
  resume(peers, "after the flush", session.get());
  print_statistics(peers);
}

void numbers() {
  for (size_t count : {0, 1, 2, 5}) {
    for (bool hit : {false, true}) {
      Peers peers = tickets_peers();
      Owned<SSL_SESSION> session = first_session(peers);
      SSL_CTX_set_num_tickets(peers.server_context.get(), count);
      Log client;
      resume(peers, "connection", hit ? session.get() : nullptr,
             {.before = [&](SSL* ssl, SSL*) { client.watch_messages(ssl); }, .quiet = true});
      long tickets = std::count_if(client.lines.begin(), client.lines.end(), [](auto& line) {
        return line.find("NewSessionTicket") != std::string::npos;
      });
      out("%zu tickets, resumed %d: %ld came", count, hit, tickets);
    }
  }
}

void sequences() {
  for (bool compatible : {true, false}) {
    Peers peers = tickets_peers();
    Owned<SSL_SESSION> session = first_session(peers);
    Log client, server, client_info, server_info;
    resume(peers, "resumed", session.get(), {.before = [&](SSL* c, SSL* s) {
             for (SSL* ssl : {c, s}) {
               compatible ? SSL_set_options(ssl, SSL_OP_ENABLE_MIDDLEBOX_COMPAT)
                          : SSL_clear_options(ssl, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
             }
             client.watch_messages(c);
             server.watch_messages(s);
             client_info.watch_info(c);
             server_info.watch_info(s);
           }});
    print("client's messages", client.lines);
    print("server's messages", server.lines);
    print("client's steps", client_info.lines);
    print("server's steps", server_info.lines);
  }
}

struct Calls {
  Lines lines;
  static int index() {
    static int value = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return value;
  }
  static Calls& of(const SSL_CTX* context) {
    return *static_cast<Calls*>(SSL_CTX_get_ex_data(context, index()));
  }
  void watch(SSL_CTX* context, bool keep) {
    SSL_CTX_set_ex_data(context, index(), this);
    SSL_CTX_sess_set_remove_cb(context, [](SSL_CTX* c, SSL_SESSION* session) {
      of(c).lines.push_back("remove: " + about(session));
    });
    auto note = [](SSL* ssl, SSL_SESSION* session) {
      of(SSL_get_SSL_CTX(ssl))
          .lines.push_back(text("new in %s: %s, max early %u, same %d", SSL_state_string(ssl),
                                about(session).c_str(), SSL_SESSION_get_max_early_data(session),
                                SSL_get_session(ssl) == session));
    };
    static auto tell = note;
    SSL_CTX_sess_set_new_cb(context, keep ? [](SSL* ssl, SSL_SESSION* session) {
      tell(ssl, session);
      SSL_SESSION_free(session);
      return 1;
    } : [](SSL* ssl, SSL_SESSION* session) {
      tell(ssl, session);
      return 0;
    });
  }
};

void session_callbacks() {
  for (bool no_ticket : {false, true}) {
    for (bool keep : {false, true}) {
      Calls client, server;
      Peers peers = tickets_peers({.server_context = [&](SSL_CTX* context) {
        if (no_ticket) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
      }});
      client.watch(peers.client_context.get(), keep);
      server.watch(peers.server_context.get(), keep);
      out("NO_TICKET %d, reference kept %d", no_ticket, keep);
      Owned<SSL_SESSION> session = connect13(peers, "full");
      resume(peers, "resumed", session.get());
      print("client", client.lines);
      print("server", server.lines);
      print_statistics(peers);
      SSL_CTX_sess_set_remove_cb(peers.client_context.get(), nullptr);
      SSL_CTX_sess_set_remove_cb(peers.server_context.get(), nullptr);
    }
  }
}

void id_contexts() {
  Peers peers = tickets_peers();
  auto name = [](SSL* ssl, const char* id) {
    SSL_set_session_id_context(ssl, reinterpret_cast<const unsigned char*>(id),
                               static_cast<unsigned int>(std::strlen(id)));
  };
  Owned<SSL_SESSION> plain = first_session(peers);
  resume(peers, "server has a context now", plain.get(),
         {.before = [&](SSL*, SSL* s) { name(s, "one"); }});
  Owned<SSL_SESSION> one = first_session(peers, {.before = [&](SSL*, SSL* s) { name(s, "one"); }});
  resume(peers, "same", one.get(), {.before = [&](SSL*, SSL* s) { name(s, "one"); }});
  resume(peers, "another", one.get(), {.before = [&](SSL*, SSL* s) { name(s, "two"); }});
  resume(peers, "client has one", plain.get(), {.before = [&](SSL* c, SSL*) { name(c, "c"); }});
  resume(peers, "verifying server without", plain.get(),
         {.before = [&](SSL*, SSL* s) { SSL_set_verify(s, SSL_VERIFY_PEER, nullptr); }});
  resume(peers, "verifying server with", one.get(), {.before = [&](SSL*, SSL* s) {
           name(s, "one");
           SSL_set_verify(s, SSL_VERIFY_PEER, nullptr);
         }});
}

void client_certificates() {
  Peers peers = tickets_peers({.server_context = [](SSL_CTX* context) {
    SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("ctx"), 3);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }});
  use_certificate(peers.client_context.get(), "client-p256");
  auto tell = [](SSL* c, SSL* s) {
    out("  peers: %d %d, chains %d %d, results %ld %ld", SSL_get0_peer_certificate(c) != nullptr,
        SSL_get0_peer_certificate(s) != nullptr, SSL_get_peer_cert_chain(c) != nullptr,
        SSL_get_peer_cert_chain(s) != nullptr, SSL_get_verify_result(c), SSL_get_verify_result(s));
  };
  Owned<SSL_SESSION> session = connect13(peers, "full", {.after = tell});
  resume(peers, "resumed", session.get(), {.after = tell});
}

void times() {
  Peers peers = tickets_peers();
  Owned<SSL_SESSION> session = first_session(peers);
  long now = SSL_SESSION_get_time(session.get());
  for (long age : {-5L, 0L, 10L, 7199L, 7202L, 100000L}) {
    Owned<SSL_SESSION> copy(SSL_SESSION_dup(session.get()));
    SSL_SESSION_set_time(copy.get(), now - age);
    Log client;
    out("of %ld seconds ago", age);
    resume(peers, "  offered", copy.get());
  }
  SSL_CTX_set_timeout(peers.server_context.get(), 1);
  Owned<SSL_SESSION> brief = connect13(peers, "timeout 1");
  SSL_CTX_set_timeout(peers.server_context.get(), 0x7fffffff);
  connect13(peers, "timeout long");
}

void suites() {
  const char* const kAll[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                              "TLS_CHACHA20_POLY1305_SHA256"};
  for (const char* first : kAll) {
    for (const char* second : kAll) {
      Peers peers = tickets_peers();
      SSL_CTX_set_ciphersuites(peers.server_context.get(), first);
      Owned<SSL_SESSION> session = first_session(peers);
      SSL_CTX_set_ciphersuites(peers.server_context.get(), second);
      out("%s, then %s", first, second);
      resume(peers, "  resumed", session.get(), {.after = [](SSL* c, SSL* s) {
               out("  %s %s, sessions %s %s", SSL_get_cipher(c), SSL_get_cipher(s),
                   SSL_CIPHER_get_name(SSL_SESSION_get0_cipher(SSL_get_session(c))),
                   SSL_CIPHER_get_name(SSL_SESSION_get0_cipher(SSL_get_session(s))));
             }});
    }
  }
}

void modes() {
  for (int client : {0, 1}) {
    for (int server : {0, 1}) {
      for (bool other_group : {false, true}) {
        Peers peers = tickets_peers();
        Owned<SSL_SESSION> session = first_session(peers);
        out("psk_ke %d %d, HelloRetryRequest %d", client, server, other_group);
        resume(peers, "  resumed", session.get(),
               {.before =
                    [&](SSL* c, SSL* s) {
                      if (client) SSL_set_options(c, SSL_OP_ALLOW_NO_DHE_KEX);
                      if (server) SSL_set_options(s, SSL_OP_ALLOW_NO_DHE_KEX);
                      if (other_group) SSL_set1_groups_list(s, "P-384");
                    },
                .after =
                    [](SSL* c, SSL*) {
                      EVP_PKEY* key = nullptr;
                      long got = SSL_get_peer_tmp_key(c, &key);
                      out("  tmp key %ld", got);
                      EVP_PKEY_free(key);
                    }});
      }
    }
  }
}

void names() {
  static int asked;
  Peers peers = tickets_peers();
  SSL_CTX_set_tlsext_servername_callback(
      peers.server_context.get(), +[](SSL* ssl, int*, void*) -> int {
        asked++;
        out("  asked for %s, reused %d, session %d", SSL_get_servername(ssl, 0),
            SSL_session_reused(ssl), SSL_get_session(ssl) != nullptr);
        return SSL_TLSEXT_ERR_OK;
      });
  SSL_CTX_set_alpn_select_cb(
      peers.server_context.get(),
      [](SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
         unsigned int, void*) {
        *chosen = offered + 1;
        *length = offered[0];
        return SSL_TLSEXT_ERR_OK;
      },
      nullptr);
  auto named = [](const char* name, const char* protocol) {
    return [=](SSL* c, SSL*) {
      SSL_set_tlsext_host_name(c, name);
      SSL_set_alpn_protos(c, reinterpret_cast<const unsigned char*>(protocol),
                          static_cast<unsigned int>(std::strlen(protocol)));
    };
  };
  auto tell = [](SSL* c, SSL* s) {
    for (SSL* ssl : {c, s}) {
      const unsigned char *protocol = nullptr, *sessions = nullptr;
      unsigned int length = 0;
      size_t session_length = 0;
      SSL_get0_alpn_selected(ssl, &protocol, &length);
      SSL_SESSION_get0_alpn_selected(SSL_get_session(ssl), &sessions, &session_length);
      const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
      const char* hostname = SSL_SESSION_get0_hostname(SSL_get_session(ssl));
      out("  %s, session %s; ALPN %.*s, session %.*s", name ? name : "none",
          hostname ? hostname : "none", static_cast<int>(length), protocol,
          static_cast<int>(session_length), sessions);
    }
  };
  Owned<SSL_SESSION> session =
      connect13(peers, "full", {.before = named("one.example", "\002h2"), .after = tell});
  resume(peers, "the same", session.get(),
         {.before = named("one.example", "\002h2"), .after = tell});
  resume(peers, "others", session.get(),
         {.before = named("two.example", "\003foo"), .after = tell});
}

void older_server() {
  Peers peers = tickets_peers();
  Owned<SSL_SESSION> session = first_session(peers);
  for (SSL_CTX* context : {peers.client_context.get(), peers.server_context.get()}) {
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  }
  resume(peers, "server of 1.2", session.get(),
         {.before = [](SSL*, SSL* s) { SSL_set_max_proto_version(s, TLS1_2_VERSION); }});
  resume(peers, "client of 1.2", session.get(),
         {.before = [](SSL* c, SSL*) { SSL_set_max_proto_version(c, TLS1_2_VERSION); }});
  Owned<SSL_SESSION> old =
      connect13(peers, "a session of 1.2",
                {.before = [](SSL*, SSL* s) { SSL_set_max_proto_version(s, TLS1_2_VERSION); }});
  resume(peers, "offered to 1.3", old.get());
}

void asked_tickets() {
  Peers peers = tickets_peers();
  renew(peers);
  link_memory(peers);
  SSL *client = peers.client.get(), *server = peers.server.get();
  out("before: %d", SSL_new_session_ticket(server));
  require(handshake(peers).good(), "handshake");
  out("client: %d", SSL_new_session_ticket(client));
  transfer(server, client, "x");
  Log messages, steps;
  messages.watch_messages(client);
  steps.watch_info(server);
  out("server: %d %d, in_init %d", SSL_new_session_ticket(server), SSL_new_session_ticket(server),
      SSL_in_init(server));
  out("written %s", transfer(server, client, "data").c_str());
  print("client's messages", messages.lines);
  print("server's steps", steps.lines);
  steps.lines.clear();
  out("again: %d, SSL_do_handshake %d, in_init %d", SSL_new_session_ticket(server),
      SSL_do_handshake(server), SSL_in_init(server));
  print("server's steps", steps.lines);
  char byte;
  out("client reads %s", outcome(client, SSL_read(client, &byte, 1)).c_str());
  out("client's %s", about(SSL_get_session(client)).c_str());
}

// They wait for the write after the one that is half way.
void asked_amid_a_write() {
  for (size_t size : {1, 40000}) {
    Faults faults;
    Peers peers = tickets_peers();
    renew(peers);
    link_memory(peers, nullptr, &faults);
    SSL *client = peers.client.get(), *server = peers.server.get();
    require(handshake(peers).good(), "handshake");
    transfer(server, client, "x");
    Log messages;
    messages.watch_messages(server);
    const std::string data = sample(size);
    int length = static_cast<int>(size);
    faults.write.stall_at = faults.write.passed + static_cast<int64_t>(size) / 2;
    out("%zu bytes: %s", size, outcome(server, SSL_write(server, data.data(), length)).c_str());
    out("asked %d %d", SSL_new_session_ticket(server), SSL_new_session_ticket(server));
    faults.write.stall_at = -1;
    out("handshake %d, in_init %d", SSL_do_handshake(server), SSL_in_init(server));
    out("repeated: %s", outcome(server, SSL_write(server, data.data(), length)).c_str());
    out("handshake %d, in_init %d", SSL_do_handshake(server), SSL_in_init(server));
    print("messages", messages.lines);
    out("next: %s", outcome(server, SSL_write(server, "next", 4)).c_str());
    print("messages", messages.lines);
    std::string got(size + 100, '\0');
    size_t count = 0, all = 0;
    while (SSL_read_ex(client, got.data() + all, got.size() - all, &count)) all += count;
    out("read %zu bytes, equal %d", all, got.substr(0, all) == data + "next");
  }
}

void not_resumable() {
  for (int answer : {0, 1}) {
    Peers peers = tickets_peers();
    answer ? SSL_CTX_set_not_resumable_session_callback(peers.server_context.get(),
                                                        [](SSL*, int secure) {
                                                          out("  forward secure %d", secure);
                                                          return 1;
                                                        })
           : SSL_CTX_set_not_resumable_session_callback(peers.server_context.get(),
                                                        [](SSL*, int secure) {
                                                          out("  forward secure %d", secure);
                                                          return 0;
                                                        });
    connect13(peers, "connection");
  }
}

/// What is stored and read back resumes as the session itself, and is the same again.
void der() {
  Peers peers = tickets_peers();
  Owned<SSL_SESSION> session = first_session(peers);
  unsigned char* bytes = nullptr;
  int length = i2d_SSL_SESSION(session.get(), &bytes);
  const unsigned char* at = bytes;
  Owned<SSL_SESSION> read(d2i_SSL_SESSION(nullptr, &at, length));
  unsigned char* again = nullptr;
  int second = i2d_SSL_SESSION(read.get(), &again);
  out("all read %d, same again %d", at == bytes + length,
      second == length && std::memcmp(bytes, again, static_cast<size_t>(length)) == 0);
  OPENSSL_free(bytes);
  OPENSSL_free(again);
  resume(peers, "resumed", read.get());
}

void hang_up() {
  Peers peers = tickets_peers();
  renew(peers);
  Sockets sockets(false);
  link_sockets(peers, sockets);
  SSL *client = peers.client.get(), *server = peers.server.get();
  SSL_do_handshake(client);
  SSL_do_handshake(server);
  out("client %s", outcome(client, SSL_do_handshake(client)).c_str());
  out("wrote %d", SSL_write(client, "last words", 10));
  peers.client.reset();
  sockets.close_client();
  char buffer[32];
  out("server %s", outcome(server, SSL_do_handshake(server)).c_str());
  int read = SSL_read(server, buffer, sizeof buffer);
  out("read %s", outcome(server, read).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"twice", twice},
              {"caches", caches},
              {"stateful", stateful},
              {"numbers", numbers},
              {"sequences", sequences},
              {"session-callbacks", session_callbacks},
              {"id-contexts", id_contexts},
              {"client-certificates", client_certificates},
              {"times", times},
              {"suites", suites},
              {"modes", modes},
              {"names", names},
              {"older-server", older_server},
              {"asked-tickets", asked_tickets},
              {"asked-amid-a-write", asked_amid_a_write},
              {"not-resumable", not_resumable},
              {"der", der},
              {"hang-up", hang_up}},
             argc, argv);
}
