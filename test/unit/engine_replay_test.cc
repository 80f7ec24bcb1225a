// The same first flight a second time: against one server and against one that was restarted
// (RFC 8446 section 8).
#include <gtest/gtest.h>

#include "engine_early_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

struct Answer {
  bool resumed, early_data;
  std::string got;
};

// A server that gets `flight`, the bytes of a client that somebody has kept.
Answer answer(SSL_CTX* context, const Octets& flight) {
  auto got = std::make_shared<std::string>();
  Script script;
  script.call = read_early(got);
  Peer peer(new_server(context), script);
  peer.send_raw(flight);
  peer.drive();
  EXPECT_EQ(peer.outcome().error, SSL_ERROR_WANT_READ);
  return {SSL_session_reused(peer.ssl()) != 0,
          SSL_get_early_data_status(peer.ssl()) == SSL_EARLY_DATA_ACCEPTED, *got};
}

// A client's first flight that this context has not seen yet.
Octets flight_for(Early& early) {
  Octets flight;
  early.script.early_data = [&](Peer& peer) {
    peer.send(ContentType::application_data, octets(as_view("pay 100")));
    flight = peer.sent();
  };
  twin::Owned<SSL_CTX> elsewhere = new_server_context();
  Peer peer(new_server(elsewhere.get()), early.script);
  EXPECT_TRUE(peer.handshake()) << "another server knows nothing of the key";
  EXPECT_FALSE(peer.resumed());
  return flight;
}

void expect_taken(const Answer& answer) {
  EXPECT_TRUE(answer.resumed && answer.early_data);
  EXPECT_EQ(answer.got, "pay 100");
}

void expect_refused(const Answer& answer) {
  EXPECT_FALSE(answer.resumed || answer.early_data);
  EXPECT_EQ(answer.got, "");
}

// A server that was stopped and started again with the same settings.
twin::Owned<SSL_CTX> restarted(const ConfigureContext& configure = nullptr) {
  twin::Owned<SSL_CTX> context = new_server_context();
  welcome_early_data(context.get());
  if (configure) configure(context.get());
  return context;
}

void no_protection(SSL_CTX* context) {
  use_stateless_tickets(context);
  SSL_CTX_set_options(context, SSL_OP_NO_ANTI_REPLAY);
}

}  // namespace

TEST(EngineReplay, AgainstOneServer) {
  Early early;
  Octets flight = flight_for(early);
  expect_taken(answer(early.made.context.get(), flight));
  for (int i = 0; i < 3; ++i) expect_refused(answer(early.made.context.get(), flight));
}

TEST(EngineReplay, AgainstARestartedServer) {
  Early early;
  Octets flight = flight_for(early);
  expect_taken(answer(early.made.context.get(), flight));
  expect_refused(answer(restarted().get(), flight));
}

// The copy comes first: then the original is the replay.
TEST(EngineReplay, CopyOvertakes) {
  Early early;
  Octets flight = flight_for(early);
  expect_taken(answer(early.made.context.get(), flight));
  Peer peer = early.peer();
  EXPECT_TRUE(peer.handshake()) << "a full handshake";
  EXPECT_FALSE(peer.resumed());
  EXPECT_FALSE(peer.early_data_accepted());
}

// Both are under way at the same time.
TEST(EngineReplay, WhileTheFirstGoesOn) {
  Early early;
  Octets flight = flight_for(early);
  auto got = std::make_shared<std::string>();
  Script script;
  script.call = read_early(got);
  Peer first(new_server(early.made.context.get()), script);
  Octets beginning(flight.begin(), flight.end() - 10);
  first.send_raw(beginning);
  first.drive();
  EXPECT_EQ(SSL_get_early_data_status(first.ssl()), SSL_EARLY_DATA_ACCEPTED);
  EXPECT_EQ(*got, "");
  expect_refused(answer(early.made.context.get(), flight));
  first.send_raw({flight.end() - 10, flight.end()});
  first.drive();
  EXPECT_EQ(*got, "pay 100");
}

// A flight whose binder is wrong is no use of the ticket's data, but it may use up the ticket, as
// in OpenSSL: whoever sees it can send it.
TEST(EngineReplay, WithAWrongBinder) {
  Early early;
  Octets flight = flight_for(early);
  Octets wrong = flight;
  size_t hello_end = 5 + (static_cast<size_t>(flight[3]) << 8 | flight[4]);
  wrong[hello_end - 1] ^= 1;
  Peer peer(new_server(early.made.context.get()), {});
  peer.send_raw(wrong);
  peer.drive();
  expect_failure(peer, {Alert::illegal_parameter, SSL_R_BINDER_DOES_NOT_VERIFY, false});
  expect_refused(answer(early.made.context.get(), flight));
}

// SSL_OP_NO_ANTI_REPLAY: the application sees to it. Sealed tickets are good until they time out,
// but a restarted server has other keys.
TEST(EngineReplay, WithoutProtection) {
  Early early(nullptr, no_protection);
  Octets flight = flight_for(early);
  for (int i = 0; i < 3; ++i) expect_taken(answer(early.made.context.get(), flight));
  twin::Owned<SSL_CTX> next = restarted(no_protection);
  expect_refused(answer(next.get(), flight));
  // Unless it was given the same.
  uint8_t keys[80];
  ASSERT_EQ(SSL_CTX_get_tlsext_ticket_keys(early.made.context.get(), keys, sizeof keys), 1);
  ASSERT_EQ(SSL_CTX_set_tlsext_ticket_keys(next.get(), keys, sizeof keys), 1);
  expect_taken(answer(next.get(), flight));
}

// The keys are the same, but this server takes each ticket once, by the names of its own cache.
TEST(EngineReplay, ProtectedServerWithTheKeys) {
  Early early(nullptr, no_protection);
  Octets flight = flight_for(early);
  twin::Owned<SSL_CTX> next = restarted();
  uint8_t keys[80];
  ASSERT_EQ(SSL_CTX_get_tlsext_ticket_keys(early.made.context.get(), keys, sizeof keys), 1);
  ASSERT_EQ(SSL_CTX_set_tlsext_ticket_keys(next.get(), keys, sizeof keys), 1);
  expect_refused(answer(next.get(), flight));
}

// The application's own store decides with the callback.
TEST(EngineReplay, CallbackSaysNo) {
  Early early(nullptr, no_protection);
  Octets flight = flight_for(early);
  SSL_CTX* context = early.made.context.get();
  static int asked;
  asked = 0;
  SSL_CTX_set_allow_early_data_cb(
      context, [](SSL*, void*) { return ++asked == 1 ? 1 : 0; }, nullptr);
  expect_taken(answer(context, flight));
  Answer second = answer(context, flight);
  EXPECT_TRUE(second.resumed);
  EXPECT_FALSE(second.early_data);
  EXPECT_EQ(second.got, "");
  EXPECT_EQ(asked, 2);
}

// The session was taken out of the cache, by the application or for lack of room.
TEST(EngineReplay, ForgottenSession) {
  Early early;
  Octets flight = flight_for(early);
  SSL_CTX_flush_sessions(early.made.context.get(), 0);
  expect_refused(answer(early.made.context.get(), flight));
}
