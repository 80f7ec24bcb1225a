// A server that reads early data, against clients that send too much, or something else
// (RFC 8446 sections 4.2.10 and 4.5).
#include <gtest/gtest.h>

#include "engine_early_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

constexpr bool kClear = false;

// The client's EndOfEarlyData becomes `whole`, which may be nothing.
std::function<void(uint8_t, Octets&)> instead_of_end(const Octets& whole) {
  return [=](uint8_t type, Octets& message) {
    if (type == SSL3_MT_END_OF_EARLY_DATA) message = whole;
  };
}

const Octets kEnd = {SSL3_MT_END_OF_EARLY_DATA, 0, 0, 0};

}  // namespace

TEST(EngineEarlyServer, Accepts) {
  Early early;
  Peer peer = early.peer();
  EXPECT_TRUE(peer.handshake());
  expect_accepted(peer);
  EXPECT_EQ(*early.got, "early");
  peer.send(ContentType::application_data, {'x'});
  peer.drive();
  EXPECT_EQ(peer.decrypted(), "x");
}

TEST(EngineEarlyServer, NothingBetweenHelloAndEnd) {
  Early early([](Peer&) {});
  Peer peer = early.peer();
  EXPECT_TRUE(peer.handshake());
  expect_accepted(peer);
  EXPECT_EQ(*early.got, "");
}

TEST(EngineEarlyServer, ManyRecords) {
  Early early([](Peer& peer) {
    for (int i = 0; i < 20; ++i) {
      peer.send(ContentType::application_data, {});
      peer.send(ContentType::application_data, Octets(50, static_cast<uint8_t>('a' + i)));
    }
  });
  Peer peer = early.peer();
  EXPECT_TRUE(peer.handshake());
  expect_accepted(peer);
  EXPECT_EQ(early.got->size(), 1000U);
}

// "If the server receives more than [...] it SHOULD terminate with unexpected_message".
TEST(EngineEarlyServer, Limit) {
  Failure too_much{Alert::unexpected_message, SSL_R_TOO_MUCH_EARLY_DATA};
  {
    Early early(sending_data(kLimit));
    Peer peer = early.peer();
    EXPECT_TRUE(peer.handshake());
    EXPECT_EQ(early.got->size(), kLimit);
  }
  fails(Early(sending_data(kLimit + 1)), too_much);
  fails(Early(sending_data(kMaxPlaintextLength)), too_much);
  Early pieces(sending_data(100, 11));
  fails(pieces, too_much);
  EXPECT_EQ(pieces.got->size(), kLimit) << "what came before was good";
  // What the ticket said counts, and what the server takes now.
  fails(Early(sending_data(kLimit + 1),
              [](SSL_CTX* context) { SSL_CTX_set_recv_max_early_data(context, 1 << 20); }),
        too_much);
  fails(Early(sending_data(101)), too_much,
        [](SSL* ssl) { SSL_set_recv_max_early_data(ssl, 100); });
  Early large(sending_data(kMaxPlaintextLength, 4), [](SSL_CTX* context) {
    SSL_CTX_set_max_early_data(context, 4 * kMaxPlaintextLength);
    SSL_CTX_set_recv_max_early_data(context, 4 * kMaxPlaintextLength);
  });
  Peer peer = large.peer();
  EXPECT_TRUE(peer.handshake());
  EXPECT_EQ(large.got->size(), 4 * kMaxPlaintextLength);
}

// --- EndOfEarlyData ---

TEST(EngineEarlyServer, EndIsMissing) {
  Early early;
  early.script.message = instead_of_end({});
  fails(early, {Alert::bad_record_mac, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC});
}

TEST(EngineEarlyServer, OtherMessagesInItsPlace) {
  for (int type = 0; type < 256; ++type) {
    if (type == SSL3_MT_END_OF_EARLY_DATA || (type > 30 && type % 16 != 14)) continue;
    SCOPED_TRACE(type);
    Early early;
    early.script.message = instead_of_end(message(static_cast<uint8_t>(type), Octets(32)));
    fails(early, {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE});
  }
}

TEST(EngineEarlyServer, FormOfTheEnd) {
  Failure boundary{Alert::unexpected_message, SSL_R_NOT_ON_RECORD_BOUNDARY};
  Early early;
  early.script.message = instead_of_end(message(SSL3_MT_END_OF_EARLY_DATA, {0}));
  fails(early, {Alert::illegal_parameter, SSL_R_EXCESSIVE_MESSAGE_SIZE});
  // RFC 8446 5.1: keys change behind it.
  for (const Octets& more :
       {kEnd, Octets{SSL3_MT_FINISHED}, message(SSL3_MT_FINISHED, Octets(32))}) {
    Early again;
    again.script.message = instead_of_end(kEnd + more);
    fails(again, boundary);
  }
}

TEST(EngineEarlyServer, EndTwice) {
  // With the keys of early data, which are over; or with those of the handshake.
  for (bool early_keys : {true, false}) {
    Early early;
    Peer* self = nullptr;
    if (early_keys) {
      early.script.after = [&](uint8_t type) {
        if (type == SSL3_MT_END_OF_EARLY_DATA) self->send(ContentType::handshake, kEnd);
      };
    } else {
      early.script.message = [](uint8_t type, Octets& whole) {
        if (type == SSL3_MT_FINISHED) whole = kEnd + whole;
      };
    }
    Peer peer = early.peer();
    self = &peer;
    EXPECT_FALSE(peer.handshake());
    expect_failure(
        peer, early_keys ? Failure{Alert::bad_record_mac, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC}
                         : Failure{Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE});
  }
}

TEST(EngineEarlyServer, EndInPieces) {
  Early early([](Peer& peer) {
    peer.send(ContentType::application_data, octets(as_view("early")));
    for (size_t i = 0; i < 3; ++i) peer.send(ContentType::handshake, {kEnd[i]});
  });
  Peer* self = nullptr;
  early.script.message = [&](uint8_t type, Octets& whole) {
    if (type != SSL3_MT_END_OF_EARLY_DATA) return;
    self->send(ContentType::handshake, {kEnd[3]});
    self->hash_message(kEnd);
    whole.clear();
  };
  Peer peer = early.peer();
  self = &peer;
  EXPECT_TRUE(peer.handshake());
  expect_accepted(peer);
  EXPECT_EQ(*early.got, "early");

  Early interrupted([](Peer& peer) {
    peer.send(ContentType::handshake, {kEnd[0], kEnd[1]});
    peer.send(ContentType::application_data, {'x'});
  });
  fails(interrupted, {Alert::unexpected_message, SSL_R_MIXED_HANDSHAKE_AND_NON_HANDSHAKE_DATA});
}

TEST(EngineEarlyServer, EndWithoutEarlyData) {
  auto end_first = [](uint8_t type, Octets& whole) {
    if (type == SSL3_MT_FINISHED) whole = kEnd + whole;
  };
  Script full;
  full.message = end_first;
  expect_server_fails(full, {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE});
  // Rejected.
  Early early;
  early.script.message = end_first;
  early.script.call = nullptr;
  fails(early, {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE});
}

TEST(EngineEarlyServer, DataBehindTheEnd) {
  Early early;
  Peer* self = nullptr;
  early.script.message = [&](uint8_t type, Octets&) {
    // The keys are those of the handshake now.
    if (type == SSL3_MT_FINISHED) self->send(ContentType::application_data, {'x'});
  };
  Peer peer = early.peer();
  self = &peer;
  EXPECT_FALSE(peer.handshake());
  expect_failure(peer, {Alert::unexpected_message, SSL_R_UNEXPECTED_RECORD});
}

// --- What else may come amid the data ---

TEST(EngineEarlyServer, HandshakeMessagesAmidData) {
  for (uint8_t type : {SSL3_MT_KEY_UPDATE, SSL3_MT_CLIENT_HELLO, SSL3_MT_CERTIFICATE,
                       SSL3_MT_FINISHED, SSL3_MT_NEWSESSION_TICKET}) {
    SCOPED_TRACE(static_cast<int>(type));
    Early early([type](Peer& peer) {
      peer.send(ContentType::application_data, octets(as_view("early")));
      peer.send(ContentType::handshake, message(type, {0}));
      peer.send(ContentType::application_data, octets(as_view("late")));
    });
    fails(early, {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE});
    EXPECT_EQ(*early.got, "early");
  }
}

TEST(EngineEarlyServer, PlainRecordsAmidData) {
  struct {
    uint8_t type;
    Octets content;
    Failure failure;
  } const cases[] = {
      {SSL3_RT_HANDSHAKE, kEnd, {Alert::unexpected_message, SSL_R_BAD_RECORD_TYPE}},
      {SSL3_RT_APPLICATION_DATA,
       Octets(40, 'x'),
       {Alert::bad_record_mac, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC}},
      {0x18, {1}, {Alert::unexpected_message, SSL_R_BAD_RECORD_TYPE}},
      {SSL3_RT_CHANGE_CIPHER_SPEC, {2}, {Alert::unexpected_message, SSL_R_INVALID_CCS_MESSAGE}},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(static_cast<int>(test.type));
    Early early([&](Peer& peer) {
      peer.send(ContentType::application_data, octets(as_view("early")));
      peer.send_plain(test.type, test.content);
    });
    fails(early, test.failure);
    EXPECT_EQ(*early.got, "early");
  }
  // RFC 8446 D.4.
  Early compatible([](Peer& peer) {
    peer.send_plain(SSL3_RT_CHANGE_CIPHER_SPEC, {1});
    peer.send(ContentType::application_data, octets(as_view("early")));
  });
  Peer peer = compatible.peer();
  EXPECT_TRUE(peer.handshake());
  EXPECT_EQ(*compatible.got, "early");
}

TEST(EngineEarlyServer, ForgedRecord) {
  Early early([](Peer& peer) {
    peer.send(ContentType::application_data, octets(as_view("early")));
    peer.send_forged({'x', 23});
  });
  fails(early, {Alert::bad_record_mac, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC});
  EXPECT_EQ(*early.got, "early");
}

TEST(EngineEarlyServer, AlertsAmidData) {
  {
    Early early([](Peer& peer) {
      peer.send(ContentType::application_data, octets(as_view("early")));
      peer.send(ContentType::alert, {SSL3_AL_FATAL, SSL_AD_INTERNAL_ERROR});
    });
    Peer peer = early.peer();
    EXPECT_FALSE(peer.handshake());
    EXPECT_TRUE(peer.outcome().has(SSL_R_TLSV1_ALERT_INTERNAL_ERROR));
    EXPECT_EQ(*early.got, "early");
    EXPECT_TRUE(peer.alerts().empty());
    peer.drive();
    EXPECT_LE(peer.outcome().returned, 0);
  }
  Early early([](Peer& peer) {
    peer.send(ContentType::application_data, octets(as_view("early")));
    peer.send(ContentType::alert, {SSL3_AL_WARNING, SSL_AD_CLOSE_NOTIFY});
  });
  Peer peer = early.peer();
  EXPECT_FALSE(peer.handshake());
  EXPECT_EQ(peer.outcome().error, SSL_ERROR_ZERO_RETURN);
  EXPECT_EQ(*early.got, "early");
  EXPECT_EQ(SSL_get_shutdown(peer.ssl()), SSL_RECEIVED_SHUTDOWN);
  size_t done = 0;
  char byte = 0;
  EXPECT_EQ(SSL_read_early_data(peer.ssl(), &byte, 1, &done), SSL_READ_EARLY_DATA_ERROR);
}

TEST(EngineEarlyServer, DataBeforeTheHello) {
  Peer peer(new_server(), {});
  peer.send_plain(SSL3_RT_APPLICATION_DATA, Octets(40, 'x'));
  peer.drive();
  expect_failure(peer, {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE, kClear});
}

TEST(EngineEarlyServer, ExtensionWithABody) {
  Early early;
  early.script.client_hello = [](HelloParts& parts, int) {
    find(parts.extensions, TLSEXT_TYPE_early_data)->body = {0};
  };
  early.script.early_data = [](Peer&) {};
  fails(early, {Alert::decode_error, SSL_R_BAD_EXTENSION, kClear});
}

// 4.2.10: a client that announces it without a key has nothing to protect it with.
TEST(EngineEarlyServer, AnnouncedWithoutAKey) {
  Script script;
  script.client_hello = [](HelloParts& parts, int) {
    set(parts.extensions, TLSEXT_TYPE_early_data, {});
  };
  Peer peer(new_server([](SSL* ssl) { SSL_set_max_early_data(ssl, kLimit); }), script);
  EXPECT_TRUE(peer.handshake());
  EXPECT_FALSE(peer.early_data_accepted());
}
