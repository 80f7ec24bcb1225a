// Tickets that a server of TLS 1.3 makes, and what it thinks of tickets that come back damaged,
// late or a second time (RFC 8446 sections 4.6.1 and 8).
#include <gtest/gtest.h>

#include <ctime>
#include <set>

#include "engine_psk_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

class EngineTicketServer : public testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] bool stateful() const { return GetParam(); }
  Resumption make(const ConfigureContext& configure = nullptr) const {
    return server_with_ticket([&](SSL_CTX* context) {
      stateful() ? use_stateful_tickets(context) : use_stateless_tickets(context);
      if (configure) configure(context);
    });
  }
};

INSTANTIATE_TEST_SUITE_P(Tickets, EngineTicketServer, testing::Bool(), [](const auto& stateful) {
  return stateful.param ? "Stateful" : "Stateless";
});

// A connection with `key`; whether it was resumed. Nothing of a ticket that is no good may be left
// in the queue, and the client gets another one.
bool resumes(SSL_CTX* context, const SharedKey& key) {
  Script script;
  script.keys = {key};
  Peer peer(new_server(context), script);
  EXPECT_TRUE(peer.handshake());
  EXPECT_TRUE(peer.outcome().reasons.empty());
  EXPECT_EQ(peer.resumed(), SSL_session_reused(peer.ssl()) != 0);
  Ticket13 ticket;
  EXPECT_TRUE(peer.take_ticket(ticket) || peer.resumed());
  return peer.resumed();
}

std::vector<Ticket13> tickets_of(SSL_CTX* context, const SharedKey* key = nullptr) {
  Script script;
  if (key != nullptr) script.keys = {*key};
  script.client_hello = [](HelloParts& parts, int) {
    if (find(parts.extensions, TLSEXT_TYPE_psk) == nullptr) {
      set(parts.extensions, TLSEXT_TYPE_psk_kex_modes, vector8({1}));
    }
  };
  Peer peer(new_server(context), script);
  EXPECT_TRUE(peer.handshake());
  EXPECT_EQ(peer.resumed(), key != nullptr);
  std::vector<Ticket13> all;
  for (Ticket13 ticket; peer.take_ticket(ticket);) all.push_back(ticket);
  return all;
}

}  // namespace

TEST_P(EngineTicketServer, Cut) {
  Resumption made = make();
  size_t length = made.key.identity.size();
  for (size_t size = 1; size < length; size += size < 60 || size + 60 > length ? 1 : 17) {
    SharedKey key = made.key;
    key.identity.resize(size);
    EXPECT_FALSE(resumes(made.context.get(), key)) << size;
  }
  SharedKey longer = made.key;
  longer.identity.push_back(0);
  EXPECT_FALSE(resumes(made.context.get(), longer));
  EXPECT_TRUE(resumes(made.context.get(), made.key)) << "it is good all the time";
}

TEST_P(EngineTicketServer, BitsFlipped) {
  Resumption made = make();
  for (size_t at = 0; at < made.key.identity.size(); ++at) {
    SharedKey key = made.key;
    key.identity[at] ^= static_cast<uint8_t>(1 << at % 8);
    EXPECT_FALSE(resumes(made.context.get(), key)) << at;
  }
}

TEST_P(EngineTicketServer, OfNobody) {
  Resumption made = make();
  for (size_t size : {1U, 16U, 31U, 32U, 33U, 48U, 100U, 1000U, 65000U}) {
    SharedKey key = made.key;
    key.identity = pattern(size, 3);
    EXPECT_FALSE(resumes(made.context.get(), key)) << size;
  }
  // The key's name alone does not make a ticket.
  SharedKey key = made.key;
  for (size_t i = 16; i < key.identity.size(); ++i) key.identity[i] = 0;
  EXPECT_FALSE(resumes(made.context.get(), key));
}

TEST_P(EngineTicketServer, OfARestartedServer) {
  Resumption before = make(), now = make();
  EXPECT_FALSE(resumes(now.context.get(), before.key));
  EXPECT_TRUE(resumes(now.context.get(), now.key));
}

// Servers that share their keys take each other's tickets.
TEST(EngineTicketServerKeys, SharedByTwoContexts) {
  Resumption one = server_with_ticket(), other = server_with_ticket();
  uint8_t keys[80];
  ASSERT_EQ(SSL_CTX_get_tlsext_ticket_keys(one.context.get(), keys, sizeof keys), 1);
  ASSERT_EQ(SSL_CTX_set_tlsext_ticket_keys(other.context.get(), keys, sizeof keys), 1);
  EXPECT_TRUE(resumes(other.context.get(), one.key));
  EXPECT_FALSE(resumes(other.context.get(), other.key)) << "its own were replaced";
}

TEST_P(EngineTicketServer, TimedOut) {
  static long age;
  static std::vector<twin::Owned<SSL_SESSION>> sessions;
  Resumption made = make([](SSL_CTX* context) {
    SSL_CTX_set_timeout(context, 100);
    SSL_CTX_sess_set_new_cb(context, [](SSL*, SSL_SESSION* session) {
      sessions.emplace_back(session);
      return 1;
    });
    SSL_CTX_set_session_ticket_cb(
        context, nullptr,
        [](SSL*, SSL_SESSION* session, const unsigned char*, size_t, SSL_TICKET_STATUS status,
           void*) -> SSL_TICKET_RETURN {
          if (session == nullptr) return SSL_TICKET_RETURN_IGNORE_RENEW;
          SSL_SESSION_set_time(session, time(nullptr) - age);
          EXPECT_TRUE(status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW);
          return SSL_TICKET_RETURN_USE_RENEW;
        },
        nullptr);
  });
  for (long seconds : {0L, 90L, 110L, 100000L}) {
    age = seconds;
    for (auto& session : sessions) SSL_SESSION_set_time(session.get(), time(nullptr) - seconds);
    EXPECT_EQ(resumes(made.context.get(), made.key), seconds < 100) << seconds;
  }
  EXPECT_EQ(SSL_CTX_sess_timeouts(made.context.get()), 2);
  sessions.clear();
}

// RFC 8446 4.6.1: "Servers MUST NOT use any value greater than 604800 seconds (7 days)."
TEST_P(EngineTicketServer, Lifetime) {
  struct {
    long timeout;
    uint32_t lifetime;
  } const cases[] = {{0, 7200},        {1, 1},           {7200, 7200},
                     {604800, 604800}, {604801, 604800}, {100000000000L, 604800}};
  for (const auto& test : cases) {
    Resumption made = make([&](SSL_CTX* context) { SSL_CTX_set_timeout(context, test.timeout); });
    std::vector<Ticket13> all = tickets_of(made.context.get());
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].lifetime, test.lifetime);
  }
}

// RFC 8446 4.6.1: "ticket_nonce: A per-ticket value that is unique across all tickets issued on
// this connection", "ticket_age_add: [...] a fresh value for each ticket".
TEST_P(EngineTicketServer, EachIsAnother) {
  Resumption made = make([](SSL_CTX* context) { SSL_CTX_set_num_tickets(context, 5); });
  std::vector<Ticket13> all = tickets_of(made.context.get());
  ASSERT_EQ(all.size(), 5U);
  std::set<Octets> nonces, tickets;
  std::set<uint32_t> ages;
  for (const Ticket13& ticket : all) {
    nonces.insert(ticket.nonce);
    tickets.insert(ticket.ticket);
    ages.insert(ticket.age_add);
    EXPECT_TRUE(ticket.extensions.empty());
  }
  EXPECT_EQ(nonces.size(), 5U);
  EXPECT_EQ(tickets.size(), 5U);
  EXPECT_EQ(ages.size(), 5U);
  // One takes the place of the one that was used.
  EXPECT_EQ(tickets_of(made.context.get(), &made.key).size(), 1U);
}

TEST_P(EngineTicketServer, EachHasItsOwnKey) {
  Resumption made = make([](SSL_CTX* context) { SSL_CTX_set_num_tickets(context, 3); });
  Script script;
  Peer peer(new_server(made.context.get()), script);
  ASSERT_TRUE(peer.handshake());
  std::vector<SharedKey> keys;
  for (Ticket13 ticket; peer.take_ticket(ticket);) keys.push_back(peer.key_of(ticket));
  ASSERT_EQ(keys.size(), 3U);
  for (const SharedKey& key : keys) EXPECT_TRUE(resumes(made.context.get(), key));
  // One's name with the other's key.
  script.keys = {keys[0]};
  script.keys[0].key = keys[1].key;
  Peer mixed(new_server(made.context.get()), script);
  EXPECT_FALSE(mixed.handshake());
  expect_failure(mixed, {Alert::illegal_parameter, SSL_R_BINDER_DOES_NOT_VERIFY, false});
}

// RFC 8446 8.1: where early data is welcome, each is good for one connection.
TEST_P(EngineTicketServer, SecondUse) {
  Resumption made = make();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(resumes(made.context.get(), made.key)) << i;

  Resumption once = make([](SSL_CTX* context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
    SSL_CTX_set_max_early_data(context, 1000);
  });
  EXPECT_EQ(once.key.identity.size(), 32U) << "the name of a session in the cache";
  EXPECT_TRUE(resumes(once.context.get(), once.key));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(resumes(once.context.get(), once.key)) << i;
}

TEST_P(EngineTicketServer, EarlyDataExtension) {
  Resumption made = make([](SSL_CTX* context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
    SSL_CTX_set_max_early_data(context, 0x01020304);
  });
  std::vector<Ticket13> all = tickets_of(made.context.get());
  ASSERT_EQ(all.size(), 1U);
  ASSERT_EQ(all[0].extensions.size(), 1U);
  EXPECT_EQ(all[0].extensions[0].type, TLSEXT_TYPE_early_data);
  EXPECT_EQ(all[0].extensions[0].body, (Octets{1, 2, 3, 4}));
}
