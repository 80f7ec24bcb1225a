// Both roles against alerts and ends of file, in and after the handshake.
#include <gtest/gtest.h>

#include "engine_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

constexpr uint8_t kAlert = 21;
constexpr uint8_t kWarning = SSL3_AL_WARNING, kFatal = SSL3_AL_FATAL;

// Instead of the message of `type`, `act` happens; the SSL's error is looked at by the caller.
Script instead(uint8_t type, Peer*& peer, std::function<void(Peer&)> act) {
  Script script;
  script.message = [type, &peer, act](uint8_t sent, Octets& whole) {
    if (sent != type) return;
    whole.clear();
    act(*peer);
  };
  return script;
}

void established(bool client, const std::function<void(Peer&)>& test) {
  SCOPED_TRACE(client ? "client" : "server");
  Peer peer(client ? new_client() : new_server(), {});
  ASSERT_TRUE(peer.handshake());
  test(peer);
}

}  // namespace

TEST(EngineAlert, FatalOnesEndTheHandshake) {
  for (uint8_t type : {SSL3_MT_SERVER_HELLO, SSL3_MT_ENCRYPTED_EXTENSIONS, SSL3_MT_CERTIFICATE,
                       SSL3_MT_CERTIFICATE_VERIFY, SSL3_MT_FINISHED}) {
    SCOPED_TRACE(type);
    for (uint8_t description : {40, 42, 70, 80, 86, 110, 120}) {
      Peer* running = nullptr;
      Peer peer(new_client(), instead(type, running, [&](Peer& self) {
                  self.send(ContentType::alert, {kFatal, description});
                }));
      running = &peer;
      EXPECT_FALSE(peer.handshake());
      expect_failure(peer, {Alert::none, SSL_AD_REASON_OFFSET + description});
    }
  }
}

TEST(EngineAlert, LevelsMeanNothingUnderTls13) {
  // RFC 8446 6: every error alert is fatal, whatever its level; so are unknown ones.
  for (bool client : {true, false}) {
    for (uint8_t level : {0, 1, 2, 3, 255}) {
      for (uint8_t description : {10, 40, 41, 100, 115, 200}) {
        established(client, [&](Peer& peer) {
          peer.send(ContentType::alert, {level, description});
          peer.drive();
          expect_failure(peer, {Alert::none, SSL_AD_REASON_OFFSET + description});
        });
      }
    }
  }
}

TEST(EngineAlert, InTheClearFromAClientUntilItsFlight) {
  Peer* running = nullptr;
  Peer peer(new_server(), instead(SSL3_MT_FINISHED, running, [](Peer& self) {
              self.send_plain(kAlert, {kFatal, SSL_AD_BAD_CERTIFICATE});
            }));
  running = &peer;
  EXPECT_FALSE(peer.handshake());
  expect_failure(peer, {Alert::none, SSL_AD_REASON_OFFSET + SSL_AD_BAD_CERTIFICATE});
}

TEST(EngineAlert, InTheClearAfterwards) {
  for (bool client : {true, false}) {
    established(client, [](Peer& peer) {
      peer.send_plain(kAlert, {kFatal, SSL_AD_HANDSHAKE_FAILURE});
      peer.drive();
      expect_failure(peer, {Alert::unexpected_message, SSL_R_BAD_RECORD_TYPE});
    });
  }
}

TEST(EngineAlert, FragmentsAndPacks) {
  // RFC 8446 5.1: "Alert messages MUST NOT be fragmented across records", and one a record.
  for (bool client : {true, false}) {
    for (const Octets& content : {Octets{2}, Octets{1, 0, 0}, Octets{2, 40, 2, 40}}) {
      established(client, [&](Peer& peer) {
        peer.send(ContentType::alert, content);
        peer.drive();
        expect_failure(peer, {Alert::unexpected_message, SSL_R_INVALID_ALERT});
      });
    }
  }
}

TEST(EngineAlert, UserCanceled) {
  for (bool client : {true, false}) {
    established(client, [](Peer& peer) {
      for (int i = 0; i < 4; ++i) {
        peer.send(ContentType::alert, {kWarning, SSL_AD_USER_CANCELLED});
      }
      peer.send(ContentType::application_data, {'x'});
      peer.drive();
      EXPECT_EQ(peer.decrypted(), "x");
      peer.send(ContentType::alert, {kFatal, SSL_AD_USER_CANCELLED});
      peer.send(ContentType::alert, {kWarning, SSL_AD_CLOSE_NOTIFY});
      peer.drive();
      EXPECT_EQ(peer.outcome().error, SSL_ERROR_ZERO_RETURN);
    });
    established(client, [](Peer& peer) {
      for (int i = 0; i < 5; ++i) {
        peer.send(ContentType::alert, {kWarning, SSL_AD_USER_CANCELLED});
      }
      peer.drive();
      expect_failure(peer, {Alert::unexpected_message, SSL_R_TOO_MANY_WARN_ALERTS});
    });
  }
}

TEST(EngineAlert, CloseNotify) {
  for (bool client : {true, false}) {
    established(client, [](Peer& peer) {
      peer.send(ContentType::application_data, {'b', 'y', 'e'});
      peer.send(ContentType::alert, {kWarning, SSL_AD_CLOSE_NOTIFY});
      // RFC 8446 6.1: "Any data received after a closure alert has been received MUST be ignored."
      peer.send(ContentType::application_data, {'!'});
      peer.drive();
      EXPECT_EQ(peer.decrypted(), "bye");
      EXPECT_EQ(peer.outcome().error, SSL_ERROR_ZERO_RETURN);
      EXPECT_EQ(SSL_get_shutdown(peer.ssl()), SSL_RECEIVED_SHUTDOWN);
      EXPECT_EQ(SSL_write(peer.ssl(), "still", 5), 5);
      EXPECT_EQ(SSL_shutdown(peer.ssl()), 1);
      peer.drive();
      EXPECT_EQ(peer.outcome().error, SSL_ERROR_ZERO_RETURN);
      EXPECT_LE(SSL_write(peer.ssl(), "no", 2), 0);
      ERR_clear_error();
    });
  }
}

TEST(EngineAlert, CloseNotifyInTheHandshake) {
  for (bool client : {true, false}) {
    SCOPED_TRACE(client);
    Peer* running = nullptr;
    Peer peer(client ? new_client() : new_server(),
              instead(SSL3_MT_FINISHED, running, [](Peer& self) {
                self.send(ContentType::alert, {kWarning, SSL_AD_CLOSE_NOTIFY});
              }));
    running = &peer;
    EXPECT_FALSE(peer.handshake());
    EXPECT_EQ(peer.outcome().error, SSL_ERROR_ZERO_RETURN);
    peer.drive();
    EXPECT_LE(peer.outcome().returned, 0);
  }
}

TEST(EngineAlert, EndOfFileAtEveryMessage) {
  for (uint8_t type :
       {SSL3_MT_SERVER_HELLO, SSL3_MT_ENCRYPTED_EXTENSIONS, SSL3_MT_CERTIFICATE_REQUEST,
        SSL3_MT_CERTIFICATE, SSL3_MT_CERTIFICATE_VERIFY, SSL3_MT_FINISHED}) {
    for (bool half : {false, true}) {
      SCOPED_TRACE(std::to_string(type) + (half ? " half" : ""));
      bool ended = false;
      Script script;
      script.request_certificate = true;
      script.message = [&](uint8_t sent, Octets& whole) {
        if (ended) {
          whole.clear();
        } else if (sent == type) {
          ended = true;
          whole.resize(half ? whole.size() / 2 : 0);
        }
      };
      Peer peer(new_client(), script);
      peer.end_of_file_after_hello();
      EXPECT_FALSE(peer.handshake());
      EXPECT_EQ(peer.outcome().error, SSL_ERROR_SSL);
      EXPECT_TRUE(peer.outcome().has(SSL_R_UNEXPECTED_EOF_WHILE_READING));
    }
  }
}

TEST(EngineAlert, EndOfFileAtEveryByteOfARecord) {
  for (bool client : {true, false}) {
    for (size_t length = 0; length < 30; ++length) {
      established(client, [&](Peer& peer) {
        Octets record = peer.seal_inner({'x', 'y', 'z', 'z', 'y', 23});
        ASSERT_LT(record.size(), 30U);
        peer.send_raw({record.begin(),
                       record.begin() + static_cast<ptrdiff_t>(std::min(length, record.size()))});
        peer.end_of_file();
        peer.drive();
        EXPECT_EQ(peer.decrypted(), length >= record.size() ? "xyzzy" : "");
        EXPECT_EQ(peer.outcome().error, SSL_ERROR_SSL);
        EXPECT_TRUE(peer.outcome().has(SSL_R_UNEXPECTED_EOF_WHILE_READING));
      });
    }
  }
}

TEST(EngineAlert, EndOfFileIgnoredWhenAsked) {
  auto ignore = [](SSL* ssl) { SSL_set_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF); };
  Peer peer(new_client(ignore), {});
  ASSERT_TRUE(peer.handshake());
  peer.end_of_file();
  peer.drive();
  EXPECT_EQ(peer.outcome().error, SSL_ERROR_ZERO_RETURN);
}
