// Settings of records: how much is asked of the BIO (SSL_set_read_ahead(3),
// SSL_set_default_read_buffer_len(3)), padding and its callback, sizes of fragments.
#include "support/older.h"

namespace {
using namespace twin;

/// Lengths of the reads of application data that a BIO was asked for.
struct Asked {
  std::vector<size_t> lengths;

  void watch(BIO* bio) {
    BIO_set_callback_arg(bio, reinterpret_cast<char*>(this));
    BIO_set_callback_ex(bio, [](BIO* about, int operation, const char*, size_t length, int, long,
                                int returned, size_t*) {
      if (operation == BIO_CB_READ) {
        reinterpret_cast<Asked*>(BIO_get_callback_arg(about))->lengths.push_back(length);
      }
      return static_cast<long>(returned);
    });
  }
  std::string said() const {
    std::string result;
    for (size_t length : lengths) result += (result.empty() ? "" : " ") + std::to_string(length);
    return result;
  }
};

void read_sizes() {
  struct {
    int ahead;
    size_t buffer;
    size_t pipelines;
  } const kCases[] = {{0, 0, 0},     {0, 40000, 0},  {1, 0, 0},    {1, 100, 0},
                      {1, 40000, 0}, {0, 40000, 10}, {1, 1000, 1}, {1, 40000, 3}};
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const auto& one : kCases) {
      Peers peers = connected(at_version(version));
      SSL* reader = peers.server.get();
      SSL_set_read_ahead(reader, one.ahead);
      SSL_set_default_read_buffer_len(reader, one.buffer);
      if (one.pipelines > 0) SSL_set_max_pipelines(reader, static_cast<long>(one.pipelines));
      Asked asked;
      asked.watch(SSL_get_rbio(reader));
      for (int i = 0; i < 3; i++)
        require(SSL_write(peers.client.get(), "0123456789", 10) == 10, "");
      char buffer[100];
      int got = SSL_read(reader, buffer, 4);
      int pending = SSL_pending(reader), has = SSL_has_pending(reader);
      out("%s ahead %d buffer %zu pipelines %zu: read %d, pending %d, has %d, ahead now %d",
          version_text(version), one.ahead, one.buffer, one.pipelines, got, pending, has,
          SSL_get_read_ahead(reader));
      int rest = SSL_read(reader, buffer, 100), next = SSL_read(reader, buffer, 100);
      int last = SSL_read(reader, buffer, 100);
      out("  then %d %d %d, none %s", rest, next, last,
          outcome(reader, SSL_read(reader, buffer, 100)).c_str());
      // How far ahead is read is the library's affair.
      if (one.ahead == 0 && one.pipelines <= 1) out("  asked for %s", asked.said().c_str());
      BIO_set_callback_ex(SSL_get_rbio(reader), nullptr);
    }
  }
}

struct Padding {
  Lines lines;
  size_t answer = 0;
};

size_t pad(SSL* ssl, int type, size_t length, void* argument) {
  auto* padding = static_cast<Padding*>(argument);
  padding->lines.push_back(text("%s %s %zu", SSL_is_server(ssl) ? "server" : "client",
                                content_name(type), type == SSL3_RT_HANDSHAKE ? 0 : length));
  return padding->answer;
}

void padding_callback() {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (size_t answer : {size_t{0}, size_t{1}, size_t{100}, size_t{16384}, size_t{1} << 40}) {
      Padding padding;
      padding.answer = answer;
      auto set = [&](SSL* ssl) {
        out("set %d", SSL_set_record_padding_callback(ssl, pad));
        SSL_set_record_padding_callback_arg(ssl, &padding);
        out("argument %d", SSL_get_record_padding_callback_arg(ssl) == &padding);
      };
      Setup setup;
      setup.client = setup.server = set;
      Peers peers = make_peers(at_version(version, setup));
      link_memory(peers);
      out("%s, %zu: %s", version_text(version), answer, handshake(peers).said().c_str());
      print_runs("handshake", padding.lines);
      padding.lines.clear();
      for (size_t size : {size_t{1}, size_t{10}, size_t{16383}, size_t{16384}, size_t{16385}}) {
        uint64_t before = BIO_number_written(SSL_get_wbio(peers.client.get()));
        std::string said = transfer(peers.client.get(), peers.server.get(), sample(size));
        out("%s in %d bytes", said.c_str(),
            static_cast<int>(BIO_number_written(SSL_get_wbio(peers.client.get())) - before));
      }
      SSL_shutdown(peers.client.get());
      print("data", padding.lines);
    }
  }
}

void block_padding() {
  Peers peers = make_peers(at_version(TLS1_3_VERSION));
  for (size_t block : {size_t{0}, size_t{1}, size_t{16}, size_t{16384}, size_t{16385}}) {
    out("%zu: context %d, connection %d", block,
        SSL_CTX_set_block_padding(peers.client_context.get(), block),
        SSL_set_block_padding(peers.client.get(), block));
  }
  for (size_t block : {size_t{1}, size_t{2}, size_t{16}, size_t{1000}, size_t{16384}}) {
    Peers pair = connected(at_version(TLS1_3_VERSION));
    SSL_set_block_padding(pair.client.get(), block);
    for (size_t size : {size_t{1}, size_t{15}, size_t{16}, size_t{999}, size_t{16384}}) {
      uint64_t before = BIO_number_written(SSL_get_wbio(pair.client.get()));
      std::string said = transfer(pair.client.get(), pair.server.get(), sample(size));
      out("block %zu: %s in %d bytes", block, said.c_str(),
          static_cast<int>(BIO_number_written(SSL_get_wbio(pair.client.get())) - before));
    }
  }
  // A callback comes before the block.
  Padding padding;
  padding.answer = 3;
  Peers both = connected(at_version(TLS1_3_VERSION));
  SSL_set_block_padding(both.client.get(), 64);
  SSL_set_record_padding_callback(both.client.get(), pad);
  SSL_set_record_padding_callback_arg(both.client.get(), &padding);
  uint64_t before = BIO_number_written(SSL_get_wbio(both.client.get()));
  out("%s", transfer(both.client.get(), both.server.get(), sample(10)).c_str());
  out("%d bytes", static_cast<int>(BIO_number_written(SSL_get_wbio(both.client.get())) - before));
}

void padding_and_fragments() {
  // Padding stays within the longest fragment.
  for (size_t fragment : {size_t{512}, size_t{1000}, size_t{16384}}) {
    Peers peers = connected(at_version(TLS1_3_VERSION));
    SSL_set_max_send_fragment(peers.client.get(), fragment);
    SSL_set_block_padding(peers.client.get(), 600);
    for (size_t size : {size_t{1}, size_t{511}, size_t{512}, size_t{3000}}) {
      uint64_t before = BIO_number_written(SSL_get_wbio(peers.client.get()));
      std::string said = transfer(peers.client.get(), peers.server.get(), sample(size));
      out("%zu: %s in %d bytes", fragment, said.c_str(),
          static_cast<int>(BIO_number_written(SSL_get_wbio(peers.client.get())) - before));
    }
  }
}

void fragments() {
  struct {
    long most, split, pipelines;
  } const kCases[] = {{16384, 16384, 0}, {2048, 0, 0},  {0, 1000, 0},   {2048, 1000, 3},
                      {0, 1000, 32},     {511, 511, 0}, {0, 0, 33},     {16385, 0, 0},
                      {512, 0, 0},       {0, 16384, 1}, {1000, 2000, 0}};
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const auto& one : kCases) {
      Peers peers = connected(at_version(version));
      SSL* writer = peers.client.get();
      long most = one.most ? SSL_set_max_send_fragment(writer, one.most) : -1;
      long split = one.split ? SSL_set_split_send_fragment(writer, one.split) : -1;
      long pipelines = one.pipelines ? SSL_set_max_pipelines(writer, one.pipelines) : -1;
      out("%s %ld %ld %ld: %ld %ld %ld", version_text(version), one.most, one.split, one.pipelines,
          most, split, pipelines);
      Log log;
      log.lengths = true;
      log.watch_messages(writer);
      out("%s", transfer(writer, peers.server.get(), sample(5000)).c_str());
      print_runs("records", log.lines);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"read_sizes", read_sizes},
              {"padding_callback", padding_callback},
              {"block_padding", block_padding},
              {"padding_and_fragments", padding_and_fragments},
              {"fragments", fragments}},
             argc, argv);
}
