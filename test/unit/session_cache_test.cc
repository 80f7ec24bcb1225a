// The internal session cache: look-up, limits, order of expiry, many threads.
#include "session/cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "config/context.h"

namespace handfast {
namespace {

struct FreeSslContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, FreeSslContext>;

SessionRef session_with(const std::string& id, long timeout = 300) {
  SessionRef session(new_session());
  session->version = TLS1_3_VERSION;
  session->id_length = static_cast<uint8_t>(id.size());
  std::memcpy(session->id, id.data(), id.size());
  session->time = 1000;
  session->timeout = timeout;
  return session;
}

std::string id_of(const Session& session) {
  return {reinterpret_cast<const char*>(session.id), session.id_length};
}

TEST(SessionCache, FindsByVersionAndId) {
  Unique<SessionCache> cache = SessionCache::create();
  SessionRef session = session_with("abc");
  ASSERT_TRUE(cache->add(*session));
  EXPECT_EQ(session->references, 2);
  EXPECT_EQ(cache->find(*session), session);
  SessionKey key = *session;
  key.version = TLS1_2_VERSION;
  EXPECT_EQ(cache->find(key), nullptr);
  key = *session;
  key.id_length = 2;
  EXPECT_EQ(cache->find(key), nullptr);
  EXPECT_EQ(cache->remove(*session), session);
  EXPECT_EQ(cache->size(), 0u);
  EXPECT_EQ(session->cache, nullptr);
  EXPECT_EQ(session->references, 1);
}

TEST(SessionCache, HoldsASessionOnceAndInOneCacheOnly) {
  Unique<SessionCache> one = SessionCache::create(), two = SessionCache::create();
  SessionRef session = session_with("abc");
  EXPECT_TRUE(one->add(*session));
  EXPECT_FALSE(one->add(*session));
  EXPECT_FALSE(two->add(*session));
  EXPECT_EQ(one->size(), 1u);
  EXPECT_EQ(two->size(), 0u);
  one.reset();
  EXPECT_TRUE(two->add(*session));
}

TEST(SessionCache, ANewSessionTakesThePlaceOfOneWithItsId) {
  Unique<SessionCache> cache = SessionCache::create();
  SessionRef first = session_with("abc"), second = session_with("abc");
  ASSERT_TRUE(cache->add(*first));
  ASSERT_TRUE(cache->add(*second));
  EXPECT_EQ(cache->size(), 1u);
  EXPECT_EQ(cache->find(*first), second);
  EXPECT_EQ(first->references, 1);
}

TEST(SessionCache, ExpiredSessionsLeaveInOrder) {
  Unique<SessionCache> cache = SessionCache::create();
  std::vector<long> timeouts(500);
  for (size_t i = 0; i < timeouts.size(); ++i) timeouts[i] = static_cast<long>(i / 2);
  std::shuffle(timeouts.begin(), timeouts.end(), std::mt19937(1));
  std::vector<SessionRef> changed;
  for (size_t i = 0; i < timeouts.size(); ++i) {
    SessionRef session = session_with("session " + std::to_string(i), timeouts[i]);
    ASSERT_TRUE(cache->add(*session));
    if (i % 7 == 0) changed.push_back(std::move(session));
  }
  for (const SessionRef& session : changed) {
    session->timeout = 1000 - session->timeout;
    cache->reorder(*session);
  }
  long last = 0;
  size_t left = cache->size();
  while (SessionRef session = cache->take_expired(0)) {
    EXPECT_LE(last, expiry(*session));
    last = expiry(*session);
    EXPECT_EQ(cache->find(*session), nullptr);
    EXPECT_EQ(cache->size(), --left);
  }
  EXPECT_EQ(left, 0u);
}

TEST(SessionCache, OfEqualSessionsTheOldestLeavesFirst) {
  Unique<SessionCache> cache = SessionCache::create();
  for (int i = 0; i < 20; ++i) {
    SessionRef session = session_with(std::to_string(i));
    ASSERT_TRUE(cache->add(*session));
  }
  for (int i = 0; i < 20; ++i) EXPECT_EQ(id_of(*cache->evict(0)), std::to_string(i));
}

TEST(SessionCache, TimeoutsThatOverflowNeverEnd) {
  SessionRef session = session_with("abc", LONG_MAX);
  EXPECT_EQ(expiry(*session), LONG_MAX);
  Unique<SessionCache> cache = SessionCache::create();
  ASSERT_TRUE(cache->add(*session));
  EXPECT_EQ(cache->take_expired(LONG_MAX), nullptr);
}

TEST(SessionCache, ALimitOfNHoldsNSessions) {
  for (size_t limit : {1, 2, 10}) {
    ContextPtr context(SSL_CTX_new(TLS_method()));
    context->session_cache_size = limit;
    for (int i = 0; i < 30; ++i) {
      SessionRef session = session_with(std::to_string(i));
      ASSERT_TRUE(add_session(*context, *session));
      ASSERT_LE(context->sessions->size(), limit);
    }
    EXPECT_EQ(context->sessions->size(), limit);
    EXPECT_EQ(context->statistics.cache_full, 30 - static_cast<int>(limit));
  }
}

TEST(SessionCache, AnIdThatChangesTakesTheSessionOut) {
  ContextPtr context(SSL_CTX_new(TLS_method()));
  SessionRef session = session_with("abc");
  ASSERT_TRUE(add_session(*context, *session));
  const unsigned char id[] = {1};
  EXPECT_EQ(SSL_SESSION_set1_id(session.get(), id, 1), 1);
  EXPECT_EQ(context->sessions->size(), 0u);
  ASSERT_TRUE(add_session(*context, *session));
  EXPECT_EQ(SSL_SESSION_set_protocol_version(session.get(), TLS1_2_VERSION), 1);
  EXPECT_EQ(context->sessions->size(), 0u);
}

// A callback may use the cache that calls it.
TEST(SessionCache, CallbacksRunOutsideTheLock) {
  ContextPtr context(SSL_CTX_new(TLS_method()));
  SSL_CTX_sess_set_remove_cb(context.get(), [](SSL_CTX* ctx, SSL_SESSION* session) {
    EXPECT_EQ(ctx->sessions->find(*session), nullptr);
    SSL_SESSION_set_timeout(session, 1);
  });
  for (int i = 0; i < 5; ++i) {
    SessionRef session = session_with(std::to_string(i));
    ASSERT_TRUE(add_session(*context, *session));
  }
  flush_sessions(*context, 0);
  EXPECT_EQ(context->sessions->size(), 0u);
}

TEST(SessionCache, ManyThreads) {
  ContextPtr context(SSL_CTX_new(TLS_method()));
  constexpr int kThreads = 4, kRounds = 2000;
  context->session_cache_size = 100;
  SessionRef shared = session_with("shared", 100000);
  auto work = [&](int thread) {
    for (int i = 0; i < kRounds; ++i) {
      SessionRef session = session_with(std::to_string(thread * kRounds + i), i % 50);
      add_session(*context, *session);
      add_session(*context, *shared);
      (void)context->sessions->find(*shared);
      SSL_SESSION_set_timeout(shared.get(), 100000 + i);
      if (i % 3 == 0) remove_session(*context, *session);
      if (i % 100 == 0) flush_sessions(*context, 1010);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
  // Each thread may have looked at the limit before another one added.
  EXPECT_LE(context->sessions->size(), 100u + kThreads);
  flush_sessions(*context, 0);
  EXPECT_EQ(context->sessions->size(), 0u);
  EXPECT_EQ(shared->references, 1);
}

}  // namespace
}  // namespace handfast
