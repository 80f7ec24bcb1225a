// Handshake messages out of fragments that come in any order, more than once, and from anybody
// (RFC 6347 section 4.2.3).
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "handshake/handshake.h"
#include "message/datagram_handshake_header.h"
#include "support/peers.h"

namespace handfast {
namespace {

using Octets = std::vector<uint8_t>;

Octets pattern(size_t size, uint32_t state) {
  Octets out(size);
  for (uint8_t& byte : out)
    byte = static_cast<uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return out;
}

Octets operator+(Octets a, const Octets& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Octets header_of(const DatagramHandshakeHeader& header) {
  Bytes bytes;
  Writer writer(bytes);
  write_header(header, writer);
  EXPECT_TRUE(writer.ok());
  return {bytes.data(), bytes.data() + bytes.size()};
}

struct Message {
  uint16_t seq;
  uint8_t type;
  Octets body;

  [[nodiscard]] DatagramHandshakeHeader header(size_t offset, size_t length) const {
    return {type, static_cast<uint32_t>(body.size()), seq, static_cast<uint32_t>(offset),
            static_cast<uint32_t>(length)};
  }
  // A part of the record in which it comes.
  [[nodiscard]] Octets fragment(size_t offset, size_t length) const {
    auto begin = body.begin() + static_cast<ptrdiff_t>(offset);
    return header_of(header(offset, length)) +
           Octets(begin, begin + static_cast<ptrdiff_t>(length));
  }
  [[nodiscard]] Octets whole() const { return fragment(0, body.size()); }
};

Message message(uint16_t seq, size_t length) {
  return {seq, SSL3_MT_CERTIFICATE, pattern(length, seq + 1U)};
}

// A handshake that takes what comes and looks at nothing.
class Side {
 public:
  explicit Side(bool server = false)
      : context_(SSL_CTX_new(DTLS_method())), ssl_(SSL_new(context_.get())) {
    server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
    hs_.reset(make<Handshake>(*ssl_));
  }
  Verdict take(const Octets& record) { return take_fragments(*hs_, record); }
  void expect_taken(const Octets& record) { EXPECT_TRUE(take(record).ok()); }
  void expect_refused(const Octets& record, Alert alert, int reason) {
    Verdict verdict = take(record);
    EXPECT_FALSE(verdict.ok());
    EXPECT_EQ(static_cast<int>(verdict.alert), static_cast<int>(alert));
    EXPECT_EQ(verdict.reason, reason);
  }
  // What is whole, in the form of one fragment each.
  [[nodiscard]] Octets inbox() const {
    View bytes = hs_->inbox.bytes.view();
    return {bytes.begin(), bytes.end()};
  }
  [[nodiscard]] DatagramChannel& datagram() const { return *ssl_->channel.datagram; }
  [[nodiscard]] size_t kept() const { return hs_->reassembly.kept_beside(datagram().next_receive); }
  Handshake& hs() { return *hs_; }

 private:
  twin::Owned<SSL_CTX> context_;
  twin::Owned<SSL> ssl_;
  Unique<Handshake> hs_;
};

// --- One message ---

TEST(Reassembly, EveryOrderOfFourFragments) {
  Message one = message(0, 10);
  const std::pair<size_t, size_t> parts[] = {{0, 3}, {3, 1}, {4, 4}, {8, 2}};
  int order[] = {0, 1, 2, 3};
  do {
    Side side;
    for (int i = 0; i < 4; ++i) {
      EXPECT_TRUE(side.inbox().empty());
      side.expect_taken(one.fragment(parts[order[i]].first, parts[order[i]].second));
    }
    EXPECT_EQ(side.inbox(), one.whole());
    EXPECT_EQ(side.datagram().next_receive, 1);
  } while (std::next_permutation(order, order + 4));
}

TEST(Reassembly, EveryPairOfFragmentsThatOverlapOrNot) {
  constexpr size_t kSize = 7;
  Message one = message(0, kSize);
  for (size_t a = 0; a < kSize; ++a) {
    for (size_t a_length = 1; a + a_length <= kSize; ++a_length) {
      for (size_t b = 0; b < kSize; ++b) {
        for (size_t b_length = 1; b + b_length <= kSize; ++b_length) {
          bool present[kSize] = {};
          std::fill_n(present + a, a_length, true);
          std::fill_n(present + b, b_length, true);
          bool whole = std::all_of(present, present + kSize, [](bool there) { return there; });
          Side side;
          side.expect_taken(one.fragment(a, a_length) + one.fragment(b, b_length) +
                            one.fragment(a, a_length));
          ASSERT_EQ(!side.inbox().empty(), whole) << a << " " << a_length << " " << b;
        }
      }
    }
  }
}

TEST(Reassembly, MessagesWithoutABody) {
  Side side;
  Message empty = message(0, 0);
  side.expect_taken(empty.whole() + message(1, 0).whole());
  EXPECT_EQ(side.inbox(), empty.whole() + message(1, 0).whole());
}

// Anybody could make us keep room for a message with them.
TEST(Reassembly, FragmentsWithoutAByteAreDropped) {
  Side side;
  Message one = message(0, 5);
  for (size_t offset = 0; offset <= 5; ++offset) side.expect_taken(one.fragment(offset, 0));
  EXPECT_EQ(side.hs().reassembly.kept_beside(9), 0U);
  side.expect_taken(one.fragment(0, 5));
  EXPECT_EQ(side.inbox(), one.whole());
}

TEST(Reassembly, ALongMessageInFragmentsOfAByte) {
  Side side;
  Message one = message(0, 100000);
  for (size_t at = 0; at < one.body.size(); at += 2) side.expect_taken(one.fragment(at, 1));
  for (size_t at = 1; at < one.body.size(); at += 2) {
    EXPECT_TRUE(side.inbox().empty());
    side.expect_taken(one.fragment(at, 1));
  }
  EXPECT_EQ(side.inbox(), one.whole());
}

TEST(Reassembly, ManyFragmentsInOneRecord) {
  Side side;
  Octets record;
  Octets all;
  for (uint16_t seq = 0; seq < 300; ++seq) {
    Message next = message(seq, 20);
    record = record + next.fragment(10, 10) + next.fragment(0, 10);
    all = all + next.whole();
  }
  side.expect_taken(record);
  EXPECT_EQ(side.inbox(), all);
}

// --- Contradictions ---

TEST(Reassembly, WhatIsKnownStays) {
  Message one = message(0, 10);
  for (int what = 0; what < 2; ++what) {
    Side side;
    side.expect_taken(one.fragment(0, 4));
    Message other = one;
    if (what == 0) other.type = SSL3_MT_FINISHED;
    if (what == 1) other.body = pattern(12, 3);
    side.expect_taken(other.fragment(4, 6));
    side.expect_taken(other.whole());
    EXPECT_TRUE(side.inbox().empty());
    side.expect_taken(one.fragment(4, 6));
    EXPECT_EQ(side.inbox(), one.whole());
  }
}

TEST(Reassembly, FragmentsBeyondTheEnd) {
  Message one = message(0, 10);
  for (auto [offset, length] : {std::pair<size_t, size_t>{5, 6}, {10, 1}, {11, 1}, {0xffffff, 3}}) {
    DatagramHandshakeHeader header = one.header(offset, length);
    Octets record = header_of(header) + pattern(length, 1);
    Side side;
    side.expect_refused(record, Alert::illegal_parameter, SSL_R_EXCESSIVE_MESSAGE_SIZE);
    // Of another message than the next one: not worth an alert.
    for (uint16_t seq : {1, 10}) {
      Side later;
      header.message_seq = seq;
      later.expect_taken(header_of(header) + pattern(length, 1));
      EXPECT_EQ(later.kept(), 0U);
    }
  }
}

TEST(Reassembly, MessagesLongerThanAnyMayBe) {
  size_t longest = 102400;  // SSL_CTX_set_max_cert_list(3)
  for (size_t length : {longest, longest + 1, size_t{0xffffff}}) {
    DatagramHandshakeHeader header = {SSL3_MT_CERTIFICATE, static_cast<uint32_t>(length), 0, 0, 5};
    Side side;
    Octets record = header_of(header) + pattern(5, 1);
    if (length == longest) side.expect_taken(record);
    if (length > longest) {
      side.expect_refused(record, Alert::illegal_parameter, SSL_R_EXCESSIVE_MESSAGE_SIZE);
    }
    header.message_seq = 1;
    Side ahead;
    ahead.expect_taken(header_of(header) + pattern(5, 1));
    EXPECT_EQ(ahead.kept(), 0U);
  }
}

// RFC 6347 4.2.3: a fragment does not go on in another record.
TEST(Reassembly, RecordsThatEndInAFragment) {
  Octets whole = message(0, 10).whole();
  for (size_t length = 1; length < whole.size(); ++length) {
    Octets cut(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(length));
    Side side;
    bool in_header = length < kDatagramHandshakeHeaderLength;
    side.expect_refused(cut, in_header ? Alert::unexpected_message : Alert::illegal_parameter,
                        in_header ? SSL_R_UNEXPECTED_MESSAGE : SSL_R_BAD_LENGTH);
  }
}

// --- Turns ---

TEST(Reassembly, MessagesWaitForTheirTurn) {
  Side side;
  for (int seq = 10; seq >= 0; --seq) {
    EXPECT_TRUE(side.inbox().empty());
    side.expect_taken(message(static_cast<uint16_t>(seq), 30).whole());
  }
  Octets all;
  for (uint16_t seq = 0; seq <= 10; ++seq) all = all + message(seq, 30).whole();
  EXPECT_EQ(side.inbox(), all);
  EXPECT_EQ(side.kept(), 0U);
}

TEST(Reassembly, TooFarAheadOrBehind) {
  for (uint16_t next : {0, 1, 500, 65500}) {
    Side side;
    side.datagram().next_receive = next;
    for (int ahead : {11, 12, 1000, 30000}) {
      side.expect_taken(message(static_cast<uint16_t>(next + ahead), 30).whole());
      EXPECT_EQ(side.kept(), 0U) << next << " + " << ahead;
    }
    for (int behind : {1, 2, 10, 400}) {
      if (behind <= next)
        side.expect_taken(message(static_cast<uint16_t>(next - behind), 30).whole());
    }
    EXPECT_EQ(side.kept(), 0U);
    EXPECT_TRUE(side.inbox().empty());
    side.expect_taken(message(static_cast<uint16_t>(next + 10), 30).whole());
    EXPECT_GT(side.kept(), 0U);
  }
}

TEST(Reassembly, TheLastNumbers) {
  Side side;
  side.datagram().next_receive = 65534;
  side.expect_taken(message(0, 5).whole() + message(1, 5).whole());
  EXPECT_EQ(side.kept(), 0U) << "behind";
  side.expect_taken(message(65535, 5).whole());
  side.expect_taken(message(65534, 5).whole());
  EXPECT_EQ(side.inbox(), message(65534, 5).whole() + message(65535, 5).whole());
}

TEST(Reassembly, AFinishedOfTheHandshakeBefore) {
  Side side;
  Message finished = message(3, 12);
  finished.type = SSL3_MT_FINISHED;
  side.expect_taken(finished.whole());
  EXPECT_EQ(side.kept(), 0U);
  side.datagram().next_receive = 1;
  side.expect_taken(finished.whole());
  EXPECT_GT(side.kept(), 0U);
}

// --- Bounds ---

TEST(Reassembly, LittleIsKeptOfWhatIsAhead) {
  for (size_t length : {1, 100, 7000, 30000, 65536, 65537, 100000}) {
    Side side;
    for (uint16_t seq = 1; seq < 40; ++seq) {
      side.expect_taken(message(seq, length).fragment(0, 1));
    }
    EXPECT_LE(side.kept(), 65536U + 12 * 10) << length;
    EXPECT_EQ(side.kept() > 0, length <= 65536) << length;
  }
}

// A long message that is ahead is kept as a whole or not at all.
TEST(Reassembly, ALongMessageAheadInFragments) {
  Side side;
  Message ahead = message(1, 60000);
  for (size_t at = 0; at < ahead.body.size(); at += 1000)
    side.expect_taken(ahead.fragment(at, 1000));
  Message first = message(0, 5);
  side.expect_taken(first.whole());
  EXPECT_EQ(side.inbox(), first.whole() + ahead.whole());
}

// The message whose turn it is takes nothing from the room of those behind it.
TEST(Reassembly, ALongMessageDoesNotKeepOutTheNext) {
  Side side;
  Message first = message(0, 90000);
  Message second = message(1, 300);
  side.expect_taken(first.fragment(0, 1000));
  side.expect_taken(second.whole());
  for (size_t at = 1000; at < first.body.size(); at += 1000) {
    side.expect_taken(first.fragment(at, 1000));
  }
  EXPECT_EQ(side.inbox(), first.whole() + second.whole());
}

// --- The hello that comes again with a cookie ---

TEST(Reassembly, AServerThatAwaitsACookieHearsTheFirstHelloAgain) {
  Side side(true);
  Message hello = message(0, 50);
  hello.type = SSL3_MT_CLIENT_HELLO;
  side.datagram().next_receive = side.datagram().next_send = 1;
  side.datagram().cookie_requested = true;
  Message other = message(0, 50);
  side.expect_taken(other.whole());
  EXPECT_TRUE(side.inbox().empty()) << "no hello";
  side.expect_taken(hello.fragment(0, 20));
  side.expect_taken(hello.fragment(20, 30));
  EXPECT_EQ(side.inbox(), hello.whole());
  EXPECT_EQ(side.datagram().next_receive, 1);
  EXPECT_EQ(side.datagram().next_send, 0);
  Message second = hello;
  second.seq = 1;
  side.expect_taken(second.whole());
  EXPECT_FALSE(side.datagram().cookie_requested);
  side.expect_taken(hello.whole());
  EXPECT_EQ(side.inbox(), hello.whole() + second.whole());
}

TEST(Reassembly, OfTheFirstHelloNothingIsKeptBehindTheSecond) {
  Side side(true);
  Message first = message(0, 100000), second = message(1, 50);
  first.type = second.type = SSL3_MT_CLIENT_HELLO;
  side.datagram().next_receive = 1;
  side.datagram().cookie_requested = true;
  side.expect_taken(first.fragment(0, 10));
  EXPECT_GT(side.kept(), 100000U);
  side.expect_taken(second.whole());
  EXPECT_EQ(side.inbox(), second.whole());
  EXPECT_EQ(side.kept(), 0U);
}

// --- Against a plain model ---

struct Model {
  struct Partial {
    Message like;  // the first that was heard of it
    std::vector<std::optional<uint8_t>> bytes;
  };
  std::map<uint16_t, Partial> partial;
  uint16_t next = 0;
  Octets inbox;

  size_t ahead() const {
    size_t bytes = 0;
    for (const auto& [seq, one] : partial) bytes += seq == next ? 0 : 12 + one.bytes.size();
    return bytes;
  }
  void take(const Message& from, size_t offset, size_t length) {
    if (from.seq < next || from.seq > next + 10 || (length == 0 && !from.body.empty())) return;
    auto found = partial.find(from.seq);
    if (found == partial.end()) {
      if (from.seq != next && ahead() + from.body.size() > 65536) return;
      found = partial.emplace(from.seq, Partial{from, {}}).first;
      found->second.bytes.resize(from.body.size());
    }
    Partial& one = found->second;
    if (one.like.type != from.type || one.bytes.size() != from.body.size()) return;
    for (size_t i = offset; i < offset + length; ++i) one.bytes[i] = from.body[i];
    for (found = partial.find(next); found != partial.end(); found = partial.find(++next)) {
      Message whole{next, found->second.like.type, {}};
      for (const auto& byte : found->second.bytes) {
        if (!byte.has_value()) return;
        whole.body.push_back(*byte);
      }
      inbox = inbox + whole.whole();
      partial.erase(found);
    }
  }
};

// Random messages, cut anywhere, in any order, some of them false.
TEST(Reassembly, AsAPlainModel) {
  uint32_t state = 42;
  auto draw = [&](size_t limit) { return (state = state * 1664525 + 1013904223) / 65536 % limit; };
  for (int run = 0; run < 100; ++run) {
    Side side;
    Model model;
    for (int step = 0; step < 120; ++step) {
      Octets record;
      for (size_t parts = 1 + draw(3); parts > 0; --parts) {
        auto seq = static_cast<uint16_t>(model.next + draw(run % 3 == 0 ? 14 : 4));
        if (draw(10) == 0 && seq > 3) seq = static_cast<uint16_t>(seq - 3);
        size_t size = run % 5 == 0 ? seq * 2711 % 20000 : seq * 7 % 31;
        Message from = message(seq, size);
        if (draw(15) == 0) from.type = SSL3_MT_CERTIFICATE_VERIFY;
        if (draw(15) == 0) from.body = pattern(size + 1 + draw(3), 7);
        size_t offset = draw(from.body.size() + 1);
        size_t length = draw(from.body.size() - offset + 1);
        if (draw(3) == 0) offset = 0, length = from.body.size();
        record = record + from.fragment(offset, length);
        model.take(from, offset, length);
      }
      side.expect_taken(record);
      ASSERT_EQ(side.datagram().next_receive, model.next) << run << " " << step;
      ASSERT_EQ(side.kept(), model.ahead()) << run << " " << step;
    }
    ASSERT_EQ(side.inbox(), model.inbox) << run;
  }
}

}  // namespace
}  // namespace handfast
