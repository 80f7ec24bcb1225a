// How long a key of TLS 1.3 may serve (RFC 8446 section 5.5). Sequence numbers are set, not
// reached.
#include <gtest/gtest.h>

#include "connection/connection.h"
#include "engine_support.h"
#include "record/key_limits.h"
#include "support/bio_methods.h"

namespace handfast {

struct SequenceSeam {
  static void set(Protection& protection, uint64_t sequence) { protection.sequence_ = sequence; }
};

}  // namespace handfast

using namespace handfast;
using namespace handfast::engine_test;

namespace {

constexpr uint16_t kAesGcm128 = 0x1301, kAesGcm256 = 0x1302, kChaCha20 = 0x1303, kCcm = 0x1304,
                   kCcm8 = 0x1305;
constexpr uint16_t kLimited[] = {kAesGcm128, kAesGcm256, kCcm, kCcm8};

KeyLimits limits(uint16_t suite) {
  return key_limits(*find_cipher_suite(suite));
}

void established(bool client, uint16_t suite, const std::function<void(Peer&)>& test) {
  SCOPED_TRACE(twin::text("%s, suite %04x", client ? "client" : "server", suite));
  Script script;
  script.suite = suite;
  auto configure = [](SSL* ssl) {
    SSL_set_ciphersuites(ssl,
                         "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                         "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:"
                         "TLS_AES_128_CCM_8_SHA256");
  };
  Peer peer(client ? new_client(configure) : new_server(configure), script);
  ASSERT_TRUE(peer.handshake());
  test(peer);
}

// The SSL has sealed, or opened, so many records; the peer the same.
void set_sealed(Peer& peer, uint64_t records) {
  SequenceSeam::set(peer.ssl()->channel.writer.protection(), records);
  SequenceSeam::set(peer.read_protection(), records);
}
void set_opened(Peer& peer, uint64_t records) {
  SequenceSeam::set(peer.ssl()->channel.reader.protection(), records);
  SequenceSeam::set(peer.write_protection(), records);
}

void expect_data(Peer& peer, const Octets& content) {
  Arrived arrived;
  ASSERT_TRUE(peer.take_record(arrived));
  EXPECT_EQ(arrived.type, ContentType::application_data);
  EXPECT_EQ(arrived.content, content);
}

void expect_key_update(Peer& peer, uint8_t request) {
  Arrived arrived;
  ASSERT_TRUE(peer.take_record(arrived));
  EXPECT_EQ(arrived.type, ContentType::handshake);
  EXPECT_EQ(arrived.content, message(SSL3_MT_KEY_UPDATE, {request}));
  peer.update_read_keys();
}

void expect_nothing(Peer& peer) {
  Arrived arrived;
  EXPECT_FALSE(peer.take_record(arrived));
}

void write(Peer& peer, const Octets& content) {
  EXPECT_EQ(SSL_write(peer.ssl(), content.data(), static_cast<int>(content.size())),
            static_cast<int>(content.size()));
}

}  // namespace

// RFC 8446 5.5: 2^24.5 full-size records for AES-GCM. RFC 9001 B.2: v + q <= 2^34.5 / l for
// AES-CCM, where a record has l = 2^10 blocks and v is as large as q.
TEST(EngineKeyLimits, AreBelowThoseOfTheRfcs) {
  for (uint16_t suite : {kAesGcm128, kAesGcm256}) EXPECT_EQ(limits(suite).renew, 1U << 24);
  for (uint16_t suite : {kCcm, kCcm8}) EXPECT_EQ(limits(suite).renew, 1U << 23);
  for (uint16_t suite : kLimited) EXPECT_EQ(limits(suite).end, limits(suite).renew << 8);
  EXPECT_EQ(limits(kChaCha20).renew, uint64_t{1} << 63);
}

TEST(EngineKeyLimits, OurKeyIsRenewedInTime) {
  for (bool client : {true, false}) {
    for (uint16_t suite : kLimited) {
      established(client, suite, [&](Peer& peer) {
        for (int i = 0; i < 3; ++i) {
          set_sealed(peer, limits(suite).renew - 1);
          write(peer, {'a'});
          expect_data(peer, {'a'});
          expect_nothing(peer);
          write(peer, {'b'});
          expect_key_update(peer, SSL_KEY_UPDATE_NOT_REQUESTED);
          expect_data(peer, {'b'});
          write(peer, {'c'});
          expect_data(peer, {'c'});
          expect_nothing(peer);
          EXPECT_EQ(SSL_get_key_update_type(peer.ssl()), SSL_KEY_UPDATE_NONE);
        }
      });
    }
  }
}

TEST(EngineKeyLimits, WithinOneWrite) {
  established(true, kAesGcm128, [](Peer& peer) {
    const Octets data = pattern(100000, 7);
    set_sealed(peer, limits(kAesGcm128).renew - 2);
    write(peer, data);
    Octets got;
    for (int i = 0; i < 7; ++i) {
      if (i == 2) expect_key_update(peer, SSL_KEY_UPDATE_NOT_REQUESTED);
      Arrived arrived;
      ASSERT_TRUE(peer.take_record(arrived));
      EXPECT_EQ(arrived.type, ContentType::application_data);
      got = got + arrived.content;
    }
    EXPECT_EQ(got, data);
    expect_nothing(peer);
  });
}

// The KeyUpdate in the middle of a write finds no room: the caller repeats the write.
TEST(EngineKeyLimits, WithinOneWriteThatIsInterrupted) {
  for (size_t room : {0U, 5U, 30U, 16420U, 40000U}) {
    SCOPED_TRACE(room);
    twin::Faults faults;
    twin::Peers peers = twin::make_peers();
    twin::link_memory(peers, &faults, nullptr);
    ASSERT_TRUE(twin::handshake(peers).good());
    SSL *client = peers.client.get(), *server = peers.server.get();
    const uint64_t limit = key_limits(*client->negotiated.suite).renew;
    SequenceSeam::set(client->channel.writer.protection(), limit - 1);
    SequenceSeam::set(server->channel.reader.protection(), limit - 1);
    const std::string data = twin::sample(100000);
    // The first record, and then so many bytes.
    faults.write.stall_at = faults.write.passed + 16384 + 22 + static_cast<int64_t>(room);
    EXPECT_EQ(SSL_write(client, data.data(), static_cast<int>(data.size())), -1);
    EXPECT_EQ(SSL_get_error(client, -1), SSL_ERROR_WANT_WRITE);
    faults.write.stall_at = -1;
    EXPECT_EQ(SSL_write(client, data.data(), static_cast<int>(data.size())), 100000);
    std::string got(data.size(), '\0');
    size_t received = 0, count = 0;
    while (received < got.size() &&
           SSL_read_ex(server, got.data() + received, got.size() - received, &count) == 1) {
      received += count;
    }
    EXPECT_EQ(received, data.size());
    EXPECT_TRUE(got == data);
    EXPECT_LT(client->channel.writer.protection().sequence(), 10U);
    EXPECT_EQ(twin::transfer(server, client, "hello"), "5 bytes equal");
  }
}

TEST(EngineKeyLimits, ChaCha20NeedsNone) {
  established(true, kChaCha20, [](Peer& peer) {
    for (uint64_t records : {uint64_t{1} << 24, uint64_t{1} << 40, (uint64_t{1} << 63) - 1}) {
      set_sealed(peer, records);
      set_opened(peer, records);
      write(peer, {'a'});
      expect_data(peer, {'a'});
      peer.send(ContentType::application_data, {'b'});
      peer.drive();
    }
    EXPECT_EQ(peer.decrypted(), "bbb");
    write(peer, {'c'});
    expect_key_update(peer, SSL_KEY_UPDATE_REQUESTED);
    expect_data(peer, {'c'});
  });
}

// The peer is asked once, with the next write; its KeyUpdate settles it.
TEST(EngineKeyLimits, ThePeerIsAskedToRenewItsKey) {
  for (bool client : {true, false}) {
    for (uint16_t suite : kLimited) {
      established(client, suite, [&](Peer& peer) {
        for (int i = 0; i < 2; ++i) {
          set_opened(peer, limits(suite).renew - 1);
          write(peer, {'a'});
          expect_data(peer, {'a'});
          peer.send(ContentType::application_data, {'x'});
          peer.drive();
          EXPECT_EQ(peer.outcome().error, SSL_ERROR_WANT_READ);
          expect_nothing(peer);
          write(peer, {'b'});
          expect_key_update(peer, SSL_KEY_UPDATE_REQUESTED);
          expect_data(peer, {'b'});
          peer.send(ContentType::application_data, {'x'});
          peer.drive();
          write(peer, {'c'});
          expect_data(peer, {'c'});
          expect_nothing(peer);
          peer.send(ContentType::handshake, message(SSL3_MT_KEY_UPDATE, {0}));
          peer.update_write_keys();
          peer.drive();
          EXPECT_EQ(peer.outcome().error, SSL_ERROR_WANT_READ);
        }
      });
    }
  }
}

TEST(EngineKeyLimits, APeerThatGoesOnIsCutOff) {
  for (bool client : {true, false}) {
    for (uint16_t suite : {kAesGcm128, kAesGcm256, kChaCha20, kCcm, kCcm8}) {
      established(client, suite, [&](Peer& peer) {
        set_opened(peer, limits(suite).end - 1);
        peer.send(ContentType::application_data, {'x'});
        peer.drive();
        EXPECT_EQ(peer.decrypted(), "x");
        EXPECT_EQ(peer.outcome().error, SSL_ERROR_WANT_READ);
        if (suite == kChaCha20) SequenceSeam::set(peer.write_protection(), 0);
        peer.send(ContentType::application_data, {'y'});
        peer.drive();
        expect_failure(peer, {Alert::unexpected_message, SSL_R_UNEXPECTED_RECORD});
      });
    }
  }
}

// A KeyUpdate of the application's own, or an answer to the peer's, is enough.
TEST(EngineKeyLimits, OneKeyUpdateIsEnough) {
  established(true, kAesGcm128, [](Peer& peer) {
    set_sealed(peer, limits(kAesGcm128).renew);
    EXPECT_EQ(SSL_key_update(peer.ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    write(peer, {'a'});
    expect_key_update(peer, SSL_KEY_UPDATE_REQUESTED);
    expect_data(peer, {'a'});
    expect_nothing(peer);
    set_sealed(peer, limits(kAesGcm128).renew);
    peer.send(ContentType::handshake, message(SSL3_MT_KEY_UPDATE, {1}));
    peer.update_write_keys();
    peer.drive();
    write(peer, {'b'});
    expect_key_update(peer, SSL_KEY_UPDATE_NOT_REQUESTED);
    expect_data(peer, {'b'});
    expect_nothing(peer);
  });
}
