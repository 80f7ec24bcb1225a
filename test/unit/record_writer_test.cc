// Records as they are written, and round trips through every cipher suite.
#include "record/record_writer.h"

#include <gtest/gtest.h>

#include "record_test_support.h"

namespace handfast::crypto_test {
namespace {

const CipherSuite& aes128() {
  return *find_cipher_suite(0x1301);
}

struct Pair {
  explicit Pair(const CipherSuite& suite) {
    reader.set_version(TLS1_3_VERSION);
    writer.set_record_version(0x0303);
    rekey(suite, 1);
  }
  void rekey(const CipherSuite& suite, uint8_t seed) {
    EXPECT_TRUE(writer.change_keys(default_algorithms(), suite, secret_for(suite, seed)).ok());
    EXPECT_TRUE(reader.change_keys(default_algorithms(), suite, secret_for(suite, seed)).ok());
  }
  // Seals, opens and compares; the length of the record.
  size_t trip(ContentType type, View content) {
    Bytes out;
    EXPECT_TRUE(writer.seal(type, content, out).ok());
    EXPECT_LE(out.size(), writer.sealed_length(content.size()));
    Octets input = octets(out.view());
    Opened opened = reader.open(input);
    EXPECT_EQ(opened.kind, Opened::Kind::record);
    EXPECT_EQ(opened.type, type);
    EXPECT_TRUE(equal(opened.content, content)) << content.size();
    EXPECT_EQ(opened.consumed, input.size());
    return input.size();
  }

  RecordWriter writer;
  RecordReader reader;
};

TEST(PlainWriter, WritesVersionsAndTypes) {
  RecordWriter writer;
  Bytes out;
  ASSERT_TRUE(writer.seal(ContentType::handshake, from_hex("0102"), out).ok());
  writer.set_record_version(0x0303);
  ASSERT_TRUE(writer.seal(ContentType::change_cipher_spec, from_hex("01"), out).ok());
  ASSERT_TRUE(writer.seal(ContentType::alert, from_hex("0228"), out).ok());
  EXPECT_EQ(to_hex(out.view()),
            "16030100020102"
            "140303000101"
            "15030300020228");
  EXPECT_EQ(writer.sealed_length(2), 7U);
}

TEST(PlainWriter, RefusesMoreThanARecordHolds) {
  RecordWriter writer;
  Bytes out;
  Octets content = pattern(16385);
  EXPECT_TRUE(writer.seal(ContentType::handshake, View(content).first(16384), out).ok());
  const size_t before = out.size();
  EXPECT_FALSE(writer.seal(ContentType::handshake, content, out).ok());
  EXPECT_EQ(out.size(), before);
}

TEST(SealedWriter, ChangeCipherSpecStaysPlain) {
  Pair pair(aes128());
  Bytes out;
  ASSERT_TRUE(pair.writer.seal(ContentType::change_cipher_spec, from_hex("01"), out).ok());
  EXPECT_EQ(to_hex(out.view()), "140303000101");
  EXPECT_EQ(pair.writer.protection().sequence(), 0U);
}

TEST(SealedWriter, AlwaysSays0303) {
  Pair pair(aes128());
  pair.writer.set_record_version(0x0301);
  Bytes out;
  ASSERT_TRUE(pair.writer.seal(ContentType::handshake, from_hex("01"), out).ok());
  EXPECT_EQ(to_hex(out.view().first(5)), "1703030012");
}

class EachSuite : public ::testing::TestWithParam<uint16_t> {
 protected:
  const CipherSuite& suite() const { return *find_cipher_suite(GetParam()); }
};

TEST_P(EachSuite, RoundTripsOfAllSizes) {
  Pair pair(suite());
  Octets content = pattern(16384);
  for (size_t size = 0; size <= 300; ++size) {
    EXPECT_EQ(pair.trip(ContentType::application_data, View(content).first(size)),
              5 + size + 1 + suite().tag_length);
  }
  for (size_t size = 300; size <= 16384; size += size < 16000 ? 997 : 1) {
    pair.trip(ContentType::application_data, View(content).first(size));
  }
  pair.trip(ContentType::handshake, content);
  pair.trip(ContentType::alert, from_hex("0100"));
  EXPECT_EQ(pair.reader.protection().sequence(), pair.writer.protection().sequence());
}

TEST_P(EachSuite, ANewSecretStartsOver) {
  Pair pair(suite());
  pair.trip(ContentType::application_data, pattern(10));
  pair.rekey(suite(), 7);
  EXPECT_EQ(pair.writer.protection().sequence(), 0U);
  EXPECT_EQ(pair.writer.protection().suite(), &suite());
  pair.trip(ContentType::application_data, pattern(10));
  for (const CipherSuite& other : tls13_suites()) {
    pair.rekey(other, 9);
    pair.trip(ContentType::application_data, pattern(100));
  }
}

TEST_P(EachSuite, ManyRecordsInOneBuffer) {
  Pair pair(suite());
  Bytes out;
  for (uint8_t i = 1; i <= 20; ++i) {
    ASSERT_TRUE(pair.writer.seal(ContentType::application_data, pattern(i * 37, i), out).ok());
  }
  Octets input = octets(out.view());
  std::span<uint8_t> rest(input);
  for (uint8_t i = 1; i <= 20; ++i) {
    Opened opened = pair.reader.open(rest);
    ASSERT_EQ(opened.kind, Opened::Kind::record);
    EXPECT_EQ(octets(opened.content), pattern(i * 37, i));
    rest = rest.subspan(opened.consumed);
  }
  EXPECT_TRUE(rest.empty());
}

INSTANTIATE_TEST_SUITE_P(Tls13, EachSuite,
                         ::testing::Values(0x1301, 0x1302, 0x1303, 0x1304, 0x1305),
                         [](const auto& id) {
                           return std::string(find_cipher_suite(id.param)->name);
                         });

TEST_P(EachSuite, BlockPadding) {
  Pair pair(suite());
  RecordPadding padding;
  for (size_t block : {2, 16, 100, 512, 16384}) {
    padding.block = block;
    pair.writer.set_padding(padding);
    for (size_t size : {0, 1, 15, 16, 99, 1000, 16383, 16384}) {
      Octets content = pattern(size);
      const size_t inner =
          pair.trip(ContentType::application_data, content) - 5 - suite().tag_length;
      if (size + 1 >= 16384) {
        EXPECT_EQ(inner, size + 1) << block;
      } else {
        EXPECT_TRUE(inner % block == 0 || inner == 16384) << block << " " << size;
        EXPECT_LT(inner - size - 1, block);
      }
    }
  }
}

struct Asked {
  int type = 0;
  size_t length = 0;
  size_t answer = 0;
};

TEST(Padding, CallbackIsAskedWithTypeAndLength) {
  Pair pair(aes128());
  Asked asked;
  RecordPadding padding;
  padding.block = 512;  // the callback comes first
  padding.argument = &asked;
  padding.callback = [](SSL*, int type, size_t length, void* argument) {
    auto* seen = static_cast<Asked*>(argument);
    seen->type = type;
    seen->length = length;
    return seen->answer;
  };
  pair.writer.set_padding(padding);
  asked.answer = 3;
  EXPECT_EQ(pair.trip(ContentType::handshake, pattern(10)), 5U + 11 + 3 + 16);
  EXPECT_EQ(asked.type, SSL3_RT_HANDSHAKE);
  EXPECT_EQ(asked.length, 11U);
  asked.answer = 1U << 20;  // cut to what a record holds
  EXPECT_EQ(pair.trip(ContentType::application_data, pattern(10)), 5U + 16384 + 16);
  asked.answer = 1;
  EXPECT_EQ(pair.trip(ContentType::application_data, pattern(16384)), 5U + 16385 + 16);
}

TEST(Padding, StaysWithinTheFragmentLimit) {
  Pair pair(aes128());
  RecordPadding padding;
  padding.block = 16384;
  padding.limit = 512;
  pair.writer.set_padding(padding);
  EXPECT_EQ(pair.trip(ContentType::application_data, pattern(10)), 5U + 512 + 16);
  EXPECT_EQ(pair.trip(ContentType::application_data, pattern(600)), 5U + 601 + 16);
}

TEST(WriterObserver, SeesWrittenRecords) {
  struct Seen {
    std::string headers;
    std::string inner;
  } seen;
  RecordObserver observer;
  observer.context = &seen;
  observer.header = [](void* context, View bytes) {
    static_cast<Seen*>(context)->headers += to_hex(bytes) + " ";
  };
  observer.inner_type = [](void* context, uint8_t type) {
    static_cast<Seen*>(context)->inner += to_hex({&type, 1}) + " ";
  };
  Pair pair(aes128());
  pair.writer.set_observer(observer);
  pair.trip(ContentType::handshake, pattern(10));
  Bytes out;
  ASSERT_TRUE(pair.writer.seal(ContentType::change_cipher_spec, from_hex("01"), out).ok());
  EXPECT_EQ(seen.headers, "170303001b 1403030001 ");
  EXPECT_EQ(seen.inner, "16 ");
}

// The steady state asks the allocator for nothing: a buffer with room stays where it is.
TEST(SealedWriter, KeepsItsBuffer) {
  Pair pair(aes128());
  Bytes out;
  ASSERT_TRUE(out.reserve(pair.writer.sealed_length(16384)));
  const uint8_t* place = out.data();
  for (int i = 0; i < 10; ++i) {
    out.clear();
    ASSERT_TRUE(pair.writer.seal(ContentType::application_data, pattern(16384), out).ok());
    EXPECT_EQ(out.data(), place);
  }
}

}  // namespace
}  // namespace handfast::crypto_test
