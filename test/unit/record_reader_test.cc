// Every malformed, misplaced or oversized record, with its alert and reason.
#include "record/record_reader.h"

#include <gtest/gtest.h>

#include "record_test_support.h"

namespace handfast::crypto_test {
namespace {

const CipherSuite& aes128() {
  return *find_cipher_suite(0x1301);
}

const Octets kHello = pattern(40);

// A reader of a TLS 1.3 direction with keys, and the sealer of its peer.
struct Keyed {
  explicit Keyed(const CipherSuite& suite = aes128()) : sealer(suite) {
    reader.set_version(TLS1_3_VERSION);
    EXPECT_TRUE(reader.change_keys(default_algorithms(), suite, secret_for(suite)).ok());
    Octets first = sealer.seal(from_hex("0116"));
    expect_record(reader, first, kHandshake, from_hex("01"));
  }
  void refuses_inner(View inner, Alert alert, int reason) {
    expect_refused(reader, sealer.seal(inner), alert, reason);
  }

  RecordReader reader;
  RawSealer sealer;
};

TEST(PlainRecords, NeedsHeaderThenBody) {
  RecordReader reader;
  Octets whole = record(kHandshake, kHello, 0x0301);
  for (size_t size = 0; size < whole.size(); ++size) {
    Octets part(whole.begin(), whole.begin() + static_cast<long>(size));
    Opened opened = reader.open(part);
    ASSERT_EQ(opened.kind, Opened::Kind::need) << size;
    EXPECT_EQ(opened.need, size < 5 ? 5 : whole.size());
  }
  expect_record(reader, whole, kHandshake, kHello);
}

TEST(PlainRecords, ConsumesOneRecordOfSeveral) {
  RecordReader reader;
  Octets two = record(kHandshake, kHello, 0x0301);
  const size_t first = two.size();
  Octets alert = record(kAlert, from_hex("0228"), 0x0301);
  two.insert(two.end(), alert.begin(), alert.end());
  Opened opened = reader.open(two);
  ASSERT_EQ(opened.kind, Opened::Kind::record);
  EXPECT_EQ(opened.consumed, first);
  Octets rest(two.begin() + static_cast<long>(first), two.end());
  expect_record(reader, rest, kAlert, from_hex("0228"));
}

TEST(PlainRecords, AnyMinorVersionBeforeTheVersionIsKnown) {
  for (uint16_t version : {0x0300, 0x0301, 0x0303, 0x0304, 0x03ff}) {
    RecordReader reader;
    expect_record(reader, record(kHandshake, kHello, version), kHandshake, kHello);
  }
}

TEST(PlainRecords, FirstBytesThatAreNotTls) {
  struct {
    const char* bytes;
    int reason;
  } cases[] = {{"GET / HTTP/1.0\r\n", SSL_R_HTTP_REQUEST},
               {"POST /x", SSL_R_HTTP_REQUEST},
               {"HEAD /", SSL_R_HTTP_REQUEST},
               {"PUT /x", SSL_R_HTTP_REQUEST},
               {"CONNECT a:1", SSL_R_HTTPS_PROXY_REQUEST},
               {"SSH-2.0-x", SSL_R_WRONG_VERSION_NUMBER},
               {"\x16\x02\x01\x01\x01", SSL_R_WRONG_VERSION_NUMBER},
               {"\x16\x04\x01\x01\x01", SSL_R_WRONG_VERSION_NUMBER}};
  for (const auto& test : cases) {
    RecordReader reader;
    reader.set_server(true);
    expect_refused(reader, octets(as_view(test.bytes)), Alert::none, test.reason);
  }
}

TEST(PlainRecords, LaterBytesThatAreNotTls) {
  RecordReader reader;
  expect_record(reader, record(kHandshake, kHello), kHandshake, kHello);
  expect_refused(reader, octets(as_view("GET / HTTP/1.0\r\n")), Alert::protocol_version,
                 SSL_R_WRONG_VERSION_NUMBER);
}

TEST(PlainRecords, VersionIsHeldOnceNegotiated) {
  RecordReader reader;
  expect_record(reader, record(kHandshake, kHello, 0x0301), kHandshake, kHello);
  reader.set_version(TLS1_2_VERSION);
  expect_record(reader, record(kHandshake, kHello, 0x0303), kHandshake, kHello);
  expect_refused(reader, record(kHandshake, kHello, 0x0301), Alert::protocol_version,
                 SSL_R_WRONG_VERSION_NUMBER);
  expect_refused(reader, record(kAlert, from_hex("0246"), 0x0301), Alert::none,
                 SSL_R_WRONG_VERSION_NUMBER);
  // TLS 1.3's plaintext records keep any (RFC 8446 5.1: "MUST be ignored for all purposes").
  reader.set_version(TLS1_3_VERSION);
  expect_record(reader, record(kHandshake, kHello, 0x0301), kHandshake, kHello);
}

TEST(PlainRecords, TooLong) {
  RecordReader reader;
  Octets largest = pattern(16384);
  expect_record(reader, record(kHandshake, largest), kHandshake, largest);
  expect_refused(reader, header(kHandshake, 16385), Alert::record_overflow,
                 SSL_R_DATA_LENGTH_TOO_LONG);
  expect_refused(reader, header(kHandshake, 16705), Alert::record_overflow,
                 SSL_R_ENCRYPTED_LENGTH_TOO_LONG);
  expect_refused(reader, header(kHandshake, 65535), Alert::record_overflow,
                 SSL_R_PACKET_LENGTH_TOO_LONG);
  reader.set_max_plaintext(512);
  expect_refused(reader, header(kHandshake, 513), Alert::record_overflow,
                 SSL_R_DATA_LENGTH_TOO_LONG);
  expect_record(reader, record(kHandshake, pattern(512)), kHandshake, pattern(512));
}

TEST(PlainRecords, UnknownTypes) {
  for (int type : {0, 19, 24, 25, 128, 255}) {
    RecordReader reader;
    expect_refused(reader, record(static_cast<uint8_t>(type), kHello), Alert::unexpected_message,
                   SSL_R_UNEXPECTED_MESSAGE);
    RecordReader later;
    later.set_version(TLS1_3_VERSION);
    expect_refused(later, record(static_cast<uint8_t>(type), kHello), Alert::unexpected_message,
                   SSL_R_UNEXPECTED_RECORD);
  }
}

TEST(PlainRecords, EmptyHandshakeAndAlertFragments) {
  for (uint16_t version : {0, TLS1_3_VERSION}) {
    RecordReader reader;
    reader.set_version(version);
    expect_refused(reader, record(kHandshake, {}), Alert::unexpected_message, SSL_R_BAD_LENGTH);
  }
  RecordReader reader;
  reader.set_version(TLS1_3_VERSION);
  expect_refused(reader, record(kAlert, {}), Alert::unexpected_message, SSL_R_BAD_LENGTH);
  // Before the version is known the alert goes up, to be refused for its length.
  RecordReader first;
  expect_record(first, record(kAlert, {}), kAlert, {});
}

TEST(PlainRecords, EmptyOnesOfTls12AreCounted) {
  RecordReader reader;
  reader.set_version(TLS1_2_VERSION);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 32; ++i) expect_record(reader, record(kHandshake, {}), kHandshake, {});
    expect_record(reader, record(kHandshake, kHello), kHandshake, kHello);
  }
  for (int i = 0; i < 32; ++i) expect_record(reader, record(kData, {}), kData, {});
  expect_refused(reader, record(kHandshake, {}), Alert::unexpected_message, SSL_R_RECORD_TOO_SMALL);
}

const Octets kCcsBody = {1};

TEST(ChangeCipherSpec, DroppedWhenAllowed) {
  RecordReader reader;
  reader.allow_change_cipher_spec(true);
  expect_skip(reader, record(kCcs, kCcsBody));
  Keyed keyed;
  keyed.reader.allow_change_cipher_spec(true);
  expect_skip(keyed.reader, record(kCcs, kCcsBody));
  expect_record(keyed.reader, keyed.sealer.seal(from_hex("aa17")), kData, from_hex("aa"));
}

TEST(ChangeCipherSpec, OnlyASingleOne) {
  for (const char* body : {"", "00", "02", "0101", "010101"}) {
    RecordReader reader;
    reader.allow_change_cipher_spec(true);
    expect_refused(reader, record(kCcs, from_hex(body)), Alert::unexpected_message,
                   SSL_R_BAD_CHANGE_CIPHER_SPEC);
    Keyed keyed;
    keyed.reader.allow_change_cipher_spec(true);
    expect_refused(keyed.reader, record(kCcs, from_hex(body)), Alert::unexpected_message,
                   SSL_R_INVALID_CCS_MESSAGE);
  }
}

TEST(ChangeCipherSpec, RefusedWhenNotAllowed) {
  RecordReader reader;
  expect_refused(reader, record(kCcs, kCcsBody), Alert::unexpected_message,
                 SSL_R_UNEXPECTED_MESSAGE);
  RecordReader other;
  expect_refused(other, record(kCcs, from_hex("0101")), Alert::unexpected_message,
                 SSL_R_BAD_CHANGE_CIPHER_SPEC);
  Keyed keyed;
  expect_refused(keyed.reader, record(kCcs, kCcsBody), Alert::unexpected_message,
                 SSL_R_BAD_RECORD_TYPE);
}

TEST(ChangeCipherSpec, IsARecordOfTls12) {
  RecordReader reader;
  reader.set_version(TLS1_2_VERSION);
  expect_record(reader, record(kCcs, kCcsBody), kCcs, kCcsBody);
}

TEST(ChangeCipherSpec, NotWithoutEnd) {
  RecordReader reader;
  reader.allow_change_cipher_spec(true);
  for (int i = 0; i < 32; ++i) expect_skip(reader, record(kCcs, kCcsBody));
  expect_refused(reader, record(kCcs, kCcsBody), Alert::unexpected_message,
                 SSL_R_UNEXPECTED_CCS_MESSAGE);
}

TEST(ProtectedRecords, OuterTypeMustBeApplicationData) {
  for (uint8_t type : {kHandshake, kAlert, kCcs, uint8_t{24}}) {
    Keyed keyed;
    expect_refused(keyed.reader, record(type, from_hex("0228")), Alert::unexpected_message,
                   SSL_R_BAD_RECORD_TYPE);
  }
}

TEST(ProtectedRecords, PlaintextAlertWhenAllowed) {
  Keyed keyed;
  keyed.reader.allow_plaintext_alert(true);
  expect_record(keyed.reader, record(kAlert, from_hex("0228")), kAlert, from_hex("0228"));
  expect_refused(keyed.reader, record(kAlert, {}), Alert::unexpected_message, SSL_R_BAD_LENGTH);
}

TEST(ProtectedRecords, VersionMustBe0303) {
  Keyed keyed;
  expect_refused(keyed.reader, keyed.sealer.seal(from_hex("aa17"), kData, 0x0301),
                 Alert::decode_error, SSL_R_WRONG_VERSION_NUMBER);
}

TEST(ProtectedRecords, TooLong) {
  Keyed keyed;
  expect_refused(keyed.reader, header(kData, 16384 + 257), Alert::record_overflow,
                 SSL_R_ENCRYPTED_LENGTH_TOO_LONG);
  expect_refused(keyed.reader, header(kData, 65535), Alert::record_overflow,
                 SSL_R_PACKET_LENGTH_TOO_LONG);
  Octets part = header(kData, 16384 + 256);
  EXPECT_EQ(keyed.reader.open(part).kind, Opened::Kind::need);
}

TEST(ProtectedRecords, InnerPlaintextTooLong) {
  Octets inner = pattern(16385);
  inner.back() = kData;
  Keyed largest;
  expect_record(largest.reader, largest.sealer.seal(inner), kData, View(inner).first(16384));
  inner.push_back(kData);
  Keyed content;
  content.refuses_inner(inner, Alert::record_overflow, SSL_R_DATA_LENGTH_TOO_LONG);
  Keyed padded;
  inner.back() = 0;
  padded.refuses_inner(inner, Alert::record_overflow, SSL_R_DATA_LENGTH_TOO_LONG);
  Keyed fragment;
  fragment.reader.set_max_plaintext(1024);
  Octets small(View(inner).begin(), View(inner).begin() + 1026);
  small.back() = kData;
  fragment.refuses_inner(small, Alert::record_overflow, SSL_R_DATA_LENGTH_TOO_LONG);
}

TEST(ProtectedRecords, InnerTypes) {
  for (int type : {int{kCcs}, 1, 19, 24, 255}) {
    Octets inner = {0xaa, static_cast<uint8_t>(type)};
    Keyed keyed;
    keyed.refuses_inner(inner, Alert::unexpected_message, SSL_R_BAD_RECORD_TYPE);
  }
}

TEST(ProtectedRecords, NothingButZeros) {
  for (size_t size : {1, 2, 100, 16385}) {
    Keyed keyed;
    keyed.refuses_inner(Octets(size, 0), Alert::unexpected_message, SSL_R_BAD_RECORD_TYPE);
  }
}

// A tag over nothing authenticates: there is no content type.
TEST(ProtectedRecords, EmptyInnerPlaintext) {
  for (const CipherSuite& suite : tls13_suites()) {
    Keyed keyed(suite);
    TrafficSecret secret = secret_for(suite);
    TrafficKeys keys;
    const EVP_CIPHER* cipher = default_algorithms().cipher(suite.cipher);
    ASSERT_TRUE(secret.keys(static_cast<size_t>(EVP_CIPHER_get_key_length(cipher)), keys));
    Octets nonce = octets(keys.iv.view());
    nonce.back() ^= 1;  // the second record
    Octets input = header(kData, suite.tag_length);
    EvpCipherCtxPtr context(EVP_CIPHER_CTX_new());
    uint8_t tag[16];
    int length = 0;
    EVP_EncryptInit_ex(context.get(), cipher, nullptr, nullptr, nullptr);
    EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_IVLEN, 12, nullptr);
    const bool ccm = EVP_CIPHER_get_mode(cipher) == EVP_CIPH_CCM_MODE;
    if (ccm) EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, suite.tag_length, nullptr);
    EVP_EncryptInit_ex(context.get(), nullptr, nullptr, keys.key.view().data(), nonce.data());
    if (ccm) EVP_EncryptUpdate(context.get(), nullptr, &length, nullptr, 0);
    EVP_EncryptUpdate(context.get(), nullptr, &length, input.data(), 5);
    if (ccm) EVP_EncryptUpdate(context.get(), tag, &length, tag, 0);
    EVP_EncryptFinal_ex(context.get(), tag, &length);
    ASSERT_EQ(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, suite.tag_length, tag), 1);
    input.insert(input.end(), tag, tag + suite.tag_length);
    SCOPED_TRACE(suite.name);
    expect_refused(keyed.reader, input, Alert::unexpected_message, SSL_R_BAD_RECORD_TYPE);
  }
}

TEST(ProtectedRecords, EmptyFragments) {
  for (uint8_t type : {kHandshake, kAlert}) {
    for (size_t padding : {0, 7}) {
      Octets inner(1 + padding, 0);
      inner[0] = type;
      Keyed keyed;
      keyed.refuses_inner(inner, Alert::unexpected_message, SSL_R_BAD_LENGTH);
    }
  }
  Keyed keyed;
  for (int i = 0; i < 32; ++i) {
    expect_record(keyed.reader, keyed.sealer.seal(from_hex("17")), kData, {});
  }
  keyed.refuses_inner(from_hex("170000"), Alert::unexpected_message, SSL_R_RECORD_TOO_SMALL);
}

TEST(ProtectedRecords, PaddingComesOff) {
  Keyed keyed;
  for (size_t padding : {0, 1, 15, 16, 255, 16000}) {
    Octets inner = from_hex("00ff0017");
    inner.resize(inner.size() + padding, 0);
    expect_record(keyed.reader, keyed.sealer.seal(inner), kData, from_hex("00ff00"));
  }
}

TEST(ProtectedRecords, AnyChangedBitIsBadRecordMac) {
  for (const CipherSuite& suite : tls13_suites()) {
    SCOPED_TRACE(suite.name);
    Octets inner = from_hex("0102030405060717");
    Octets good = Keyed(suite).sealer.seal(inner);
    for (size_t at = 5; at < good.size(); ++at) {
      Keyed keyed(suite);
      Octets bad = keyed.sealer.seal(inner);
      bad[at] ^= 0x20;
      expect_refused(keyed.reader, bad, Alert::bad_record_mac,
                     SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
    }
    for (size_t size = 0; size < suite.tag_length; ++size) {
      Keyed keyed(suite);
      expect_refused(keyed.reader, record(kData, Octets(size, 1)), Alert::bad_record_mac,
                     SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
    }
    Keyed shorter(suite);  // the header is authenticated
    Octets cut = shorter.sealer.seal(inner);
    cut.pop_back();
    cut[4] -= 1;
    expect_refused(shorter.reader, cut, Alert::bad_record_mac,
                   SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
  }
}

TEST(ProtectedRecords, ReplayAndReordering) {
  Keyed keyed;
  Octets first = keyed.sealer.seal(from_hex("aa17"));
  Octets second = keyed.sealer.seal(from_hex("bb17"));
  expect_refused(keyed.reader, second, Alert::bad_record_mac,
                 SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
  EXPECT_EQ(keyed.reader.protection().sequence(), 1U);
  expect_record(keyed.reader, first, kData, from_hex("aa"));
  expect_refused(keyed.reader, first, Alert::bad_record_mac,
                 SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
}

// RFC 8446 4.2.10: a server that declined early data passes over it.
TEST(EarlyData, SkippedByFailingToOpen) {
  Keyed keyed;
  keyed.reader.skip_early_data(100, false);
  expect_skip(keyed.reader, record(kData, pattern(60)));
  expect_skip(keyed.reader, record(kData, pattern(10)));
  expect_record(keyed.reader, keyed.sealer.seal(from_hex("aa16")), kHandshake, from_hex("aa"));
  expect_refused(keyed.reader, record(kData, pattern(60)), Alert::bad_record_mac,
                 SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
}

TEST(EarlyData, TooMuchOfIt) {
  Keyed keyed;
  keyed.reader.skip_early_data(100, false);
  expect_skip(keyed.reader, record(kData, pattern(100 + 17)));
  expect_skip(keyed.reader, record(kData, pattern(17)));
  expect_refused(keyed.reader, record(kData, pattern(18)), Alert::unexpected_message,
                 SSL_R_TOO_MUCH_EARLY_DATA);
}

TEST(EarlyData, SkippedByTypeAfterHelloRetryRequest) {
  RecordReader reader;
  expect_record(reader, record(kHandshake, kHello), kHandshake, kHello);
  reader.set_version(TLS1_3_VERSION);
  reader.allow_change_cipher_spec(true);
  reader.skip_early_data(40000, true);
  expect_skip(reader, record(kData, pattern(16384 + 17)));
  expect_skip(reader, record(kCcs, kCcsBody));
  expect_skip(reader, record(kData, pattern(30)));
  expect_record(reader, record(kHandshake, kHello), kHandshake, kHello);
  expect_record(reader, record(kData, pattern(30)), kData, pattern(30));
}

TEST(EarlyData, StopsWhenToldTo) {
  Keyed keyed;
  keyed.reader.skip_early_data(1000, false);
  keyed.reader.stop_skipping();
  expect_refused(keyed.reader, record(kData, pattern(60)), Alert::bad_record_mac,
                 SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
}

struct Seen {
  std::vector<std::string> headers;
  std::vector<int> inner;
};

RecordObserver observer_of(Seen& seen) {
  RecordObserver observer;
  observer.context = &seen;
  observer.header = [](void* context, View bytes) {
    static_cast<Seen*>(context)->headers.push_back(to_hex(bytes));
  };
  observer.inner_type = [](void* context, uint8_t type) {
    static_cast<Seen*>(context)->inner.push_back(type);
  };
  return observer;
}

TEST(Observer, SeesEachHeaderOnceAndInnerTypes) {
  Keyed keyed;
  Seen seen;
  keyed.reader.set_observer(observer_of(seen));
  Octets sealed = keyed.sealer.seal(from_hex("aa17"));
  for (size_t size = 0; size < sealed.size(); ++size) {
    Octets part(sealed.begin(), sealed.begin() + static_cast<long>(size));
    EXPECT_EQ(keyed.reader.open(part).kind, Opened::Kind::need);
  }
  expect_record(keyed.reader, sealed, kData, from_hex("aa"));
  EXPECT_EQ(seen.headers, std::vector<std::string>{"1703030012"});
  EXPECT_EQ(seen.inner, std::vector<int>{kData});
  expect_record(keyed.reader, keyed.sealer.seal(from_hex("bb16")), kHandshake, from_hex("bb"));
  EXPECT_EQ(seen.headers.size(), 2U);
  EXPECT_EQ(seen.inner.back(), kHandshake);
}

}  // namespace
}  // namespace handfast::crypto_test
