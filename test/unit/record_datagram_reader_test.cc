// Records of datagrams as the reader sees them: what is whole and authentic is opened once, all
// else is dropped without a trace (RFC 6347 sections 4.1 and 4.1.2).
#include "record_datagram_test_support.h"

namespace handfast::crypto_test {
namespace {

const Octets kContent = pattern(40);

// --- Headers ---

TEST(DatagramReader, RecordsThatAreCutShortAreDropped) {
  DatagramEnds ends(gcm_way());
  Octets sealed = ends.seal(kData, kContent);
  for (size_t length = 1; length < sealed.size(); ++length) {
    SCOPED_TRACE(length);
    expect_skip(ends.reader, Octets(sealed.begin(), sealed.begin() + static_cast<long>(length)));
  }
  expect_record(ends.reader, sealed, kData, kContent);
}

TEST(DatagramReader, NothingIsNeededButAnotherDatagram) {
  DatagramEnds ends;
  Octets nothing;
  Opened opened = ends.reader.open(nothing);
  EXPECT_EQ(opened.kind, Opened::Kind::need);
  EXPECT_EQ(opened.need, 1U);
}

TEST(DatagramReader, AnyVersionOfDtlsUntilOneIsKnown) {
  DatagramEnds ends;
  uint64_t sequence = 0;
  for (uint16_t version : {0xfeff, 0xfefd, 0xfefc, 0xfe00}) {
    expect_record(ends.reader, datagram_record(kHandshake, 0, ++sequence, kContent, version),
                  kHandshake, kContent);
  }
  for (uint16_t version : {0x0303, 0x0100, 0xfdff, 0xffff, 0}) {
    expect_skip(ends.reader, datagram_record(kHandshake, 0, ++sequence, kContent, version));
  }
}

TEST(DatagramReader, OnlyAlertsHaveAnotherVersionThanTheNegotiatedOne) {
  DatagramEnds ends;
  uint64_t sequence = 0;
  for (uint16_t version : {TLS1_1_VERSION, TLS1_2_VERSION}) {
    ends.reader.set_version(version);
    uint16_t own = wire_version(true, version);
    for (uint16_t other : {0xfeff, 0xfefd, 0xfefc}) {
      Octets record = datagram_record(kHandshake, 0, ++sequence, kContent, other);
      if (other == own) expect_record(ends.reader, record, kHandshake, kContent);
      if (other != own) expect_skip(ends.reader, record);
      expect_record(ends.reader, datagram_record(kAlert, 0, ++sequence, kContent, other), kAlert,
                    kContent);
    }
    expect_skip(ends.reader, datagram_record(kAlert, 0, ++sequence, kContent, 0x0303));
  }
}

TEST(DatagramReader, UnknownTypesInTheClearAreDropped) {
  DatagramEnds ends;
  for (int type : {0, 19, 24, 255}) {
    expect_skip(ends.reader, datagram_record(static_cast<uint8_t>(type), 0, 7, kContent));
  }
  // The number was not used up.
  expect_record(ends.reader, datagram_record(kData, 0, 7, kContent), kData, kContent);
}

TEST(DatagramReader, UnknownTypesUnderProtectionAreThePeersFault) {
  for (uint8_t type : {0, 19, 24, 255}) {
    DatagramEnds ends(gcm_way());
    expect_refused(ends.reader, ends.seal(type, kContent), Alert::unexpected_message,
                   SSL_R_UNEXPECTED_RECORD);
  }
}

// --- Lengths ---

TEST(DatagramReader, LongPlaintexts) {
  DatagramEnds ends;
  ends.reader.set_max_plaintext(512);
  expect_skip(ends.reader, datagram_record(kHandshake, 0, 0, pattern(513)));
  expect_record(ends.reader, datagram_record(kHandshake, 0, 0, pattern(512)), kHandshake,
                pattern(512));
  for (const Way& way : datagram_ways()) {
    SCOPED_TRACE(way.name());
    DatagramEnds sealed(way);
    sealed.reader.set_max_plaintext(512);
    expect_record(sealed.reader, sealed.seal(kData, pattern(512)), kData, pattern(512));
    expect_refused(sealed.reader, sealed.seal(kData, pattern(513)), Alert::record_overflow,
                   SSL_R_DATA_LENGTH_TOO_LONG);
  }
}

TEST(DatagramReader, EmptyAndOverlongBodies) {
  DatagramEnds ends;
  expect_skip(ends.reader, datagram_record(kHandshake, 0, 0, {}));
  expect_skip(ends.reader, datagram_record(kHandshake, 0, 0, pattern(16384 + 1)));
  expect_skip(ends.reader, datagram_record(kHandshake, 0, 0, pattern(65535)));
  expect_record(ends.reader, datagram_record(kHandshake, 0, 0, pattern(16384)), kHandshake,
                pattern(16384));
}

TEST(DatagramReader, TheLongestRecordOfEveryCipher) {
  for (const Way& way : datagram_ways()) {
    SCOPED_TRACE(way.name());
    DatagramEnds ends(way);
    expect_record(ends.reader, ends.seal(kData, pattern(16384)), kData, pattern(16384));
    expect_record(ends.reader, ends.seal(kData, {}), kData, {});
  }
}

// --- Authenticity ---

// One bit of each byte is wrong: of the header's type, place and length, of the body.
TEST(DatagramReader, ForgedRecordsLeaveNothingBehind) {
  ERR_clear_error();
  for (const Way& way : datagram_ways()) {
    SCOPED_TRACE(way.name());
    DatagramEnds ends(way);
    Octets sealed = ends.seal(kData, kContent);
    for (size_t at = 0; at < sealed.size(); ++at) {
      if (at == 11 || at == 12) continue;
      Octets forged = sealed;
      forged[at] ^= 0x10;
      Opened opened = ends.reader.open(forged);
      ASSERT_EQ(opened.kind, Opened::Kind::skip) << "byte " << at;
      EXPECT_EQ(opened.consumed, sealed.size());
      EXPECT_EQ(ERR_peek_error(), 0U);
    }
    expect_record(ends.reader, sealed, kData, kContent);
    expect_skip(ends.reader, sealed);
  }
}

TEST(DatagramReader, WhatStandsInTheErrorQueueStays) {
  DatagramEnds ends(gcm_way());
  Octets forged = ends.seal(kData, kContent);
  forged.back() ^= 1;
  ERR_clear_error();
  ERR_raise(ERR_LIB_USER, 77);
  EXPECT_EQ(ends.reader.open(forged).kind, Opened::Kind::skip);
  EXPECT_EQ(ERR_GET_REASON(ERR_get_error()), 77);
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(DatagramReader, JunkOfEveryLengthIsDropped) {
  ERR_clear_error();
  for (const Way& way : datagram_ways()) {
    SCOPED_TRACE(way.name());
    DatagramEnds ends(way);
    uint16_t version = wire_version(true, way.version);
    for (size_t length = 1; length < 130; ++length) {
      SCOPED_TRACE(length);
      uint8_t seed = static_cast<uint8_t>(length);
      expect_skip(ends.reader, datagram_record(kData, 1, 5, pattern(length, seed), version));
      expect_skip(ends.reader, datagram_record(kData, 1, 5, Octets(length, 0), version));
    }
    expect_skip(ends.reader, datagram_record(kData, 1, 5, pattern(16384 + 320), version));
    expect_record(ends.reader, ends.seal(kAlert, kContent), kAlert, kContent);
  }
}

TEST(DatagramReader, ABrokenRecordDoesNotSpoilItsDatagram) {
  DatagramEnds ends(gcm_way());
  Octets datagram;
  for (uint8_t i = 0; i < 5; ++i) {
    Octets sealed = ends.seal(kData, pattern(10, i));
    if (i == 1) sealed.back() ^= 1;  // MAC
    if (i == 2) sealed[2] = 0;       // version
    if (i == 3) sealed[4] = 0;       // an old epoch
    datagram.insert(datagram.end(), sealed.begin(), sealed.end());
  }
  Octets cut = ends.seal(kData, pattern(10, 9));
  datagram.insert(datagram.end(), cut.begin(), cut.end() - 1);
  std::span<uint8_t> rest(datagram);
  std::vector<Octets> got;
  while (!rest.empty()) {
    Opened opened = ends.reader.open(rest);
    ASSERT_TRUE(opened.kind == Opened::Kind::record || opened.kind == Opened::Kind::skip);
    ASSERT_GT(opened.consumed, 0U);
    if (opened.kind == Opened::Kind::record) got.push_back(octets(opened.content));
    rest = rest.subspan(opened.consumed);
  }
  EXPECT_EQ(got, (std::vector<Octets>{pattern(10, 0), pattern(10, 4)}));
}

// --- The replay window ---

// RFC 6347 4.1.2.6 with all that was ever seen.
struct Model {
  std::vector<uint64_t> seen;
  uint64_t highest = 0;
  bool fresh(uint64_t sequence) const {
    if (highest >= 64 && sequence <= highest - 64) return false;
    return std::find(seen.begin(), seen.end(), sequence) == seen.end();
  }
  void note(uint64_t sequence) {
    seen.push_back(sequence);
    highest = std::max(highest, sequence);
  }
};

TEST(ReplayWindow, AsAListOfAllThatWasSeen) {
  uint32_t state = 1;
  auto draw = [&](uint32_t limit) {
    return (state = state * 1664525 + 1013904223) / 65536 % limit;
  };
  for (int run = 0; run < 200; ++run) {
    Model model;
    ReplayWindow window;
    uint64_t base = run % 4 == 0 ? kMaxDatagramSequence - 500 : draw(3) * 1000;
    for (int i = 0; i < 120; ++i) {
      base = std::min(base + draw(i % 10 == 0 ? 140 : 4), kMaxDatagramSequence);
      uint64_t back = draw(i % 3 == 0 ? 70 : 8);
      uint64_t sequence = base >= back ? base - back : 0;
      ASSERT_EQ(window.fresh(sequence), model.fresh(sequence)) << sequence;
      if (!model.fresh(sequence)) continue;
      window.note(sequence);
      model.note(sequence);
    }
  }
}

TEST(ReplayWindow, JumpsAroundItsSize) {
  for (uint64_t jump : {1, 62, 63, 64, 65, 127, 128, 1000}) {
    for (uint64_t start : {0, 5, 1000}) {
      ReplayWindow window;
      window.note(start);
      EXPECT_FALSE(window.fresh(start));
      window.note(start + jump);
      EXPECT_FALSE(window.fresh(start + jump));
      EXPECT_FALSE(window.fresh(start)) << "seen, or too old to tell";
      for (uint64_t between = start + 1; between < start + jump; ++between) {
        EXPECT_EQ(window.fresh(between), start + jump - between < 64) << between;
      }
      EXPECT_TRUE(window.fresh(start + jump + 1));
    }
  }
}

TEST(DatagramReader, RecordsAreOpenedOnceInAnyOrder) {
  DatagramEnds ends(gcm_way());
  for (uint64_t sequence : {100, 37, 99, 101, 38, 3000, 2937}) {
    Octets sealed = ends.seal_as(sequence, kContent);
    SCOPED_TRACE(sequence);
    expect_record(ends.reader, sealed, kData, kContent);
    expect_skip(ends.reader, sealed);
  }
  for (uint64_t sequence : {0, 36, 100, 2936}) {
    expect_skip(ends.reader, ends.seal_as(sequence, kContent));
  }
}

TEST(DatagramReader, ForgedNumbersDoNotMoveTheWindow) {
  DatagramEnds ends(gcm_way());
  Octets forged = ends.seal_as(5, kContent);
  forged[5] = 0xff;  // far ahead
  expect_skip(ends.reader, forged);
  expect_record(ends.reader, ends.seal_as(5, kContent), kData, kContent);
  expect_record(ends.reader, ends.seal_as(0, kContent), kData, kContent);
}

TEST(DatagramReader, EachEpochHasAWindow) {
  DatagramEnds ends(gcm_way());
  expect_record(ends.reader, ends.seal_as(500, kContent), kData, kContent);
  ends.change_reader(gcm_way(), 2);
  ends.change_writer(gcm_way(), 2);
  expect_record(ends.reader, ends.seal_as(0, kContent), kData, kContent);
  expect_record(ends.reader, ends.seal_as(500, kContent), kData, kContent);
}

// --- Epochs ---

TEST(DatagramReader, OtherEpochsAreDropped) {
  DatagramEnds ends(gcm_way());
  for (uint16_t epoch : {0, 3, 4, 65535}) {
    expect_skip(ends.reader, datagram_record(kHandshake, epoch, 9, kContent));
    expect_skip(ends.reader, datagram_record(kAlert, epoch, 9, Octets{2, 40}));
  }
  ends.read.keeps_next = true;
  for (uint16_t epoch : {0, 3, 4, 65535}) {
    expect_skip(ends.reader, datagram_record(kHandshake, epoch, 9, kContent));
  }
  EXPECT_TRUE(ends.read.next.empty());
}

TEST(DatagramReader, TheNextEpochIsKeptDuringAHandshakeOnly) {
  DatagramEnds ends;
  ends.change_writer(gcm_way());
  expect_skip(ends.reader, ends.seal(kData, kContent));
  EXPECT_TRUE(ends.read.next.empty());
  ends.read.keeps_next = true;
  expect_skip(ends.reader, ends.seal(kData, kContent));
  EXPECT_EQ(ends.read.next.size(), 1U);
}

Opened open_between(DatagramEnds& ends) {
  Octets nothing;
  return ends.reader.open(nothing);
}

TEST(DatagramReader, WhatOvertookTheChangeOfKeysFollowsIt) {
  DatagramEnds ends;
  ends.read.keeps_next = true;
  ends.change_writer(gcm_way());
  Octets forged = ends.seal(kData, kContent);
  forged.back() ^= 1;
  Octets first = ends.seal(kHandshake, pattern(20, 1));
  Octets second = ends.seal(kData, pattern(20, 2));
  for (const Octets& early : {forged, second, first, second}) expect_skip(ends.reader, early);
  EXPECT_EQ(open_between(ends).kind, Opened::Kind::need) << "not before the keys are there";
  EXPECT_EQ(ends.read.next.size(), 4U);
  ends.change_reader(gcm_way());
  EXPECT_EQ(open_between(ends).kind, Opened::Kind::skip) << "forged";
  Opened opened = open_between(ends);
  ASSERT_EQ(opened.kind, Opened::Kind::record);
  EXPECT_EQ(to_hex(opened.content), to_hex(pattern(20, 2)));
  EXPECT_EQ(opened.consumed, 0U);
  opened = open_between(ends);
  ASSERT_EQ(opened.kind, Opened::Kind::record);
  EXPECT_EQ(opened.type, ContentType::handshake);
  EXPECT_EQ(to_hex(opened.content), to_hex(pattern(20, 1)));
  EXPECT_EQ(open_between(ends).kind, Opened::Kind::skip) << "twice";
  EXPECT_EQ(open_between(ends).kind, Opened::Kind::need);
}

TEST(DatagramReader, WithoutItsHandshakeTheNextEpochIsForgotten) {
  DatagramEnds ends;
  ends.read.keeps_next = true;
  ends.change_writer(gcm_way());
  for (int i = 0; i < 5; ++i) expect_skip(ends.reader, ends.seal(kData, kContent));
  ends.read.keeps_next = false;
  EXPECT_EQ(open_between(ends).kind, Opened::Kind::need);
  EXPECT_TRUE(ends.read.next.empty());
}

// Nobody has shown that he is the peer.
TEST(DatagramReader, FewRecordsOfTheNextEpochAreKept) {
  for (size_t length : {1, 1000, 16384}) {
    DatagramEnds ends;
    ends.read.keeps_next = true;
    for (uint64_t i = 0; i < 70000 / length; ++i) {
      expect_skip(ends.reader, datagram_record(kData, 1, i, pattern(length)));
    }
    EXPECT_LE(ends.read.next.size(), 100U);
    EXPECT_LE(ends.read.next.size() * (length + 13), 65536U);
    EXPECT_GE(ends.read.next.size(), std::min<size_t>(65536 / (length + 13), 100));
    // As many fit again when these are gone.
    ends.change_reader(gcm_way());
    while (open_between(ends).kind != Opened::Kind::need) {
    }
    expect_skip(ends.reader, datagram_record(kData, 2, 1, pattern(length)));
    EXPECT_EQ(ends.read.next.size(), 1U);
  }
}

TEST(DatagramReader, TheLastEpochHasNoNextOne) {
  DatagramEnds ends;
  ends.read.epoch = UINT16_MAX;
  ends.read.keeps_next = true;
  Material material(gcm_way());
  EXPECT_FALSE(
      ends.reader
          .change_keys(all_algorithms(), *gcm_way().suite, TLS1_2_VERSION, material.keys, false)
          .ok());
  expect_skip(ends.reader, datagram_record(kData, 0, 1, kContent));
  EXPECT_EQ(ends.read.next.size(), 0U);
  EXPECT_EQ(ends.read.epoch, UINT16_MAX);
}

}  // namespace
}  // namespace handfast::crypto_test
