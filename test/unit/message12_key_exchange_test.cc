// ServerKeyExchange and ClientKeyExchange in the form of every cipher suite and version.
#include <gtest/gtest.h>

#include "crypto/cipher_class.h"
#include "message/client_key_exchange.h"
#include "message/server_key_exchange.h"
#include "message12_test_support.h"

namespace handfast::test {
namespace {

constexpr uint16_t kVersions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION};

const CipherSuite& suite_of(std::string_view name) {
  const CipherSuite* suite = find_cipher_suite_by_name(name.data(), name.size());
  EXPECT_NE(suite, nullptr) << name;
  return *suite;
}

const CipherSuite& kRsa = suite_of("AES128-SHA");
const CipherSuite& kDheRsa = suite_of("DHE-RSA-AES128-SHA");
const CipherSuite& kDheAnonymous = suite_of("ADH-AES128-SHA");
const CipherSuite& kEcdheRsa = suite_of("ECDHE-RSA-AES128-SHA");
const CipherSuite& kPsk = suite_of("PSK-AES128-CBC-SHA");
const CipherSuite& kRsaPsk = suite_of("RSA-PSK-AES128-CBC-SHA");
const CipherSuite& kDhePsk = suite_of("DHE-PSK-AES128-CBC-SHA");
const CipherSuite& kEcdhePsk = suite_of("ECDHE-PSK-AES128-CBC-SHA");
const CipherSuite& kSrp = suite_of("SRP-AES-128-CBC-SHA");
const CipherSuite& kSrpRsa = suite_of("SRP-RSA-AES-128-CBC-SHA");

bool negotiable(const CipherSuite& suite) {
  return !is_signalling(suite) && (suite.kx & (kKxGost | kKxGost18)) == 0;
}

// --- ServerKeyExchange ---

Verdict server_verdict(const Octets& body, const CipherSuite& suite,
                       uint16_t version = TLS1_2_VERSION) {
  ServerKeyExchange message;
  return parse(View(body), suite, version, message);
}

ServerKeyExchange parsed_server(const Octets& body, const CipherSuite& suite,
                                uint16_t version = TLS1_2_VERSION) {
  ServerKeyExchange message;
  EXPECT_OK(parse(View(body), suite, version, message));
  return message;
}

Octets server_params(const CipherSuite& suite) {
  Octets bytes = hex("11 22 33 44 55 66");
  View all(bytes);
  ServerKeyExchange message;
  message.psk_identity_hint = all.first(1);
  message.p = all.first(2);
  message.g = all.first(3);
  message.group = 29;
  message.public_value = all.first(4);
  message.srp_n = all.subspan(1, 3);
  message.srp_g = all.subspan(2, 2);
  message.srp_s = all.subspan(3, 2);
  message.srp_b = all.subspan(4, 2);
  Bytes out;
  Writer writer(out);
  build_params(message, suite, writer);
  EXPECT_TRUE(writer.ok());
  return {out.data(), out.data() + out.size()};
}

TEST(Message12ServerKeyExchange, FormOfEverySuite) {
  size_t kinds = 0;
  for (const CipherSuite& suite : tls12_suites()) {
    if (!negotiable(suite) || suite.kx == kKxRsa) continue;
    for (uint16_t version : kVersions) {
      SCOPED_TRACE(suite.name);
      Octets params = server_params(suite);
      Octets body = params;
      if (signs_key_exchange(suite)) {
        if (version == TLS1_2_VERSION) body = body + hex("0401");
        body = body + vector16(hex("99 88 77"));
      }
      check_form<ServerKeyExchange>(body, [&](View bytes, ServerKeyExchange& out) {
        return parse(bytes, suite, version, out);
      });
      ServerKeyExchange message = parsed_server(body, suite, version);
      EXPECT_EQ(to_hex(message.params), to_hex(params));
      EXPECT_EQ(message.has_signature, signs_key_exchange(suite));
      EXPECT_EQ(message.has_scheme, message.has_signature && version == TLS1_2_VERSION);
      EXPECT_EQ(to_hex(message.signature), message.has_signature ? "998877" : "");
      Bytes again;
      Writer writer(again);
      build_params(message, suite, writer);
      EXPECT_EQ(to_hex(again.view()), to_hex(params));
      ++kinds;
    }
  }
  EXPECT_GT(kinds, 300U);
}

TEST(Message12ServerKeyExchange, WhoSigns) {
  for (const CipherSuite* suite : {&kDheRsa, &kEcdheRsa, &kSrpRsa}) {
    EXPECT_TRUE(signs_key_exchange(*suite)) << suite->name;
  }
  EXPECT_TRUE(signs_key_exchange(suite_of("ECDHE-ECDSA-AES128-SHA")));
  EXPECT_TRUE(signs_key_exchange(suite_of("DHE-DSS-AES128-SHA")));
  EXPECT_TRUE(signs_key_exchange(suite_of("SRP-DSS-AES-128-CBC-SHA")));
  for (const CipherSuite* suite :
       {&kRsa, &kDheAnonymous, &kPsk, &kRsaPsk, &kDhePsk, &kEcdhePsk, &kSrp}) {
    EXPECT_FALSE(signs_key_exchange(*suite)) << suite->name;
  }
}

TEST(Message12ServerKeyExchange, Fields) {
  Octets dhe = hex("0001 17 0001 02 0002 0808 0804 0001 ff");
  ServerKeyExchange message = parsed_server(dhe, kDheRsa);
  EXPECT_EQ(to_hex(message.p), "17");
  EXPECT_EQ(to_hex(message.g), "02");
  EXPECT_EQ(to_hex(message.public_value), "0808");
  EXPECT_EQ(message.scheme, 0x0804);
  EXPECT_EQ(message.params.size(), 10U);

  Octets ecdhe = hex("0002 6869 03 001d 02 0405");
  message = parsed_server(ecdhe, kEcdhePsk);
  EXPECT_EQ(to_hex(message.psk_identity_hint), "6869");
  EXPECT_EQ(message.group, 29);
  EXPECT_EQ(to_hex(message.public_value), "0405");
  EXPECT_EQ(to_hex(message.params), to_hex(ecdhe));

  Octets srp = hex("0001 17 0002 0203 01 73 0003 0b0b0b");
  message = parsed_server(srp, kSrp);
  EXPECT_EQ(to_hex(message.srp_n), "17");
  EXPECT_EQ(to_hex(message.srp_g), "0203");
  EXPECT_EQ(to_hex(message.srp_s), "73");
  EXPECT_EQ(to_hex(message.srp_b), "0b0b0b");
}

TEST(Message12ServerKeyExchange, Hint) {
  for (const CipherSuite* suite : {&kPsk, &kRsaPsk}) {
    EXPECT_OK(server_verdict(vector16({}), *suite));
    EXPECT_OK(server_verdict(vector16(Octets(PSK_MAX_IDENTITY_LEN, 'h')), *suite));
    EXPECT_FATAL(server_verdict(vector16(Octets(PSK_MAX_IDENTITY_LEN + 1, 'h')), *suite),
                 handshake_failure, SSL_R_DATA_LENGTH_TOO_LONG);
    EXPECT_FATAL(server_verdict(hex("0002 68"), *suite), decode_error, SSL_R_LENGTH_MISMATCH);
    EXPECT_FATAL(server_verdict(hex("0000 00"), *suite), decode_error, SSL_R_EXTRA_DATA_IN_MESSAGE);
  }
}

TEST(Message12ServerKeyExchange, Malformed) {
  EXPECT_FATAL(server_verdict({}, kEcdheRsa), decode_error, SSL_R_LENGTH_TOO_SHORT);
  EXPECT_FATAL(server_verdict(hex("03 00"), kEcdheRsa), decode_error, SSL_R_LENGTH_TOO_SHORT);
  // explicit_prime and explicit_char2.
  EXPECT_FATAL(server_verdict(hex("01 001d"), kEcdheRsa), illegal_parameter, SSL_R_WRONG_CURVE);
  EXPECT_FATAL(server_verdict(hex("02 001d 01 04"), kEcdheRsa), illegal_parameter,
               SSL_R_WRONG_CURVE);
  EXPECT_FATAL(server_verdict(hex("03 001d 00"), kEcdheRsa), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(server_verdict(hex("03 001d 01 04 08"), kEcdheRsa), decode_error,
               SSL_R_LENGTH_TOO_SHORT);
  EXPECT_FATAL(server_verdict(hex("03 001d 01 04 0804 0002 01"), kEcdheRsa), decode_error,
               SSL_R_LENGTH_MISMATCH);
  for (const char* empty :
       {"0000 0001 02 0001 03", "0001 17 0000 0001 03", "0001 17 0001 02 0000"}) {
    EXPECT_FATAL(server_verdict(hex(empty), kDheAnonymous), decode_error, SSL_R_LENGTH_MISMATCH);
  }
  for (const char* empty : {"0000 0001 02 01 03 0001 04", "0001 17 0000 01 03 0001 04",
                            "0001 17 0001 02 00 0001 04", "0001 17 0001 02 01 03 0000"}) {
    EXPECT_FATAL(server_verdict(hex(empty), kSrp), decode_error, SSL_R_LENGTH_MISMATCH);
  }
  EXPECT_FATAL(server_verdict(hex("0001 17 0001 02 0001 03 00"), kDheAnonymous), decode_error,
               SSL_R_EXTRA_DATA_IN_MESSAGE);
  EXPECT_FATAL(server_verdict({}, kRsa), unexpected_message, SSL_R_UNEXPECTED_MESSAGE);
}

// --- ClientKeyExchange ---

Verdict client_verdict(const Octets& body, const CipherSuite& suite) {
  ClientKeyExchange message;
  return parse(View(body), suite, message);
}

TEST(Message12ClientKeyExchange, FormOfEverySuite) {
  size_t count = 0;
  for (const CipherSuite& suite : tls12_suites()) {
    if (!negotiable(suite)) continue;
    SCOPED_TRACE(suite.name);
    Octets bytes = hex("11 22 33 44");
    View all(bytes);
    ClientKeyExchange message;
    message.suite = &suite;
    message.psk_identity = all.first(2);
    message.encrypted_premaster = all.first(3);
    message.public_value = all.first(4);
    check_form<ClientKeyExchange>(
        built(message), [&](View body, ClientKeyExchange& out) { return parse(body, suite, out); });
    ++count;
  }
  EXPECT_GT(count, 100U);
}

TEST(Message12ClientKeyExchange, Fields) {
  ClientKeyExchange message;
  Octets body;
  auto take = [&](const char* bytes, const CipherSuite& suite) {
    body = hex(bytes);
    EXPECT_OK(parse(View(body), suite, message));
  };
  take("0003 0a0b0c", kRsa);
  EXPECT_EQ(message.suite, &kRsa);
  EXPECT_EQ(to_hex(message.encrypted_premaster), "0a0b0c");
  take("0001 69 0002 0a0b", kRsaPsk);
  EXPECT_EQ(to_hex(message.psk_identity), "69");
  EXPECT_EQ(to_hex(message.encrypted_premaster), "0a0b");
  take("0002 0708", kDheRsa);
  EXPECT_EQ(to_hex(message.public_value), "0708");
  EXPECT_TRUE(message.encrypted_premaster.empty());
  take("0000 02 0405", kEcdhePsk);
  EXPECT_TRUE(message.psk_identity.empty());
  EXPECT_EQ(to_hex(message.public_value), "0405");
  take("0001 0a", kSrp);
  EXPECT_EQ(to_hex(message.public_value), "0a");
}

TEST(Message12ClientKeyExchange, Malformed) {
  EXPECT_FATAL(client_verdict({}, kRsa), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(client_verdict(hex("0001 aa bb"), kRsa), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(client_verdict(hex("0002 08"), kDheRsa), decode_error,
               SSL_R_DH_PUBLIC_VALUE_LENGTH_IS_WRONG);
  EXPECT_FATAL(client_verdict(hex("0001 08 09"), kDheRsa), decode_error,
               SSL_R_DH_PUBLIC_VALUE_LENGTH_IS_WRONG);
  EXPECT_FATAL(client_verdict(hex("0000"), kDheRsa), decode_error, SSL_R_MISSING_TMP_DH_KEY);
  EXPECT_FATAL(client_verdict({}, kEcdheRsa), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(client_verdict(hex("00"), kEcdheRsa), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(client_verdict(hex("01 04 05"), kEcdheRsa), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(client_verdict(hex("0002 01"), kSrp), decode_error, SSL_R_BAD_SRP_A_LENGTH);
  EXPECT_FATAL(client_verdict(hex("0000"), kSrp), decode_error, SSL_R_BAD_SRP_A_LENGTH);
  EXPECT_FATAL(client_verdict(hex("0001 69 00"), kPsk), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_OK(client_verdict(vector16(Octets(PSK_MAX_IDENTITY_LEN, 'i')), kPsk));
  EXPECT_FATAL(client_verdict(vector16(Octets(PSK_MAX_IDENTITY_LEN + 1, 'i')), kPsk), decode_error,
               SSL_R_DATA_LENGTH_TOO_LONG);
  EXPECT_FATAL(client_verdict({}, suite_of("GOST2001-GOST89-GOST89")), internal_error,
               SSL_R_UNKNOWN_CIPHER_TYPE);
}

TEST(Message12KeyExchange, Limits) {
  EXPECT_EQ(ServerKeyExchange::kMaxLength, 102400U);
  EXPECT_EQ(ClientKeyExchange::kMaxLength, 2048U);
}

}  // namespace
}  // namespace handfast::test
