// A server against pre-shared keys that are offered wrongly (RFC 8446 sections 4.2.9 and 4.2.11).
#include <gtest/gtest.h>

#include "engine_psk_support.h"

using namespace handfast;
using namespace handfast::engine_test;

namespace {

constexpr bool kClear = false;

enum class Kind { external, stateless, stateful };

// A server and a key that it knows.
struct Known {
  Resumption resumption;
  SharedKey key;
  twin::Owned<SSL> server;
};

Known known(Kind kind, const Configure& configure = nullptr) {
  Known made;
  if (kind == Kind::external) {
    made.key = external_key(1);
    made.server = new_server([&](SSL* ssl) { know(ssl, {made.key}); });
  } else {
    made.resumption =
        server_with_ticket(kind == Kind::stateful ? use_stateful_tickets : use_stateless_tickets);
    made.key = made.resumption.key;
    made.server = new_server(made.resumption.context.get());
  }
  if (configure) configure(made.server.get());
  return made;
}

class EnginePskServer : public testing::TestWithParam<Kind> {
 protected:
  void fails(Script script, const Failure& failure, const Configure& configure = nullptr) {
    Known made = known(GetParam(), configure);
    script.keys = {made.key};
    Peer peer(std::move(made.server), script);
    EXPECT_FALSE(peer.handshake());
    expect_failure(peer, failure);
  }
  // The handshake succeeds, with the key or without.
  void succeeds(Script script, bool resumed, const Configure& configure = nullptr) {
    Known made = known(GetParam(), configure);
    if (script.keys.empty()) script.keys = {made.key};
    Peer peer(std::move(made.server), script);
    EXPECT_TRUE(peer.handshake());
    EXPECT_EQ(peer.resumed(), resumed);
    EXPECT_EQ(SSL_session_reused(peer.ssl()), resumed ? 1 : 0);
    EXPECT_EQ(SSL_write(peer.ssl(), "x", 1), 1);
  }
};

INSTANTIATE_TEST_SUITE_P(Keys, EnginePskServer,
                         testing::Values(Kind::external, Kind::stateless, Kind::stateful),
                         [](const auto& kind) {
                           return kind.param == Kind::external    ? "External"
                                  : kind.param == Kind::stateless ? "Stateless"
                                                                  : "Stateful";
                         });

// The hello with its pre_shared_key made of these lists.
std::function<void(HelloParts&, int)> offering(const Octets& identities, const Octets& binders) {
  return [=](HelloParts& parts, int) {
    set(parts.extensions, TLSEXT_TYPE_psk, vector16(identities) + vector16(binders));
  };
}

std::function<void(HelloParts&, int)> modes(const Octets& list) {
  return [=](HelloParts& parts, int) {
    set(parts.extensions, TLSEXT_TYPE_psk_kex_modes, vector8(list));
  };
}

Octets identity(const Octets& name, const Octets& age = {0, 0, 0, 0}) {
  return vector16(name) + age;
}

}  // namespace

TEST_P(EnginePskServer, Resumes) {
  succeeds({}, true);
}

// RFC 8446 4.2.11: "If this value is not present or does not validate, the server MUST abort the
// handshake."
TEST_P(EnginePskServer, WrongBinder) {
  for (size_t at : {0U, 13U, 31U}) {
    Script script;
    script.binders = [at](std::vector<Octets>& binders) { binders[0][at] ^= 0x10; };
    fails(script, {Alert::illegal_parameter, SSL_R_BINDER_DOES_NOT_VERIFY, kClear});
  }
  Script zeros;
  zeros.binders = [](std::vector<Octets>& binders) { binders[0] = Octets(32); };
  fails(zeros, {Alert::illegal_parameter, SSL_R_BINDER_DOES_NOT_VERIFY, kClear});
}

TEST_P(EnginePskServer, BinderOfAnotherKey) {
  Known made = known(GetParam());
  Script script;
  script.keys = {made.key};
  script.keys[0].key[0] ^= 1;
  Peer peer(std::move(made.server), script);
  EXPECT_FALSE(peer.handshake());
  expect_failure(peer, {Alert::illegal_parameter, SSL_R_BINDER_DOES_NOT_VERIFY, kClear});
}

// RFC 8446 7.1: "ext binder" and "res binder" are not the same.
TEST_P(EnginePskServer, BinderOfTheOtherLabel) {
  Known made = known(GetParam());
  Script script;
  script.keys = {made.key};
  script.keys[0].external = !script.keys[0].external;
  Peer peer(std::move(made.server), script);
  EXPECT_FALSE(peer.handshake());
  expect_failure(peer, {Alert::illegal_parameter, SSL_R_BINDER_DOES_NOT_VERIFY, kClear});
}

// The binder is over everything before it.
TEST_P(EnginePskServer, ChangedHello) {
  Script script;
  script.message = [](uint8_t type, Octets& whole) {
    if (type == SSL3_MT_CLIENT_HELLO) whole[6 + 5] ^= 1;  // random
  };
  fails(script, {Alert::illegal_parameter, SSL_R_BINDER_DOES_NOT_VERIFY, kClear});
}

TEST_P(EnginePskServer, FormOfTheExtension) {
  Octets binder = vector8(Octets(32));
  Known made = known(GetParam());
  Octets name = identity(made.key.identity);
  struct Form {
    const char* name;
    Octets identities, binders;
    Alert alert;
  };
  const Form forms[] = {
      {"no identity", {}, binder, Alert::decode_error},
      {"no binder", name, {}, Alert::decode_error},
      {"empty identity", identity({}), binder, Alert::decode_error},
      {"half an age", identity(made.key.identity, {0, 0}), binder, Alert::decode_error},
      {"binder of 31 bytes", name, vector8(Octets(31)), Alert::decode_error},
      {"empty binder", name, vector8({}), Alert::decode_error},
      {"binder that is cut", name, Octets{32} + Octets(31), Alert::decode_error},
      // It has the length of the key's hash.
      {"binder of 33 bytes", name, vector8(Octets(33)), Alert::decode_error},
      {"binder of 48 bytes", name, vector8(Octets(48)), Alert::decode_error},
      {"binder of 255 bytes", name, vector8(Octets(255)), Alert::decode_error},
      // "one for each value in the identities list".
      {"two binders", name, binder + binder, Alert::illegal_parameter},
      {"two identities", name + name, binder, Alert::illegal_parameter},
  };
  for (const Form& form : forms) {
    SCOPED_TRACE(form.name);
    Known again = known(GetParam());
    Octets identities = form.identities;
    // A ticket is of this server.
    if (identities == name) identities = identity(again.key.identity);
    if (identities == name + name) identities = identities + identities;
    Script script;
    script.client_hello = offering(identities, form.binders);
    script.keys = {again.key};
    Peer peer(std::move(again.server), script);
    EXPECT_FALSE(peer.handshake());
    expect_failure(peer, {form.alert, SSL_R_BAD_EXTENSION, kClear});
  }
  Script longer;
  longer.client_hello = [](HelloParts& parts, int) { parts.extensions.back().body.push_back(0); };
  fails(longer, {Alert::decode_error, SSL_R_BAD_EXTENSION, kClear});
}

// "The "pre_shared_key" extension MUST be the last extension in the ClientHello [...] Servers MUST
// check that it is the last extension and otherwise fail the handshake with an "illegal_parameter"
// alert."
TEST_P(EnginePskServer, NotTheLastExtension) {
  for (uint16_t type : {TLSEXT_TYPE_cookie, 0x1234}) {
    Script script;
    script.client_hello = [type](HelloParts& parts, int) {
      parts.extensions.push_back({type, vector16({1})});
    };
    fails(script, {Alert::illegal_parameter, SSL_R_BAD_EXTENSION, kClear});
  }
  Script twice;
  twice.client_hello = [](HelloParts& parts, int) {
    parts.extensions.push_back(parts.extensions.back());
  };
  fails(twice, {Alert::illegal_parameter, SSL_R_BAD_EXTENSION, kClear});
}

TEST_P(EnginePskServer, Modes) {
  // 4.2.9: "If clients offer "pre_shared_key" without a "psk_key_exchange_modes" extension, servers
  // MUST abort the handshake."
  Script none;
  none.client_hello = [](HelloParts& parts, int) {
    remove(parts.extensions, TLSEXT_TYPE_psk_kex_modes);
  };
  fails(none, {Alert::missing_extension, SSL_R_MISSING_PSK_KEX_MODES_EXTENSION, kClear});
  Script empty;
  empty.client_hello = modes({});
  fails(empty, {Alert::decode_error, SSL_R_BAD_EXTENSION, kClear});
  for (const Octets& body : {Octets{}, Octets{2, 1}, Octets{1, 1, 1}}) {
    Script malformed;
    malformed.client_hello = [&](HelloParts& parts, int) {
      set(parts.extensions, TLSEXT_TYPE_psk_kex_modes, body);
    };
    fails(malformed, {Alert::decode_error, SSL_R_BAD_EXTENSION, kClear});
  }
}

TEST_P(EnginePskServer, ModesThatWeDoNotHave) {
  for (const Octets& list : {Octets{0}, Octets{2}, Octets{0, 2, 200, 255}}) {
    Script script;
    script.client_hello = modes(list);
    succeeds(script, false);
  }
  Script among_others;
  among_others.client_hello = modes({200, 2, 0, 1});
  succeeds(among_others, true);
}

TEST_P(EnginePskServer, KeyAlone) {
  auto allow = [](SSL* ssl) { SSL_set_options(ssl, SSL_OP_ALLOW_NO_DHE_KEX); };
  Script script;
  script.client_hello = modes({0});
  succeeds(script, true, allow);
  // A client that wants no (EC)DHE sends no share.
  script.client_hello = [](HelloParts& parts, int) {
    set(parts.extensions, TLSEXT_TYPE_psk_kex_modes, vector8({0}));
    remove(parts.extensions, TLSEXT_TYPE_key_share);
    remove(parts.extensions, TLSEXT_TYPE_supported_groups);
    std::rotate(parts.extensions.begin(), parts.extensions.begin(), parts.extensions.end());
  };
  succeeds(script, true, allow);
  // 4.2.8: but with psk_dhe_ke alone there must be one.
  script.client_hello = [](HelloParts& parts, int) {
    remove(parts.extensions, TLSEXT_TYPE_key_share);
    remove(parts.extensions, TLSEXT_TYPE_supported_groups);
  };
  fails(script, {Alert::missing_extension, SSL_R_NO_SUITABLE_KEY_SHARE, kClear}, allow);
}

// Neither is signed for, nor asked to.
TEST_P(EnginePskServer, WithoutSignatureAlgorithms) {
  Script script;
  script.client_hello = [](HelloParts& parts, int) {
    remove(parts.extensions, TLSEXT_TYPE_signature_algorithms);
  };
  succeeds(script, true);
}

TEST_P(EnginePskServer, OtherIdentitiesBeforeAndBehind) {
  Known made = known(GetParam());
  Script script;
  for (uint8_t i = 10; i < 30; ++i) script.keys.push_back(external_key(i));
  script.keys.insert(script.keys.begin() + 15, made.key);
  // RFC 8446 4.2.11: only the binder of the chosen key is of interest.
  script.binders = [](std::vector<Octets>& binders) {
    binders.front() = Octets(32);
    binders.back() = Octets(32);
  };
  Peer peer(std::move(made.server), script);
  EXPECT_TRUE(peer.handshake());
  EXPECT_TRUE(peer.resumed());
}

TEST_P(EnginePskServer, IdentitiesThatNobodyKnows) {
  Script script;
  for (uint8_t i = 10; i < 30; ++i) script.keys.push_back(external_key(i));
  script.keys.push_back({pattern(32, 3), pattern(32, 4)});
  script.keys.push_back({pattern(200, 3), pattern(32, 4)});
  script.keys.push_back({pattern(2000, 3), pattern(32, 4)});
  succeeds(script, false);
}

// The binder of each has the length of its hash; a key goes with a suite of that hash only.
TEST_P(EnginePskServer, HashOfAnotherSuite) {
  Known made = known(GetParam());
  Script script;
  script.suite = 0x1302;  // SHA-384
  script.keys = {made.key};
  Peer peer(std::move(made.server), script);
  EXPECT_TRUE(peer.handshake());
  EXPECT_FALSE(peer.resumed());

  Known next = known(GetParam(), [&](SSL* ssl) {
    if (GetParam() == Kind::external) know(ssl, {external_key(1), external_key(2, 0x1302)});
  });
  if (GetParam() != Kind::external) return;
  script.keys = {next.key, external_key(2, 0x1302)};
  Peer second(std::move(next.server), script);
  EXPECT_TRUE(second.handshake());
  EXPECT_TRUE(second.resumed());
}

// Another suite of the same hash will do.
TEST_P(EnginePskServer, OtherSuiteOfTheSameHash) {
  Script script;
  script.suite = 0x1303;
  succeeds(script, true);
}

TEST_P(EnginePskServer, Retry) {
  Script script;
  script.retry = true;
  succeeds(script, true);
  // The binder of the second hello is over both.
  script.binders = [calls = 0](std::vector<Octets>& binders) mutable {
    if (++calls == 2) binders[0][5] ^= 1;
  };
  fails(script, {Alert::illegal_parameter, SSL_R_BINDER_DOES_NOT_VERIFY, kClear});
  // And that of the first is checked too.
  script.binders = [calls = 0](std::vector<Octets>& binders) mutable {
    if (++calls == 1) binders[0][5] ^= 1;
  };
  fails(script, {Alert::illegal_parameter, SSL_R_BINDER_DOES_NOT_VERIFY, kClear});
}

TEST_P(EnginePskServer, RetryWithoutTheKey) {
  Script script;
  script.retry = true;
  script.client_hello = [](HelloParts& parts, int attempt) {
    if (attempt == 1) remove(parts.extensions, TLSEXT_TYPE_psk);
  };
  succeeds(script, false);
  // Or with it in the second hello only.
  script.client_hello = [](HelloParts& parts, int attempt) {
    if (attempt == 0) remove(parts.extensions, TLSEXT_TYPE_psk);
  };
  succeeds(script, true);
}

// RFC 8446 4.6.1 says nothing of it, OpenSSL does: a session belongs to its context.
TEST_P(EnginePskServer, AnotherIdContext) {
  auto other = [](SSL* ssl) {
    SSL_set_session_id_context(ssl, reinterpret_cast<const uint8_t*>("other"), 5);
  };
  succeeds({}, GetParam() == Kind::external, other);
}

TEST_P(EnginePskServer, VerifyingServerWithoutIdContext) {
  fails({}, {Alert::internal_error, SSL_R_SESSION_ID_CONTEXT_UNINITIALIZED, kClear},
        [](SSL* ssl) { SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr); });
}

// The client's flight must be under the keys of the pre-shared key.
TEST_P(EnginePskServer, WrongFinished) {
  Script script;
  script.message = [](uint8_t type, Octets& whole) {
    if (type == SSL3_MT_FINISHED) whole[20] ^= 1;
  };
  fails(script, {Alert::decrypt_error, SSL_R_DIGEST_CHECK_FAILED});
  script.message = [](uint8_t type, Octets& whole) {
    if (type == SSL3_MT_FINISHED) whole = message(SSL3_MT_CERTIFICATE, Octets(4));
  };
  fails(script, {Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE});
}

// RFC 8446 4.3.2: a server with a pre-shared key asks for no certificate.
TEST(EnginePskServerCallbacks, NoCertificateRequest) {
  Script script;
  script.keys = {external_key(1)};
  Peer peer(new_server([&](SSL* ssl) {
              know(ssl, script.keys);
              SSL_set_session_id_context(ssl, reinterpret_cast<const uint8_t*>("id"), 2);
              SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
            }),
            script);
  EXPECT_TRUE(peer.handshake());
  EXPECT_TRUE(peer.resumed());
}

TEST(EnginePskServerCallbacks, Refusals) {
  Script script;
  script.keys = {external_key(1)};
  // 0: the connection fails.
  expect_server_fails(script, {Alert::internal_error, SSL_R_BAD_EXTENSION, kClear}, [](SSL* ssl) {
    SSL_set_psk_find_session_callback(
        ssl, [](SSL*, const unsigned char*, size_t, SSL_SESSION**) { return 0; });
  });
  // A key that is too long.
  expect_server_fails(script, {Alert::internal_error, ERR_R_INTERNAL_ERROR, kClear}, [](SSL* ssl) {
    SSL_set_psk_server_callback(
        ssl, [](SSL*, const char*, unsigned char*, unsigned int size) { return size + 1; });
  });
}

// A key of SSL_set_psk_server_callback(3) goes with SHA-256.
TEST(EnginePskServerCallbacks, KeyWithoutASession) {
  auto with_key = [](SSL* ssl) {
    SSL_set_psk_server_callback(ssl,
                                [](SSL*, const char* identity, unsigned char* key, unsigned int) {
                                  if (std::string(identity) != "key 1") return 0U;
                                  std::copy_n(external_key(1).key.begin(), 32, key);
                                  return 32U;
                                });
  };
  for (uint16_t suite : {0x1301, 0x1303, 0x1302}) {
    Script script;
    script.suite = suite;
    script.keys = {external_key(2), external_key(1)};
    Peer peer(new_server(with_key), script);
    EXPECT_TRUE(peer.handshake());
    EXPECT_EQ(peer.resumed(), suite != 0x1302);
  }
  // Names with a zero, or longer than names can be.
  for (const Octets& name : {Octets{'k', 'e', 'y', ' ', '1', 0, 'x'}, Octets(1000, 'x')}) {
    Script script;
    script.keys = {external_key(1)};
    script.keys[0].identity = name;
    Peer peer(new_server(with_key), script);
    bool same_name = name.size() < 10;
    EXPECT_TRUE(peer.handshake());
    EXPECT_EQ(peer.resumed(), same_name) << "names of TLS 1.2 are C strings";
  }
}
