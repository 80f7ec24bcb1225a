// What a program pays before its first handshake and around every one: contexts, the CA bundle,
// connections.

#include "measure.h"

namespace bench {
namespace {

constexpr const char* kBundle = "/etc/ssl/certs/ca-certificates.crt";

template <typename Function>
double time_us(Function function) {
  const std::int64_t start = thread_cpu_ns();
  function();
  return static_cast<double>(thread_cpu_ns() - start) / 1e3;
}

template <typename Function>
double median_us(int runs, Function function) {
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) times.push_back(time_us(function));
  return median(times);
}

ContextPtr new_context() {
  ContextPtr context(SSL_CTX_new(TLS_method()));
  check(context != nullptr, "SSL_CTX_new");
  return context;
}

double load_bundle() {
  const ContextPtr context = new_context();
  return time_us([&] { check(SSL_CTX_load_verify_file(context.get(), kBundle) == 1, kBundle); });
}

}  // namespace

void measure_contexts(bool quick) {
  print_row("context.first", "us", time_us(new_context));
  print_row("context.again", "us", median_us(quick ? 50 : 500, new_context));
}

void measure_bundle(bool quick) {
  // Libcrypto's start is not a part of it.
  new_context();
  print_row("ca-bundle.first", "us", load_bundle());
  std::vector<double> again;
  for (int i = 0; i < (quick ? 3 : 15); ++i) again.push_back(load_bundle());
  print_row("ca-bundle.again", "us", median(again));
}

void measure_connections(bool quick) {
  const Contexts contexts(Setup{});
  const int warm_up = 20;
  const int runs = quick ? 200 : 2000;
  const auto client = [&] { new_client(contexts); };
  const auto server = [&] { new_server(contexts); };
  median_us(warm_up, client);
  median_us(warm_up, server);
  print_row("connection.client", "us", median_us(runs, client));
  print_row("connection.server", "us", median_us(runs, server));
}

}  // namespace bench
