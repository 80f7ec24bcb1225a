// What DTLS adds to the handshake messages: the header of a fragment, HelloVerifyRequest, and the
// cookie of a ClientHello (RFC 6347 section 4.2).
#include "message/client_hello.h"
#include "message/datagram_handshake_header.h"
#include "message/hello_verify_request.h"
#include "message12_test_support.h"

namespace handfast::test {
namespace {

const Octets kRandom(32, 0xa5);

// --- The header of a fragment ---

TEST(DatagramHandshakeHeader, Fields) {
  Octets bytes = hex("01 010203 0405 060708 090a0b ff");
  DatagramHandshakeHeader header;
  for (size_t length = 0; length < kDatagramHandshakeHeaderLength; ++length) {
    Octets shorter(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(length));
    EXPECT_FALSE(read_header(View(shorter), header)) << length;
  }
  ASSERT_TRUE(read_header(View(bytes), header));
  EXPECT_EQ(header.type, SSL3_MT_CLIENT_HELLO);
  EXPECT_EQ(header.length, 0x010203U);
  EXPECT_EQ(header.message_seq, 0x0405U);
  EXPECT_EQ(header.fragment_offset, 0x060708U);
  EXPECT_EQ(header.fragment_length, 0x090a0bU);
  Bytes out;
  Writer writer(out);
  write_header(header, writer);
  ASSERT_TRUE(writer.ok());
  EXPECT_EQ(to_hex(out.view()), to_hex(View(bytes).first(kDatagramHandshakeHeaderLength)));
}

TEST(DatagramHandshakeHeader, WhereTheFragmentLies) {
  auto header = [](uint32_t length, uint32_t offset, uint32_t fragment) {
    return DatagramHandshakeHeader{
        .length = length, .fragment_offset = offset, .fragment_length = fragment};
  };
  EXPECT_TRUE(header(0, 0, 0).whole());
  EXPECT_TRUE(header(5, 0, 5).whole());
  EXPECT_FALSE(header(5, 0, 4).whole());
  EXPECT_FALSE(header(5, 5, 5).whole());
  EXPECT_TRUE(header(0, 0, 0).inside());
  EXPECT_TRUE(header(5, 2, 3).inside());
  EXPECT_TRUE(header(5, 5, 0).inside());
  EXPECT_FALSE(header(5, 2, 4).inside());
  EXPECT_FALSE(header(5, 6, 0).inside());
  EXPECT_FALSE(header(0xffffff, 0xffffff, 0xffffff).inside());
}

// --- HelloVerifyRequest ---

void check_hello_verify_request(const Octets& body) {
  check_form<HelloVerifyRequest>(
      body, [](View bytes, HelloVerifyRequest& out) { return parse(bytes, out); });
}

TEST(MessageHelloVerifyRequest, Form) {
  check_hello_verify_request(hex("feff") + vector8({}));
  check_hello_verify_request(hex("feff") + vector8(hex("0102")));
  Octets longest = hex("feff") + vector8(Octets(255, 7));
  check_hello_verify_request(longest);
  EXPECT_EQ(longest.size(), HelloVerifyRequest::kMaxLength);
}

TEST(MessageHelloVerifyRequest, Fields) {
  Octets body = hex("fefd") + vector8(hex("c0c1"));
  HelloVerifyRequest message;
  EXPECT_EQ(message.server_version, DTLS1_VERSION);
  ASSERT_TRUE(parse(View(body), message).ok());
  EXPECT_EQ(message.server_version, DTLS1_2_VERSION);
  EXPECT_EQ(to_hex(message.cookie), "c0c1");
}

TEST(MessageHelloVerifyRequest, Malformed) {
  HelloVerifyRequest message;
  for (const char* body : {"", "fe", "feff", "feff 01", "feff 02 01", "feff 01 02 03"}) {
    EXPECT_FATAL(parse(View(hex(body)), message), decode_error, SSL_R_LENGTH_MISMATCH);
  }
}

TEST(MessageHelloVerifyRequest, CookieOverTheLimitIsNotBuilt) {
  Octets cookie(256, 1);
  Bytes out;
  EXPECT_FALSE(build_message(HelloVerifyRequest{.cookie = cookie}, out));
  EXPECT_TRUE(out.empty());
}

// --- ClientHello ---

Octets client_hello(const Octets& session_id, const Octets& cookie, const Octets& rest) {
  return hex("fefd") + kRandom + vector8(session_id) + vector8(cookie) +
         vector16(hex("c02b c02f")) + vector8(hex("00")) + rest;
}

Verdict parse_datagram(View body, ClientHello& out) {
  return parse(body, out, true);
}

TEST(MessageDatagramClientHello, Form) {
  Octets first = client_hello({}, {}, {});
  check_form<ClientHello>(first, parse_datagram);
  check_form<ClientHello>(first + vector16(extension(23, {})), parse_datagram, {first.size()});
  Octets second = client_hello(Octets(32, 1), Octets(255, 2), {});
  check_form<ClientHello>(second, parse_datagram);
  check_form<ClientHello>(second + vector16({}), parse_datagram, {second.size()});
}

TEST(MessageDatagramClientHello, Fields) {
  Octets body = client_hello(hex("0102"), hex("c0c1c2"), vector16(hex("aabb")));
  ClientHello hello;
  ASSERT_TRUE(parse(View(body), hello, true).ok());
  EXPECT_TRUE(hello.datagram);
  EXPECT_EQ(hello.legacy_version, DTLS1_2_VERSION);
  EXPECT_EQ(to_hex(hello.random), to_hex(kRandom));
  EXPECT_EQ(to_hex(hello.session_id), "0102");
  EXPECT_EQ(to_hex(hello.cookie), "c0c1c2");
  EXPECT_EQ(to_hex(hello.cipher_suites), "c02bc02f");
  EXPECT_EQ(to_hex(hello.compression_methods), "00");
  EXPECT_EQ(to_hex(hello.extensions), "aabb");
}

TEST(MessageDatagramClientHello, TheFormIsTheCallersChoice) {
  // An empty cookie read as a stream's hello: the suites' length begins with its zero.
  ClientHello hello;
  hello.datagram = true;
  hello.cookie = kRandom;
  Octets stream = hex("0303") + kRandom + vector8({}) + vector16(hex("1301")) + vector8(hex("00"));
  ASSERT_TRUE(parse(View(stream), hello).ok());
  EXPECT_FALSE(hello.datagram);
  EXPECT_TRUE(hello.cookie.empty());
  EXPECT_FATAL(parse(View(stream), hello, true), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(parse(View(client_hello({}, hex("c0"), {})), hello), decode_error,
               SSL_R_LENGTH_MISMATCH);
}

}  // namespace
}  // namespace handfast::test
