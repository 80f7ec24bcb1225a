// Handshake and data over every kind of BIO: sockets, memory, pairs of any size, filter chains,
// BIOs that retry at every byte, fail or end at any byte.
#include <set>

#include "support/loggers.h"

namespace {
using namespace twin;

/// Whole exchange: handshake, data both ways, close_notify both ways.
void whole(const char* title, Peers& peers, size_t size = 3000) {
  Result result = handshake(peers);
  out("%s: %s", title, result.said().c_str());
  if (!result.good()) return;
  out("  to server: %s", transfer(peers.client.get(), peers.server.get(), sample(size)).c_str());
  out("  to client: %s", transfer(peers.server.get(), peers.client.get(), sample(size, 9)).c_str());
  int client = 0, server = 0;
  for (int idle = 0; idle < 6 && !(client == 1 && server == 1);) {
    uint64_t before = traffic(peers);
    if (client != 1) client = SSL_shutdown(peers.client.get());
    (void)BIO_flush(SSL_get_wbio(peers.client.get()));
    if (server != 1) server = SSL_shutdown(peers.server.get());
    idle = traffic(peers) == before ? idle + 1 : 0;
  }
  out("  shutdown: client %d, server %d", client, server);
  errors();
}

void blocking_sockets() {
  Peers peers = make_peers();
  Sockets sockets(true);
  link_sockets(peers, sockets);
  Result result = handshake_threads(peers);
  out("%s", result.said().c_str());
  std::string data = sample(100000), echo(data.size(), '\0');
  int written = 0, shut = 0;
  std::thread server([&] {
    char buffer[5000];
    int got;
    while ((got = SSL_read(peers.server.get(), buffer, sizeof buffer)) > 0) {
      written = SSL_write(peers.server.get(), buffer, got);
    }
    shut = SSL_shutdown(peers.server.get());
  });
  size_t received = 0;
  for (size_t sent = 0; sent < data.size(); sent += 10000) {
    SSL_write(peers.client.get(), data.data() + sent, 10000);
    while (received < sent + 10000) {
      int got = SSL_read(peers.client.get(), echo.data() + received,
                         static_cast<int>(echo.size() - received));
      if (got <= 0) break;
      received += static_cast<size_t>(got);
    }
  }
  int first = SSL_shutdown(peers.client.get());
  int second = SSL_shutdown(peers.client.get());
  server.join();
  out("echo equal %d, last write %d, shutdown %d %d, server %d", data == echo, written > 0, first,
      second, shut);
}

void nonblocking_sockets() {
  Peers peers = make_peers();
  Sockets sockets(false);
  link_sockets(peers, sockets);
  whole("non-blocking", peers, 300000);
}

void separate_descriptors() {
  Peers peers = make_peers();
  Sockets there(false), back(false);
  SSL* client = peers.client.get();
  SSL* server = peers.server.get();
  out("set_rfd %d, set_wfd %d", SSL_set_rfd(client, back.client),
      SSL_set_wfd(client, there.client));
  out("set_wfd %d, set_rfd %d", SSL_set_wfd(server, back.server),
      SSL_set_rfd(server, there.server));
  out("get_fd right %d, get_rfd right %d, get_wfd right %d", SSL_get_fd(client) == back.client,
      SSL_get_rfd(client) == back.client, SSL_get_wfd(client) == there.client);
  out("different BIOs %d", SSL_get_rbio(client) != SSL_get_wbio(client));
  whole("two descriptors", peers);
}

void same_descriptor() {
  Peers peers = make_peers();
  Sockets sockets(false);
  SSL* client = peers.client.get();
  out("without a BIO: fd %d, rfd %d, wfd %d", SSL_get_fd(client), SSL_get_rfd(client),
      SSL_get_wfd(client));
  out("rbio null %d, wbio null %d", !SSL_get_rbio(client), !SSL_get_wbio(client));
  out("set_rfd %d, set_wfd %d", SSL_set_rfd(client, sockets.client),
      SSL_set_wfd(client, sockets.client));
  out("one BIO %d, its type is socket %d", SSL_get_rbio(client) == SSL_get_wbio(client),
      BIO_method_type(SSL_get_rbio(client)) == BIO_TYPE_SOCKET);
  SSL_set_fd(peers.server.get(), sockets.server);
  whole("one descriptor", peers);
  Owned<SSL> ssl(SSL_new(peers.client_context.get()));
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  out("memory BIOs: fd %d", SSL_get_fd(ssl.get()));
}

// SSL_set_bio(3): the rules about which references it takes.
void set_bio_references() {
  Owned<SSL_CTX> context = new_context();
  Owned<SSL> ssl(SSL_new(context.get()));
  BIO* one = BIO_new(BIO_s_mem());
  BIO* two = BIO_new(BIO_s_mem());
  for (int i = 0; i < 3; i++) BIO_up_ref(one), BIO_up_ref(two);
  auto same = [&](const char* title) {
    out("%s: rbio one %d two %d, wbio one %d two %d", title, SSL_get_rbio(ssl.get()) == one,
        SSL_get_rbio(ssl.get()) == two, SSL_get_wbio(ssl.get()) == one,
        SSL_get_wbio(ssl.get()) == two);
  };
  SSL_set_bio(ssl.get(), one, one);
  same("one, one");
  SSL_set_bio(ssl.get(), one, one);
  same("again");
  SSL_set_bio(ssl.get(), one, two);
  same("one, two");
  BIO_up_ref(two);
  SSL_set0_rbio(ssl.get(), two);
  same("set0_rbio two");
  BIO_up_ref(one);
  SSL_set0_wbio(ssl.get(), one);
  same("set0_wbio one");
  SSL_set_bio(ssl.get(), nullptr, nullptr);
  same("null, null");
  ssl.reset();
  // Free every reference that must be left; a sanitizer sees one too many or too few.
  BIO_free(one), BIO_free(one), BIO_free(one);
  BIO_free(two), BIO_free(two), BIO_free(two);
}

void memory() {
  for (const char* name : {"server-ed25519", "server-rsa", "server-chain", "server-large"}) {
    Peers peers = make_peers({.certificate = name});
    link_memory(peers);
    whole(name, peers);
  }
}

void memory_end_of_file() {
  Peers peers = make_peers();
  BIO* in = BIO_new(BIO_s_mem());
  BIO_set_mem_eof_return(in, 0);
  SSL_set_bio(peers.client.get(), in, BIO_new(BIO_s_mem()));
  Side client{peers.client.get()};
  client.step();
  out("eof_return 0: %s", client.said().c_str());
}

void pairs() {
  for (size_t size : {1, 2, 3, 5, 16, 17, 1024, 4096, 17000, 100000}) {
    Peers peers = make_peers();
    link_pair(peers, size, size);
    whole(text("pair of %d", static_cast<int>(size)).c_str(), peers);
  }
}

void unequal_pair() {
  Peers peers = make_peers();
  link_pair(peers, 1, 5000);
  whole("1 and 5000", peers);
  Peers other = make_peers();
  link_pair(other, 5000, 1);
  whole("5000 and 1", other);
}

void buffer_filter() {
  for (int size : {1, 100, 4096}) {
    Peers peers = make_peers();
    link_memory(peers);
    BIO* wire = SSL_get_wbio(peers.client.get());
    BIO_up_ref(wire);
    BIO* filter = BIO_new(BIO_f_buffer());
    BIO_set_write_buffer_size(filter, size);
    SSL_set0_wbio(peers.client.get(), BIO_push(filter, wire));
    whole(text("BIO_f_buffer of %d above the client's output", size).c_str(), peers);
  }
}

void buffer_filter_data_stays() {
  Peers peers = make_peers();
  link_memory(peers);
  BIO* wire = SSL_get_wbio(peers.client.get());
  BIO_up_ref(wire);
  BIO* chain = BIO_push(BIO_new(BIO_f_buffer()), wire);
  SSL_set0_wbio(peers.client.get(), chain);
  Result result = handshake(peers);
  out("%s", result.said().c_str());
  SSL_write(peers.client.get(), "hello", 5);
  char buffer[8];
  int got = SSL_read(peers.server.get(), buffer, 8);
  out("read: %s", outcome(peers.server.get(), got).c_str());
  out("flush: %d", BIO_flush(chain) > 0);
  got = SSL_read(peers.server.get(), buffer, 8);
  out("read after a flush: %s", outcome(peers.server.get(), got).c_str());
}

void pieces(const char* title, const Flow& flow) {
  for (const char* name : {"server-ed25519", "server-large"}) {
    Faults client, server;
    client.read = client.write = server.read = server.write = flow;
    server.read.seed = 77;
    Peers peers = make_peers({.certificate = name});
    link_memory(peers, &client, &server);
    whole(text("%s, %s", title, name).c_str(), peers);
  }
}

void retry_at_every_byte() {
  pieces("retry at every byte", {.piece = 1, .retry_between = true});
}
void one_byte() {
  pieces("one byte", {.piece = 1});
}
void random_pieces() {
  for (uint32_t seed : {1u, 2u, 3u, 4u}) {
    pieces("random pieces",
           {.piece = 700, .random_pieces = true, .retry_between = true, .seed = seed});
  }
}

// Handshakes with one end's BIO refusing after n bytes, for every n (or every `stride`-th): what
// can happen, in which order.
struct Refusal {
  int64_t Flow::*kind;
  int64_t stride;
  bool ignore_end;
};

std::string one_refusal(Peers& peers, const Refusal& refusal, bool at_client, bool reads,
                        int64_t at, bool* reached) {
  Faults faults;
  Flow& flow = reads ? faults.read : faults.write;
  flow.*refusal.kind = at;
  renew(peers);
  if (refusal.ignore_end) SSL_set_options(peers.client.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (refusal.ignore_end) SSL_set_options(peers.server.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  link_memory(peers, at_client ? &faults : nullptr, at_client ? nullptr : &faults);
  errno = 0;
  Result result = handshake(peers);
  const Side& side = at_client ? result.client : result.server;
  *reached = flow.passed == at;
  std::string line = text("%s in %s, shutdown %d", side.said().c_str(),
                          SSL_state_string_long(side.ssl), SSL_get_shutdown(side.ssl));
  peers.client.reset();
  peers.server.reset();
  return line;
}

void everywhere(const Refusal& refusal) {
  Peers peers = make_peers();
  for (int which = 0; which < 4; which++) {
    bool at_client = which < 2, reads = which % 2 == 0, reached = true;
    Lines seen;
    for (int64_t at = 0; reached; at += at < 12 ? 1 : refusal.stride) {
      std::string line = one_refusal(peers, refusal, at_client, reads, at, &reached);
      if (seen.empty() || seen.back() != line) seen.push_back(line);
    }
    print(text("%s %s", at_client ? "client" : "server", reads ? "reads" : "writes").c_str(), seen);
  }
}

void end_in_data() {
  for (bool fail : {false, true}) {
    Lines seen;
    for (int64_t at = 0; at < 60; at++) {
      Faults faults;
      Peers peers = make_peers();
      link_memory(peers, nullptr, &faults);
      require(handshake(peers).good(), "handshake");
      (fail ? faults.read.fail_at : faults.read.end_at) = faults.read.passed + at;
      SSL_write(peers.client.get(), "hello", 5);
      SSL_write(peers.client.get(), "world", 5);
      char buffer[16];
      std::string line;
      for (int i = 0; i < 3; i++) {
        errno = 0;
        int got = SSL_read(peers.server.get(), buffer, sizeof buffer);
        line += outcome(peers.server.get(), got) + "; ";
        if (got <= 0) break;
      }
      line += text("shutdown %d", SSL_get_shutdown(peers.server.get()));
      if (seen.empty() || seen.back() != line) seen.push_back(line);
    }
    print(fail ? "fails" : "ends", seen);
  }
}

// SSL as a BIO: BIO_f_ssl over memory.
void ssl_bio() {
  Peers peers = make_peers();
  link_memory(peers);
  Owned<BIO> client(BIO_new(BIO_f_ssl())), server(BIO_new(BIO_f_ssl()));
  BIO_set_ssl(client.get(), peers.client.get(), BIO_NOCLOSE);
  BIO_set_ssl(server.get(), peers.server.get(), BIO_NOCLOSE);
  for (int i = 0; i < 3; i++) {
    int returned = BIO_do_handshake(client.get());
    out("client: %d, retry %d read %d write %d", returned, BIO_should_retry(client.get()) != 0,
        BIO_should_read(client.get()) != 0, BIO_should_write(client.get()) != 0);
    returned = BIO_do_handshake(server.get());
    out("server: %d, retry %d read %d write %d", returned, BIO_should_retry(server.get()) != 0,
        BIO_should_read(server.get()) != 0, BIO_should_write(server.get()) != 0);
  }
  char buffer[16] = {};
  out("write %d", BIO_write(client.get(), "through a BIO", 13));
  out("read %d %s", BIO_read(server.get(), buffer, 16), buffer);
  int returned = BIO_read(server.get(), buffer, 16);
  out("read %d, retry %d", returned, BIO_should_retry(server.get()) != 0);
  SSL* inside = nullptr;
  BIO_get_ssl(client.get(), &inside);
  out("same SSL %d, pending %d", inside == peers.client.get(), BIO_pending(server.get()));
  out("shutdown %d", SSL_shutdown(peers.client.get()));
  returned = BIO_read(server.get(), buffer, 16);
  out("read %d, retry %d, eof %d", returned, BIO_should_retry(server.get()) != 0,
      BIO_eof(server.get()));
  errors();
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"blocking-sockets", blocking_sockets},
              {"nonblocking-sockets", nonblocking_sockets},
              {"separate-descriptors", separate_descriptors},
              {"same-descriptor", same_descriptor},
              {"set-bio-references", set_bio_references},
              {"memory", memory},
              {"memory-end-of-file", memory_end_of_file},
              {"pairs", pairs},
              {"unequal-pair", unequal_pair},
              {"buffer-filter", buffer_filter},
              {"buffer-filter-data-stays", buffer_filter_data_stays},
              {"retry-at-every-byte", retry_at_every_byte},
              {"one-byte", one_byte},
              {"random-pieces", random_pieces},
              {"fail-everywhere",
               [] {
                 everywhere({&Flow::fail_at, 1, false});
               }},
              {"end-everywhere",
               [] {
                 everywhere({&Flow::end_at, 1, false});
               }},
              {"end-everywhere-ignored",
               [] {
                 everywhere({&Flow::end_at, 5, true});
               }},
              {"stall-everywhere",
               [] {
                 everywhere({&Flow::stall_at, 5, false});
               }},
              {"end-in-data", end_in_data},
              {"ssl-bio", ssl_bio}},
             argc, argv);
}
