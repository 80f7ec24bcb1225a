// Stores of trusted certificates and lists of CA names.
#include <openssl/pem.h>

#include <filesystem>

#include "support/peers.h"

namespace {
using namespace twin;

void print(const char* what, const STACK_OF(X509_NAME) * names) {
  out("  %s: %d%s", what, sk_X509_NAME_num(names), names == nullptr ? ", no list" : "");
  for (int i = 0; i < sk_X509_NAME_num(names); ++i) {
    char line[80];
    out("    %s", X509_NAME_oneline(sk_X509_NAME_value(names, i), line, sizeof line));
  }
}

size_t objects(SSL_CTX* context) {
  return static_cast<size_t>(
      sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(context))));
}

struct Pair {
  Owned<SSL_CTX> context{SSL_CTX_new(TLS_method())};
  Owned<SSL> ssl{SSL_new(context.get())};
};

void locations() {
  std::string good = fixture("root.pem"), missing = fixture("no-such-file"),
              key = fixture("root.key");
  std::string directory = fixture("");
  struct {
    const char* what;
    const char* file;
    const char* path;
  } kCases[] = {{"nothing", nullptr, nullptr},
                {"file", good.c_str(), nullptr},
                {"missing file", missing.c_str(), nullptr},
                {"key", key.c_str(), nullptr},
                {"directory", nullptr, directory.c_str()},
                {"missing directory", nullptr, missing.c_str()},
                {"both", good.c_str(), directory.c_str()},
                {"empty name", "", nullptr},
                {"directory as file", directory.c_str(), nullptr}};
  for (const auto& one : kCases) {
    Pair pair;
    SSL_CTX* context = pair.context.get();
    out(" %s", one.what);
    out("  locations: %s",
        answer(SSL_CTX_load_verify_locations(context, one.file, one.path)).c_str());
    if (one.file != nullptr) {
      out("  file: %s", answer(SSL_CTX_load_verify_file(context, one.file)).c_str());
      out("  store: %s", answer(SSL_CTX_load_verify_store(context, one.file)).c_str());
    }
    if (one.path != nullptr) {
      out("  directory: %s", answer(SSL_CTX_load_verify_dir(context, one.path)).c_str());
    }
    out("  %zu objects", objects(context));
  }
}

void defaults() {
  setenv("SSL_CERT_FILE", fixture("root.pem").c_str(), 1);
  setenv("SSL_CERT_DIR", fixture("no-such-directory").c_str(), 1);
  Pair pair;
  SSL_CTX* context = pair.context.get();
  out("  paths: %s", answer(SSL_CTX_set_default_verify_paths(context)).c_str());
  out("  %zu objects", objects(context));
  Pair other;
  out("  file: %s", answer(SSL_CTX_set_default_verify_file(other.context.get())).c_str());
  out("  directory: %s", answer(SSL_CTX_set_default_verify_dir(other.context.get())).c_str());
  out("  store: %s", answer(SSL_CTX_set_default_verify_store(other.context.get())).c_str());
  out("  %zu objects", objects(other.context.get()));
  setenv("SSL_CERT_FILE", fixture("no-such-file").c_str(), 1);
  Pair third;
  out("  missing file: %s", answer(SSL_CTX_set_default_verify_file(third.context.get())).c_str());
  unsetenv("SSL_CERT_FILE");
  unsetenv("SSL_CERT_DIR");
}

void stores() {
  Pair pair;
  SSL_CTX* context = pair.context.get();
  X509_STORE* store = X509_STORE_new();
  out("  own store: %d", SSL_CTX_get_cert_store(context) != nullptr);
  SSL_CTX_set1_cert_store(context, store);
  out("  set1: %d", SSL_CTX_get_cert_store(context) == store);
  SSL_CTX_set_cert_store(context, store);
  out("  set: %d", SSL_CTX_get_cert_store(context) == store);
  X509_STORE_free(nullptr);
}

void loading() {
  for (const char* name : {"root.pem", "server-chain.pem", "root.key", "no-such-file", "make"}) {
    out(" %s", name);
    STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(fixture(name).c_str());
    out("  errors: %s", errors().c_str());
    print("load", names);
    names = names != nullptr ? names : sk_X509_NAME_new_null();
    out("  file: %s",
        answer(SSL_add_file_cert_subjects_to_stack(names, fixture(name).c_str())).c_str());
    out("  file: %s",
        answer(SSL_add_file_cert_subjects_to_stack(names, fixture("other-root.pem").c_str()))
            .c_str());
    out("  store: %s",
        answer(SSL_add_store_cert_subjects_to_stack(names, fixture(name).c_str())).c_str());
    print("sum", names);
    sk_X509_NAME_pop_free(names, X509_NAME_free);
  }
}

void many_names() {
  char path[] = "/tmp/twin-names-XXXXXX";
  close(mkstemp(path));
  FILE* file = std::fopen(path, "w");
  for (const char* name : {"root", "server-rsa", "root", "intermediate", "server-p256", "root",
                           "server-rsa", "other-root"}) {
    PEM_write_X509(file, read_certificate(name).get());
  }
  std::fclose(file);
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(path);
  print("once each, in order", names);
  STACK_OF(X509_NAME)* copy = SSL_dup_CA_list(names);
  print("copy", copy);
  STACK_OF(X509_NAME)* nothing = SSL_dup_CA_list(nullptr);
  print("copy of nothing", nothing);
  sk_X509_NAME_free(nothing);
  STACK_OF(X509_NAME)* added = sk_X509_NAME_new_null();
  out("  %s", answer(SSL_add_file_cert_subjects_to_stack(added, path)).c_str());
  print("added", added);
  sk_X509_NAME_pop_free(added, X509_NAME_free);
  sk_X509_NAME_pop_free(copy, X509_NAME_free);
  sk_X509_NAME_pop_free(names, X509_NAME_free);
  unlink(path);
}

void directories() {
  auto folder = std::filesystem::temp_directory_path() / text("twin-directory-%d", getpid());
  std::filesystem::create_directories(folder / "inner");
  std::filesystem::copy_file(fixture("root.pem"), folder / "a.pem");
  std::filesystem::copy_file(fixture("other-root.pem"), folder / "b.pem");
  STACK_OF(X509_NAME)* names = sk_X509_NAME_new_null();
  out("  %s", answer(SSL_add_dir_cert_subjects_to_stack(names, folder.c_str())).c_str());
  print("directory", names);
  out("  %s", answer(SSL_add_dir_cert_subjects_to_stack(names, folder.c_str())).c_str());
  print("again", names);
  out("  store: %s", answer(SSL_add_store_cert_subjects_to_stack(names, folder.c_str())).c_str());
  print("store", names);
  SSL_add_dir_cert_subjects_to_stack(names, "/no/such/directory");
  out("  missing: %s", answer(SSL_add_dir_cert_subjects_to_stack(names, "/no/such/directory"))
                           .substr(0, 40)
                           .c_str());
  std::string tall(1100, 'x');
  out("  too long: %d", SSL_add_dir_cert_subjects_to_stack(names, tall.c_str()));
  ERR_clear_error();
  sk_X509_NAME_pop_free(names, X509_NAME_free);
  std::filesystem::remove_all(folder);
}

STACK_OF(X509_NAME) * one_name(const char* name) {
  return SSL_load_client_CA_file(fixture(text("%s.pem", name)).c_str());
}

void print_all(const char* what, Pair& pair) {
  out(" %s", what);
  print("ctx any", SSL_CTX_get0_CA_list(pair.context.get()));
  print("ctx client", SSL_CTX_get_client_CA_list(pair.context.get()));
  print("ssl any", SSL_get0_CA_list(pair.ssl.get()));
  print("ssl client", SSL_get_client_CA_list(pair.ssl.get()));
  print("ssl peer", SSL_get0_peer_CA_list(pair.ssl.get()));
}

// An SSL without a list of its own shows its context's list of the moment.
void lists() {
  Pair pair;
  SSL_set_accept_state(pair.ssl.get());
  print_all("new", pair);
  SSL_CTX_set0_CA_list(pair.context.get(), one_name("root"));
  SSL_CTX_set_client_CA_list(pair.context.get(), one_name("other-root"));
  print_all("context", pair);
  out("  %d", SSL_CTX_add1_to_CA_list(pair.context.get(), read_certificate("server-rsa").get()));
  out("  %d", SSL_CTX_add_client_CA(pair.context.get(), read_certificate("server-p256").get()));
  out("  %d", SSL_CTX_add_client_CA(pair.context.get(), read_certificate("server-p256").get()));
  out("  %d", SSL_CTX_add_client_CA(pair.context.get(), nullptr));
  print_all("added", pair);
  out("  %d", SSL_add1_to_CA_list(pair.ssl.get(), read_certificate("server-ed25519").get()));
  out("  %d", SSL_add_client_CA(pair.ssl.get(), read_certificate("client-p256").get()));
  print_all("own", pair);
  SSL_set0_CA_list(pair.ssl.get(), nullptr);
  SSL_set_client_CA_list(pair.ssl.get(), nullptr);
  print_all("own ones gone", pair);
  SSL_set_client_CA_list(pair.ssl.get(), one_name("root"));
  Owned<SSL> copy(SSL_dup(pair.ssl.get()));
  print("copy's", SSL_get_client_CA_list(copy.get()));
  SSL_CTX_set0_CA_list(pair.context.get(), nullptr);
  SSL_CTX_set_client_CA_list(pair.context.get(), nullptr);
  print_all("none at all", pair);
  SSL_set_connect_state(pair.ssl.get());
  print("as a client", SSL_get_client_CA_list(pair.ssl.get()));
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run({{"locations", locations},
                    {"defaults", defaults},
                    {"stores", stores},
                    {"loading", loading},
                    {"many_names", many_names},
                    {"directories", directories},
                    {"lists", lists}},
                   argc, argv);
}
