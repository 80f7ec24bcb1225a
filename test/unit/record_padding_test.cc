// MAC-then-encrypt: every padding there is, every way to get it wrong, and one answer to all of
// them (RFC 5246 6.2.3.2). Then the parts that the check is made of.
#include <gtest/gtest.h>

#include <algorithm>

#include "record/cbc_check.h"
#include "record/constant_time.h"
#include "record12_test_support.h"
#include "support/failing_allocator.h"

namespace handfast::crypto_test {
namespace {

std::vector<Way> cbc_ways() {
  std::vector<Way> ways = all_ways();
  std::erase_if(ways, [](const Way& way) { return !way.cbc(); });
  return ways;
}

// Padding lengths that fill the last block behind `length` bytes of content.
std::vector<size_t> paddings(const Way& way, size_t length) {
  size_t block =
      static_cast<size_t>(EVP_CIPHER_get_block_size(all_algorithms().cipher(way.suite->cipher)));
  size_t inner = length + (way.mac_in_plaintext() ? Material(way).keys.mac_key.size() : 0);
  std::vector<size_t> out;
  for (size_t padding = 0; padding < 256; ++padding) {
    if ((inner + padding + 1) % block == 0) out.push_back(padding);
  }
  return out;
}

class Padding : public ::testing::TestWithParam<Way> {
 protected:
  static constexpr size_t kNone = SIZE_MAX;
  // A reader of its own for one crafted record.
  void refuse(View content, const Craft& craft) {
    Ends ends(GetParam());
    SCOPED_TRACE(std::to_string(content.size()) + " bytes, padding " +
                 std::to_string(craft.padding) + ", flipped " + std::to_string(craft.flip_padding));
    expect_bad_record(ends.reader, Reference(GetParam()).seal(kData, content, craft));
    EXPECT_EQ(ends.reader.protection().sequence(), 0U);
  }
};

TEST_P(Padding, OfEveryLengthIsTaken) {
  Ends ends(GetParam());
  Reference sender(GetParam());
  Octets content = pattern(300);
  for (size_t length = 0; length <= 64; ++length) {
    for (size_t padding : paddings(GetParam(), length)) {
      View part = View(content).first(length);
      // In between, so that there are never as many empty records in a row as are refused.
      expect_record(ends.reader, sender.seal(kData, part, {padding, kNone, false}), kData, part);
      expect_record(ends.reader, sender.seal(kData, from_hex("aa")), kData, from_hex("aa"));
    }
  }
}

TEST_P(Padding, WithOneWrongByteIsBadRecordMac) {
  for (size_t length : {0, 1, 7, 300}) {
    Octets content = pattern(length);
    for (size_t padding : paddings(GetParam(), length)) {
      if (padding == 0) continue;
      for (size_t at : {size_t{1}, (padding + 1) / 2, padding}) {
        refuse(content, {padding, at, false});
      }
    }
  }
}

// A changed length byte makes the padding reach elsewhere.
TEST_P(Padding, WithAWrongLengthIsBadRecordMac) {
  for (size_t length : {0, 5, 300}) {
    Octets content = pattern(length);
    for (size_t padding : paddings(GetParam(), length)) refuse(content, {padding, 0, false});
  }
}

TEST_P(Padding, GoodOrBadAWrongMacIsBadRecordMac) {
  for (size_t length : {0, 5, 300}) {
    Octets content = pattern(length);
    for (size_t padding : paddings(GetParam(), length)) {
      refuse(content, {padding, kNone, true});
      if (padding > 0) refuse(content, {padding, 1, true});
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cbc, Padding, ::testing::ValuesIn(cbc_ways()), [](const auto& way) {
  std::string name;
  for (char c : way.param.name()) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) name += c;
  }
  return name;
});

// The hashes of records; `generic`: as an ENGINE would give them, without libcrypto's plain states.
std::vector<const EVP_MD*> hashes(bool generic) {
  if (generic) return {EVP_md5(), EVP_sha1(), EVP_sha256(), EVP_sha384()};
  const Algorithms& algorithms = default_algorithms();
  return {algorithms.hash(HashId::md5), algorithms.hash(HashId::sha1),
          algorithms.hash(HashId::sha256), algorithms.hash(HashId::sha384)};
}

Octets reference_mac(const EVP_MD* md, View key, const PseudoHeader& header, View content) {
  Octets message = octets(header.view());
  message.insert(message.end(), content.begin(), content.end());
  Octets out(static_cast<size_t>(EVP_MD_get_size(md)));
  HMAC(md, key.data(), static_cast<int>(key.size()), message.data(), message.size(), out.data(),
       nullptr);
  return out;
}

TEST(RecordMac, IsHmac) {
  Octets content = pattern(400);
  Octets header = record(kData, {});
  for (bool generic : {false, true}) {
    for (const EVP_MD* md : hashes(generic)) {
      for (size_t key_size : {0, 1, 20, 64, 65, 128, 129, 200}) {
        Octets key = pattern(key_size, 9);
        RecordMac mac;
        ASSERT_TRUE(mac.start(md, key));
        ASSERT_EQ(mac.size(), static_cast<size_t>(EVP_MD_get_size(md)));
        for (size_t length = 0; length <= 300; length += 13) {
          PseudoHeader pseudo(0x0102030405060708, header, length);
          Octets out(mac.size());
          ASSERT_TRUE(mac.compute(pseudo, View(content).first(length), out.data()));
          EXPECT_EQ(out, reference_mac(md, key, pseudo, View(content).first(length)));
        }
      }
    }
  }
}

TEST(RecordMac, OfEverySecretLength) {
  Octets content = pattern(600);
  Octets header = record(kData, {});
  Octets key = pattern(32, 9);
  for (bool generic : {false, true}) {
    for (const EVP_MD* md : hashes(generic)) {
      RecordMac mac;
      ASSERT_TRUE(mac.start(md, key));
      for (size_t longest : {0, 1, 50, 51, 64, 114, 115, 128, 255, 256, 600}) {
        size_t shortest = longest - std::min<size_t>(longest, 255);
        for (size_t length = shortest; length <= longest; ++length) {
          PseudoHeader pseudo(7, header, length);
          Octets out(mac.size());
          ASSERT_TRUE(mac.compute_secret_length(pseudo, View(content).first(longest), shortest,
                                                length, out.data()));
          ASSERT_EQ(out, reference_mac(md, key, pseudo, View(content).first(length)))
              << longest << " " << length;
        }
      }
    }
  }
}

TEST(RecordMac, NeedsAKey) {
  RecordMac mac;
  uint8_t out[RecordMac::kMaxSize];
  Octets header = record(kData, {});
  PseudoHeader pseudo(0, header, 0);
  EXPECT_FALSE(mac.compute(pseudo, {}, out));
  EXPECT_FALSE(mac.compute_secret_length(pseudo, {}, 0, 0, out));
}

// As the reader sees it after decryption, with the plain EVP digests too.
TEST(CheckCbc, GoodAndBad) {
  Octets header = record(kData, {});
  Octets key = pattern(20);
  for (bool generic : {false, true}) {
    for (const EVP_MD* md : hashes(generic)) {
      RecordMac mac;
      ASSERT_TRUE(mac.start(md, key));
      for (size_t length : {0, 1, 100, 500}) {
        for (size_t padding = 0; padding < 256; ++padding) {
          Octets plaintext = pattern(length);
          PseudoHeader pseudo(3, header, length);
          Octets code = reference_mac(md, key, pseudo, plaintext);
          plaintext.insert(plaintext.end(), code.begin(), code.end());
          plaintext.insert(plaintext.end(), padding + 1, static_cast<uint8_t>(padding));
          CbcCheck check;
          ASSERT_TRUE(check_cbc(mac, pseudo, plaintext, check));
          ASSERT_EQ(check.good, SIZE_MAX);
          ASSERT_EQ(check.length, length);
          for (size_t at : {length, length + code.size() - 1, length + code.size()}) {
            Octets bad = plaintext;
            bad[at] ^= 0x80;
            ASSERT_TRUE(check_cbc(mac, pseudo, bad, check));
            ASSERT_EQ(check.good, 0U) << at;
          }
        }
      }
      // The shortest there is, with padding that says more than there is.
      for (int last = 0; last < 256; ++last) {
        Octets plaintext(mac.size() + 1, static_cast<uint8_t>(last));
        CbcCheck check;
        ASSERT_TRUE(check_cbc(mac, PseudoHeader(3, header, 0), plaintext, check));
        ASSERT_EQ(check.good, 0U);
        ASSERT_LT(check.length, plaintext.size());
      }
    }
  }
}

TEST(ConstantTime, Masks) {
  const size_t values[] = {0, 1, 2, 127, 255, 256, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX};
  for (size_t a : values) {
    EXPECT_EQ(constant_time::is_zero(a), a == 0 ? SIZE_MAX : 0);
    for (size_t b : values) {
      EXPECT_EQ(constant_time::less(a, b), a < b ? SIZE_MAX : 0) << a << " " << b;
      EXPECT_EQ(constant_time::at_least(a, b), a >= b ? SIZE_MAX : 0) << a << " " << b;
      EXPECT_EQ(constant_time::equal(a, b), a == b ? SIZE_MAX : 0) << a << " " << b;
    }
    EXPECT_EQ(constant_time::select8(SIZE_MAX, 5, 9), 5);
    EXPECT_EQ(constant_time::select8(0, 5, 9), 9);
  }
}

TEST(Tls12Records, RunningOutOfMemory) {
  ASSERT_TRUE(support::allocator_installed());
  for (const Way& way : {Way{find_cipher_suite(0x002F), TLS1_2_VERSION, false},
                         Way{find_cipher_suite(0xC02F), TLS1_2_VERSION, false}}) {
    Material material(way);
    for (size_t successes = 0; successes < 10; ++successes) {
      RecordWriter writer;
      support::fail_allocation_after(successes);
      Verdict verdict = writer.change_keys(default_algorithms(), *way.suite, way.version,
                                           material.keys, way.encrypt_then_mac);
      bool failed = support::stop_failing();
      EXPECT_EQ(verdict.ok(), !failed);
      EXPECT_EQ(writer.protection().active(), !failed);
      if (failed) EXPECT_EQ(verdict.alert, Alert::internal_error);
    }
  }
  ERR_clear_error();
}

}  // namespace
}  // namespace handfast::crypto_test
