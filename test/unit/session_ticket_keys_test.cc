#include "session/ticket_keys.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <climits>
#include <cstring>
#include <thread>
#include <vector>

namespace handfast {
namespace {

constexpr long kNow = 1000000;
constexpr long kLifetime = 7200;
constexpr long kPeriod = TicketKeys::kPeriod;

class SessionTicketKeys : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(algorithms_.fetch(nullptr, nullptr));
    ASSERT_TRUE(keys_.start(algorithms_, kNow));
  }
  TicketKey seals(long now, long lifetime = kLifetime) {
    TicketKey key;
    keys_.seal_with(algorithms_, now, lifetime, key);
    return key;
  }
  bool opens(const TicketKey& key, long now) {
    TicketKey found;
    bool known = keys_.find(key.name, now, found);
    EXPECT_TRUE(!known || equal(found.bytes(), key.bytes()));
    return known;
  }

  Algorithms algorithms_;
  TicketKeys keys_;
};

TEST_F(SessionTicketKeys, StayForAPeriod) {
  TicketKey first = seals(kNow);
  EXPECT_TRUE(equal(first.bytes(), seals(kNow + kPeriod - 1).bytes()));
  EXPECT_FALSE(equal(first.bytes(), seals(kNow + kPeriod).bytes()));
}

TEST_F(SessionTicketKeys, OpenAsLongAsTheirTickets) {
  TicketKey first = seals(kNow);
  TicketKey second = seals(kNow + kPeriod);
  EXPECT_TRUE(opens(first, kNow + kPeriod + kLifetime));
  EXPECT_FALSE(opens(first, kNow + kPeriod + kLifetime + 1));
  EXPECT_TRUE(opens(second, kNow + kPeriod));
  EXPECT_FALSE(keys_.is_current(first.name));
  EXPECT_TRUE(keys_.is_current(second.name));
}

TEST_F(SessionTicketKeys, OpenForSevenDaysAtMost) {
  std::vector<TicketKey> all;
  for (size_t i = 0; i < 3 * TicketKeys::kCount; ++i) {
    all.push_back(seals(kNow + static_cast<long>(i) * kPeriod, LONG_MAX));
  }
  long last = kNow + (static_cast<long>(all.size()) - 1) * kPeriod;
  for (size_t i = 0; i < all.size(); ++i) {
    long sealed_until = kNow + static_cast<long>(i + 1) * kPeriod;
    EXPECT_EQ(opens(all[i], last), last <= sealed_until + TicketKeys::kMaxLifetime) << i;
  }
}

// Children of a server have their parent's keys, also those to come.
TEST_F(SessionTicketKeys, AreTheSameAfterAFork) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  if (fork() == 0) {
    TicketKey key = seals(kNow + 5 * kPeriod);
    _exit(write(ends[1], &key, sizeof key) == sizeof key ? 0 : 1);
  }
  TicketKey childs;
  ASSERT_EQ(read(ends[0], &childs, sizeof childs), static_cast<ssize_t>(sizeof childs));
  for (int period = 1; period < 5; ++period) (void)seals(kNow + period * kPeriod);
  EXPECT_TRUE(equal(childs.bytes(), seals(kNow + 5 * kPeriod).bytes()));
  close(ends[0]);
  close(ends[1]);
}

TEST_F(SessionTicketKeys, OfTheApplicationStay) {
  TicketKey ours = seals(kNow), theirs;
  std::memset(static_cast<void*>(&theirs), 7, sizeof theirs);
  keys_.set(theirs);
  EXPECT_FALSE(opens(ours, kNow));
  EXPECT_TRUE(opens(theirs, kNow + 100 * kPeriod));
  EXPECT_TRUE(equal(theirs.bytes(), seals(kNow + 100 * kPeriod).bytes()));
}

TEST_F(SessionTicketKeys, ThatAreSharedStay) {
  TicketKey shared;
  keys_.get(shared);
  EXPECT_TRUE(equal(shared.bytes(), seals(kNow + kPeriod).bytes()));
}

// However far their clocks are apart: all of it is within the lifetime of tickets.
TEST_F(SessionTicketKeys, ThreadsAgree) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (long step = 0; step < 2000; ++step) {
        long now = kNow + step * (kPeriod / 200);
        TicketKey key = seals(now, LONG_MAX), found;
        EXPECT_TRUE(keys_.find(key.name, now, found));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace handfast
