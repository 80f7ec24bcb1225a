// SSL_key_update(3) amid writes that are unfinished, and over BIOs that take little at a time.
#include "support/post_handshake.h"

namespace {
using namespace twin;

/// A client whose write stops after 20000 of 40000 bytes.
struct Stopped {
  Faults faults;
  Peers peers = make_peers();
  const std::string data = sample(40000);

  Stopped() {
    link_memory(peers, &faults, nullptr);
    require(handshake(peers).good(), "handshake");
    faults.write.stall_at = faults.write.passed + 20000;
    out("write: %s", writes(peers.client.get(), data).c_str());
  }
  void go_on() { faults.write.stall_at = -1; }
  void read_all() {
    std::string got(data.size(), '\0');
    size_t received = 0, count = 0;
    while (received < got.size() &&
           SSL_read_ex(peers.server.get(), got.data() + received, got.size() - received, &count)) {
      received += count;
    }
    ERR_clear_error();
    out("read %zu bytes, the same %d", received, got == data);
  }
};

void asked_for_in_an_unfinished_write() {
  for (int type : kUpdateTypes) {
    Stopped stopped;
    SSL* client = stopped.peers.client.get();
    asks(client, type);
    out("do_handshake: %s", outcome_and_want(client, SSL_do_handshake(client)).c_str());
    stopped.go_on();
    out("write: %s", writes(client, stopped.data).c_str());
    asks(client, type);
    out("write: %s", writes(client, "hello").c_str());
    stopped.read_all();
    out("read: %s", reads(stopped.peers.server.get()).c_str());
    pending(stopped.peers);
  }
}

// The peer's request is read while a write is half way: the answer waits for the next write.
void requested_in_an_unfinished_write() {
  for (int type : kUpdateTypes) {
    Stopped stopped;
    SSL *client = stopped.peers.client.get(), *server = stopped.peers.server.get();
    asks(server, type);
    writes(server, "mine");
    out("read: %s", reads(client).c_str());
    pending(stopped.peers);
    out("do_handshake: %s", outcome_and_want(client, SSL_do_handshake(client)).c_str());
    out("write: %s", writes(client, stopped.data).c_str());
    stopped.go_on();
    out("write: %s", writes(client, stopped.data).c_str());
    pending(stopped.peers);
    stopped.read_all();
    out("write: %s", writes(client, "hello").c_str());
    pending(stopped.peers);
    out("read: %s", reads(server).c_str());
  }
}

// The KeyUpdate itself cannot leave.
void blocked(bool read_first) {
  for (int type : kUpdateTypes) {
    Faults faults;
    Peers peers = make_peers();
    link_memory(peers, &faults, nullptr);
    require(handshake(peers).good(), "handshake");
    SSL *client = peers.client.get(), *server = peers.server.get();
    writes(server, "data for a client that cannot write");
    faults.write.stall_at = faults.write.passed + 7;
    asks(client, type);
    out("  do_handshake: %s", outcome_and_want(client, SSL_do_handshake(client)).c_str());
    out("  %s", state_line(client).c_str());
    pending(peers);
    if (read_first) out("  read: %s", reads(client).c_str());
    out("  write: %s", writes(client, "hello").c_str());
    asks(client, type);
    faults.write.stall_at = -1;
    if (read_first) out("  read: %s", reads(client).c_str());
    out("  write: %s", writes(client, "hello").c_str());
    out("  read: %s", reads(server).c_str());
    pending(peers);
  }
}

void blocked_and_read() {
  blocked(true);
}
void blocked_and_written() {
  blocked(false);
}

void partial_writes() {
  Faults faults;
  Peers peers = make_peers({.client = [](SSL* ssl) {
    SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  }});
  link_memory(peers, &faults, nullptr);
  require(handshake(peers).good(), "handshake");
  SSL *client = peers.client.get(), *server = peers.server.get();
  const std::string data = sample(60000);
  std::string got;
  size_t sent = 0;
  for (int i = 0; sent < data.size() && i < 100; ++i) {
    faults.write.stall_at = faults.write.passed + (i % 3 ? 5000 : 40000);
    int returned = SSL_write(client, data.data() + sent, static_cast<int>(data.size() - sent));
    if (returned > 0) {
      sent += static_cast<size_t>(returned);
      out("%zu sent", sent);
      require(SSL_key_update(i % 3 ? client : server, kUpdateTypes[i % 2]) == 1, "SSL_key_update");
      SSL_do_handshake(server);
    }
    char buffer[20000];
    for (int length; (length = SSL_read(server, buffer, sizeof buffer)) > 0;) {
      got.append(buffer, static_cast<size_t>(length));
    }
    SSL_read(client, buffer, 1);
    ERR_clear_error();
  }
  out("the same %d", got == data);
}

void small_pair() {
  for (size_t size : {1u, 20u, 1000u}) {
    Peers peers = make_peers();
    link_pair(peers, size, size);
    require(handshake(peers).good(), "handshake");
    SSL *client = peers.client.get(), *server = peers.server.get();
    for (int type : kUpdateTypes) {
      asks(client, type);
      out("  %s", transfer(client, server, sample(3000)).c_str());
      asks(server, type);
      out("  %s", transfer(server, client, sample(3000)).c_str());
      out("  %s", transfer(client, server, sample(3000)).c_str());
    }
  }
}

void states_byte_by_byte() {
  for (int type : kUpdateTypes) {
    Faults client_faults, server_faults;
    Peers peers = make_peers();
    link_memory(peers, &client_faults, &server_faults);
    require(handshake(peers).good(), "handshake");
    client_faults.read = client_faults.write = server_faults.read =
        server_faults.write = {.piece = 1, .retry_between = true};
    Lines states;
    auto keep = [&](SSL* ssl, int returned) {
      std::string line = text("%s %s: %s", role(ssl), error_name(SSL_get_error(ssl, returned)),
                              state_line(ssl).c_str());
      if (std::find(states.begin(), states.end(), line) == states.end()) states.push_back(line);
      return returned;
    };
    SSL *client = peers.client.get(), *server = peers.server.get();
    asks(client, type);
    char buffer[10];
    while (keep(client, SSL_write(client, "hello", 5)) <= 0) {
    }
    while (keep(server, SSL_read(server, buffer, 10)) <= 0) {
    }
    while (keep(server, SSL_write(server, "hello", 5)) <= 0) {
    }
    while (keep(client, SSL_read(client, buffer, 10)) <= 0) {
    }
    print("states", states);
    pending(peers);
  }
}

void blocking_sockets() {
  Sockets sockets(true);
  Peers peers = make_peers();
  link_sockets(peers, sockets);
  require(handshake_threads(peers).good(), "handshake");
  auto talk = [](SSL* ssl, bool first) {
    int good = 0;
    char buffer[1000];
    for (int i = 0; i < 50; ++i) {
      if (i % 3 == (first ? 0 : 1)) SSL_key_update(ssl, kUpdateTypes[i % 2]);
      if (first) good += SSL_write(ssl, buffer, sizeof buffer) == sizeof buffer;
      good += SSL_read(ssl, buffer, sizeof buffer) == sizeof buffer;
      if (!first) good += SSL_write(ssl, buffer, sizeof buffer) == sizeof buffer;
    }
    return good;
  };
  int server_good = 0;
  std::thread server([&] { server_good = talk(peers.server.get(), false); });
  int client_good = talk(peers.client.get(), true);
  server.join();
  out("client %d, server %d of 100", client_good, server_good);
  pending(peers);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"unfinished-write.asked", asked_for_in_an_unfinished_write},
              {"unfinished-write.requested", requested_in_an_unfinished_write},
              {"blocked-and-read", blocked_and_read},
              {"blocked-and-written", blocked_and_written},
              {"partial-writes", partial_writes},
              {"small-pair", small_pair},
              {"states-byte-by-byte", states_byte_by_byte},
              {"blocking-sockets", blocking_sockets}},
             argc, argv);
}
