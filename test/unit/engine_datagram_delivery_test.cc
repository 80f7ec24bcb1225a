// Datagrams of a handshake are lost, come twice, late, cut or damaged: it completes all the same,
// or fails where it must, and never agrees on two different things.
#include "engine_datagram_support.h"

namespace handfast::datagram_test {
namespace {

using twin::Datagrams;

constexpr Kind kKinds[] = {
    {.name = "Full"},
    {.name = "FullSmall", .mtu = 260},
    {.name = "Dtls10", .version = DTLS1_VERSION, .suites = "ECDHE-ECDSA-AES128-SHA"},
    {.name = "ClientCertificate", .client_certificate = true},
    {.name = "ClientCertificateSmall", .client_certificate = true, .mtu = 300},
    {.name = "Cookie", .cookie = true},
    {.name = "SessionId", .resumption = Kind::by_id},
    {.name = "Ticket", .resumption = Kind::by_ticket},
    {.name = "TicketSmall", .cookie = true, .resumption = Kind::by_ticket, .mtu = 260},
    {.name = "Psk", .suites = kPsk},
};

class DatagramDelivery : public testing::TestWithParam<Kind> {
 protected:
  DatagramDelivery() : bench_(GetParam()) {
    EXPECT_TRUE(bench_.complete());
    counts_[0] = bench_.net.to_server.count;
    counts_[1] = bench_.net.to_client.count;
  }
  twin::Way& way(int direction) {
    return direction == 0 ? bench_.net.to_server : bench_.net.to_client;
  }
  // The handshake completes whichever datagram meets this fate.
  void with_each(const std::function<Datagrams(const std::string&)>& fate) {
    for (int direction = 0; direction < 2; ++direction) {
      for (size_t which = 0; which < counts_[direction]; ++which) {
        SCOPED_TRACE(twin::text("direction %d, datagram %zu", direction, which));
        bench_.renew();
        way(direction).fate = [&](size_t nth, const std::string& datagram) {
          return nth == which ? fate(datagram) : Datagrams{datagram};
        };
        ASSERT_TRUE(bench_.complete());
        bench_.expect_agreed();
      }
    }
  }
  Bench bench_;
  size_t counts_[2] = {};
};

INSTANTIATE_TEST_SUITE_P(Kinds, DatagramDelivery, testing::ValuesIn(kKinds), name_of);

TEST_P(DatagramDelivery, EachIsLost) {
  with_each([](const std::string&) { return Datagrams{}; });
}

TEST_P(DatagramDelivery, EachComesTwiceAndOnceMore) {
  with_each([](const std::string& datagram) { return Datagrams(3, datagram); });
}

TEST_P(DatagramDelivery, EachComesRecordByRecordBackwards) {
  with_each([](const std::string& datagram) {
    Datagrams records = twin::records_of(datagram);
    return Datagrams(records.rbegin(), records.rend());
  });
}

TEST_P(DatagramDelivery, EachHasAHeadOfJunk) {
  with_each([](const std::string& datagram) {
    return Datagrams{twin::sample(40), std::string(13, '\0') + datagram, datagram + "\x16"};
  });
}

// Cut at every place, and the whole never comes but by itself later.
TEST_P(DatagramDelivery, EachIsCutAnywhere) {
  for (size_t cut = 1; cut < 60; cut += 12) {
    with_each([&](const std::string& datagram) { return Datagrams{datagram.substr(0, cut)}; });
    with_each([&](const std::string& datagram) {
      return Datagrams{datagram.substr(0, datagram.size() - std::min(cut, datagram.size() - 1))};
    });
  }
}

// All that is sent until something is awaited arrives in the opposite order.
TEST_P(DatagramDelivery, EachFlightComesBackwards) {
  bench_.renew();
  for (int round = 0; round < 40 && !bench_.finished(); ++round) {
    for (SSL* ssl : {bench_.client(), bench_.server()}) {
      ASSERT_TRUE(bench_.step(ssl));
      auto& arrived =
          (ssl == bench_.client() ? bench_.net.to_server : bench_.net.to_client).arrived;
      std::reverse(arrived.begin(), arrived.end());
    }
    if (round > 10) Bench::run_out(bench_.client());
  }
  ASSERT_TRUE(bench_.complete());
  bench_.expect_agreed();
}

// A third of all is lost for a while, at random.
TEST_P(DatagramDelivery, EveryThirdIsLost) {
  uint32_t state = 99;
  for (int run = 0; run < 6; ++run) {
    bench_.renew();
    for (int direction = 0; direction < 2; ++direction) {
      way(direction).fate = [&](size_t nth, const std::string& datagram) {
        state = state * 1664525 + 1013904223;
        bool lost = nth < 40 && (state >> 24) % 3 == 0;
        return lost ? Datagrams{} : Datagrams{datagram};
      };
    }
    ASSERT_TRUE(bench_.complete(200)) << run;
    bench_.expect_agreed();
  }
}

// --- A bit is wrong ---

// Damage behind the change of keys is loss; before it, it may end the handshake, for both or with
// an alert that is lost. It never leads to two different handshakes.
void with_each_byte(const Kind& kind, size_t step) {
  Bench bench(kind);
  ASSERT_TRUE(bench.complete());
  Datagrams all[2] = {bench.net.to_server.sent, bench.net.to_client.sent};
  int completed = 0, failed = 0;
  for (int direction = 0; direction < 2; ++direction) {
    for (size_t which = 0; which < all[direction].size(); ++which) {
      for (size_t at = which % step; at < all[direction][which].size(); at += step) {
        SCOPED_TRACE(twin::text("direction %d, datagram %zu, byte %zu", direction, which, at));
        bench.renew();
        twin::Way& way = direction == 0 ? bench.net.to_server : bench.net.to_client;
        way.fate = twin::change(which, [&](std::string& datagram) {
          if (at < datagram.size()) datagram[at] = static_cast<char>(datagram[at] ^ 1 << at % 8);
        });
        bool done = bench.complete();
        ++(done ? completed : failed);
        if (done) bench.expect_agreed();
        if (done && testing::Test::HasFailure()) return;
      }
    }
  }
  EXPECT_GT(completed, 0);
  EXPECT_GT(failed, 0);
}

TEST(DatagramDamage, EachByteOfAShortHandshake) {
  with_each_byte({.suites = kPsk}, 1);
}

TEST(DatagramDamage, BytesOfALongHandshake) {
  with_each_byte({.client_certificate = true, .cookie = true}, 13);
}

TEST(DatagramDamage, BytesOfAResumption) {
  with_each_byte({.resumption = Kind::by_ticket}, 3);
}

// RFC 6347 4.1.2.7: all that is protected may be damaged, and comes again.
TEST(DatagramDamage, ProtectedRecordsComeAgain) {
  for (const Kind& kind : kKinds) {
    Bench bench(kind);
    ASSERT_TRUE(bench.complete());
    for (int direction = 0; direction < 2; ++direction) {
      for (size_t at = 0; at < 70; at += 5) {
        SCOPED_TRACE(twin::text("%s, direction %d, byte %zu", kind.name, direction, at));
        bench.renew();
        twin::Way& way = direction == 0 ? bench.net.to_server : bench.net.to_client;
        int damaged = 0;
        way.fate = [&](size_t, const std::string& datagram) {
          std::string changed;
          for (std::string record : twin::records_of(datagram)) {
            bool sealed = record.size() > 13 && twin::epoch_of(record) == 1;
            if (sealed && at < record.size() && damaged++ == 0) {
              record[at] = static_cast<char>(record[at] ^ 1 << at % 8);
            }
            changed += record;
          }
          return Datagrams{changed};
        };
        ASSERT_TRUE(bench.complete());
        bench.expect_agreed();
      }
    }
  }
}

}  // namespace
}  // namespace handfast::datagram_test
