// Both roles against bad records during and after the handshake.
#include <gtest/gtest.h>

#include "engine_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

constexpr uint8_t kCcs = 20, kAlert = 21, kHandshake = 22, kData = 23;

// Runs `act` at a peer whose next record the client reads in place of EncryptedExtensions, and at
// one whose next record the server reads in place of Finished.
void amid_handshake(const char* name, const std::function<void(Peer&)>& act,
                    const Failure& failure) {
  SCOPED_TRACE(name);
  for (bool client : {true, false}) {
    SCOPED_TRACE(client ? "client" : "server");
    Peer* running = nullptr;
    Script script;
    script.message = [&](uint8_t type, Octets& whole) {
      if (type != (client ? SSL3_MT_ENCRYPTED_EXTENSIONS : SSL3_MT_FINISHED)) return;
      whole.clear();
      act(*running);
    };
    Peer peer(client ? new_client() : new_server(), script);
    running = &peer;
    EXPECT_FALSE(peer.handshake());
    expect_failure(peer, failure);
  }
}

// The same on connections that are established.
void afterwards(const char* name, const std::function<void(Peer&)>& act, const Failure& failure) {
  SCOPED_TRACE(name);
  for (bool client : {true, false}) {
    SCOPED_TRACE(client ? "client" : "server");
    Peer peer(client ? new_client() : new_server(), {});
    ASSERT_TRUE(peer.handshake());
    act(peer);
    peer.drive();
    expect_failure(peer, failure);
  }
}

void everywhere(const char* name, const std::function<void(Peer&)>& act, const Failure& failure) {
  amid_handshake(name, act, failure);
  afterwards(name, act, failure);
}

}  // namespace

TEST(EngineRecord, BadMac) {
  everywhere("forged",
             [](Peer& peer) {
               peer.send_forged({1, 2, 3, kHandshake});
             },
             {Alert::bad_record_mac, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC});
  everywhere("tag only", [](Peer& peer) { peer.send_plain(kData, pattern(16, 1)); },
             {Alert::bad_record_mac, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC});
}

TEST(EngineRecord, ShorterThanATag) {
  for (size_t length : {0U, 1U, 15U}) {
    for (bool client : {true, false}) {
      Peer peer(client ? new_client() : new_server(), {});
      ASSERT_TRUE(peer.handshake());
      peer.send_plain(kData, Octets(length, 0));
      peer.drive();
      EXPECT_EQ(peer.outcome().error, SSL_ERROR_SSL);
      peer.drain();
      ASSERT_EQ(peer.alerts().size(), 1U);
      uint8_t alert = peer.alerts()[0].description;
      EXPECT_TRUE(alert == SSL_AD_BAD_RECORD_MAC || alert == SSL_AD_DECODE_ERROR) << int{alert};
    }
  }
}

TEST(EngineRecord, Types) {
  // RFC 8446 5: an unexpected type is an unexpected_message.
  for (int inner : {0, 1, 19, 20, 24, 25, 255}) {
    everywhere("inner type",
               [inner](Peer& peer) {
                 peer.send_inner({1, static_cast<uint8_t>(inner)});
               },
               {Alert::unexpected_message, SSL_R_BAD_RECORD_TYPE});
  }
  // RFC 8446 5.4: no type at all.
  everywhere("only zeros", [](Peer& peer) { peer.send_inner(Octets(20, 0)); },
             {Alert::unexpected_message, SSL_R_BAD_RECORD_TYPE});
  for (int outer : {0, 19, 22, 24, 255}) {
    everywhere("outer type",
               [outer](Peer& peer) {
                 peer.send_plain(static_cast<uint8_t>(outer), {1, 2, 3, 4});
               },
               {Alert::unexpected_message, SSL_R_BAD_RECORD_TYPE});
  }
}

TEST(EngineRecord, Versions) {
  for (uint16_t version : {0x0301, 0x0302, 0x0304}) {
    everywhere("protected record of another version",
               [version](Peer& peer) {
                 peer.send_inner({1, 2, kHandshake}, kData, version);
               },
               {Alert::decode_error, SSL_R_WRONG_VERSION_NUMBER});
  }
  everywhere("another major version",
             [](Peer& peer) {
               peer.send_inner({1, 2, kHandshake}, kData, 0x0203);
             },
             {Alert::protocol_version, SSL_R_WRONG_VERSION_NUMBER});
}

TEST(EngineRecord, TooLong) {
  // RFC 8446 5.2: 2^14 + 256 bytes, told from the header.
  everywhere("ciphertext",
             [](Peer& peer) {
               peer.send_raw({kData, 3, 3, 0x41, 0x01});
             },
             {Alert::record_overflow, SSL_R_ENCRYPTED_LENGTH_TOO_LONG});
  everywhere("ciphertext beyond any buffer",
             [](Peer& peer) {
               peer.send_raw({kData, 3, 3, 0xff, 0xff});
             },
             {Alert::record_overflow, SSL_R_PACKET_LENGTH_TOO_LONG});
  // RFC 8446 5.4: TLSInnerPlaintext of 2^14 + 1 bytes at most.
  everywhere("content", [](Peer& peer) { peer.send_inner(Octets(16385, 1) + Octets{kData}); },
             {Alert::record_overflow, SSL_R_DATA_LENGTH_TOO_LONG});
  everywhere("padding",
             [](Peer& peer) {
               peer.send_inner(Octets{1, kData} + Octets(16384, 0));
             },
             {Alert::record_overflow, SSL_R_DATA_LENGTH_TOO_LONG});
}

TEST(EngineRecord, EmptyFragments) {
  // RFC 8446 5.1, 5.4.
  everywhere("handshake", [](Peer& peer) { peer.send_inner({kHandshake}); },
             {Alert::unexpected_message, SSL_R_BAD_LENGTH});
  everywhere("alert", [](Peer& peer) { peer.send_inner({kAlert}); },
             {Alert::unexpected_message, SSL_R_BAD_LENGTH});
}

TEST(EngineRecord, FloodOfEmptyData) {
  afterwards("empty data",
             [](Peer& peer) {
               for (int i = 0; i < 40; ++i) peer.send_inner({kData, 0, 0});
             },
             {Alert::unexpected_message, SSL_R_RECORD_TOO_SMALL});
  // A few are fine, as is any number with data between them.
  Peer peer(new_client(), {});
  ASSERT_TRUE(peer.handshake());
  for (int i = 0; i < 100; ++i) {
    peer.send_inner({kData});
    if (i % 20 == 0) peer.send_inner({'x', kData});
  }
  peer.drive();
  EXPECT_EQ(peer.decrypted(), "xxxxx");
  EXPECT_EQ(peer.outcome().error, SSL_ERROR_WANT_READ);
}

TEST(EngineRecord, DataBeforeFinished) {
  // RFC 8446 2: application data MUST NOT be sent before Finished.
  amid_handshake("data",
                 [](Peer& peer) {
                   peer.send_inner({'x', kData});
                 },
                 {Alert::unexpected_message, SSL_R_UNEXPECTED_RECORD});
}

TEST(EngineRecord, DataAmidAMessage) {
  auto split = [](Peer& peer) {
    peer.send_inner({8, 0, kHandshake});
    peer.send_inner({'x', kData});
  };
  amid_handshake("data between the parts", split,
                 {Alert::unexpected_message, SSL_R_MIXED_HANDSHAKE_AND_NON_HANDSHAKE_DATA});
  afterwards("data between the parts",
             [](Peer& peer) {
               peer.send_inner({SSL3_MT_KEY_UPDATE, 0, kHandshake});
               peer.send_inner({'x', kData});
             },
             {Alert::unexpected_message, SSL_R_MIXED_HANDSHAKE_AND_NON_HANDSHAKE_DATA});
}

TEST(EngineRecord, AlertAmidAMessage) {
  // RFC 8446 5.1: handshake messages are not interleaved with other records.
  Failure mixed{Alert::unexpected_message, SSL_R_MIXED_HANDSHAKE_AND_NON_HANDSHAKE_DATA};
  auto cancel = [](Peer& peer) {
    peer.send_inner({SSL3_AL_WARNING, SSL_AD_USER_CANCELLED, kAlert});
  };
  auto amid_flight = [&](Peer& peer) {
    bool client = SSL_is_server(peer.ssl()) == 0;
    uint8_t type = client ? SSL3_MT_ENCRYPTED_EXTENSIONS : SSL3_MT_FINISHED;
    peer.send_inner({type, 0, kHandshake});
    cancel(peer);
  };
  amid_handshake("user_canceled between the parts", amid_flight, mixed);
  auto amid_update = [&](Peer& peer) {
    peer.send_inner({SSL3_MT_KEY_UPDATE, 0, kHandshake});
    cancel(peer);
  };
  afterwards("user_canceled between the parts", amid_update, mixed);
  // An error alert there is heard as what it is.
  auto fail_amid_update = [](Peer& peer) {
    peer.send_inner({SSL3_MT_KEY_UPDATE, 0, kHandshake});
    peer.send_inner({SSL3_AL_FATAL, SSL_AD_INTERNAL_ERROR, kAlert});
  };
  afterwards("fatal between the parts", fail_amid_update,
             {Alert::none, SSL_AD_REASON_OFFSET + SSL_AD_INTERNAL_ERROR});
}

TEST(EngineRecord, PlaintextHandshakeUnderKeys) {
  everywhere("handshake",
             [](Peer& peer) {
               peer.send_plain(kHandshake, {8, 0, 0, 2, 0, 0});
             },
             {Alert::unexpected_message, SSL_R_BAD_RECORD_TYPE});
}

TEST(EngineRecord, ChangeCipherSpec) {
  // RFC 8446 5: any other value, or one under protection, is an unexpected_message.
  for (const Octets& body : {Octets{}, Octets{0}, Octets{2}, Octets{1, 1}}) {
    amid_handshake("other body", [&](Peer& peer) { peer.send_plain(kCcs, body); },
                   {Alert::unexpected_message, SSL_R_INVALID_CCS_MESSAGE});
  }
  everywhere("encrypted",
             [](Peer& peer) {
               peer.send_inner({1, kCcs});
             },
             {Alert::unexpected_message, SSL_R_BAD_RECORD_TYPE});
  amid_handshake("flood",
                 [](Peer& peer) {
                   for (int i = 0; i < 40; ++i) peer.send_plain(kCcs, {1});
                 },
                 {Alert::unexpected_message, SSL_R_UNEXPECTED_CCS_MESSAGE});
  for (const Octets& body : {Octets{1}, Octets{0}, Octets{}}) {
    SCOPED_TRACE(body.size());
    for (bool client : {true, false}) {
      Peer peer(client ? new_client() : new_server(), {});
      ASSERT_TRUE(peer.handshake());
      peer.send_plain(kCcs, body);
      peer.drive();
      EXPECT_EQ(peer.outcome().error, SSL_ERROR_SSL);
      peer.drain();
      ASSERT_EQ(peer.alerts().size(), 1U);
      EXPECT_EQ(peer.alerts()[0].description, SSL_AD_UNEXPECTED_MESSAGE);
    }
  }
}

TEST(EngineRecord, ChangeCipherSpecBeforeTheHello) {
  // RFC 8446 5: not before the first ClientHello was received.
  Peer peer(new_server(), {});
  peer.send_plain(kCcs, {1});
  peer.drive();
  EXPECT_EQ(peer.outcome().error, SSL_ERROR_SSL);
  peer.drain();
  ASSERT_EQ(peer.alerts().size(), 1U);
  EXPECT_EQ(peer.alerts()[0].description, SSL_AD_UNEXPECTED_MESSAGE);
}

TEST(EngineRecord, ChangeCipherSpecDroppedAnywhereElse) {
  for (bool client : {true, false}) {
    Peer* running = nullptr;
    Script script;
    script.retry = true;
    script.request_certificate = true;
    script.after = [&](uint8_t type) {
      if (type != SSL3_MT_FINISHED) running->send_plain(kCcs, {1});
    };
    Peer peer(client ? new_client() : new_server(), script);
    running = &peer;
    EXPECT_TRUE(peer.handshake());
  }
}

TEST(EngineRecord, NoTlsAtAll) {
  struct Case {
    std::string bytes;
    int reason;
  };
  for (const Case& test : {Case{"GET / HTTP/1.0\r\n\r\n", SSL_R_HTTP_REQUEST},
                           {"CONNECT a:443 HTTP/1.0\r\n\r\n", SSL_R_HTTPS_PROXY_REQUEST},
                           {"SSH-2.0-OpenSSH_9.2\r\n", SSL_R_WRONG_VERSION_NUMBER}}) {
    Peer peer(new_server(), {});
    peer.send_raw({test.bytes.begin(), test.bytes.end()});
    peer.drive();
    expect_failure(peer, {Alert::none, test.reason});
  }
}
