// Records of datagrams as the writer makes them, and how a channel fills datagrams with them
// (RFC 6347 section 4.1).
#include "record/channel.h"
#include "record_datagram_test_support.h"

namespace handfast::crypto_test {
namespace {

const Octets kContent = pattern(40);

// --- Numbers ---

TEST(DatagramWriter, RecordsAreCountedInEachEpoch) {
  DatagramEnds ends;
  for (uint64_t i = 0; i < 3; ++i) {
    Octets record = ends.seal(kHandshake, kContent);
    EXPECT_EQ(to_hex(record), to_hex(datagram_record(kHandshake, 0, i, kContent)));
  }
  for (uint16_t epoch = 1; epoch < 4; ++epoch) {
    ends.change_writer(gcm_way());
    for (uint64_t i = 0; i < 3; ++i) {
      Octets record = ends.seal(kData, kContent);
      EXPECT_EQ(epoch_of(record), epoch);
      EXPECT_EQ(sequence_of(record), i);
      EXPECT_EQ(to_hex(View(record).first(3)), "17fefd");
    }
  }
}

TEST(DatagramWriter, EveryCipherOpensAtEveryPlace) {
  for (const Way& way : datagram_ways()) {
    SCOPED_TRACE(way.name());
    DatagramEnds ends(way);
    for (uint64_t sequence : {uint64_t{0}, uint64_t{1}, uint64_t{255}, uint64_t{256},
                              uint64_t{0xffffffff}, kMaxDatagramSequence}) {
      for (size_t length : {0, 1, 15, 16, 17, 300}) {
        ends.read.window = ReplayWindow();
        expect_record(ends.reader, ends.seal_as(sequence, pattern(length)), kData, pattern(length));
      }
    }
  }
}

// RFC 6347 4.1: "implementations MUST" not let the counter wrap.
TEST(DatagramWriter, TheCounterEnds) {
  DatagramEnds ends(gcm_way());
  ends.write.sequence = kMaxDatagramSequence;
  Octets last = ends.seal(kData, kContent);
  EXPECT_EQ(sequence_of(last), kMaxDatagramSequence);
  expect_record(ends.reader, last, kData, kContent);
  Bytes out;
  ASSERT_TRUE(out.assign(kContent));
  EXPECT_FALSE(ends.writer.seal(ContentType::application_data, kContent, out).ok());
  EXPECT_EQ(to_hex(out.view()), to_hex(kContent)) << "nothing was added";
  EXPECT_FALSE(ends.writer.seal(ContentType::alert, kContent, out).ok());
}

TEST(DatagramWriter, EpochsEnd) {
  DatagramEnds ends(gcm_way());
  ends.write.epoch = UINT16_MAX;
  Material material(gcm_way());
  EXPECT_FALSE(
      ends.writer
          .change_keys(all_algorithms(), *gcm_way().suite, TLS1_2_VERSION, material.keys, false)
          .ok());
  EXPECT_EQ(ends.write.epoch, UINT16_MAX);
}

// --- The epoch before ---

TEST(DatagramWriter, TheEpochBeforeGoesOnCounting) {
  DatagramEnds ends;
  ends.seal(kHandshake, kContent);
  ends.change_writer(gcm_way());
  ends.seal(kHandshake, kContent);
  ends.seal(kHandshake, kContent);
  ends.writer.swap_epochs();
  EXPECT_EQ(to_hex(ends.seal(kHandshake, kContent)),
            to_hex(datagram_record(kHandshake, 0, 1, kContent)));
  ends.writer.swap_epochs();
  Octets now = ends.seal(kHandshake, kContent);
  EXPECT_EQ(epoch_of(now), 1);
  EXPECT_EQ(sequence_of(now), 2U);
  ends.writer.swap_epochs();
  EXPECT_EQ(sequence_of(ends.seal(kHandshake, kContent)), 2U);
  ends.writer.swap_epochs();
  EXPECT_EQ(sequence_of(ends.seal(kHandshake, kContent)), 3U);
}

TEST(DatagramWriter, TheEpochBeforeHasItsKeys) {
  std::vector<Way> ways = datagram_ways();
  for (size_t i = 0; i + 1 < ways.size(); ++i) {
    if (ways[i].version != ways[i + 1].version) continue;
    SCOPED_TRACE(ways[i].name() + ", " + ways[i + 1].name());
    DatagramEnds ends(ways[i]);
    ends.change_writer(ways[i + 1], 2);
    Octets later = ends.seal(kData, kContent);
    ends.writer.swap_epochs();
    expect_record(ends.reader, ends.seal(kData, kContent), kData, kContent);
    ends.writer.swap_epochs();
    ends.change_reader(ways[i + 1], 2);
    expect_record(ends.reader, later, kData, kContent);
    expect_record(ends.reader, ends.seal(kData, kContent), kData, kContent);
  }
}

// --- Datagrams of a channel ---

struct DatagramsOf {
  explicit DatagramsOf(const Way* way) {
    EXPECT_TRUE(channel.restart(true));
    if (way == nullptr) return;
    Material material(*way);
    EXPECT_TRUE(channel.writer
                    .change_keys(all_algorithms(), *way->suite, way->version, material.keys,
                                 way->encrypt_then_mac)
                    .ok());
  }
  void put(size_t length) {
    EXPECT_TRUE(channel.writer.seal(ContentType::handshake, pattern(length), channel.output).ok());
  }
  Channel channel;
};

void expect_exact(const Channel& channel, size_t room) {
  size_t fit = channel.fitting(room);
  const RecordWriter& writer = channel.writer;
  if (writer.sealed_length(0) > room) {
    ASSERT_EQ(fit, 0U) << room;
    return;
  }
  ASSERT_LE(writer.sealed_length(fit), room) << room;
  if (fit < kMaxPlaintextLength) ASSERT_GT(writer.sealed_length(fit + 1), room) << room;
}

TEST(DatagramChannel, WhatFitsIsExact) {
  std::vector<Way> ways = datagram_ways();
  for (size_t i = 0; i <= ways.size(); ++i) {
    const Way* way = i == 0 ? nullptr : &ways[i - 1];
    SCOPED_TRACE(way == nullptr ? "in the clear" : way->name());
    DatagramsOf datagrams(way);
    for (size_t room = 0; room <= 1500; ++room) expect_exact(datagrams.channel, room);
    for (size_t room = 16380; room <= 16800; ++room) expect_exact(datagrams.channel, room);
    expect_exact(datagrams.channel, 65535);
    EXPECT_EQ(datagrams.channel.fitting(65535), kMaxPlaintextLength);
  }
}

// Filled up so, a datagram is never longer than its MTU.
TEST(DatagramChannel, DatagramsFillUpToTheMtu) {
  for (const Way& way : datagram_ways()) {
    for (size_t mtu : {0, 12, 13, 64, 100, 208, 228, 256, 548, 1472, 1500}) {
      SCOPED_TRACE(way.name() + " mtu " + std::to_string(mtu));
      DatagramsOf datagrams(&way);
      Channel& channel = datagrams.channel;
      channel.datagram->mtu = mtu;
      EXPECT_EQ(channel.room(), mtu);
      size_t fit = channel.fitting(channel.room());
      if (fit == 0) continue;
      ASSERT_TRUE(channel.make_room(fit));
      EXPECT_TRUE(channel.datagram->ends.empty()) << "it fits";
      datagrams.put(fit);
      EXPECT_LE(channel.output.size(), mtu);
      EXPECT_EQ(channel.room(), mtu - channel.output.size());
      ASSERT_TRUE(channel.make_room(fit));
      ASSERT_EQ(channel.datagram->ends.size(), 1U);
      EXPECT_EQ(channel.datagram->ends[0], channel.output.size());
      EXPECT_EQ(channel.room(), mtu);
      ASSERT_TRUE(channel.end_datagram());
      EXPECT_EQ(channel.datagram->ends.size(), 1U) << "an empty one does not end";
    }
  }
}

TEST(DatagramChannel, ARecordThatIsTooLongHasADatagramOfItsOwn) {
  DatagramsOf datagrams(nullptr);
  Channel& channel = datagrams.channel;
  channel.datagram->mtu = 100;
  datagrams.put(10);
  ASSERT_TRUE(channel.make_room(200));
  datagrams.put(200);
  EXPECT_EQ(channel.room(), 0U);
  EXPECT_EQ(channel.fitting(channel.room()), 0U);
  ASSERT_TRUE(channel.make_room(1));
  datagrams.put(1);
  ASSERT_TRUE(channel.end_datagram());
  ASSERT_EQ(channel.datagram->ends.size(), 3U);
  EXPECT_EQ(channel.datagram->ends[0], 23U);
  EXPECT_EQ(channel.datagram->ends[1], 23U + 213);
  EXPECT_EQ(channel.datagram->ends[2], 23U + 213 + 14);
  channel.drop_output();
  EXPECT_EQ(channel.room(), 100U);
  EXPECT_FALSE(channel.unsent());
}

TEST(DatagramChannel, AStartAnewKeepsWhatTheApplicationHasSet) {
  DatagramsOf datagrams(&gcm_way());
  Channel& channel = datagrams.channel;
  channel.datagram->mtu = 500;
  channel.datagram->link_mtu = 600;
  channel.datagram->timer.callback = [](SSL*, unsigned) { return 1U; };
  datagrams.put(10);
  ASSERT_TRUE(channel.end_datagram());
  const DatagramChannel* before = channel.datagram.get();
  ASSERT_TRUE(channel.restart(true));
  EXPECT_EQ(channel.datagram.get(), before) << "needs no memory";
  EXPECT_EQ(channel.datagram->mtu, 500U);
  EXPECT_EQ(channel.datagram->link_mtu, 600U);
  EXPECT_NE(channel.datagram->timer.callback, nullptr);
  EXPECT_EQ(channel.datagram->write.epoch, 0);
  EXPECT_TRUE(channel.datagram->ends.empty());
  EXPECT_FALSE(channel.writer.protection().active());
  ASSERT_TRUE(channel.restart(false));
  EXPECT_EQ(channel.datagram.get(), nullptr);
}

}  // namespace
}  // namespace handfast::crypto_test
