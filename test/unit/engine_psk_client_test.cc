// A client against servers that answer pre-shared keys wrongly (RFC 8446 sections 4.2.11, 4.1.4).
#include <gtest/gtest.h>

#include "engine_psk_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

constexpr bool kClear = false;

// Of a ticket, or of the application.
class EnginePskClient : public testing::TestWithParam<bool> {
 protected:
  EnginePskClient() {
    if (external()) {
      key_ = external_key(1);
    } else {
      resumption_ = client_with_ticket();
      key_ = resumption_.key;
    }
  }
  [[nodiscard]] bool external() const { return GetParam(); }
  [[nodiscard]] const SharedKey& key() const { return key_; }

  // A client that offers the key.
  twin::Owned<SSL> client(const Configure& configure = nullptr) const {
    if (!external()) return client_again(resumption_, configure);
    return new_client([&](SSL* ssl) {
      use(ssl, key_);
      if (configure) configure(ssl);
    });
  }
  void fails(Script script, const Failure& failure, const Configure& configure = nullptr) const {
    script.keys = {key_};
    Peer peer(client(configure), script);
    EXPECT_FALSE(peer.handshake());
    EXPECT_EQ(peer.offered().size(), peer.hello_extensions().back().type == TLSEXT_TYPE_psk);
    expect_failure(peer, failure);
  }
  void succeeds(Script script, bool resumed, const Configure& configure = nullptr) const {
    script.keys = {key_};
    Peer peer(client(configure), script);
    EXPECT_TRUE(peer.handshake());
    EXPECT_EQ(peer.resumed(), resumed);
    EXPECT_EQ(SSL_session_reused(peer.ssl()), resumed ? 1 : 0);
    peer.send(ContentType::application_data, {'x'});
    peer.drive();
    EXPECT_EQ(peer.decrypted(), "x");
  }

 private:
  Resumption resumption_;
  SharedKey key_;
};

INSTANTIATE_TEST_SUITE_P(Keys, EnginePskClient, testing::Bool(), [](const auto& external) {
  return external.param ? "External" : "Ticket";
});

std::function<void(HelloParts&, bool)> selecting(const Octets& body) {
  return [=](HelloParts& parts, bool retry) {
    if (!retry) set(parts.extensions, TLSEXT_TYPE_psk, body);
  };
}

}  // namespace

TEST_P(EnginePskClient, Resumes) {
  succeeds({}, true);
}

TEST_P(EnginePskClient, ServerDeclines) {
  Script script;
  script.server_hello = [](HelloParts& parts, bool) { remove(parts.extensions, TLSEXT_TYPE_psk); };
  succeeds(script, false);
  // A server that has never seen the key.
  Peer peer(client(), {});
  EXPECT_TRUE(peer.handshake());
  EXPECT_EQ(peer.offered().size(), 1U);
  EXPECT_FALSE(peer.resumed());
}

// RFC 8446 4.2.11: "Clients MUST verify that the server's selected_identity is within the range
// supplied by the client [...] If any of these values are not consistent, the client MUST abort the
// handshake with an "illegal_parameter" alert."
TEST_P(EnginePskClient, SelectedIdentity) {
  for (uint16_t index : {1, 2, 0x100, 0xffff}) {
    Script script;
    script.server_hello = selecting(u16(index));
    fails(script, {Alert::illegal_parameter, SSL_R_BAD_PSK_IDENTITY, kClear});
  }
  for (const Octets& body : {Octets{}, Octets{0}, Octets{0, 0, 0}}) {
    Script script;
    script.server_hello = selecting(body);
    fails(script, {Alert::decode_error, SSL_R_LENGTH_MISMATCH, kClear});
  }
}

TEST(EnginePskClientWithout, SelectedIdentity) {
  Script script;
  script.server_hello = selecting(u16(0));
  expect_client_fails(script, {Alert::unsupported_extension, SSL_R_UNSOLICITED_EXTENSION, kClear});
}

// 4.2.9: without SSL_OP_ALLOW_NO_DHE_KEX only psk_dhe_ke was offered.
TEST_P(EnginePskClient, KeyAlone) {
  auto allow = [](SSL* ssl) { SSL_set_options(ssl, SSL_OP_ALLOW_NO_DHE_KEX); };
  Script script;
  script.server_hello = [](HelloParts& parts, bool) {
    remove(parts.extensions, TLSEXT_TYPE_key_share);
  };
  fails(script, {Alert::missing_extension, SSL_R_NO_SUITABLE_KEY_SHARE, kClear});
  succeeds(script, true, allow);
  // Not without the key either.
  script.server_hello = [](HelloParts& parts, bool) {
    remove(parts.extensions, TLSEXT_TYPE_key_share);
    remove(parts.extensions, TLSEXT_TYPE_psk);
  };
  fails(script, {Alert::missing_extension, SSL_R_NO_SUITABLE_KEY_SHARE, kClear}, allow);
}

// "that the server selected a cipher suite indicating a Hash associated with the PSK".
TEST_P(EnginePskClient, SuiteOfAnotherHash) {
  Script script;
  script.suite = 0x1302;
  fails(script, {Alert::illegal_parameter, SSL_R_CIPHERSUITE_DIGEST_HAS_CHANGED, kClear});
  script.server_hello = [](HelloParts& parts, bool) { remove(parts.extensions, TLSEXT_TYPE_psk); };
  succeeds(script, false);
  Script same_hash;
  same_hash.suite = 0x1303;
  succeeds(same_hash, true);
}

TEST_P(EnginePskClient, MisplacedExtension) {
  Script script;
  script.encrypted_extensions = [](Extensions& extensions) {
    set(extensions, TLSEXT_TYPE_psk, u16(0));
  };
  fails(script, {Alert::illegal_parameter, SSL_R_BAD_EXTENSION});
  script.encrypted_extensions = [](Extensions& extensions) {
    set(extensions, TLSEXT_TYPE_psk_kex_modes, vector8({1}));
  };
  fails(script, {Alert::illegal_parameter, SSL_R_BAD_EXTENSION});
  Script retry;
  retry.retry = true;
  retry.server_hello = [](HelloParts& parts, bool retry_now) {
    if (retry_now) set(parts.extensions, TLSEXT_TYPE_psk, u16(0));
  };
  fails(retry, {Alert::illegal_parameter, SSL_R_BAD_EXTENSION, kClear});
  Script twice;
  twice.server_hello = [](HelloParts& parts, bool) {
    parts.extensions.push_back({TLSEXT_TYPE_psk, u16(0)});
  };
  fails(twice, {Alert::illegal_parameter, SSL_R_BAD_EXTENSION, kClear});
}

// RFC 8446 2.2: the server is authenticated by the key; no certificate may follow.
TEST_P(EnginePskClient, CertificatesAllTheSame) {
  for (uint8_t type : {SSL3_MT_CERTIFICATE, SSL3_MT_CERTIFICATE_REQUEST, SSL3_MT_CERTIFICATE_VERIFY,
                       SSL3_MT_NEWSESSION_TICKET}) {
    Script script;
    script.message = [type](uint8_t which, Octets& whole) {
      if (which == SSL3_MT_FINISHED) whole = message(type, Octets(8)) + whole;
    };
    fails(script, {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE});
  }
}

TEST_P(EnginePskClient, ServerWithAnotherKey) {
  Script script;
  script.keys = {key()};
  script.keys[0].key[7] ^= 1;
  twin::Owned<SSL> ssl = client();
  script.keys[0].identity[0] ^= 1;  // the peer shall not check the binder
  script.server_hello = selecting(u16(0));
  Peer peer(std::move(ssl), script);
  EXPECT_FALSE(peer.handshake());
  EXPECT_EQ(peer.outcome().error, SSL_ERROR_SSL);
  EXPECT_TRUE(peer.outcome().has(SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC));
}

TEST_P(EnginePskClient, WrongFinished) {
  Script script;
  script.message = [](uint8_t type, Octets& whole) {
    if (type == SSL3_MT_FINISHED) whole[20] ^= 1;
  };
  fails(script, {Alert::decrypt_error, SSL_R_DIGEST_CHECK_FAILED});
}

// The peer checks the binder of the second hello, over both (4.2.11.2).
TEST_P(EnginePskClient, Retry) {
  Script script;
  script.retry = true;
  succeeds(script, true);
  script.server_hello = [](HelloParts& parts, bool) { remove(parts.extensions, TLSEXT_TYPE_psk); };
  succeeds(script, false);
}

// RFC 8446 4.1.4: "the client SHOULD NOT offer any pre-shared keys associated with a hash other
// than that of the selected cipher suite."
TEST_P(EnginePskClient, RetryWithAnotherHash) {
  Script script;
  script.retry = true;
  script.suite = 0x1302;
  script.keys = {key()};
  std::vector<size_t> offers;
  Peer* self = nullptr;
  script.server_hello = [&](HelloParts&, bool) { offers.push_back(self->offered().size()); };
  Peer peer(client(), script);
  self = &peer;
  EXPECT_TRUE(peer.handshake());
  EXPECT_EQ(offers, (std::vector<size_t>{1, 0}));
  EXPECT_FALSE(peer.resumed());
  EXPECT_EQ(SSL_session_reused(peer.ssl()), 0);
}

// Both kinds at once: the ticket is the first.
TEST(EnginePskClientBoth, EitherIsChosen) {
  for (size_t chosen : {0U, 1U}) {
    for (bool retry : {false, true}) {
      Resumption made = client_with_ticket();
      Script script;
      script.retry = retry;
      script.keys = {made.key, external_key(1)};
      script.server_hello = [&](HelloParts& parts, bool retry_now) {
        if (!retry_now) set(parts.extensions, TLSEXT_TYPE_psk, u16(static_cast<uint16_t>(chosen)));
      };
      Peer peer(client_again(made, [](SSL* ssl) { use(ssl, external_key(1)); }), script);
      EXPECT_TRUE(peer.handshake());
      ASSERT_EQ(peer.offered().size(), 2U);
      EXPECT_EQ(peer.offered()[0], made.key.identity);
      EXPECT_EQ(peer.offered()[1], external_key(1).identity);
      EXPECT_EQ(SSL_session_reused(peer.ssl()), 1);
    }
  }
  Resumption made = client_with_ticket();
  Script script;
  script.keys = {made.key, external_key(1)};
  script.server_hello = selecting(u16(2));
  Peer peer(client_again(made, [](SSL* ssl) { use(ssl, external_key(1)); }), script);
  EXPECT_FALSE(peer.handshake());
  expect_failure(peer, {Alert::illegal_parameter, SSL_R_BAD_PSK_IDENTITY, kClear});
}

// One of them is dropped by a HelloRetryRequest: the index is that of the second hello.
TEST(EnginePskClientBoth, OneSurvivesTheRetry) {
  Resumption made = client_with_ticket();
  SharedKey other = external_key(1, 0x1302);
  Script script;
  script.retry = true;
  script.suite = 0x1302;
  script.keys = {made.key, other};
  Peer peer(client_again(made, [&](SSL* ssl) { use(ssl, other); }), script);
  EXPECT_TRUE(peer.handshake());
  EXPECT_EQ(peer.offered(), std::vector<Octets>{other.identity});
  EXPECT_TRUE(peer.resumed());
}

TEST(EnginePskClientSession, OfAnotherIdContext) {
  Resumption made = client_with_ticket();
  Script script;
  script.keys = {made.key};
  Peer peer(client_again(made,
                         [](SSL* ssl) {
                           SSL_set_session_id_context(ssl, reinterpret_cast<const uint8_t*>("x"),
                                                      1);
                         }),
            script);
  EXPECT_FALSE(peer.handshake());
  expect_failure(peer, {Alert::illegal_parameter,
                        SSL_R_ATTEMPT_TO_REUSE_SESSION_IN_DIFFERENT_CONTEXT, kClear});
}

TEST(EnginePskClientCallbacks, Refusals) {
  auto fails = [](const Configure& configure, int reason) {
    Peer peer(new_client(configure), {});
    peer.drive();
    EXPECT_EQ(peer.outcome().error, SSL_ERROR_SSL);
    EXPECT_TRUE(peer.outcome().has(reason));
    peer.drive();
    EXPECT_LE(peer.outcome().returned, 0) << "it stays failed";
  };
  fails(
      [](SSL* ssl) {
        SSL_set_psk_use_session_callback(ssl, [](SSL*, const EVP_MD*, const unsigned char**,
                                                 size_t*, SSL_SESSION**) { return 0; });
      },
      SSL_R_BAD_PSK);
  // A session of another version.
  fails(
      [](SSL* ssl) {
        SSL_set_psk_use_session_callback(
            ssl, [](SSL*, const EVP_MD*, const unsigned char** identity, size_t* length,
                    SSL_SESSION** session) {
              *identity = reinterpret_cast<const unsigned char*>("id");
              *length = 2;
              *session = session_of(external_key(1)).release();
              SSL_SESSION_set_protocol_version(*session, TLS1_2_VERSION);
              return 1;
            });
      },
      SSL_R_BAD_PSK);
  // No name.
  fails([](SSL* ssl) { use(ssl, {{}, Octets(32), 0, true}); }, SSL_R_BAD_PSK);
  fails(
      [](SSL* ssl) {
        SSL_set_psk_client_callback(ssl, [](SSL*, const char*, char* identity, unsigned int,
                                            unsigned char*, unsigned int size) {
          identity[0] = 'x';
          return size + 1;
        });
      },
      ERR_R_INTERNAL_ERROR);
}
