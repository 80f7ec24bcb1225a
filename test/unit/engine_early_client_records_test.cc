// What may come to a client while it sends early data, and what may not.
#include <gtest/gtest.h>

#include "engine_psk_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

Resumption early_ticket() {
  Ticket13 ticket;
  ticket.extensions = {{TLSEXT_TYPE_early_data, {0, 0, 4, 0}}};
  return client_with_ticket(ticket);
}

Script early_script(const Resumption& made, bool accept) {
  Script script;
  script.keys = {made.key};
  script.accept_early_data = accept;
  script.call = write_early("early");
  return script;
}

bool write_more(SSL* ssl, const std::string& text) {
  size_t done = 0;
  return SSL_write_early_data(ssl, text.data(), text.size(), &done) == 1;
}

std::string read_once(SSL* ssl) {
  char buffer[100];
  ERR_clear_error();
  int length = SSL_read(ssl, buffer, sizeof buffer);
  return length > 0 ? std::string(buffer, static_cast<size_t>(length)) : std::string();
}

// A client that has sent its hello and early data, and then meets `record` in the clear.
struct Plain {
  uint8_t type;
  Octets content;
};
std::unique_ptr<Peer> met(const Resumption& made, const Plain& record) {
  auto peer = std::make_unique<Peer>(client_again(made), early_script(made, true));
  peer->drive();
  EXPECT_EQ(peer->outcome().returned, 1);
  peer->send_plain(record.type, record.content);
  peer->drive();
  return peer;
}

}  // namespace

// RFC 8446 4.1.3: nothing but a ServerHello may come, an alert, or the compatible
// change_cipher_spec.
TEST(EngineEarlyClientRecords, BeforeTheServerHello) {
  struct {
    const char* name;
    Plain record;
    int reason;
  } const cases[] = {
      {"data", {SSL3_RT_APPLICATION_DATA, Octets(40, 'x')}, SSL_R_UNEXPECTED_MESSAGE},
      {"KeyUpdate",
       {SSL3_RT_HANDSHAKE, message(SSL3_MT_KEY_UPDATE, {0})},
       SSL_R_UNEXPECTED_MESSAGE},
      {"NewSessionTicket", {SSL3_RT_HANDSHAKE, Ticket13().message()}, SSL_R_UNEXPECTED_MESSAGE},
      {"EncryptedExtensions",
       {SSL3_RT_HANDSHAKE, message(SSL3_MT_ENCRYPTED_EXTENSIONS, {0, 0})},
       SSL_R_UNEXPECTED_MESSAGE},
      {"empty handshake record", {SSL3_RT_HANDSHAKE, {}}, SSL_R_BAD_LENGTH},
      {"unknown type", {0x18, {1}}, SSL_R_UNEXPECTED_MESSAGE},
      {"change_cipher_spec of another value",
       {SSL3_RT_CHANGE_CIPHER_SPEC, {2}},
       SSL_R_BAD_CHANGE_CIPHER_SPEC},
  };
  Resumption made = early_ticket();
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    std::unique_ptr<Peer> peer = met(made, test.record);
    EXPECT_EQ(peer->outcome().error, SSL_ERROR_SSL);
    EXPECT_TRUE(peer->outcome().has(test.reason));
    size_t done = 0;
    EXPECT_EQ(SSL_write_early_data(peer->ssl(), "x", 1, &done), 0);
    EXPECT_LE(SSL_do_handshake(peer->ssl()), 0);
    char byte = 0;
    EXPECT_LE(SSL_read(peer->ssl(), &byte, 1), 0);
    EXPECT_LE(SSL_write(peer->ssl(), &byte, 1), 0);
    ERR_clear_error();
  }
}

TEST(EngineEarlyClientRecords, AlertsBeforeTheServerHello) {
  Resumption made = early_ticket();
  std::unique_ptr<Peer> fatal =
      met(made, {SSL3_RT_ALERT, {SSL3_AL_FATAL, SSL_AD_HANDSHAKE_FAILURE}});
  EXPECT_EQ(fatal->outcome().error, SSL_ERROR_SSL);
  EXPECT_TRUE(fatal->outcome().has(SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE));
  EXPECT_FALSE(write_more(fatal->ssl(), "x"));
  ERR_clear_error();

  std::unique_ptr<Peer> closed = met(made, {SSL3_RT_ALERT, {SSL3_AL_WARNING, SSL_AD_CLOSE_NOTIFY}});
  EXPECT_EQ(closed->outcome().error, SSL_ERROR_ZERO_RETURN);
  EXPECT_EQ(SSL_get_shutdown(closed->ssl()), SSL_RECEIVED_SHUTDOWN);
}

// An alert of the client that does not like the ServerHello: it has the keys of early data.
TEST(EngineEarlyClientRecords, AlertAboutTheServerHello) {
  Resumption made = early_ticket();
  Script script = early_script(made, true);
  script.server_hello = [](HelloParts& parts, bool) { parts.compression = {1}; };
  Peer peer(client_again(made), script);
  EXPECT_FALSE(peer.handshake());
  expect_failure(peer, {Alert::illegal_parameter, SSL_R_INVALID_COMPRESSION_ALGORITHM});
}

// RFC 8446 2.3: a server may send data before it has the client's Finished; the client may read it
// and write more early data behind.
TEST(EngineEarlyClientRecords, DataOfTheServer) {
  Resumption made = early_ticket();
  for (bool accept : {true, false}) {
    Script script = early_script(made, accept);
    script.half_rtt = [&](Peer& peer) {
      SSL* ssl = peer.ssl();
      EXPECT_EQ(read_once(ssl), "") << "the flight is read, and no data is there";
      EXPECT_EQ(SSL_get_error(ssl, -1), SSL_ERROR_WANT_READ);
      EXPECT_EQ(SSL_get_early_data_status(ssl),
                accept ? SSL_EARLY_DATA_ACCEPTED : SSL_EARLY_DATA_REJECTED);
      peer.send(ContentType::application_data, octets(as_view("half")));
      EXPECT_EQ(read_once(ssl), "half");
      EXPECT_TRUE(write_more(ssl, " more"));
      peer.send(ContentType::application_data, octets(as_view("next")));
      EXPECT_EQ(read_once(ssl), "next");
      EXPECT_TRUE(write_more(ssl, " last"));
    };
    Peer peer(client_again(made), script);
    EXPECT_TRUE(peer.handshake());
    EXPECT_EQ(peer.early_data(), accept ? "early more last" : "early");
    EXPECT_EQ(SSL_write(peer.ssl(), "late", 4), 4);
    Arrived arrived;
    ASSERT_TRUE(peer.take_record(arrived));
    EXPECT_EQ(arrived.content, octets(as_view("late")));
  }
}

// What a server sends behind its Finished may come before the client's.
TEST(EngineEarlyClientRecords, MessagesBehindTheFinished) {
  Resumption made = early_ticket();
  for (bool accept : {true, false}) {
    for (bool with_ticket : {true, false}) {
      Script script = early_script(made, accept);
      script.half_rtt = [&](Peer& peer) {
        EXPECT_EQ(read_once(peer.ssl()), "");
        if (with_ticket) {
          peer.send(ContentType::handshake, Ticket13().message());
        } else {
          peer.send(ContentType::handshake, message(SSL3_MT_KEY_UPDATE, {0}));
          peer.update_write_keys();
        }
        peer.send(ContentType::application_data, octets(as_view("half")));
        EXPECT_EQ(read_once(peer.ssl()), "half");
      };
      Peer peer(client_again(made), script);
      EXPECT_TRUE(peer.handshake()) << accept << with_ticket;
      EXPECT_EQ(SSL_write(peer.ssl(), "late", 4), 4);
      Arrived arrived;
      ASSERT_TRUE(peer.take_record(arrived));
      EXPECT_EQ(arrived.content, octets(as_view("late")));
    }
  }
}

TEST(EngineEarlyClientRecords, WrongMessagesBehindTheFinished) {
  Resumption made = early_ticket();
  for (uint8_t type : {SSL3_MT_FINISHED, SSL3_MT_SERVER_HELLO, SSL3_MT_END_OF_EARLY_DATA,
                       SSL3_MT_ENCRYPTED_EXTENSIONS}) {
    SCOPED_TRACE(static_cast<int>(type));
    Script script = early_script(made, true);
    script.half_rtt = [&](Peer& peer) {
      EXPECT_EQ(read_once(peer.ssl()), "");
      peer.send(ContentType::handshake, message(type, Octets(32)));
      EXPECT_EQ(read_once(peer.ssl()), "");
      EXPECT_EQ(SSL_get_error(peer.ssl(), -1), SSL_ERROR_SSL);
      EXPECT_EQ(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_UNEXPECTED_MESSAGE);
      EXPECT_FALSE(write_more(peer.ssl(), "x"));
    };
    Peer peer(client_again(made), script);
    EXPECT_FALSE(peer.handshake());
    ERR_clear_error();
  }
}

TEST(EngineEarlyClientRecords, AlertsBehindTheFinished) {
  Resumption made = early_ticket();
  for (bool fatal : {true, false}) {
    Script script = early_script(made, true);
    script.half_rtt = [&](Peer& peer) {
      SSL* ssl = peer.ssl();
      EXPECT_EQ(read_once(ssl), "");
      peer.send(ContentType::alert, fatal ? Octets{SSL3_AL_FATAL, SSL_AD_INTERNAL_ERROR}
                                          : Octets{SSL3_AL_WARNING, SSL_AD_CLOSE_NOTIFY});
      EXPECT_EQ(read_once(ssl), "");
      EXPECT_EQ(SSL_get_error(ssl, 0), fatal ? SSL_ERROR_SSL : SSL_ERROR_ZERO_RETURN);
      ERR_clear_error();
      // RFC 8446 6.1: a closed read side says nothing of the write side.
      EXPECT_EQ(write_more(ssl, " more"), !fatal);
      ERR_clear_error();
    };
    Peer peer(client_again(made), script);
    EXPECT_EQ(peer.handshake(), !fatal);
    if (!fatal) EXPECT_EQ(peer.early_data(), "early more");
    ERR_clear_error();
  }
}
