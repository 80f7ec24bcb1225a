// A server against bad ClientHellos, first and second.
#include <gtest/gtest.h>

#include "engine_support.h"

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

// `attempt`: which hello is changed; the second comes after a HelloRetryRequest.
void run(std::span<const Case> cases, int attempt = 0) {
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    Script script;
    script.retry = attempt > 0;
    script.client_hello = [&](HelloParts& parts, int which) {
      if (which == attempt) test.change(parts);
    };
    expect_server_fails(script, {test.alert, test.reason, kClear});
  }
}

std::function<void(HelloParts&)> body(uint16_t type, Octets value) {
  return [type, value](HelloParts& hello) { set(hello.extensions, type, value); };
}

std::function<void(HelloParts&)> without(uint16_t type) {
  return [type](HelloParts& hello) { remove(hello.extensions, type); };
}

}  // namespace

TEST(EngineClientHello, Fields) {
  const Case cases[] = {
      {"session id of 33 bytes", [](HelloParts& hello) { hello.session_id.push_back(0); },
       Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      {"no suites", [](HelloParts& hello) { hello.suites.clear(); }, Alert::decode_error,
       SSL_R_NO_CIPHERS_SPECIFIED},
      {"half a suite", [](HelloParts& hello) { hello.suites.push_back(0x13); }, Alert::decode_error,
       SSL_R_ERROR_IN_RECEIVED_CIPHER_LIST},
      {"no suite of ours", [](HelloParts& hello) { hello.suites = u16(0x13ff); },
       Alert::handshake_failure, SSL_R_NO_SHARED_CIPHER},
      // RFC 8446 4.1.2: exactly one byte, zero.
      {"no compression method", [](HelloParts& hello) { hello.compression.clear(); },
       Alert::decode_error, SSL_R_NO_COMPRESSION_SPECIFIED},
      {"two compression methods",
       [](HelloParts& hello) {
         hello.compression = {0, 1};
       },
       Alert::illegal_parameter, SSL_R_INVALID_COMPRESSION_ALGORITHM},
      {"another compression method", [](HelloParts& hello) { hello.compression = {1}; },
       Alert::illegal_parameter, SSL_R_NO_COMPRESSION_SPECIFIED},
      // RFC 8446 D.5.
      {"legacy_version 0x0300", [](HelloParts& hello) { hello.legacy_version = 0x0300; },
       Alert::protocol_version, SSL_R_BAD_LEGACY_VERSION},
      {"no extensions", [](HelloParts& hello) { hello.has_extensions = false; },
       Alert::protocol_version, SSL_R_UNSUPPORTED_PROTOCOL},
  };
  run(cases);
}

TEST(EngineClientHello, Versions) {
  constexpr uint16_t kType = TLSEXT_TYPE_supported_versions;
  const Case cases[] = {
      {"none", without(kType), Alert::protocol_version, SSL_R_UNSUPPORTED_PROTOCOL},
      {"1.2 only", body(kType, vector8(u16(0x0303))), Alert::protocol_version,
       SSL_R_UNSUPPORTED_PROTOCOL},
      {"later only", body(kType, vector8(u16(0x0305))), Alert::protocol_version,
       SSL_R_UNSUPPORTED_PROTOCOL},
      {"empty list", body(kType, vector8({})), Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      {"odd list", body(kType, vector8({3, 4, 3})), Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      {"trailing byte", body(kType, vector8(u16(0x0304)) + Octets{0}), Alert::decode_error,
       SSL_R_LENGTH_MISMATCH},
      {"empty extension", body(kType, {}), Alert::decode_error, SSL_R_LENGTH_MISMATCH},
  };
  run(cases);
}

TEST(EngineClientHello, KeyShares) {
  constexpr uint16_t kType = TLSEXT_TYPE_key_share;
  auto share = [](uint16_t group, Octets key) { return u16(group) + vector16(key); };
  const Case cases[] = {
      // RFC 8446 9.2.
      {"none", without(kType), Alert::missing_extension, SSL_R_NO_SUITABLE_KEY_SHARE},
      {"no supported_groups", without(TLSEXT_TYPE_supported_groups), Alert::missing_extension,
       SSL_R_MISSING_SUPPORTED_GROUPS_EXTENSION},
      {"no group of ours",
       [](HelloParts& hello) {
         set(hello.extensions, TLSEXT_TYPE_supported_groups, vector16(u16(0x1234)));
         set(hello.extensions, kType, vector16({}));
       },
       Alert::handshake_failure, SSL_R_NO_SUITABLE_KEY_SHARE},
      {"empty extension", body(kType, {}), Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      {"trailing byte", body(kType, vector16(share(kX25519, pattern(32, 1))) + Octets{0}),
       Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      {"half an entry", body(kType, vector16({0, 29, 0})), Alert::decode_error,
       SSL_R_LENGTH_MISMATCH},
      {"empty share", body(kType, vector16(share(kX25519, {}))), Alert::decode_error,
       SSL_R_LENGTH_MISMATCH},
      // RFC 8446 4.2.8.
      {"same group twice",
       body(kType, vector16(share(kX25519, pattern(32, 1)) + share(kX25519, pattern(32, 2)))),
       Alert::illegal_parameter, SSL_R_BAD_KEY_SHARE},
      {"group that is not in supported_groups",
       body(kType, vector16(share(kP256, pattern(65, 1)))), Alert::illegal_parameter,
       SSL_R_BAD_KEY_SHARE},
      {"wrong length", body(kType, vector16(share(kX25519, pattern(31, 1)))),
       Alert::illegal_parameter, SSL_R_BAD_ECPOINT},
      {"small order", body(kType, vector16(share(kX25519, Octets(32, 0)))),
       Alert::illegal_parameter, SSL_R_BAD_KEY_SHARE},
      {"point that is not on the curve",
       [&](HelloParts& hello) {
         set(hello.extensions, TLSEXT_TYPE_supported_groups, vector16(u16(kP256)));
         set(hello.extensions, kType, vector16(share(kP256, Octets{4} + pattern(64, 1))));
       },
       Alert::illegal_parameter, SSL_R_BAD_ECPOINT},
  };
  run(cases);
}

TEST(EngineClientHello, Extensions) {
  auto add = [](uint16_t type, Octets value) {
    return [type, value](HelloParts& hello) { hello.extensions.push_back({type, value}); };
  };
  const Case cases[] = {
      {"twice", add(TLSEXT_TYPE_supported_versions, vector8(u16(0x0304))),
       Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
      {"unknown twice",
       [](HelloParts& hello) {
         hello.extensions.push_back({0x1234, {}});
         hello.extensions.push_back({0x1234, {}});
       },
       Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
      {"certificate extension", add(48, {}), Alert::none, 0},
      {"no signature_algorithms", without(TLSEXT_TYPE_signature_algorithms),
       Alert::missing_extension, SSL_R_MISSING_SIGALGS_EXTENSION},
      {"empty signature_algorithms", body(TLSEXT_TYPE_signature_algorithms, vector16({})),
       Alert::decode_error, SSL_R_BAD_EXTENSION},
      {"odd signature_algorithms", body(TLSEXT_TYPE_signature_algorithms, vector16({8, 7, 8})),
       Alert::decode_error, SSL_R_BAD_EXTENSION},
      {"no scheme of ours", body(TLSEXT_TYPE_signature_algorithms, vector16(u16(0x0203))),
       Alert::handshake_failure, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS},
      {"empty supported_groups", body(TLSEXT_TYPE_supported_groups, vector16({})),
       Alert::decode_error, SSL_R_BAD_EXTENSION},
      {"server_name without names", add(0, vector16({})), Alert::decode_error,
       SSL_R_BAD_EXTENSION},
      {"server_name of another type", add(0, vector16(Octets{1} + vector16({'a'}))),
       Alert::decode_error, SSL_R_BAD_EXTENSION},
      {"server_name of two names",
       add(0, vector16(Octets{0} + vector16({'a'}) + Octets{0} + vector16({'b'}))),
       Alert::decode_error, SSL_R_BAD_EXTENSION},
      {"server_name with a zero", add(0, vector16(Octets{0} + vector16({'a', 0}))),
       Alert::unrecognized_name, SSL_R_BAD_EXTENSION},
      {"alpn of an empty name", add(16, vector16(vector8({}))), Alert::decode_error,
       SSL_R_BAD_EXTENSION},
      {"alpn that is cut", add(16, vector16({3, 'a'})), Alert::decode_error, SSL_R_BAD_EXTENSION},
      {"empty cookie", add(44, vector16({})), Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      {"psk modes of no mode", add(45, vector8({})), Alert::decode_error, SSL_R_BAD_EXTENSION},
      // RFC 8446 4.2.9.
      {"pre_shared_key without modes",
       add(41, vector16(vector16(pattern(10, 1)) + Octets(4, 0)) + vector16(vector8(pattern(32, 1)))),
       Alert::missing_extension, SSL_R_MISSING_PSK_KEX_MODES_EXTENSION},
      // RFC 8446 4.2.11.
      {"pre_shared_key that is not last",
       [](HelloParts& hello) {
         hello.extensions.push_back({45, vector8({1})});
         hello.extensions.push_back({41, vector16(vector16(pattern(10, 1)) + Octets(4, 0)) +
                                             vector16(vector8(pattern(32, 1)))});
         hello.extensions.push_back({0x1234, {}});
       },
       Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
  };
  for (const Case& test : cases) {
    if (test.reason != 0) {
      run({&test, 1});
      continue;
    }
    SCOPED_TRACE(test.name);
    Script script;
    script.client_hello = [&](HelloParts& parts, int) { test.change(parts); };
    Peer peer(new_server(), script);
    EXPECT_TRUE(peer.handshake());
  }
}

TEST(EngineClientHello, Forms) {
  struct Form {
    const char* name;
    std::function<void(Octets&)> change;
    Alert alert;
    int reason;
  };
  const Form forms[] = {
      {"empty", [](Octets& hello) { hello = message(1, {}); }, Alert::decode_error,
       SSL_R_LENGTH_TOO_SHORT},
      {"trailing byte",
       [](Octets& hello) {
         hello.push_back(0);
         hello[3]++;
       },
       Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      {"a byte less",
       [](Octets& hello) {
         hello.pop_back();
         hello[3]--;
       },
       Alert::decode_error, SSL_R_LENGTH_MISMATCH},
      {"announces 16 MB", [](Octets& hello) { hello[1] = 0xff; }, Alert::illegal_parameter,
       SSL_R_EXCESSIVE_MESSAGE_SIZE},
      // RFC 8446 5.1.
      {"followed by a Finished", [](Octets& hello) { hello = hello + message(20, pattern(32, 1)); },
       Alert::unexpected_message, SSL_R_NOT_ON_RECORD_BOUNDARY},
      {"followed by a byte", [](Octets& hello) { hello.push_back(20); }, Alert::unexpected_message,
       SSL_R_NOT_ON_RECORD_BOUNDARY},
  };
  for (const Form& form : forms) {
    SCOPED_TRACE(form.name);
    Script script;
    script.message = [&](uint8_t type, Octets& whole) {
      if (type == SSL3_MT_CLIENT_HELLO) form.change(whole);
    };
    expect_server_fails(script, {form.alert, form.reason, kClear});
  }
}

TEST(EngineClientHello, EveryOtherMessageInItsPlace) {
  for (int type = 0; type < 256; ++type) {
    if (type == SSL3_MT_CLIENT_HELLO || (type > 30 && type % 16 != 14)) continue;
    SCOPED_TRACE(type);
    Script script;
    script.message = [&](uint8_t, Octets& whole) { whole[0] = static_cast<uint8_t>(type); };
    expect_server_fails(script, {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE, kClear});
  }
}

TEST(EngineClientHello, SecondHello) {
  const Case cases[] = {
      {"no share", body(TLSEXT_TYPE_key_share, vector16({})), Alert::illegal_parameter,
       SSL_R_BAD_KEY_SHARE},
      // RFC 8446 4.1.2: the share that was asked for, and no other.
      {"share of another group",
       [](HelloParts& hello) {
         set(hello.extensions, TLSEXT_TYPE_supported_groups, vector16(u16(kP256) + u16(kX25519)));
         set(hello.extensions, TLSEXT_TYPE_key_share,
             vector16(u16(kP256) + vector16(Octets{4} + pattern(64, 1))));
       },
       Alert::illegal_parameter, SSL_R_BAD_KEY_SHARE},
      {"a second share",
       [](HelloParts& hello) {
         set(hello.extensions, TLSEXT_TYPE_supported_groups, vector16(u16(kP256) + u16(kX25519)));
         set(hello.extensions, TLSEXT_TYPE_key_share,
             vector16(u16(kX25519) + vector16(pattern(32, 1)) + u16(kP256) +
                      vector16(pattern(65, 1))));
       },
       Alert::illegal_parameter, SSL_R_BAD_KEY_SHARE},
      {"another suite", [](HelloParts& hello) { hello.suites = u16(0x1302); },
       Alert::illegal_parameter, SSL_R_BAD_CIPHER},
      {"no version", without(TLSEXT_TYPE_supported_versions), Alert::protocol_version,
       SSL_R_UNSUPPORTED_PROTOCOL},
      {"version 1.2", body(TLSEXT_TYPE_supported_versions, vector8(u16(0x0303))),
       Alert::protocol_version, SSL_R_UNSUPPORTED_PROTOCOL},
      // RFC 8446 4.1.2: "Removing the "early_data" extension if one was present."
      {"early_data",
       [](HelloParts& hello) {
         hello.extensions.push_back({TLSEXT_TYPE_early_data, {}});
       },
       Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
  };
  run(cases, 1);
}
