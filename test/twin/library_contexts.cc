// SSL_CTX_new_ex(3): library contexts, property queries and providers are the ones that are used.
#include "support/older.h"
#include "support/shadow_provider.h"

namespace {
using namespace twin;

/// A library context with these providers.
class Library {
 public:
  explicit Library(const std::vector<const char*>& names) {
    OSSL_PROVIDER_add_builtin(context_, "shadow", shadow::start);
    for (const char* name : names) {
      loaded_.push_back(OSSL_PROVIDER_load(context_, name));
      require(loaded_.back() != nullptr, name);
    }
  }
  ~Library() {
    for (OSSL_PROVIDER* provider : loaded_) OSSL_PROVIDER_unload(provider);
    OSSL_LIB_CTX_free(context_);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  OSSL_LIB_CTX* get() { return context_; }

 private:
  OSSL_LIB_CTX* context_ = OSSL_LIB_CTX_new();
  std::vector<OSSL_PROVIDER*> loaded_;
};

struct Choice {
  OSSL_LIB_CTX* library;
  const char* query = nullptr;
  int version = TLS1_3_VERSION;
  const char* suite = "TLS_AES_256_GCM_SHA384";
  const char* certificate = "server-p256";
};

Owned<SSL_CTX> context_of(const Choice& choice) {
  Owned<SSL_CTX> context(SSL_CTX_new_ex(choice.library, choice.query, TLS_method()));
  if (!context) return context;
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  set_versions(context.get(), choice.version, choice.version);
  int chosen = choice.version == TLS1_3_VERSION
                   ? SSL_CTX_set_ciphersuites(context.get(), choice.suite)
                   : SSL_CTX_set_cipher_list(context.get(), choice.suite);
  require(chosen == 1, choice.suite);
  require(SSL_CTX_set1_groups_list(context.get(), "X25519:P-256") == 1, "X25519");
  return context;
}

Peers peers_of(const Choice& choice) {
  Peers peers;
  peers.client_context = context_of(choice);
  peers.server_context = context_of(choice);
  require(peers.client_context && peers.server_context, "SSL_CTX_new_ex");
  use_certificate(peers.server_context.get(), choice.certificate);
  trust(peers.client_context.get());
  SSL_CTX_set_verify(peers.client_context.get(), SSL_VERIFY_PEER, nullptr);
  renew(peers);
  link_memory(peers);
  return peers;
}

bool converse(const Choice& choice) {
  Peers peers = peers_of(choice);
  Result result = handshake(peers);
  if (!result.good()) return false;
  std::string data = sample(4000);
  return transfer(peers.client.get(), peers.server.get(), data) == "4000 bytes equal";
}

void contexts() {
  struct {
    const char* title;
    std::vector<const char*> providers;
  } kCases[] = {{"default", {"default"}},
                {"default and legacy", {"default", "legacy"}},
                {"base", {"base"}},
                {"null", {"null"}},
                {"shadow", {"shadow"}}};
  for (const auto& one : kCases) {
    Library library(one.providers);
    for (const char* query :
         {static_cast<const char*>(nullptr), "provider=default", "?provider=shadow", "?fips=yes",
          "fips=yes", "provider=shadow", "not a query"}) {
      Owned<SSL_CTX> context(SSL_CTX_new_ex(library.get(), query, TLS_method()));
      out("%s, %s: %s", one.title, query ? query : "no query", context ? "made" : "none");
      out("  %s", errors().c_str());
    }
  }
}

void conversations() {
  for (const char* provider : {"default", "shadow"}) {
    Library library({provider});
    for (const char* query : {static_cast<const char*>(nullptr), "?fips=yes"}) {
      for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        Choice choice{library.get(), query, version};
        if (version == TLS1_2_VERSION) choice.suite = "ECDHE-ECDSA-AES256-GCM-SHA384";
        out("%s, %s, %s: %s", provider, query ? query : "no query", version_text(version),
            converse(choice) ? "good" : "bad");
      }
    }
  }
}

/// Refuses each watched algorithm in turn: who does not go through the provider does not notice.
void refusals(const Choice& choice, const std::vector<size_t>& needed) {
  shadow::reset();
  out("%s %s: %s", version_text(choice.version), choice.suite, converse(choice) ? "good" : "bad");
  for (size_t i : needed) {
    out("  %s: %s", shadow::watched()[i].title,
        shadow::watched()[i].uses > 0 ? "used" : "not used");
  }
  for (size_t i : needed) {
    shadow::reset();
    Peers peers = peers_of(choice);
    shadow::watched()[i].refused = true;
    out("  without %s: %s", shadow::watched()[i].title,
        handshake(peers).good() ? "good" : "no handshake");
    ERR_clear_error();
  }
  shadow::reset();
}

void bypasses(Library& library, const char* query) {
  using namespace shadow;
  refusals({library.get(), query}, {kSha384, kAes256Gcm, kKey, kExchange, kSignature});
  refusals({library.get(), query, TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256"}, {kSha256});
  refusals({library.get(), query, TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384"},
           {kSha384, kAes256Gcm, kKey, kExchange, kSignature});
  refusals({library.get(), query, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA"},
           {kSha256, kAes128Cbc, kKey, kExchange});
}

void another_provider() {
  Library library({"shadow"});
  bypasses(library, nullptr);
}

void chosen_by_query() {
  Library library({"default", "shadow"});
  bypasses(library, "?provider=shadow");
}

void chosen_by_properties() {
  Library library({"default", "shadow"});
  require(EVP_set_default_properties(library.get(), "?provider=shadow") == 1, "properties");
  bypasses(library, nullptr);
}

void context_of_the_thread() {
  Library library({"shadow"});
  OSSL_LIB_CTX* before = OSSL_LIB_CTX_set0_default(library.get());
  shadow::reset();
  out("%s", converse({nullptr}) ? "good" : "bad");
  out("SHA2-384 %s", shadow::watched()[shadow::kSha384].uses > 0 ? "used" : "not used");
  OSSL_LIB_CTX_set0_default(before);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"contexts", contexts},
              {"conversations", conversations},
              {"another_provider", another_provider},
              {"chosen_by_query", chosen_by_query},
              {"chosen_by_properties", chosen_by_properties},
              {"context_of_the_thread", context_of_the_thread}},
             argc, argv);
}
