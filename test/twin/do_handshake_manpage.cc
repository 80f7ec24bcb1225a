// SSL_do_handshake(3): one case for each sentence of its NOTES and RETURN VALUES.
#include <poll.h>

#include "support/loggers.h"

namespace {
using namespace twin;

void print_result(const Result& result) {
  out("client: %s", result.client.said().c_str());
  out("server: %s", result.server.said().c_str());
}

// "If the connection is in client mode, the handshake will be started."
void client_starts() {
  Peers peers = make_peers();
  link_memory(peers);
  Side client{peers.client.get()};
  client.step();
  out("client: %s", client.said().c_str());
  BIO* sent = SSL_get_wbio(peers.client.get());
  unsigned char* data;
  long size = BIO_get_mem_data(sent, &data);
  out("sent something: %d, record type %d, message %s", size > 0, data[0], message_name(data[5]));
}

void server_waits() {
  Peers peers = make_peers();
  link_memory(peers);
  Side server{peers.server.get()};
  server.step();
  out("server: %s, bytes sent %d", server.said().c_str(),
      static_cast<int>(BIO_ctrl_pending(SSL_get_wbio(peers.server.get()))));
}

// "The handshake routines may have to be explicitly set in advance …"
void role_set_in_advance() {
  Peers peers = make_peers();
  link_memory(peers);
  out("client is server: %d, server is server: %d", SSL_is_server(peers.client.get()),
      SSL_is_server(peers.server.get()));
  print_result(handshake(peers));
}

void role_by_method(const SSL_METHOD* client_method, const SSL_METHOD* server_method) {
  Owned<SSL_CTX> client_context = new_context(client_method);
  Owned<SSL_CTX> server_context = new_context(server_method);
  use_certificate(server_context.get(), "server-ed25519");
  Peers peers;
  peers.client.reset(SSL_new(client_context.get()));
  peers.server.reset(SSL_new(server_context.get()));
  link_memory(peers);
  print_result(handshake(peers));
}

void role_not_set() {
  Peers peers;
  peers.client_context = new_context();
  peers.client.reset(SSL_new(peers.client_context.get()));
  Side side{peers.client.get()};
  side.step();
  out("no role, no BIO: %s", side.said().c_str());
  SSL_set_bio(peers.client.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  side.step();
  out("no role: %s", side.said().c_str());
  side.step();
  out("again: %s", side.said().c_str());
  out("sent: %d", static_cast<int>(BIO_ctrl_pending(SSL_get_wbio(side.ssl))));
  out("%s", state_line(side.ssl).c_str());
  SSL_set_connect_state(side.ssl);
  side.step();
  out("with the role set afterwards: %s", side.said().c_str());
}

void bio_not_set() {
  Peers peers = make_peers();
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    Side side{ssl};
    side.step();
    out("%s: %s", SSL_is_server(ssl) ? "server" : "client", side.said().c_str());
  }
}

void role_implied_by_connect_and_accept() {
  Peers peers;
  peers.client_context = new_context();
  peers.server_context = new_context();
  use_certificate(peers.server_context.get(), "server-ed25519");
  peers.client.reset(SSL_new(peers.client_context.get()));
  peers.server.reset(SSL_new(peers.server_context.get()));
  link_memory(peers);
  int returned = SSL_connect(peers.client.get());
  out("SSL_connect: %s", outcome(peers.client.get(), returned).c_str());
  returned = SSL_accept(peers.server.get());
  out("SSL_accept: %s", outcome(peers.server.get(), returned).c_str());
  print_result(handshake(peers));
}

// "If the underlying BIO is blocking, SSL_do_handshake() will only return once the handshake has
// been finished …"
void blocking_finished() {
  Peers peers = make_peers();
  Sockets sockets(true);
  link_sockets(peers, sockets);
  Result result = handshake_threads(peers);
  print_result(result);
  out("calls: client %d, server %d", result.client.calls, result.server.calls);
}

// "… or an error occurred."
void blocking_error() {
  Peers peers = make_peers(
      {.client_context =
           [](SSL_CTX* context) { SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256"); },
       .server_context =
           [](SSL_CTX* context) { SSL_CTX_set_ciphersuites(context, "TLS_AES_256_GCM_SHA384"); }});
  Sockets sockets(true);
  link_sockets(peers, sockets);
  Result result = handshake_threads(peers);
  print_result(result);
  out("calls: client %d, server %d", result.client.calls, result.server.calls);
}

// "If the underlying BIO is nonblocking, SSL_do_handshake() will also return when the underlying
// BIO could not satisfy the needs of SSL_do_handshake() to continue the handshake."
void nonblocking_returns() {
  Peers peers = make_peers();
  Sockets sockets(false);
  link_sockets(peers, sockets);
  Side client{peers.client.get()}, server{peers.server.get()};
  server.step();
  out("server before anything came: %s", server.said().c_str());
  client.step();
  out("client after its hello: %s", client.said().c_str());
  client.step();
  out("client again, nothing came: %s", client.said().c_str());
  server.step();
  out("server after its flight: %s", server.said().c_str());
  client.step();
  out("client: %s", client.said().c_str());
  server.step();
  out("server: %s", server.said().c_str());
}

// "… SSL_get_error() … will yield SSL_ERROR_WANT_READ or SSL_ERROR_WANT_WRITE."
void want_read() {
  Peers peers = make_peers();
  link_memory(peers);
  Side client{peers.client.get()};
  client.step();
  out("%s, SSL_want %d, should_read %d, should_write %d", client.said().c_str(),
      SSL_want(client.ssl), BIO_should_read(SSL_get_rbio(client.ssl)),
      BIO_should_write(SSL_get_rbio(client.ssl)));
}

void want_write() {
  Peers peers = make_peers();
  link_pair(peers, 16, 16);
  Side client{peers.client.get()};
  client.step();
  out("%s, SSL_want %d, should_read %d, should_write %d", client.said().c_str(),
      SSL_want(client.ssl), BIO_should_read(SSL_get_wbio(client.ssl)),
      BIO_should_write(SSL_get_wbio(client.ssl)));
}

// "The calling process then must repeat the call …"
void repeat_the_call() {
  Peers peers = make_peers();
  link_memory(peers);
  Lines lines;
  Result result = handshake(peers, [&](const Side& side) {
    lines.push_back(
        text("%s %s", SSL_is_server(side.ssl) ? "server" : "client", side.said().c_str()));
  });
  print("calls", lines);
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    int returned = SSL_do_handshake(ssl);
    out("a call when done: %s", outcome(ssl, returned).c_str());
  }
}

void repeat_in_vain() {
  Peers peers = make_peers();
  link_memory(peers);
  Side client{peers.client.get()};
  for (int i = 0; i < 4; i++) {
    client.step();
    long sent = static_cast<long>(BIO_number_written(SSL_get_wbio(client.ssl)));
    static long first = sent;
    out("call %d: %s, sent no more than the hello: %d", i + 1, client.said().c_str(),
        sent == first);
  }
}

// "When using a nonblocking socket, nothing is to be done, but select() can be used …"
void select_on_a_socket() {
  Peers peers = make_peers();
  Sockets sockets(false);
  link_sockets(peers, sockets);
  Result result{{peers.client.get()}, {peers.server.get()}};
  while (!result.client.over() || !result.server.over()) {
    for (Side* side : {&result.client, &result.server}) {
      if (side->over()) continue;
      side->step();
      if (side->over()) continue;
      short event = side->error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
      pollfd waiting{SSL_get_fd(side->ssl), event, 0};
      poll(&waiting, 1, 0);
      out("%s: %s, ready now %d", SSL_is_server(side->ssl) ? "server" : "client",
          side->said().c_str(), waiting.revents == event);
    }
  }
  print_result(result);
}

// "When using a buffering BIO, like a BIO pair, data must be written into or retrieved out of the
// BIO before being able to continue."
void move_data(BIO* from, BIO* to) {
  char buffer[64];
  while (BIO_ctrl_pending(from) > 0 && BIO_ctrl_get_write_guarantee(to) > 0) {
    size_t size =
        std::min({sizeof buffer, BIO_ctrl_pending(from), BIO_ctrl_get_write_guarantee(to)});
    int got = BIO_read(from, buffer, static_cast<int>(size));
    require(BIO_write(to, buffer, got) == got, "BIO_write");
  }
}

void pair_data_must_be_moved() {
  Peers peers = make_peers();
  BIO *client_inner, *client_outer, *server_inner, *server_outer;
  BIO_new_bio_pair(&client_inner, 64, &client_outer, 64);
  BIO_new_bio_pair(&server_inner, 64, &server_outer, 64);
  Owned<BIO> client_end(client_outer), server_end(server_outer);
  SSL_set_bio(peers.client.get(), client_inner, client_inner);
  SSL_set_bio(peers.server.get(), server_inner, server_inner);
  Result result{{peers.client.get()}, {peers.server.get()}};
  result.client.step();
  out("client: %s", result.client.said().c_str());
  result.client.step();
  out("client, nothing was moved: %s", result.client.said().c_str());
  out("waiting in the pair: %d", static_cast<int>(BIO_ctrl_pending(client_outer)));
  Lines lines;
  while (!result.client.over() || !result.server.over()) {
    for (Side* side : {&result.client, &result.server}) {
      if (!side->over()) side->step();
      move_data(client_outer, server_outer);
      move_data(server_outer, client_outer);
      lines.push_back(
          text("%s %s", side == &result.server ? "server" : "client", error_name(side->error)));
    }
  }
  bool asked_to_write = false, asked_to_read = false;
  for (const std::string& line : lines) {
    asked_to_write |= line == "client WANT_WRITE" || line == "server WANT_WRITE";
    asked_to_read |= line == "client WANT_READ" || line == "server WANT_READ";
  }
  out("asked to read %d, asked to write %d", asked_to_read, asked_to_write);
  print_result(result);
}

// RETURN VALUES: 1
void returns_1() {
  Peers peers = make_peers();
  link_memory(peers);
  print_result(handshake(peers));
  out("established: %s, data %s", SSL_get_version(peers.client.get()),
      transfer(peers.client.get(), peers.server.get(), "hello").c_str());
}

// RETURN VALUES: 0, "not successful but was shut down controlled"
void returns_0(const char* title, const std::function<void(Peers&)>& shut) {
  Peers peers = make_peers();
  link_memory(peers);
  Side client{peers.client.get()};
  client.step();
  shut(peers);
  client.step();
  out("%s: %s, shutdown %d", title, client.said().c_str(), SSL_get_shutdown(client.ssl));
  client.step();
  out("again: %s", client.said().c_str());
}

void put(SSL* ssl, std::string_view bytes) {
  BIO_write(SSL_get_rbio(ssl), bytes.data(), static_cast<int>(bytes.size()));
}

void returns_0_alerts() {
  using namespace std::string_view_literals;
  returns_0("close_notify", [](Peers& p) { put(p.client.get(), "\x15\3\3\0\2\1\0"sv); });
  returns_0("user_canceled", [](Peers& p) { put(p.client.get(), "\x15\3\3\0\2\1\x5a"sv); });
  returns_0("user_canceled, close_notify",
            [](Peers& p) { put(p.client.get(), "\x15\3\3\0\2\1\x5a\x15\3\3\0\2\1\0"sv); });
  Peers peers = make_peers();
  link_memory(peers);
  put(peers.server.get(), "\x15\3\3\0\2\1\0"sv);
  Side server{peers.server.get()};
  server.step();
  out("close_notify to a server: %s, shutdown %d", server.said().c_str(),
      SSL_get_shutdown(server.ssl));
}

void returns_0_end_of_file() {
  for (bool tell : {false, true}) {
    Faults faults;
    faults.read.end_at = 0;
    Peers peers = make_peers();
    link_memory(peers, &faults, nullptr);
    if (tell) SSL_set_options(peers.client.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    Side client{peers.client.get()};
    client.step();
    out("end of file, option %d: %s, shutdown %d", tell, client.said().c_str(),
        SSL_get_shutdown(client.ssl));
  }
}

// RETURN VALUES: <0, "a fatal error occurred either at the protocol level …"
void fatal_protocol() {
  using namespace std::string_view_literals;
  for (std::string_view bytes : {"\x15\3\3\0\2\2\x28"sv, "HTTP/1.0 400 Bad\r\n"sv,
                                 "\x16\3\3\0\4\x0e\0\0\0"sv, "\x17\3\3\0\1x"sv}) {
    Peers peers = make_peers();
    link_memory(peers);
    Side client{peers.client.get()};
    client.step();
    put(client.ssl, bytes);
    client.step();
    out("%s", client.said().c_str());
    client.step();
    out("again: %s", client.said().c_str());
  }
}

// "… or a connection failure occurred."
void fatal_connection() {
  for (int where : {0, 1}) {
    Faults faults;
    (where ? faults.write : faults.read).fail_at = 0;
    Peers peers = make_peers();
    link_memory(peers, &faults, nullptr);
    Side client{peers.client.get()};
    errno = 0;
    client.step();
    out("%s fails: %s", where ? "write" : "read", client.said().c_str());
    client.step();
    out("again: %s", client.said().c_str());
  }
  Peers peers = make_peers();
  Sockets sockets(false);
  link_sockets(peers, sockets);
  sockets.close_server();
  Side client{peers.client.get()};
  client.step();
  out("socket whose other end is closed: %s, errno %s", client.said().c_str(), strerror(errno));
}

// "It can also occur if action is needed to continue the operation for nonblocking BIOs."
void action_needed() {
  Faults faults;
  faults.read.retry_between = faults.write.retry_between = true;
  faults.read.piece = faults.write.piece = 100;
  Peers peers = make_peers();
  link_memory(peers, &faults, nullptr);
  int wants_read = 0, wants_write = 0, other = 0;
  Result result = handshake(peers, [&](const Side& side) {
    if (side.returned >= 0) return;
    wants_read += side.error == SSL_ERROR_WANT_READ;
    wants_write += side.error == SSL_ERROR_WANT_WRITE;
    other += side.error != SSL_ERROR_WANT_READ && side.error != SSL_ERROR_WANT_WRITE;
  });
  out("returned <0 to read %d, to write %d, else %d", wants_read > 0, wants_write > 0, other);
  print_result(result);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"description.client-starts-the-handshake", client_starts},
              {"description.server-waits", server_waits},
              {"description.role-set-in-advance", role_set_in_advance},
              {"description.role-by-method",
               [] { role_by_method(TLS_client_method(), TLS_server_method()); }},
              {"description.role-not-set", role_not_set},
              {"description.bio-not-set", bio_not_set},
              {"description.role-by-connect-and-accept", role_implied_by_connect_and_accept},
              {"notes.blocking-bio-returns-once-finished", blocking_finished},
              {"notes.blocking-bio-returns-on-error", blocking_error},
              {"notes.nonblocking-returns-when-it-could-not-continue", nonblocking_returns},
              {"notes.get-error-yields-want-read", want_read},
              {"notes.get-error-yields-want-write", want_write},
              {"notes.repeat-the-call", repeat_the_call},
              {"notes.repeat-the-call-without-action", repeat_in_vain},
              {"notes.nonblocking-socket-select", select_on_a_socket},
              {"notes.buffering-bio-pair-data-must-be-moved", pair_data_must_be_moved},
              {"returns.1-success", returns_1},
              {"returns.0-controlled-shutdown", returns_0_alerts},
              {"returns.0-end-of-file", returns_0_end_of_file},
              {"returns.lt0-fatal-protocol", fatal_protocol},
              {"returns.lt0-fatal-connection", fatal_connection},
              {"returns.lt0-action-needed", action_needed}},
             argc, argv);
}
