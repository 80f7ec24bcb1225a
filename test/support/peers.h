// A client and a server of this process, the links between them, and what drives them.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>

#include <filesystem>
#include <thread>

#include "bio_methods.h"
#include "report.h"

namespace twin {

struct Free {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

/// Path of a file in test/support/fixtures.
inline std::string fixture(const std::string& name) {
  const char* moved = std::getenv("TWIN_FIXTURES");
  auto folder = moved ? std::filesystem::path(moved)
                      : std::filesystem::path(HANDFAST_SOURCE_DIR "/test/support/fixtures");
  return folder / name;
}

[[noreturn]] inline void give_up(const std::string& what) {
  std::fprintf(stderr, "set-up failed: %s: %s\n", what.c_str(), errors().c_str());
  std::exit(2);
}

inline void require(bool good, const std::string& what) {
  if (!good) give_up(what);
}

/// Certificate chain and key `name` from the fixtures.
inline void use_certificate(SSL_CTX* context, const std::string& name) {
  require(SSL_CTX_use_certificate_chain_file(context, fixture(name + ".pem").c_str()) == 1 &&
              SSL_CTX_use_PrivateKey_file(context, fixture(name + ".key").c_str(),
                                          SSL_FILETYPE_PEM) == 1,
          name);
}

inline void trust(SSL_CTX* context, const std::string& root = "root") {
  require(SSL_CTX_load_verify_file(context, fixture(root + ".pem").c_str()) == 1, root);
}

inline Owned<X509> read_certificate(const std::string& name) {
  Owned<BIO> file(BIO_new_file(fixture(name + ".pem").c_str(), "r"));
  return Owned<X509>(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr));
}

inline Owned<EVP_PKEY> read_key(const std::string& name) {
  Owned<BIO> file(BIO_new_file(fixture(name + ".key").c_str(), "r"));
  return Owned<EVP_PKEY>(PEM_read_bio_PrivateKey(file.get(), nullptr, nullptr, nullptr));
}

/// A TLS 1.3 context without resumption.
inline Owned<SSL_CTX> new_context(const SSL_METHOD* method = TLS_method()) {
  Owned<SSL_CTX> context(SSL_CTX_new(method));
  require(context != nullptr, "SSL_CTX_new");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

struct Setup {
  std::string certificate = "server-ed25519";  ///< empty: none
  std::function<void(SSL_CTX*)> client_context{}, server_context{};
  std::function<void(SSL*)> client{}, server{};
  const SSL_METHOD *client_method = TLS_method(), *server_method = TLS_method();
};

struct Peers {
  Owned<SSL_CTX> client_context, server_context;
  Owned<SSL> client, server;
};

/// New connections of the same contexts, in their roles, without BIOs.
inline void renew(Peers& peers) {
  peers.client.reset(SSL_new(peers.client_context.get()));
  peers.server.reset(SSL_new(peers.server_context.get()));
  require(peers.client && peers.server, "SSL_new");
  SSL_set_connect_state(peers.client.get());
  SSL_set_accept_state(peers.server.get());
}

/// Two connections in their roles, still without BIOs. The client trusts root and verifies.
inline Peers make_peers(const Setup& setup = {}) {
  Peers peers;
  peers.client_context = new_context(setup.client_method);
  peers.server_context = new_context(setup.server_method);
  trust(peers.client_context.get());
  trust(peers.server_context.get());
  SSL_CTX_set_verify(peers.client_context.get(), SSL_VERIFY_PEER, nullptr);
  if (!setup.certificate.empty()) use_certificate(peers.server_context.get(), setup.certificate);
  if (setup.client_context) setup.client_context(peers.client_context.get());
  if (setup.server_context) setup.server_context(peers.server_context.get());
  renew(peers);
  if (setup.client) setup.client(peers.client.get());
  if (setup.server) setup.server(peers.server.get());
  return peers;
}

/// One memory BIO in each direction.
inline void link_memory(Peers& peers) {
  BIO* to_server = BIO_new(BIO_s_mem());
  BIO* to_client = BIO_new(BIO_s_mem());
  BIO_up_ref(to_server);
  BIO_up_ref(to_client);
  SSL_set_bio(peers.client.get(), to_client, to_server);
  SSL_set_bio(peers.server.get(), to_server, to_client);
}

/// As link_memory, with faults in front of the client's, the server's or both ends.
inline void link_memory(Peers& peers, Faults* client, Faults* server) {
  BIO* to_server = BIO_new(BIO_s_mem());
  BIO* to_client = BIO_new(BIO_s_mem());
  auto attach = [](SSL* ssl, BIO* in, BIO* out, Faults* faults) {
    BIO_up_ref(in);
    BIO_up_ref(out);
    if (faults) {
      SSL_set_bio(ssl, with_faults(in, faults), with_faults(out, faults));
    } else {
      SSL_set_bio(ssl, in, out);
    }
  };
  attach(peers.client.get(), to_client, to_server, client);
  attach(peers.server.get(), to_server, to_client, server);
  BIO_free(to_server);
  BIO_free(to_client);
}

/// A BIO pair with buffers of these sizes.
inline void link_pair(Peers& peers, size_t client_buffer, size_t server_buffer) {
  BIO *client, *server;
  require(BIO_new_bio_pair(&client, client_buffer, &server, server_buffer), "BIO_new_bio_pair");
  SSL_set_bio(peers.client.get(), client, client);
  SSL_set_bio(peers.server.get(), server, server);
}

struct Sockets {
  int client = -1, server = -1;

  explicit Sockets(bool blocking, int type = SOCK_STREAM) {
    int both[2];
    require(socketpair(AF_UNIX, type, 0, both) == 0, "socketpair");
    client = both[0];
    server = both[1];
    if (blocking) return;
    fcntl(client, F_SETFL, O_NONBLOCK);
    fcntl(server, F_SETFL, O_NONBLOCK);
  }
  ~Sockets() {
    close_client();
    close_server();
  }
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;
  void close_client() { shut(client); }
  void close_server() { shut(server); }

 private:
  static void shut(int& descriptor) {
    if (descriptor >= 0) close(descriptor);
    descriptor = -1;
  }
};

/// Gives each end its socket; the descriptors stay the caller's.
inline void link_sockets(Peers& peers, const Sockets& sockets) {
  require(SSL_set_fd(peers.client.get(), sockets.client) == 1, "SSL_set_fd");
  require(SSL_set_fd(peers.server.get(), sockets.server) == 1, "SSL_set_fd");
}

/// How far one side came.
struct Side {
  SSL* ssl;
  int returned = -1;
  int error = SSL_ERROR_WANT_READ;
  int calls = 0;
  std::string queue{};

  bool good() const { return returned == 1; }
  bool over() const { return error == SSL_ERROR_NONE || fatal(); }
  bool fatal() const {
    return error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL || error == SSL_ERROR_ZERO_RETURN;
  }
  /// "1 NONE", or "-1 SSL [reasons]".
  std::string said() const {
    std::string result = text("%d %s", returned, error_name(error));
    return queue.empty() ? result : result + " [" + queue + "]";
  }
  void step() {
    ERR_clear_error();
    calls++;
    returned = SSL_do_handshake(ssl);
    error = SSL_get_error(ssl, returned);
    queue = errors();
  }
};

struct Result {
  Side client, server;
  bool good() const { return client.returned == 1 && server.returned == 1; }
  std::string said() const { return "client " + client.said() + " | server " + server.said(); }
};

/// Bytes that passed the BIOs of one end: tells progress from a standstill.
inline uint64_t traffic(const SSL* ssl) {
  uint64_t sum = 0;
  if (BIO* in = SSL_get_rbio(ssl)) sum += BIO_number_read(in);
  if (BIO* away = SSL_get_wbio(ssl)) sum += BIO_number_written(away);
  return sum;
}

inline uint64_t traffic(const Peers& peers) {
  return traffic(peers.client.get()) + traffic(peers.server.get());
}

/// Calls both ends in turn until each is done or failed, or nothing moves any more.
inline Result handshake(Peers& peers, const std::function<void(const Side&)>& seen = nullptr) {
  Result result{{peers.client.get()}, {peers.server.get()}};
  int idle = 0;
  while (!(result.client.over() && result.server.over()) && idle < 6) {
    uint64_t before = traffic(peers);
    for (Side* side : {&result.client, &result.server}) {
      if (side->over()) continue;
      side->step();
      if (seen) seen(*side);
    }
    idle = traffic(peers) == before ? idle + 1 : 0;
  }
  return result;
}

/// Handshake over blocking sockets, each end in its thread, one call each.
inline Result handshake_threads(Peers& peers) {
  Result result{{peers.client.get()}, {peers.server.get()}};
  std::thread server([&] { result.server.step(); });
  result.client.step();
  server.join();
  return result;
}

/// Bytes that look like nothing in particular, the same in every run.
inline std::string sample(size_t size, uint32_t seed = 7) {
  std::string data(size, '\0');
  for (char& byte : data) {
    seed = seed * 1664525 + 1013904223;
    byte = static_cast<char>(seed >> 24);
  }
  return data;
}

/// Sends `data` from one end to the other, both in turn; says what came.
inline std::string transfer(SSL* from, SSL* to, const std::string& data) {
  std::string got(data.size(), '\0');
  size_t sent = 0, received = 0;
  for (int idle = 0; received < data.size() && idle < 6;) {
    uint64_t before = traffic(from) + traffic(to);
    size_t count = 0;
    ERR_clear_error();
    if (sent < data.size()) {
      int written = SSL_write_ex(from, data.data() + sent, data.size() - sent, &count);
      if (!written && SSL_want(from) == SSL_NOTHING) return "write: " + outcome(from, written);
      sent += written ? count : 0;
      (void)BIO_flush(SSL_get_wbio(from));
    }
    int read = SSL_read_ex(to, got.data() + received, data.size() - received, &count);
    if (!read && SSL_want(to) == SSL_NOTHING) return "read: " + outcome(to, read);
    received += read ? count : 0;
    idle = traffic(from) + traffic(to) == before ? idle + 1 : 0;
  }
  ERR_clear_error();
  if (received < data.size()) return text("only %zu bytes", received);
  return text(got == data ? "%zu bytes equal" : "%zu bytes, not the same", received);
}

/// A finished handshake over memory BIOs, or the end of the program.
inline Peers connected(const Setup& setup = {}) {
  Peers peers = make_peers(setup);
  link_memory(peers);
  Result result = handshake(peers);
  require(result.good(), result.said());
  return peers;
}

}  // namespace twin
