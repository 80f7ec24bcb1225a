#include <openssl/err.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "measure.h"

namespace bench {
namespace {

// Adds the CPU time of the calling thread between construction and destruction to `total`.
class Stopwatch {
 public:
  explicit Stopwatch(std::int64_t& total) : total_(total), start_(thread_cpu_ns()) {}
  ~Stopwatch() { total_ += thread_cpu_ns() - start_; }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  std::int64_t& total_;
  std::int64_t start_;
};

struct Times {
  std::int64_t client = 0;
  std::int64_t server = 0;
};

// The client takes in what follows the handshake, which is where tickets reach it.
void read_tickets(SSL* client) {
  char byte;
  const int result = SSL_read(client, &byte, 1);
  check(SSL_get_error(client, result) == SSL_ERROR_WANT_READ, "reading tickets");
  ERR_clear_error();
}

// With a session, the client asks for its resumption and must get it.
Times time_one_handshake(const Contexts& contexts, Link& link, bool tickets,
                         SSL_SESSION* session = nullptr) {
  Times times;
  SslPtr client;
  SslPtr server;
  link.clear();
  {
    const Stopwatch watch(times.client);
    client = new_client(contexts);
    link.attach_client(client.get());
    if (session != nullptr) check(SSL_set_session(client.get(), session) == 1, "SSL_set_session");
    check(!advance(client.get()), "the client is done too early");
  }
  {
    const Stopwatch watch(times.server);
    server = new_server(contexts);
    link.attach_server(server.get());
    check(!advance(server.get()), "the server is done too early");
  }
  // Who is done first depends on the version and on resumption.
  bool client_done = false;
  bool server_done = false;
  for (int turn = 0; turn < 4 && !(client_done && server_done); ++turn) {
    if (!client_done) {
      const Stopwatch watch(times.client);
      client_done = advance(client.get());
    }
    if (!server_done) {
      const Stopwatch watch(times.server);
      server_done = advance(server.get());
    }
  }
  check(client_done && server_done, "the handshake does not finish");
  if (tickets) {
    const Stopwatch watch(times.client);
    read_tickets(client.get());
  }
  check_negotiated(client.get(), session != nullptr);
  SSL_set_shutdown(client.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_set_shutdown(server.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  {
    const Stopwatch watch(times.client);
    client.reset();
  }
  {
    const Stopwatch watch(times.server);
    server.reset();
  }
  return times;
}

int count_ticket(SSL* ssl, SSL_SESSION*) {
  ++*static_cast<int*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  return 0;
}

// How many tickets a client gets, so that a library that sends none is not taken for a fast one.
int tickets_received(const Contexts& contexts, Link& link) {
  int count = 0;
  SSL_CTX* context = contexts.client.get();
  SSL_CTX_set_app_data(context, &count);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, count_ticket);
  time_one_handshake(contexts, link, true);
  SSL_CTX_sess_set_new_cb(context, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_app_data(context, nullptr);
  return count;
}

// The session that the client has after a full handshake.
SessionPtr make_session(const Contexts& contexts, Link& link) {
  link.clear();
  const SslPtr client = new_client(contexts);
  const SslPtr server = new_server(contexts);
  link.attach_client(client.get());
  link.attach_server(server.get());
  finish_handshake(client.get(), server.get());
  if (SSL_version(client.get()) == TLS1_3_VERSION) read_tickets(client.get());
  SessionPtr session(SSL_get1_session(client.get()));
  // SSL_free() takes a session out of the cache whose connection was not shut down.
  SSL_set_shutdown(client.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_set_shutdown(server.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  return session;
}

void handshakes_until(const Contexts& contexts, const std::atomic<bool>& stop, long& count) {
  Link link;
  while (!stop.load(std::memory_order_relaxed)) {
    link.clear();
    const SslPtr client = new_client(contexts);
    const SslPtr server = new_server(contexts);
    link.attach_client(client.get());
    link.attach_server(server.get());
    finish_handshake(client.get(), server.get());
    ++count;
  }
}

double handshakes_per_second(const Contexts& contexts, int threads, double seconds) {
  std::atomic<bool> stop = false;
  std::vector<long> counts(static_cast<std::size_t>(threads), 0);
  std::vector<std::thread> running;
  const std::int64_t start = wall_ns();
  for (long& count : counts) {
    running.emplace_back([&] { handshakes_until(contexts, stop, count); });
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  stop = true;
  for (std::thread& thread : running) thread.join();
  const double elapsed = static_cast<double>(wall_ns() - start) / 1e9;
  long total = 0;
  for (long count : counts) total += count;
  return static_cast<double>(total) / elapsed;
}

}  // namespace

void measure_handshake(const std::string& name, const Setup& setup, bool quick) {
  const Contexts contexts(setup);
  Link link(setup);
  if (setup.tickets) {
    print_row(name + ".tickets", "count", tickets_received(contexts, link));
  }
  const int warm_up = quick ? 20 : 100;
  const int iterations = quick ? 100 : 800;
  SessionPtr session;
  if (setup.resumption != Resumption::kNone) session = make_session(contexts, link);
  std::vector<double> client;
  std::vector<double> server;
  for (int i = 0; i < warm_up + iterations; ++i) {
    const Times times = time_one_handshake(contexts, link, setup.tickets, session.get());
    if (i < warm_up) continue;
    client.push_back(static_cast<double>(times.client) / 1e3);
    server.push_back(static_cast<double>(times.server) / 1e3);
  }
  print_row(name + ".server", "us", median(server));
  print_row(name + ".client", "us", median(client));
}

void measure_threads(bool quick) {
  const Contexts contexts(Setup{});
  const double seconds = quick ? 0.2 : 0.8;
  handshakes_per_second(contexts, 1, seconds / 4);
  for (int threads : {1, 2}) {
    print_row("throughput.threads-" + std::to_string(threads), "handshakes/s",
              handshakes_per_second(contexts, threads, seconds), true);
  }
}

}  // namespace bench
