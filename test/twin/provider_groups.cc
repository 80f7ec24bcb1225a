// Groups that a provider brings: SSL_CTX_set1_groups_list(3), provider-base(7), "TLS-GROUP".
#include "support/toy_provider.h"

#include "support/dtls.h"

namespace {
using namespace twin;

constexpr unsigned kToyId = 0xfe01, kToyKemId = 0xfe02;
const std::vector<toy::Group> kGroups = {{"toy-plain", kToyId}, {"toy-kem", kToyKemId, true}};

std::string group_name(SSL* ssl, long nid) {
  const char* name = SSL_group_to_name(ssl, static_cast<int>(nid));
  return text("%#lx %s", static_cast<unsigned long>(nid), name ? name : "null");
}

Owned<SSL_CTX> context_of(OSSL_LIB_CTX* library, const char* query = nullptr) {
  Owned<SSL_CTX> context(SSL_CTX_new_ex(library, query, TLS_method()));
  if (!context) return context;
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return context;
}

struct Lists {
  const char* client = nullptr;
  const char* server = nullptr;
  int max_version = TLS1_3_VERSION;
  int level = -1;
  uint64_t server_options = 0;
};

Peers peers_of(OSSL_LIB_CTX* library, const Lists& lists) {
  Peers peers;
  peers.client_context = context_of(library);
  peers.server_context = context_of(library);
  require(peers.client_context && peers.server_context, "SSL_CTX_new_ex");
  use_certificate(peers.server_context.get(), "server-p256");
  for (SSL_CTX* context : {peers.client_context.get(), peers.server_context.get()}) {
    SSL_CTX_set_max_proto_version(context, lists.max_version);
    if (lists.level >= 0) SSL_CTX_set_security_level(context, lists.level);
  }
  SSL_CTX_set_options(peers.server_context.get(), lists.server_options);
  if (lists.client) {
    out("client's list: %s",
        answer(SSL_CTX_set1_groups_list(peers.client_context.get(), lists.client)).c_str());
  }
  if (lists.server) {
    out("server's list: %s",
        answer(SSL_CTX_set1_groups_list(peers.server_context.get(), lists.server)).c_str());
  }
  renew(peers);
  link_memory(peers);
  return peers;
}

std::string key_name(EVP_PKEY* key) {
  if (!key) return "none";
  std::string name = EVP_PKEY_get0_type_name(key) ? EVP_PKEY_get0_type_name(key) : "null";
  EVP_PKEY_free(key);
  return name;
}

void told(SSL* ssl) {
  EVP_PKEY *peer = nullptr, *own = nullptr;
  if (!SSL_get_peer_tmp_key(ssl, &peer)) peer = nullptr;
  if (!SSL_get_tmp_key(ssl, &own)) own = nullptr;
  out("%s: negotiated %s; peer's key %s, own %s", SSL_is_server(ssl) ? "server" : "client",
      group_name(ssl, SSL_get_negotiated_group(ssl)).c_str(), key_name(peer).c_str(),
      key_name(own).c_str());
  if (SSL_is_server(ssl) == 0) return;
  long count = SSL_get_shared_group(ssl, -1);
  out("%ld shared:", count);
  for (long i = 0; i < count && i < 4; i++) {
    out("  %s", group_name(ssl, SSL_get_shared_group(ssl, static_cast<int>(i))).c_str());
  }
  int groups[64] = {};
  long offered = SSL_get1_groups(ssl, nullptr);
  if (offered <= 0 || offered > 64) return;
  SSL_get1_groups(ssl, groups);
  out("the client's first of %ld: %s", offered, group_name(ssl, groups[0]).c_str());
}

void connect(OSSL_LIB_CTX* library, const Lists& lists, const char* title) {
  out("-- %s", title);
  Peers peers = peers_of(library, lists);
  Result result = handshake(peers);
  out("%s", result.said().c_str());
  if (!result.good()) return;
  told(peers.client.get());
  told(peers.server.get());
  out("%s", transfer(peers.client.get(), peers.server.get(), sample(3000)).c_str());
  out("%s", transfer(peers.server.get(), peers.client.get(), sample(3000)).c_str());
}

void negotiation() {
  toy::Library library(kGroups);
  connect(library.get(), {"toy-plain", "toy-plain"}, "plain");
  out("keys made: %s, secrets: %d", toy::state().generated > 0 ? "some" : "none",
      toy::state().derived);
  connect(library.get(), {"toy-kem", "toy-kem"}, "KEM");
  out("encapsulated %d, decapsulated %d", toy::state().encapsulated, toy::state().decapsulated);
  connect(library.get(), {"toy-kem:toy-plain", "X25519:toy-plain:toy-kem"}, "first share is taken");
  connect(library.get(), {"toy-kem:X25519", "X25519"},
          "HelloRetryRequest away from the provider's");
  connect(library.get(), {"X25519:toy-kem", "toy-kem"}, "HelloRetryRequest to the KEM");
  connect(library.get(), {"P-256:toy-plain", "toy-plain"}, "HelloRetryRequest to the plain one");
  connect(library.get(),
          {"toy-kem:X25519:toy-plain", "X25519:toy-kem", TLS1_3_VERSION, -1,
           SSL_OP_CIPHER_SERVER_PREFERENCE},
          "shared groups in the server's order");
  connect(library.get(), {}, "not in the defaults");
}

void versions() {
  toy::Library library({{"toy-new", kToyId},
                        {"toy-old", kToyKemId, false, 128, TLS1_VERSION, TLS1_2_VERSION},
                        // 3.0 has one byte for the number in a ServerKeyExchange.
                        {"toy-never", 0xfe03, false, 128, -1, -1},
                        {"toy-all", 0xf4, false, 128, 0, 0}});
  connect(library.get(), {"toy-new:P-256", "toy-new:P-256", TLS1_2_VERSION}, "too new for TLS 1.2");
  connect(library.get(), {"toy-old", "toy-old", TLS1_2_VERSION}, "alone in TLS 1.2");
  connect(library.get(), {"toy-old:P-256", "toy-old:P-256"}, "too old for TLS 1.3");
  connect(library.get(), {"toy-old", "toy-old"}, "only too old ones");
  connect(library.get(), {"toy-never:P-256", "toy-never:P-256"}, "disabled");
  connect(library.get(), {"toy-all", "toy-all"}, "all versions, TLS 1.3");
  connect(library.get(),
          {"P-256:toy-all", "toy-all:P-256", TLS1_2_VERSION, -1, SSL_OP_CIPHER_SERVER_PREFERENCE},
          "all versions, TLS 1.2");
}

// What a group says of DTLS counts there, whatever it says of TLS.
void datagrams() {
  toy::Library library({{"toy-stream", 0xf1, false, 128, 0, 0},
                        {"toy-both", 0xf2, false, 128, 0, 0, "TOY", "", 0, 0},
                        {"toy-dtls", 0xf3, false, 128, -1, -1, "TOY", "", DTLS1_VERSION, 0},
                        {"toy-new", 0xf4, false, 128, 0, 0, "TOY", "", DTLS1_2_VERSION, 0},
                        {"toy-old", 0xf5, false, 128, 0, 0, "TOY", "", 0, DTLS1_VERSION},
                        {"toy-bad", 0xf6, false, 128, 0, 0, "TOY", "", 0, DTLS1_BAD_VER}});
  for (int version : {DTLS1_VERSION, DTLS1_2_VERSION}) {
    for (const char* group : {"toy-stream", "toy-both", "toy-dtls", "toy-new", "toy-old", "toy-bad",
                              "ffdhe2048", "X25519"}) {
      Net net;
      Peers peers;
      for (Owned<SSL_CTX>* context : {&peers.client_context, &peers.server_context}) {
        context->reset(SSL_CTX_new_ex(library.get(), nullptr, DTLS_method()));
        set_versions(context->get(), version, version);
        SSL_CTX_set1_groups_list(context->get(), text("%s:P-256", group).c_str());
        SSL_CTX_set_cipher_list(context->get(), "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0");
        SSL_CTX_set_options(context->get(), SSL_OP_NO_TICKET);
      }
      use_certificate(peers.server_context.get(), "server-p256");
      renew(peers);
      link_datagrams(peers, net);
      out("-- %s, %s: %s", version_text(version), group, handshake(peers).said().c_str());
      told(peers.client.get());
      told(peers.server.get());
    }
  }
}

void security() {
  toy::Library library({{"toy-weak", kToyId, false, 100}, {"toy-kem", kToyKemId, true, 200}});
  for (int level = 1; level <= 4; level++) {
    connect(library.get(), {"toy-weak:toy-kem", "toy-weak:toy-kem", TLS1_3_VERSION, level},
            text("level %d", level).c_str());
  }
  Peers peers = peers_of(library.get(), {"toy-weak:P-256", "toy-weak:P-256"});
  SSL_set_security_callback(peers.client.get(), [](const SSL*, const SSL_CTX*, int operation,
                                                   int bits, int nid, void* other, void*) {
    if ((operation & SSL_SECOP_OTHER_TYPE) != SSL_SECOP_OTHER_CURVE) return 1;
    const auto* id = static_cast<const unsigned char*>(other);
    return bits >= 128 || nid != NID_undef || id[0] != 0xfe || id[1] != 0x01 ? 1 : 0;
  });
  Result result = handshake(peers);
  out("callback: %s", result.said().c_str());
  if (result.good()) told(peers.client.get());
}

void names() {
  toy::Library library(kGroups);
  Owned<SSL_CTX> context = context_of(library.get());
  for (const char* list : {"toy-plain", "toy-kem:toy-plain", "toy-plain:toy-plain", "TOY-PLAIN",
                           "toy-plain:nothing", "P-256:prime256v1", "x25519:toy-kem:ffdhe2048"}) {
    out("%s: %s", list, answer(SSL_CTX_set1_groups_list(context.get(), list)).c_str());
  }
  Owned<SSL> ssl(SSL_new(context.get()));
  for (int nid : {static_cast<int>(0x1000000 | kToyId), static_cast<int>(0x1000000 | kToyKemId),
                  static_cast<int>(kToyId), 0x1000000 | 23, 0x1000000 | 0xfe77, NID_X25519,
                  NID_X9_62_prime256v1, NID_undef, 0x1000000}) {
    out("%s", group_name(ssl.get(), nid).c_str());
  }
  SSL_CONF_CTX* conf = SSL_CONF_CTX_new();
  SSL_CONF_CTX_set_flags(conf, SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_CLIENT | SSL_CONF_FLAG_SERVER);
  SSL_CONF_CTX_set_ssl_ctx(conf, context.get());
  out("Groups: %s", answer(SSL_CONF_cmd(conf, "Groups", "toy-kem:P-521")).c_str());
  out("Curves: %s", answer(SSL_CONF_cmd(conf, "Curves", "toy-none")).c_str());
  SSL_CONF_CTX_free(conf);
  Owned<SSL_CTX> other(SSL_CTX_new(TLS_method()));
  out("another library context: %s",
      answer(SSL_CTX_set1_groups_list(other.get(), "toy-plain")).c_str());
}

void queries() {
  toy::Library library(kGroups);
  for (const char* query : {"provider=default", "provider=toy", "?provider=toy", "provider!=toy",
                            "?fips=yes", "fips=yes", "nonsense=1"}) {
    Owned<SSL_CTX> context = context_of(library.get(), query);
    out("%s: %s", query, answer(context != nullptr).c_str());
    if (!context) continue;
    for (const char* list : {"toy-plain", "P-256", "X25519"}) {
      out("  %s: %s", list, answer(SSL_CTX_set1_groups_list(context.get(), list)).c_str());
    }
  }
}

void descriptions() {
  auto attempt = [](const char* title, std::vector<toy::Group> groups, int returned = 1) {
    toy::Library library(std::move(groups));
    toy::state().answer = returned;
    Owned<SSL_CTX> context = context_of(library.get());
    out("%s: %s", title, answer(context != nullptr).c_str());
    if (!context) return;
    out("  %s", answer(SSL_CTX_set1_groups_list(context.get(), "toy-plain")).c_str());
  };
  attempt("no groups", {});
  attempt("refuses the capability", {}, 0);
  attempt("refuses at the end", kGroups, 0);
  attempt("key type of nobody", {{"toy-plain", 1, false, 128, 0, 0, "NONE"}});
  attempt("key type of another provider", {{"toy-plain", 1, false, 128, 0, 0, "X25519"}});
  attempt("id too great", {{"toy-plain", 0x10000}});
  for (const char* field :
       {OSSL_CAPABILITY_TLS_GROUP_NAME, OSSL_CAPABILITY_TLS_GROUP_NAME_INTERNAL,
        OSSL_CAPABILITY_TLS_GROUP_ALG, OSSL_CAPABILITY_TLS_GROUP_ID,
        OSSL_CAPABILITY_TLS_GROUP_SECURITY_BITS, OSSL_CAPABILITY_TLS_GROUP_MIN_TLS,
        OSSL_CAPABILITY_TLS_GROUP_MAX_TLS, OSSL_CAPABILITY_TLS_GROUP_MIN_DTLS,
        OSSL_CAPABILITY_TLS_GROUP_MAX_DTLS, OSSL_CAPABILITY_TLS_GROUP_IS_KEM}) {
    attempt(field, {{"toy-plain", kToyId, false, 128, TLS1_3_VERSION, 0, "TOY", field}});
  }
}

void known_ids() {
  // A provider that takes the number of a group of the table.
  toy::Library library({{"toy-plain", 23}, {"secp256r1", 0xfe05}});
  connect(library.get(), {"toy-plain", "toy-plain"}, "P-256's number");
  connect(library.get(), {"P-256", "P-256"}, "P-256");
}

void failures() {
  toy::Library library(kGroups);
  auto attempt = [&](const char* title, bool toy::State::*field, const char* group) {
    toy::state().*field = true;
    connect(library.get(), {group, group}, title);
    toy::state().*field = false;
  };
  attempt("no key", &toy::State::fail_generate, "toy-plain");
  attempt("no secret", &toy::State::fail_derive, "toy-plain");
  attempt("public key is no good", &toy::State::refuse_public, "toy-plain");
  attempt("KEM: no key", &toy::State::fail_generate, "toy-kem");
  attempt("KEM: public key is no good", &toy::State::refuse_public, "toy-kem");
  attempt("KEM: no encapsulation", &toy::State::fail_encapsulate, "toy-kem");
  attempt("KEM: no decapsulation", &toy::State::fail_decapsulate, "toy-kem");
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"negotiation", negotiation},
              {"versions", versions},
              {"datagrams", datagrams},
              {"security", security},
              {"names", names},
              {"queries", queries},
              {"descriptions", descriptions},
              {"known_ids", known_ids},
              {"failures", failures}},
             argc, argv);
}
