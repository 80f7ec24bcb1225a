// SSL_MODE_ASYNC where the system's library has no sound answer: what may happen while a job is
// paused. What both have is in test/twin/async.cc.
#include <openssl/async.h>
#include <ucontext.h>

#include <algorithm>
#include <set>

#include "engine_callbacks.h"
#include "support/fibres.h"

namespace {
using handfast::callback_test::everywhere;
using handfast::callback_test::Talk;

// Jobs that will never end are lost in libcrypto, whoever uses it. LeakSanitizer finds them here,
// and what is lost besides.
std::set<ASYNC_JOB*>& jobs() {
  static auto* all = new std::set<ASYNC_JOB*>;
  return *all;
}

void pause(SSL*) {
  ASYNC_JOB* job = ASYNC_get_current_job();
  if (job == nullptr) return;
  jobs().insert(job);
  ASYNC_pause_job();
}

class EngineAsync : public ::testing::Test {
 protected:
  EngineAsync() { Talk::asynchronous = true; }
  void SetUp() override {
    if (twin::has_fake_stacks()) {
      GTEST_SKIP() << "fibres need AddressSanitizer's detect_stack_use_after_return=0";
    }
  }
  ~EngineAsync() override {
    Talk::asynchronous = false;
    Talk::when_paused = nullptr;
    ERR_clear_error();
  }
};

TEST_F(EngineAsync, ConversationGoesOnAfterAnyPause) {
  int paused = 0;
  Talk::when_paused = [&](SSL* ssl) {
    EXPECT_EQ(SSL_want(ssl), SSL_ASYNC_PAUSED);
    EXPECT_EQ(SSL_get_error(ssl, -1), SSL_ERROR_WANT_ASYNC);
    ++paused;
  };
  everywhere(pause, [](const Talk& talk) { EXPECT_TRUE(talk.complete()); });
  EXPECT_GT(paused, 100);
}

TEST_F(EngineAsync, FreeWhilePaused) {
  Talk::when_paused = [](SSL* ssl) {
    Talk::freed_ssl = ssl;
    SSL_free(ssl);
  };
  everywhere(pause);
}

TEST_F(EngineAsync, FreeInACallbackThatPauses) {
  everywhere([](SSL* ssl) {
    Talk::freed_ssl = ssl;
    SSL_free(ssl);
    pause(ssl);
  });
}

TEST_F(EngineAsync, FreeInACallbackAfterItsPause) {
  everywhere([](SSL* ssl) {
    pause(ssl);
    Talk::freed_ssl = ssl;
    SSL_free(ssl);
  });
}

TEST_F(EngineAsync, AnyCallWhilePaused) {
  Talk::when_paused = [](SSL* ssl) {
    char buffer[10];
    int peeked = SSL_peek(ssl, buffer, sizeof buffer);
    if (SSL_waiting_for_async(ssl) == 0) return;  // the handshake was what waited
    EXPECT_EQ(peeked, -1);
    SSL_write(ssl, "x", 0);
    SSL_shutdown(ssl);
    SSL_do_handshake(ssl);
    SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
    SSL_set_session(ssl, nullptr);
    SSL_pending(ssl);
  };
  everywhere(pause);
}

TEST_F(EngineAsync, ClearWhilePaused) {
  Talk::when_paused = [](SSL* ssl) {
    EXPECT_EQ(SSL_clear(ssl), 1);
    EXPECT_EQ(SSL_waiting_for_async(ssl), 0);
  };
  everywhere(pause);
}

TEST_F(EngineAsync, CallbacksOfAJobMayDoAnything) {
  everywhere([](SSL* ssl) {
    char buffer[10];
    SSL_clear(ssl);
    SSL_read(ssl, buffer, sizeof buffer);
    SSL_write(ssl, "x", 1);
    SSL_do_handshake(ssl);
    SSL_shutdown(ssl);
  });
}

TEST_F(EngineAsync, AnotherContextWhilePaused) {
  Talk::when_paused = Talk::another_context;
  everywhere(pause);
}

// --- One pause, looked at closely ---

int pauses = 0;

int pausing_callback(SSL* ssl, void*) {
  for (; pauses > 0; --pauses) pause(ssl);
  return 1;
}

// A server whose certificate callback pauses, with the client's hello at hand.
twin::Peers greeted(int times) {
  twin::Peers peers = twin::make_peers({.server_context = [](SSL_CTX* context) {
    SSL_CTX_set_mode(context, SSL_MODE_ASYNC);
    SSL_CTX_set_cert_cb(context, pausing_callback, nullptr);
  }});
  twin::link_memory(peers);
  EXPECT_EQ(SSL_do_handshake(peers.client.get()), -1);
  pauses = times;
  return peers;
}

void expect_paused(SSL* ssl, int returned) {
  EXPECT_EQ(returned, -1);
  EXPECT_EQ(SSL_get_error(ssl, returned), SSL_ERROR_WANT_ASYNC);
  EXPECT_EQ(SSL_waiting_for_async(ssl), 1);
  EXPECT_EQ(ERR_peek_error(), 0U);
}

void expect_completes(twin::Peers& peers) {
  twin::Result result = twin::handshake(peers);
  EXPECT_TRUE(result.good()) << result.said();
}

TEST_F(EngineAsync, ClearedConnectionShakesHands) {
  twin::Peers peers = greeted(1);
  SSL* server = peers.server.get();
  expect_paused(server, SSL_do_handshake(server));
  EXPECT_EQ(SSL_clear(server), 1);
  EXPECT_EQ(SSL_in_before(server), 1);
  size_t count = 0;
  EXPECT_EQ(SSL_get_all_async_fds(server, nullptr, &count), 0) << "those of the lost job";
  SSL_clear(peers.client.get());
  twin::link_memory(peers);
  expect_completes(peers);
}

TEST_F(EngineAsync, RoleSetAnewGivesThePausedHandshakeUp) {
  twin::Peers peers = greeted(1);
  SSL* server = peers.server.get();
  expect_paused(server, SSL_do_handshake(server));
  SSL_set_accept_state(server);
  EXPECT_EQ(SSL_waiting_for_async(server), 0);
  SSL_clear(peers.client.get());
  twin::link_memory(peers);
  expect_completes(peers);
}

TEST_F(EngineAsync, GoesOnWithoutTheMode) {
  twin::Peers peers = greeted(2);
  SSL* server = peers.server.get();
  expect_paused(server, SSL_do_handshake(server));
  SSL_clear_mode(server, SSL_MODE_ASYNC);
  expect_paused(server, SSL_do_handshake(server));
  EXPECT_EQ(SSL_do_handshake(server), -1);
  EXPECT_EQ(SSL_get_error(server, -1), SSL_ERROR_WANT_READ);
  expect_completes(peers);
}

TEST_F(EngineAsync, AnyCallGoesOnWithAHandshake) {
  twin::Peers peers = greeted(2);
  SSL *server = peers.server.get(), *client = peers.client.get();
  char buffer[10] = {};
  expect_paused(server, SSL_do_handshake(server));
  expect_paused(server, SSL_read(server, buffer, sizeof buffer));
  EXPECT_EQ(SSL_read(server, buffer, sizeof buffer), -1);
  EXPECT_EQ(SSL_get_error(server, -1), SSL_ERROR_WANT_READ);
  EXPECT_EQ(SSL_do_handshake(client), 1);
  EXPECT_EQ(SSL_write(client, "hello", 5), 5);
  EXPECT_EQ(SSL_read(server, buffer, sizeof buffer), 5);
}

TEST_F(EngineAsync, ReadIsNotFinishedByAnotherCall) {
  twin::Peers peers = greeted(1);
  SSL* server = peers.server.get();
  char buffer[10] = {}, other[10] = {};
  size_t done = 99;
  expect_paused(server, SSL_read(server, buffer, sizeof buffer));
  expect_paused(server, SSL_do_handshake(server));
  expect_paused(server, SSL_peek(server, other, sizeof other));
  expect_paused(server, SSL_write(server, "x", 1));
  EXPECT_EQ(SSL_read_ex(server, buffer, sizeof buffer, &done), 0);
  EXPECT_EQ(SSL_get_error(server, 0), SSL_ERROR_WANT_READ);
  EXPECT_EQ(done, 99U);
  expect_completes(peers);
}

// Goes on with the paused handshake of another SSL from inside its own job.
SSL* waiting = nullptr;

int try_the_other(SSL*, void*) {
  expect_paused(waiting, SSL_do_handshake(waiting));
  return 1;
}

TEST_F(EngineAsync, NoJobGoesOnInsideAnother) {
  twin::Peers peers = greeted(1);
  waiting = peers.server.get();
  expect_paused(waiting, SSL_do_handshake(waiting));
  twin::Peers others = twin::make_peers({.server_context = [](SSL_CTX* context) {
    SSL_CTX_set_mode(context, SSL_MODE_ASYNC);
    SSL_CTX_set_cert_cb(context, try_the_other, nullptr);
  }});
  twin::link_memory(others);
  expect_completes(others);
  expect_completes(peers);
}

TEST_F(EngineAsync, DescriptorsOfALostJobAreCleanedUp) {
  static int cleaned;
  cleaned = 0;
  twin::Peers peers = greeted(1);
  SSL* server = peers.server.get();
  SSL_set_cert_cb(
      server,
      [](SSL* ssl, void*) {
        static const int key = 0;
        ASYNC_WAIT_CTX* wait = ASYNC_get_wait_ctx(ASYNC_get_current_job());
        EXPECT_EQ(ASYNC_WAIT_CTX_set_wait_fd(
                      wait, &key, 5, nullptr,
                      [](ASYNC_WAIT_CTX*, const void*, OSSL_ASYNC_FD, void*) { ++cleaned; }),
                  1);
        return pausing_callback(ssl, nullptr);
      },
      nullptr);
  expect_paused(server, SSL_do_handshake(server));
  EXPECT_EQ(cleaned, 0);
  peers.server.reset();
  EXPECT_EQ(cleaned, 1);
}

// --- The stack of a job ---

// Runs something on a stack of its own and sees how much of it was used.
class Stack {
 public:
  size_t used_by(const std::function<void()>& act) {
    std::fill(memory_.begin(), memory_.end(), kUntouched);
    act_ = &act;
    getcontext(&other_);
    other_.uc_stack.ss_sp = memory_.data();
    other_.uc_stack.ss_size = memory_.size();
    other_.uc_link = &own_;
    self_ = this;
    makecontext(
        &other_, [] { (*self_->act_)(); }, 0);
    swapcontext(&own_, &other_);
    auto deepest = std::find_if(memory_.begin(), memory_.end(),
                                [](uint8_t byte) { return byte != kUntouched; });
    return static_cast<size_t>(memory_.end() - deepest);
  }

 private:
  static constexpr uint8_t kUntouched = 0xa5;
  inline static Stack* self_ = nullptr;
  std::vector<uint8_t> memory_ = std::vector<uint8_t>(1 << 20);
  const std::function<void()>* act_ = nullptr;
  ucontext_t own_{}, other_{};
};

// libcrypto's fibres have 32768 bytes and no guard; callbacks of the application need some. Most of
// what is used is libcrypto's own.
TEST_F(EngineAsync, CallsLeaveRoomOnAFibre) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer has larger frames";
#else
  constexpr size_t kMost = 32768 - 12288;
  Stack stack;
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto set = [&](SSL_CTX* context) {
      SSL_CTX_set_min_proto_version(context, version);
      SSL_CTX_set_max_proto_version(context, version);
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    };
    twin::Peers peers = twin::make_peers({.certificate = "server-rsa",
                                          .client_context =
                                              [&](SSL_CTX* context) {
                                                set(context);
                                                twin::use_certificate(context, "client-rsa");
                                              },
                                          .server_context = set});
    twin::link_memory(peers);
    SSL *client = peers.client.get(), *server = peers.server.get();
    for (int i = 0; i < 3; ++i) {
      EXPECT_LT(stack.used_by([&] { SSL_do_handshake(client); }), kMost);
      EXPECT_LT(stack.used_by([&] { SSL_do_handshake(server); }), kMost);
    }
    ASSERT_TRUE(SSL_is_init_finished(client) && SSL_is_init_finished(server));
    std::string data(16000, 'x');
    EXPECT_LT(stack.used_by([&] { SSL_write(client, data.data(), 16000); }), kMost);
    EXPECT_LT(stack.used_by([&] { SSL_read(server, data.data(), 16000); }), kMost);
  }
#endif
}

}  // namespace
