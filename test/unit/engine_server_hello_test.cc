// A client against bad ServerHellos and HelloRetryRequests.
#include <gtest/gtest.h>

#include "engine_support.h"
#include "message/server_hello.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

constexpr bool kClear = false;

struct Case {
  const char* name;
  std::function<void(HelloParts&)> change;
  Alert alert;
  int reason;
};

void run(std::span<const Case> cases, bool retry) {
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    Script script;
    script.retry = retry;
    // The retry itself is changed, or else the ServerHello.
    script.server_hello = [&](HelloParts& parts, bool is_retry) {
      if (is_retry == retry) test.change(parts);
    };
    expect_client_fails(script, {test.alert, test.reason, kClear});
  }
}

}  // namespace

TEST(EngineServerHello, FieldsThatEchoOrChoose) {
  const Case cases[] = {
      // RFC 8446 4.1.3: "A client which receives a legacy_session_id_echo field that does not match
      // what it sent in the ClientHello MUST abort the handshake with an "illegal_parameter"
      // alert."
      {"session id of other bytes", [](HelloParts& hello) { hello.session_id[0] ^= 1; },
       Alert::illegal_parameter, SSL_R_INVALID_SESSION_ID},
      {"shorter session id", [](HelloParts& hello) { hello.session_id.pop_back(); },
       Alert::illegal_parameter, SSL_R_INVALID_SESSION_ID},
      {"no session id", [](HelloParts& hello) { hello.session_id.clear(); },
       Alert::illegal_parameter, SSL_R_INVALID_SESSION_ID},
      {"session id of 33 bytes", [](HelloParts& hello) { hello.session_id.push_back(0); },
       Alert::decode_error, SSL_R_SSL3_SESSION_ID_TOO_LONG},
      {"compression", [](HelloParts& hello) { hello.compression = {1}; }, Alert::illegal_parameter,
       SSL_R_INVALID_COMPRESSION_ALGORITHM},
      {"unknown suite", [](HelloParts& hello) { hello.suites = u16(0x13ff); },
       Alert::illegal_parameter, SSL_R_UNKNOWN_CIPHER_RETURNED},
      {"suite that was not offered", [](HelloParts& hello) { hello.suites = u16(0x1305); },
       Alert::illegal_parameter, SSL_R_WRONG_CIPHER_RETURNED},
      {"suite of TLS 1.2", [](HelloParts& hello) { hello.suites = u16(0xc02f); },
       Alert::illegal_parameter, SSL_R_WRONG_CIPHER_RETURNED},
      {"legacy_version 0x0304", [](HelloParts& hello) { hello.legacy_version = 0x0304; },
       Alert::illegal_parameter, SSL_R_BAD_LEGACY_VERSION},
      {"legacy_version 0x0301", [](HelloParts& hello) { hello.legacy_version = 0x0301; },
       Alert::illegal_parameter, SSL_R_BAD_LEGACY_VERSION},
  };
  run(cases, false);
}

TEST(EngineServerHello, Versions) {
  auto version = [](uint16_t value) {
    return [value](HelloParts& hello) {
      set(hello.extensions, TLSEXT_TYPE_supported_versions, u16(value));
    };
  };
  auto without = [](HelloParts& hello) {
    remove(hello.extensions, TLSEXT_TYPE_supported_versions);
  };
  auto sentinel = [&](uint8_t last) {
    return [last, without](HelloParts& hello) {
      without(hello);
      hello.random = Octets(24, 7) + Octets{0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, last};
    };
  };
  const Case cases[] = {
      // RFC 8446 4.2.1: a version not offered, or prior to TLS 1.3: illegal_parameter.
      {"selected 1.2", version(0x0303), Alert::illegal_parameter,
       SSL_R_BAD_PROTOCOL_VERSION_NUMBER},
      {"selected 0x0305", version(0x0305), Alert::illegal_parameter,
       SSL_R_BAD_PROTOCOL_VERSION_NUMBER},
      {"selected a draft", version(0x7f1c), Alert::illegal_parameter,
       SSL_R_BAD_PROTOCOL_VERSION_NUMBER},
      {"three bytes of version",
       [](HelloParts& hello) {
         set(hello.extensions, TLSEXT_TYPE_supported_versions, {3, 4, 0});
       },
       Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      {"one byte of version",
       [](HelloParts& hello) { set(hello.extensions, TLSEXT_TYPE_supported_versions, {3}); },
       Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      {"TLS 1.2 with a client of 1.3 only", without, Alert::protocol_version,
       SSL_R_UNSUPPORTED_PROTOCOL},
      // RFC 8446 4.1.3.
      {"downgrade to 1.2", sentinel(1), Alert::illegal_parameter, SSL_R_INAPPROPRIATE_FALLBACK},
      {"downgrade to 1.1", sentinel(0), Alert::illegal_parameter, SSL_R_INAPPROPRIATE_FALLBACK},
  };
  run(cases, false);
}

TEST(EngineServerHello, KeyShares) {
  auto share = [](Octets body) {
    return [body](HelloParts& hello) { set(hello.extensions, TLSEXT_TYPE_key_share, body); };
  };
  const Case cases[] = {
      {"none", [](HelloParts& hello) { remove(hello.extensions, TLSEXT_TYPE_key_share); },
       Alert::missing_extension, SSL_R_NO_SUITABLE_KEY_SHARE},
      {"empty extension", share({}), Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      {"group without a share", share(u16(kX25519)), Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      {"empty share", share(u16(kX25519) + vector16({})), Alert::decode_error,
       SSL_R_LENGTH_MISMATCH},
      {"trailing byte", share(u16(kX25519) + vector16(pattern(32, 2)) + Octets{0}),
       Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      // RFC 8446 4.2.8: "MUST be in the same group as the KeyShareEntry value offered".
      {"group without our share", share(u16(kP256) + vector16(pattern(65, 2))),
       Alert::illegal_parameter, SSL_R_BAD_KEY_SHARE},
      {"unknown group", share(u16(0x1234) + vector16(pattern(65, 2))), Alert::illegal_parameter,
       SSL_R_BAD_KEY_SHARE},
      {"31 bytes for X25519", share(u16(kX25519) + vector16(pattern(31, 2))),
       Alert::illegal_parameter, SSL_R_BAD_ECPOINT},
      {"33 bytes for X25519", share(u16(kX25519) + vector16(pattern(33, 2))),
       Alert::illegal_parameter, SSL_R_BAD_ECPOINT},
      // RFC 8446 7.4.2: the all-zero shared secret.
      {"point of small order", share(u16(kX25519) + vector16(Octets(32, 0))),
       Alert::illegal_parameter, SSL_R_BAD_KEY_SHARE},
  };
  run(cases, false);
}

TEST(EngineServerHello, PointsOfPrimeCurves) {
  auto p256 = [](SSL* ssl) { ASSERT_EQ(SSL_set1_groups_list(ssl, "P-256"), 1); };
  Octets point = Octets{4} + pattern(64, 3);
  Octets compressed = Octets{2} + Octets(32, 1);
  for (const Octets& key : {point, compressed, Octets{0}, Octets(65, 0), Octets(65, 4)}) {
    Script script;
    script.server_hello = [&](HelloParts& hello, bool) {
      set(hello.extensions, TLSEXT_TYPE_key_share, u16(kP256) + vector16(key));
    };
    expect_client_fails(script, {Alert::illegal_parameter, SSL_R_BAD_ECPOINT, kClear}, p256);
  }
}

TEST(EngineServerHello, Extensions) {
  auto add = [](uint16_t type, Octets body) {
    return [type, body](HelloParts& hello) { hello.extensions.push_back({type, body}); };
  };
  const Case cases[] = {
      // RFC 8446 4.2: unsolicited: unsupported_extension; in the wrong message: illegal_parameter.
      {"unknown", add(0x1234, {}), Alert::unsupported_extension, SSL_R_UNSOLICITED_EXTENSION},
      {"cookie", add(TLSEXT_TYPE_cookie, vector16({1})), Alert::illegal_parameter,
       SSL_R_BAD_EXTENSION},
      {"server_name", add(TLSEXT_TYPE_server_name, {}), Alert::illegal_parameter,
       SSL_R_BAD_EXTENSION},
      {"alpn", add(TLSEXT_TYPE_application_layer_protocol_negotiation, vector16(vector8({'a'}))),
       Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
      {"supported_groups", add(TLSEXT_TYPE_supported_groups, vector16(u16(kX25519))),
       Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
      {"extended_master_secret", add(TLSEXT_TYPE_extended_master_secret, {}),
       Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
      {"pre_shared_key without an offer", add(TLSEXT_TYPE_psk, u16(0)),
       Alert::unsupported_extension, SSL_R_UNSOLICITED_EXTENSION},
      {"supported_versions twice", add(TLSEXT_TYPE_supported_versions, u16(TLS1_3_VERSION)),
       Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
      {"key_share twice", add(TLSEXT_TYPE_key_share, u16(kX25519) + vector16(pattern(32, 2))),
       Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
  };
  run(cases, false);
}

TEST(EngineServerHello, Forms) {
  struct Form {
    const char* name;
    std::function<void(Octets&)> change;
    Alert alert;
    int reason;
  };
  const Form forms[] = {
      {"trailing byte",
       [](Octets& hello) {
         hello.push_back(0);
         hello[3]++;
       },
       Alert::decode_error, SSL_R_BAD_LENGTH},
      {"cut in its extensions",
       [](Octets& hello) {
         hello.pop_back();
         hello[3]--;
       },
       Alert::decode_error, SSL_R_BAD_LENGTH},
      {"cut in its random", [](Octets& hello) { hello = message(2, Octets(20, 3)); },
       Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      {"empty", [](Octets& hello) { hello = message(2, {}); }, Alert::decode_error,
       SSL_R_LENGTH_MISMATCH},
      {"announces too much", [](Octets& hello) { hello[1] = 1; }, Alert::illegal_parameter,
       SSL_R_EXCESSIVE_MESSAGE_SIZE},
      // RFC 8446 5.1: handshake messages must not span key changes.
      {"followed by EncryptedExtensions in the clear",
       [](Octets& hello) {
         hello = hello + message(8, {0, 0});
       },
       Alert::unexpected_message, SSL_R_NOT_ON_RECORD_BOUNDARY},
      {"followed by a part of a message", [](Octets& hello) { hello.push_back(8); },
       Alert::unexpected_message, SSL_R_NOT_ON_RECORD_BOUNDARY},
  };
  for (const Form& form : forms) {
    SCOPED_TRACE(form.name);
    Script script;
    script.message = [&](uint8_t type, Octets& whole) {
      if (type == SSL3_MT_SERVER_HELLO) form.change(whole);
    };
    expect_client_fails(script, {form.alert, form.reason, kClear});
  }
}

TEST(EngineServerHello, EveryOtherMessageInItsPlace) {
  for (int type = 0; type < 256; ++type) {
    // RFC 5246 7.4.1.1: a HelloRequest is ignored before the version is known.
    if (type == SSL3_MT_SERVER_HELLO || type == SSL3_MT_HELLO_REQUEST) continue;
    SCOPED_TRACE(type);
    Script script;
    script.message = [&](uint8_t real, Octets& whole) {
      if (real == SSL3_MT_SERVER_HELLO) whole[0] = static_cast<uint8_t>(type);
    };
    expect_client_fails(script, {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE, kClear});
  }
}

TEST(EngineHelloRetryRequest, Fields) {
  const Case cases[] = {
      {"session id", [](HelloParts& hello) { hello.session_id[31] ^= 1; }, Alert::illegal_parameter,
       SSL_R_INVALID_SESSION_ID},
      {"compression", [](HelloParts& hello) { hello.compression = {1}; }, Alert::illegal_parameter,
       SSL_R_INVALID_COMPRESSION_ALGORITHM},
      {"suite", [](HelloParts& hello) { hello.suites = u16(0x1305); }, Alert::illegal_parameter,
       SSL_R_WRONG_CIPHER_RETURNED},
      {"no version",
       [](HelloParts& hello) { remove(hello.extensions, TLSEXT_TYPE_supported_versions); },
       Alert::missing_extension, SSL_R_BAD_PROTOCOL_VERSION_NUMBER},
      {"version 1.2",
       [](HelloParts& hello) {
         set(hello.extensions, TLSEXT_TYPE_supported_versions, u16(TLS1_2_VERSION));
       },
       Alert::illegal_parameter, SSL_R_BAD_PROTOCOL_VERSION_NUMBER},
      // RFC 8446 4.1.4.
      {"no change", [](HelloParts& hello) { remove(hello.extensions, TLSEXT_TYPE_key_share); },
       Alert::illegal_parameter, SSL_R_NO_CHANGE_FOLLOWING_HRR},
      {"group of the share that was sent",
       [](HelloParts& hello) { set(hello.extensions, TLSEXT_TYPE_key_share, u16(kX25519)); },
       Alert::illegal_parameter, SSL_R_BAD_KEY_SHARE},
      {"group that was not offered",
       [](HelloParts& hello) { set(hello.extensions, TLSEXT_TYPE_key_share, u16(0x1234)); },
       Alert::illegal_parameter, SSL_R_BAD_KEY_SHARE},
      {"a whole share",
       [](HelloParts& hello) {
         set(hello.extensions, TLSEXT_TYPE_key_share, u16(kP256) + vector16(pattern(65, 1)));
       },
       Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      {"empty cookie",
       [](HelloParts& hello) { set(hello.extensions, TLSEXT_TYPE_cookie, vector16({})); },
       Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      {"unknown extension",
       [](HelloParts& hello) {
         hello.extensions.push_back({0x1234, {}});
       },
       Alert::unsupported_extension, SSL_R_UNSOLICITED_EXTENSION},
      {"server_name",
       [](HelloParts& hello) {
         hello.extensions.push_back({0, {}});
       },
       Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
  };
  run(cases, true);
}

TEST(EngineHelloRetryRequest, WhatFollows) {
  const Case cases[] = {
      {"another HelloRetryRequest",
       [](HelloParts& hello) { hello.random = octets(kHelloRetryRequestRandom); },
       Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE},
      // RFC 8446 4.1.4: the suite and the version stay.
      {"another suite", [](HelloParts& hello) { hello.suites = u16(0x1302); },
       Alert::illegal_parameter, SSL_R_WRONG_CIPHER_RETURNED},
      {"another version",
       [](HelloParts& hello) {
         set(hello.extensions, TLSEXT_TYPE_supported_versions, u16(TLS1_2_VERSION));
       },
       Alert::illegal_parameter, SSL_R_BAD_PROTOCOL_VERSION_NUMBER},
      // RFC 8446 4.2.8: the group stays.
      {"another group",
       [](HelloParts& hello) {
         set(hello.extensions, TLSEXT_TYPE_key_share, u16(kX25519) + vector16(pattern(32, 1)));
       },
       Alert::illegal_parameter, SSL_R_BAD_KEY_SHARE},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    Script script;
    script.retry = true;
    script.server_hello = [&](HelloParts& parts, bool retry) {
      if (!retry) test.change(parts);
    };
    expect_client_fails(script, {test.alert, test.reason, kClear});
  }
}

TEST(EngineHelloRetryRequest, CookieIsEchoed) {
  Script script;
  script.retry = true;
  script.server_hello = [](HelloParts& parts, bool retry) {
    if (retry) set(parts.extensions, TLSEXT_TYPE_cookie, vector16(pattern(300, 4)));
  };
  Peer peer(new_client(), script);
  EXPECT_TRUE(peer.handshake());
  EXPECT_EQ(peer.outcome().error, SSL_ERROR_NONE);
}
