// Renegotiation with data in flight: what reads and writes return, with and without
// SSL_MODE_AUTO_RETRY, in small pieces and on blocking sockets.
#include "support/renegotiation.h"

namespace {
using namespace twin;

struct Flavour {
  const char* name;
  int version;
  const char* suite;
  bool auto_retry;
};
constexpr Flavour kFlavours[] = {
    {"1.2-retry", TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", true},
    {"1.2-no-retry", TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", false},
    {"1.0-retry", TLS1_VERSION, "AES128-SHA", true},
    {"1.0-no-retry", TLS1_VERSION, "AES128-SHA", false},
    {"1.1-no-retry", TLS1_1_VERSION, "AES128-SHA", false}};

Peers peers_of(const Flavour& flavour) {
  auto mode = [=](SSL_CTX* c) {
    if (!flavour.auto_retry) SSL_CTX_clear_mode(c, SSL_MODE_AUTO_RETRY);
  };
  return renegotiable(
      {.version = flavour.version, .suite = flavour.suite, .client = mode, .server = mode});
}

void start(const Peers& peers, bool by_client) {
  SSL* ssl = by_client ? peers.client.get() : peers.server.get();
  int started = SSL_renegotiate(ssl);
  int returned = SSL_do_handshake(ssl);
  out("  start: %d, %s", started, outcome_and_want(ssl, returned).c_str());
}

// What was sent before the other end noticed comes first.
void data_before(const Flavour& flavour) {
  for (bool by_client : {true, false}) {
    Peers peers = peers_of(flavour);
    out("%s:", by_client ? "client" : "server");
    SSL_write(peers.client.get(), "from the client", 15);
    SSL_write(peers.server.get(), "from the server", 15);
    start(peers, by_client);
    read_in_turn(peers);
    tell_counts(peers);
    tell_data(peers);
  }
}

// Data that arrives in the middle: a server reads it while it waits for the client's second flight,
// a client may have sent it before it saw the HelloRequest.
void data_within(const Flavour& flavour) {
  for (bool by_client : {true, false}) {
    for (bool writer_is_client : {true, false}) {
      Peers peers = peers_of(flavour);
      SSL* writer = writer_is_client ? peers.client.get() : peers.server.get();
      out("%s starts, %s writes:", by_client ? "client" : "server",
          writer_is_client ? "client" : "server");
      start(peers, by_client);
      for (int round = 0; round < 8; round++) {
        SSL* reader = round % 2 == 0 ? peers.server.get() : peers.client.get();
        if (round < 4) {
          int returned = SSL_write(writer, "abcd", 4);
          out("  write: %s, %s", outcome_and_want(writer, returned).c_str(),
              state_line(writer).c_str());
        }
        out("  %s reads: %s, %s", SSL_is_server(reader) ? "server" : "client",
            read_said(reader).c_str(), state_line(reader).c_str());
      }
      read_in_turn(peers);
      tell_counts(peers);
    }
  }
}

// Half of a record was read when the HelloRequest is sent and when it comes.
void partly_read(const Flavour& flavour) {
  Peers peers = peers_of(flavour);
  char byte;
  SSL_write(peers.client.get(), "from the client", 15);
  SSL_write(peers.server.get(), "from the server", 15);
  SSL_read(peers.client.get(), &byte, 1);
  SSL_read(peers.server.get(), &byte, 1);
  out("  pending %d %d", SSL_pending(peers.client.get()), SSL_pending(peers.server.get()));
  start(peers, false);
  out("  pending %d %d", SSL_pending(peers.client.get()), SSL_pending(peers.server.get()));
  read_in_turn(peers);
  tell_counts(peers);
  tell_data(peers);
}

// The rest is never read: the handshake meets it.
void rest_left(const Flavour& flavour) {
  for (bool by_client : {true, false}) {
    Peers peers = peers_of(flavour);
    out("%s:", by_client ? "client" : "server");
    SSL* ssl = by_client ? peers.client.get() : peers.server.get();
    SSL* other = by_client ? peers.server.get() : peers.client.get();
    char byte;
    SSL_write(other, "from the other", 14);
    SSL_read(ssl, &byte, 1);
    start(peers, by_client);
    out("  other reads: %s", read_said(other).c_str());
    out("  SSL_do_handshake: %s", outcome(ssl, SSL_do_handshake(ssl)).c_str());
    out("  pending %d, reads: %s", SSL_pending(ssl), read_said(ssl).c_str());
  }
}

// SSL_write and SSL_peek are what notices.
void others_notice(const Flavour& flavour) {
  for (bool by_client : {true, false}) {
    Peers peers = peers_of(flavour);
    SSL* other = by_client ? peers.server.get() : peers.client.get();
    char buffer[16];
    out("%s:", by_client ? "client" : "server");
    start(peers, by_client);
    out("  SSL_write: %s", outcome_and_want(other, SSL_write(other, "abcd", 4)).c_str());
    out("  SSL_peek: %s, %s",
        outcome_and_want(other, SSL_peek(other, buffer, sizeof buffer)).c_str(),
        state_line(other).c_str());
    out("  SSL_shutdown: %s", outcome_and_want(other, SSL_shutdown(other)).c_str());
    out("  SSL_do_handshake: %s", outcome_and_want(other, SSL_do_handshake(other)).c_str());
    read_in_turn(peers);
  }
}

// Everything a byte at a time: which wants a reader and a writer see.
void byte_by_byte(const Flavour& flavour) {
  for (bool by_client : {true, false}) {
    Peers peers = peers_of(flavour);
    Faults client, server;
    client.read = client.write = server.read = server.write = {.piece = 1, .retry_between = true};
    link_memory(peers, &client, &server);
    SSL* ssl = by_client ? peers.client.get() : peers.server.get();
    SSL_renegotiate(ssl);
    Lines trace;
    auto note = [&](const char* call, SSL* about, int returned) {
      std::string line = text("%s %s: %s, %s", SSL_is_server(about) ? "server" : "client", call,
                              outcome_and_want(about, returned).c_str(), state_line(about).c_str());
      if (std::find(trace.begin(), trace.end(), line) == trace.end()) trace.push_back(line);
    };
    for (int i = 0; i < 60000 && (i < 10 || SSL_renegotiate_pending(ssl) || SSL_in_init(ssl));
         i++) {
      note("handshake", ssl, SSL_do_handshake(ssl));
      SSL* other = by_client ? peers.server.get() : peers.client.get();
      char buffer[16];
      note("read", other, SSL_read(other, buffer, sizeof buffer));
    }
    print(by_client ? "client" : "server", trace);
    tell_counts(peers);
    tell_data(peers);
  }
}

// Blocking sockets, one thread for each end: a plain read or write hides all of it, but without
// SSL_MODE_AUTO_RETRY a read comes back with WANT_READ.
void blocking(const Flavour& flavour) {
  for (bool by_client : {true, false}) {
    Sockets sockets(true);
    auto mode = [=](SSL_CTX* c) {
      SSL_CTX_set_cipher_list(c, flavour.suite);
      SSL_CTX_set_options(c, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
      if (!flavour.auto_retry) SSL_CTX_clear_mode(c, SSL_MODE_AUTO_RETRY);
    };
    Peers peers =
        make_peers(at_version(flavour.version, {.client_context = mode, .server_context = mode}));
    link_sockets(peers, sockets);
    out("%s: %s", by_client ? "client" : "server", handshake_threads(peers).said().c_str());
    SSL* starter = by_client ? peers.client.get() : peers.server.get();
    SSL* other = by_client ? peers.server.get() : peers.client.get();
    Lines of_other;
    std::thread thread([&] {
      char buffer[64];
      for (int i = 0; i < 10; i++) {
        int returned = SSL_read(other, buffer, sizeof buffer);
        of_other.push_back("reads " + outcome_and_want(other, returned));
        if (returned > 0) break;
      }
      int returned = SSL_write(other, "answer", 6);
      of_other.push_back("writes " + outcome_and_want(other, returned));
    });
    Lines of_starter;
    of_starter.push_back("renegotiates " + outcome(starter, SSL_renegotiate(starter)));
    of_starter.push_back("handshake " + outcome_and_want(starter, SSL_do_handshake(starter)));
    of_starter.push_back("writes " + outcome_and_want(starter, SSL_write(starter, "question", 8)));
    char buffer[64];
    for (int i = 0; i < 10; i++) {
      int returned = SSL_read(starter, buffer, sizeof buffer);
      of_starter.push_back("reads " + outcome_and_want(starter, returned));
      if (returned > 0) break;
    }
    thread.join();
    print("starter", of_starter);
    print("other", of_other);
    tell_counts(peers);
  }
}

// Every so many bytes one is started from within; all of them are counted.
void by_bytes(const Flavour& flavour) {
  Peers peers = peers_of(flavour);
  BIO* bio = BIO_new(BIO_f_ssl());
  BIO_set_ssl(bio, peers.client.get(), BIO_NOCLOSE);
  out("SSL_BIO renegotiates after: %ld", BIO_set_ssl_renegotiate_bytes(bio, 600));
  out("refused: %ld", BIO_set_ssl_renegotiate_bytes(bio, 100));
  for (int i = 0; i < 10; i++) {
    int returned = BIO_write(bio, std::string(300, 'x').data(), 300);
    out("BIO_write: %d, retry %d", returned, BIO_should_retry(bio));
    ERR_clear_error();
    read_in_turn(peers);
  }
  out("BIO says %ld", BIO_get_num_renegotiates(bio));
  tell_counts(peers);
  BIO* transport = BIO_next(bio);  // counted by BIO_set_ssl
  BIO_free(bio);
  BIO_free(transport);
}

}  // namespace

int main(int argc, char** argv) {
  struct Part {
    const char* name;
    void (*run)(const Flavour&);
  };
  std::vector<Case> cases;
  for (const Part& part : {Part{"data-before", data_before}, Part{"data-within", data_within},
                           Part{"partly-read", partly_read}, Part{"rest-left", rest_left},
                           Part{"others-notice", others_notice}, Part{"byte-by-byte", byte_by_byte},
                           Part{"blocking", blocking}, Part{"by-bytes", by_bytes}}) {
    for (const Flavour& flavour : kFlavours) {
      cases.push_back({text("%s.%s", part.name, flavour.name), [=] { part.run(flavour); }});
    }
  }
  return run(cases, argc, argv);
}
