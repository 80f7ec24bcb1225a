// SSL_CTX_set_psk_client_callback(3), SSL_CTX_set_psk_server_callback(3) below TLS 1.3: lengths of
// keys, identities and hints, answers of both callbacks, with each key exchange.
#include "support/older.h"
#include "support/resumption12.h"

namespace {
using namespace twin;

constexpr const char* kSuites[] = {"PSK-AES128-CBC-SHA256", "DHE-PSK-AES128-CBC-SHA256",
                                   "ECDHE-PSK-AES128-CBC-SHA256", "RSA-PSK-AES128-CBC-SHA256"};

struct Plan {
  std::string identity{"somebody"};
  unsigned client_length = 16, server_length = 16;
  bool same_key = true;
  bool terminated = true;  ///< the identity ends with a zero byte
};
Plan plan;

unsigned of_client(SSL* ssl, const char* hint, char* identity, unsigned size, unsigned char* key,
                   unsigned room) {
  out("  client asked: hint %s, room %u and %u, state %s, cipher %s",
      hint ? text("of %zu", strlen(hint)).c_str() : "none", size, room, SSL_state_string_long(ssl),
      SSL_get_pending_cipher(ssl) ? SSL_CIPHER_get_name(SSL_get_pending_cipher(ssl)) : "none");
  std::memset(identity, 'x', size);
  std::memcpy(identity, plan.identity.data(), std::min<size_t>(size, plan.identity.size()));
  if (plan.terminated && plan.identity.size() < size) identity[plan.identity.size()] = 0;
  std::memset(key, 'k', room);
  return plan.client_length;
}

unsigned of_server(SSL*, const char* identity, unsigned char* key, unsigned room) {
  out("  server asked: identity of %zu, room %u", strlen(identity), room);
  std::memset(key, plan.same_key ? 'k' : 'l', room);
  return plan.server_length;
}

void told(const char* title, const char* suite, const Plan& next, const char* hint = nullptr,
          int version = TLS1_2_VERSION) {
  plan = next;
  auto both = [=](SSL_CTX* c) {
    SSL_CTX_set_cipher_list(c, text("%s:@SECLEVEL=0", suite).c_str());
  };
  Peers peers = make_peers(at_version(version, {.client_context =
                                                    [=](SSL_CTX* c) {
                                                      both(c);
                                                      SSL_CTX_set_psk_client_callback(c, of_client);
                                                    },
                                                .server_context =
                                                    [=](SSL_CTX* c) {
                                                      both(c);
                                                      SSL_CTX_set_dh_auto(c, 1);
                                                      SSL_CTX_set_psk_server_callback(c, of_server);
                                                      if (hint)
                                                        SSL_CTX_use_psk_identity_hint(c, hint);
                                                    }}));
  link_memory(peers);
  tell_with_alerts(peers, text("%s, %s", title, suite).c_str());
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    const char* identity = SSL_get_psk_identity(ssl);
    const char* known_hint = SSL_get_psk_identity_hint(ssl);
    out("  %s: identity %s, hint %s", SSL_is_server(ssl) ? "server" : "client",
        identity ? text("of %zu", strlen(identity)).c_str() : "none",
        known_hint ? text("of %zu", strlen(known_hint)).c_str() : "none");
  }
}

void exchanges() {
  for (int version : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION}) {
    for (const char* suite : {"PSK-AES128-CBC-SHA", "DHE-PSK-AES128-CBC-SHA",
                              "ECDHE-PSK-AES128-CBC-SHA", "RSA-PSK-AES128-CBC-SHA"}) {
      told(version_text(version), suite, {}, "a hint", version);
    }
  }
}

// RFC 4279 2: an empty hint is no hint; none is sent where the exchange has no other parameters.
void hints() {
  std::string longest(PSK_MAX_IDENTITY_LEN, 'h');
  for (const char* suite : kSuites) {
    told("no hint", suite, {});
    told("empty hint", suite, {}, "");
    told("longest hint", suite, {}, longest.c_str());
  }
}

void identities() {
  for (size_t length : {size_t{0}, size_t{1}, size_t{127}, size_t{128}, size_t{255}, size_t{256},
                        size_t{257}, size_t{300}}) {
    told(text("identity of %zu", length).c_str(), kSuites[0],
         {.identity = std::string(length, 'i')});
  }
  told("not terminated", kSuites[0], {.identity = "", .terminated = false});
  told("zero inside", kSuites[0], {.identity = std::string("some\0body", 9)});
}

void keys() {
  for (unsigned length : {0U, 1U, 64U, 255U, 256U, 257U, 512U, 513U, 100000U}) {
    told(text("client's key of %u", length).c_str(), kSuites[0], {.client_length = length});
    told(text("server's key of %u", length).c_str(), kSuites[0], {.server_length = length});
    told(text("keys of %u", length).c_str(), kSuites[0],
         {.client_length = length, .server_length = length});
  }
}

void different_keys() {
  for (const char* suite : kSuites) told("other key", suite, {.same_key = false});
}

void server_knows_nobody() {
  for (const char* suite : kSuites) told("unknown", suite, {.server_length = 0});
}

void client_has_none() {
  for (const char* suite : kSuites) told("no key", suite, {.client_length = 0});
}

// The identity goes into the session, and comes back with it.
void resumed() {
  for (By by : {By::id, By::ticket}) {
    plan = {};
    auto both = [](SSL_CTX* c) { SSL_CTX_set_cipher_list(c, kSuites[0]); };
    Peers peers = resumable_peers(TLS1_2_VERSION, by,
                                  {.client_context =
                                       [=](SSL_CTX* c) {
                                         both(c);
                                         SSL_CTX_set_psk_client_callback(c, of_client);
                                       },
                                   .server_context =
                                       [=](SSL_CTX* c) {
                                         both(c);
                                         SSL_CTX_set_psk_server_callback(c, of_server);
                                         SSL_CTX_use_psk_identity_hint(c, "a hint");
                                       }});
    link_memory(peers);
    tell_handshake(peers, by_name(by));
    renew_with_session(peers);
    link_memory(peers);
    tell_handshake(peers, "resumed");
    for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
      const char* identity = SSL_get_psk_identity(ssl);
      const char* hint = SSL_get_psk_identity_hint(ssl);
      out("  identity %s, hint %s", identity ? identity : "none", hint ? hint : "none");
    }
  }
}

// Hints are of the SSL or its context, and taken back by nothing.
void hints_of_connections() {
  for (const char* own : {"own", "", static_cast<const char*>(nullptr)}) {
    plan = {};
    Peers peers = make_peers(
        at_version(TLS1_2_VERSION, {.client_context =
                                        [](SSL_CTX* c) {
                                          SSL_CTX_set_cipher_list(c, kSuites[0]);
                                          SSL_CTX_set_psk_client_callback(c, of_client);
                                        },
                                    .server_context =
                                        [](SSL_CTX* c) {
                                          SSL_CTX_set_cipher_list(c, kSuites[0]);
                                          SSL_CTX_set_psk_server_callback(c, of_server);
                                          SSL_CTX_use_psk_identity_hint(c, "the context's");
                                        }}));
    out("set %d", SSL_use_psk_identity_hint(peers.server.get(), own));
    link_memory(peers);
    tell_handshake(peers, own ? own : "nothing");
    const char* hint = SSL_get_psk_identity_hint(peers.client.get());
    out("  hint %s", hint ? hint : "none");
  }
}

// Suites with and without a key in one list, a server with and without certificate.
void mixed() {
  for (const char* certificate : {"server-rsa", ""}) {
    for (const char* suites :
         {"PSK-AES128-CBC-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
          "ECDHE-RSA-AES128-GCM-SHA256:PSK-AES128-CBC-SHA256", "RSA-PSK-AES128-CBC-SHA256"}) {
      plan = {};
      auto both = [=](SSL_CTX* c) { SSL_CTX_set_cipher_list(c, suites); };
      Setup setup = at_version(TLS1_2_VERSION, {.client_context =
                                                    [=](SSL_CTX* c) {
                                                      both(c);
                                                      SSL_CTX_set_psk_client_callback(c, of_client);
                                                    },
                                                .server_context =
                                                    [=](SSL_CTX* c) {
                                                      both(c);
                                                      SSL_CTX_set_psk_server_callback(c, of_server);
                                                    }});
      setup.certificate = certificate;
      Peers peers = make_peers(setup);
      link_memory(peers);
      tell_with_alerts(peers, text("%s, \"%s\"", suites, certificate).c_str());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"exchanges", exchanges},
              {"hints", hints},
              {"identities", identities},
              {"keys", keys},
              {"different_keys", different_keys},
              {"server_knows_nobody", server_knows_nobody},
              {"client_has_none", client_has_none},
              {"resumed", resumed},
              {"hints_of_connections", hints_of_connections},
              {"mixed", mixed}},
             argc, argv);
}
