// A server that rejects early data, which it must skip, but not without end (RFC 8446
// sections 4.2.10 and 8).
#include <gtest/gtest.h>

#include "engine_early_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

constexpr bool kClear = false;

// It was rejected, but the handshake goes on.
void rejects(const Early& early, const Configure& configure = nullptr) {
  Peer peer = early.peer(configure);
  EXPECT_TRUE(peer.handshake());
  EXPECT_EQ(*early.got, "");
  expect_rejected(peer);
}

}  // namespace

TEST(EngineEarlyRejected, NobodyReads) {
  Early early;
  early.script.call = nullptr;
  rejects(early);
}

TEST(EngineEarlyRejected, NotWelcomeAnyMore) {
  rejects(Early(), [](SSL* ssl) { SSL_set_max_early_data(ssl, 0); });
  rejects(Early(), [](SSL* ssl) {
    SSL_set_allow_early_data_cb(
        ssl, [](SSL*, void*) { return 0; }, nullptr);
  });
}

TEST(EngineEarlyRejected, TicketWithoutEarlyData) {
  Early early(nullptr, [](SSL_CTX* context) { SSL_CTX_set_max_early_data(context, 0); });
  rejects(early, [](SSL* ssl) { SSL_set_max_early_data(ssl, kLimit); });
}

TEST(EngineEarlyRejected, KeyThatNobodyKnows) {
  Early early;
  early.script.keys[0].identity[3] ^= 1;
  rejects(early);
}

// RFC 8446 4.2.10: "The selected PSK identity is the first one".
TEST(EngineEarlyRejected, SecondIdentity) {
  Early early;
  early.script.keys.insert(early.script.keys.begin(), external_key(7));
  Peer peer = early.peer();
  EXPECT_TRUE(peer.handshake());
  EXPECT_TRUE(peer.resumed());
  expect_rejected(peer);
}

TEST(EngineEarlyRejected, AnotherSuite) {
  Early early;
  early.script.suite = 0x1303;
  Peer peer = early.peer();
  EXPECT_TRUE(peer.handshake());
  EXPECT_TRUE(peer.resumed());
  expect_rejected(peer);
}

// 8.3: within ten seconds of our own clock.
TEST(EngineEarlyRejected, AgeOfTheTicket) {
  struct {
    uint32_t milliseconds;
    bool accepted;
  } const cases[] = {
      {0, true}, {500, true}, {60000, false}, {0xffffffff, false}, {0x80000000, false}};
  for (const auto& test : cases) {
    Early early;
    early.script.keys[0].age += test.milliseconds;
    Peer peer = early.peer();
    EXPECT_TRUE(peer.handshake());
    EXPECT_TRUE(peer.resumed()) << "the key is good all the same";
    EXPECT_EQ(peer.early_data_accepted(), test.accepted) << test.milliseconds;
  }
}

TEST(EngineEarlyRejected, AnotherNameOrProtocol) {
  Octets localhost = vector16(Octets{0} + vector16(octets(as_view("localhost"))));
  Octets elsewhere = vector16(Octets{0} + vector16(octets(as_view("elsewhere"))));
  Octets h2 = vector16(vector8({'h', '2'})), h3 = vector16(vector8({'h', '3'}));
  struct {
    Octets name_then, name_now, protocol_then, protocol_now;
    bool accepted;
  } const cases[] = {
      {localhost, localhost, h2, h2, true},
      {localhost, elsewhere, h2, h2, false},
      {localhost, {}, h2, h2, false},
      {localhost, localhost, h2, h3, false},
      {localhost, localhost, h2, {}, false},
      {localhost, localhost, {}, h2, false},
      {{}, {}, {}, {}, true},
  };
  auto hello = [](const Octets& name, const Octets& protocol) {
    return [=](HelloParts& parts, int) {
      auto add = [&](uint16_t type, const Octets& body) {
        if (!body.empty()) parts.extensions.insert(parts.extensions.begin(), {type, body});
      };
      add(TLSEXT_TYPE_server_name, name);
      add(TLSEXT_TYPE_application_layer_protocol_negotiation, protocol);
    };
  };
  auto configure = [](SSL_CTX* context) {
    SSL_CTX_set_tlsext_servername_callback(
        context, static_cast<int (*)(SSL*, int*, void*)>(
                     [](SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; }));
    SSL_CTX_set_alpn_select_cb(
        context,
        [](SSL*, const unsigned char** out, unsigned char* length, const unsigned char* in,
           unsigned int, void*) {
          *out = in + 1;
          *length = in[0];
          return SSL_TLSEXT_ERR_OK;
        },
        nullptr);
  };
  for (size_t i = 0; i < std::size(cases); ++i) {
    SCOPED_TRACE(i);
    Script first;
    first.client_hello = hello(cases[i].name_then, cases[i].protocol_then);
    Early early(nullptr, configure, first);
    early.script.client_hello = hello(cases[i].name_now, cases[i].protocol_now);
    Peer peer = early.peer();
    EXPECT_TRUE(peer.handshake());
    EXPECT_TRUE(peer.resumed());
    EXPECT_EQ(peer.early_data_accepted(), cases[i].accepted);
  }
}

TEST(EngineEarlyRejected, SkippedWithinTheBound) {
  for (size_t length : {size_t{1}, size_t{100}, size_t{kLimit}}) {
    Early early(sending_data(length, kLimit / length));
    early.script.call = nullptr;
    rejects(early);
  }
  // Some of no content at all.
  Early empty(sending_data(0, 20));
  empty.script.call = nullptr;
  rejects(empty);
}

TEST(EngineEarlyRejected, SkippedBeyondTheBound) {
  Failure too_much{Alert::unexpected_message, SSL_R_TOO_MUCH_EARLY_DATA};
  for (size_t length : {size_t{1}, size_t{100}, size_t{kLimit + 1}, kMaxPlaintextLength}) {
    Early early(sending_data(length, kLimit / length + 1));
    early.script.call = nullptr;
    fails(early, too_much);
  }
  // RFC 8446 5.1 allows records without content; not without end.
  Early empty(sending_data(0, 1000));
  empty.script.call = nullptr;
  fails(empty, {Alert::unexpected_message, SSL_R_RECORD_TOO_SMALL});
  Early none(sending_data(1));
  none.script.call = nullptr;
  fails(none, too_much, [](SSL* ssl) { SSL_set_recv_max_early_data(ssl, 0); });
}

// What is skipped ends with the first record that opens.
TEST(EngineEarlyRejected, UndecryptableBehindTheSkipped) {
  Early early;
  early.script.call = nullptr;
  Peer* self = nullptr;
  early.script.message = [&](uint8_t type, Octets& whole) {
    if (type != SSL3_MT_FINISHED) return;
    self->send(ContentType::handshake, {whole[0]});
    self->send_forged({'x', 23});
  };
  Peer peer = early.peer();
  self = &peer;
  EXPECT_FALSE(peer.handshake());
  expect_failure(peer, {Alert::bad_record_mac, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC});
}

// --- HelloRetryRequest ---

TEST(EngineEarlyRejected, SkippedAfterARetry) {
  for (size_t length : {size_t{1}, size_t{100}, size_t{kLimit}}) {
    Early early(sending_data(length, kLimit / length));
    early.script.retry = true;
    Peer peer = early.peer();
    EXPECT_TRUE(peer.handshake());
    EXPECT_TRUE(peer.resumed());
    expect_rejected(peer);
  }
}

TEST(EngineEarlyRejected, SkippedBeyondTheBoundAfterARetry) {
  Failure too_much{Alert::unexpected_message, SSL_R_TOO_MUCH_EARLY_DATA, kClear};
  for (size_t length : {size_t{1}, size_t{100}, size_t{kLimit + 1}, kMaxPlaintextLength}) {
    Early early(sending_data(length, kLimit / length + 1));
    early.script.retry = true;
    fails(early, too_much);
  }
  Early empty(sending_data(0, 1000));
  empty.script.retry = true;
  fails(empty, {Alert::unexpected_message, SSL_R_RECORD_TOO_SMALL, kClear});
}

TEST(EngineEarlyRejected, AgainInTheSecondHello) {
  Early early;
  early.script.retry = true;
  early.script.client_hello = [](HelloParts& parts, int attempt) {
    if (attempt == 0) return;
    parts.extensions.insert(parts.extensions.begin(), {TLSEXT_TYPE_early_data, {}});
  };
  fails(early, {Alert::illegal_parameter, SSL_R_BAD_EXTENSION, kClear});
}

// Nothing is skipped behind the second hello.
TEST(EngineEarlyRejected, DataBehindTheSecondHello) {
  Early early;
  early.script.retry = true;
  Octets old;
  early.script.early_data = [&](Peer& peer) {
    size_t before = peer.sent().size();
    peer.send(ContentType::application_data, Octets(30, 'e'));
    old = {peer.sent().begin() + static_cast<ptrdiff_t>(before), peer.sent().end()};
  };
  Peer* self = nullptr;
  int hellos = 0;
  early.script.after = [&](uint8_t type) {
    if (type == SSL3_MT_CLIENT_HELLO && ++hellos == 2) self->send_raw(old);
  };
  Peer peer = early.peer();
  self = &peer;
  EXPECT_FALSE(peer.handshake());
  expect_failure(peer, {Alert::bad_record_mac, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC});
}
