// Both roles of TLS <= 1.2 against bad records, misplaced change_cipher_spec, alerts and data, and
// against handshake messages that are cut and packed in every way.
#include <gtest/gtest.h>

#include "engine12_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

const Passing kChange{ContentType::change_cipher_spec, {1}};

Failure unexpected(int reason, bool encrypted) {
  return {Alert::unexpected_message, reason, encrypted};
}

Passing raw_record(uint8_t type, const Octets& content, uint16_t version = TLS1_2_VERSION) {
  return {ContentType::handshake, Octets{type} + u16(version) + vector16(content), true};
}

struct Place {
  bool server;  // is tested
  uint8_t type;
};
constexpr Place kPlaces[] = {{false, SSL3_MT_SERVER_HELLO},
                             {false, SSL3_MT_CERTIFICATE},
                             {false, SSL3_MT_SERVER_KEY_EXCHANGE},
                             {false, SSL3_MT_SERVER_DONE},
                             {false, SSL3_MT_FINISHED},
                             {true, SSL3_MT_CERTIFICATE},
                             {true, SSL3_MT_CLIENT_KEY_EXCHANGE},
                             {true, SSL3_MT_CERTIFICATE_VERIFY},
                             {true, SSL3_MT_FINISHED}};

Script12 inserting(const Place& place, const Passings& more) {
  Script12 script;
  script.request_certificate = true;
  script.edit = before12(place.type, more);
  return script;
}

// Has the side under test changed its write keys when this message comes?
bool encrypted_at(const Place& place) {
  return !place.server && place.type == SSL3_MT_FINISHED;
}

class Engine12Versions : public testing::TestWithParam<int> {
 protected:
  [[nodiscard]] Script12 script() const {
    Script12 made;
    made.version = GetParam();
    if (made.version < TLS1_2_VERSION) made.suite = "ECDHE-RSA-AES128-SHA";
    made.request_certificate = true;
    return made;
  }
};

void expect_data(Forger& forger) {
  forger.send(ContentType::application_data, {'h', 'e', 'l', 'l', 'o'});
  forger.drive();
  EXPECT_EQ(forger.received(), "hello");
  EXPECT_EQ(SSL_write(forger.tested(), "world", 5), 5);
  EXPECT_EQ(forger.sent().back().content, (Octets{'w', 'o', 'r', 'l', 'd'}));
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(All, Engine12Versions,
                         testing::Values(TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION));

// --- change_cipher_spec ---

TEST(Engine12Record, ChangeCipherSpecEarly) {
  for (const Place& place : kPlaces) {
    SCOPED_TRACE(std::to_string(place.type) + (place.server ? " at a server" : " at a client"));
    // Where it has come already it is a record that does not open any more.
    if (place.type == SSL3_MT_FINISHED) continue;
    expect_fails12(place.server, inserting(place, {kChange}),
                   unexpected(SSL_R_UNEXPECTED_MESSAGE, false));
  }
}

TEST(Engine12Record, ChangeCipherSpecTwice) {
  for (bool server : {false, true}) {
    Script12 script;
    // The second one under the new keys.
    script.edit = before12(SSL3_MT_FINISHED, {kChange});
    expect_fails12(server, script, unexpected(SSL_R_UNEXPECTED_MESSAGE, !server));
    // Both in the clear.
    script.edit = instead_of_change({kChange, kChange});
    expect_fails12(server, script,
                   {Alert::bad_record_mac, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, !server});
  }
}

TEST(Engine12Record, ChangeCipherSpecMissing) {
  for (bool server : {false, true}) {
    Script12 script;
    script.edit = instead_of_change({});
    expect_fails12(server, script, unexpected(SSL_R_UNEXPECTED_MESSAGE, !server));
    // A Finished in the clear in its place.
    script.edit = instead_of_change(
        {{ContentType::handshake, message(SSL3_MT_FINISHED, pattern(12, 1))}, kChange});
    expect_fails12(server, script, unexpected(SSL_R_UNEXPECTED_MESSAGE, !server));
  }
}

TEST(Engine12Record, ChangeCipherSpecMalformed) {
  for (bool server : {false, true}) {
    for (const Octets& body : {Octets{2}, Octets{0}, Octets{1, 1}, Octets{1, 2, 3}}) {
      Script12 script;
      script.edit = instead_of_change({{ContentType::change_cipher_spec, body}});
      expect_fails12(server, script, unexpected(SSL_R_BAD_CHANGE_CIPHER_SPEC, !server));
    }
  }
}

TEST(Engine12Record, ChangeCipherSpecInsideAMessage) {
  for (bool server : {false, true}) {
    uint8_t type = server ? SSL3_MT_CLIENT_KEY_EXCHANGE : SSL3_MT_CERTIFICATE;
    Octets begun = message(type, pattern(20, 1));
    begun.resize(10);
    Script12 script = inserting({server, type}, {{ContentType::handshake, begun}, kChange});
    script.request_certificate = false;
    expect_fails12(server, script, unexpected(SSL_R_MIXED_HANDSHAKE_AND_NON_HANDSHAKE_DATA, false));
  }
}

TEST(Engine12Record, ChangeCipherSpecAfterTheHandshake) {
  for (bool server : {false, true}) {
    Forger forger(server, Script12());
    ASSERT_TRUE(forger.handshake());
    forger.send(ContentType::change_cipher_spec, {1});
    forger.drive();
    expect_failure12(forger, unexpected(SSL_R_CCS_RECEIVED_EARLY, true));
  }
}

// --- Data and alerts during the handshake ---

TEST(Engine12Record, ApplicationDataBeforeTheEnd) {
  for (const Place& place : kPlaces) {
    if (place.type == SSL3_MT_SERVER_HELLO) continue;
    SCOPED_TRACE(std::to_string(place.type) + (place.server ? " at a server" : " at a client"));
    for (const Octets& data : {Octets{'x'}, Octets{}}) {
      expect_fails12(place.server, inserting(place, {{ContentType::application_data, data}}),
                     unexpected(SSL_R_UNEXPECTED_RECORD, encrypted_at(place)));
    }
  }
}

TEST(Engine12Record, WarningsArePassedOver) {
  for (const Place& place : kPlaces) {
    SCOPED_TRACE(std::to_string(place.type) + (place.server ? " at a server" : " at a client"));
    Passing warning{ContentType::alert, {1, SSL_AD_UNRECOGNIZED_NAME}};
    Forger forger(place.server, inserting(place, {warning, warning, warning}));
    EXPECT_TRUE(forger.handshake());
    expect_fails12(place.server, inserting(place, Passings(5, warning)),
                   unexpected(SSL_R_TOO_MANY_WARN_ALERTS, encrypted_at(place)));
    expect_fails12(place.server,
                   inserting(place, {{ContentType::alert, {1, SSL_AD_NO_RENEGOTIATION}}}),
                   {Alert::handshake_failure, SSL_R_NO_RENEGOTIATION, encrypted_at(place)});
    expect_fails12(place.server, inserting(place, {{ContentType::alert, {3, 40}}}),
                   {Alert::illegal_parameter, SSL_R_UNKNOWN_ALERT_TYPE, encrypted_at(place)});
    expect_fails12(place.server, inserting(place, {{ContentType::alert, {2, 40}}}),
                   {Alert::none, SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, false});
    for (const Octets& alert : {Octets{1}, Octets{2, 40, 0}, Octets{1, 0, 1, 0}}) {
      expect_fails12(place.server, inserting(place, {{ContentType::alert, alert}}),
                     unexpected(SSL_R_INVALID_ALERT, encrypted_at(place)));
    }
  }
}

TEST(Engine12Record, FloodOfWarningsAfterTheHandshake) {
  for (bool server : {false, true}) {
    Forger forger(server, Script12());
    ASSERT_TRUE(forger.handshake());
    for (int i = 0; i < 5; ++i) forger.send(ContentType::alert, {1, SSL_AD_USER_CANCELLED});
    forger.drive();
    expect_failure12(forger, unexpected(SSL_R_TOO_MANY_WARN_ALERTS, true));
  }
}

// --- Records ---

TEST_P(Engine12Versions, AnotherRecordVersion) {
  for (bool server : {false, true}) {
    for (uint16_t version : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, 0x0304, 0x0300}) {
      if (version == GetParam()) continue;
      SCOPED_TRACE(version);
      Script12 changed = script();
      changed.request_certificate = false;
      changed.edit = before12(server ? SSL3_MT_CLIENT_KEY_EXCHANGE : SSL3_MT_CERTIFICATE,
                              {raw_record(22, {14}, version)});
      expect_fails12(server, changed, {Alert::protocol_version, SSL_R_WRONG_VERSION_NUMBER, false});
    }
    Script12 changed = script();
    changed.edit = before12(SSL3_MT_FINISHED, {raw_record(22, {14}, 0x0205)});
    expect_fails12(server, changed, {Alert::protocol_version, SSL_R_WRONG_VERSION_NUMBER, !server});
  }
}

TEST_P(Engine12Versions, TypesLengthsAndCodes) {
  auto version = static_cast<uint16_t>(GetParam());
  for (bool server : {false, true}) {
    uint8_t type = server ? SSL3_MT_CLIENT_KEY_EXCHANGE : SSL3_MT_CERTIFICATE;
    Script12 changed = script();
    changed.request_certificate = false;
    for (uint8_t record : {0, 19, 24, 25, 255}) {
      changed.edit = before12(type, {raw_record(record, {1}, version)});
      expect_fails12(server, changed, unexpected(SSL_R_UNEXPECTED_RECORD, false));
    }
    changed.edit = before12(type, {raw_record(22, Octets(16385), version)});
    expect_fails12(server, changed, {Alert::record_overflow, SSL_R_DATA_LENGTH_TOO_LONG, false});
    // What does not open, and what is too short to.
    for (size_t length : {0, 1, 8, 15, 16, 17, 24, 31, 32, 64, 65}) {
      SCOPED_TRACE(length);
      changed.edit = before12(SSL3_MT_FINISHED, {raw_record(22, pattern(length, 9), version)});
      Forger forger(server, changed);
      EXPECT_FALSE(forger.handshake());
      EXPECT_EQ(forger.outcome().error, SSL_ERROR_SSL);
      ASSERT_EQ(forger.alerts().size(), 1U);
      // Everyone can see that a record is too short.
      uint8_t alert = forger.alerts()[0].description;
      EXPECT_TRUE(alert == SSL_AD_BAD_RECORD_MAC || (alert == SSL_AD_DECODE_ERROR && length < 32));
      EXPECT_EQ(forger.alerts()[0].encrypted, !server);
    }
  }
}

TEST_P(Engine12Versions, FloodOfEmptyRecords) {
  for (bool server : {false, true}) {
    Script12 changed = script();
    changed.request_certificate = false;
    uint8_t type = server ? SSL3_MT_CLIENT_KEY_EXCHANGE : SSL3_MT_CERTIFICATE;
    changed.edit = before12(type, Passings(1000, {ContentType::handshake, {}}));
    Forger forger(server, changed);
    EXPECT_FALSE(forger.handshake());
    EXPECT_EQ(forger.outcome().error, SSL_ERROR_SSL);
    ASSERT_EQ(forger.alerts().size(), 1U);
    EXPECT_EQ(forger.alerts()[0].description, SSL_AD_UNEXPECTED_MESSAGE);
    // And under protection.
    Forger later(server, script());
    ASSERT_TRUE(later.handshake());
    for (int i = 0; i < 1000; ++i) later.send(ContentType::application_data, {});
    later.drive();
    expect_failure12(later, unexpected(SSL_R_RECORD_TOO_SMALL, true));
  }
}

TEST_P(Engine12Versions, EndOfFile) {
  for (bool server : {false, true}) {
    Forger forger(server, script());
    ASSERT_TRUE(forger.handshake());
    forger.end_of_file();
    forger.drive();
    EXPECT_TRUE(forger.outcome().has(SSL_R_UNEXPECTED_EOF_WHILE_READING));
  }
}

// --- Messages, cut and packed ---

namespace {

enum class Kind { full, by_id, by_ticket };

// Contexts for the kind, with a session to resume.
struct Prepared {
  Script12 script;
  Contexts12 contexts;
  twin::Owned<SSL_SESSION> session;
  bool resumes;
  explicit Prepared(Script12 made, Kind kind)
      : script(std::move(made)), contexts(script), resumes(kind != Kind::full) {
    if (!resumes) return;
    for (SSL_CTX* context : {contexts.client.get(), contexts.server.get()}) {
      SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_BOTH);
      SSL_CTX_set_session_id_context(context, reinterpret_cast<const uint8_t*>("x"), 1);
      if (kind == Kind::by_ticket) SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
    }
    Forger first(true, script, contexts);
    EXPECT_TRUE(first.handshake());
    session.reset(SSL_get1_session(first.client()));
    SSL_shutdown(first.client());
    SSL_shutdown(first.server());
    ERR_clear_error();
  }
  void run(bool server, std::function<size_t(size_t)> cut, size_t bytes_at_once) {
    Script12 one = script;
    one.cut = std::move(cut);
    one.bytes_at_once = bytes_at_once;
    auto offer = [this](SSL* ssl) {
      if (session && SSL_is_server(ssl) == 0) SSL_set_session(ssl, session.get());
    };
    one.tested = offer;
    one.genuine = offer;
    Forger forger(server, one, contexts);
    ASSERT_TRUE(forger.handshake());
    EXPECT_EQ(SSL_session_reused(forger.tested()), resumes ? 1 : 0);
    EXPECT_EQ(SSL_get0_peer_certificate(forger.server()) != nullptr, true);
    expect_data(forger);
    // A connection that is cut off spoils its session.
    SSL_shutdown(forger.client());
    SSL_shutdown(forger.server());
    ERR_clear_error();
  }
};

}  // namespace

TEST_P(Engine12Versions, CutAndPacked) {
  for (Kind kind : {Kind::full, Kind::by_id, Kind::by_ticket}) {
    Prepared prepared(script(), kind);
    for (bool server : {false, true}) {
      SCOPED_TRACE(std::to_string(static_cast<int>(kind)) + (server ? " server" : " client"));
      prepared.run(
          server, [](size_t) { return 1; }, 1);
      prepared.run(
          server, [](size_t all) { return all; }, 0);
      prepared.run(
          server, [](size_t all) { return all; }, 1);
      prepared.run(server, nullptr, 1);
      uint32_t state = 1;
      for (int round = 0; round < 20; ++round) {
        prepared.run(
            server,
            [&state](size_t) {
              state = state * 1664525U + 1013904223U;
              return 1 + (state >> 24) * (state >> 16 & 7);
            },
            1 + (state >> 20) % 50);
      }
    }
  }
}

TEST(Engine12Record, CutAtEveryPlace) {
  Script12 script;
  script.certificate = "server-p256";
  script.suite = "ECDHE-ECDSA-AES128-GCM-SHA256";
  script.client_certificate = "client-p256";
  script.request_certificate = true;
  Prepared prepared(script, Kind::full);
  for (bool server : {false, true}) {
    for (size_t at = 1; at < 1400; at += at < 120 ? 1 : 23) {
      prepared.run(
          server,
          [at, first = true](size_t) mutable {
            size_t length = first ? at : 20000;
            first = false;
            return length;
          },
          0);
      if (HasFailure()) return;
    }
  }
}
