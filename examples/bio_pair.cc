// SSL_do_handshake() over BIO pairs: the library never touches a socket. It writes into and reads
// from a buffer, and the caller moves the bytes. The buffers here are smaller than a handshake
// message, so both reasons to stop are seen: "the buffer is empty" and "the buffer is full".
//
//   client SSL <-> [BIO pair] <-> this program <-> [BIO pair] <-> server SSL

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "support.h"

namespace {

using example::require;
using Bio = std::unique_ptr<BIO, example::Deleter<BIO_free>>;

constexpr std::size_t kBufferSize = 200;
constexpr std::string_view kText = "carried by hand";

struct Side {
  const char* who;
  SSL* ssl;
  Bio network;  // The caller's end of the pair; the other end belongs to `ssl`.
  bool done = false;
};

Side make_side(const char* who, SSL* ssl) {
  BIO* internal = nullptr;
  BIO* network = nullptr;
  require(BIO_new_bio_pair(&internal, kBufferSize, &network, kBufferSize) == 1, "BIO_new_bio_pair");
  SSL_set_bio(ssl, internal, internal);
  return {who, ssl, Bio(network)};
}

// Moves what `from` has written and `to` has room for. Returns the number of bytes.
std::size_t move_bytes(Side& from, Side& to) {
  char buffer[kBufferSize];
  const std::size_t size =
      std::min({sizeof buffer, BIO_ctrl_pending(from.network.get()),
                static_cast<std::size_t>(BIO_get_write_guarantee(to.network.get()))});
  if (size == 0) return 0;
  const int length = static_cast<int>(size);
  require(BIO_read(from.network.get(), buffer, length) == length, "BIO_read");
  require(BIO_write(to.network.get(), buffer, length) == length, "BIO_write");
  std::printf("caller: moved %zu bytes from the %s to the %s\n", size, from.who, to.who);
  return size;
}

// One attempt; anything but success or "move some bytes and call again" ends the program.
void attempt(Side& side, const char* function, int (*step)(SSL*)) {
  if (side.done) return;
  ERR_clear_error();
  const int result = step(side.ssl);
  const int error = SSL_get_error(side.ssl, result);
  std::puts(example::describe(side.who, function, result, error).c_str());
  side.done = result > 0;
  require(side.done || error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE, function);
}

void handshake(Side& client, Side& server) {
  while (!client.done || !server.done) {
    attempt(client, "SSL_do_handshake", SSL_do_handshake);
    attempt(server, "SSL_do_handshake", SSL_do_handshake);
    const std::size_t moved = move_bytes(client, server) + move_bytes(server, client);
    require(moved > 0 || (client.done && server.done), "both sides wait and no bytes are left");
  }
}

void transfer(Side& sender, Side& receiver) {
  const int size = static_cast<int>(kText.size());
  require(SSL_write(sender.ssl, kText.data(), size) == size, "SSL_write");
  char buffer[256];
  int received = SSL_read(receiver.ssl, buffer, sizeof buffer);
  while (received <= 0) {
    require(SSL_get_error(receiver.ssl, received) == SSL_ERROR_WANT_READ, "SSL_read");
    require(move_bytes(sender, receiver) > 0, "the receiver waits and no bytes are left");
    received = SSL_read(receiver.ssl, buffer, sizeof buffer);
  }
  require(std::string_view(buffer, received) == kText, "the text arrived changed");
  std::printf("%s: received \"%.*s\"\n", receiver.who, received, buffer);
}

}  // namespace

int main() {
  example::print_library();
  const example::Contexts contexts = example::make_contexts();
  // Session tickets follow the handshake and would fill the client's buffer, which nobody reads
  // while the server finishes. Without them each side is done when its handshake is.
  require(SSL_CTX_set_num_tickets(contexts.server.get(), 0) == 1, "SSL_CTX_set_num_tickets");
  const example::Connection client_ssl = example::make_client(contexts.client.get());
  const example::Connection server_ssl = example::make_server(contexts.server.get());
  Side client = make_side("client", client_ssl.get());
  Side server = make_side("server", server_ssl.get());

  handshake(client, server);
  transfer(client, server);
  transfer(server, client);
  example::print_connection("client", client.ssl);
  example::print_connection("server", server.ssl);
  std::puts("BIO pair: done");
  return 0;
}
