// A client against a bad encrypted flight: EncryptedExtensions to Finished.
#include <gtest/gtest.h>

#include "engine_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

constexpr uint8_t kFlight[] = {SSL3_MT_ENCRYPTED_EXTENSIONS, SSL3_MT_CERTIFICATE_REQUEST,
                               SSL3_MT_CERTIFICATE, SSL3_MT_CERTIFICATE_VERIFY, SSL3_MT_FINISHED};

// A script whose message of `type` is changed.
Script changing(uint8_t type, std::function<void(Octets&)> change) {
  Script script;
  script.request_certificate = true;
  script.message = [type, change](uint8_t sent, Octets& whole) {
    if (sent == type) change(whole);
  };
  return script;
}

void resize(Octets& whole, size_t body) {
  whole.resize(4 + body);
  whole[1] = static_cast<uint8_t>(body >> 16);
  whole[2] = static_cast<uint8_t>(body >> 8);
  whole[3] = static_cast<uint8_t>(body);
}

}  // namespace

TEST(EngineServerFlight, EveryMessageLeftOut) {
  for (uint8_t type : kFlight) {
    if (type == SSL3_MT_CERTIFICATE_REQUEST || type == SSL3_MT_FINISHED) continue;
    SCOPED_TRACE(type);
    expect_client_fails(changing(type, [](Octets& whole) { whole.clear(); }),
                        {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE});
  }
}

TEST(EngineServerFlight, EveryMessageTwice) {
  for (uint8_t type : kFlight) {
    if (type == SSL3_MT_FINISHED) continue;
    SCOPED_TRACE(type);
    expect_client_fails(changing(type, [](Octets& whole) { whole = whole + whole; }),
                        {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE});
  }
}

TEST(EngineServerFlight, EveryTypeInEveryPlace) {
  for (uint8_t place : kFlight) {
    for (int type = 0; type < 256; ++type) {
      if (type == place) continue;
      // A certificate in place of the request has a body that is no certificate list.
      if (place == SSL3_MT_CERTIFICATE_REQUEST && type == SSL3_MT_CERTIFICATE) continue;
      if (place == SSL3_MT_CERTIFICATE && type == SSL3_MT_CERTIFICATE_REQUEST) continue;
      if (type > 30 && type % 16 != 14) continue;
      SCOPED_TRACE(std::to_string(type) + " instead of " + std::to_string(place));
      expect_client_fails(
          changing(place, [type](Octets& whole) { whole[0] = static_cast<uint8_t>(type); }),
          {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE});
    }
  }
}

TEST(EngineServerFlight, TrailingByteAndMissingByte) {
  for (uint8_t type : kFlight) {
    for (int change : {1, -1}) {
      SCOPED_TRACE(std::to_string(type) + (change > 0 ? " longer" : " shorter"));
      Script script = changing(type, [&](Octets& whole) {
        resize(whole, whole.size() - 4 + static_cast<size_t>(change));
      });
      Peer peer(new_client(), script);
      EXPECT_FALSE(peer.handshake());
      peer.drain();
      ASSERT_EQ(peer.alerts().size(), 1U);
      EXPECT_EQ(peer.alerts()[0].description, SSL_AD_DECODE_ERROR);
      EXPECT_TRUE(peer.alerts()[0].encrypted);
    }
  }
}

TEST(EngineServerFlight, EmptyBodies) {
  for (uint8_t type : kFlight) {
    SCOPED_TRACE(type);
    Peer peer(new_client(), changing(type, [](Octets& whole) { resize(whole, 0); }));
    EXPECT_FALSE(peer.handshake());
    peer.drain();
    ASSERT_EQ(peer.alerts().size(), 1U);
    EXPECT_EQ(peer.alerts()[0].description, SSL_AD_DECODE_ERROR);
  }
}

TEST(EngineServerFlight, AnnouncedTooLong) {
  for (uint8_t type : kFlight) {
    SCOPED_TRACE(type);
    expect_client_fails(changing(type, [](Octets& whole) { whole[1] = 0x7f; }),
                        {Alert::illegal_parameter, SSL_R_EXCESSIVE_MESSAGE_SIZE});
  }
}

TEST(EngineServerFlight, EncryptedExtensions) {
  struct Case {
    const char* name;
    uint16_t type;
    Octets body;
    Alert alert;
    int reason;
  };
  const Case cases[] = {
      {"unknown", 0x1234, {}, Alert::unsupported_extension, SSL_R_UNSOLICITED_EXTENSION},
      {"server_name unasked", 0, {}, Alert::unsupported_extension, SSL_R_UNSOLICITED_EXTENSION},
      {"alpn unasked", 16, vector16(vector8({'a'})), Alert::unsupported_extension,
       SSL_R_UNSOLICITED_EXTENSION},
      {"early_data unasked", 42, {}, Alert::unsupported_extension, SSL_R_UNSOLICITED_EXTENSION},
      {"max_fragment_length unasked",
       1,
       {1},
       Alert::unsupported_extension,
       SSL_R_UNSOLICITED_EXTENSION},
      // RFC 8446 4.2: recognized, but not specified for this message.
      {"key_share", 51, u16(kX25519), Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
      {"supported_versions", 43, u16(0x0304), Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
      {"signature_algorithms", 13, vector16(u16(0x0807)), Alert::illegal_parameter,
       SSL_R_BAD_EXTENSION},
      {"cookie", 44, vector16({1}), Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
      {"pre_shared_key", 41, u16(0), Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
      {"status_request", 5, {}, Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
      {"supported_groups of an odd length", 10, vector16({0, 29, 0}), Alert::decode_error,
       SSL_R_BAD_EXTENSION},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    Script script;
    script.encrypted_extensions = [&](Extensions& extensions) {
      extensions.push_back({test.type, test.body});
    };
    expect_client_fails(script, {test.alert, test.reason});
  }
}

TEST(EngineServerFlight, AnswersToServerNameAndAlpn) {
  auto configure = [](SSL* ssl) {
    ASSERT_EQ(SSL_set_tlsext_host_name(ssl, "localhost"), 1);
    ASSERT_EQ(SSL_set_alpn_protos(ssl, reinterpret_cast<const uint8_t*>("\2h2\3foo"), 7), 0);
  };
  struct Case {
    const char* name;
    Extensions extensions;
    Alert alert;
    int reason;
  };
  const Case cases[] = {
      {"server_name with a body", {{0, {0}}}, Alert::decode_error, SSL_R_BAD_EXTENSION},
      {"server_name twice", {{0, {}}, {0, {}}}, Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
      {"two protocols",
       {{16, vector16(vector8({'h', '2'}) + vector8({'f', 'o', 'o'}))}},
       Alert::decode_error,
       SSL_R_BAD_EXTENSION},
      {"no protocol", {{16, vector16({})}}, Alert::decode_error, SSL_R_BAD_EXTENSION},
      {"empty protocol", {{16, vector16(vector8({}))}}, Alert::decode_error, SSL_R_BAD_EXTENSION},
      {"protocol that was not offered",
       {{16, vector16(vector8({'x'}))}},
       Alert::illegal_parameter,
       SSL_R_BAD_EXTENSION},
      {"trailing byte",
       {{16, vector16(vector8({'h', '2'})) + Octets{0}}},
       Alert::decode_error,
       SSL_R_BAD_EXTENSION},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    Script script;
    script.encrypted_extensions = [&](Extensions& extensions) { extensions = test.extensions; };
    expect_client_fails(script, {test.alert, test.reason}, configure);
  }
}

TEST(EngineServerFlight, CertificateRequest) {
  struct Case {
    const char* name;
    std::function<void(Extensions&)> change;
    Alert alert;
    int reason;
  };
  const Case cases[] = {
      // RFC 8446 4.3.2: "The "signature_algorithms" extension MUST be specified".
      {"no signature_algorithms", [](Extensions& extensions) { extensions.clear(); },
       Alert::missing_extension, SSL_R_MISSING_SIGALGS_EXTENSION},
      {"empty signature_algorithms",
       [](Extensions& extensions) { extensions[0].body = vector16({}); }, Alert::decode_error,
       SSL_R_BAD_EXTENSION},
      {"half a scheme", [](Extensions& extensions) { extensions[0].body = vector16({8}); },
       Alert::decode_error, SSL_R_BAD_EXTENSION},
      {"signature_algorithms twice",
       [](Extensions& extensions) { extensions.push_back(extensions[0]); },
       Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
      {"key_share",
       [](Extensions& extensions) {
         extensions.push_back({51, u16(kX25519)});
       },
       Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
      {"alpn",
       [](Extensions& extensions) {
         extensions.push_back({16, {}});
       },
       Alert::illegal_parameter, SSL_R_BAD_EXTENSION},
      {"certificate_authorities that are no names",
       [](Extensions& extensions) {
         extensions.push_back({47, vector16(vector16({1, 2, 3}))});
       },
       Alert::decode_error, SSL_R_CA_DN_LENGTH_MISMATCH},
  };
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    Script script;
    script.request_certificate = true;
    script.certificate_request = test.change;
    Peer peer(new_client(), script);
    EXPECT_FALSE(peer.handshake());
    if (test.reason == SSL_R_CA_DN_LENGTH_MISMATCH) {
      EXPECT_EQ(peer.outcome().error, SSL_ERROR_SSL);
      peer.drain();
      ASSERT_EQ(peer.alerts().size(), 1U);
      EXPECT_EQ(peer.alerts()[0].description, SSL_AD_DECODE_ERROR);
    } else {
      expect_failure(peer, {test.alert, test.reason});
    }
  }
  // RFC 8446 4.3.2: the context is for post-handshake authentication.
  expect_client_fails(changing(SSL3_MT_CERTIFICATE_REQUEST,
                               [](Octets& whole) {
                                 whole =
                                     message(SSL3_MT_CERTIFICATE_REQUEST,
                                             vector8({7}) + Octets(whole.begin() + 5, whole.end()));
                               }),
                      {Alert::illegal_parameter, SSL_R_INVALID_CONTEXT});
}

TEST(EngineServerFlight, UnknownExtensionOfARequestIsIgnored) {
  Script script;
  script.request_certificate = true;
  script.certificate_request = [](Extensions& extensions) {
    extensions.push_back({0x1234, {1, 2, 3}});
  };
  Peer peer(new_client(), script);
  EXPECT_TRUE(peer.handshake());
}

TEST(EngineServerFlight, Finished) {
  auto finished = [](std::function<void(Octets&)> change) {
    return changing(SSL3_MT_FINISHED, change);
  };
  // RFC 8446 4.4.4: "MUST verify that the contents are correct and if incorrect MUST terminate the
  // connection with a "decrypt_error" alert."
  for (size_t at : {4U, 20U, 35U}) {
    expect_client_fails(finished([at](Octets& whole) { whole[at] ^= 1; }),
                        {Alert::decrypt_error, SSL_R_DIGEST_CHECK_FAILED});
  }
  expect_client_fails(finished([](Octets& whole) { resize(whole, 31); }),
                      {Alert::decode_error, SSL_R_BAD_DIGEST_LENGTH});
  expect_client_fails(finished([](Octets& whole) { resize(whole, 48); }),
                      {Alert::decode_error, SSL_R_BAD_DIGEST_LENGTH});
  // RFC 8446 5.1: the record ends where the keys change.
  expect_client_fails(finished([](Octets& whole) { whole.push_back(4); }),
                      {Alert::unexpected_message, SSL_R_NOT_ON_RECORD_BOUNDARY});
  expect_client_fails(finished([](Octets& whole) { whole = whole + whole; }),
                      {Alert::unexpected_message, SSL_R_NOT_ON_RECORD_BOUNDARY});
}
