// Keys below TLS 1.3: DH parameters, groups, signature algorithms and pre-shared keys.
#include <openssl/dh.h>

#include "support/older.h"

namespace {
using namespace twin;

std::string key_said(EVP_PKEY* key) {
  if (!key) return "none";
  std::string line = text("%s %d bits", EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
  EVP_PKEY_free(key);
  return line;
}

void tell_keys(const Peers& peers) {
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    EVP_PKEY *peer = nullptr, *own = nullptr;
    int peer_good = static_cast<int>(SSL_get_peer_tmp_key(ssl, &peer));
    int own_good = static_cast<int>(SSL_get_tmp_key(ssl, &own));
    out("  %s: peer's key %d %s, own %d %s", SSL_is_server(ssl) ? "server" : "client", peer_good,
        key_said(peer).c_str(), own_good, key_said(own).c_str());
    ERR_clear_error();
    int peer_hash = 0, peer_type = 0, hash = 0, type = 0;
    int good[4] = {SSL_get_peer_signature_nid(ssl, &peer_hash),
                   SSL_get_peer_signature_type_nid(ssl, &peer_type),
                   SSL_get_signature_nid(ssl, &hash), SSL_get_signature_type_nid(ssl, &type)};
    out("    peer signed %d %s %d %s, own %d %s %d %s", good[0], OBJ_nid2sn(peer_hash), good[1],
        OBJ_nid2sn(peer_type), good[2], OBJ_nid2sn(hash), good[3], OBJ_nid2sn(type));
  }
}

void try_peers(Peers& peers, const char* title) {
  link_memory(peers);
  if (tell_with_alerts(peers, title).good()) tell_keys(peers);
}

/// Named parameters as a key without a key.
EVP_PKEY* dh_parameters(const char* group) {
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "DH", nullptr);
  EVP_PKEY* parameters = nullptr;
  OSSL_PARAM chosen[] = {OSSL_PARAM_construct_utf8_string("group", const_cast<char*>(group), 0),
                         OSSL_PARAM_END};
  require(EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_CTX_set_params(context, chosen) == 1 &&
              EVP_PKEY_generate(context, &parameters) == 1,
          group);
  EVP_PKEY_CTX_free(context);
  return parameters;
}

/// What `set0` answers; parameters that it refuses stay with the caller.
template <class Holder>
int offer(int (*set0)(Holder*, EVP_PKEY*), Holder* holder, const char* group) {
  EVP_PKEY* parameters = dh_parameters(group);
  int result = set0(holder, parameters);
  if (result != 1) EVP_PKEY_free(parameters);
  return result;
}

/// The primes of RFC 2409, below what the named groups of DH keys have.
DH* small_dh(int bits) {
  DH* dh = DH_new();
  BIGNUM* generator = BN_new();
  BN_set_word(generator, 2);
  DH_set0_pqg(dh,
              bits == 768 ? BN_get_rfc2409_prime_768(nullptr) : BN_get_rfc2409_prime_1024(nullptr),
              nullptr, generator);
  return dh;
}

Setup dhe(int client_level, int server_level, const std::function<void(SSL_CTX*)>& server,
          const char* suites = "DHE") {
  return at_version(TLS1_2_VERSION, {.client_context =
                                         [=](SSL_CTX* c) {
                                           SSL_CTX_set_security_level(c, client_level);
                                           SSL_CTX_set_cipher_list(c, suites);
                                         },
                                     .server_context =
                                         [=](SSL_CTX* c) {
                                           SSL_CTX_set_cipher_list(c, suites);
                                           server(c);
                                           SSL_CTX_set_security_level(c, server_level);
                                         }});
}

void dh_auto() {
  for (const char* suite :
       {"DHE-RSA-AES128-SHA", "DHE-RSA-AES256-SHA", "ADH-AES128-SHA", "ADH-AES256-SHA"}) {
    for (int mode : {0, 1, 2}) {
      for (int level = 0; level <= 4; level++) {
        Peers peers = make_peers(dhe(
            level, level, [=](SSL_CTX* c) { SSL_CTX_set_dh_auto(c, mode); }, suite));
        try_peers(peers, text("%s, auto %d, level %d", suite, mode, level).c_str());
      }
    }
  }
}

// The server's key can be asked for only while the client's half is awaited.
void temporary_key_while_it_lasts() {
  for (const char* suite : {"DHE-RSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "AES128-SHA"}) {
    Peers peers = make_peers(dhe(
        0, 0, [](SSL_CTX* c) { SSL_CTX_set_dh_auto(c, 1); }, suite));
    link_memory(peers);
    SSL_set_connect_state(peers.client.get());
    SSL_set_accept_state(peers.server.get());
    out("%s", suite);
    for (int turn = 0; turn < 3; turn++) {
      for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
        int result = SSL_do_handshake(ssl);
        EVP_PKEY* key = nullptr;
        int good = static_cast<int>(SSL_get_tmp_key(ssl, &key));
        out("  %s: %d, own key %d %s", SSL_is_server(ssl) ? "server" : "client", result, good,
            key_said(key).c_str());
        ERR_clear_error();
      }
    }
  }
}

void dh_auto_follows_the_certificate() {
  for (const char* name : {"server-rsa1024", "server-rsa"}) {
    Setup setup = dhe(0, 0, [](SSL_CTX* c) {
      SSL_CTX_set_security_level(c, 0);
      SSL_CTX_set_dh_auto(c, 1);
    });
    setup.certificate = "";
    auto before = setup.server_context;
    setup.server_context = [=](SSL_CTX* c) {
      before(c);
      use_certificate(c, name);
    };
    Peers peers = make_peers(setup);
    try_peers(peers, name);
  }
}

void dh_set() {
  for (const char* group : {"modp_1536", "ffdhe2048", "modp_2048", "ffdhe3072"}) {
    for (bool on_connection : {false, true}) {
      Peers peers = make_peers(dhe(1, 1, [=](SSL_CTX* c) {
        if (on_connection) return;
        out("SSL_CTX_set0_tmp_dh_pkey: %s",
            answer(offer(SSL_CTX_set0_tmp_dh_pkey, c, group)).c_str());
      }));
      if (on_connection) {
        out("SSL_set0_tmp_dh_pkey: %s",
            answer(offer(SSL_set0_tmp_dh_pkey, peers.server.get(), group)).c_str());
      }
      try_peers(peers, group);
    }
  }
}

void dh_too_small() {
  for (int bits : {768, 1024}) {
    for (int client_level : {0, 1, 2}) {
      for (int server_level : {0, 1, 2}) {
        Peers peers = make_peers(dhe(client_level, server_level, [=](SSL_CTX* c) {
          SSL_CTX_set_security_level(c, 0);
          DH* dh = small_dh(bits);
          out("SSL_CTX_set_tmp_dh: %s", answer(SSL_CTX_set_tmp_dh(c, dh)).c_str());
          DH_free(dh);
        }));
        try_peers(peers,
                  text("%d bits, client %d, server %d", bits, client_level, server_level).c_str());
      }
    }
  }
  Owned<SSL_CTX> context = new_context();
  DH* dh = small_dh(768);
  out("at the default level: %s", answer(SSL_CTX_set_tmp_dh(context.get(), dh)).c_str());
  DH_free(dh);
}

void dh_callback() {
  for (const char* suite :
       {"DHE-RSA-AES128-SHA", "DHE-RSA-AES256-SHA", "ADH-AES128-SHA:@SECLEVEL=0"}) {
    Peers peers = make_peers(dhe(
        0, 0,
        [](SSL_CTX* c) {
          SSL_CTX_set_tmp_dh_callback(c, [](SSL*, int is_export, int bits) {
            static DH* dh = small_dh(1024);
            out("  callback: export %d, bits %d", is_export, bits);
            return dh;
          });
        },
        suite));
    try_peers(peers, suite);
  }
  Peers peers = make_peers(dhe(1, 1, [](SSL_CTX* c) {
    SSL_CTX_set_tmp_dh_callback(c, [](SSL*, int, int) -> DH* { return nullptr; });
  }));
  try_peers(peers, "null");
}

std::string shared_groups(SSL* ssl) {
  int count = static_cast<int>(SSL_get_shared_group(ssl, -1));
  std::string result = text("%d:", count);
  for (int i = 0; i < count + 1; i++)
    result += text(" %d", static_cast<int>(SSL_get_shared_group(ssl, i)));
  return result;
}

std::string offered_groups(SSL* ssl) {
  int groups[40], count = static_cast<int>(SSL_get1_groups(ssl, groups));
  std::string result = text("%d:", count);
  for (int i = 0; i < count; i++) result += text(" %d", groups[i]);
  return result;
}

void groups(int version, const char* certificate) {
  constexpr const char* kPairs[][2] = {{"X25519", "X25519"},
                                       {"X25519:P-256", "P-256:X25519"},
                                       {"P-521:P-384:X448", "X448:P-384"},
                                       {"X25519", "P-256"},
                                       {"P-256", "P-384:P-256"},
                                       {"ffdhe2048:P-256", "P-256"},
                                       {"ffdhe2048", "ffdhe2048"},
                                       {"secp224r1", "secp224r1"},
                                       {"brainpoolP256r1:P-256", "brainpoolP256r1"}};
  for (const auto& pair : kPairs) {
    for (uint64_t options : {uint64_t{0}, uint64_t{SSL_OP_CIPHER_SERVER_PREFERENCE}}) {
      Setup setup = at_version(version, {.certificate = certificate});
      auto choose = [](std::function<void(SSL_CTX*)> before, const char* list, uint64_t chosen) {
        return [=](SSL_CTX* c) {
          before(c);
          SSL_CTX_set_options(c, chosen);
          SSL_CTX_set_dh_auto(c, 1);
          if (!SSL_CTX_set1_groups_list(c, list)) out("%s: %s", list, errors().c_str());
        };
      };
      setup.client_context = choose(setup.client_context, pair[0], 0);
      setup.server_context = choose(setup.server_context, pair[1], options);
      Peers peers = make_peers(setup);
      try_peers(peers, text("%s against %s, options %#lx", pair[0], pair[1], options).c_str());
      out("  shared %s | %s, offered %s", shared_groups(peers.client.get()).c_str(),
          shared_groups(peers.server.get()).c_str(), offered_groups(peers.server.get()).c_str());
    }
  }
}

std::string signature_said(SSL* ssl, int (*get)(SSL*, int, int*, int*, int*, unsigned char*,
                                                unsigned char*)) {
  int count = get(ssl, 0, nullptr, nullptr, nullptr, nullptr, nullptr);
  std::string result = text("%d:", count);
  for (int i = 0; i < count; i++) {
    int sign = 0, hash = 0, both = 0;
    unsigned char raw_sign = 0, raw_hash = 0;
    get(ssl, i, &sign, &hash, &both, &raw_sign, &raw_hash);
    result += text(" %02x%02x(%d %d %d)", raw_hash, raw_sign, sign, hash, both);
  }
  return result;
}

void signatures() {
  constexpr const char* kLists[][2] = {{"", ""},
                                       {"RSA+SHA256", ""},
                                       {"RSA+SHA512:RSA+SHA256", "RSA+SHA256:RSA+SHA512"},
                                       {"RSA-PSS+SHA384", ""},
                                       {"ECDSA+SHA256:RSA+SHA1", ""},
                                       {"RSA+SHA1", "RSA+SHA1"},
                                       {"ECDSA+SHA384", "RSA+SHA256"},
                                       {"ed25519:rsa_pss_rsae_sha256", ""},
                                       {"ed448", ""},
                                       {"rsa_pss_pss_sha256", ""}};
  for (const auto& lists : kLists) {
    for (const char* certificate :
         {"server-rsa", "server-p256", "server-rsa-pss", "server-ed448"}) {
      for (int level : {0, 2}) {
        auto choose = [=](const char* list) {
          return [=](SSL_CTX* c) {
            SSL_CTX_set_security_level(c, level);
            if (*list) require(SSL_CTX_set1_sigalgs_list(c, list) == 1, list);
          };
        };
        Peers peers = make_peers(at_version(TLS1_2_VERSION, {.certificate = certificate,
                                                             .client_context = choose(lists[0]),
                                                             .server_context = choose(lists[1])}));
        try_peers(
            peers,
            text("%s against %s, %s, level %d", lists[0], lists[1], certificate, level).c_str());
        out("  server: peer's %s", signature_said(peers.server.get(), SSL_get_sigalgs).c_str());
        out("  server: shared %s",
            signature_said(peers.server.get(), SSL_get_shared_sigalgs).c_str());
        out("  client: shared %s",
            signature_said(peers.client.get(), SSL_get_shared_sigalgs).c_str());
      }
    }
  }
}

struct Psk {
  const char *hint, *identity;
  unsigned client_size, server_size;
  bool same = true;
};
const Psk* psk;

unsigned int client_psk(SSL* ssl, const char* hint, char* identity, unsigned int identity_size,
                        unsigned char* key, unsigned int size) {
  out("  client callback: hint %s, sizes %u %u, %s", hint ? hint : "null", identity_size, size,
      state_line(ssl).c_str());
  std::snprintf(identity, identity_size, "%s", psk->identity);
  std::memset(key, 'k', std::min(psk->client_size, size));
  return psk->client_size;
}

unsigned int server_psk(SSL* ssl, const char* identity, unsigned char* key, unsigned int size) {
  out("  server callback: identity %.20s, size %u, %s", identity, size, state_line(ssl).c_str());
  std::memset(key, psk->same ? 'k' : 'x', std::min(psk->server_size, size));
  return psk->server_size;
}

void psks(const char* suite) {
  static const std::string kLong(127, 'i'), kTooLong(129, 'i'), kLongHint(128, 'h');
  const Psk kKeys[] = {{"the hint", "somebody", 16, 16},
                       {nullptr, "somebody", 16, 16},
                       {"", "somebody", 1, 1},
                       {"the hint", "", 16, 16},
                       {nullptr, "somebody", 0, 16},
                       {nullptr, "somebody", 16, 0},
                       {nullptr, "somebody", 16, 16, false},
                       {nullptr, "somebody", 17, 16},
                       {nullptr, "somebody", 256, 256},
                       {nullptr, "somebody", 513, 16},
                       {nullptr, "somebody", 16, 513},
                       {nullptr, kLong.c_str(), 16, 16},
                       {nullptr, kTooLong.c_str(), 16, 16},
                       {kLongHint.c_str(), "x", 16, 16}};
  for (const Psk& chosen : kKeys) {
    psk = &chosen;
    Peers peers = make_peers(at_version(
        TLS1_2_VERSION, {.client_context =
                             [=](SSL_CTX* c) {
                               SSL_CTX_set_cipher_list(c, suite);
                               SSL_CTX_set_psk_client_callback(c, client_psk);
                             },
                         .server_context =
                             [=](SSL_CTX* c) {
                               SSL_CTX_set_cipher_list(c, suite);
                               SSL_CTX_set_dh_auto(c, 1);
                               SSL_CTX_set_psk_server_callback(c, server_psk);
                               out("hint: %s",
                                   answer(SSL_CTX_use_psk_identity_hint(c, psk->hint)).c_str());
                             }}));
    link_memory(peers);
    tell_with_alerts(peers, text("identity of %zu, keys %u %u %d", std::strlen(psk->identity),
                                 psk->client_size, psk->server_size, psk->same)
                                .c_str());
    for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
      const char *identity = SSL_get_psk_identity(ssl), *hint = SSL_get_psk_identity_hint(ssl);
      out("  identity %s, hint %s", identity ? identity : "null", hint ? hint : "null");
    }
  }
}

void psk_without_callback() {
  for (const char* missing : {"client", "server"}) {
    Peers peers = make_peers(
        at_version(TLS1_2_VERSION, {.client_context =
                                        [=](SSL_CTX* c) {
                                          SSL_CTX_set_cipher_list(c, "PSK");
                                          if (*missing != 'c')
                                            SSL_CTX_set_psk_client_callback(c, client_psk);
                                        },
                                    .server_context =
                                        [=](SSL_CTX* c) {
                                          SSL_CTX_set_cipher_list(c, "PSK");
                                          if (*missing != 's')
                                            SSL_CTX_set_psk_server_callback(c, server_psk);
                                        }}));
    link_memory(peers);
    tell_with_alerts(peers, missing);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"dh-auto", dh_auto},
              {"dh-auto-follows-the-certificate", dh_auto_follows_the_certificate},
              {"temporary-key-while-it-lasts", temporary_key_while_it_lasts},
              {"dh-set", dh_set},
              {"dh-too-small", dh_too_small},
              {"dh-callback", dh_callback},
              {"groups.rsa", [] { groups(TLS1_2_VERSION, "server-rsa"); }},
              {"groups.p256", [] { groups(TLS1_2_VERSION, "server-p256"); }},
              {"groups.p384.1.0", [] { groups(TLS1_VERSION, "server-p384"); }},
              {"signatures", signatures},
              {"psk", [] { psks("PSK-AES128-CBC-SHA256"); }},
              {"psk.ecdhe", [] { psks("ECDHE-PSK-AES128-CBC-SHA256"); }},
              {"psk.dhe", [] { psks("DHE-PSK-AES128-CBC-SHA256"); }},
              {"psk.rsa", [] { psks("RSA-PSK-AES128-CBC-SHA256"); }},
              {"psk-without-callback", psk_without_callback}},
             argc, argv);
}
