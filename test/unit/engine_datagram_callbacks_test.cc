// As engine_reentrancy_test.cc, over datagrams: with cookies, flights that go again and timers.
#include "engine_callbacks.h"
#include "engine_datagram_support.h"

namespace handfast::callback_test {
namespace {

using datagram_test::Bench;

int generate(SSL* ssl, unsigned char* cookie, unsigned* length) {
  pass(ssl, kGenerateCookie);
  *length = 4;
  std::memcpy(cookie, "mine", 4);
  return 1;
}
int check(SSL* ssl, const unsigned char* cookie, unsigned length) {
  pass(ssl, kVerifyCookie);
  return length == 4 && std::memcmp(cookie, "mine", 4) == 0 ? 1 : 0;
}
unsigned timer(SSL* ssl, unsigned before) {
  pass(ssl, kTimer);
  return before == 0 ? 1000000 : 2 * before;
}

twin::Peers new_peers() {
  auto prepare = [](SSL_CTX* context) {
    twin::set_versions(context, DTLS1_2_VERSION, DTLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, "PSK-AES128-CBC-SHA256:@SECLEVEL=0");
    SSL_CTX_set_options(context, SSL_OP_ALLOW_CLIENT_RENEGOTIATION | SSL_OP_COOKIE_EXCHANGE);
    SSL_CTX_set_psk_client_callback(context, datagram_test::psk_of_client);
    SSL_CTX_set_psk_server_callback(context, datagram_test::psk_of_server);
    SSL_CTX_set_cookie_generate_cb(context, generate);
    SSL_CTX_set_cookie_verify_cb(context, check);
    hook(context);
  };
  return twin::make_peers({.certificate = "server-p256",
                           .client_context =
                               [&](SSL_CTX* context) {
                                 prepare(context);
                                 SSL_CTX_set_alpn_protos(
                                     context, reinterpret_cast<const uint8_t*>("\2h2"), 3);
                               },
                           .server_context = prepare,
                           .client_method = DTLS_method(),
                           .server_method = DTLS_method()});
}

class DatagramTalk {
 public:
  DatagramTalk() {
    static twin::Peers peers = new_peers();
    twin::renew(peers);
    twin::link_datagrams(peers, net_);
    client_ = peers.client.release();
    server_ = peers.server.release();
    first_ = destroyed;
    SSL_set_tlsext_host_name(client_, "localhost");
    for (SSL* ssl : {client_, server_}) DTLS_set_timer_cb(ssl, timer);
  }
  ~DatagramTalk() {
    for (SSL* ssl : {client_, server_}) {
      if (ssl != Talk::freed_ssl) SSL_free(ssl);
    }
    EXPECT_EQ(destroyed, first_ + 2) << "each is destroyed once";
    ERR_clear_error();
  }
  DatagramTalk(const DatagramTalk&) = delete;
  DatagramTalk& operator=(const DatagramTalk&) = delete;

  void run() {
    BIO_ADDR* address = BIO_ADDR_new();
    call(client_, [](SSL* ssl) { SSL_do_handshake(ssl); });
    call(server_, [&](SSL* ssl) { DTLSv1_listen(ssl, address); });
    call(client_, [](SSL* ssl) { SSL_do_handshake(ssl); });
    call(server_, [&](SSL* ssl) { DTLSv1_listen(ssl, address); });
    BIO_ADDR_free(address);
    shake_hands();
    for (SSL* ssl : {client_, server_}) {
      call(ssl, [](SSL* self) { SSL_write(self, "hello", 5); });
    }
    call(client_, [](SSL* ssl) { read(ssl); });
    call(server_, [](SSL* ssl) { read(ssl); });
    call(client_, [](SSL* ssl) { SSL_renegotiate(ssl); });
    shake_hands();
    for (int i = 0; i < 2; ++i) {
      for (SSL* ssl : {client_, server_}) call(ssl, [](SSL* self) { SSL_shutdown(self); });
    }
  }

 private:
  // The first answer of the server is lost, and its last flight.
  void shake_hands() {
    for (int i = 0; i < 5; ++i) {
      call(client_, [](SSL* ssl) { SSL_do_handshake(ssl); });
      call(server_, [](SSL* ssl) { SSL_in_init(ssl) ? (void)SSL_do_handshake(ssl) : read(ssl); });
      if (i == 0 || i == 2) net_.to_client.arrived.clear();
      for (SSL* ssl : {client_, server_}) {
        call(ssl, [](SSL* self) {
          if (self->channel.datagram != nullptr) Bench::run_out(self);
          DTLSv1_handle_timeout(self);
        });
      }
    }
  }
  void call(SSL* ssl, const std::function<void(SSL*)>& act) {
    if (ssl == Talk::freed_ssl) return;
    act(ssl);
    if (ssl == Talk::freed_ssl) {
      EXPECT_EQ(destroyed, first_ + 1) << "gone when the outermost call returned";
    }
    ERR_clear_error();
  }
  static void read(SSL* ssl) {
    char buffer[10];
    SSL_read(ssl, buffer, sizeof buffer);
  }
  int first_ = 0;
  twin::Net net_;
  SSL* client_;
  SSL* server_;
};

void anywhere(const std::function<void(SSL*)>& act) {
  everywhere<DatagramTalk, kDatagramCallbacks>(act);
}

}  // namespace

TEST(EngineDatagramCallbacks, Free) {
  anywhere([](SSL* ssl) {
    Talk::freed_ssl = ssl;
    SSL_free(ssl);
  });
}

TEST(EngineDatagramCallbacks, ClearAndRoles) {
  anywhere([](SSL* ssl) {
    SSL_clear(ssl);
    SSL_set_accept_state(ssl);
  });
}

TEST(EngineDatagramCallbacks, ReadWriteAndShutdown) {
  anywhere([](SSL* ssl) {
    char buffer[10];
    SSL_peek(ssl, buffer, sizeof buffer);
    SSL_read(ssl, buffer, sizeof buffer);
    SSL_write(ssl, "x", 1);
    SSL_shutdown(ssl);
  });
}

TEST(EngineDatagramCallbacks, HandshakesAndTimers) {
  anywhere([](SSL* ssl) {
    SSL_do_handshake(ssl);
    SSL_renegotiate(ssl);
    SSL_do_handshake(ssl);
    if (ssl->channel.datagram != nullptr) Bench::run_out(ssl);
    DTLSv1_handle_timeout(ssl);
    timeval left;
    DTLSv1_get_timeout(ssl, &left);
  });
}

TEST(EngineDatagramCallbacks, ListeningAndMtus) {
  anywhere([](SSL* ssl) {
    BIO_ADDR* address = BIO_ADDR_new();
    DTLSv1_listen(ssl, address);
    BIO_ADDR_free(address);
    DTLS_set_link_mtu(ssl, 300);
    SSL_set_mtu(ssl, 230);
    DTLS_get_data_mtu(ssl);
    DTLS_set_timer_cb(ssl, nullptr);
  });
}

}  // namespace handfast::callback_test
