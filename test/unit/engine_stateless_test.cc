// SSL_stateless against clients that do what they should not, and what only ours can do. The rest
// is in test/twin/stateless*.cc.
#include <gtest/gtest.h>
#include <openssl/async.h>

#include <ctime>

#include "config/context.h"
#include "crypto/hash.h"
#include "message/retry_cookie.h"
#include "support/fibres.h"
#include "support/hello_editor.h"
#include "support/stateless.h"

namespace handfast {
namespace {

using twin::Both;
using twin::in_cookie;

struct EngineStateless : ::testing::Test {
  ~EngineStateless() override {
    twin::cookie = "the application's cookie";
    ERR_clear_error();
  }
};

int reason_of_queue() {
  return ERR_GET_REASON(ERR_peek_last_error());
}

// --- Cookies with a good MAC ---

std::string seal(const SSL_CTX& context, const std::string& content) {
  uint8_t mac[SHA256_DIGEST_LENGTH];
  Hmac hmac;
  EXPECT_TRUE(hmac.start(context.algorithms.hash(HashId::sha256), context.cookie_key));
  EXPECT_TRUE(hmac.compute({as_view(content)}, mac));
  return content + std::string(reinterpret_cast<char*>(mac), sizeof mac);
}

std::string content_of(const RetryCookie& cookie) {
  Bytes bytes;
  Writer writer(bytes);
  build(cookie, writer);
  EXPECT_TRUE(writer.ok());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A change of the content of a cookie, which is sealed again.
using Change = std::function<void(std::string& content)>;

std::function<void(std::string&)> sealed_again(const SSL_CTX& context, const Change& change) {
  return in_cookie([&context, change](std::string& cookie) {
    std::string content = cookie.substr(0, cookie.size() - SHA256_DIGEST_LENGTH);
    change(content);
    cookie = seal(context, content);
  });
}

// A change of the parsed cookie.
Change in_fields(const std::function<void(RetryCookie&)>& change) {
  return [change](std::string& content) {
    std::string kept = content;
    RetryCookie cookie;
    EXPECT_TRUE(parse(as_view(kept), cookie).ok());
    change(cookie);
    content = content_of(cookie);
  };
}

// What SSL_stateless says to a second hello whose cookie was changed so, and the reason.
struct Said {
  int returned, reason;
  bool operator==(const Said&) const = default;
};

Said said_to(Both& both, const std::function<void(std::string& record)>& change) {
  both.first_flight();
  std::string hello = both.take();
  change(hello);
  both.replace_server();
  both.give(hello);
  ERR_clear_error();
  int returned = SSL_stateless(both.server.get());
  return {returned, reason_of_queue()};
}

Said said_to_cookie(const Change& change) {
  Both both;
  return said_to(both, [&](std::string& record) {
    twin::change_extension(record, TLSEXT_TYPE_cookie, sealed_again(*both.server_context, change));
  });
}

TEST_F(EngineStateless, SealedAgainUnchanged) {
  EXPECT_EQ(said_to_cookie([](std::string&) {}), (Said{1, 0}));
}

TEST_F(EngineStateless, AnotherFormatCountsAsNoCookie) {
  Said none{0, 0};
  EXPECT_EQ(said_to_cookie([](std::string& content) { ++content[1]; }), none);
  EXPECT_EQ(said_to_cookie([](std::string& content) { content = std::string("\1\0", 2); }), none);
}

TEST_F(EngineStateless, MalformedContent) {
  Said malformed{-1, SSL_R_LENGTH_MISMATCH};
  EXPECT_EQ(said_to_cookie([](std::string& content) { content.clear(); }), malformed);
  EXPECT_EQ(said_to_cookie([](std::string& content) { content.resize(1); }), malformed);
  EXPECT_EQ(said_to_cookie([](std::string& content) { content.pop_back(); }), malformed);
  EXPECT_EQ(said_to_cookie([](std::string& content) { content.push_back('\0'); }), malformed);
  EXPECT_EQ(said_to_cookie([](std::string& content) { content[4] = 2; }), malformed);
}

TEST_F(EngineStateless, AnotherGroupOrSuite) {
  Said changed{-1, SSL_R_BAD_CIPHER};
  EXPECT_EQ(said_to_cookie(in_fields([](RetryCookie& cookie) { cookie.group = 23; })), changed);
  EXPECT_EQ(said_to_cookie(in_fields([](RetryCookie& cookie) { cookie.group = 0; })), changed);
  EXPECT_EQ(said_to_cookie(in_fields([](RetryCookie& cookie) { cookie.cipher_suite = 0x1301; })),
            changed);
}

TEST_F(EngineStateless, Age) {
  auto aged = [](int64_t by) {
    return said_to_cookie(
        in_fields([by](RetryCookie& cookie) { cookie.time += static_cast<uint64_t>(by); }));
  };
  EXPECT_EQ(aged(-590), (Said{1, 0}));
  EXPECT_EQ(aged(-602), (Said{0, 0}));
  EXPECT_EQ(aged(60), (Said{0, 0}));
  EXPECT_EQ(said_to_cookie(in_fields([](RetryCookie& cookie) { cookie.time = ~uint64_t{0}; })),
            (Said{0, 0}));
}

// The transcript is that of the cookie: with another hash of the first hello no Finished fits.
TEST_F(EngineStateless, AnotherFirstHello) {
  static constexpr uint8_t kZeros[48] = {};
  Both both;
  Said said = said_to(both, [&](std::string& record) {
    twin::change_extension(record, TLSEXT_TYPE_cookie,
                           sealed_again(*both.server_context, in_fields([](RetryCookie& cookie) {
                             cookie.client_hello_hash = kZeros;
                           })));
  });
  EXPECT_EQ(said, (Said{1, 0}));
  EXPECT_FALSE(twin::handshake(both).good());
}

TEST_F(EngineStateless, EveryBitOfTheCookieCounts) {
  Both both;
  both.first_flight();
  const std::string hello = both.take();
  size_t length = 0;
  std::string copy = hello;
  twin::change_extension(copy, TLSEXT_TYPE_cookie,
                         in_cookie([&](std::string& cookie) { length = cookie.size(); }));
  ASSERT_GT(length, 90U);
  for (size_t bit = 0; bit < 8 * length; ++bit) {
    copy = hello;
    twin::change_extension(copy, TLSEXT_TYPE_cookie, in_cookie([&](std::string& cookie) {
                             cookie[bit / 8] = static_cast<char>(cookie[bit / 8] ^ 1 << bit % 8);
                           }));
    both.replace_server();
    both.give(copy);
    ERR_clear_error();
    ASSERT_EQ(SSL_stateless(both.server.get()), -1) << bit;
    ASSERT_EQ(reason_of_queue(), SSL_R_COOKIE_MISMATCH) << bit;
  }
}

// --- Second hellos that are not the first with a cookie ---

// RFC 8446 4.1.2: one share, of the group that was asked for.
TEST_F(EngineStateless, MoreThanTheShareAskedFor) {
  auto with_groups = [](const char* groups) {
    return [groups](SSL_CTX* context) { SSL_CTX_set1_groups_list(context, groups); };
  };
  for (bool asked : {true, false}) {
    Both both({.client_context = with_groups("X25519:P-256"),
               .server_context = with_groups(asked ? "P-256" : "X25519")});
    Said said = said_to(both, [](std::string& record) {
      twin::change_extension(record, TLSEXT_TYPE_key_share, [](std::string& body) {
        std::string more("\0\x1e\0\1x", 5);  // X448
        body += more;
        twin::add_to(body, 0, 2, static_cast<ptrdiff_t>(more.size()));
      });
      twin::change_extension(record, TLSEXT_TYPE_supported_groups, [](std::string& body) {
        body += std::string("\0\x1e", 2);
        twin::add_to(body, 0, 2, 2);
      });
    });
    EXPECT_EQ(said, asked ? (Said{-1, SSL_R_BAD_KEY_SHARE}) : (Said{1, 0}));
  }
}

// RFC 8446 4.1.2: the session id stays. The server cannot know, but nothing comes of it.
TEST_F(EngineStateless, AnotherSessionId) {
  Both both;
  Said said = said_to(both, [](std::string& record) { record[5 + 4 + 2 + 32 + 1] ^= 1; });
  EXPECT_EQ(said, (Said{1, 0}));
  EXPECT_FALSE(twin::handshake(both).good());
}

// RFC 8446 4.1.2: early_data is removed.
TEST_F(EngineStateless, EarlyDataInTheSecondHello) {
  Both both(
      {.client_context = [](SSL_CTX* context) { SSL_CTX_set_post_handshake_auth(context, 1); }});
  Said said = said_to(both, [](std::string& record) {
    // An extension without a body takes the place of another such.
    size_t list = twin::extensions_of(record);
    for (size_t at = list + 2; at < record.size(); at += 4 + twin::number(record, at + 2, 2)) {
      if (twin::number(record, at, 2) == TLSEXT_TYPE_post_handshake_auth) {
        record[at + 1] = TLSEXT_TYPE_early_data;
      }
    }
  });
  EXPECT_EQ(said, (Said{-1, SSL_R_BAD_EXTENSION}));
}

// --- change_cipher_spec ---

TEST_F(EngineStateless, ChangeCipherSpecsAreDropped) {
  Both both;
  both.first_flight();
  std::string hello = both.take(), ccs("\x14\3\3\0\1\1", 6);
  both.replace_server();
  both.give(ccs + ccs + hello);
  EXPECT_EQ(SSL_stateless(both.server.get()), 1);
  twin::Result result = twin::handshake(both);
  EXPECT_TRUE(result.good()) << result.said();
}

TEST_F(EngineStateless, BadChangeCipherSpec) {
  Both both;
  both.give(std::string("\x14\3\3\0\1\2", 6));
  EXPECT_EQ(SSL_stateless(both.server.get()), -1);
  EXPECT_EQ(SSL_get_error(both.server.get(), -1), SSL_ERROR_SSL);
}

// --- What the system's library cannot do ---

TEST_F(EngineStateless, CookiesOfAnyLength) {
  for (size_t length : {0, 1, 255, 256, SSL_COOKIE_LENGTH}) {
    SCOPED_TRACE(length);
    twin::cookie = twin::sample(length);
    Both both;
    both.first_flight();
    both.replace_server();
    EXPECT_EQ(SSL_stateless(both.server.get()), 1);
    twin::Result result = twin::handshake(both);
    EXPECT_TRUE(result.good()) << result.said();
  }
}

TEST_F(EngineStateless, CookieLongerThanItsBuffer) {
  Both both;
  SSL_CTX_set_stateless_cookie_generate_cb(both.server_context.get(),
                                           [](SSL*, unsigned char*, size_t* length) {
                                             EXPECT_EQ(*length, size_t{SSL_COOKIE_LENGTH});
                                             ++*length;
                                             return 1;
                                           });
  both.connect();
  EXPECT_EQ(SSL_stateless(both.server.get()), -1);
  EXPECT_EQ(reason_of_queue(), ERR_R_INTERNAL_ERROR);
}

TEST_F(EngineStateless, GoesOnWithAccept) {
  for (const char* groups : {"X25519", "P-256:X25519"}) {
    Both both({.client_context = [&](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, groups); },
               .server_context = [](SSL_CTX* c) { SSL_CTX_set1_groups_list(c, "X25519"); }});
    both.connect();
    EXPECT_EQ(SSL_stateless(both.server.get()), 0);
    twin::Result result = twin::handshake(both);
    EXPECT_TRUE(result.good()) << result.said();
  }
}

// Between the hellos there are no keys: nothing is sent, and the handshake goes on.
TEST_F(EngineStateless, DataBetweenTheHellos) {
  for (bool write : {true, false}) {
    Both both;
    both.connect();
    SSL* server = both.server.get();
    ASSERT_EQ(SSL_stateless(server), 0);
    uint64_t sent = BIO_number_written(SSL_get_wbio(server));
    char buffer[5] = {};
    auto call = [&] {
      return write ? SSL_write(server, "hello", 5) : SSL_read(server, buffer, sizeof buffer);
    };
    EXPECT_EQ(call(), -1);
    EXPECT_EQ(SSL_get_error(server, -1), SSL_ERROR_WANT_READ);
    EXPECT_EQ(BIO_number_written(SSL_get_wbio(server)), sent);
    EXPECT_EQ(SSL_session_reused(server), 0);
    both.connect();
    EXPECT_EQ(call(), -1);
    EXPECT_EQ(SSL_do_handshake(both.client.get()), 1);
    if (!write) EXPECT_EQ(SSL_write(both.client.get(), "hello", 5), 5);
    EXPECT_EQ(call(), 5);
  }
}

// --- Sessions ---

void with_tickets(SSL_CTX* context) {
  SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_max_early_data(context, 1000);
  SSL_CTX_set_options(context, SSL_OP_NO_ANTI_REPLAY);
}

// New SSLs at new BIOs; the client has the session of the one before.
void reconnect(Both& both) {
  twin::Result result = twin::handshake(both);
  ASSERT_TRUE(result.good()) << result.said();
  twin::transfer(both.server.get(), both.client.get(), "ticket");
  twin::Owned<SSL_SESSION> session(SSL_get1_session(both.client.get()));
  for (SSL* ssl : {both.client.get(), both.server.get()}) {
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
  twin::renew(both);
  twin::link_memory(both);
  ASSERT_EQ(SSL_set_session(both.client.get(), session.get()), 1);
}

// A client that has lost its connection begins again with the same session.
void restart_client(Both& both) {
  twin::Owned<SSL_SESSION> session(SSL_SESSION_dup(SSL_get_session(both.client.get())));
  SSL_set_quiet_shutdown(both.client.get(), 1);
  SSL_shutdown(both.client.get());
  twin::renew(both);
  twin::link_memory(both);
  ASSERT_EQ(SSL_set_session(both.client.get(), session.get()), 1);
}

TEST_F(EngineStateless, SessionsAreResumed) {
  for (const char* groups : {"X25519", "P-256:X25519"}) {
    for (bool without_group : {false, true}) {
      SCOPED_TRACE(twin::text("%s, psk_ke %d", groups, without_group));
      auto set = [&](SSL_CTX* context, const char* list) {
        with_tickets(context);
        SSL_CTX_set1_groups_list(context, list);
        if (without_group) SSL_CTX_set_options(context, SSL_OP_ALLOW_NO_DHE_KEX);
      };
      Both both({.client_context = [&](SSL_CTX* context) { set(context, groups); },
                 .server_context = [&](SSL_CTX* context) { set(context, "X25519"); }});
      reconnect(both);
      both.first_flight();
      both.replace_server();
      EXPECT_EQ(SSL_stateless(both.server.get()), 1);
      twin::Result result = twin::handshake(both);
      EXPECT_TRUE(result.good()) << result.said();
      EXPECT_EQ(SSL_session_reused(both.server.get()), 1);
      EXPECT_EQ(SSL_session_reused(both.client.get()), 1);
    }
  }
}

// RFC 8446 8.1: a session that is good once is resumed by the second hello, whoever answers it, and
// then it is gone.
TEST_F(EngineStateless, SessionsThatAreGoodOnce) {
  for (bool stateless_again : {true, false}) {
    SCOPED_TRACE(stateless_again);
    Both both({.client_context = with_tickets, .server_context = [](SSL_CTX* context) {
                 with_tickets(context);
                 SSL_CTX_clear_options(context, SSL_OP_NO_ANTI_REPLAY);
                 SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
               }});
    reconnect(both);
    ASSERT_EQ(SSL_CTX_sess_number(both.server_context.get()), 1);
    for (int hellos = 0; hellos < 2; ++hellos) {
      both.connect();
      EXPECT_EQ(SSL_stateless(both.server.get()), 0);
      EXPECT_EQ(SSL_CTX_sess_number(both.server_context.get()), 1);
      if (hellos == 0) restart_client(both);
    }
    both.connect();
    if (stateless_again) {
      both.replace_server();
      EXPECT_EQ(SSL_stateless(both.server.get()), 1);
    }
    SSL_set_num_tickets(both.server.get(), 0);
    twin::Result result = twin::handshake(both);
    EXPECT_TRUE(result.good()) << result.said();
    EXPECT_EQ(SSL_session_reused(both.server.get()), 1);
    EXPECT_EQ(SSL_CTX_sess_number(both.server_context.get()), 0);
  }
}

// --- Early data ---

// RFC 8446 4.2.10: what lies before the second hello is skipped by whoever waits for that.
void expect_skips(bool renew) {
  SCOPED_TRACE(renew);
  Both both({.client_context = with_tickets, .server_context = with_tickets});
  reconnect(both);
  size_t written = 0;
  ASSERT_EQ(SSL_write_early_data(both.client.get(), "early", 5, &written), 1);
  EXPECT_EQ(SSL_stateless(both.server.get()), 0);
  both.connect();
  if (renew) both.replace_server();
  EXPECT_EQ(SSL_stateless(both.server.get()), 1);
  twin::Result result = twin::handshake(both);
  EXPECT_TRUE(result.good()) << result.said();
  EXPECT_EQ(SSL_get_early_data_status(both.client.get()), SSL_EARLY_DATA_REJECTED);
  EXPECT_EQ(SSL_session_reused(both.server.get()), 1);
}

TEST_F(EngineStateless, EarlyDataIsSkipped) {
  expect_skips(true);
  expect_skips(false);
}

TEST_F(EngineStateless, TooMuchEarlyData) {
  Both both({.client_context = with_tickets, .server_context = with_tickets});
  reconnect(both);
  size_t written = 0;
  ASSERT_EQ(SSL_write_early_data(both.client.get(), "early", 5, &written), 1);
  EXPECT_EQ(SSL_stateless(both.server.get()), 0);
  both.replace_server();
  SSL_set_recv_max_early_data(both.server.get(), 4);
  EXPECT_EQ(SSL_stateless(both.server.get()), -1);
  EXPECT_EQ(reason_of_queue(), SSL_R_TOO_MUCH_EARLY_DATA);
}

// What a client sends in a handshake that SSL_stateless has given up is not skipped.
TEST_F(EngineStateless, RecordsOfTheHandshakeBefore) {
  Both both({.server_context = with_tickets});
  both.connect();
  char buffer[1];
  size_t read = 0;
  EXPECT_EQ(SSL_read_early_data(both.server.get(), buffer, 1, &read), SSL_READ_EARLY_DATA_FINISH);
  EXPECT_EQ(SSL_do_handshake(both.client.get()), 1);
  EXPECT_EQ(SSL_stateless(both.server.get()), -1);
  EXPECT_EQ(reason_of_queue(), SSL_R_UNEXPECTED_MESSAGE);
}

// --- Callbacks ---

TEST_F(EngineStateless, FreeInACallback) {
  Both both;
  SSL_CTX_set_stateless_cookie_generate_cb(both.server_context.get(),
                                           [](SSL* ssl, unsigned char*, size_t* length) {
                                             SSL_free(ssl);
                                             *length = 0;
                                             return 1;
                                           });
  both.connect();
  EXPECT_EQ(SSL_stateless(both.server.release()), 0);
}

TEST_F(EngineStateless, ClearInACallbackIsRefused) {
  static int cleared;
  cleared = -1;
  Both both;
  SSL_CTX_set_stateless_cookie_generate_cb(both.server_context.get(),
                                           [](SSL* ssl, unsigned char*, size_t* length) {
                                             cleared = SSL_stateless(ssl);
                                             *length = 0;
                                             return 1;
                                           });
  both.connect();
  EXPECT_EQ(SSL_stateless(both.server.get()), 0);
  EXPECT_EQ(cleared, 0);
}

// Repeated, SSL_stateless goes on with its job instead of beginning anew.
TEST_F(EngineStateless, AsyncJobs) {
  if (twin::has_fake_stacks()) {
    GTEST_SKIP() << "fibres need AddressSanitizer's detect_stack_use_after_return=0";
  }
  Both both({.server_context = [](SSL_CTX* context) {
    SSL_CTX_set_mode(context, SSL_MODE_ASYNC);
    SSL_CTX_set_stateless_cookie_generate_cb(context,
                                             [](SSL* ssl, unsigned char* cookie, size_t* length) {
                                               ASYNC_pause_job();
                                               return twin::generate_cookie(ssl, cookie, length);
                                             });
    SSL_CTX_set_stateless_cookie_verify_cb(
        context, [](SSL* ssl, const unsigned char* cookie, size_t length) {
          ASYNC_pause_job();
          return twin::verify_cookie(ssl, cookie, length);
        });
  }});
  for (int end : {0, 1}) {
    both.connect();
    SSL* server = both.server.get();
    EXPECT_EQ(SSL_stateless(server), -1);
    EXPECT_EQ(SSL_get_error(server, -1), SSL_ERROR_WANT_ASYNC);
    EXPECT_EQ(SSL_stateless(server), end);
    if (end == 0) both.replace_server();
  }
  twin::Result result = twin::handshake(both);
  EXPECT_TRUE(result.good()) << result.said();
}

}  // namespace
}  // namespace handfast
