// SSL_COMP_add_compression_method(3): the process's list of compression methods.
#include <openssl/comp.h>

#include "support/report.h"

namespace {

void list() {
  STACK_OF(SSL_COMP)* methods = SSL_COMP_get_compression_methods();
  twin::out("list %d, %d methods", methods != nullptr, sk_SSL_COMP_num(methods));
  for (int i = 0; i < sk_SSL_COMP_num(methods); i++) {
    const SSL_COMP* method = sk_SSL_COMP_value(methods, i);
    twin::out("%d %s", SSL_COMP_get_id(method), SSL_COMP_get0_name(method));
  }
  twin::out("same list again: %d", methods == SSL_COMP_get_compression_methods());
}

void names() {
  const char* none = SSL_COMP_get_name(nullptr);
  const char* zlib = SSL_COMP_get_name(COMP_zlib());
  twin::out("none: %s, zlib: %s", none ? none : "(null)", zlib ? zlib : "(null)");
}

void add() {
  for (int id : {-1, 0, 1, 192, 193, 255, 256}) {
    int returned = SSL_COMP_add_compression_method(id, COMP_zlib());
    twin::out("%d: %d [%s]", id, returned, twin::errors().c_str());
    returned = SSL_COMP_add_compression_method(id, nullptr);
    twin::out("%d, no method: %d [%s]", id, returned, twin::errors().c_str());
  }
  list();
}

// What some servers do at start-up to switch compression off.
void empty() {
  sk_SSL_COMP_zero(SSL_COMP_get_compression_methods());
  list();
}

void replace() {
  STACK_OF(SSL_COMP)* own = sk_SSL_COMP_new_null();
  STACK_OF(SSL_COMP)* built_in = SSL_COMP_set0_compression_methods(own);
  twin::out("own list: %d", SSL_COMP_get_compression_methods() == own);
  list();
  twin::out("back: %d", SSL_COMP_set0_compression_methods(nullptr) == own);
  list();
  SSL_COMP_set0_compression_methods(built_in);
  sk_SSL_COMP_free(own);
  list();
}

// An entry as programs of old made them by themselves: a build without zlib has none of its own.
void own_entry() {
  struct {
    int id;
    const char* name;
    COMP_METHOD* method;
  } entry{200, "own", nullptr};
  auto* made = reinterpret_cast<SSL_COMP*>(&entry);
  STACK_OF(SSL_COMP)* list = SSL_COMP_get_compression_methods();
  sk_SSL_COMP_push(list, made);
  for (int i = 0; i < sk_SSL_COMP_num(list); i++) {
    const SSL_COMP* one = sk_SSL_COMP_value(list, i);
    twin::out("%d %s", SSL_COMP_get_id(one), SSL_COMP_get0_name(one));
  }
  sk_SSL_COMP_pop(list);
}

void connection() {
  SSL_CTX* ctx = SSL_CTX_new(TLS_method());
  SSL* ssl = SSL_new(ctx);
  twin::out("current: %d, expansion: %d", SSL_get_current_compression(ssl) != nullptr,
            SSL_get_current_expansion(ssl) != nullptr);
  SSL_free(ssl);
  SSL_CTX_free(ctx);
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run({{"list", list},
                    {"names", names},
                    {"add", add},
                    {"empty", empty},
                    {"replace", replace},
                    {"own_entry", own_entry},
                    {"connection", connection}},
                   argc, argv);
}
