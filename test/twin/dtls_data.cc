// Application data over DTLS: record by record, repeated, late, damaged, and around its end.
#include "support/dtls_records.h"
#include "support/dtls_time.h"

namespace {
using namespace twin;

std::string read(SSL* ssl, int room = 64) {
  std::string buffer(static_cast<size_t>(room), '\0');
  int returned = SSL_read(ssl, buffer.data(), room);
  std::string said = without_provider(outcome(ssl, returned));
  if (returned <= 0) return said;
  return said + " " + buffer.substr(0, static_cast<size_t>(std::min(returned, 20)));
}

void tell_read(SSL* ssl, int room = 64) {
  std::string said = read(ssl, room);
  out("  read %d: %s, pending %d, has pending %d", room, said.c_str(), SSL_pending(ssl),
      SSL_has_pending(ssl));
}

void write(SSL* ssl, const std::string& data) {
  require(SSL_write(ssl, data.data(), static_cast<int>(data.size())) > 0, "write");
}

const int kVersions[] = {DTLS1_VERSION, DTLS1_2_VERSION};

void record_by_record() {
  for (int version : kVersions) {
    Net net;
    Peers peers = dtls_connected(net, version);
    SSL *client = peers.client.get(), *server = peers.server.get();
    out("%s", version_text(version));
    for (const char* data : {"first record", "second", "third"}) write(client, data);
    for (int room : {5, 100, 2, 0, 3, 1, 100, 100}) tell_read(server, room);
  }
}

void several_in_a_datagram() {
  Net net;
  Peers peers = dtls_connected(net);
  SSL *client = peers.client.get(), *server = peers.server.get();
  std::string all;
  for (const char* data : {"first record", "second", "third"}) {
    write(client, data);
    all += net.to_server.arrived.back();
  }
  for (const char* after : {"", "tail that is no record"}) {
    net.to_server.arrived = {all + after};
    out("after: \"%s\"", after);
    for (int room : {5, 100, 100, 100, 100}) tell_read(server, room);
    for (const char* data : {"first record", "second", "third"}) write(client, data);
    all = net.to_server.arrived[0] + net.to_server.arrived[1] + net.to_server.arrived[2];
  }
}

void peek() {
  Net net;
  Peers peers = dtls_connected(net);
  SSL *client = peers.client.get(), *server = peers.server.get();
  write(client, "first record");
  write(client, "second");
  char buffer[64];
  for (int i = 0; i < 3; i++) {
    int returned = SSL_peek(server, buffer, i == 2 ? 3 : 64);
    out("peek: %s %.*s, pending %d", outcome(server, returned).c_str(), std::max(returned, 0),
        buffer, SSL_pending(server));
  }
  for (int room : {5, 64, 64}) {
    size_t count = 99;
    int returned = SSL_peek_ex(server, buffer, 64, &count);
    out("peek_ex: %s, %zu", outcome(server, returned).c_str(), count);
    tell_read(server, room);
  }
}

void nothing() {
  Net net;
  Peers peers = dtls_connected(net);
  SSL *client = peers.client.get(), *server = peers.server.get();
  size_t count = 99;
  out("write: %s", outcome(client, SSL_write(client, "", 0)).c_str());
  int returned = SSL_write_ex(client, "", 0, &count);
  out("write_ex: %s, %zu", outcome(client, returned).c_str(), count);
  out("sent %zu", net.to_server.sent.size());
  tell_read(server, 0);
  write(client, "data");
  tell_read(server, 0);
  tell_read(server, 0);
  tell_read(server);
  tell_agreed(peers);
}

/// Records in the order `order`, of those that were written as r0, r1, …
void arrive(Net& net, Peers& peers, const Datagrams& records, const std::vector<size_t>& order) {
  std::string came;
  for (size_t which : order) {
    net.to_server.arrived.push_back(records[which]);
    std::string said = read(peers.server.get());
    came += said == "-1 WANT_READ" ? " -" : " " + said.substr(said.rfind(' ') + 1);
  }
  out("  %s", came.c_str());
}

Datagrams written(Net& net, Peers& peers, size_t count) {
  Datagrams records;
  for (size_t i = 0; i < count; i++) {
    write(peers.client.get(), text("r%zu", i));
    records.push_back(net.to_server.arrived.back());
  }
  net.to_server.arrived.clear();
  return records;
}

// RFC 6347 4.1.2.6.
void replays() {
  for (int version : kVersions) {
    Net net;
    Peers peers = dtls_connected(net, version);
    Datagrams records = written(net, peers, 300);
    arrive(net, peers, records, {0, 0, 1, 0, 1, 3, 2, 3, 2, 4});
    arrive(net, peers, records, {70, 69, 8, 7, 6, 5, 70, 69, 10, 8});
    arrive(net, peers, records, {133, 71, 70, 69, 134, 71, 72, 135, 72});
    arrive(net, peers, records, {299, 235, 236, 237, 298, 299, 237, 200, 134});
    tell_agreed(peers);
  }
}

void damaged() {
  for (const char* suite :
       {"AES128-GCM-SHA256", "AES128-SHA", "ECDHE-RSA-CHACHA20-POLY1305", "AES128-CCM8"}) {
    auto use = [=](SSL_CTX* c) {
      SSL_CTX_set_options(c, SSL_OP_NO_ENCRYPT_THEN_MAC);
      SSL_CTX_set_cipher_list(c, suite);
    };
    Net net;
    Peers peers =
        dtls_connected(net, DTLS1_2_VERSION, {.client_context = use, .server_context = use});
    SSL *client = peers.client.get(), *server = peers.server.get();
    out("%s", suite);
    auto damage = [&](const char* name, const std::function<void(std::string&)>& how) {
      write(client, "some data");
      how(net.to_server.arrived.back());
      std::string said = read(server);
      out("  %s: %s, has pending %d, left %zu", name, said.c_str(), SSL_has_pending(server),
          net.to_server.arrived.size());
    };
    damage("last byte", [](std::string& d) { d.back() ^= 1; });
    damage("first byte", [](std::string& d) { d[13] ^= 1; });
    damage("content type", [](std::string& d) { d[0] = SSL3_RT_ALERT; });
    damage("content type unknown", [](std::string& d) { d[0] = 99; });
    damage("version", [](std::string& d) { d[2] = '\xff'; });
    damage("version of TLS", [](std::string& d) { d.replace(1, 2, "\x03\x03"); });
    damage("epoch 0", [](std::string& d) { d[4] = 0; });
    damage("epoch 2", [](std::string& d) { d[4] = 2; });
    damage("epoch 257", [](std::string& d) { d[3] = 1; });
    damage("sequence number", [](std::string& d) { d[10] ^= 0x40; });
    damage("sequence number far ahead", [](std::string& d) { d[5] = '\x7f'; });
    damage("length longer", [](std::string& d) { d[12]++; });
    damage("length shorter", [](std::string& d) { d[12]--; });
    damage("length none", [](std::string& d) { d.replace(11, 2, 2, '\0'); });
    damage("length too long", [](std::string& d) { d[11] = '\x7f'; });
    damage("cut by one", [](std::string& d) { d.pop_back(); });
    damage("cut in the header", [](std::string& d) { d.resize(12); });
    damage("cut after the header", [](std::string& d) { d.resize(13); });
    damage("one byte", [](std::string& d) { d.resize(1); });
    damage("too short for its cipher", [](std::string& d) {
      d.resize(16);
      d.replace(11, 2, big_endian(3, 2));
    });
    tell_agreed(peers);
  }
}

void damaged_in_company() {
  Net net;
  Peers peers = dtls_connected(net);
  SSL *client = peers.client.get(), *server = peers.server.get();
  for (size_t which = 0; which < 3; which++) {
    Datagrams records = written(net, peers, 3);
    records[which].back() ^= 1;
    net.to_server.arrived = {records[0] + records[1] + records[2]};
    out("damaged %zu", which);
    for (int i = 0; i < 3; i++) tell_read(server);
  }
  net.to_server.arrived = {"garbage", std::string(13, '\0'), std::string(2000, 'x')};
  tell_read(server);
  write(client, "data");
  tell_read(server);
  tell_agreed(peers);
}

/// Records of epoch 0 after the handshake, which anybody can send.
void unprotected() {
  for (int version : kVersions) {
    Net net;
    auto use = [](SSL_CTX* c) { SSL_CTX_set_options(c, SSL_OP_NO_ENCRYPT_THEN_MAC); };
    Peers peers = dtls_connected(net, version, {.client_context = use, .server_context = use});
    SSL* server = peers.server.get();
    auto wire = static_cast<size_t>(version);
    out("%s", version_text(version));
    for (size_t epoch : {0, 1, 2}) {
      net.to_server.arrived = {
          record(SSL3_RT_APPLICATION_DATA, wire, epoch, 100, "forged"),
          record(SSL3_RT_ALERT, wire, epoch, 101, {2, 40}),
          record(SSL3_RT_ALERT, wire, epoch, 102, {1, 0}),
          record(SSL3_RT_CHANGE_CIPHER_SPEC, wire, epoch, 103, {1}),
          record(SSL3_RT_HANDSHAKE, wire, epoch, 104, fragment(1, 5, "hello", 0, 5)),
          record(SSL3_RT_HANDSHAKE, wire, epoch, 105, fragment(20, 2, "finished", 0, 8)),
          record(24, wire, epoch, 106, "heartbeat")};
      tell_read(server);
      out("  left %zu, %s", net.to_server.arrived.size(), state_line(server).c_str());
    }
    tell_agreed(peers);
  }
}

/// A write that the BIO did not take is not kept.
void held_back() {
  Net net;
  Peers peers = dtls_connected(net);
  SSL *client = peers.client.get(), *server = peers.server.get();
  net.client.stalled = true;
  out("write: %s, want %d", outcome(client, SSL_write(client, "first", 5)).c_str(),
      SSL_want(client));
  out("write: %s", outcome(client, SSL_write(client, "first", 5)).c_str());
  net.client.stalled = false;
  out("write: %s", outcome(client, SSL_write(client, "other data", 10)).c_str());
  tell_sent("sent", net.to_server);
  tell_read(server);
  tell_read(server);
}

void closed() {
  Net net;
  Peers peers = dtls_connected(net);
  SSL *client = peers.client.get(), *server = peers.server.get();
  Log client_log, server_log;
  client_log.watch_messages(client);
  server_log.watch_messages(server);
  write(client, "before");
  out("shutdown: %s", outcome(client, SSL_shutdown(client)).c_str());
  out("write: %s", outcome(client, SSL_write(client, "after", 5)).c_str());
  tell_read(server);
  tell_read(server);
  out("  flags %d", SSL_get_shutdown(server));
  tell_read(server);
  out("server still writes: %s", outcome(server, SSL_write(server, "still", 5)).c_str());
  tell_read(client);
  out("shutdown: %s", outcome(server, SSL_shutdown(server)).c_str());
  out("shutdown: %s", outcome(client, SSL_shutdown(client)).c_str());
  out("flags %d %d", SSL_get_shutdown(client), SSL_get_shutdown(server));
  print("client", client_log.lines);
  print("server", server_log.lines);
  tell_sent(net);
}

void close_notify_is_lost() {
  Net net;
  Peers peers = dtls_connected(net);
  SSL *client = peers.client.get(), *server = peers.server.get();
  net.to_server.fate = lose_all();
  for (int i = 0; i < 3; i++) {
    out("shutdown: %s", outcome(client, SSL_shutdown(client)).c_str());
  }
  out("sent %zu", net.to_server.sent.size());
  tell_read(server);
}

void close_notify_is_held_back() {
  Net net;
  Peers peers = dtls_connected(net);
  SSL *client = peers.client.get(), *server = peers.server.get();
  net.client.stalled = true;
  out("shutdown: %s", outcome(client, SSL_shutdown(client)).c_str());
  out("shutdown: %s", outcome(client, SSL_shutdown(client)).c_str());
  net.client.stalled = false;
  out("shutdown: %s", outcome(client, SSL_shutdown(client)).c_str());
  out("sent %zu", net.to_server.sent.size());
  tell_read(server);
  out("shutdown: %s", outcome(server, SSL_shutdown(server)).c_str());
  out("shutdown: %s", outcome(client, SSL_shutdown(client)).c_str());
}

void quiet() {
  Net net;
  Peers peers = dtls_connected(net);
  SSL* client = peers.client.get();
  SSL_set_quiet_shutdown(client, 1);
  out("shutdown: %s, sent %zu, flags %d", outcome(client, SSL_shutdown(client)).c_str(),
      net.to_server.sent.size(), SSL_get_shutdown(client));
}

void read_ahead() {
  for (int ahead : {0, 1}) {
    Net net;
    Peers peers = dtls_peers(net);
    SSL* server = peers.server.get();
    SSL_set_read_ahead(server, ahead);
    out("%s, read ahead %d", handshake(peers).said().c_str(), SSL_get_read_ahead(server));
    write(peers.client.get(), "one");
    write(peers.client.get(), "two");
    tell_read(server, 2);
    tell_read(server);
    tell_read(server);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"record-by-record", record_by_record},
              {"several-in-a-datagram", several_in_a_datagram},
              {"peek", peek},
              {"nothing", nothing},
              {"replays", replays},
              {"damaged", damaged},
              {"damaged-in-company", damaged_in_company},
              {"unprotected", unprotected},
              {"held-back", held_back},
              {"closed", closed},
              {"close_notify-is-lost", close_notify_is_lost},
              {"close_notify-is-held-back", close_notify_is_held_back},
              {"quiet", quiet},
              {"read-ahead", read_ahead}},
             argc, argv);
}
