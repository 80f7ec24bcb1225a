// Every handshake message of TLS 1.3: what is built is parsed again, and every malformed body gets
// its alert and reason.
#include <gtest/gtest.h>

#include "extension_test_support.h"
#include "message/certificate.h"
#include "message/certificate_request.h"
#include "message/certificate_verify.h"
#include "message/client_hello.h"
#include "message/encrypted_extensions.h"
#include "message/finished.h"
#include "message/handshake_header.h"
#include "message/key_update.h"
#include "message/new_session_ticket.h"
#include "message/server_hello.h"

namespace handfast::test {
namespace {

const Octets kRandom(32, 0xa5);

template <typename Message>
Verdict parsed(const Octets& body) {
  Message message;
  return parse(View(body), message);
}

template <typename Message>
Octets built(const Message& message) {
  Bytes out;
  EXPECT_TRUE(build_message(message, out));
  HandshakeHeader header;
  EXPECT_TRUE(read_header(out.view(), header));
  EXPECT_EQ(header.type, Message::kType);
  EXPECT_EQ(header.length + kHandshakeHeaderLength, out.size());
  View body = out.view().subspan(kHandshakeHeaderLength);
  return {body.begin(), body.end()};
}

// The body parses, what is built from the result is the same, no shorter body parses (except for
// the lengths named), and each fails with decode_error.
template <typename Message>
void check_form(const Octets& body, std::initializer_list<size_t> complete = {}) {
  Message message;
  EXPECT_OK(parse(View(body), message));
  EXPECT_EQ(to_hex(built(message)), to_hex(body));
  for (size_t length = 0; length < body.size(); ++length) {
    bool whole = std::find(complete.begin(), complete.end(), length) != complete.end();
    Verdict verdict = parse(View(body).first(length), message);
    EXPECT_EQ(verdict.ok(), whole) << "first " << length << " bytes";
    if (!whole) {
      EXPECT_EQ(verdict.alert, Alert::decode_error) << "first " << length << " bytes";
    }
  }
}

// --- ClientHello ---

Octets client_hello(const Octets& session_id, const Octets& suites, const Octets& compression,
                    const Octets& rest) {
  return hex("0303") + kRandom + vector8(session_id) + vector16(suites) + vector8(compression) +
         rest;
}

TEST(MessageClientHello, Form) {
  Octets without = client_hello(Octets(32, 1), hex("1301 1302"), hex("00"), {});
  check_form<ClientHello>(without);
  check_form<ClientHello>(without + vector16(extension(43, hex("02 0304"))), {without.size()});
  check_form<ClientHello>(client_hello({}, hex("1301"), hex("00 01"), vector16({})),
                          {client_hello({}, hex("1301"), hex("00 01"), {}).size()});
}

TEST(MessageClientHello, Fields) {
  Octets body = client_hello(hex("0102"), hex("1301 1302"), hex("00"), vector16(hex("aabb")));
  ClientHello hello;
  ASSERT_TRUE(parse(View(body), hello).ok());
  EXPECT_EQ(hello.legacy_version, 0x0303);
  EXPECT_EQ(to_hex(hello.random), to_hex(kRandom));
  EXPECT_EQ(to_hex(hello.session_id), "0102");
  EXPECT_EQ(to_hex(hello.cipher_suites), "13011302");
  EXPECT_EQ(to_hex(hello.compression_methods), "00");
  EXPECT_EQ(to_hex(hello.extensions), "aabb");
  EXPECT_TRUE(hello.has_extensions);
}

TEST(MessageClientHello, NoExtensions) {
  ClientHello hello;
  hello.has_extensions = true;
  hello.extensions = kRandom;
  Octets body = client_hello({}, hex("1301"), hex("00"), {});
  ASSERT_TRUE(parse(View(body), hello).ok());
  EXPECT_FALSE(hello.has_extensions);
  EXPECT_TRUE(hello.extensions.empty());
}

TEST(MessageClientHello, Malformed) {
  auto verdict = [](const Octets& body) { return parsed<ClientHello>(body); };
  EXPECT_FATAL(verdict({}), decode_error, SSL_R_LENGTH_TOO_SHORT);
  EXPECT_FATAL(verdict(hex("03")), decode_error, SSL_R_LENGTH_TOO_SHORT);
  EXPECT_FATAL(verdict(hex("0303") + Octets(31, 0)), decode_error, SSL_R_LENGTH_MISMATCH);
  Octets suites = hex("1301"), null = hex("00");
  EXPECT_FATAL(verdict(client_hello(Octets(33, 1), suites, null, {})), decode_error,
               SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(client_hello({}, {}, null, {})), decode_error, SSL_R_NO_CIPHERS_SPECIFIED);
  EXPECT_FATAL(verdict(client_hello({}, hex("130113"), null, {})), decode_error,
               SSL_R_ERROR_IN_RECEIVED_CIPHER_LIST);
  EXPECT_FATAL(verdict(client_hello({}, suites, {}, {})), decode_error,
               SSL_R_NO_COMPRESSION_SPECIFIED);
  EXPECT_FATAL(verdict(client_hello({}, suites, null, hex("00"))), decode_error,
               SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(client_hello({}, suites, null, hex("0001"))), decode_error,
               SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(client_hello({}, suites, null, hex("0000 00"))), decode_error,
               SSL_R_LENGTH_MISMATCH);
}

TEST(MessageClientHello, LongestLists) {
  Octets body = client_hello(Octets(32, 1), Octets(65534, 1), Octets(255, 0), {});
  check_form<ClientHello>(body);
  Octets full = body + vector16(Octets(65535, 0));
  EXPECT_OK(parsed<ClientHello>(full));
  EXPECT_LE(full.size(), ClientHello::kMaxLength);
}

// --- ServerHello ---

Octets server_hello(const Octets& random, const Octets& session_id, const Octets& rest) {
  return hex("0303") + random + vector8(session_id) + hex("1301 00") + rest;
}

TEST(MessageServerHello, Form) {
  Octets without = server_hello(kRandom, Octets(32, 9), {});
  check_form<ServerHello>(without);
  check_form<ServerHello>(without + vector16(extension(43, hex("0304"))), {without.size()});
}

TEST(MessageServerHello, Fields) {
  Octets body = server_hello(kRandom, hex("0102"), vector16(hex("aabb")));
  ServerHello hello;
  ASSERT_TRUE(parse(View(body), hello).ok());
  EXPECT_EQ(hello.legacy_version, 0x0303);
  EXPECT_EQ(to_hex(hello.random), to_hex(kRandom));
  EXPECT_EQ(to_hex(hello.session_id), "0102");
  EXPECT_EQ(hello.cipher_suite, 0x1301);
  EXPECT_EQ(hello.compression_method, 0);
  EXPECT_EQ(to_hex(hello.extensions), "aabb");
  EXPECT_FALSE(hello.is_hello_retry_request());
}

TEST(MessageServerHello, HelloRetryRequest) {
  Octets random(kHelloRetryRequestRandom, kHelloRetryRequestRandom + 32);
  // RFC 8446 4.1.3: SHA-256 of the text.
  EXPECT_EQ(to_hex(random), "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c");
  ServerHello hello;
  Octets body = server_hello(random, {}, vector16({}));
  ASSERT_TRUE(parse(View(body), hello).ok());
  EXPECT_TRUE(hello.is_hello_retry_request());
  check_form<ServerHello>(body);
  EXPECT_FATAL(parsed<ServerHello>(server_hello(random, {}, {})), decode_error, SSL_R_BAD_LENGTH);
  // In another version these bytes are an ordinary random.
  hello.legacy_version = TLS1_1_VERSION;
  EXPECT_FALSE(hello.is_hello_retry_request());
}

TEST(MessageServerHello, Malformed) {
  auto verdict = [](const Octets& body) { return parsed<ServerHello>(body); };
  EXPECT_FATAL(verdict({}), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(hex("0303") + Octets(31, 0)), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(server_hello(kRandom, Octets(33, 1), {})), decode_error,
               SSL_R_SSL3_SESSION_ID_TOO_LONG);
  EXPECT_FATAL(verdict(server_hello(kRandom, {}, hex("00"))), decode_error, SSL_R_BAD_LENGTH);
  EXPECT_FATAL(verdict(server_hello(kRandom, {}, hex("0001"))), decode_error, SSL_R_BAD_LENGTH);
  EXPECT_FATAL(verdict(server_hello(kRandom, {}, hex("0000 00"))), decode_error, SSL_R_BAD_LENGTH);
}

// --- EncryptedExtensions, CertificateRequest ---

TEST(MessageEncryptedExtensions, Form) {
  check_form<EncryptedExtensions>(vector16({}));
  check_form<EncryptedExtensions>(vector16(extension(16, hex("0003 02 6832"))));
  EXPECT_FATAL(parsed<EncryptedExtensions>({}), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(parsed<EncryptedExtensions>(hex("0000 00")), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(parsed<EncryptedExtensions>(hex("0001")), decode_error, SSL_R_LENGTH_MISMATCH);
}

TEST(MessageCertificateRequest, Form) {
  check_form<CertificateRequest13>(vector8({}) + vector16(schemes_extension()));
  check_form<CertificateRequest13>(vector8(Octets(255, 1)) + vector16({}));
  auto verdict = [](const Octets& body) { return parsed<CertificateRequest13>(body); };
  EXPECT_FATAL(verdict({}), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(hex("02 00")), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(hex("00")), decode_error, SSL_R_BAD_LENGTH);
  EXPECT_FATAL(verdict(hex("00 0001")), decode_error, SSL_R_BAD_LENGTH);
  EXPECT_FATAL(verdict(hex("00 0000 00")), decode_error, SSL_R_LENGTH_MISMATCH);
}

// --- Certificate ---

Octets entry(const Octets& data, const Octets& extensions) {
  return vector24(data) + vector16(extensions);
}

TEST(MessageCertificate, Form) {
  check_form<Certificate13>(vector8({}) + vector24({}));
  check_form<Certificate13>(vector8(hex("0102")) + vector24(entry(hex("30"), {})));
  check_form<Certificate13>(vector8({}) + vector24(entry(Octets(300, 1), extension(5, hex("01"))) +
                                                   entry(hex("3000"), {})));
}

TEST(MessageCertificate, Entries) {
  Octets list = entry(hex("0a0b"), hex("01020304")) + entry(hex("0c"), {});
  Reader reader{View(list)};
  CertificateEntry found;
  ASSERT_TRUE(next(reader, found));
  EXPECT_EQ(to_hex(found.data), "0a0b");
  EXPECT_EQ(to_hex(found.extensions), "01020304");
  ASSERT_TRUE(next(reader, found));
  EXPECT_EQ(to_hex(found.data), "0c");
  EXPECT_TRUE(found.extensions.empty());
  EXPECT_FALSE(next(reader, found));
  EXPECT_TRUE(reader.empty());

  Reader malformed{View(list).first(5)};
  EXPECT_FALSE(next(malformed, found));
  EXPECT_EQ(malformed.size(), 5U) << "stays where it was";
}

TEST(MessageCertificate, Malformed) {
  auto verdict = [](const Octets& body) { return parsed<Certificate13>(body); };
  EXPECT_FATAL(verdict({}), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(hex("01")), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(hex("00 000001")), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(hex("00 000000 00")), decode_error, SSL_R_LENGTH_MISMATCH);
  auto list = [&](const Octets& entries) { return verdict(vector8({}) + vector24(entries)); };
  EXPECT_FATAL(list(hex("00")), decode_error, SSL_R_CERT_LENGTH_MISMATCH);
  EXPECT_FATAL(list(hex("000002 30")), decode_error, SSL_R_CERT_LENGTH_MISMATCH);
  EXPECT_FATAL(list(hex("000000 0000")), decode_error, SSL_R_CERT_LENGTH_MISMATCH);
  EXPECT_FATAL(list(hex("000001 30")), decode_error, SSL_R_BAD_LENGTH);
  EXPECT_FATAL(list(hex("000001 30 00")), decode_error, SSL_R_BAD_LENGTH);
  EXPECT_FATAL(list(hex("000001 30 0001")), decode_error, SSL_R_BAD_LENGTH);
  EXPECT_FATAL(list(hex("000001 30 0000 00")), decode_error, SSL_R_CERT_LENGTH_MISMATCH);
}

// --- CertificateVerify, Finished, KeyUpdate, NewSessionTicket ---

TEST(MessageCertificateVerify, Form) {
  check_form<CertificateVerify>(hex("0403") + vector16(Octets(71, 3)));
  check_form<CertificateVerify>(hex("0403") + vector16({}));
  auto verdict = [](const Octets& body) { return parsed<CertificateVerify>(body); };
  EXPECT_FATAL(verdict({}), decode_error, SSL_R_BAD_PACKET);
  EXPECT_FATAL(verdict(hex("04")), decode_error, SSL_R_BAD_PACKET);
  EXPECT_FATAL(verdict(hex("0403 00")), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(hex("0403 0002 01")), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(hex("0403 0001 01 02")), decode_error, SSL_R_LENGTH_MISMATCH);
}

TEST(MessageFinished, IsItsBody) {
  Octets body(48, 5);
  Finished message;
  EXPECT_OK(parse(View(body), message));
  EXPECT_EQ(to_hex(message.verify_data), to_hex(body));
  EXPECT_EQ(to_hex(built(message)), to_hex(body));
}

TEST(MessageKeyUpdate, Form) {
  check_form<KeyUpdate>(hex("00"));
  check_form<KeyUpdate>(hex("01"));
  EXPECT_FATAL(parsed<KeyUpdate>({}), decode_error, SSL_R_BAD_KEY_UPDATE);
  EXPECT_FATAL(parsed<KeyUpdate>(hex("0000")), decode_error, SSL_R_BAD_KEY_UPDATE);
  for (int value = 2; value < 256; ++value) {
    EXPECT_FATAL(parsed<KeyUpdate>({static_cast<uint8_t>(value)}), illegal_parameter,
                 SSL_R_BAD_KEY_UPDATE);
  }
}

TEST(MessageNewSessionTicket, Form) {
  Octets fixed = hex("00000e10 01020304") + vector8(hex("00")) + vector16(Octets(200, 8));
  check_form<NewSessionTicket13>(fixed + vector16({}));
  check_form<NewSessionTicket13>(fixed + vector16(extension(42, hex("00004000"))));
  auto verdict = [](const Octets& body) { return parsed<NewSessionTicket13>(body); };
  EXPECT_FATAL(verdict({}), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(fixed), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(fixed + hex("0000 00")), decode_error, SSL_R_LENGTH_MISMATCH);
  Octets empty_ticket = hex("00000e10 01020304") + vector8({}) + vector16({}) + vector16({});
  EXPECT_FATAL(verdict(empty_ticket), decode_error, SSL_R_LENGTH_MISMATCH);
}

TEST(MessageNewSessionTicket, Longest) {
  Octets body = Octets(8, 0) + vector8(Octets(255, 1)) + vector16(Octets(65535, 1)) +
                vector16(Octets(65535, 1));
  EXPECT_OK(parsed<NewSessionTicket13>(body));
  EXPECT_LE(body.size(), NewSessionTicket13::kMaxLength);
}

// --- Building ---

TEST(MessageBuild, AppendsBehindOthers) {
  Bytes out;
  ASSERT_TRUE(build_message(KeyUpdate{1}, out));
  ASSERT_TRUE(build_message(KeyUpdate{0}, out));
  EXPECT_EQ(to_hex(out.view()),
            "1800000101"
            "1800000100");
}

TEST(MessageBuild, TooLongPartLeavesTheBufferAsItWas) {
  Bytes out;
  ASSERT_TRUE(build_message(KeyUpdate{1}, out));
  Octets longer(65536, 0);
  CertificateVerify message;
  message.signature = longer;
  EXPECT_FALSE(build_message(message, out));
  EXPECT_EQ(to_hex(out.view()), "1800000101");
}

TEST(MessageHeader, NeedsFourBytes) {
  HandshakeHeader header;
  Octets bytes = hex("01 010203");
  for (size_t length = 0; length < 4; ++length) {
    EXPECT_FALSE(read_header(View(bytes).first(length), header));
  }
  ASSERT_TRUE(read_header(bytes, header));
  EXPECT_EQ(header.type, SSL3_MT_CLIENT_HELLO);
  EXPECT_EQ(header.length, 0x010203U);
}

}  // namespace
}  // namespace handfast::test
