// SSL_shutdown(3) in every state of a connection, and what reads and writes do around it.
#include "support/older.h"

namespace {
using namespace twin;

void state(const char* who, SSL* ssl) {
  out("  %s: shutdown flags %d, pending %d", who, SSL_get_shutdown(ssl), SSL_pending(ssl));
}

void shut(const char* who, SSL* ssl) {
  int returned = SSL_shutdown(ssl);
  out("%s SSL_shutdown: %s", who, outcome_and_want(ssl, returned).c_str());
  state(who, ssl);
}

void read_some(const char* who, SSL* ssl) {
  char buffer[64];
  int returned = SSL_read(ssl, buffer, sizeof buffer);
  out("%s SSL_read: %s %.*s", who, outcome(ssl, returned).c_str(), std::max(returned, 0), buffer);
  state(who, ssl);
}

void write_some(const char* who, SSL* ssl) {
  int returned = SSL_write(ssl, "more", 4);
  out("%s SSL_write: %s", who, outcome(ssl, returned).c_str());
}

void before_the_role() {
  Owned<SSL_CTX> context = new_context();
  Owned<SSL> ssl(SSL_new(context.get()));
  shut("new", ssl.get());
  SSL_set_connect_state(ssl.get());
  shut("no BIO", ssl.get());
}

void before_the_handshake() {
  Peers peers = make_peers();
  link_memory(peers);
  shut("client", peers.client.get());
  shut("server", peers.server.get());
  out("handshake then: %s", handshake(peers).said().c_str());
}

void during_the_handshake() {
  Peers peers = make_peers();
  link_memory(peers);
  Side client{peers.client.get()}, server{peers.server.get()};
  client.step();
  shut("client after its hello", client.ssl);
  server.step();
  shut("server after its flight", server.ssl);
  out("handshake then: %s", handshake(peers).said().c_str());
}

void one_direction() {
  Peers peers = connected();
  shut("client", peers.client.get());
  read_some("server", peers.server.get());
  read_some("server again", peers.server.get());
  write_some("server", peers.server.get());
  read_some("client still reads", peers.client.get());
  shut("server", peers.server.get());
  shut("client", peers.client.get());
  shut("client again", peers.client.get());
  shut("server again", peers.server.get());
}

void both_at_once() {
  Peers peers = connected();
  shut("client", peers.client.get());
  shut("server", peers.server.get());
  shut("client", peers.client.get());
  shut("server", peers.server.get());
}

void waits_for_the_other() {
  Peers peers = connected();
  for (int i = 0; i < 3; i++) shut("client", peers.client.get());
}

void data_is_in_the_way() {
  Peers peers = connected();
  SSL_write(peers.server.get(), "unread", 6);
  shut("client", peers.client.get());
  shut("client", peers.client.get());
  read_some("client", peers.client.get());
  shut("server", peers.server.get());
  shut("client", peers.client.get());
}

void data_partly_read() {
  Peers peers = connected();
  SSL_write(peers.server.get(), "unread", 6);
  char byte;
  out("read %d", SSL_read(peers.client.get(), &byte, 1));
  shut("client", peers.client.get());
  shut("client", peers.client.get());
  read_some("client", peers.client.get());
  shut("server", peers.server.get());
  shut("client", peers.client.get());
}

void data_before_close_notify() {
  Peers peers = connected();
  SSL_write(peers.server.get(), "last words", 10);
  shut("server", peers.server.get());
  read_some("client", peers.client.get());
  read_some("client", peers.client.get());
  shut("client", peers.client.get());
}

void write_after_shutdown() {
  Peers peers = connected();
  shut("client", peers.client.get());
  write_some("client", peers.client.get());
  size_t count = 9;
  int returned = SSL_write_ex(peers.client.get(), "more", 4, &count);
  out("client SSL_write_ex: %s, count %zu", outcome(peers.client.get(), returned).c_str(), count);
  int keys = SSL_key_update(peers.client.get(), SSL_KEY_UPDATE_NOT_REQUESTED);
  out("client SSL_key_update: %d [%s]", keys, errors().c_str());
}

void read_ex_and_peek_at_the_end() {
  Peers peers = connected();
  shut("server", peers.server.get());
  char buffer[4];
  size_t count = 9;
  int returned = SSL_peek(peers.client.get(), buffer, 4);
  out("peek: %s", outcome(peers.client.get(), returned).c_str());
  returned = SSL_peek_ex(peers.client.get(), buffer, 4, &count);
  out("peek_ex: %s, count %zu", outcome(peers.client.get(), returned).c_str(), count);
  returned = SSL_read_ex(peers.client.get(), buffer, 4, &count);
  out("read_ex: %s, count %zu", outcome(peers.client.get(), returned).c_str(), count);
}

void quiet() {
  Peers peers = connected();
  out("quiet %d and %d", SSL_get_quiet_shutdown(peers.client.get()),
      SSL_CTX_get_quiet_shutdown(peers.client_context.get()));
  SSL_set_quiet_shutdown(peers.client.get(), 1);
  out("quiet %d", SSL_get_quiet_shutdown(peers.client.get()));
  uint64_t before = traffic(peers);
  shut("client", peers.client.get());
  out("something was sent: %d", traffic(peers) != before);
  read_some("client", peers.client.get());
  write_some("client", peers.client.get());
  read_some("server", peers.server.get());
}

void quiet_by_context() {
  Peers peers =
      make_peers({.client_context = [](SSL_CTX* c) { SSL_CTX_set_quiet_shutdown(c, 1); }});
  link_memory(peers);
  shut("client before the handshake", peers.client.get());
  Peers other = connected({.client_context = [](SSL_CTX* c) { SSL_CTX_set_quiet_shutdown(c, 1); }});
  SSL_CTX_set_quiet_shutdown(other.client_context.get(), 0);
  shut("client, context changed later", other.client.get());
}

void set_shutdown() {
  for (int flags :
       {SSL_SENT_SHUTDOWN, SSL_RECEIVED_SHUTDOWN, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN, 0}) {
    Peers peers = connected();
    SSL_write(peers.server.get(), "data", 4);
    SSL_set_shutdown(peers.client.get(), flags);
    out("set %d", flags);
    read_some("client", peers.client.get());
    write_some("client", peers.client.get());
    shut("client", peers.client.get());
    SSL_set_shutdown(peers.client.get(), 0);
    out("set back");
    read_some("client", peers.client.get());
  }
}

void end_without_close_notify() {
  for (bool ignored : {false, true}) {
    Faults faults;
    Peers peers = make_peers();
    if (ignored) SSL_set_options(peers.client.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    link_memory(peers, &faults, nullptr);
    require(handshake(peers).good(), "handshake");
    SSL_write(peers.server.get(), "data", 4);
    faults.read.end_at = faults.read.passed +
                         static_cast<int64_t>(BIO_ctrl_pending(SSL_get_wbio(peers.server.get())));
    out("option %d", ignored);
    read_some("client", peers.client.get());
    read_some("client", peers.client.get());
    read_some("client again", peers.client.get());
    write_some("client", peers.client.get());
    shut("client", peers.client.get());
  }
}

void end_during_shutdown() {
  for (bool ignored : {false, true}) {
    Faults faults;
    Peers peers = make_peers();
    if (ignored) SSL_set_options(peers.client.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    link_memory(peers, &faults, nullptr);
    require(handshake(peers).good(), "handshake");
    out("option %d", ignored);
    shut("client", peers.client.get());
    faults.read.end_at = faults.read.passed;
    shut("client", peers.client.get());
    shut("client again", peers.client.get());
  }
}

void sockets_closed() {
  Peers peers = make_peers();
  Sockets sockets(false);
  link_sockets(peers, sockets);
  require(handshake(peers).good(), "handshake");
  sockets.close_server();
  SSL_set_bio(peers.server.get(), nullptr, nullptr);
  read_some("client", peers.client.get());
  errno = 0;
  write_some("client", peers.client.get());
  shut("client", peers.client.get());
}

void reset_by_peer() {
  Peers peers = make_peers();
  Faults faults;
  link_memory(peers, &faults, nullptr);
  require(handshake(peers).good(), "handshake");
  faults.read.fail_at = faults.read.passed;
  errno = ECONNRESET;
  read_some("client", peers.client.get());
  shut("client", peers.client.get());
  shut("client", peers.client.get());
}

void close_notify_cannot_be_written() {
  Faults faults;
  Peers peers = make_peers();
  link_memory(peers, &faults, nullptr);
  require(handshake(peers).good(), "handshake");
  faults.write.stall_at = faults.write.passed + 3;
  shut("client", peers.client.get());
  shut("client", peers.client.get());
  write_some("client", peers.client.get());
  faults.write.stall_at = -1;
  shut("client", peers.client.get());
  shut("client", peers.client.get());
  read_some("server", peers.server.get());
}

void write_waits() {
  Faults faults;
  Peers peers = make_peers();
  link_memory(peers, &faults, nullptr);
  require(handshake(peers).good(), "handshake");
  faults.write.stall_at = faults.write.passed + 3;
  write_some("client", peers.client.get());
  shut("client, a write waits", peers.client.get());
  faults.write.stall_at = -1;
  shut("client", peers.client.get());
  read_some("server", peers.server.get());
  read_some("server", peers.server.get());
}

void after_a_failure() {
  Peers peers = make_peers({.certificate = "server-self-signed"});
  link_memory(peers);
  out("%s", handshake(peers).said().c_str());
  shut("client", peers.client.get());
  shut("server", peers.server.get());
}

void alerts_in_data() {
  using namespace std::string_view_literals;
  // A plaintext alert after the handshake is not one.
  Peers peers = connected();
  BIO_write(SSL_get_rbio(peers.client.get()), "\x15\3\3\0\2\1\0", 7);
  read_some("client", peers.client.get());
  shut("client", peers.client.get());
  read_some("server", peers.server.get());
}

void data_after_close_notify() {
  Peers peers = connected();
  shut("server", peers.server.get());
  SSL_set_shutdown(peers.server.get(), 0);
  write_some("server", peers.server.get());
  read_some("client", peers.client.get());
  SSL_set_shutdown(peers.client.get(), 0);
  read_some("client, flags taken back", peers.client.get());
}

/// What comes behind a close_notify amid the handshake is not heard any more.
void closed_amid_the_handshake() {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Peers peers = make_peers(version == TLS1_3_VERSION ? Setup{} : at_version(version));
    link_memory(peers);
    SSL* client = peers.client.get();
    out("%#x: %s", version, outcome(client, SSL_do_handshake(client)).c_str());
    BIO_write(SSL_get_rbio(client), "\x15\x03\x03\x00\x02\x01\x00", 7);
    out("  close_notify: %s", outcome(client, SSL_do_handshake(client)).c_str());
    out("  again: %s", outcome(client, SSL_do_handshake(client)).c_str());
    out("  server: %s", outcome(peers.server.get(), SSL_do_handshake(peers.server.get())).c_str());
    out("  its flight: %s, flags %d", outcome(client, SSL_do_handshake(client)).c_str(),
        SSL_get_shutdown(client));
  }
}

void in_a_session_of_two() {
  Peers peers = connected();
  shut("client", peers.client.get());
  read_some("server", peers.server.get());
  shut("server", peers.server.get());
  shut("client", peers.client.get());
  renew(peers);
  link_memory(peers);
  out("next connection: %s", handshake(peers).said().c_str());
  state("client", peers.client.get());
}

void blocking_sockets() {
  Peers peers = make_peers();
  Sockets sockets(true);
  link_sockets(peers, sockets);
  require(handshake_threads(peers).good(), "handshake");
  int server = -9;
  std::thread thread([&] {
    char byte;
    server = SSL_read(peers.server.get(), &byte, 1);
    SSL_shutdown(peers.server.get());
  });
  shut("client", peers.client.get());
  shut("client", peers.client.get());
  thread.join();
  out("server read %d", server);
  state("server", peers.server.get());
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"before-the-role", before_the_role},
              {"before-the-handshake", before_the_handshake},
              {"during-the-handshake", during_the_handshake},
              {"one-direction", one_direction},
              {"both-at-once", both_at_once},
              {"waits-for-the-other", waits_for_the_other},
              {"data-is-in-the-way", data_is_in_the_way},
              {"data-partly-read", data_partly_read},
              {"data-before-close-notify", data_before_close_notify},
              {"write-after-shutdown", write_after_shutdown},
              {"read_ex-and-peek-at-the-end", read_ex_and_peek_at_the_end},
              {"quiet", quiet},
              {"quiet-by-context", quiet_by_context},
              {"set-shutdown", set_shutdown},
              {"end-without-close-notify", end_without_close_notify},
              {"end-during-shutdown", end_during_shutdown},
              {"sockets-closed", sockets_closed},
              {"reset-by-peer", reset_by_peer},
              {"close-notify-cannot-be-written", close_notify_cannot_be_written},
              {"write-waits", write_waits},
              {"after-a-failure", after_a_failure},
              {"alerts-in-data", alerts_in_data},
              {"data-after-close-notify", data_after_close_notify},
              {"closed-amid-the-handshake", closed_amid_the_handshake},
              {"next-connection", in_a_session_of_two},
              {"blocking-sockets", blocking_sockets}},
             argc, argv);
}
