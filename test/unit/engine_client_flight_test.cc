// A server against a bad second flight of the client: Certificate to Finished.
#include <gtest/gtest.h>

#include "engine_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

void ask(SSL* ssl) {
  SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
}

constexpr uint8_t kFlight[] = {SSL3_MT_CERTIFICATE, SSL3_MT_CERTIFICATE_VERIFY, SSL3_MT_FINISHED};

Script changing(uint8_t type, std::function<void(Octets&)> change) {
  Script script;
  script.message = [type, change](uint8_t sent, Octets& whole) {
    if (sent == type) change(whole);
  };
  return script;
}

void resize(Octets& whole, size_t body) {
  whole.resize(4 + body);
  whole[2] = static_cast<uint8_t>(body >> 8);
  whole[3] = static_cast<uint8_t>(body);
}

}  // namespace

TEST(EngineClientFlight, EveryTypeInEveryPlace) {
  for (uint8_t place : kFlight) {
    for (int type = 0; type < 256; ++type) {
      if (type == place || (type > 30 && type % 16 != 14)) continue;
      SCOPED_TRACE(std::to_string(type) + " instead of " + std::to_string(place));
      expect_server_fails(
          changing(place, [type](Octets& whole) { whole[0] = static_cast<uint8_t>(type); }),
          {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE}, ask);
    }
  }
}

TEST(EngineClientFlight, LeftOutAndTwice) {
  for (uint8_t type : kFlight) {
    if (type == SSL3_MT_FINISHED) continue;
    SCOPED_TRACE(type);
    Failure failure{Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE};
    expect_server_fails(changing(type, [](Octets& whole) { whole.clear(); }), failure, ask);
    expect_server_fails(changing(type, [](Octets& whole) { whole = whole + whole; }), failure, ask);
  }
}

TEST(EngineClientFlight, CertificateThatWasNotAskedFor) {
  Script script = changing(SSL3_MT_FINISHED, [](Octets& whole) {
    whole = message(SSL3_MT_CERTIFICATE, {0, 0, 0, 0}) + whole;
  });
  expect_server_fails(script, {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE});
}

TEST(EngineClientFlight, EndOfEarlyDataWithoutEarlyData) {
  Script script = changing(SSL3_MT_FINISHED, [](Octets& whole) { whole = message(5, {}) + whole; });
  expect_server_fails(script, {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE});
}

TEST(EngineClientFlight, Lengths) {
  for (uint8_t type : kFlight) {
    for (int change : {1, -1}) {
      SCOPED_TRACE(std::to_string(type) + (change > 0 ? " longer" : " shorter"));
      Peer peer(new_server(ask), changing(type, [&](Octets& whole) {
                  resize(whole, whole.size() - 4 + static_cast<size_t>(change));
                }));
      EXPECT_FALSE(peer.handshake());
      peer.drain();
      ASSERT_EQ(peer.alerts().size(), 1U);
      EXPECT_EQ(peer.alerts()[0].description, SSL_AD_DECODE_ERROR);
      EXPECT_TRUE(peer.alerts()[0].encrypted);
    }
    expect_server_fails(changing(type, [](Octets& whole) { whole[1] = 0x7f; }),
                        {Alert::illegal_parameter, SSL_R_EXCESSIVE_MESSAGE_SIZE}, ask);
  }
}

TEST(EngineClientFlight, Finished) {
  auto finished = [](std::function<void(Octets&)> change) {
    return changing(SSL3_MT_FINISHED, change);
  };
  for (const Configure& configure : {Configure(nullptr), Configure(ask)}) {
    expect_server_fails(finished([](Octets& whole) { whole[10] ^= 1; }),
                        {Alert::decrypt_error, SSL_R_DIGEST_CHECK_FAILED}, configure);
    // RFC 8446 5.1: data of the next keys cannot stand behind it.
    expect_server_fails(finished([](Octets& whole) { whole = whole + message(24, {0}); }),
                        {Alert::unexpected_message, SSL_R_NOT_ON_RECORD_BOUNDARY}, configure);
  }
}

TEST(EngineClientFlight, AfterARetry) {
  Script script = changing(SSL3_MT_FINISHED, [](Octets& whole) { whole[4] ^= 1; });
  script.retry = true;
  expect_server_fails(script, {Alert::decrypt_error, SSL_R_DIGEST_CHECK_FAILED});
}
