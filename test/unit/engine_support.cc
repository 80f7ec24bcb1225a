#include "engine_support.h"

#include <algorithm>

#include "extension/extension.h"

namespace handfast::engine_test {

Octets pattern(size_t size, uint8_t seed) {
  Octets out(size);
  uint32_t state = seed;
  for (uint8_t& byte : out) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<uint8_t>(state >> 24);
  }
  return out;
}

const Algorithms& algorithms() {
  static const Algorithms* fetched = [] {
    static Algorithms made;
    EXPECT_TRUE(made.fetch(nullptr, nullptr));
    return &made;
  }();
  return *fetched;
}

Extension* find(Extensions& extensions, uint16_t type) {
  for (Extension& extension : extensions) {
    if (extension.type == type) return &extension;
  }
  return nullptr;
}

void remove(Extensions& extensions, uint16_t type) {
  std::erase_if(extensions, [&](const Extension& extension) { return extension.type == type; });
}

void set(Extensions& extensions, uint16_t type, Octets body) {
  if (Extension* extension = find(extensions, type)) {
    extension->body = std::move(body);
  } else {
    extensions.push_back({type, std::move(body)});
  }
}

Octets operator+(Octets a, const Octets& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Octets u16(uint16_t value) {
  return {static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)};
}

Octets vector8(const Octets& body) {
  return Octets{static_cast<uint8_t>(body.size())} + body;
}

Octets vector16(const Octets& body) {
  return u16(static_cast<uint16_t>(body.size())) + body;
}

Octets vector24(const Octets& body) {
  return Octets{static_cast<uint8_t>(body.size() >> 16)} + u16(static_cast<uint16_t>(body.size())) +
         body;
}

Octets message(uint8_t type, const Octets& body) {
  return Octets{type} + vector24(body);
}

Octets build(const Extensions& extensions) {
  Octets block;
  for (const Extension& extension : extensions) {
    block = block + u16(extension.type) + vector16(extension.body);
  }
  return vector16(block);
}

Extensions split(View block) {
  Extensions out;
  Reader reader(block);
  uint16_t type = 0;
  View body;
  while (next_extension(reader, type, body)) out.push_back({type, octets(body)});
  EXPECT_TRUE(reader.empty());
  return out;
}

bool Outcome::has(int reason) const {
  return std::find(reasons.begin(), reasons.end(), reason) != reasons.end();
}

// --- What the tests say ---

twin::Owned<SSL_CTX> new_client_context() {
  twin::Owned<SSL_CTX> context = twin::new_context();
  twin::trust(context.get());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

twin::Owned<SSL_CTX> new_server_context() {
  twin::Owned<SSL_CTX> context = twin::new_context();
  twin::trust(context.get());
  twin::use_certificate(context.get(), "server-ed25519");
  return context;
}

twin::Owned<SSL> new_client(SSL_CTX* context, const Configure& configure) {
  twin::Owned<SSL> ssl(SSL_new(context));
  SSL_set_connect_state(ssl.get());
  if (configure) configure(ssl.get());
  return ssl;
}

twin::Owned<SSL> new_server(SSL_CTX* context, const Configure& configure) {
  twin::Owned<SSL> ssl(SSL_new(context));
  SSL_set_accept_state(ssl.get());
  if (configure) configure(ssl.get());
  return ssl;
}

twin::Owned<SSL> new_client(const Configure& configure) {
  return new_client(new_client_context().get(), configure);
}

twin::Owned<SSL> new_server(const Configure& configure) {
  return new_server(new_server_context().get(), configure);
}

namespace {

std::string text(const Outcome& outcome) {
  std::string result = std::to_string(outcome.returned) + " error " + std::to_string(outcome.error);
  for (int reason : outcome.reasons) {
    const char* string = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, reason));
    result += std::string(" / ") + (string != nullptr ? string : "?");
  }
  return result;
}

void expect_dead(Peer& peer) {
  char byte = 0;
  ERR_clear_error();
  EXPECT_LE(SSL_do_handshake(peer.ssl()), 0);
  EXPECT_LE(SSL_read(peer.ssl(), &byte, 1), 0);
  EXPECT_LE(SSL_peek(peer.ssl(), &byte, 1), 0);
  EXPECT_LE(SSL_write(peer.ssl(), &byte, 1), 0);
  EXPECT_LE(SSL_shutdown(peer.ssl()), 0);
  EXPECT_EQ(SSL_key_update(peer.ssl(), SSL_KEY_UPDATE_REQUESTED), 0);
  size_t done = 0;
  EXPECT_EQ(SSL_read_early_data(peer.ssl(), &byte, 1, &done), SSL_READ_EARLY_DATA_ERROR);
  EXPECT_EQ(SSL_write_early_data(peer.ssl(), &byte, 1, &done), 0);
  ERR_clear_error();
  size_t before = peer.alerts().size();
  Arrived arrived;
  EXPECT_FALSE(peer.take_record(arrived)) << "a record after the failure";
  EXPECT_EQ(peer.alerts().size(), before);
}

}  // namespace

void expect_failure(Peer& peer, const Failure& failure) {
  const Outcome& outcome = peer.outcome();
  EXPECT_LE(outcome.returned, 0);
  EXPECT_EQ(outcome.error, SSL_ERROR_SSL) << text(outcome);
  EXPECT_TRUE(outcome.has(failure.reason))
      << text(outcome) << ", expected "
      << ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, failure.reason));
  peer.drain();
  if (failure.alert == Alert::none) {
    EXPECT_TRUE(peer.alerts().empty());
  } else {
    ASSERT_EQ(peer.alerts().size(), 1U) << text(outcome);
    const Peer::AlertSeen& alert = peer.alerts()[0];
    EXPECT_EQ(alert.level, SSL3_AL_FATAL);
    EXPECT_EQ(alert.description, static_cast<uint8_t>(failure.alert))
        << SSL_alert_desc_string_long(alert.description) << ", expected "
        << SSL_alert_desc_string_long(static_cast<int>(failure.alert));
    EXPECT_EQ(alert.encrypted, failure.encrypted);
  }
  expect_dead(peer);
}

void expect_client_fails(const Script& script, const Failure& failure, const Configure& configure) {
  Peer peer(new_client(configure), script);
  EXPECT_FALSE(peer.handshake());
  expect_failure(peer, failure);
}

void expect_server_fails(const Script& script, const Failure& failure, const Configure& configure) {
  Peer peer(new_server(configure), script);
  EXPECT_FALSE(peer.handshake());
  expect_failure(peer, failure);
}

}  // namespace handfast::engine_test
