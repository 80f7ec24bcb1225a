// Protected records of TLS 1.0 to 1.2: every cipher, MAC and version, against a second computation.
#include <gtest/gtest.h>

#include "record12_test_support.h"

namespace handfast::crypto_test {
namespace {

const Way kGcm{find_cipher_suite(0xC02F), TLS1_2_VERSION, false};
const Way kCbc{find_cipher_suite(0x002F), TLS1_2_VERSION, false};
const Way kCbcTls10{find_cipher_suite(0x002F), TLS1_VERSION, false};

class EachWay : public ::testing::TestWithParam<Way> {};

TEST_P(EachWay, OpensWhatItSeals) {
  Ends ends(GetParam());
  Octets content = pattern(16384);
  for (size_t size = 0; size <= 64; ++size) {
    Octets sealed = ends.seal(kData, View(content).first(size));
    EXPECT_EQ(to_hex(View(sealed).first(3)),
              to_hex(record(kData, {}, GetParam().version)).substr(0, 6));
    expect_record(ends.reader, sealed, kData, View(content).first(size));
  }
  for (size_t size : {255, 256, 257, 1000, 16383, 16384}) {
    expect_record(ends.reader, ends.seal(kData, View(content).first(size)), kData,
                  View(content).first(size));
  }
  EXPECT_EQ(ends.reader.protection().sequence(), 71U);
  EXPECT_EQ(ends.writer.protection().sequence(), 71U);
}

TEST_P(EachWay, ProtectsEveryType) {
  Ends ends(GetParam());
  for (uint8_t type : {kHandshake, kAlert, kCcs, kData}) {
    Octets sealed = ends.seal(type, from_hex("01"));
    EXPECT_EQ(sealed[0], type);
    EXPECT_GT(sealed.size(), 6U);
    expect_record(ends.reader, sealed, type, from_hex("01"));
  }
}

TEST_P(EachWay, AgreesWithTheReference) {
  Ends ends(GetParam());
  Reference sender(GetParam());
  Reference receiver(GetParam());
  Octets content = pattern(16384, 5);
  for (size_t size : {0, 1, 15, 16, 17, 63, 64, 65, 300, 4096, 16384}) {
    View part = View(content).first(size);
    expect_record(ends.reader, sender.seal(kHandshake, part), kHandshake, part);
    bool ok = false;
    EXPECT_EQ(receiver.open(ends.seal(kData, part), ok), octets(part));
    EXPECT_TRUE(ok) << size;
  }
}

TEST_P(EachWay, AnyChangedByteIsBadRecordMac) {
  Octets content = pattern(40);
  Octets good = Ends(GetParam()).seal(kData, content);
  for (size_t at = 0; at < good.size(); ++at) {
    if (at >= 1 && at <= 4) continue;  // version and length are judged before
    Ends ends(GetParam());
    Octets bad = ends.seal(kData, content);
    bad[at] ^= 1;
    // At the first record the explicit IV of a MACed plaintext is covered by what it decrypts to.
    expect_bad_record(ends.reader, bad);
    EXPECT_EQ(ends.reader.protection().sequence(), 0U);
  }
}

TEST_P(EachWay, ShorterAndLongerRecords) {
  Octets good = Ends(GetParam()).seal(kData, pattern(40));
  bool mac_outside = !is_aead(*GetParam().suite) && !GetParam().mac_in_plaintext();
  for (size_t length = 0; length <= good.size() + 40; ++length) {
    if (length == good.size() - 5) continue;
    Ends ends(GetParam());
    Octets body(View(good).begin() + 5, View(good).end());
    body.resize(length, 7);
    Octets changed = record(kData, body, GetParam().version);
    if (mac_outside && length < Material(GetParam()).keys.mac_key.size()) {
      expect_refused(ends.reader, changed, Alert::decode_error, SSL_R_LENGTH_TOO_SHORT);
    } else {
      expect_bad_record(ends.reader, changed);
    }
  }
}

TEST_P(EachWay, ReplayAndReordering) {
  Ends ends(GetParam());
  Octets first = ends.seal(kData, from_hex("aa"));
  Octets second = ends.seal(kData, from_hex("bb"));
  expect_record(ends.reader, first, kData, from_hex("aa"));
  expect_bad_record(ends.reader, first);
  Ends swapped(GetParam());
  expect_bad_record(swapped.reader, second);
}

TEST_P(EachWay, NewKeysStartOver) {
  Ends ends(GetParam());
  expect_record(ends.reader, ends.seal(kData, from_hex("aa")), kData, from_hex("aa"));
  ends.rekey(GetParam(), 7);
  EXPECT_EQ(ends.writer.protection().sequence(), 0U);
  EXPECT_EQ(ends.reader.protection().sequence(), 0U);
  EXPECT_EQ(ends.writer.protection().suite(), GetParam().suite);
  expect_record(ends.reader, ends.seal(kData, from_hex("bb")), kData, from_hex("bb"));
  // A renegotiation may change to any other cipher.
  for (const Way& way : all_ways()) {
    if (way.version != GetParam().version) continue;
    ends.rekey(way, 9);
    expect_record(ends.reader, ends.seal(kData, from_hex("cc")), kData, from_hex("cc"));
  }
}

TEST_P(EachWay, RefusesKeysOfOtherLengths) {
  Material material(GetParam());
  for (int part = 0; part < 3; ++part) {
    Octets longer = pattern(65);
    RecordKeys keys = material.keys;
    (part == 0 ? keys.mac_key : part == 1 ? keys.key : keys.iv) = longer;
    if (part == 0 && is_aead(*GetParam().suite)) continue;
    RecordWriter writer;
    EXPECT_FALSE(writer
                     .change_keys(all_algorithms(), *GetParam().suite, GetParam().version, keys,
                                  GetParam().encrypt_then_mac)
                     .ok());
    EXPECT_FALSE(writer.protection().active());
  }
  ERR_clear_error();
}

TEST_P(EachWay, TooLongPlaintext) {
  Octets content = pattern(16384 + 1);
  {
    Ends ends(GetParam());
    Reference sender(GetParam());
    expect_refused(ends.reader, sender.seal(kData, content), Alert::record_overflow,
                   SSL_R_DATA_LENGTH_TOO_LONG);
  }
  Ends ends(GetParam());
  ends.reader.set_max_plaintext(512);
  expect_record(ends.reader, ends.seal(kData, View(content).first(512)), kData,
                View(content).first(512));
  expect_refused(ends.reader, ends.seal(kData, View(content).first(513)), Alert::record_overflow,
                 SSL_R_DATA_LENGTH_TOO_LONG);
}

TEST_P(EachWay, EmptyRecordBeforeDataAtTls10OnlyWithCbc) {
  Ends ends(GetParam());
  EXPECT_EQ(ends.writer.wants_empty_record(),
            GetParam().cbc() && GetParam().version == TLS1_VERSION);
}

INSTANTIATE_TEST_SUITE_P(Tls12, EachWay, ::testing::ValuesIn(all_ways()), [](const auto& way) {
  std::string name;
  for (char c : way.param.name()) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) name += c;
  }
  return name;
});

TEST(RecordKeyLengths, OfTheKeyBlock) {
  struct {
    uint16_t suite, version;
    size_t mac_key, key, iv;
  } cases[] = {
      {0x002F, TLS1_VERSION, 20, 16, 16},   // AES128-SHA
      {0x002F, TLS1_1_VERSION, 20, 16, 0},  //
      {0x0035, TLS1_2_VERSION, 20, 32, 0},  // AES256-SHA
      {0x003C, TLS1_2_VERSION, 32, 16, 0},  // AES128-SHA256
      {0xC028, TLS1_2_VERSION, 48, 32, 0},  // ECDHE-RSA-AES256-SHA384
      {0x0001, TLS1_VERSION, 16, 0, 0},     // NULL-MD5
      {0x0002, TLS1_2_VERSION, 20, 0, 0},   // NULL-SHA
      {0xC02F, TLS1_2_VERSION, 0, 16, 4},   // ECDHE-RSA-AES128-GCM-SHA256
      {0xC030, TLS1_2_VERSION, 0, 32, 4},   // ECDHE-RSA-AES256-GCM-SHA384
      {0xC0A0, TLS1_2_VERSION, 0, 16, 4},   // AES128-CCM8
      {0xC0A1, TLS1_2_VERSION, 0, 32, 4},   // AES256-CCM8
      {0xC061, TLS1_2_VERSION, 0, 32, 4},   // ECDHE-ARIA256-GCM-SHA384
      {0xCCA8, TLS1_2_VERSION, 0, 32, 12},  // ECDHE-RSA-CHACHA20-POLY1305
  };
  for (const auto& test : cases) {
    const CipherSuite* suite = find_cipher_suite(test.suite);
    ASSERT_NE(suite, nullptr) << test.suite;
    RecordKeyLengths lengths = record_key_lengths(default_algorithms(), *suite, test.version);
    EXPECT_EQ(lengths.mac_key, test.mac_key) << suite->name;
    EXPECT_EQ(lengths.key, test.key) << suite->name;
    EXPECT_EQ(lengths.iv, test.iv) << suite->name;
  }
}

TEST(Tls12Records, CiphersThatLibcryptoLacksAreRefused) {
  const CipherSuite& seed = *find_cipher_suite(0x0096);
  ASSERT_EQ(default_algorithms().cipher(seed.cipher), nullptr);
  RecordWriter writer;
  RecordKeyLengths lengths = record_key_lengths(default_algorithms(), seed, TLS1_2_VERSION);
  EXPECT_EQ(lengths.key, 0U);
  Octets mac_key = pattern(lengths.mac_key);
  Verdict verdict =
      writer.change_keys(default_algorithms(), seed, TLS1_2_VERSION, {mac_key, {}, {}}, false);
  EXPECT_EQ(verdict.alert, Alert::internal_error);
  EXPECT_FALSE(writer.protection().active());
}

TEST(Tls12Records, Idea) {
  const CipherSuite* suite = find_cipher_suite(0x0007);
  if (all_algorithms().cipher(suite->cipher) == nullptr) {
    GTEST_SKIP() << "libcrypto was built without IDEA, as Debian's is";
  }
  for (uint16_t version : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION}) {
    Way way{suite, version, false};
    Ends ends(way);
    expect_record(ends.reader, Reference(way).seal(kData, pattern(50)), kData, pattern(50));
  }
}

TEST(Tls12Records, VersionMustBeTheNegotiatedOne) {
  for (const Way& way : {kGcm, kCbc, kCbcTls10}) {
    for (uint16_t version : {0x0300, 0x0301, 0x0302, 0x0303, 0x0304, 0x0403}) {
      if (version == way.version) continue;
      Ends ends(way);
      for (uint8_t type : {kData, kAlert}) {
        Octets sealed = ends.seal(type, from_hex("0228"));
        sealed[1] = static_cast<uint8_t>(version >> 8);
        sealed[2] = static_cast<uint8_t>(version);
        // No record was read yet: what is no TLS at all gets no alert.
        Alert alert = version >> 8 == 3 ? Alert::protocol_version : Alert::none;
        expect_refused(ends.reader, sealed, alert, SSL_R_WRONG_VERSION_NUMBER);
      }
    }
  }
}

TEST(Tls12Records, TooLongCiphertext) {
  Ends ends(kCbc);
  expect_refused(ends.reader, header(kData, 16384 + 324), Alert::record_overflow,
                 SSL_R_PACKET_LENGTH_TOO_LONG);
  expect_refused(ends.reader, header(kData, 16384 + 321), Alert::record_overflow,
                 SSL_R_ENCRYPTED_LENGTH_TOO_LONG);
  Octets part = header(kData, 16384 + 320);
  EXPECT_EQ(ends.reader.open(part).kind, Opened::Kind::need);
}

TEST(Tls12Records, UnknownTypeIsOpenedFirst) {
  for (uint8_t type : {uint8_t{0}, uint8_t{19}, uint8_t{24}, uint8_t{255}}) {
    Ends ends(kGcm);
    Reference sender(kGcm);
    Octets sealed = sender.seal(type, from_hex("0100"));
    ASSERT_FALSE(sealed.empty());
    Octets bad = sealed;
    bad[bad.size() - 1] ^= 1;
    expect_bad_record(ends.reader, bad);
    expect_refused(ends.reader, sealed, Alert::unexpected_message, SSL_R_UNEXPECTED_RECORD);
  }
}

TEST(Tls12Records, EmptyRecords) {
  for (uint8_t type : {kData, kHandshake}) {
    Ends ends(kCbcTls10);
    for (int round = 0; round < 2; ++round) {
      for (int i = 0; i < 32; ++i) expect_record(ends.reader, ends.seal(type, {}), type, {});
      if (round == 1) break;
      expect_record(ends.reader, ends.seal(kData, from_hex("aa")), kData, from_hex("aa"));
    }
    expect_refused(ends.reader, ends.seal(type, {}), Alert::unexpected_message,
                   SSL_R_RECORD_TOO_SMALL);
  }
}

TEST(Tls12Records, PaddingSettingsAreOfTls13Only) {
  for (const Way& way : {kGcm, kCbc}) {
    Ends plain(way);
    Ends padded(way);
    RecordPadding padding;
    padding.block = 512;
    padded.writer.set_padding(padding);
    EXPECT_EQ(plain.seal(kData, pattern(10)).size(), padded.seal(kData, pattern(10)).size());
  }
}

TEST(Tls12Records, ObserverSeesHeadersAndNoInnerTypes) {
  struct Seen {
    std::string headers;
    int inner = 0;
  } seen;
  RecordObserver observer;
  observer.context = &seen;
  observer.header = [](void* context, View bytes) {
    static_cast<Seen*>(context)->headers += to_hex(bytes) + " ";
  };
  observer.inner_type = [](void* context, uint8_t) { ++static_cast<Seen*>(context)->inner; };
  Ends ends(kGcm);
  ends.writer.set_observer(observer);
  ends.reader.set_observer(observer);
  expect_record(ends.reader, ends.seal(kHandshake, pattern(10)), kHandshake, pattern(10));
  EXPECT_EQ(seen.headers, "1603030022 1603030022 ");
  EXPECT_EQ(seen.inner, 0);
}

// RFC 5288 3: a nonce must not come twice with one key.
TEST(Tls12Records, ExplicitNoncesDiffer) {
  for (uint16_t id : {0xC02F, 0xC0A0, 0xC09C, 0xC061}) {
    Ends ends({find_cipher_suite(id), TLS1_2_VERSION, false});
    std::vector<std::string> nonces;
    for (int i = 0; i < 300; ++i) {
      nonces.push_back(to_hex(View(ends.seal(kData, {})).subspan(5, 8)));
    }
    bool counts_from_zero = nonces[1] == "0000000000000001";
    EXPECT_EQ(counts_from_zero, id == 0xC0A0 || id == 0xC09C);  // CCM
    std::sort(nonces.begin(), nonces.end());
    EXPECT_EQ(std::unique(nonces.begin(), nonces.end()), nonces.end());
  }
}

// RFC 5246 6.2.3.2: "The Initialization Vector (IV) SHOULD be chosen at random, and MUST be
// unpredictable."
// A kernel that goes on with the same key counts upwards, far away from the nonces used so far.
TEST(Tls12Records, NoncesForTheKernel) {
  for (uint16_t id : {0xC02F, 0xC09C, 0xCCA8}) {
    SCOPED_TRACE(id);
    Ends ends({find_cipher_suite(id), TLS1_2_VERSION, false});
    uint8_t before[Protection::kNonceLength];
    uint8_t after[Protection::kNonceLength];
    ends.writer.protection().nonce_for_another(before);
    Octets record = ends.seal(kData, pattern(10));
    ends.writer.protection().nonce_for_another(after);
    EXPECT_EQ(Octets(before, before + sizeof before), Octets(after, after + sizeof after));
    if (id == 0xCCA8) continue;  // RFC 7905: no explicit part
    auto number = [](const uint8_t* from) {
      uint64_t value = 0;
      for (int i = 0; i < 8; ++i) value = value << 8 | from[i];
      return value;
    };
    EXPECT_EQ(number(before + 4),
              number(record.data() + kRecordHeaderLength) + (uint64_t{1} << 32));
  }
}

TEST(Tls12Records, ExplicitIvsDiffer) {
  for (bool encrypt_then_mac : {false, true}) {
    Way way = kCbc;
    way.encrypt_then_mac = encrypt_then_mac;
    Octets first = Ends(way).seal(kData, pattern(16));
    Octets second = Ends(way).seal(kData, pattern(16));
    EXPECT_NE(to_hex(View(first).subspan(5, 16)), to_hex(View(second).subspan(5, 16)));
    EXPECT_NE(to_hex(View(first).subspan(21, 16)), to_hex(View(second).subspan(21, 16)));
  }
}

}  // namespace
}  // namespace handfast::crypto_test
