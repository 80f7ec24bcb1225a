// A client of TLS 1.3 that gets tickets, and offers them later (RFC 8446 sections 4.6.1 and
// 4.2.11.1). Malformed ones: engine_post_handshake_test.cc.
#include <gtest/gtest.h>

#include <ctime>

#include "engine_psk_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

std::vector<twin::Owned<SSL_SESSION>> sessions;

int keep_session(SSL*, SSL_SESSION* session) {
  sessions.emplace_back(session);
  return 1;
}

void keep_sessions(SSL_CTX* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(context, keep_session);
}

class EngineTicketClient : public testing::Test {
 protected:
  void TearDown() override { sessions.clear(); }
};

// The client's next hello: the identity and age that it offers; nothing if it offers none.
std::optional<uint32_t> offered_age(const Resumption& made) {
  Script script;
  script.keys = {made.key};
  Peer peer(client_again(made), script);
  EXPECT_TRUE(peer.handshake());
  EXPECT_EQ(peer.resumed(), !peer.offered().empty());
  if (peer.offered().empty()) return std::nullopt;
  EXPECT_EQ(peer.offered(), std::vector<Octets>{made.key.identity});
  // identities: length, identity with its length, age.
  Extension offer = peer.hello_extensions().back();
  View age = View(offer.body).subspan(2 + 2 + made.key.identity.size(), 4);
  return static_cast<uint32_t>(age[0]) << 24 | static_cast<uint32_t>(age[1]) << 16 |
         static_cast<uint32_t>(age[2]) << 8 | age[3];
}

void set_age(const Resumption& made, long seconds) {
  SSL_SESSION_set_time(made.session.get(), std::time(nullptr) - seconds);
}

}  // namespace

TEST_F(EngineTicketClient, NoncesOfEveryLength) {
  for (size_t length : {0U, 1U, 8U, 254U, 255U}) {
    Ticket13 ticket;
    ticket.nonce = pattern(length, 9);
    EXPECT_TRUE(offered_age(client_with_ticket(ticket)).has_value()) << length;
  }
}

TEST_F(EngineTicketClient, TicketsOfEveryLength) {
  for (size_t length : {1U, 16U, 1000U, 16000U, 40000U}) {
    Ticket13 ticket;
    ticket.ticket = pattern(length, 9);
    EXPECT_TRUE(offered_age(client_with_ticket(ticket)).has_value()) << length;
  }
  // It is a right ticket, but no ClientHello has room for it.
  for (size_t length : {65400U, 65535U}) {
    Ticket13 ticket;
    ticket.ticket = pattern(length, 9);
    EXPECT_FALSE(offered_age(client_with_ticket(ticket)).has_value()) << length;
  }
}

// RFC 8446 4.6.1: "The value of zero indicates that the ticket should be discarded immediately.
// Clients MUST NOT cache tickets for longer than 7 days, regardless of the ticket_lifetime".
TEST_F(EngineTicketClient, Lifetime) {
  constexpr long kWeek = 7L * 24 * 60 * 60;
  struct {
    uint32_t lifetime;
    long age;
    bool offered;
  } const cases[] = {
      {1000, 0, true},
      {1000, 990, true},
      {1000, 1100, false},
      {604800, kWeek - 5, true},
      {604800, kWeek + 60, false},
      {UINT32_MAX, kWeek - 5, true},
      {UINT32_MAX, kWeek + 60, false},
      {604801, kWeek + 60, false},
      {0, 0, false},
      {0, 5, false},
      // A clock that was set back.
      {1000, -100, false},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(testing::Message() << test.lifetime << " after " << test.age);
    Ticket13 ticket;
    ticket.lifetime = test.lifetime;
    Resumption made = client_with_ticket(ticket);
    set_age(made, test.age);
    EXPECT_EQ(SSL_SESSION_get_ticket_lifetime_hint(made.session.get()), test.lifetime);
    EXPECT_EQ(offered_age(made).has_value(), test.offered);
  }
}

// 4.2.11.1: milliseconds, "adding to it the "ticket_age_add" value", modulo 2^32.
TEST_F(EngineTicketClient, ObfuscatedAge) {
  for (uint32_t age_add : {0U, 0x01020304U, 0xffffffffU, 0xffff0000U}) {
    Ticket13 ticket;
    ticket.age_add = age_add;
    Resumption made = client_with_ticket(ticket);
    std::optional<uint32_t> age = offered_age(made);
    ASSERT_TRUE(age.has_value());
    EXPECT_LE(*age - age_add, 60000U);
    set_age(made, 1000);
    age = offered_age(made);
    ASSERT_TRUE(age.has_value());
    EXPECT_GE(*age - age_add, 990000U);
    EXPECT_LE(*age - age_add, 1060000U);
  }
}

// Two of one record, and one in pieces: each has a session and a key of its own.
TEST_F(EngineTicketClient, SeveralOfThem) {
  twin::Owned<SSL_CTX> context = new_client_context();
  keep_sessions(context.get());
  std::vector<Ticket13> tickets(3);
  std::vector<SharedKey> keys;
  {
    Peer peer(new_client(context.get()), {});
    ASSERT_TRUE(peer.handshake());
    for (uint8_t i = 0; i < 3; ++i) {
      tickets[i].nonce = {i, 1};
      tickets[i].ticket = pattern(50, i);
      keys.push_back(peer.key_of(tickets[i]));
    }
    peer.send(ContentType::handshake, tickets[0].message() + tickets[1].message());
    peer.drive();
    EXPECT_EQ(sessions.size(), 2U);
    for (uint8_t byte : tickets[2].message()) {
      peer.send(ContentType::handshake, {byte});
      EXPECT_EQ(sessions.size(), 2U);
      peer.drive();
    }
    ASSERT_EQ(sessions.size(), 3U);
    SSL_shutdown(peer.ssl());
  }
  for (size_t i = 0; i < 3; ++i) {
    Resumption made{nullptr, nullptr, keys[i]};
    made.session = std::move(sessions[i]);
    SSL_CTX_up_ref(context.get());
    made.context.reset(context.get());
    EXPECT_TRUE(offered_age(made).has_value());
  }
}

// Between the parts of a ticket no other record may stand (RFC 8446 5.1).
TEST_F(EngineTicketClient, InterruptedByData) {
  Peer peer(new_client(), {});
  ASSERT_TRUE(peer.handshake());
  Octets whole = Ticket13().message();
  peer.send(ContentType::handshake, {whole.begin(), whole.begin() + 20});
  peer.drive();
  EXPECT_EQ(peer.outcome().error, SSL_ERROR_WANT_READ);
  peer.send(ContentType::application_data, {'x'});
  peer.drive();
  expect_failure(peer, {Alert::unexpected_message, SSL_R_MIXED_HANDSHAKE_AND_NON_HANDSHAKE_DATA});
}

TEST_F(EngineTicketClient, BeforeTheEndOfTheHandshake) {
  for (uint8_t before : {SSL3_MT_SERVER_HELLO, SSL3_MT_ENCRYPTED_EXTENSIONS, SSL3_MT_CERTIFICATE,
                         SSL3_MT_CERTIFICATE_VERIFY, SSL3_MT_FINISHED}) {
    Script script;
    script.message = [before](uint8_t type, Octets& whole) {
      if (type == before) whole = Ticket13().message();
    };
    expect_client_fails(script, {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE,
                                 before != SSL3_MT_SERVER_HELLO});
  }
}

// 4.6.1: "The sole extension currently defined for NewSessionTicket is "early_data"".
TEST_F(EngineTicketClient, Extensions) {
  Octets four = {0, 0, 1, 0};
  struct Form {
    const char* name;
    Extensions extensions;
    Alert alert;
    int reason;
  };
  const Form forms[] = {
      {"early_data twice",
       {{TLSEXT_TYPE_early_data, four}, {TLSEXT_TYPE_early_data, four}},
       Alert::illegal_parameter,
       SSL_R_BAD_EXTENSION},
      {"an unknown one twice",
       {{0x1234, {}}, {0x1234, {}}},
       Alert::illegal_parameter,
       SSL_R_BAD_EXTENSION},
      {"pre_shared_key",
       {{TLSEXT_TYPE_psk, u16(0)}},
       Alert::illegal_parameter,
       SSL_R_BAD_EXTENSION},
      {"empty early_data",
       {{TLSEXT_TYPE_early_data, {}}},
       Alert::decode_error,
       SSL_R_INVALID_MAX_EARLY_DATA},
      {"early_data of two bytes",
       {{TLSEXT_TYPE_early_data, u16(5)}},
       Alert::decode_error,
       SSL_R_INVALID_MAX_EARLY_DATA},
      {"early_data of five bytes",
       {{TLSEXT_TYPE_early_data, four + Octets{0}}},
       Alert::decode_error,
       SSL_R_INVALID_MAX_EARLY_DATA},
  };
  for (const Form& form : forms) {
    SCOPED_TRACE(form.name);
    twin::Owned<SSL_CTX> context = new_client_context();
    keep_sessions(context.get());
    Peer peer(new_client(context.get()), {});
    ASSERT_TRUE(peer.handshake());
    Ticket13 ticket;
    ticket.extensions = form.extensions;
    peer.send(ContentType::handshake, ticket.message());
    peer.drive();
    expect_failure(peer, {form.alert, form.reason});
    EXPECT_TRUE(sessions.empty());
    EXPECT_EQ(SSL_SESSION_is_resumable(SSL_get0_session(peer.ssl())), 0);
  }
  Ticket13 known;
  known.extensions = {{0x1234, {1}}, {TLSEXT_TYPE_early_data, four}, {0x1235, {}}};
  Resumption made = client_with_ticket(known);
  EXPECT_EQ(SSL_SESSION_get_max_early_data(made.session.get()), 256U);
  // It is of this ticket only.
  known.extensions.clear();
  EXPECT_EQ(SSL_SESSION_get_max_early_data(client_with_ticket(known).session.get()), 0U);
}

// RFC 8446 C.4: what a client has offered once it does not offer from its cache again.
TEST_F(EngineTicketClient, TicketOfAResumption) {
  Resumption made = client_with_ticket();
  Script script;
  script.keys = {made.key};
  Ticket13 next;
  next.ticket = pattern(60, 8);
  Resumption second{nullptr, nullptr, {}};
  {
    Peer peer(client_again(made), script);
    ASSERT_TRUE(peer.handshake());
    ASSERT_TRUE(peer.resumed());
    peer.send(ContentType::handshake, next.message());
    peer.drive();
    second.session.reset(SSL_get1_session(peer.ssl()));
    second.key = peer.key_of(next);
    SSL_shutdown(peer.ssl());
  }
  SSL_CTX_up_ref(made.context.get());
  second.context.reset(made.context.get());
  EXPECT_TRUE(offered_age(second).has_value());
}
