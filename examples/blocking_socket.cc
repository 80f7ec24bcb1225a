// SSL_do_handshake() over a blocking socket: it returns only once, when the handshake has finished
// or failed. Client and server are two threads that talk over TCP on the loopback interface.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "support.h"

namespace {

using example::require;

constexpr std::string_view kQuestion = "Is this line private?";
constexpr std::string_view kAnswer = "It is.";

// What one side saw; printed after both threads have ended so that the lines do not mix.
struct Report {
  const char* who;
  std::vector<std::string> lines;

  void note(const char* function, SSL* ssl, int result) {
    lines.push_back(example::describe(who, function, result, SSL_get_error(ssl, result)));
  }
};

void handshake(SSL* ssl, Report& report) {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl);
  report.note("SSL_do_handshake", ssl, result);
  require(result == 1, "SSL_do_handshake");
}

void send(SSL* ssl, Report& report, std::string_view text) {
  const int result = SSL_write(ssl, text.data(), static_cast<int>(text.size()));
  report.note("SSL_write", ssl, result);
  require(result == static_cast<int>(text.size()), "SSL_write");
}

void receive(SSL* ssl, Report& report, std::string_view expected) {
  char buffer[256];
  const int result = SSL_read(ssl, buffer, sizeof buffer);
  report.note("SSL_read", ssl, result);
  require(result > 0 && std::string_view(buffer, result) == expected, "SSL_read");
  report.lines.push_back(std::string(report.who) + ": received \"" + std::string(expected) + "\"");
}

// Reads the peer's close_notify: the end of the data, not an error.
void receive_end(SSL* ssl, Report& report) {
  char byte;
  const int result = SSL_read(ssl, &byte, 1);
  report.note("SSL_read", ssl, result);
  require(SSL_get_error(ssl, result) == SSL_ERROR_ZERO_RETURN, "expected the peer's close_notify");
}

// `expected` is 0 when our close_notify is sent and the peer's has not come, 1 when both are done.
void shut_down(SSL* ssl, Report& report, int expected) {
  const int result = SSL_shutdown(ssl);
  report.lines.push_back(std::string(report.who) + ": SSL_shutdown() = " + std::to_string(result));
  require(result == expected, "SSL_shutdown");
}

void run_server(SSL* ssl, int listener, Report& report) {
  const int socket = accept(listener, nullptr, nullptr);
  require(socket >= 0 && SSL_set_fd(ssl, socket) == 1, "accept");
  handshake(ssl, report);
  receive(ssl, report, kQuestion);
  send(ssl, report, kAnswer);
  receive_end(ssl, report);
  shut_down(ssl, report, 1);
  close(socket);
}

void run_client(SSL* ssl, const sockaddr_in& address, Report& report) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  require(socket >= 0, "socket");
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  require(connect(socket, generic, sizeof address) == 0, "connect");
  require(SSL_set_fd(ssl, socket) == 1, "SSL_set_fd");
  handshake(ssl, report);
  send(ssl, report, kQuestion);
  receive(ssl, report, kAnswer);
  shut_down(ssl, report, 0);
  shut_down(ssl, report, 1);
  close(socket);
}

// Listens on a port of the kernel's choice and stores where in `address`.
int listen_on_loopback(sockaddr_in& address) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t length = sizeof address;
  require(listener >= 0 && bind(listener, generic, length) == 0 && listen(listener, 1) == 0 &&
              getsockname(listener, generic, &length) == 0,
          "listening on the loopback interface");
  return listener;
}

}  // namespace

int main() {
  example::print_library();
  const example::Contexts contexts = example::make_contexts();
  const example::Connection client = example::make_client(contexts.client.get());
  const example::Connection server = example::make_server(contexts.server.get());
  sockaddr_in address;
  const int listener = listen_on_loopback(address);

  Report client_report{"client", {}};
  Report server_report{"server", {}};
  std::thread serving([&] { run_server(server.get(), listener, server_report); });
  run_client(client.get(), address, client_report);
  serving.join();
  close(listener);

  for (const Report* report : {&client_report, &server_report}) {
    for (const std::string& line : report->lines) std::puts(line.c_str());
  }
  example::print_connection("client", client.get());
  example::print_connection("server", server.get());
  std::puts("blocking socket: done");
  return 0;
}
