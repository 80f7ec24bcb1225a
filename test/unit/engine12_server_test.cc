// A server of TLS <= 1.2 against bad, misplaced, missing and surplus messages of the client.
#include <gtest/gtest.h>

#include "engine12_support.h"
#include "wire/reader.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

const Failure kUnexpected{Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE, false};

Failure plain(Alert alert, int reason) {
  return {alert, reason, false};
}

Script12 changing(uint8_t type, std::function<void(Octets&)> change) {
  Script12 script;
  script.request_certificate = true;
  script.edit = changing12(type, std::move(change));
  return script;
}

void expect_server(const Script12& script, const Failure& failure) {
  expect_fails12(true, script, failure);
}

// The alert alone: reasons of parsers differ from place to place.
void expect_alert(const Script12& script, uint8_t alert) {
  Forger forger(true, script);
  EXPECT_FALSE(forger.handshake());
  EXPECT_EQ(forger.outcome().error, SSL_ERROR_SSL);
  EXPECT_FALSE(forger.outcome().reasons.empty());
  ASSERT_EQ(forger.alerts().size(), 1U);
  EXPECT_EQ(forger.alerts()[0].description, alert)
      << SSL_alert_desc_string_long(forger.alerts()[0].description);
  EXPECT_FALSE(forger.alerts()[0].encrypted);
}

constexpr uint8_t kPlaces[] = {SSL3_MT_CLIENT_HELLO, SSL3_MT_CERTIFICATE,
                               SSL3_MT_CLIENT_KEY_EXCHANGE, SSL3_MT_CERTIFICATE_VERIFY,
                               SSL3_MT_FINISHED};

// The parts of a ClientHello.
struct Hello {
  uint16_t version;
  Octets random, session_id, suites, compression;
  Extensions extensions;
  explicit Hello(const Octets& whole) {
    Reader reader(View(whole).subspan(4));
    View part, list;
    EXPECT_TRUE(reader.u16(version) && reader.bytes(32, part));
    random = octets(part);
    EXPECT_TRUE(reader.vector8(part));
    session_id = octets(part);
    EXPECT_TRUE(reader.vector16(part));
    suites = octets(part);
    EXPECT_TRUE(reader.vector8(part));
    compression = octets(part);
    EXPECT_TRUE(reader.vector16(list));
    Reader block(list);
    uint16_t type = 0;
    while (block.u16(type) && block.vector16(part)) extensions.push_back({type, octets(part)});
  }
  [[nodiscard]] Octets whole() const {
    Octets block;
    for (const Extension& one : extensions) block = block + u16(one.type) + vector16(one.body);
    return message(SSL3_MT_CLIENT_HELLO, u16(version) + random + vector8(session_id) +
                                             vector16(suites) + vector8(compression) +
                                             vector16(block));
  }
};

Script12 hello(std::function<void(Hello&)> change) {
  return changing(SSL3_MT_CLIENT_HELLO, [change](Octets& whole) {
    Hello parts(whole);
    change(parts);
    whole = parts.whole();
  });
}

}  // namespace

TEST(Engine12Server, EveryTypeInEveryPlace) {
  for (uint8_t place : kPlaces) {
    for (int type :
         {0, 1, 2, 3, 4, 5, 6, 8, 11, 12, 13, 14, 15, 16, 20, 21, 22, 23, 24, 67, 254, 255}) {
      if (type == place) continue;
      SCOPED_TRACE(std::to_string(type) + " instead of " + std::to_string(place));
      expect_server(
          changing(place, [type](Octets& whole) { whole[0] = static_cast<uint8_t>(type); }),
          kUnexpected);
    }
  }
}

TEST(Engine12Server, LeftOutAndTwice) {
  for (uint8_t type : kPlaces) {
    SCOPED_TRACE(type);
    if (type != SSL3_MT_CLIENT_HELLO && type != SSL3_MT_FINISHED) {
      expect_server(changing(type, [](Octets& whole) { whole.clear(); }), kUnexpected);
    }
    Failure failure = kUnexpected;
    if (type == SSL3_MT_FINISHED) failure.reason = SSL_R_NOT_ON_RECORD_BOUNDARY;
    expect_server(changing(type, [](Octets& whole) { whole = whole + whole; }), failure);
  }
}

TEST(Engine12Server, CertificateThatWasNotAskedFor) {
  Script12 script;
  script.edit = before12(SSL3_MT_CLIENT_KEY_EXCHANGE,
                         {{ContentType::handshake, message(SSL3_MT_CERTIFICATE, vector24({}))}});
  expect_server(script, kUnexpected);
  Script12 verify;
  verify.edit = instead_of_change(
      {{ContentType::handshake, message(SSL3_MT_CERTIFICATE_VERIFY, u16(0x0804) + vector16({1}))},
       {ContentType::change_cipher_spec, {1}}});
  expect_server(verify, kUnexpected);
  // A client without a certificate signs nothing.
  verify.request_certificate = true;
  verify.client_certificate.clear();
  expect_server(verify, kUnexpected);
}

TEST(Engine12Server, NextProtocolThatWasNotAgreedOn) {
  Script12 script;
  script.edit = before12(
      SSL3_MT_FINISHED, {{ContentType::handshake, message(67, vector8({'h', '2'}) + vector8({}))}});
  expect_server(script, kUnexpected);
}

TEST(Engine12Server, Lengths) {
  for (uint8_t type : kPlaces) {
    for (int change : {1, -1}) {
      SCOPED_TRACE(std::to_string(type) + (change > 0 ? " longer" : " shorter"));
      expect_alert(changing(type,
                            [&](Octets& whole) {
                              set_length(whole, whole.size() - 4 + static_cast<size_t>(change));
                            }),
                   SSL_AD_DECODE_ERROR);
    }
    expect_server(changing(type, [](Octets& whole) { whole[1] = 0x7f; }),
                  plain(Alert::illegal_parameter, SSL_R_EXCESSIVE_MESSAGE_SIZE));
  }
}

TEST(Engine12Server, EveryMessageCutShort) {
  for (uint8_t type : kPlaces) {
    for (size_t length : {0, 1, 2, 3, 4, 5, 6, 7, 34, 35, 36, 37, 39, 60}) {
      if (type == SSL3_MT_FINISHED && length >= 12) continue;
      SCOPED_TRACE(std::to_string(type) + " of " + std::to_string(length));
      expect_alert(changing(type, [&](Octets& whole) { set_length(whole, length); }),
                   SSL_AD_DECODE_ERROR);
    }
  }
}

TEST(Engine12Server, ClientHello) {
  expect_alert(hello([](Hello& parts) { parts.session_id = pattern(33, 1); }), SSL_AD_DECODE_ERROR);
  expect_alert(hello([](Hello& parts) { parts.suites.clear(); }), SSL_AD_DECODE_ERROR);
  expect_alert(hello([](Hello& parts) { parts.suites.push_back(0); }), SSL_AD_DECODE_ERROR);
  expect_alert(hello([](Hello& parts) { parts.compression.clear(); }), SSL_AD_DECODE_ERROR);
  expect_server(hello([](Hello& parts) { parts.compression = {1}; }),
                plain(Alert::decode_error, SSL_R_NO_COMPRESSION_SPECIFIED));
  for (uint16_t version : {0x0300, 0x0200, 0x0002, 0x0000}) {
    expect_alert(hello([version](Hello& parts) { parts.version = version; }),
                 SSL_AD_PROTOCOL_VERSION);
  }
  expect_server(hello([](Hello& parts) { parts.version = 0x0302; }),
                plain(Alert::protocol_version, SSL_R_UNSUPPORTED_PROTOCOL));
  expect_server(hello([](Hello& parts) { parts.suites = u16(0x00ff); }),
                plain(Alert::handshake_failure, SSL_R_NO_SHARED_CIPHER));
  expect_server(hello([](Hello& parts) { parts.suites = u16(0x1301) + u16(0x1234); }),
                plain(Alert::handshake_failure, SSL_R_NO_SHARED_CIPHER));
  expect_server(hello([](Hello& parts) { set(parts.extensions, 0xff01, vector8({1})); }),
                plain(Alert::handshake_failure, SSL_R_RENEGOTIATION_MISMATCH));
  expect_server(hello([](Hello& parts) { set(parts.extensions, 0xff01, {}); }),
                plain(Alert::decode_error, SSL_R_RENEGOTIATION_ENCODING_ERR));
  expect_server(hello([](Hello& parts) { parts.extensions.push_back(parts.extensions.front()); }),
                plain(Alert::illegal_parameter, SSL_R_BAD_EXTENSION));
  expect_server(hello([](Hello& parts) { set(parts.extensions, 13, vector16(u16(0x0403))); }),
                plain(Alert::handshake_failure, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM));
  // No curve in common.
  expect_server(hello([](Hello& parts) { set(parts.extensions, 10, vector16(u16(0x1234))); }),
                plain(Alert::handshake_failure, SSL_R_NO_SHARED_CIPHER));
}

TEST(Engine12Server, Fallback) {
  Script12 script = hello([](Hello& parts) { parts.suites = parts.suites + u16(0x5600); });
  EXPECT_TRUE(Forger(true, hello([](Hello&) {})).handshake());
  script.tested = [](SSL* ssl) { SSL_set_max_proto_version(ssl, TLS1_3_VERSION); };
  expect_server(script, plain(Alert::inappropriate_fallback, SSL_R_INAPPROPRIATE_FALLBACK));
}

// --- ClientKeyExchange ---

// RFC 5246 7.4.7.1: whether the padding was good shows neither in an alert nor in its place.
TEST(Engine12Server, BadPaddingOfRsaLooksLikeAWrongKey) {
  struct Case {
    const char* name;
    std::function<void(Octets&)> change;
  };
  twin::Owned<EVP_PKEY> key = twin::read_key("server-rsa");
  auto encrypted = [&](const Octets& secret, int padding) {
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(key.get(), nullptr);
    Octets out(static_cast<size_t>(EVP_PKEY_get_size(key.get())));
    size_t length = out.size();
    EXPECT_EQ(EVP_PKEY_encrypt_init(context), 1);
    EXPECT_EQ(EVP_PKEY_CTX_set_rsa_padding(context, padding), 1);
    EXPECT_EQ(EVP_PKEY_encrypt(context, out.data(), &length, secret.data(), secret.size()), 1);
    EVP_PKEY_CTX_free(context);
    return message(SSL3_MT_CLIENT_KEY_EXCHANGE, vector16(out));
  };
  auto set_to = [](const Octets& whole) { return [whole](Octets& sent) { sent = whole; }; };
  size_t size = static_cast<size_t>(EVP_PKEY_get_size(key.get()));
  Octets unpadded(size, 0x5a);
  unpadded[0] = 0;
  const Case cases[] = {
      {"another secret", set_to(encrypted(u16(0x0303) + pattern(46, 1), RSA_PKCS1_PADDING))},
      {"another version", set_to(encrypted(u16(0x0302) + pattern(46, 1), RSA_PKCS1_PADDING))},
      {"a short secret", set_to(encrypted(u16(0x0303) + pattern(45, 1), RSA_PKCS1_PADDING))},
      {"a long secret", set_to(encrypted(u16(0x0303) + pattern(47, 1), RSA_PKCS1_PADDING))},
      {"an empty secret", set_to(encrypted({}, RSA_PKCS1_PADDING))},
      {"no padding", set_to(encrypted(unpadded, RSA_NO_PADDING))},
      {"garbage", [](Octets& whole) { whole[20] ^= 1; }},
      {"zeros", [](Octets& whole) { std::fill(whole.begin() + 6, whole.end(), 0); }},
  };
  for (const char* suite : {"AES128-GCM-SHA256", "AES128-SHA"}) {
    for (const Case& one : cases) {
      SCOPED_TRACE(one.name);
      Script12 script = changing(SSL3_MT_CLIENT_KEY_EXCHANGE, one.change);
      script.request_certificate = false;
      script.suite = suite;
      expect_server(script,
                    plain(Alert::bad_record_mac, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC));
    }
  }
}

TEST(Engine12Server, RsaOfAnotherLength) {
  for (size_t length : {0, 1, 47, 128, 255}) {
    Script12 script = changing(SSL3_MT_CLIENT_KEY_EXCHANGE, [length](Octets& whole) {
      whole = message(SSL3_MT_CLIENT_KEY_EXCHANGE, vector16(pattern(length, 3)));
    });
    script.suite = "AES128-GCM-SHA256";
    Forger forger(true, script);
    EXPECT_FALSE(forger.handshake());
    EXPECT_EQ(forger.outcome().error, SSL_ERROR_SSL);
    EXPECT_EQ(forger.alerts().size(), 1U);
  }
}

TEST(Engine12Server, ClientKeyExchangeOverACurve) {
  auto exchange = [](std::function<void(Octets&)> change, const char* group) {
    Script12 script = changing(SSL3_MT_CLIENT_KEY_EXCHANGE, std::move(change));
    script.request_certificate = false;
    script.tested = [group](SSL* ssl) { SSL_set1_groups_list(ssl, group); };
    return script;
  };
  expect_alert(exchange([](Octets& whole) { whole[20] ^= 1; }, "P-256"), SSL_AD_ILLEGAL_PARAMETER);
  for (uint8_t form : {0, 2, 3, 6, 7}) {
    expect_alert(exchange([form](Octets& whole) { whole[5] = form; }, "P-256"),
                 SSL_AD_ILLEGAL_PARAMETER);
  }
  expect_alert(exchange([](Octets& whole) { std::fill_n(whole.begin() + 5, 32, 0); }, "X25519"),
               SSL_AD_ILLEGAL_PARAMETER);
  expect_alert(exchange([](Octets& whole) { whole = message(16, vector8({4})); }, "P-256"),
               SSL_AD_ILLEGAL_PARAMETER);
  expect_alert(exchange([](Octets& whole) { whole = message(16, vector8({})); }, "P-256"),
               SSL_AD_DECODE_ERROR);
  expect_alert(
      exchange([](Octets& whole) { whole = message(16, vector8(pattern(31, 1))); }, "X25519"),
      SSL_AD_ILLEGAL_PARAMETER);
}

TEST(Engine12Server, ClientKeyExchangeOfDiffieHellman) {
  auto exchange = [](const Octets& value) {
    Script12 script = changing(SSL3_MT_CLIENT_KEY_EXCHANGE, [value](Octets& whole) {
      whole = message(SSL3_MT_CLIENT_KEY_EXCHANGE, vector16(value));
    });
    script.request_certificate = false;
    script.suite = "DHE-RSA-AES128-GCM-SHA256";
    return script;
  };
  // 0, 1, and what is no smaller than any p.
  expect_alert(exchange({0}), SSL_AD_ILLEGAL_PARAMETER);
  expect_alert(exchange({1}), SSL_AD_ILLEGAL_PARAMETER);
  expect_alert(exchange(Octets(256, 0xff)), SSL_AD_ILLEGAL_PARAMETER);
  expect_alert(exchange(Octets(1000, 0xff)), SSL_AD_ILLEGAL_PARAMETER);
  expect_alert(exchange({}), SSL_AD_DECODE_ERROR);
}

// --- The client's certificate ---

TEST(Engine12Server, CertificateOfTheClient) {
  Script12 none;
  none.request_certificate = true;
  none.client_certificate.clear();
  EXPECT_TRUE(Forger(true, none).handshake());
  none.tested = [](SSL* ssl) {
    SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  };
  expect_server(none, plain(Alert::handshake_failure, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE));
  expect_alert(changing(SSL3_MT_CERTIFICATE,
                        [](Octets& whole) {
                          whole = message(SSL3_MT_CERTIFICATE, vector24(vector24({1, 2, 3})));
                        }),
               SSL_AD_DECODE_ERROR);
  Script12 stranger;
  stranger.request_certificate = true;
  stranger.client_certificate = "client-stranger";
  expect_server(stranger, plain(Alert::unknown_ca, SSL_R_CERTIFICATE_VERIFY_FAILED));
}

TEST(Engine12Server, CertificateVerify) {
  expect_server(changing(SSL3_MT_CERTIFICATE_VERIFY, [](Octets& whole) { whole.back() ^= 1; }),
                plain(Alert::decrypt_error, SSL_R_BAD_SIGNATURE));
  for (uint16_t scheme : {0x0403, 0x0807, 0xfefe}) {
    expect_server(changing(SSL3_MT_CERTIFICATE_VERIFY,
                           [scheme](Octets& whole) {
                             whole[4] = static_cast<uint8_t>(scheme >> 8);
                             whole[5] = static_cast<uint8_t>(scheme);
                           }),
                  plain(Alert::illegal_parameter, SSL_R_WRONG_SIGNATURE_TYPE));
  }
  // TLS 1.1 names no scheme.
  for (int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    Script12 script = changing(SSL3_MT_CERTIFICATE_VERIFY, [](Octets&) {});
    script.suite = "ECDHE-RSA-AES128-SHA";
    script.version = version;
    EXPECT_TRUE(Forger(true, script).handshake());
    script.edit = changing12(SSL3_MT_CERTIFICATE_VERIFY, [](Octets& whole) { whole.back() ^= 1; });
    expect_server(script, plain(Alert::decrypt_error, SSL_R_BAD_SIGNATURE));
  }
}

// --- Finished ---

TEST(Engine12Server, Finished) {
  for (bool asks : {false, true}) {
    Script12 script = changing(SSL3_MT_FINISHED, [](Octets& whole) { whole[10] ^= 1; });
    script.request_certificate = asks;
    expect_server(script, plain(Alert::decrypt_error, SSL_R_DIGEST_CHECK_FAILED));
  }
  expect_server(changing(SSL3_MT_FINISHED,
                         [](Octets& whole) { whole = whole + message(SSL3_MT_HELLO_REQUEST, {}); }),
                plain(Alert::unexpected_message, SSL_R_NOT_ON_RECORD_BOUNDARY));
}

TEST(Engine12Server, AfterTheHandshake) {
  for (uint8_t type : {0, 2, 4, 11, 12, 14, 16, 20, 24}) {
    SCOPED_TRACE(type);
    Forger forger(true, Script12());
    ASSERT_TRUE(forger.handshake());
    forger.send(ContentType::handshake, message(type, {0, 0}));
    forger.drive();
    Failure failure = kUnexpected;
    failure.encrypted = true;
    expect_failure12(forger, failure);
  }
}
