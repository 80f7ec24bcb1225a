// A client of TLS <= 1.2 against bad, misplaced, missing and surplus messages of the server.
#include <gtest/gtest.h>

#include "engine12_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

constexpr uint8_t kPlaces[] = {SSL3_MT_SERVER_HELLO, SSL3_MT_CERTIFICATE,
                               SSL3_MT_SERVER_KEY_EXCHANGE, SSL3_MT_SERVER_DONE, SSL3_MT_FINISHED};
const Failure kUnexpected{Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE, false};

Failure plain(Alert alert, int reason) {
  return {alert, reason, false};
}

Script12 changing(uint8_t type, std::function<void(Octets&)> change) {
  Script12 script;
  script.edit = changing12(type, std::move(change));
  return script;
}

void expect_client(const Script12& script, const Failure& failure) {
  expect_fails12(false, script, failure);
}

Passing handshake_message(uint8_t type, const Octets& body) {
  return {ContentType::handshake, message(type, body)};
}

// Where the parts of a ServerHello are.
constexpr size_t kVersion = 4, kRandom = 6, kSessionId = 38;
size_t suite_at(const Octets& hello) {
  return kSessionId + 1 + hello[kSessionId];
}

void add_extension(Octets& hello, uint16_t type, const Octets& body) {
  size_t at = suite_at(hello) + 3;
  Octets block = hello.size() > at
                     ? Octets(hello.begin() + static_cast<ptrdiff_t>(at) + 2, hello.end())
                     : Octets();
  block = block + u16(type) + vector16(body);
  hello.resize(at);
  hello = hello + vector16(block);
  set_length(hello, hello.size() - 4);
}

// ServerKeyExchange of DHE, in parts.
struct DhParts {
  Octets p, g, y, rest;
  explicit DhParts(const Octets& whole) {
    size_t at = 4;
    for (Octets* part : {&p, &g, &y}) {
      size_t length = static_cast<size_t>(whole[at] << 8 | whole[at + 1]);
      auto begin = whole.begin() + static_cast<ptrdiff_t>(at) + 2;
      *part = Octets(begin, begin + static_cast<ptrdiff_t>(length));
      at += 2 + length;
    }
    rest = Octets(whole.begin() + static_cast<ptrdiff_t>(at), whole.end());
  }
  [[nodiscard]] Octets whole() const {
    return message(SSL3_MT_SERVER_KEY_EXCHANGE, vector16(p) + vector16(g) + vector16(y) + rest);
  }
};

}  // namespace

TEST(Engine12Client, EveryTypeInEveryPlace) {
  for (uint8_t place : kPlaces) {
    for (int type :
         {0, 1, 2, 3, 4, 5, 6, 8, 11, 12, 13, 14, 15, 16, 20, 21, 22, 23, 24, 67, 254, 255}) {
      // A server with a certificate may ask for ours there.
      bool allowed = place == SSL3_MT_SERVER_DONE && type == SSL3_MT_CERTIFICATE_REQUEST;
      // With no body this is one to be ignored.
      bool ignored = type == SSL3_MT_HELLO_REQUEST && place == SSL3_MT_SERVER_DONE;
      if (type == place || allowed || ignored) continue;
      SCOPED_TRACE(std::to_string(type) + " instead of " + std::to_string(place));
      Failure failure = kUnexpected;
      failure.encrypted = place == SSL3_MT_FINISHED;
      expect_client(
          changing(place, [type](Octets& whole) { whole[0] = static_cast<uint8_t>(type); }),
          failure);
    }
  }
}

TEST(Engine12Client, LeftOutAndTwice) {
  for (uint8_t type : {SSL3_MT_CERTIFICATE, SSL3_MT_SERVER_KEY_EXCHANGE}) {
    SCOPED_TRACE(type);
    expect_client(changing(type, [](Octets& whole) { whole.clear(); }), kUnexpected);
    expect_client(changing(type, [](Octets& whole) { whole = whole + whole; }), kUnexpected);
  }
  expect_client(changing(SSL3_MT_SERVER_HELLO, [](Octets& whole) { whole = whole + whole; }),
                kUnexpected);
  Failure later = kUnexpected;
  later.encrypted = true;
  expect_client(changing(SSL3_MT_SERVER_DONE, [](Octets& whole) { whole = whole + whole; }), later);
}

// RFC 5246 7.4.1.1.
TEST(Engine12Client, HelloRequestDuringTheHandshakeIsIgnored) {
  for (uint8_t place : kPlaces) {
    SCOPED_TRACE(place);
    Script12 script;
    script.edit = before12(place, {handshake_message(SSL3_MT_HELLO_REQUEST, {}),
                                   handshake_message(SSL3_MT_HELLO_REQUEST, {})});
    Forger forger(false, script);
    EXPECT_TRUE(forger.handshake());
    script.edit = before12(place, {handshake_message(SSL3_MT_HELLO_REQUEST, {1})});
    Failure failure = kUnexpected;
    failure.encrypted = place == SSL3_MT_FINISHED;
    expect_client(script, failure);
  }
  Script12 script;
  script.edit = instead_of_change(
      {handshake_message(SSL3_MT_HELLO_REQUEST, {}), {ContentType::change_cipher_spec, {1}}});
  Forger forger(false, script);
  EXPECT_TRUE(forger.handshake());
}

TEST(Engine12Client, Lengths) {
  for (uint8_t type : kPlaces) {
    for (int change : {1, -1}) {
      // Longer than nothing is too long.
      if (type == SSL3_MT_SERVER_DONE) continue;
      SCOPED_TRACE(std::to_string(type) + (change > 0 ? " longer" : " shorter"));
      Forger forger(false, changing(type, [&](Octets& whole) {
                      set_length(whole, whole.size() - 4 + static_cast<size_t>(change));
                    }));
      EXPECT_FALSE(forger.handshake());
      std::vector<Peer::AlertSeen> alerts = forger.alerts();
      ASSERT_EQ(alerts.size(), 1U);
      EXPECT_EQ(alerts[0].description, SSL_AD_DECODE_ERROR);
      EXPECT_EQ(alerts[0].encrypted, type == SSL3_MT_FINISHED);
    }
    expect_client(
        changing(type, [](Octets& whole) { whole[1] = 0x7f; }),
        {Alert::illegal_parameter, SSL_R_EXCESSIVE_MESSAGE_SIZE, type == SSL3_MT_FINISHED});
  }
}

TEST(Engine12Client, EveryMessageCutShort) {
  for (uint8_t type : {SSL3_MT_SERVER_HELLO, SSL3_MT_CERTIFICATE, SSL3_MT_SERVER_KEY_EXCHANGE}) {
    for (size_t length : {0, 1, 2, 3, 4, 5, 6, 7, 8, 34, 35, 36, 37, 39, 60}) {
      SCOPED_TRACE(std::to_string(type) + " of " + std::to_string(length));
      Forger forger(false, changing(type, [&](Octets& whole) { set_length(whole, length); }));
      EXPECT_FALSE(forger.handshake());
      EXPECT_EQ(forger.outcome().error, SSL_ERROR_SSL);
      ASSERT_EQ(forger.alerts().size(), 1U);
      EXPECT_EQ(forger.alerts()[0].description, SSL_AD_DECODE_ERROR);
    }
  }
}

TEST(Engine12Client, ServerHello) {
  struct Case {
    const char* name;
    std::function<void(Octets&)> change;
    Failure failure;
  };
  auto suite = [](uint16_t id) {
    return [id](Octets& hello) {
      hello[suite_at(hello)] = static_cast<uint8_t>(id >> 8);
      hello[suite_at(hello) + 1] = static_cast<uint8_t>(id);
    };
  };
  auto version = [](uint16_t id) {
    return [id](Octets& hello) {
      hello[kVersion] = static_cast<uint8_t>(id >> 8);
      hello[kVersion + 1] = static_cast<uint8_t>(id);
    };
  };
  const Case cases[] = {
      {"suite not offered", suite(0xc014),
       plain(Alert::illegal_parameter, SSL_R_WRONG_CIPHER_RETURNED)},
      {"suite of TLS 1.3", suite(0x1301),
       plain(Alert::illegal_parameter, SSL_R_WRONG_CIPHER_RETURNED)},
      {"unknown suite", suite(0x1234),
       plain(Alert::illegal_parameter, SSL_R_UNKNOWN_CIPHER_RETURNED)},
      {"null suite", suite(0), plain(Alert::illegal_parameter, SSL_R_UNKNOWN_CIPHER_RETURNED)},
      {"signalling suite", suite(0x00ff),
       plain(Alert::illegal_parameter, SSL_R_UNKNOWN_CIPHER_RETURNED)},
      {"SSL 3.0", version(0x0300), plain(Alert::protocol_version, SSL_R_UNSUPPORTED_PROTOCOL)},
      {"TLS 1.1", version(0x0302), plain(Alert::protocol_version, SSL_R_UNSUPPORTED_PROTOCOL)},
      {"TLS 1.3", version(0x0304), plain(Alert::protocol_version, SSL_R_UNSUPPORTED_PROTOCOL)},
      {"DTLS", version(0xfefd), plain(Alert::protocol_version, SSL_R_UNSUPPORTED_PROTOCOL)},
      {"compression", [](Octets& hello) { hello[suite_at(hello) + 2] = 1; },
       plain(Alert::illegal_parameter, SSL_R_UNSUPPORTED_COMPRESSION_ALGORITHM)},
      {"extension not asked for", [](Octets& hello) { add_extension(hello, 0x1234, {}); },
       plain(Alert::unsupported_extension, SSL_R_UNSOLICITED_EXTENSION)},
      {"ALPN not asked for",
       [](Octets& hello) {
         add_extension(hello, 16, vector16(vector8({'h', '2'})));
       },
       plain(Alert::unsupported_extension, SSL_R_UNSOLICITED_EXTENSION)},
      {"ticket not asked for", [](Octets& hello) { add_extension(hello, 35, {}); },
       plain(Alert::unsupported_extension, SSL_R_UNSOLICITED_EXTENSION)},
      {"extension of TLS 1.3", [](Octets& hello) { add_extension(hello, 51, u16(29)); },
       plain(Alert::illegal_parameter, SSL_R_BAD_EXTENSION)},
      {"extension twice", [](Octets& hello) { add_extension(hello, 0xff01, {0}); },
       plain(Alert::illegal_parameter, SSL_R_BAD_EXTENSION)},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    expect_client(changing(SSL3_MT_SERVER_HELLO, one.change), one.failure);
  }
}

TEST(Engine12Client, SessionIdOfTheServer) {
  // Longer than RFC 5246 7.4.1.3 has it.
  Forger forger(false, changing(SSL3_MT_SERVER_HELLO, [](Octets& hello) {
                  Octets rest(hello.begin() + static_cast<ptrdiff_t>(suite_at(hello)), hello.end());
                  hello.resize(kSessionId);
                  hello = hello + vector8(pattern(33, 1)) + rest;
                  set_length(hello, hello.size() - 4);
                }));
  EXPECT_FALSE(forger.handshake());
  ASSERT_EQ(forger.alerts().size(), 1U);
  EXPECT_EQ(forger.alerts()[0].description, SSL_AD_DECODE_ERROR);
  // Secure renegotiation is left out of the hello, and asked for more than empty.
  expect_client(changing(SSL3_MT_SERVER_HELLO,
                         [](Octets& hello) { set_length(hello, suite_at(hello) + 3 - 4); }),
                plain(Alert::handshake_failure, SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED));
}

// RFC 8446 4.1.3.
TEST(Engine12Client, DowngradeSentinel) {
  for (uint8_t last : {0, 1}) {
    Script12 script = changing(SSL3_MT_SERVER_HELLO, [last](Octets& hello) {
      const Octets sentinel = {0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, last};
      std::copy(sentinel.begin(), sentinel.end(), hello.begin() + kRandom + 24);
    });
    script.tested = [](SSL* ssl) { SSL_set_max_proto_version(ssl, TLS1_3_VERSION); };
    expect_client(script, plain(Alert::illegal_parameter, SSL_R_INAPPROPRIATE_FALLBACK));
    // RFC 7507: a client that fell back knows that it could have done better.
    script.tested = [](SSL* ssl) { SSL_set_mode(ssl, SSL_MODE_SEND_FALLBACK_SCSV); };
    expect_client(script, plain(Alert::illegal_parameter, SSL_R_INAPPROPRIATE_FALLBACK));
  }
}

TEST(Engine12Client, Certificate) {
  auto certificate = [](const Octets& body) {
    return changing(SSL3_MT_CERTIFICATE,
                    [body](Octets& whole) { whole = message(SSL3_MT_CERTIFICATE, body); });
  };
  expect_client(certificate(vector24({})), plain(Alert::decode_error, SSL_R_LENGTH_MISMATCH));
  Forger garbage(false, certificate(vector24(vector24({1, 2, 3}))));
  EXPECT_FALSE(garbage.handshake());
  ASSERT_EQ(garbage.alerts().size(), 1U);
  EXPECT_EQ(garbage.alerts()[0].description, SSL_AD_BAD_CERTIFICATE);
  Script12 stranger;
  stranger.tested = [](SSL* ssl) {
    X509_STORE* empty = X509_STORE_new();
    SSL_set1_verify_cert_store(ssl, empty);
    X509_STORE_free(empty);
  };
  expect_client(stranger, plain(Alert::unknown_ca, SSL_R_CERTIFICATE_VERIFY_FAILED));
}

TEST(Engine12Client, ServerKeyExchange) {
  auto exchange = [](std::function<void(Octets&)> change, const char* groups) {
    Script12 script = changing(SSL3_MT_SERVER_KEY_EXCHANGE, std::move(change));
    script.tested = [groups](SSL* ssl) { SSL_set1_groups_list(ssl, groups); };
    return script;
  };
  expect_client(exchange([](Octets& whole) { whole.back() ^= 1; }, "P-256"),
                plain(Alert::decrypt_error, SSL_R_BAD_SIGNATURE));
  expect_client(exchange([](Octets& whole) { whole[6] = 0x18; }, "P-256:X25519"),
                plain(Alert::illegal_parameter, SSL_R_WRONG_CURVE));
  expect_client(exchange([](Octets& whole) { whole[5] = 0x7f; }, "P-256"),
                plain(Alert::illegal_parameter, SSL_R_WRONG_CURVE));
  expect_client(exchange([](Octets& whole) { whole[20] ^= 1; }, "P-256"),
                plain(Alert::illegal_parameter, SSL_R_BAD_ECPOINT));
  // Neither compressed, nor hybrid, nor the point at infinity.
  for (uint8_t form : {0, 2, 3, 6, 7}) {
    expect_client(exchange([form](Octets& whole) { whole[8] = form; }, "P-256"),
                  plain(Alert::illegal_parameter, SSL_R_BAD_ECPOINT));
  }
  // RFC 7748 6.1: a secret of zeros.
  expect_client(exchange([](Octets& whole) { std::fill_n(whole.begin() + 8, 32, 0); }, "X25519"),
                plain(Alert::illegal_parameter, SSL_R_BAD_KEY_SHARE));
  // The named signature: not one of the key, not one that was offered, not one at all.
  for (uint16_t scheme : {0x0403, 0x0807, 0xfefe}) {
    expect_client(exchange(
                      [scheme](Octets& whole) {
                        whole[40] = static_cast<uint8_t>(scheme >> 8);
                        whole[41] = static_cast<uint8_t>(scheme);
                      },
                      "X25519"),
                  plain(Alert::illegal_parameter, SSL_R_WRONG_SIGNATURE_TYPE));
  }
  Script12 unnamed = exchange([](Octets& whole) { whole[40] = 6; }, "X25519");
  unnamed.tested = [](SSL* ssl) {
    SSL_set1_groups_list(ssl, "X25519");
    SSL_set1_sigalgs_list(ssl, "RSA+SHA256");
  };
  unnamed.edit = changing12(SSL3_MT_SERVER_KEY_EXCHANGE, [](Octets& whole) { whole[40] = 6; });
  expect_client(unnamed, plain(Alert::handshake_failure, SSL_R_WRONG_SIGNATURE_TYPE));
}

TEST(Engine12Client, ServerKeyExchangeWithNothingInIt) {
  const Octets bodies[] = {
      {3, 0, 0x1d, 0}, {1, 0, 0x1d, 1, 5}, {2, 0, 0x1d, 1, 5}, {3, 0, 0x1d, 32}};
  for (const Octets& body : bodies) {
    Forger forger(false, changing(SSL3_MT_SERVER_KEY_EXCHANGE, [&](Octets& whole) {
                    whole = message(SSL3_MT_SERVER_KEY_EXCHANGE, body);
                  }));
    EXPECT_FALSE(forger.handshake());
    ASSERT_EQ(forger.alerts().size(), 1U);
    uint8_t alert = forger.alerts()[0].description;
    EXPECT_TRUE(alert == SSL_AD_DECODE_ERROR || alert == SSL_AD_ILLEGAL_PARAMETER) << int(alert);
  }
}

TEST(Engine12Client, DiffieHellmanNumbers) {
  auto dh = [](std::function<void(DhParts&)> change) {
    Script12 script = changing(SSL3_MT_SERVER_KEY_EXCHANGE, [change](Octets& whole) {
      DhParts parts(whole);
      change(parts);
      whole = parts.whole();
    });
    script.suite = "DHE-RSA-AES128-GCM-SHA256";
    return script;
  };
  auto fails = [&](const char* name, std::function<void(DhParts&)> change) {
    SCOPED_TRACE(name);
    Forger forger(false, dh(std::move(change)));
    EXPECT_FALSE(forger.handshake());
    EXPECT_EQ(forger.outcome().error, SSL_ERROR_SSL);
    ASSERT_EQ(forger.alerts().size(), 1U);
    uint8_t alert = forger.alerts()[0].description;
    EXPECT_TRUE(alert == SSL_AD_ILLEGAL_PARAMETER || alert == SSL_AD_HANDSHAKE_FAILURE ||
                alert == SSL_AD_DECODE_ERROR)
        << SSL_alert_desc_string_long(alert);
  };
  fails("Y is 0", [](DhParts& parts) { parts.y = {0}; });
  fails("Y is 1", [](DhParts& parts) { parts.y = {1}; });
  fails("Y is empty", [](DhParts& parts) { parts.y = {}; });
  fails("Y is p", [](DhParts& parts) { parts.y = parts.p; });
  fails("Y is p - 1", [](DhParts& parts) {
    parts.y = parts.p;
    parts.y.back() ^= 1;
  });
  fails("Y is longer", [](DhParts& parts) { parts.y.insert(parts.y.begin(), 1); });
  fails("g is 0", [](DhParts& parts) { parts.g = {0}; });
  fails("g is 1", [](DhParts& parts) { parts.g = {1}; });
  fails("p is tiny", [](DhParts& parts) {
    parts.p = {23};
    parts.y = {5};
  });
  fails("p is 0", [](DhParts& parts) { parts.p = {0}; });
  fails("p is empty", [](DhParts& parts) { parts.p = {}; });
  fails("p is even", [](DhParts& parts) { parts.p.back() ^= 1; });
  fails("p is huge", [](DhParts& parts) { parts.p = Octets(5000, 0xff); });
  expect_client(dh([](DhParts& parts) { parts.rest.back() ^= 1; }),
                plain(Alert::decrypt_error, SSL_R_BAD_SIGNATURE));
  Script12 small = dh([](DhParts& parts) {
    parts.p = Octets(64, 0xff);
    parts.y = {2};
  });
  small.tested = [](SSL* ssl) { SSL_set_security_level(ssl, 1); };
  expect_client(small, plain(Alert::handshake_failure, SSL_R_DH_KEY_TOO_SMALL));
}

// RFC 5246 7.4.4: "It is a fatal handshake_failure alert for an anonymous server to request client
// authentication."
TEST(Engine12Client, CertificateRequest) {
  const Octets request = vector8({1}) + vector16(u16(0x0804)) + vector16({});
  Script12 anonymous;
  anonymous.suite = "AECDH-AES128-SHA";
  anonymous.certificate.clear();
  EXPECT_TRUE(Forger(false, anonymous).handshake());
  anonymous.edit =
      before12(SSL3_MT_SERVER_DONE, {handshake_message(SSL3_MT_CERTIFICATE_REQUEST, request)});
  expect_client(anonymous, kUnexpected);
  Script12 twice;
  Passing asked = handshake_message(SSL3_MT_CERTIFICATE_REQUEST, request);
  twice.edit = before12(SSL3_MT_SERVER_DONE, {asked, asked});
  expect_client(twice, kUnexpected);
  Script12 early;
  early.edit = before12(SSL3_MT_SERVER_KEY_EXCHANGE, {asked});
  expect_client(early, kUnexpected);
  for (size_t length = 0; length < request.size(); ++length) {
    Script12 script;
    Octets cut(request.begin(), request.begin() + static_cast<ptrdiff_t>(length));
    script.edit =
        before12(SSL3_MT_SERVER_DONE, {handshake_message(SSL3_MT_CERTIFICATE_REQUEST, cut)});
    Forger forger(false, script);
    EXPECT_FALSE(forger.handshake());
    ASSERT_EQ(forger.alerts().size(), 1U);
    EXPECT_EQ(forger.alerts()[0].description, SSL_AD_DECODE_ERROR);
  }
}

TEST(Engine12Client, TicketThatWasNotAnnounced) {
  Passing ticket = handshake_message(SSL3_MT_NEWSESSION_TICKET, {0, 0, 0, 9, 0, 1, 7});
  Script12 script;
  script.edit = instead_of_change({ticket, {ContentType::change_cipher_spec, {1}}});
  Failure failure = kUnexpected;
  failure.encrypted = true;
  expect_client(script, failure);
  // Nor later.
  Forger forger(false, Script12());
  ASSERT_TRUE(forger.handshake());
  forger.send(ContentType::handshake, ticket.content);
  forger.drive();
  expect_failure12(forger, failure);
}

TEST(Engine12Client, Finished) {
  expect_client(changing(SSL3_MT_FINISHED, [](Octets& whole) { whole[10] ^= 1; }),
                {Alert::decrypt_error, SSL_R_DIGEST_CHECK_FAILED});
  expect_client(changing(SSL3_MT_FINISHED, [](Octets& whole) { set_length(whole, 0); }),
                {Alert::decode_error, SSL_R_BAD_DIGEST_LENGTH});
  // What follows it in its record does not pass unnoticed.
  for (const Octets& more :
       {message(SSL3_MT_CERTIFICATE, {0, 0, 0}), Octets{0}, Octets{0, 0, 0, 1}}) {
    expect_client(changing(SSL3_MT_FINISHED, [&](Octets& whole) { whole = whole + more; }),
                  {Alert::unexpected_message, SSL_R_NOT_ON_RECORD_BOUNDARY});
  }
  // RFC 5246 7.4.1.1.
  Forger forger(false, changing(SSL3_MT_FINISHED, [](Octets& whole) {
                  whole = whole + message(SSL3_MT_HELLO_REQUEST, {});
                }));
  EXPECT_TRUE(forger.handshake());
}

TEST(Engine12Client, AfterTheHandshake) {
  for (uint8_t type : {1, 2, 4, 11, 12, 14, 20, 24}) {
    SCOPED_TRACE(type);
    Forger forger(false, Script12());
    ASSERT_TRUE(forger.handshake());
    forger.send(ContentType::handshake, message(type, {0, 0}));
    forger.drive();
    Failure failure = kUnexpected;
    failure.encrypted = true;
    expect_failure12(forger, failure);
  }
}
