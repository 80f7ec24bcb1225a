// ClientHellos in the format of SSL 2.0: what is made of them, and what is refused.
#include "message/client_hello_v2.h"

#include <gtest/gtest.h>

#include "crypto_test_support.h"
#include "message/client_hello.h"

namespace handfast::crypto_test {
namespace {

const Octets kSpecs = from_hex("00002f 010080 00c02f");  // one of them is SSL 2.0's
const Octets kChallenge = pattern(16);

void put_u16(Octets& out, size_t value) {
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value));
}

Octets hello_v2(const Octets& specs, const Octets& session_id, const Octets& challenge,
                uint16_t version = TLS1_2_VERSION) {
  Octets out = {1};
  put_u16(out, version);
  put_u16(out, specs.size());
  put_u16(out, session_id.size());
  put_u16(out, challenge.size());
  for (const Octets* part : {&specs, &session_id, &challenge}) {
    out.insert(out.end(), part->begin(), part->end());
  }
  return out;
}

void refuse(const Octets& hello, Alert alert, int reason) {
  Bytes out;
  expect_failed(convert_v2(hello, out), alert, reason);
  EXPECT_TRUE(out.empty());
}

TEST(ClientHelloV2, BecomesAClientHello) {
  Bytes out;
  ASSERT_TRUE(convert_v2(hello_v2(kSpecs, {}, kChallenge, TLS1_1_VERSION), out).ok());
  EXPECT_EQ(to_hex(out.view()),
            "0302" + std::string(32, '0') + to_hex(kChallenge) + "00" + "0004002fc02f" + "0100");
  ClientHello message;
  ASSERT_TRUE(parse(out.view(), message).ok());
  EXPECT_FALSE(message.has_extensions);
}

TEST(ClientHelloV2, IsAppended) {
  Bytes out;
  ASSERT_TRUE(out.append(from_hex("01000000")));
  ASSERT_TRUE(convert_v2(hello_v2(kSpecs, {}, kChallenge), out).ok());
  EXPECT_EQ(to_hex(out.view().first(6)), "010000000303");
}

TEST(ClientHelloV2, ChallengeOfAnyLength) {
  for (size_t length : {0, 1, 15, 16, 31, 32, 33, 100}) {
    Octets challenge = pattern(length, 7);
    Bytes out;
    ASSERT_TRUE(convert_v2(hello_v2(kSpecs, {}, challenge), out).ok());
    Octets random(32, 0);
    size_t used = std::min<size_t>(length, 32);
    std::copy_n(challenge.begin(), used, random.end() - static_cast<long>(used));
    EXPECT_EQ(to_hex(out.view().subspan(2, 32)), to_hex(random));
  }
}

TEST(ClientHelloV2, SessionIdIsDropped) {
  Bytes with;
  Bytes without;
  ASSERT_TRUE(convert_v2(hello_v2(kSpecs, pattern(32), kChallenge), with).ok());
  ASSERT_TRUE(convert_v2(hello_v2(kSpecs, {}, kChallenge), without).ok());
  EXPECT_TRUE(equal(with.view(), without.view()));
  refuse(hello_v2(kSpecs, pattern(33), kChallenge), Alert::illegal_parameter,
         SSL_R_LENGTH_MISMATCH);
}

TEST(ClientHelloV2, CutAnywhere) {
  Octets whole = hello_v2(kSpecs, {}, kChallenge);
  for (size_t length = 1; length < whole.size(); ++length) {
    refuse({whole.begin(), whole.begin() + static_cast<long>(length)}, Alert::decode_error,
           length < 3 ? SSL_R_LENGTH_TOO_SHORT : SSL_R_RECORD_LENGTH_MISMATCH);
  }
  whole.push_back(0);
  refuse(whole, Alert::decode_error, SSL_R_RECORD_LENGTH_MISMATCH);
}

TEST(ClientHelloV2, CipherSpecs) {
  refuse(hello_v2({}, {}, kChallenge), Alert::illegal_parameter, SSL_R_NO_CIPHERS_SPECIFIED);
  refuse(hello_v2(from_hex("00002f00"), {}, kChallenge), Alert::decode_error,
         SSL_R_ERROR_IN_RECEIVED_CIPHER_LIST);
  refuse(hello_v2(from_hex("010080 0700c0"), {}, kChallenge), Alert::handshake_failure,
         SSL_R_NO_SHARED_CIPHER);
}

TEST(ClientHelloV2, Versions) {
  for (uint16_t version : {0x0002, 0x0200, 0x0403, 0xfefd}) {
    refuse(hello_v2(kSpecs, {}, kChallenge, version), Alert::protocol_version,
           SSL_R_UNKNOWN_PROTOCOL);
  }
  for (uint16_t version : {0x0300, 0x0301, 0x0304, 0x03ff}) {
    Bytes out;
    EXPECT_TRUE(convert_v2(hello_v2(kSpecs, {}, kChallenge, version), out).ok());
  }
}

TEST(ClientHelloV2, MustBeOne) {
  refuse(from_hex("020303"), Alert::internal_error, ERR_R_INTERNAL_ERROR);
  refuse({}, Alert::internal_error, ERR_R_INTERNAL_ERROR);
}

}  // namespace
}  // namespace handfast::crypto_test
