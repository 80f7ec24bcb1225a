// Somebody without keys sends datagrams of his own, or the peer sends what has no place: nothing of
// it ends a connection whose keys are in use, and little is done or kept for it.
#include "engine_datagram_support.h"

namespace handfast::datagram_test {
namespace {

using twin::Datagrams;

std::string plain(int type, size_t epoch, size_t sequence, const std::string& body,
                  size_t version = DTLS1_2_VERSION) {
  return twin::record(type, version, epoch, sequence, body);
}

// What the keys of `epoch` have not made, for a reader in that epoch.
Datagrams forged(size_t epoch) {
  Datagrams all;
  for (size_t other : {epoch - 1, epoch, epoch + 2, size_t{65535}}) {
    for (size_t sequence : {size_t{0}, size_t{77}, (size_t{1} << 48) - 1}) {
      all.push_back(plain(SSL3_RT_ALERT, other, sequence, "\x02\x28"));
      all.push_back(plain(SSL3_RT_ALERT, other, sequence, std::string("\x01\x00", 2)));
      all.push_back(plain(SSL3_RT_CHANGE_CIPHER_SPEC, other, sequence, "\x01"));
      all.push_back(plain(SSL3_RT_APPLICATION_DATA, other, sequence, twin::sample(50)));
      for (int message : {0, 1, 2, 3, 11, 14, 16, 20}) {
        std::string body = twin::fragment(message, 0, std::string(12, 'x'), 0, 12);
        all.push_back(plain(SSL3_RT_HANDSHAKE, other, sequence, body));
      }
      all.push_back(plain(SSL3_RT_HANDSHAKE, other, sequence, "short"));
      all.push_back(plain(99, other, sequence, "?"));
    }
  }
  all.push_back(twin::sample(1));
  all.push_back(twin::sample(500));
  all.push_back(std::string(20000, '\x17'));
  return all;
}

bool has_read_keys(SSL* ssl) {
  return ssl->channel.reader.protection().active();
}

twin::Way& way_to(Bench& bench, SSL* ssl) {
  return ssl == bench.client() ? bench.net.to_client : bench.net.to_server;
}

// The side finds them before all else.
void put_in_front(Bench& bench, SSL* ssl, const Datagrams& datagrams) {
  auto& arrived = way_to(bench, ssl).arrived;
  arrived.insert(arrived.begin(), datagrams.begin(), datagrams.end());
}

constexpr Kind kKinds[] = {
    {.name = "Full", .client_certificate = true},
    {.name = "Dtls10", .version = DTLS1_VERSION, .suites = "ECDHE-ECDSA-AES128-SHA"},
    {.name = "SessionId", .resumption = Kind::by_id},
    {.name = "Ticket", .cookie = true, .resumption = Kind::by_ticket},
    {.name = "Psk", .suites = kPsk},
};

class DatagramForged : public testing::TestWithParam<Kind> {};
INSTANTIATE_TEST_SUITE_P(Kinds, DatagramForged, testing::ValuesIn(kKinds), name_of);

// Each record comes alone, and between them what is forged.
TEST_P(DatagramForged, NothingEndsAHandshakeWithKeys) {
  Bench bench(GetParam());
  bench.net.to_client.fate = bench.net.to_server.fate = [](size_t, const std::string& datagram) {
    return twin::records_of(datagram);
  };
  int times = 0;
  for (int round = 0; round < 60 && !bench.finished(); ++round) {
    for (SSL* ssl : {bench.client(), bench.server()}) {
      std::deque<std::string>& arrived = way_to(bench, ssl).arrived;
      std::deque<std::string> later(arrived);
      if (!later.empty()) later.pop_front();
      if (!arrived.empty()) arrived.resize(1);
      if (has_read_keys(ssl)) put_in_front(bench, ssl, forged(ssl->channel.datagram->read.epoch));
      times += has_read_keys(ssl) ? 1 : 0;
      ASSERT_TRUE(bench.step(ssl));
      arrived.swap(later);
    }
  }
  EXPECT_GT(times, 0);
  ASSERT_TRUE(bench.complete());
  bench.expect_agreed();
}

// Before the keys are there the next epoch is anybody's: the flight comes again.
TEST_P(DatagramForged, RecordsOfTheNextEpochDoNotKeepOutTheGenuine) {
  Bench bench(GetParam());
  for (int round = 0; round < 40 && !bench.finished(); ++round) {
    for (SSL* ssl : {bench.client(), bench.server()}) {
      const ReadEpoch& read = ssl->channel.datagram->read;
      Datagrams junk;
      for (size_t i = 0; i < 150; ++i) {
        junk.push_back(plain(22, read.epoch + 1U, i, twin::sample(40)));
      }
      put_in_front(bench, ssl, junk);
      ASSERT_TRUE(bench.step(ssl));
      EXPECT_LE(read.next.size(), 100U);
    }
    if (round % 8 == 7) {
      Bench::run_out(bench.client());
      Bench::run_out(bench.server());
    }
  }
  ASSERT_TRUE(bench.complete());
  bench.expect_agreed();
  EXPECT_EQ(bench.client()->channel.datagram->read.next.size(), 0U);
  EXPECT_EQ(bench.server()->channel.datagram->read.next.size(), 0U);
}

TEST_P(DatagramForged, NothingEndsAConnection) {
  Bench bench(GetParam());
  ASSERT_TRUE(bench.complete());
  for (SSL* ssl : {bench.client(), bench.server()}) {
    put_in_front(bench, ssl, forged(1));
    ASSERT_TRUE(bench.step(ssl));
    EXPECT_EQ(SSL_get_shutdown(ssl), 0);
  }
  bench.expect_agreed();
  for (SSL* ssl : {bench.client(), bench.server()}) {
    put_in_front(bench, ssl, forged(1));
    SSL_shutdown(ssl);
  }
  EXPECT_EQ(SSL_shutdown(bench.client()), 1);
  EXPECT_EQ(SSL_shutdown(bench.server()), 1);
}

TEST(DatagramForged, NothingEndsARenegotiation) {
  Bench bench({.client_certificate = true});
  ASSERT_TRUE(bench.complete());
  SSL_set_options(bench.server(), SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  ASSERT_EQ(SSL_renegotiate(bench.client()), 1);
  SSL_do_handshake(bench.client());
  for (int round = 0; round < 20; ++round) {
    for (SSL* ssl : {bench.server(), bench.client()}) {
      put_in_front(bench, ssl, forged(ssl->channel.datagram->read.epoch));
      ASSERT_TRUE(bench.step(ssl));
    }
  }
  EXPECT_EQ(bench.client()->channel.datagram->read.epoch, 2);
  EXPECT_EQ(bench.server()->channel.datagram->read.epoch, 2);
  bench.expect_agreed();
}

// --- HelloVerifyRequest and ClientHello in masses ---

std::string request(size_t number) {
  std::string body = twin::big_endian(DTLS1_VERSION, 2) + '\x04' + twin::big_endian(number, 4);
  return plain(SSL3_RT_HANDSHAKE, 0, number,
               twin::fragment(DTLS1_MT_HELLO_VERIFY_REQUEST, number, body, 0, body.size()),
               DTLS1_VERSION);
}

TEST(DatagramFlood, AClientAnswersEachRequestOnce) {
  Bench bench({.suites = kPsk});
  ASSERT_TRUE(bench.step(bench.client()));
  size_t before = bench.net.to_server.count;
  for (size_t i = 0; i < 300; ++i) {
    for (int copies = 0; copies < 3; ++copies) {
      bench.net.to_client.arrived.push_back(request(i));
    }
    ASSERT_TRUE(bench.step(bench.client()));
  }
  EXPECT_EQ(bench.net.to_server.count - before, 300U);
  EXPECT_EQ(bench.client()->channel.datagram->flight.messages.size(), 1U);
}

TEST(DatagramFlood, AListenerKeepsNothingOfItsGuests) {
  Bench bench({.suites = kPsk, .cookie = true});
  ASSERT_TRUE(bench.step(bench.client()));
  std::string hello = bench.net.to_server.arrived.back();
  BIO_ADDR* address = BIO_ADDR_new();
  size_t length = 0;
  for (size_t i = 0; i < 1000; ++i) {
    std::string one = hello;
    one.replace(5, 6, twin::big_endian(i, 6));
    one[30] = static_cast<char>(i);  // random
    if (i % 3 == 0) one = forged(1)[i % 40];
    bench.net.to_server.arrived.push_back(one);
    length += one.size();
  }
  int result = 0;
  for (int calls = 0; calls < 2000 && !bench.net.to_server.arrived.empty(); ++calls) {
    result = DTLSv1_listen(bench.server(), address);
    ASSERT_EQ(result, 0);
    ERR_clear_error();
  }
  EXPECT_TRUE(bench.net.to_server.arrived.empty());
  size_t answered = 0;
  for (const std::string& datagram : bench.net.to_client.sent) answered += datagram.size();
  EXPECT_LT(answered, length) << "RFC 6347 4.2.1: no amplification";
  EXPECT_EQ(bench.server()->handshake, nullptr);
  EXPECT_TRUE(bench.server()->channel.datagram->read.next.empty());
  // The genuine one comes in with its cookie; the other requests lie in front of its own.
  bench.net.to_client.arrived.resize(1);
  ASSERT_TRUE(bench.step(bench.client()));
  ASSERT_EQ(DTLSv1_listen(bench.server(), address), 1);
  BIO_ADDR_free(address);
  ASSERT_TRUE(bench.complete());
  bench.expect_agreed();
}

TEST(DatagramFlood, AServerAnswersEachHelloThatComesAgain) {
  Bench bench({.suites = kPsk, .cookie = true});
  ASSERT_TRUE(bench.step(bench.client()));
  std::string hello = bench.net.to_server.arrived.back();
  for (size_t sequence = 20; sequence < 60; ++sequence) {
    std::string one = hello;
    one.replace(5, 6, twin::big_endian(sequence, 6));
    bench.net.to_server.arrived.push_back(one);
    ASSERT_TRUE(bench.step(bench.server()));
  }
  EXPECT_EQ(bench.net.to_client.count, 41U);
  ASSERT_TRUE(bench.complete());
  bench.expect_agreed();
}

}  // namespace
}  // namespace handfast::datagram_test
