// BIO_f_ssl(3): what BIO_read, BIO_write, BIO_do_handshake and BIO_ctrl do on an SSL in a chain.
#include <string>
#include <vector>

#include "support/peers.h"

using namespace twin;

namespace {

// A client and a server in BIO_f_ssl, joined by a BIO pair.
struct Chains {
  Owned<SSL_CTX> client_context, server_context;
  Owned<BIO> client, server;
};

Chains make_chains(size_t buffer = 0) {
  Chains chains;
  chains.client_context = new_context();
  chains.server_context = new_context();
  trust(chains.client_context.get());
  use_certificate(chains.server_context.get(), "server-p256");
  BIO *left, *right;
  require(BIO_new_bio_pair(&left, buffer, &right, buffer) == 1, "BIO_new_bio_pair");
  chains.client.reset(BIO_push(BIO_new_ssl(chains.client_context.get(), 1), left));
  chains.server.reset(BIO_push(BIO_new_ssl(chains.server_context.get(), 0), right));
  return chains;
}

std::string flags(BIO* bio) {
  std::string result;
  if (BIO_should_read(bio)) result += " read";
  if (BIO_should_write(bio)) result += " write";
  if (BIO_should_io_special(bio)) result += text(" special %d", BIO_get_retry_reason(bio));
  if (BIO_should_retry(bio)) result += " retry";
  return result.empty() ? " no flags" : result;
}

std::string said(BIO* bio, long returned) {
  return text("%ld,", returned) + flags(bio) + " [" + errors() + "]";
}

SSL* ssl_of(BIO* bio) {
  SSL* ssl = nullptr;
  BIO_get_ssl(bio, &ssl);
  return ssl;
}

void handshake(Chains& chains, bool tell) {
  long client = 0, server = 0;
  for (int i = 0; i < 20 && (client != 1 || server != 1); i++) {
    if (client != 1) client = BIO_do_handshake(chains.client.get());
    if (tell) out("client %s", said(chains.client.get(), client).c_str());
    if (server != 1) server = BIO_do_handshake(chains.server.get());
    if (tell) out("server %s", said(chains.server.get(), server).c_str());
  }
  ERR_clear_error();
}

void method() {
  const BIO_METHOD* method = BIO_f_ssl();
  out("same %d", method == BIO_f_ssl());
  Owned<BIO> bio(BIO_new(method));
  out("type %d, name %s, init %d", BIO_method_type(bio.get()), BIO_method_name(bio.get()),
      BIO_get_init(bio.get()));
  char byte;
  int returned = BIO_read(bio.get(), &byte, 1);
  out("read %d [%s]", returned, errors().c_str());
  returned = BIO_write(bio.get(), "x", 1);
  out("write %d [%s]", returned, errors().c_str());
  out("flush %d, pending %zu", BIO_flush(bio.get()), BIO_ctrl_pending(bio.get()));
  out("ssl %d", ssl_of(bio.get()) != nullptr);
}

void handshake_in_steps() {
  Chains chains = make_chains();
  handshake(chains, true);
}

void implicit_handshake() {
  Chains chains = make_chains();
  char buffer[64];
  for (int i = 0; i < 4; i++) {
    out("write %s", said(chains.client.get(), BIO_write(chains.client.get(), "hello", 5)).c_str());
    int returned = BIO_read(chains.server.get(), buffer, sizeof buffer);
    out("read %s", said(chains.server.get(), returned).c_str());
    if (returned > 0) break;
  }
}

void transfer_both_ways() {
  Chains chains = make_chains();
  handshake(chains, false);
  char buffer[100];
  BIO *client = chains.client.get(), *server = chains.server.get();
  out("nothing there %s", said(server, BIO_read(server, buffer, 10)).c_str());
  out("write %s", said(client, BIO_write(client, "hello world", 11)).c_str());
  out("puts %s", said(client, BIO_puts(client, " and you")).c_str());
  out("read %s", said(server, BIO_read(server, buffer, 5)).c_str());
  out("pending %d", static_cast<int>(BIO_pending(server)));
  out("read %s", said(server, BIO_read(server, buffer, 100)).c_str());
  out("read %s", said(server, BIO_read(server, buffer, 100)).c_str());
  out("gets %s", said(server, BIO_gets(server, buffer, 100)).c_str());
  out("read to nowhere %s", said(server, BIO_read(server, nullptr, 5)).c_str());
  out("write of nothing %s", said(server, BIO_write(server, "", 0)).c_str());
  size_t done = 99;
  int returned = BIO_write_ex(server, "answer", 6, &done);
  out("write_ex %d %zu", returned, done);
  returned = BIO_read_ex(client, buffer, sizeof buffer, &done);
  out("read_ex %d %zu %.6s", returned, done, buffer);
  returned = BIO_read_ex(client, buffer, sizeof buffer, &done);
  out("read_ex %d, retry %d", returned, BIO_should_retry(client));
  out("written %d, read %d", static_cast<int>(BIO_number_written(client)),
      static_cast<int>(BIO_number_read(server)));
}

void full_transport() {
  Chains chains = make_chains(300);
  handshake(chains, false);
  std::string data = sample(1000), got(1000, '\0');
  out("write %s",
      said(chains.client.get(), BIO_write(chains.client.get(), data.data(), 1000)).c_str());
  size_t received = 0;
  for (int i = 0; i < 20 && received < data.size(); i++) {
    int returned = BIO_read(chains.server.get(), got.data() + received, 1000);
    if (returned > 0) received += static_cast<size_t>(returned);
    returned = BIO_write(chains.client.get(), data.data(), 1000);
    if (returned == 1000) out("written");
  }
  out("received %zu, equal %d", received, got == data);
}

void closing() {
  Chains chains = make_chains();
  handshake(chains, false);
  BIO *client = chains.client.get(), *server = chains.server.get();
  char byte;
  BIO_ssl_shutdown(client);
  out("client %d, server %d", SSL_get_shutdown(ssl_of(client)), SSL_get_shutdown(ssl_of(server)));
  out("read %s", said(server, BIO_read(server, &byte, 1)).c_str());
  out("server %d, eof %d", SSL_get_shutdown(ssl_of(server)), BIO_eof(server));
  BIO_ssl_shutdown(server);
  out("read %s", said(client, BIO_read(client, &byte, 1)).c_str());
  out("client %d, server %d", SSL_get_shutdown(ssl_of(client)), SSL_get_shutdown(ssl_of(server)));
  out("write after %s", said(client, BIO_write(client, "x", 1)).c_str());
}

void freed_with_notice() {
  Chains chains = make_chains();
  handshake(chains, false);
  Owned<BIO> transport(BIO_pop(chains.client.get()));
  out("transport %s", BIO_method_name(transport.get()));
  out("detached %d", SSL_get_rbio(ssl_of(chains.client.get())) == nullptr);
  BIO_push(chains.client.get(), transport.release());
  out("attached %d", SSL_get_rbio(ssl_of(chains.client.get())) != nullptr);
  Owned<BIO> kept(BIO_next(chains.client.get()));  // BIO_free leaves the rest of a chain
  BIO_free(chains.client.release());
  char byte;
  out("read %s", said(chains.server.get(), BIO_read(chains.server.get(), &byte, 1)).c_str());
}

void controls() {
  Chains chains = make_chains();
  BIO* bio = chains.client.get();
  out("close %d", static_cast<int>(BIO_get_close(bio)));
  out("set close %ld", static_cast<long>(BIO_set_close(bio, BIO_NOCLOSE)));
  out("close %d", static_cast<int>(BIO_get_close(bio)));
  (void)BIO_set_close(bio, BIO_CLOSE);
  out("get to nowhere %ld", BIO_get_ssl(bio, nullptr));
  for (long bytes : {100, 1000, 2000}) {
    out("bytes were %ld", BIO_set_ssl_renegotiate_bytes(bio, bytes));
  }
  long seconds = BIO_set_ssl_renegotiate_timeout(bio, 10);
  out("seconds were %ld", seconds);
  seconds = BIO_set_ssl_renegotiate_timeout(bio, 3600);
  out("seconds were %ld", seconds);
  out("renegotiations %ld", BIO_get_num_renegotiates(bio));
  out("info %ld, callback %ld", BIO_ctrl(bio, BIO_CTRL_INFO, 0, nullptr),
      BIO_ctrl(bio, BIO_CTRL_SET_CALLBACK, 0, nullptr));
  out("fd %ld", BIO_get_fd(bio, nullptr));
  out("wpending %d, pending %d", static_cast<int>(BIO_wpending(bio)),
      static_cast<int>(BIO_pending(bio)));
  out("unknown %ld", BIO_ctrl(bio, 12345, 0, nullptr));
  out("client mode %d", SSL_is_server(ssl_of(bio)));
  out("set mode %ld", BIO_set_ssl_mode(bio, 0));
  out("server mode %d", SSL_is_server(ssl_of(bio)));
  ERR_clear_error();
}

// In TLS 1.3 there is no renegotiation: the wish is counted, the connection goes on.
void renegotiation_wish() {
  Chains chains = make_chains();
  handshake(chains, false);
  BIO_set_ssl_renegotiate_bytes(chains.client.get(), 512);
  std::string data = sample(600);
  char buffer[700];
  for (int i = 0; i < 3; i++) {
    int returned = BIO_write(chains.client.get(), data.data(), 600);
    ERR_clear_error();
    out("write %d, renegotiations %ld", returned, BIO_get_num_renegotiates(chains.client.get()));
    returned = BIO_read(chains.server.get(), buffer, sizeof buffer);
    out("read %s", said(chains.server.get(), returned).c_str());
  }
}

void reset() {
  Chains chains = make_chains();
  handshake(chains, false);
  BIO* server = chains.server.get();
  out("finished %d", SSL_is_init_finished(ssl_of(server)));
  long returned = BIO_reset(server);
  out("reset %ld [%s]", returned, errors().c_str());
  out("finished %d, server %d, before %d", SSL_is_init_finished(ssl_of(server)),
      SSL_is_server(ssl_of(server)), SSL_in_before(ssl_of(server)));
}

void set_ssl() {
  Owned<SSL_CTX> context = new_context();
  BIO* memory = BIO_new(BIO_s_mem());
  SSL* ssl = SSL_new(context.get());
  SSL_set_bio(ssl, memory, memory);
  Owned<BIO> bio(BIO_new(BIO_f_ssl()));
  out("set %ld", BIO_set_ssl(bio.get(), ssl, BIO_CLOSE));
  out("init %d, next is transport %d", BIO_get_init(bio.get()), BIO_next(bio.get()) == memory);
  out("same ssl %d", ssl_of(bio.get()) == ssl);
  SSL* another = SSL_new(context.get());
  SSL_set_connect_state(another);
  Owned<BIO> plain(BIO_new(BIO_f_ssl()));
  out("set %ld", BIO_set_ssl(plain.get(), another, BIO_NOCLOSE));
  out("set again %ld", BIO_set_ssl(plain.get(), another, BIO_NOCLOSE));
  out("next %d", BIO_next(plain.get()) != nullptr);
  plain.reset();
  out("alive: server %d", SSL_is_server(another));
  SSL_free(another);
}

void duplicate() {
  Owned<SSL_CTX> context = new_context();
  Owned<BIO> bio(BIO_new_ssl(context.get(), 1));
  BIO_set_ssl_renegotiate_bytes(bio.get(), 4000);
  Owned<BIO> copy(BIO_dup_chain(bio.get()));
  out("copied %d", copy != nullptr);
  if (!copy) return;
  out("another ssl %d, same context %d", ssl_of(copy.get()) != ssl_of(bio.get()),
      SSL_get_SSL_CTX(ssl_of(copy.get())) == context.get());
  out("bytes %ld", BIO_set_ssl_renegotiate_bytes(copy.get(), 0));
}

void copy_session_id() {
  Owned<SSL_CTX> context = new_context();
  Owned<BIO> from(BIO_new_ssl(context.get(), 1)), to(BIO_new_ssl(context.get(), 1));
  Owned<SSL_SESSION> session(SSL_SESSION_new());
  SSL_set_session(ssl_of(from.get()), session.get());
  out("copied %d", BIO_ssl_copy_session_id(to.get(), from.get()));
  out("there %d", SSL_get_session(ssl_of(to.get())) == session.get());
  Owned<BIO> memory(BIO_new(BIO_s_mem())), empty(BIO_new(BIO_f_ssl()));
  out("without ssl %d %d", BIO_ssl_copy_session_id(to.get(), memory.get()),
      BIO_ssl_copy_session_id(empty.get(), from.get()));
}

void connect_chains() {
  Owned<SSL_CTX> context = new_context();
  for (bool buffer : {false, true}) {
    Owned<BIO> chain(buffer ? BIO_new_buffer_ssl_connect(context.get())
                            : BIO_new_ssl_connect(context.get()));
    std::string names;
    for (BIO* bio = chain.get(); bio; bio = BIO_next(bio))
      names += text(" %s", BIO_method_name(bio));
    out("chain%s", names.c_str());
    out("host name %ld", BIO_set_conn_hostname(chain.get(), "127.0.0.1:1"));
    out("host name is %s %s", BIO_get_conn_hostname(chain.get()), BIO_get_conn_port(chain.get()));
    out("server %d", SSL_is_server(ssl_of(chain.get())));
    long returned = BIO_do_handshake(chain.get());
    out("handshake %ld, retry %d", returned, BIO_should_retry(chain.get()));
    ERR_clear_error();
  }
}

// Over TCP: BIO_new_ssl_connect to a server in BIO_f_ssl under a BIO_f_buffer, line by line.
void over_tcp() {
  Owned<SSL_CTX> client_context = new_context(), server_context = new_context();
  trust(client_context.get());
  use_certificate(server_context.get(), "server-p256");
  Owned<BIO> listener(BIO_new_accept("127.0.0.1:0"));
  Owned<BIO> template_chain(BIO_new_ssl(server_context.get(), 0));
  require(BIO_do_accept(listener.get()) == 1, "listen");
  std::string port = BIO_get_accept_port(listener.get());

  std::thread server([&] {
    require(BIO_do_accept(listener.get()) == 1, "accept");
    Owned<BIO> chain(BIO_push(BIO_new(BIO_f_buffer()),
                              BIO_push(template_chain.release(), BIO_pop(listener.get()))));
    char line[200];
    int got = BIO_gets(chain.get(), line, sizeof line);
    BIO_printf(chain.get(), "%d bytes: %s", got, got > 0 ? line : "\n");
    (void)BIO_flush(chain.get());
    BIO_ssl_shutdown(chain.get());
  });
  Owned<BIO> chain(BIO_new_buffer_ssl_connect(client_context.get()));
  BIO_set_conn_hostname(chain.get(), ("127.0.0.1:" + port).c_str());
  long returned = BIO_do_connect(chain.get());
  out("connect %ld", returned);
  returned = BIO_do_handshake(chain.get());
  out("handshake %ld [%s]", returned, errors().c_str());
  BIO_puts(chain.get(), "one line\n");
  out("flush %d", BIO_flush(chain.get()));
  char line[200] = "";
  int got = BIO_gets(chain.get(), line, sizeof line);
  out("got %d: %s", got, line);
  got = BIO_gets(chain.get(), line, sizeof line);
  out("then %d, shutdown %d", got, SSL_get_shutdown(ssl_of(chain.get())));
  // The server's end of the chain waits for our close_notify.
  chain.reset();
  server.join();
  ERR_clear_error();
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"method", method},
              {"handshake_in_steps", handshake_in_steps},
              {"implicit_handshake", implicit_handshake},
              {"transfer_both_ways", transfer_both_ways},
              {"full_transport", full_transport},
              {"closing", closing},
              {"freed_with_notice", freed_with_notice},
              {"controls", controls},
              {"renegotiation_wish", renegotiation_wish},
              {"reset", reset},
              {"set_ssl", set_ssl},
              {"duplicate", duplicate},
              {"copy_session_id", copy_session_id},
              {"connect_chains", connect_chains},
              {"over_tcp", over_tcp}},
             argc, argv);
}
