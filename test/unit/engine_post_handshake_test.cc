// Both roles against handshake messages after the handshake (RFC 8446 section 4.6).
#include <gtest/gtest.h>

#include "engine_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

Octets key_update(uint8_t request) {
  return message(SSL3_MT_KEY_UPDATE, {request});
}

Octets ticket(uint8_t nonce, const Octets& extensions = {}) {
  return message(SSL3_MT_NEWSESSION_TICKET, Octets{0, 0, 1, 0, 1, 2, 3, 4} + vector8({nonce}) +
                                                vector16(pattern(40, nonce)) +
                                                vector16(extensions));
}

void established(bool client, const std::function<void(Peer&)>& test) {
  SCOPED_TRACE(client ? "client" : "server");
  Peer peer(client ? new_client() : new_server(), {});
  ASSERT_TRUE(peer.handshake());
  test(peer);
}

void expect_data(Peer& peer, const std::string& expected) {
  peer.drive();
  EXPECT_EQ(peer.decrypted(), expected);
  EXPECT_EQ(peer.outcome().error, SSL_ERROR_WANT_READ)
      << (peer.outcome().reasons.empty()
              ? ""
              : ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, peer.outcome().reasons[0])));
}

// `records` handshake contents are sent in order; the last one must be refused.
void refused(bool client, const char* name, const std::vector<Octets>& records,
             const Failure& failure) {
  SCOPED_TRACE(name);
  established(client, [&](Peer& peer) {
    for (const Octets& record : records) peer.send(ContentType::handshake, record);
    peer.drive();
    expect_failure(peer, failure);
  });
}

}  // namespace

TEST(EnginePostHandshake, EveryTypeButTheAllowed) {
  for (bool client : {true, false}) {
    for (int type = 0; type < 256; ++type) {
      if (type == SSL3_MT_KEY_UPDATE || (client && type == SSL3_MT_NEWSESSION_TICKET)) continue;
      if (type > 30 && type % 16 != 14) continue;
      refused(client, std::to_string(type).c_str(),
              {message(static_cast<uint8_t>(type), {0, 0, 0, 0})},
              {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE});
    }
  }
}

TEST(EnginePostHandshake, KeyUpdateForms) {
  for (bool client : {true, false}) {
    // RFC 8446 4.6.3: "If an implementation receives any other value, it MUST terminate the
    // connection with an "illegal_parameter" alert."
    for (uint8_t value : {2, 3, 255}) {
      refused(client, "value", {key_update(value)},
              {Alert::illegal_parameter, SSL_R_BAD_KEY_UPDATE});
    }
    refused(client, "empty", {message(SSL3_MT_KEY_UPDATE, {})},
            {Alert::decode_error, SSL_R_BAD_KEY_UPDATE});
    refused(client, "two bytes", {message(SSL3_MT_KEY_UPDATE, {0, 0})},
            {Alert::illegal_parameter, SSL_R_EXCESSIVE_MESSAGE_SIZE});
    // RFC 8446 5.1.
    refused(client, "followed by another", {key_update(0) + key_update(0)},
            {Alert::unexpected_message, SSL_R_NOT_ON_RECORD_BOUNDARY});
    refused(client, "followed by a byte", {key_update(0) + Octets{24}},
            {Alert::unexpected_message, SSL_R_NOT_ON_RECORD_BOUNDARY});
  }
}

TEST(EnginePostHandshake, KeyUpdates) {
  for (bool client : {true, false}) {
    established(client, [](Peer& peer) {
      std::string expected;
      for (int i = 0; i < 20; ++i) {
        peer.send(ContentType::handshake, key_update(0));
        peer.update_write_keys();
        peer.send(ContentType::application_data, {static_cast<uint8_t>('a' + i)});
        expected += static_cast<char>('a' + i);
      }
      expect_data(peer, expected);
      peer.drain();
      EXPECT_EQ(SSL_get_key_update_type(peer.ssl()), SSL_KEY_UPDATE_NONE);
    });
    // In two parts.
    established(client, [](Peer& peer) {
      Octets update = key_update(0);
      for (uint8_t byte : update) peer.send(ContentType::handshake, {byte});
      peer.update_write_keys();
      peer.send(ContentType::application_data, {'x'});
      expect_data(peer, "x");
    });
    // The old keys are gone.
    established(client, [](Peer& peer) {
      peer.send(ContentType::handshake, key_update(0));
      peer.send(ContentType::application_data, {'x'});
      peer.drive();
      expect_failure(peer, {Alert::bad_record_mac, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC});
    });
  }
}

TEST(EnginePostHandshake, RequestedUpdateIsAnsweredOnceBeforeData) {
  for (bool client : {true, false}) {
    established(client, [](Peer& peer) {
      for (int i = 0; i < 3; ++i) {
        peer.send(ContentType::handshake, key_update(1));
        peer.update_write_keys();
      }
      peer.drive();
      EXPECT_EQ(peer.outcome().error, SSL_ERROR_WANT_READ);
      Arrived arrived;
      EXPECT_FALSE(peer.take_record(arrived)) << "nothing was written yet";
      EXPECT_EQ(SSL_write(peer.ssl(), "x", 1), 1);
      ASSERT_TRUE(peer.take_record(arrived));
      EXPECT_EQ(arrived.type, ContentType::handshake);
      EXPECT_EQ(arrived.content, key_update(0));
      peer.update_read_keys();
      ASSERT_TRUE(peer.take_record(arrived));
      EXPECT_EQ(arrived.type, ContentType::application_data);
      EXPECT_EQ(arrived.content, Octets{'x'});
      EXPECT_FALSE(peer.take_record(arrived));
    });
  }
}

TEST(EnginePostHandshake, FloodOfKeyUpdates) {
  for (bool client : {true, false}) {
    established(client, [](Peer& peer) {
      for (int i = 0; i < 65; ++i) {
        peer.send(ContentType::handshake, key_update(0));
        peer.update_write_keys();
      }
      peer.drive();
      expect_failure(peer, {Alert::unexpected_message, SSL_R_TOO_MANY_KEY_UPDATES});
    });
  }
}

TEST(EnginePostHandshake, Tickets) {
  // One, several of a record, in parts of any size, and packed with what follows.
  established(true, [](Peer& peer) {
    peer.send(ContentType::handshake, ticket(1));
    peer.send(ContentType::handshake, ticket(2) + ticket(3));
    peer.send(ContentType::application_data, {'a'});
    Octets both = ticket(4) + ticket(5);
    for (size_t cut : {1U, 3U, 4U, 5U, 40U, 70U}) {
      auto at = both.begin() + static_cast<ptrdiff_t>(cut);
      peer.send(ContentType::handshake, {both.begin(), at});
      peer.send(ContentType::handshake, {at, both.end()});
    }
    peer.send(ContentType::application_data, {'b'});
    peer.send(ContentType::handshake, ticket(6) + key_update(0));
    peer.update_write_keys();
    peer.send(ContentType::application_data, {'c'});
    expect_data(peer, "abc");
  });
}

TEST(EnginePostHandshake, TicketForms) {
  struct Form {
    const char* name;
    Octets message;
    Alert alert;
    int reason;
  };
  Octets cut = ticket(1);
  cut.pop_back();
  cut[3]--;
  Octets longer = ticket(1) + Octets{0};
  longer[3]++;
  const Form forms[] = {
      {"empty", message(SSL3_MT_NEWSESSION_TICKET, {}), Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      {"cut", cut, Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      {"longer", longer, Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      // ticket<1..2^16-1>.
      {"no ticket",
       message(SSL3_MT_NEWSESSION_TICKET,
               Octets(8, 0) + vector8({1}) + vector16({}) + vector16({})),
       Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      {"key_share", ticket(1, u16(51) + u16(0)), Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
      {"early_data of three bytes", ticket(1, u16(42) + vector16({0, 0, 1})), Alert::decode_error,
       SSL_R_INVALID_MAX_EARLY_DATA},
      {"extension that is cut", ticket(1, {0}), Alert::decode_error, SSL_R_BAD_EXTENSION},
  };
  for (const Form& form : forms) {
    SCOPED_TRACE(form.name);
    established(true, [&](Peer& peer) {
      peer.send(ContentType::handshake, form.message);
      peer.drive();
      EXPECT_EQ(peer.outcome().error, SSL_ERROR_SSL);
      peer.drain();
      ASSERT_EQ(peer.alerts().size(), 1U);
      EXPECT_EQ(peer.alerts()[0].description, static_cast<uint8_t>(form.alert));
    });
  }
  // RFC 8446 4.6.1: unknown extensions are ignored.
  established(true, [](Peer& peer) {
    peer.send(ContentType::handshake, ticket(1, u16(0x1234) + vector16({1})));
    peer.send(ContentType::application_data, {'x'});
    expect_data(peer, "x");
  });
}

TEST(EnginePostHandshake, AnotherHello) {
  // RFC 8446 4.1.2: there is no renegotiation.
  for (bool client : {true, false}) {
    refused(client, "ClientHello", {message(SSL3_MT_CLIENT_HELLO, pattern(100, 1))},
            {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE});
    refused(client, "HelloRequest", {message(SSL3_MT_HELLO_REQUEST, {})},
            {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE});
  }
}

TEST(EnginePostHandshake, CertificateRequestWithoutOffer) {
  // RFC 8446 4.6.2: "A client that receives a post-handshake CertificateRequest message without
  // having sent the "post_handshake_auth" extension MUST send an "unexpected_message" fatal alert."
  Octets request = vector8({1}) + vector16(u16(13) + vector16(vector16(u16(0x0807))));
  refused(true, "request", {message(SSL3_MT_CERTIFICATE_REQUEST, request)},
          {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE});
}

TEST(EnginePostHandshake, AnnouncedTooLong) {
  refused(true, "ticket", {{SSL3_MT_NEWSESSION_TICKET, 0x7f, 0, 0}},
          {Alert::illegal_parameter, SSL_R_EXCESSIVE_MESSAGE_SIZE});
  refused(false, "update", {{SSL3_MT_KEY_UPDATE, 0, 1, 0}},
          {Alert::illegal_parameter, SSL_R_EXCESSIVE_MESSAGE_SIZE});
}
