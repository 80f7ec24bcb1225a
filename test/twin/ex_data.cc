// SSL_get_ex_new_index(3) and its siblings: order and arguments of the callbacks for SSL, SSL_CTX
// and SSL_SESSION, and what SSL_dup, SSL_clear and copies of sessions do with the data.
#include <openssl/x509_vfy.h>

#include "support/older.h"
#include "support/resumption12.h"

namespace {
using namespace twin;

/// The argument of each index is its name.
void on_new(void* parent, void* pointer, CRYPTO_EX_DATA* data, int index, long number, void* name) {
  out("    new %s: parent %d, pointer %d, data %d, index %d, number %ld",
      static_cast<const char*>(name), parent != nullptr, pointer != nullptr, data != nullptr,
      index >= 0, number);
}

int on_duplicate(CRYPTO_EX_DATA* to, const CRYPTO_EX_DATA* from, void** pointer, int index,
                 long number, void* name) {
  out("    dup %s: %d %d, value %d, index %d, number %ld", static_cast<const char*>(name),
      to != nullptr, from != nullptr, *pointer != nullptr, index >= 0, number);
  return 1;
}

void on_free(void* parent, void* pointer, CRYPTO_EX_DATA* data, int index, long number,
             void* name) {
  out("    free %s: parent %d, pointer %d, data %d, index %d, number %ld",
      static_cast<const char*>(name), parent != nullptr, pointer != nullptr, data != nullptr,
      index >= 0, number);
}

int index_of(int kind, const char* name, long number) {
  return CRYPTO_get_ex_new_index(kind, number, const_cast<char*>(name), on_new, on_duplicate,
                                 on_free);
}

struct Indexes {
  int context = index_of(CRYPTO_EX_INDEX_SSL_CTX, "context", 1);
  int context_2 = index_of(CRYPTO_EX_INDEX_SSL_CTX, "context, second", 2);
  int ssl = index_of(CRYPTO_EX_INDEX_SSL, "ssl", 3);
  int ssl_2 = index_of(CRYPTO_EX_INDEX_SSL, "ssl, second", 4);
  int session = index_of(CRYPTO_EX_INDEX_SSL_SESSION, "session", 5);
  int session_2 = index_of(CRYPTO_EX_INDEX_SSL_SESSION, "session, second", 6);
};

// The first index of SSL and of SSL_CTX is kept for SSL_get_app_data and its sibling.
void first_indexes() {
  out("  app data: %d %d", SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr) > 0,
      SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr) > 0);
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  int value = 0;
  out("  set %d %d", SSL_set_app_data(ssl.get(), &value),
      SSL_CTX_set_app_data(context.get(), &value));
  out("  got %d %d", SSL_get_app_data(ssl.get()) == &value,
      SSL_CTX_get_app_data(context.get()) == &value);
  out("  same as index 0: %d %d", SSL_get_ex_data(ssl.get(), 0) == &value,
      SSL_CTX_get_ex_data(context.get(), 0) == &value);
  for (int index : {-1, 1000}) {
    int set = SSL_set_ex_data(ssl.get(), index, &value);
    int of_context = SSL_CTX_set_ex_data(context.get(), index, &value);
    out("  index %d: %d %d, %d %d", index, set, of_context,
        SSL_get_ex_data(ssl.get(), index) != nullptr,
        SSL_CTX_get_ex_data(context.get(), index) != nullptr);
  }
  out("  left [%s]", errors().c_str());
}

void life() {
  Indexes at;
  int value = 0;
  out("  SSL_CTX_new");
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  out("  set %d", SSL_CTX_set_ex_data(context, at.context, &value));
  out("  SSL_new");
  SSL* ssl = SSL_new(context);
  out("  set %d, %d", SSL_set_ex_data(ssl, at.ssl, &value), SSL_set_ex_data(ssl, at.ssl_2, &value));
  out("  SSL_clear %d", SSL_clear(ssl));
  out("  still %d", SSL_get_ex_data(ssl, at.ssl) == &value);
  out("  SSL_dup");
  SSL* copy = SSL_dup(ssl);
  out("  copied %d %d", SSL_get_ex_data(copy, at.ssl) == &value,
      SSL_get_ex_data(copy, at.ssl_2) == &value);
  out("  SSL_free of the copy");
  SSL_free(copy);
  out("  SSL_CTX_free, still in use");
  SSL_CTX_free(context);
  out("  SSL_free");
  SSL_free(ssl);
}

void sessions() {
  Indexes at;
  int value = 0;
  out("  SSL_SESSION_new");
  SSL_SESSION* session = SSL_SESSION_new();
  out("  set %d, %d", SSL_SESSION_set_ex_data(session, at.session, &value),
      SSL_SESSION_set_ex_data(session, at.session_2, &value));
  out("  SSL_SESSION_dup");
  SSL_SESSION* copy = SSL_SESSION_dup(session);
  out("  copied %d", SSL_SESSION_get_ex_data(copy, at.session) == &value);
  out("  SSL_SESSION_free");
  SSL_SESSION_free(session);
  out("  SSL_SESSION_free of the copy");
  SSL_SESSION_free(copy);
}

// When the sessions of two connections are made and freed.
void sessions_of_connections() {
  Peers peers = resumable_peers(TLS1_2_VERSION, By::id);
  int index = SSL_SESSION_get_ex_new_index(7, nullptr, nullptr, nullptr, nullptr);
  int value = 0;
  link_memory(peers);
  out("  %s", handshake(peers).said().c_str());
  out("  set %d %d", SSL_SESSION_set_ex_data(SSL_get_session(peers.client.get()), index, &value),
      SSL_SESSION_set_ex_data(SSL_get_session(peers.server.get()), index, &value));
  renew_with_session(peers);
  link_memory(peers);
  out("  %s", handshake(peers).said().c_str());
  out("  kept: client %d, server %d",
      SSL_SESSION_get_ex_data(SSL_get_session(peers.client.get()), index) == &value,
      SSL_SESSION_get_ex_data(SSL_get_session(peers.server.get()), index) == &value);
}

// An index that is made late: objects from before have no callback but a free one, and data.
void late_indexes() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  int late = index_of(CRYPTO_EX_INDEX_SSL, "late", 9);
  int value = 0;
  out("  none %d, set %d, got %d", SSL_get_ex_data(ssl.get(), late) != nullptr,
      SSL_set_ex_data(ssl.get(), late, &value), SSL_get_ex_data(ssl.get(), late) == &value);
  out("  SSL_free");
  ssl.reset();
}

// The index of a verification is the SSL's and changes never.
void of_verification() {
  int index = SSL_get_ex_data_X509_STORE_CTX_idx();
  out("  %d, the same again %d", index >= 0, SSL_get_ex_data_X509_STORE_CTX_idx() == index);
  X509_STORE_CTX* store = X509_STORE_CTX_new();
  X509_STORE_CTX_init(store, nullptr, nullptr, nullptr);
  out("  nothing there: %d", X509_STORE_CTX_get_ex_data(store, index) == nullptr);
  X509_STORE_CTX_free(store);
}

// A freed index keeps the data and loses the callbacks.
void freed_index() {
  int index = index_of(CRYPTO_EX_INDEX_SSL, "to be freed", 10);
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  int value = 0;
  SSL_set_ex_data(ssl.get(), index, &value);
  out("  freed %d", CRYPTO_free_ex_index(CRYPTO_EX_INDEX_SSL, index));
  out("  still %d", SSL_get_ex_data(ssl.get(), index) == &value);
  ssl.reset();
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"first_indexes", first_indexes},
              {"life", life},
              {"sessions", sessions},
              {"sessions_of_connections", sessions_of_connections},
              {"late_indexes", late_indexes},
              {"of_verification", of_verification},
              {"freed_index", freed_index}},
             argc, argv);
}
