// What DTLS does where the system's library does something else: docs/differences.md, "Datagrams of
// DTLS".
#include <gtest/gtest.h>

#include "support/dtls.h"
#include "support/dtls_records.h"

namespace {

using namespace twin;

std::string read_once(SSL* ssl) {
  char buffer[64];
  ERR_clear_error();
  int returned = SSL_read(ssl, buffer, sizeof buffer);
  return outcome(ssl, returned);
}

/// Both ends with this suite of DTLS 1.2, without or with encrypt_then_mac.
Setup with_suite(const char* suite, bool etm) {
  auto use = [=](SSL_CTX* context) {
    SSL_CTX_set_security_level(context, 0);
    EXPECT_EQ(SSL_CTX_set_cipher_list(context, suite), 1);
    if (!etm) SSL_CTX_set_options(context, SSL_OP_NO_ENCRYPT_THEN_MAC);
  };
  return {.client_context =
              [=](SSL_CTX* context) {
                use(context);
                use_certificate(context, "client-rsa");
              },
          .server_context =
              [=](SSL_CTX* context) {
                use(context);
                SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
                SSL_CTX_set_options(context, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
              }};
}

size_t longest(const Net& net) {
  size_t most = 0;
  for (const Way* way : {&net.to_server, &net.to_client}) {
    for (const std::string& datagram : way->sent) most = std::max(most, datagram.size());
  }
  return most;
}

void renegotiate(Peers& peers) {
  SSL *client = peers.client.get(), *server = peers.server.get();
  ASSERT_EQ(SSL_renegotiate(client), 1);
  SSL_do_handshake(client);
  for (int i = 0; i < 6; ++i) {
    read_once(server);
    read_once(client);
  }
  EXPECT_EQ(SSL_num_renegotiations(client), 1);
  EXPECT_TRUE(SSL_is_init_finished(client) && SSL_is_init_finished(server));
}

// RFC 6347 4.1.1: "the DTLS record layer MUST" not exceed what the path can take.
TEST(EngineDatagram, NoDatagramOfAHandshakeExceedsTheMtu) {
  struct Protection {
    const char* suite;
    bool etm;
  };
  for (const Protection& one : {Protection{"ECDHE-RSA-AES128-GCM-SHA256", true},
                                {"ECDHE-RSA-CHACHA20-POLY1305", true},
                                {"AES256-CCM8", true},
                                {"AES128-SHA", true},
                                {"AES256-SHA256", false},
                                {"NULL-SHA", true}}) {
    for (long mtu = 228; mtu < 1600; mtu += 37) {
      Net net;
      net.client.query_mtu = net.server.query_mtu = mtu;
      Peers peers = dtls_peers(net, DTLS1_2_VERSION, with_suite(one.suite, one.etm));
      ASSERT_TRUE(handshake(peers).good()) << one.suite << ", " << mtu;
      renegotiate(peers);
      EXPECT_LE(longest(net), static_cast<size_t>(mtu)) << one.suite;
    }
  }
}

// Whatever the path can take: what one call reads is bounded.
TEST(EngineDatagram, LargeMtusAreUsed) {
  for (long mtu : {4096L, 9000L, 16000L, 65000L}) {
    Net net;
    net.server.query_mtu = mtu;
    Peers peers = dtls_peers(net, DTLS1_2_VERSION, {.certificate = "server-large"});
    ASSERT_TRUE(handshake(peers).good()) << mtu;
    EXPECT_LE(longest(net), static_cast<size_t>(mtu));
    EXPECT_GT(longest(net), 4000U);
    EXPECT_LE(longest(net), 16717U);
  }
}

// RFC 6347 4.1.2.7: "invalid records SHOULD be silently discarded".
TEST(EngineDatagram, RecordsWithAWrongMacAreDropped) {
  for (const char* suite : {"AES128-SHA", "AES256-SHA256", "NULL-SHA", "ECDHE-RSA-AES128-SHA"}) {
    for (bool etm : {true, false}) {
      Net net;
      Peers peers = dtls_connected(net, DTLS1_2_VERSION, with_suite(suite, etm));
      SSL *client = peers.client.get(), *server = peers.server.get();
      ASSERT_EQ(SSL_write(client, "some data", 9), 9);
      std::string good = net.to_server.arrived.back();
      net.to_server.arrived.clear();
      for (size_t at = 13; at < good.size(); ++at) {
        std::string damaged = good;
        damaged[at] ^= 1;
        net.to_server.arrived.push_back(damaged);
      }
      for (size_t size = 0; size < 40 && size < good.size() - 13; ++size) {
        net.to_server.arrived.push_back(good.substr(0, 11) + big_endian(size, 2) +
                                        good.substr(13, size));
      }
      EXPECT_EQ(read_once(server), "-1 WANT_READ") << suite << ", " << etm;
      EXPECT_TRUE(net.to_server.arrived.empty());
      net.to_server.arrived.push_back(good);
      EXPECT_EQ(read_once(server), "9 NONE") << suite << ", " << etm;
    }
  }
}

TEST(EngineDatagram, WarningsAmidAHandshakeMeanNothing) {
  Net net;
  Peers peers = dtls_peers(net);
  SSL* client = peers.client.get();
  SSL_do_handshake(client);
  for (size_t i = 0; i < 4; ++i) {
    net.to_client.arrived.push_back(record(SSL3_RT_ALERT, DTLS1_VERSION, 0, 40 + i, {1, 90}));
  }
  EXPECT_EQ(outcome(client, SSL_do_handshake(client)), "-1 WANT_READ");
  EXPECT_TRUE(handshake(peers).good());
}

// RFC 5246 7.4.1.1: a HelloRequest "may be ignored by the client"; RFC 6347 4.2.4: until then it is
// sent again.
TEST(EngineDatagram, HelloRequestWithoutAnAnswerIsForgotten) {
  Net net;
  Peers peers = dtls_connected(net);
  SSL *client = peers.client.get(), *server = peers.server.get();
  DTLS_set_timer_cb(server, [](SSL*, unsigned int) { return 0U; });
  net.to_client.fate = lose_all();
  ASSERT_EQ(SSL_renegotiate(server), 1);
  ASSERT_EQ(SSL_do_handshake(server), 1);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(read_once(server), "-1 WANT_READ");
  EXPECT_EQ(net.to_client.sent.size(), 13U);
  timeval left;
  EXPECT_EQ(DTLSv1_get_timeout(server, &left), 0);
  EXPECT_FALSE(net.server.timer);
  net.to_client.fate = nullptr;
  EXPECT_EQ(transfer(server, client, "data"), "4 bytes equal");
  EXPECT_EQ(transfer(client, server, "data"), "4 bytes equal");
}

// RFC 8422 5.10.
TEST(EngineDatagram, EdwardsCurvesSignInDtls12) {
  for (const char* name : {"server-ed25519", "server-ed448"}) {
    Net net;
    auto use = [=](SSL_CTX* context) { use_certificate(context, name); };
    Peers peers = dtls_peers(net, DTLS1_2_VERSION, {.certificate = "", .server_context = use});
    EXPECT_EQ(handshake(peers).said(), "client 1 NONE | server 1 NONE") << name;
  }
}

/// What a client says to a record that comes in the place of its ServerHello.
std::string said_to(const std::string& body, Alerts& alerts) {
  Net net;
  Peers peers = dtls_peers(net);
  SSL* client = peers.client.get();
  alerts.watch(client);
  SSL_do_handshake(client);
  net.to_client.arrived.push_back(record(SSL3_RT_HANDSHAKE, DTLS1_VERSION, 0, 0, body));
  std::string said = outcome(client, SSL_do_handshake(client));
  SSL_set_info_callback(client, nullptr);
  return said;
}

std::string part(size_t length, size_t offset, size_t size) {
  return static_cast<char>(SSL3_MT_SERVER_HELLO) + big_endian(length, 3) + big_endian(0, 2) +
         big_endian(offset, 3) + big_endian(size, 3) + std::string(size, 'x');
}

TEST(EngineDatagram, FragmentsThatCannotBeAreRefused) {
  for (const std::string& body :
       {part(50, 20, 40), part(50, 50, 1), part(0xffffff, 0, 40), part(0xffffff, 0xfffff0, 15)}) {
    Alerts alerts;
    EXPECT_EQ(said_to(body, alerts), "-1 SSL [SSL routines/excessive message size]");
    EXPECT_EQ(alerts.said, "sent fatal illegal parameter");
  }
}

TEST(EngineDatagram, FragmentsThatDoNotAgreeAreDropped) {
  Alerts alerts;
  EXPECT_EQ(said_to(part(50, 0, 40) + part(60, 40, 20), alerts), "-1 WANT_READ");
  EXPECT_EQ(said_to(part(50, 0, 0), alerts), "-1 WANT_READ");
  EXPECT_EQ(alerts.said, "");
}

// SSL_CTX_set_max_cert_list(3).
TEST(EngineDatagram, ChainsThatAreTooLongAreRefused) {
  Net net;
  Peers peers = dtls_peers(net, DTLS1_2_VERSION, {.certificate = "server-large"});
  SSL_set_max_cert_list(peers.client.get(), 20000);
  Result result = handshake(peers);
  EXPECT_EQ(result.client.said(), "-1 SSL [SSL routines/excessive message size]");
}

// The methods that leave the version open, too.
TEST(EngineDatagram, SettingsOutliveAClear) {
  Net net;
  Peers peers = dtls_connected(net, 0);
  SSL *client = peers.client.get(), *server = peers.server.get();
  SSL_set_options(server, SSL_OP_NO_QUERY_MTU);
  SSL_set_mtu(server, 600);
  DTLS_set_timer_cb(client, [](SSL*, unsigned int) { return 90000000U; });
  ASSERT_TRUE(SSL_clear(client) && SSL_clear(server));
  SSL_do_handshake(client);
  timeval left = {};
  ASSERT_EQ(DTLSv1_get_timeout(client, &left), 1);
  EXPECT_GT(left.tv_sec, 60);
  ASSERT_TRUE(handshake(peers).good());
  EXPECT_EQ(longest(net), 600U);
}

}  // namespace
