// Post-handshake authentication amid application data, KeyUpdates, slow BIOs and shutdowns.
#include "support/post_handshake.h"

namespace {
using namespace twin;

/// One SSL_read of up to a hundred bytes on each side, told.
void both_read(Peers& peers) {
  out("  client: %s", reads(peers.client.get()).c_str());
  out("  server: %s", reads(peers.server.get()).c_str());
}

// SSL_read, SSL_peek and SSL_write of the server send the request too.
void request_leaves_with_any_call() {
  char byte;
  for (int call = 0; call < 4; ++call) {
    Peers peers = connected(later_authentication());
    SSL* server = peers.server.get();
    out("ask: %d, %s", SSL_verify_client_post_handshake(server), state_line(server).c_str());
    int returned = call == 0   ? SSL_read(server, &byte, 1)
                   : call == 1 ? SSL_peek(server, &byte, 1)
                   : call == 2 ? SSL_write(server, "x", 1)
                               : SSL_shutdown(server);
    out("call %d: %s", call, outcome_and_want(server, returned).c_str());
    out("  %s", state_line(server).c_str());
    both_read(peers);
    both_read(peers);
    out("  %s", peer_line(server).c_str());
  }
}

void data_around() {
  Peers peers = connected(later_authentication());
  SSL *client = peers.client.get(), *server = peers.server.get();
  out("client writes: %s", writes(client, "before").c_str());
  out("server writes: %s", writes(server, "request follows").c_str());
  ask(server);
  out("server writes: %s", writes(server, "request was sent").c_str());
  out("client writes: %s", writes(client, "not read yet").c_str());
  for (int i = 0; i < 5; ++i) both_read(peers);
  out("%s", peer_line(server).c_str());
  out("%s", transfer(client, server, sample(100000)).c_str());
  out("%s", transfer(server, client, sample(100000)).c_str());
}

// Reads that look at data ahead of the request, and have some left when it comes.
void pending_data() {
  Peers peers = connected(later_authentication());
  SSL *client = peers.client.get(), *server = peers.server.get();
  SSL_set_read_ahead(client, 1);
  SSL_write(server, "abcdef", 6);
  ask(server);
  char buffer[10];
  out("peek: %s", outcome(client, SSL_peek(client, buffer, 2)).c_str());
  out("read: %s, pending %d", outcome(client, SSL_read(client, buffer, 2)).c_str(),
      SSL_pending(client));
  out("server: %s", reads(server).c_str());
  out("read: %s, pending %d, %d", outcome(client, SSL_read(client, buffer, 4)).c_str(),
      SSL_pending(client), SSL_has_pending(client));
  out("server: %s", reads(server).c_str());
  out("client: %s", reads(client).c_str());
  out("server: %s", reads(server).c_str());
  out("%s", peer_line(server).c_str());
}

void without_auto_retry() {
  Peers peers = connected(later_authentication());
  SSL_clear_mode(peers.client.get(), SSL_MODE_AUTO_RETRY);
  SSL_clear_mode(peers.server.get(), SSL_MODE_AUTO_RETRY);
  ask(peers.server.get());
  SSL_write(peers.server.get(), "down", 4);
  both_read(peers);
  SSL_write(peers.client.get(), "up", 2);
  both_read(peers);
  both_read(peers);
  out("%s", peer_line(peers.server.get()).c_str());
}

// New keys between the handshake and the exchange, and between its two halves.
void key_updates() {
  for (int type : {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED}) {
    Peers peers = connected(later_authentication());
    SSL *client = peers.client.get(), *server = peers.server.get();
    auto renew = [&](SSL* ssl) {
      int asked = SSL_key_update(ssl, type), returned = SSL_do_handshake(ssl);
      out("  KeyUpdate: %d, %s", asked, outcome(ssl, returned).c_str());
    };
    renew(client);
    renew(server);
    renew(client);
    authenticate(peers);
    ask(server);
    renew(server);
    renew(client);
    both_read(peers);
    both_read(peers);
    out("  %s", peer_line(server).c_str());
    out("  %s", transfer(client, server, "hello").c_str());
    out("  %s", transfer(server, client, "hello").c_str());
    authenticate(peers);
  }
}

void many() {
  Peers peers = connected(later_authentication("client-ed25519", SSL_VERIFY_PEER));
  for (int i = 0; i < 40; ++i) {
    require(SSL_verify_client_post_handshake(peers.server.get()) == 1, "ask");
    require(SSL_do_handshake(peers.server.get()) == 1, "request");
    reads(peers.client.get());
    reads(peers.server.get());
  }
  out("%s", peer_line(peers.server.get()).c_str());
  out("%s", transfer(peers.client.get(), peers.server.get(), "hello").c_str());
}

/// Calls SSL_do_handshake or SSL_read of both ends in turn until nothing moves; the wants of each
/// end, every one once.
void drive(Peers& peers) {
  Lines wants;
  for (int idle = 0; idle < 8;) {
    uint64_t before = traffic(peers);
    for (SSL* ssl : {peers.server.get(), peers.client.get()}) {
      char buffer[100];
      int returned = SSL_do_handshake(ssl);
      if (returned == 1) returned = SSL_read(ssl, buffer, sizeof buffer);
      std::string line = text("%s %s", SSL_is_server(ssl) ? "server" : "client",
                              outcome_and_want(ssl, returned).c_str());
      if (std::find(wants.begin(), wants.end(), line) == wants.end()) wants.push_back(line);
    }
    idle = traffic(peers) == before ? idle + 1 : 0;
  }
  print("wants", wants);
}

void small_pair() {
  for (size_t size : {20u, 100u, 1000u}) {
    Peers peers = make_peers(later_authentication("client-rsa"));
    link_pair(peers, size, size);
    require(handshake(peers).good(), "handshake");
    for (int i = 0; i < 2; ++i) {
      out("ask: %d", SSL_verify_client_post_handshake(peers.server.get()));
      drive(peers);
      out("%s", peer_line(peers.server.get()).c_str());
    }
    out("%s", transfer(peers.client.get(), peers.server.get(), sample(5000)).c_str());
  }
}

void pieces() {
  for (size_t piece : {1u, 3u, 50u}) {
    Faults client, server;
    client.read = client.write = server.read =
        server.write = {.piece = piece, .retry_between = piece != 3};
    Peers peers = make_peers(later_authentication("client-rsa"));
    link_memory(peers, &client, &server);
    require(handshake(peers).good(), "handshake");
    out("ask: %d", SSL_verify_client_post_handshake(peers.server.get()));
    drive(peers);
    out("%s", peer_line(peers.server.get()).c_str());
  }
}

void blocking_sockets() {
  Sockets sockets(true);
  Peers peers = make_peers(later_authentication("client-rsa"));
  link_sockets(peers, sockets);
  require(handshake_threads(peers).good(), "handshake");
  std::string client_said;
  std::thread client([&] {
    char buffer[10];
    int returned = SSL_read(peers.client.get(), buffer, sizeof buffer);
    client_said = outcome(peers.client.get(), returned);
    SSL_write(peers.client.get(), "answered", 8);
  });
  SSL* server = peers.server.get();
  ask(server);
  SSL_write(server, "go on", 5);
  out("server: %s", reads(server).c_str());
  client.join();
  out("client: %s", client_said.c_str());
  out("%s", peer_line(server).c_str());
}

// The answer waits for the BIO, and the application wants to write.
void write_meets_an_unfinished_answer() {
  Faults faults;
  Peers peers = make_peers(later_authentication());
  link_memory(peers, &faults, nullptr);
  require(handshake(peers).good(), "handshake");
  SSL *client = peers.client.get(), *server = peers.server.get();
  ask(server);
  faults.write.stall_at = faults.write.passed + 100;
  out("read: %s", reads(client).c_str());
  out("  %s", state_line(client).c_str());
  out("write: %s", writes(client, "hello").c_str());
  out("server: %s", reads(server).c_str());
  faults.write.stall_at = -1;
  out("write: %s", writes(client, "hello").c_str());
  out("  %s", state_line(client).c_str());
  out("server: %s", reads(server).c_str());
  out("%s", peer_line(server).c_str());
}

// A write of one side is half way when the request comes or is to be sent.
void request_meets_an_unfinished_write(bool by_client) {
  Faults faults;
  Peers peers = make_peers(later_authentication());
  link_memory(peers, by_client ? &faults : nullptr, by_client ? nullptr : &faults);
  require(handshake(peers).good(), "handshake");
  SSL *client = peers.client.get(), *server = peers.server.get();
  SSL* writer = by_client ? client : server;
  const std::string data = sample(40000);
  if (by_client) ask(server);
  faults.write.stall_at = faults.write.passed + 20000;
  out("write: %s", writes(writer, data).c_str());
  if (by_client) {
    out("client: %s", reads(client).c_str());
  } else {
    out("ask: %s", answer(SSL_verify_client_post_handshake(server)).c_str());
    out("request: %s", outcome(server, SSL_do_handshake(server)).c_str());
  }
  faults.write.stall_at = -1;
  if (!by_client) out("request: %s", outcome(server, SSL_do_handshake(server)).c_str());
  out("write: %s", writes(writer, data).c_str());
  std::string got(data.size(), '\0');
  size_t received = 0, count = 0;
  SSL* reader = by_client ? server : client;
  while (received < got.size() &&
         SSL_read_ex(reader, got.data() + received, got.size() - received, &count)) {
    received += count;
  }
  ERR_clear_error();
  out("read %zu bytes, the same %d", received, got == data);
  for (SSL* ssl : {client, server, client, server}) reads(ssl);
  ERR_clear_error();
  out("%s", peer_line(server).c_str());
}

void request_meets_the_clients_write() {
  request_meets_an_unfinished_write(true);
}
void request_meets_the_servers_write() {
  request_meets_an_unfinished_write(false);
}

// SSL_shutdown on one side or the other at each stage.
void shutdowns() {
  for (int stage = 0; stage < 4; ++stage) {
    for (bool by_client : {true, false}) {
      out("%s, stage %d", by_client ? "client" : "server", stage);
      Peers peers = connected(later_authentication());
      SSL *client = peers.client.get(), *server = peers.server.get();
      SSL* closing = by_client ? client : server;
      auto close = [&](int now) {
        if (now == stage) out("  shutdown: %s", outcome(closing, SSL_shutdown(closing)).c_str());
      };
      close(0);
      int asked = SSL_verify_client_post_handshake(server);
      out("  ask: %s", answer(asked).c_str());
      close(1);
      out("  request: %s", outcome(server, SSL_do_handshake(server)).c_str());
      close(2);
      uint64_t before = BIO_number_written(SSL_get_wbio(client));
      out("  client: %s", reads(client).c_str());
      out("  client wrote %d", BIO_number_written(SSL_get_wbio(client)) != before);
      close(3);
      out("  server: %s", reads(server).c_str());
      out("  client: %s", reads(client).c_str());
      out("  shutdown: %s", outcome(closing, SSL_shutdown(closing)).c_str());
      out("  %s", peer_line(server).c_str());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"request-leaves-with-any-call", request_leaves_with_any_call},
              {"data-around", data_around},
              {"pending-data", pending_data},
              {"without-auto-retry", without_auto_retry},
              {"key-updates", key_updates},
              {"many", many},
              {"small-pair", small_pair},
              {"pieces", pieces},
              {"blocking-sockets", blocking_sockets},
              {"write-meets-an-unfinished-answer", write_meets_an_unfinished_answer},
              {"request-meets-the-clients-write", request_meets_the_clients_write},
              {"request-meets-the-servers-write", request_meets_the_servers_write},
              {"shutdowns", shutdowns}},
             argc, argv);
}
