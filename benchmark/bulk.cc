#include <openssl/err.h>

#include <cstring>
#include <span>

#include "measure.h"

namespace bench {
namespace {

struct Size {
  const char* name;
  int bytes;
  int records_per_batch;
};

constexpr Size kSizes[] = {{"16KB", 16384, 64}, {"1KB", 1024, 256}, {"64B", 64, 512}};
constexpr Size kDatagramSizes[] = {{"1200B", 1200, 256}};

std::span<const Size> sizes_of(const Setup& setup) {
  if (is_datagram_version(setup.version)) return kDatagramSizes;
  return kSizes;
}

double seal_batch(SSL* sender, const std::vector<char>& data, int records) {
  const int size = static_cast<int>(data.size());
  const std::int64_t start = thread_cpu_ns();
  for (int i = 0; i < records; ++i) {
    check(SSL_write(sender, data.data(), size) == size, "SSL_write");
  }
  return static_cast<double>(thread_cpu_ns() - start) / records;
}

double open_batch(SSL* receiver, std::vector<char>& buffer, int records) {
  const int size = static_cast<int>(buffer.size());
  const std::int64_t start = thread_cpu_ns();
  for (int i = 0; i < records; ++i) {
    check(SSL_read(receiver, buffer.data(), size) == size, "SSL_read");
  }
  return static_cast<double>(thread_cpu_ns() - start) / records;
}

}  // namespace

void measure_bulk(const std::string& name, const Setup& setup, bool quick) {
  const Contexts contexts(setup);
  Link link(setup);
  const SslPtr client = new_client(contexts);
  const SslPtr server = new_server(contexts);
  link.attach_client(client.get());
  link.attach_server(server.get());
  finish_handshake(client.get(), server.get());
  check(std::strcmp(SSL_get_cipher_name(client.get()), setup.suite) == 0,
        "not the cipher asked for");

  for (const Size& size : sizes_of(setup)) {
    const std::vector<char> data(static_cast<std::size_t>(size.bytes), 'x');
    std::vector<char> received(data.size());
    const int warm_up = 5;
    const int batches = quick ? 20 : 150;
    std::vector<double> seal;
    std::vector<double> open;
    for (int i = 0; i < warm_up + batches; ++i) {
      const double sealed = seal_batch(server.get(), data, size.records_per_batch);
      const double opened = open_batch(client.get(), received, size.records_per_batch);
      if (i < warm_up) continue;
      seal.push_back(sealed);
      open.push_back(opened);
    }
    check(received == data, "the data arrived changed");
    print_row(name + "." + size.name + ".seal", "ns", median(seal));
    print_row(name + "." + size.name + ".open", "ns", median(open));
  }
}

}  // namespace bench
