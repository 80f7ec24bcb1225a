// Memory is counted by standing in for libcrypto's allocator: every block carries its size and the
// side (client or server) on whose behalf it was requested.

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "measure.h"

namespace bench {
namespace {

enum Side { kNobody, kClient, kServer, kSides };

struct Account {
  std::int64_t live_bytes = 0;
  std::int64_t calls = 0;
};

// These measurements run on one thread.
Account accounts[kSides];
Side current_side = kNobody;

// 16 bytes, so that the block behind it keeps malloc's alignment.
struct alignas(16) Header {
  std::size_t size;
  Side side;
};

void* counting_malloc(std::size_t size, const char*, int) {
  auto* header = static_cast<Header*>(std::malloc(sizeof(Header) + size));
  if (header == nullptr) return nullptr;
  *header = {size, current_side};
  accounts[current_side].live_bytes += static_cast<std::int64_t>(size);
  ++accounts[current_side].calls;
  return header + 1;
}

void counting_free(void* block, const char*, int) {
  if (block == nullptr) return;
  Header* header = static_cast<Header*>(block) - 1;
  accounts[header->side].live_bytes -= static_cast<std::int64_t>(header->size);
  std::free(header);
}

void* counting_realloc(void* block, std::size_t size, const char* file, int line) {
  if (block == nullptr) return counting_malloc(size, file, line);
  if (size == 0) {
    counting_free(block, file, line);
    return nullptr;
  }
  void* grown = counting_malloc(size, file, line);
  if (grown == nullptr) return nullptr;
  std::memcpy(grown, block, std::min(size, (static_cast<Header*>(block) - 1)->size));
  counting_free(block, file, line);
  return grown;
}

// Charges what happens during its life to one side.
class Charge {
 public:
  explicit Charge(Side side) { current_side = side; }
  ~Charge() { current_side = kNobody; }
  Charge(const Charge&) = delete;
  Charge& operator=(const Charge&) = delete;
};

template <typename Function>
auto charged(Side side, Function function) {
  const Charge charge(side);
  return function();
}

// Both ends of a connection over a socket pair, as an idle connection of a real program has them.
class SocketPair {
 public:
  SocketPair(const Contexts& contexts, const Setup& setup) {
    const bool datagrams = is_datagram_version(setup.version);
    const int type = datagrams ? SOCK_DGRAM : SOCK_STREAM;
    const auto connect = datagrams ? connect_datagrams : connect_stream;
    check(socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, sockets_) == 0, "socketpair");
    client_ = charged(kClient, [&] { return connect(new_client(contexts), sockets_[0]); });
    server_ = charged(kServer, [&] { return connect(new_server(contexts), sockets_[1]); });
    bool done = false;
    while (!done) {
      const bool client_done = charged(kClient, [&] { return advance(client_.get()); });
      done = charged(kServer, [&] { return advance(server_.get()); }) && client_done;
    }
    check_negotiated(client_.get());
    send_byte(kClient, client_.get(), kServer, server_.get());
    send_byte(kServer, server_.get(), kClient, client_.get());
  }
  ~SocketPair() {
    for (int socket : sockets_) close(socket);
  }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;

 private:
  static SslPtr connect_stream(SslPtr ssl, int socket) {
    check(SSL_set_fd(ssl.get(), socket) == 1, "SSL_set_fd");
    return ssl;
  }

  static SslPtr connect_datagrams(SslPtr ssl, int socket) {
    BIO* bio = BIO_new_dgram(socket, BIO_NOCLOSE);
    check(bio != nullptr, "BIO_new_dgram");
    // Any address makes it send to the other socket of the pair.
    BIO_ADDR* address = BIO_ADDR_new();
    BIO_ctrl_set_connected(bio, address);
    BIO_ADDR_free(address);
    SSL_set_bio(ssl.get(), bio, bio);
    SSL_set_options(ssl.get(), SSL_OP_NO_QUERY_MTU);
    check(SSL_set_mtu(ssl.get(), kMtu) == kMtu, "SSL_set_mtu");
    return ssl;
  }

  static void send_byte(Side from, SSL* sender, Side to, SSL* receiver) {
    char byte = 'x';
    check(charged(from, [&] { return SSL_write(sender, &byte, 1); }) == 1, "SSL_write");
    check(charged(to, [&] { return SSL_read(receiver, &byte, 1); }) == 1, "SSL_read");
    // A reader that waits for more is what an idle connection looks like.
    check(charged(to, [&] { return SSL_read(receiver, &byte, 1); }) == -1, "SSL_read");
  }

  int sockets_[2];
  SslPtr client_;
  SslPtr server_;
};

void measure_idle(const std::string& name, const Setup& setup, int connections) {
  const Contexts contexts(setup);
  // What the first connection leaves in contexts and caches is not a cost of every connection.
  { const SocketPair first(contexts, setup); }
  const std::int64_t client_before = accounts[kClient].live_bytes;
  const std::int64_t server_before = accounts[kServer].live_bytes;
  std::vector<std::unique_ptr<SocketPair>> idle;
  for (int i = 0; i < connections; ++i) {
    idle.push_back(std::make_unique<SocketPair>(contexts, setup));
  }
  const auto per_connection = [&](Side side, std::int64_t before) {
    return static_cast<double>(accounts[side].live_bytes - before) / connections;
  };
  print_row(name + ".client", "bytes", per_connection(kClient, client_before));
  print_row(name + ".server", "bytes", per_connection(kServer, server_before));
}

// Both ends of one handshake over memory, each charged for what it does.
struct ChargedPair {
  ChargedPair(const Contexts& contexts, Link& link) {
    link.clear();
    client = charged(kClient, [&] { return new_client(contexts); });
    server = charged(kServer, [&] { return new_server(contexts); });
    link.attach_client(client.get());
    link.attach_server(server.get());
    bool client_done = false;
    bool server_done = false;
    while (!client_done || !server_done) {
      if (!client_done) client_done = charged(kClient, [&] { return advance(client.get()); });
      if (!server_done) server_done = charged(kServer, [&] { return advance(server.get()); });
    }
    check_negotiated(client.get());
  }

  SslPtr client;
  SslPtr server;
};

void measure_sessions(const std::string& name, int version, int connections) {
  const Contexts contexts(
      {.version = version, .tickets = true, .resumption = Resumption::kSessionId});
  Link link;
  const auto connect = [&] {
    const ChargedPair pair(contexts, link);
    // SSL_free() takes a session out of the cache whose connection was not shut down.
    SSL_set_shutdown(pair.server.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  };
  connect();
  const std::int64_t before = accounts[kServer].live_bytes;
  const long sessions_before = SSL_CTX_sess_number(contexts.server.get());
  for (int i = 0; i < connections; ++i) connect();
  const long sessions = SSL_CTX_sess_number(contexts.server.get()) - sessions_before;
  check(sessions >= connections, "the cache does not keep the sessions");
  print_row(
      name, "bytes",
      static_cast<double>(accounts[kServer].live_bytes - before) / static_cast<double>(sessions));
}

}  // namespace

void install_counting_allocator() {
  check(CRYPTO_set_mem_functions(counting_malloc, counting_realloc, counting_free) == 1,
        "CRYPTO_set_mem_functions");
}

void measure_memory(bool quick) {
  const int connections = quick ? 10 : 100;
  measure_idle("memory.default", {}, connections);
  measure_idle("memory.release-buffers", {.release_buffers = true}, connections);
  measure_idle("memory.dtls12", {.version = DTLS1_2_VERSION}, connections);
}

void measure_session_cache(bool quick) {
  const int connections = quick ? 20 : 500;
  measure_sessions("session-cache.tls12", TLS1_2_VERSION, connections);
  measure_sessions("session-cache.tls13", TLS1_3_VERSION, connections);
}

void measure_mallocs(bool quick) {
  const Contexts contexts(Setup{});
  Link link;
  std::int64_t client_calls = 0;
  std::int64_t server_calls = 0;
  const int warm_up = 5;
  const int iterations = quick ? 10 : 50;
  for (int i = 0; i < warm_up + iterations; ++i) {
    if (i == warm_up) {
      client_calls = accounts[kClient].calls;
      server_calls = accounts[kServer].calls;
    }
    ChargedPair pair(contexts, link);
    charged(kClient, [&] { pair.client.reset(); });
    charged(kServer, [&] { pair.server.reset(); });
  }
  const auto per_handshake = [&](Side side, std::int64_t before) {
    return static_cast<double>(accounts[side].calls - before) / iterations;
  };
  print_row("mallocs.client", "count", per_handshake(kClient, client_calls));
  print_row("mallocs.server", "count", per_handshake(kServer, server_calls));
}

}  // namespace bench
