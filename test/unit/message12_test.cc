// Every handshake message of TLS <= 1.2 but the key exchanges: what is built is parsed again, and
// every malformed body gets its alert and reason.
#include <gtest/gtest.h>

#include "message/certificate12.h"
#include "message/certificate_request12.h"
#include "message/certificate_status.h"
#include "message/certificate_verify12.h"
#include "message/hello_request.h"
#include "message/new_session_ticket12.h"
#include "message/next_protocol.h"
#include "message/server_hello_done.h"
#include "message12_test_support.h"

namespace handfast::test {
namespace {

template <typename Message>
Verdict parsed(const Octets& body) {
  Message message;
  return parse(View(body), message);
}

template <typename Message>
Verdict parsed(const Octets& body, uint16_t version) {
  Message message;
  return parse(View(body), version, message);
}

template <typename Message>
void check_form(const Octets& body) {
  test::check_form<Message>(body, [](View bytes, Message& out) { return parse(bytes, out); });
}

template <typename Message>
void check_form(const Octets& body, uint16_t version) {
  test::check_form<Message>(
      body, [version](View bytes, Message& out) { return parse(bytes, version, out); });
}

TEST(Message12Certificate, Form) {
  check_form<Certificate12>(vector24({}));
  check_form<Certificate12>(vector24(vector24(hex("30 00"))));
  check_form<Certificate12>(vector24(vector24(Octets(300, 1)) + vector24(hex("30"))));
}

TEST(Message12Certificate, Entries) {
  Octets body = vector24(vector24(hex("3001")) + vector24(hex("3002 02")));
  Certificate12 message;
  ASSERT_TRUE(parse(View(body), message).ok());
  Reader list(message.list);
  View der;
  ASSERT_TRUE(next_certificate(list, der));
  EXPECT_EQ(to_hex(der), "3001");
  ASSERT_TRUE(next_certificate(list, der));
  EXPECT_EQ(to_hex(der), "300202");
  EXPECT_FALSE(next_certificate(list, der));
  EXPECT_TRUE(list.empty());
}

TEST(Message12Certificate, Malformed) {
  auto verdict = [](const Octets& body) { return parsed<Certificate12>(body); };
  EXPECT_FATAL(verdict({}), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(hex("000000 00")), decode_error, SSL_R_LENGTH_MISMATCH);
  // An empty certificate, one that is cut off, and half a length.
  EXPECT_FATAL(verdict(vector24(vector24({}))), decode_error, SSL_R_CERT_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(vector24(hex("000002 30"))), decode_error, SSL_R_CERT_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(vector24(vector24(hex("30")) + hex("0000"))), decode_error,
               SSL_R_CERT_LENGTH_MISMATCH);
}

TEST(Message12CertificateRequest, Form) {
  Octets types = vector8(hex("01 02 40"));
  Octets schemes = vector16(hex("0401 0403"));
  Octets names = vector16(vector16(hex("3000")) + vector16(hex("3003 020100")));
  check_form<CertificateRequest12>(types + schemes + names, TLS1_2_VERSION);
  check_form<CertificateRequest12>(types + schemes + vector16({}), TLS1_2_VERSION);
  for (uint16_t version : {TLS1_VERSION, TLS1_1_VERSION}) {
    check_form<CertificateRequest12>(types + names, version);
    check_form<CertificateRequest12>(vector8({}) + vector16({}), version);
  }
}

TEST(Message12CertificateRequest, Fields) {
  Octets body = hex("02 0140 0002 0804 0008 0002 3000 0002 3100");
  CertificateRequest12 message;
  ASSERT_TRUE(parse(View(body), TLS1_2_VERSION, message).ok());
  EXPECT_EQ(to_hex(message.certificate_types), "0140");
  EXPECT_TRUE(message.has_schemes);
  EXPECT_EQ(to_hex(message.schemes), "0804");
  Reader authorities(message.authorities);
  View name;
  ASSERT_TRUE(next_authority(authorities, name));
  EXPECT_EQ(to_hex(name), "3000");
  ASSERT_TRUE(next_authority(authorities, name));
  EXPECT_EQ(to_hex(name), "3100");
  EXPECT_FALSE(next_authority(authorities, name));
  EXPECT_TRUE(authorities.empty());
  // The same bytes in the form of TLS 1.1 have authorities that end too early.
  EXPECT_FATAL(parsed<CertificateRequest12>(body, TLS1_1_VERSION), decode_error,
               SSL_R_LENGTH_MISMATCH);
}

TEST(Message12CertificateRequest, Malformed) {
  auto verdict = [](const Octets& body) {
    return parsed<CertificateRequest12>(body, TLS1_2_VERSION);
  };
  EXPECT_FATAL(verdict(hex("01 01 0000 0000")), decode_error, SSL_R_SIGNATURE_ALGORITHMS_ERROR);
  EXPECT_FATAL(verdict(hex("01 01 0003 040104 0000")), decode_error,
               SSL_R_SIGNATURE_ALGORITHMS_ERROR);
  EXPECT_FATAL(verdict(hex("01 01 0002 0401 0002 0000")), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(hex("01 01 0002 0401 0003 0002 30")), decode_error, SSL_R_LENGTH_MISMATCH);
}

TEST(Message12CertificateVerify, Form) {
  check_form<CertificateVerify12>(hex("0401") + vector16(Octets(256, 3)), TLS1_2_VERSION);
  check_form<CertificateVerify12>(hex("0401") + vector16({}), TLS1_2_VERSION);
  check_form<CertificateVerify12>(vector16(Octets(256, 3)), TLS1_1_VERSION);
  check_form<CertificateVerify12>(vector16(Octets(256, 3)), TLS1_VERSION);
  EXPECT_FATAL(parsed<CertificateVerify12>(hex("04"), TLS1_2_VERSION), decode_error,
               SSL_R_BAD_PACKET);
  EXPECT_FATAL(parsed<CertificateVerify12>(hex("0401 00"), TLS1_2_VERSION), decode_error,
               SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(parsed<CertificateVerify12>({}, TLS1_VERSION), decode_error, SSL_R_LENGTH_MISMATCH);
}

TEST(Message12CertificateVerify, Fields) {
  CertificateVerify12 message;
  Octets body = hex("0403 0002 aabb");
  ASSERT_TRUE(parse(View(body), TLS1_2_VERSION, message).ok());
  EXPECT_TRUE(message.has_scheme);
  EXPECT_EQ(message.scheme, 0x0403);
  EXPECT_EQ(to_hex(message.signature), "aabb");
  body = hex("0002 ccdd");
  ASSERT_TRUE(parse(View(body), TLS1_1_VERSION, message).ok());
  EXPECT_FALSE(message.has_scheme);
  EXPECT_EQ(to_hex(message.signature), "ccdd");
}

TEST(Message12CertificateStatus, Form) {
  check_form<CertificateStatus>(hex("01") + vector24(hex("30 03 0a 01 01")));
  auto verdict = [](const Octets& body) { return parsed<CertificateStatus>(body); };
  EXPECT_FATAL(verdict({}), decode_error, SSL_R_UNSUPPORTED_STATUS_TYPE);
  EXPECT_FATAL(verdict(hex("02 000001 30")), decode_error, SSL_R_UNSUPPORTED_STATUS_TYPE);
  EXPECT_FATAL(verdict(hex("01 000000")), decode_error, SSL_R_LENGTH_MISMATCH);
}

TEST(Message12NewSessionTicket, Form) {
  check_form<NewSessionTicket12>(hex("00001c20") + vector16(Octets(192, 5)));
  check_form<NewSessionTicket12>(hex("00000000") + vector16({}));
  Octets longest = hex("ffffffff") + vector16(Octets(65535, 5));
  EXPECT_OK(parsed<NewSessionTicket12>(longest));
  EXPECT_EQ(longest.size(), NewSessionTicket12::kMaxLength);
  NewSessionTicket12 message;
  Octets body = hex("00001c20 0001 77");
  ASSERT_TRUE(parse(View(body), message).ok());
  EXPECT_EQ(message.lifetime_hint, 7200U);
  EXPECT_EQ(to_hex(message.ticket), "77");
  EXPECT_FATAL(parsed<NewSessionTicket12>({}), decode_error, SSL_R_LENGTH_MISMATCH);
}

TEST(Message12NextProtocol, Form) {
  for (size_t length : {0, 2, 8, 29, 30, 31, 32, 61, 62, 255}) {
    NextProtocol message;
    Octets protocol(length, 'p');
    message.protocol = protocol;
    Octets body = built(message);
    // The draft pads to conceal the length of the protocol.
    EXPECT_EQ(body.size() % 32, 0U);
    EXPECT_LE(body.size(), NextProtocol::kMaxLength);
    check_form<NextProtocol>(body);
    ASSERT_TRUE(parse(View(body), message).ok());
    EXPECT_EQ(to_hex(message.protocol), to_hex(protocol));
  }
  EXPECT_OK(parsed<NextProtocol>(hex("02 6832 00")));
  EXPECT_FATAL(parsed<NextProtocol>(hex("02 6832")), decode_error, SSL_R_LENGTH_MISMATCH);
}

TEST(Message12NextProtocol, TooLongToBuild) {
  NextProtocol message;
  Octets protocol(256, 'p');
  message.protocol = protocol;
  Bytes out;
  EXPECT_FALSE(build_message(message, out));
  EXPECT_TRUE(out.empty());
}

TEST(Message12Empty, Form) {
  check_form<HelloRequest>({});
  check_form<ServerHelloDone>({});
  EXPECT_FATAL(parsed<HelloRequest>(hex("00")), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(parsed<ServerHelloDone>(hex("00")), decode_error, SSL_R_LENGTH_MISMATCH);
}

// What OpenSSL 3.0 allows, ossl_statem_client_max_message_size() and its twin of the server.
TEST(Message12, Limits) {
  EXPECT_EQ(CertificateVerify12::kMaxLength, 16384U);
  EXPECT_EQ(CertificateStatus::kMaxLength, 16384U);
  EXPECT_EQ(NewSessionTicket12::kMaxLength, 65541U);
  EXPECT_EQ(NextProtocol::kMaxLength, 514U);
  EXPECT_EQ(HelloRequest::kMaxLength, 0U);
  EXPECT_EQ(ServerHelloDone::kMaxLength, 0U);
}

}  // namespace
}  // namespace handfast::test
