// SSL_CTX_set_options(3), SSL_CTX_set_mode(3): what each bit, alone, does to the messages of a
// handshake, as seen from both ends.
#include "support/older.h"
#include "support/resumption12.h"

namespace {
using namespace twin;

constexpr int kVersions[] = {TLS1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};

int see_hello(SSL* ssl, int*, void* where) {
  auto& lines = *static_cast<Lines*>(where);
  int* present = nullptr;
  size_t count = 0, size = 0;
  const unsigned char* data = nullptr;
  SSL_client_hello_get1_extensions_present(ssl, &present, &count);
  std::string line = text("hello %04x:", SSL_client_hello_get0_legacy_version(ssl));
  for (size_t i = 0; i < count; i++) {
    SSL_client_hello_get0_ext(ssl, static_cast<unsigned>(present[i]), &data, &size);
    line += text(" %d(%zu)", present[i], size);
  }
  OPENSSL_free(present);
  size = SSL_client_hello_get0_ciphers(ssl, &data);
  line += text(", ciphers %zu, last %02x%02x", size, data[size - 2], data[size - 1]);
  line += text(", session id of %zu", SSL_client_hello_get0_session_id(ssl, &data));
  lines.push_back(line);
  return 1;
}

/// Handshake and one message each way; everything that the client's message callback saw.
Lines seen(Peers& peers) {
  Lines lines;
  SSL_CTX_set_client_hello_cb(peers.server_context.get(), see_hello, &lines);
  Log log;
  log.lengths = true;
  log.watch_messages(peers.client.get());
  link_memory(peers);
  Result result = handshake(peers);
  lines.push_back(result.said());
  if (!result.good()) return lines;
  lines.push_back(transfer(peers.client.get(), peers.server.get(), "to the server"));
  lines.push_back(transfer(peers.server.get(), peers.client.get(), "to the client"));
  lines.insert(lines.end(), log.lines.begin(), log.lines.end());
  lines.push_back(agreed(peers.client.get()));
  return lines;
}

void print_difference(const Lines& plain, const Lines& changed) {
  if (plain == changed) return out("  as without");
  for (size_t i = 0; i < std::max(plain.size(), changed.size()); i++) {
    if (i < plain.size() && i < changed.size() && plain[i] == changed[i]) continue;
    out("  - %s", i < plain.size() ? plain[i].c_str() : "(nothing)");
    out("  + %s", i < changed.size() ? changed[i].c_str() : "(nothing)");
  }
}

Peers peers_at(int version, const std::function<void(SSL_CTX*)>& client,
               const std::function<void(SSL_CTX*)>& server) {
  // RSA alone has signatures of one length.
  auto both = [=](SSL_CTX* c) {
    SSL_CTX_clear_options(c, SSL_OP_NO_TICKET);
    SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION);
  };
  return make_peers(at_version(version, {.certificate = "server-rsa",
                                         .client_context =
                                             [=](SSL_CTX* c) {
                                               both(c);
                                               if (client) client(c);
                                             },
                                         .server_context =
                                             [=](SSL_CTX* c) {
                                               both(c);
                                               if (server) server(c);
                                             }}));
}

void each_bit(bool client, bool clear) {
  for (int version : kVersions) {
    Peers without = peers_at(version, nullptr, nullptr);
    Lines plain = seen(without);
    for (int bit = 0; bit < 40; bit++) {
      uint64_t option = uint64_t{1} << bit;
      auto change = [=](SSL_CTX* c) {
        clear ? SSL_CTX_clear_options(c, option) : SSL_CTX_set_options(c, option);
      };
      Peers peers =
          client ? peers_at(version, change, nullptr) : peers_at(version, nullptr, change);
      uint64_t own = SSL_get_options((client ? peers.client : peers.server).get());
      out("%s, bit %d, set %d", version_text(version), bit, (own & option) != 0);
      print_difference(plain, seen(peers));
      errors();
    }
  }
}

void set_by_client() {
  each_bit(true, false);
}
void set_by_server() {
  each_bit(false, false);
}
void cleared_by_client() {
  each_bit(true, true);
}
void cleared_by_server() {
  each_bit(false, true);
}

void modes(bool client) {
  for (int version : kVersions) {
    Peers without = peers_at(version, nullptr, nullptr);
    Lines plain = seen(without);
    for (int bit = 0; bit < 12; bit++) {
      // Jobs are another matter.
      if (1L << bit == SSL_MODE_ASYNC) continue;
      auto change = [=](SSL_CTX* c) { SSL_CTX_set_mode(c, 1L << bit); };
      Peers peers =
          client ? peers_at(version, change, nullptr) : peers_at(version, nullptr, change);
      out("%s, mode %x", version_text(version), 1U << bit);
      print_difference(plain, seen(peers));
      errors();
    }
  }
}

void modes_of_client() {
  modes(true);
}
void modes_of_server() {
  modes(false);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"set_by_client", set_by_client},
              {"set_by_server", set_by_server},
              {"cleared_by_client", cleared_by_client},
              {"cleared_by_server", cleared_by_server},
              {"modes_of_client", modes_of_client},
              {"modes_of_server", modes_of_server}},
             argc, argv);
}
