// SSL_do_handshake() over non-blocking sockets: where it would have to wait it returns -1, and
// SSL_get_error() says for what. The caller polls the socket for exactly that and calls again.
// One thread drives client and server, which makes every return value visible in its order.

#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <string>

#include "support.h"

namespace {

using example::require;

constexpr std::string_view kText = "sent without ever blocking";
constexpr int kPatienceInMilliseconds = 10'000;

// One side of the connection and the events it waits for; 0 once its current step is done.
struct Side {
  const char* who;
  SSL* ssl;
  int socket;
  short events;
};

using Step = std::function<int(SSL*)>;

// Makes one attempt at `step` and notes in `side.events` what to wait for before the next.
void attempt(Side& side, const char* function, const Step& step) {
  ERR_clear_error();  // SSL_get_error() looks at this thread's error queue as well.
  const int result = step(side.ssl);
  const int error = SSL_get_error(side.ssl, result);
  std::puts(example::describe(side.who, function, result, error).c_str());
  if (result > 0) {
    side.events = 0;
    return;
  }
  require(result == -1, "a step that has to wait must return -1");
  require(error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE, function);
  side.events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
}

void wait_and_attempt(Side& side, short ready, const char* function, const Step& step) {
  if (side.events != 0 && (ready & (side.events | POLLHUP | POLLERR)) != 0) {
    attempt(side, function, step);
  }
}

// Repeats a step on each side, waiting in poll(2) in between, until both are done.
void drive(Side& client, const char* client_function, const Step& client_step, Side& server,
           const char* server_function, const Step& server_step) {
  attempt(client, client_function, client_step);
  attempt(server, server_function, server_step);
  while (client.events != 0 || server.events != 0) {
    pollfd waiting[] = {{client.events != 0 ? client.socket : -1, client.events, 0},
                        {server.events != 0 ? server.socket : -1, server.events, 0}};
    require(poll(waiting, 2, kPatienceInMilliseconds) > 0, "poll: nothing happened for too long");
    wait_and_attempt(client, waiting[0].revents, client_function, client_step);
    wait_and_attempt(server, waiting[1].revents, server_function, server_step);
  }
}

Side make_side(const char* who, SSL* ssl, int socket) {
  require(fcntl(socket, F_SETFL, O_NONBLOCK) == 0, "fcntl");
  require(SSL_set_fd(ssl, socket) == 1, "SSL_set_fd");
  return {who, ssl, socket, 0};
}

}  // namespace

int main() {
  example::print_library();
  const example::Contexts contexts = example::make_contexts();
  const example::Connection client_ssl = example::make_client(contexts.client.get());
  const example::Connection server_ssl = example::make_server(contexts.server.get());
  int sockets[2];
  require(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0, "socketpair");
  Side client = make_side("client", client_ssl.get(), sockets[0]);
  Side server = make_side("server", server_ssl.get(), sockets[1]);

  const Step handshake = [](SSL* ssl) { return SSL_do_handshake(ssl); };
  drive(client, "SSL_do_handshake", handshake, server, "SSL_do_handshake", handshake);
  require(SSL_is_init_finished(client.ssl) && SSL_is_init_finished(server.ssl), "handshake");

  char buffer[256];
  const Step write = [](SSL* ssl) { return SSL_write(ssl, kText.data(), kText.size()); };
  const Step read = [&](SSL* ssl) { return SSL_read(ssl, buffer, sizeof buffer); };
  drive(server, "SSL_write", write, client, "SSL_read", read);
  require(std::string_view(buffer, kText.size()) == kText, "the text arrived changed");
  std::printf("client: received \"%.*s\"\n", static_cast<int>(kText.size()), buffer);

  example::print_connection("client", client.ssl);
  example::print_connection("server", server.ssl);
  for (int socket : sockets) close(socket);
  std::puts("non-blocking poll: done");
  return 0;
}
