// The framing of SSL 2.0 around a server's first record (RFC 5246 appendix E.2).
#include <gtest/gtest.h>

#include "record_test_support.h"

namespace handfast::crypto_test {
namespace {

Octets framed(size_t length, uint8_t type = 1) {
  Octets out = {static_cast<uint8_t>(0x80 | length >> 8), static_cast<uint8_t>(length)};
  Octets body = pattern(length);
  if (!body.empty()) body[0] = type;
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

RecordReader server() {
  RecordReader reader;
  reader.set_server(true);
  return reader;
}

TEST(Sslv2Record, IsAServersFirst) {
  for (size_t length : {9, 46, 255, 256, 16384}) {
    RecordReader reader = server();
    Octets hello = framed(length);
    for (size_t size : {size_t{0}, size_t{4}, size_t{5}, hello.size() - 1}) {
      Octets part(hello.begin(), hello.begin() + static_cast<long>(size));
      Opened opened = reader.open(part);
      ASSERT_EQ(opened.kind, Opened::Kind::need) << size;
      EXPECT_EQ(opened.need, size < 5 ? 5 : hello.size());
    }
    Octets more = hello;
    more.push_back(0x16);
    Opened opened = reader.open(more);
    ASSERT_EQ(opened.kind, Opened::Kind::record);
    EXPECT_TRUE(opened.sslv2);
    EXPECT_EQ(opened.type, ContentType::handshake);
    EXPECT_EQ(opened.consumed, hello.size());
    EXPECT_EQ(octets(opened.content), octets(View(hello).subspan(2)));
    // Only the first: what follows is TLS.
    expect_record(reader, record(kHandshake, from_hex("0102")), kHandshake, from_hex("0102"));
    expect_refused(reader, hello, Alert::protocol_version, SSL_R_WRONG_VERSION_NUMBER);
  }
}

TEST(Sslv2Record, NormalRecordsAreNotMarked) {
  RecordReader reader = server();
  Octets hello = record(kHandshake, from_hex("0102"));
  EXPECT_FALSE(reader.open(hello).sslv2);
}

TEST(Sslv2Record, NeitherForClientsNorOfOtherTypes) {
  RecordReader client;
  expect_refused(client, framed(46), Alert::none, SSL_R_WRONG_VERSION_NUMBER);
  RecordReader reader = server();
  expect_refused(reader, framed(46, 4), Alert::none, SSL_R_WRONG_VERSION_NUMBER);
}

TEST(Sslv2Record, Lengths) {
  struct {
    size_t length;
    Alert alert;
    int reason;
  } cases[] = {{3, Alert::decode_error, SSL_R_LENGTH_TOO_SHORT},
               {8, Alert::decode_error, SSL_R_LENGTH_TOO_SHORT},
               {16385, Alert::record_overflow, SSL_R_DATA_LENGTH_TOO_LONG},
               {16384 + 320, Alert::record_overflow, SSL_R_DATA_LENGTH_TOO_LONG},
               {16384 + 321, Alert::record_overflow, SSL_R_ENCRYPTED_LENGTH_TOO_LONG},
               {16384 + 327, Alert::record_overflow, SSL_R_PACKET_LENGTH_TOO_LONG},
               {32767, Alert::record_overflow, SSL_R_PACKET_LENGTH_TOO_LONG}};
  for (const auto& test : cases) {
    RecordReader reader = server();
    expect_refused(reader, framed(test.length), test.alert, test.reason);
  }
}

TEST(Sslv2Record, HeaderIsNotShown) {
  int shown = 0;
  RecordObserver observer;
  observer.context = &shown;
  observer.header = [](void* context, View) { ++*static_cast<int*>(context); };
  RecordReader reader = server();
  reader.set_observer(observer);
  Octets hello = framed(46);
  EXPECT_EQ(reader.open(hello).kind, Opened::Kind::record);
  EXPECT_EQ(shown, 0);
}

}  // namespace
}  // namespace handfast::crypto_test
