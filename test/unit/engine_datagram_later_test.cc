// Datagrams of a connection that is there: stale and untimely messages of the peer, data amid
// another handshake, an end that is lost, and SSLs that change in between.
#include "engine_datagram_support.h"

namespace handfast::datagram_test {
namespace {

using twin::Datagrams;

constexpr Kind kKind = {.suites = kPsk};

void send(Bench& bench, SSL* from, int type, const std::string& content) {
  twin::Way& way = from == bench.client() ? bench.net.to_server : bench.net.to_client;
  way.send(Bench::sealed(from, type, content));
}

SSL* peer_of(const Bench& bench, SSL* ssl) {
  return ssl == bench.client() ? bench.server() : bench.client();
}

// --- Handshake messages after the handshake ---

// RFC 6347 4.2.4: what a peer sends that has missed something is stale for us.
TEST(DatagramLater, MessagesWithoutAHandshakeAreDropped) {
  Bench bench(kKind);
  ASSERT_TRUE(bench.complete());
  for (SSL* from : {bench.client(), bench.server()}) {
    SSL* to = peer_of(bench, from);
    for (int type : {0, 1, 2, 3, 4, 11, 12, 14, 15, 16, 22, 24, 67, 254, 255}) {
      for (size_t sequence : {0, 1, 5, 11, 65535}) {
        int begins = from == bench.client() ? SSL3_MT_CLIENT_HELLO : SSL3_MT_HELLO_REQUEST;
        if (type == begins && sequence == 0) continue;
        SCOPED_TRACE(twin::text("type %d, sequence %zu", type, sequence));
        send(bench, from, SSL3_RT_HANDSHAKE,
             twin::fragment(type, sequence, twin::sample(30), 0, 30));
        send(bench, from, SSL3_RT_HANDSHAKE,
             twin::fragment(type, sequence, twin::sample(30), 5, 9));
        ASSERT_TRUE(bench.step(to));
        ASSERT_NE(SSL_is_init_finished(to), 0);
      }
    }
    for (const char* junk : {"1", "short", "twelve bytes", "\x14 more than twelve bytes"}) {
      send(bench, from, SSL3_RT_HANDSHAKE, junk);
      if (junk[0] != '\x14') ASSERT_TRUE(bench.step(to));
    }
    send(bench, from, SSL3_RT_CHANGE_CIPHER_SPEC, "\x01");
    send(bench, from, SSL3_RT_CHANGE_CIPHER_SPEC, "\x02\x03");
    ASSERT_TRUE(bench.step(to));
  }
  bench.expect_agreed();
}

// A peer that sends its Finished again and again is answered, but not for ever.
TEST(DatagramLater, TheLastFlightGoesAgainAFewTimes) {
  Bench bench(kKind);
  ASSERT_TRUE(bench.complete());
  std::string finished = twin::fragment(SSL3_MT_FINISHED, 2, twin::sample(12), 0, 12);
  for (int i = 0; i < 12; ++i) {
    size_t before = bench.net.to_client.count;
    send(bench, bench.client(), SSL3_RT_HANDSHAKE, finished);
    ASSERT_TRUE(bench.step(bench.server())) << i;
    EXPECT_GT(bench.net.to_client.count, before);
  }
  send(bench, bench.client(), SSL3_RT_HANDSHAKE, finished);
  EXPECT_FALSE(bench.step(bench.server()));
}

TEST(DatagramLater, RefusedHellos) {
  Bench bench(kKind);
  ASSERT_TRUE(bench.complete());
  SSL_set_options(bench.server(), SSL_OP_NO_RENEGOTIATION);
  SSL_set_options(bench.client(), SSL_OP_NO_RENEGOTIATION);
  for (int i = 0; i < 4; ++i) {
    send(bench, bench.server(), SSL3_RT_HANDSHAKE,
         twin::fragment(SSL3_MT_HELLO_REQUEST, 0, "", 0, 0));
    ASSERT_TRUE(bench.step(bench.client()));
    ASSERT_NE(SSL_is_init_finished(bench.client()), 0);
    bench.net.clear();
    send(bench, bench.client(), SSL3_RT_HANDSHAKE,
         twin::fragment(SSL3_MT_CLIENT_HELLO, 0, twin::sample(80), 0, 80));
    ASSERT_TRUE(bench.step(bench.server()));
    ASSERT_NE(SSL_is_init_finished(bench.server()), 0);
    bench.net.clear();
  }
  bench.expect_agreed();
}

// --- Data amid handshakes ---

// Between the peer's change_cipher_spec and its Finished.
struct EarlyData {
  EarlyData() : bench(kKind) {
    // The client's Finished is late.
    bench.net.to_server.fate = [this](size_t, const std::string& datagram) {
      std::string now;
      for (const std::string& record : twin::records_of(datagram)) {
        (twin::epoch_of(record) == 1 ? late : now) += record;
      }
      return now.empty() ? Datagrams{} : Datagrams{now};
    };
    for (int i = 0; i < 4; ++i) {
      EXPECT_TRUE(bench.step(bench.client()));
      EXPECT_TRUE(bench.step(bench.server()));
    }
    EXPECT_NE(late, "");
    EXPECT_TRUE(bench.server()->channel.reader.protection().active());
    bench.net.to_server.fate = nullptr;
  }
  void finish() {
    bench.net.to_server.arrived.push_back(late);
    EXPECT_TRUE(bench.step(bench.server()));
    // The replay window may have left it behind.
    EXPECT_TRUE(bench.complete());
  }
  std::string late;
  Bench bench;
};

TEST(DatagramLater, DataThatOvertakesTheFinishedWaits) {
  EarlyData early;
  SSL* server = early.bench.server();
  char buffer[100];
  for (const char* data : {"one", "two", ""}) {
    send(early.bench, early.bench.client(), SSL3_RT_APPLICATION_DATA, data);
  }
  send(early.bench, early.bench.client(), SSL3_RT_APPLICATION_DATA, "three");
  early.finish();
  for (const char* data : {"one", "two", "three"}) {
    int length = SSL_read(server, buffer, sizeof buffer);
    ASSERT_GT(length, 0);
    EXPECT_EQ(std::string(buffer, static_cast<size_t>(length)), data);
  }
  EXPECT_EQ(SSL_read(server, buffer, sizeof buffer), -1);
  EXPECT_EQ(SSL_get_error(server, -1), SSL_ERROR_WANT_READ);
}

TEST(DatagramLater, NotMuchDataWaits) {
  for (size_t size : {0, 1, 700, 16000}) {
    EarlyData early;
    for (int i = 0; i < 300; ++i) {
      send(early.bench, early.bench.client(), SSL3_RT_APPLICATION_DATA, twin::sample(size));
      if (i % 50 == 0) ASSERT_TRUE(early.bench.step(early.bench.server()));
    }
    ASSERT_TRUE(early.bench.step(early.bench.server()));
    const WaitingRecords& waiting = early.bench.server()->channel.datagram->early_data;
    EXPECT_LE(waiting.size(), 100U);
    EXPECT_LE(waiting.bytes(), 65536U);
    EXPECT_EQ(waiting.empty(), size == 0);
    early.finish();
    char buffer[17000];
    for (size_t left = waiting.size(); left > 0; --left) {
      ASSERT_EQ(SSL_read(early.bench.server(), buffer, sizeof buffer), static_cast<int>(size));
    }
  }
}

// A role that is set anew ends what was there, with what the application has not read.
TEST(DatagramLater, ANewRoleForgetsTheRestOfARecord) {
  for (bool waited : {false, true}) {
    EarlyData early;
    SSL* server = early.bench.server();
    if (waited) send(early.bench, early.bench.client(), SSL3_RT_APPLICATION_DATA, "waited");
    early.finish();
    if (!waited) send(early.bench, early.bench.client(), SSL3_RT_APPLICATION_DATA, "later");
    char byte = 0;
    ASSERT_EQ(SSL_read(server, &byte, 1), 1);
    EXPECT_GT(SSL_pending(server), 0);
    SSL_set_accept_state(server);
    EXPECT_EQ(SSL_pending(server), 0);
    EXPECT_EQ(SSL_read(server, &byte, 1), -1);
    EXPECT_EQ(SSL_get_error(server, -1), SSL_ERROR_WANT_READ);
  }
}

// Flights that could not leave are not those of the handshake to come.
TEST(DatagramLater, ANewRoleForgetsWhatHasNotLeft) {
  Bench bench(kKind);
  bench.net.client.stalled = true;
  EXPECT_EQ(SSL_do_handshake(bench.client()), -1);
  EXPECT_EQ(SSL_get_error(bench.client(), -1), SSL_ERROR_WANT_WRITE);
  SSL_set_connect_state(bench.client());
  bench.net.client.stalled = false;
  ASSERT_TRUE(bench.complete());
  ASSERT_EQ(twin::records_of(bench.net.to_server.sent[0]).size(), 1U);
  bench.expect_agreed();
}

void renegotiate(Bench& bench) {
  SSL_set_options(bench.server(), SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  ASSERT_EQ(SSL_renegotiate(bench.client()), 1);
}

// The rest of a record that the application is reading outlives a renegotiation.
TEST(DatagramLater, ARecordHalfReadWaitsForARenegotiation) {
  Bench bench(kKind);
  ASSERT_TRUE(bench.complete());
  ASSERT_EQ(SSL_write(bench.server(), "0123456789", 10), 10);
  char buffer[10];
  ASSERT_EQ(SSL_read(bench.client(), buffer, 3), 3);
  renegotiate(bench);
  for (int i = 0; i < 8; ++i) {
    ERR_clear_error();
    SSL_do_handshake(bench.client());
    ASSERT_TRUE(bench.step(bench.server()));
  }
  EXPECT_EQ(bench.client()->channel.datagram->read.epoch, 2);
  ASSERT_EQ(SSL_read(bench.client(), buffer, sizeof buffer), 7);
  EXPECT_EQ(std::string(buffer, 7), "3456789");
  bench.expect_agreed();
}

TEST(DatagramLater, DataAmidARenegotiationIsNotLost) {
  Bench bench(kKind);
  ASSERT_TRUE(bench.complete());
  renegotiate(bench);
  SSL_do_handshake(bench.client());
  // The server has not heard of it yet.
  bench.net.to_server.arrived.swap(bench.net.to_client.arrived);
  std::deque<std::string> hello;
  hello.swap(bench.net.to_client.arrived);
  ASSERT_EQ(SSL_write(bench.server(), "data", 4), 4);
  char buffer[10];
  ASSERT_EQ(SSL_read(bench.client(), buffer, sizeof buffer), 4);
  bench.net.to_server.arrived.swap(hello);
  ASSERT_TRUE(bench.complete());
  EXPECT_EQ(bench.server()->channel.datagram->read.epoch, 2);
  bench.expect_agreed();
}

// --- The end ---

TEST(DatagramLater, ACloseNotifyIsLost) {
  Bench bench(kKind);
  ASSERT_TRUE(bench.complete());
  bench.net.to_server.fate = twin::lose_all();
  EXPECT_EQ(SSL_shutdown(bench.client()), 0);
  EXPECT_EQ(SSL_shutdown(bench.client()), -1);
  EXPECT_EQ(SSL_get_error(bench.client(), -1), SSL_ERROR_WANT_READ);
  ASSERT_TRUE(bench.step(bench.server()));
  EXPECT_EQ(SSL_get_shutdown(bench.server()), 0);
  EXPECT_EQ(SSL_shutdown(bench.server()), 0);
  EXPECT_EQ(SSL_shutdown(bench.client()), 1);
}

TEST(DatagramLater, ClearedInTheMiddle) {
  Bench bench({.client_certificate = true});
  for (int steps = 0; steps < 8; ++steps) {
    bench.renew();
    for (int i = 0; i < steps; ++i) {
      ASSERT_TRUE(bench.step(i % 2 == 0 ? bench.client() : bench.server()));
    }
    for (SSL* ssl : {bench.client(), bench.server()}) ASSERT_EQ(SSL_clear(ssl), 1);
    bench.net.clear();
    ASSERT_TRUE(bench.complete());
    bench.expect_agreed();
  }
}

TEST(DatagramLater, FreedInTheMiddle) {
  Bench bench({.client_certificate = true, .cookie = true, .mtu = 300});
  for (int steps = 0; steps < 12; ++steps) {
    bench.renew();
    for (int i = 0; i < steps; ++i) {
      ASSERT_TRUE(bench.step(i % 2 == 0 ? bench.client() : bench.server()));
    }
    bench.peers.client.reset();
    bench.peers.server.reset();
  }
}

}  // namespace
}  // namespace handfast::datagram_test
