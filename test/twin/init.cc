// OPENSSL_init_ssl(3): options, order of options, and life after OPENSSL_cleanup. Each case has a
// process of its own, for initialisation happens once.
#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/wait.h>

#include "support/report.h"

namespace {

void init(const char* what, uint64_t options) {
  int returned = OPENSSL_init_ssl(options, nullptr);
  const char* text = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, SSL_R_NO_SHARED_CIPHER));
  twin::out("%s: returns %d, text: %s", what, returned, text ? text : "none");
}

void no_options() {
  init("0", 0);
  init("0 again", 0);
  init("load", OPENSSL_INIT_LOAD_SSL_STRINGS);
}

void load() {
  init("load", OPENSSL_INIT_LOAD_SSL_STRINGS);
  init("no load", OPENSSL_INIT_NO_LOAD_SSL_STRINGS);
}

void no_load_first() {
  init("no load", OPENSSL_INIT_NO_LOAD_SSL_STRINGS);
  init("load", OPENSSL_INIT_LOAD_SSL_STRINGS);
  twin::out("by name: %d", ERR_load_SSL_strings());
  init("0", 0);
}

void both() {
  init("both", OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_NO_LOAD_SSL_STRINGS);
}

void algorithms_by_name() {
  init("no config", OPENSSL_INIT_NO_LOAD_CONFIG);
  twin::out("cipher %d, digest %d", EVP_get_cipherbyname("AES-128-GCM") != nullptr,
            EVP_get_digestbyname("SHA256") != nullptr);
}

void missing_config() {
  OPENSSL_INIT_SETTINGS* settings = OPENSSL_INIT_new();
  OPENSSL_INIT_set_config_filename(settings, "/nonexistent/openssl.cnf");
  OPENSSL_INIT_set_config_file_flags(settings, 0);
  twin::out("returns %d", OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, settings));
  twin::out("again %d", OPENSSL_init_ssl(0, settings));
  OPENSSL_INIT_free(settings);
}

void after_cleanup() {
  init("first", 0);
  OPENSSL_cleanup();
  twin::out("after cleanup: %d", OPENSSL_init_ssl(0, nullptr));
  twin::out("again: %d", OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS, nullptr));
}

void cleanup_first() {
  OPENSSL_cleanup();
  twin::out("after cleanup: %d", OPENSSL_init_ssl(0, nullptr));
}

// The macros of earlier versions.
void old_names() {
  twin::out("SSL_library_init: %d", SSL_library_init());
  twin::out("SSL_load_error_strings: %d", SSL_load_error_strings());
  init("0", 0);
}

twin::Case alone(const char* name, void (*run)()) {
  return {name, [run] {
            std::fflush(stdout);
            pid_t child = fork();
            if (child == 0) {
              run();
              std::string left = twin::errors();
              if (!left.empty()) twin::out("left in the error queue: %s", left.c_str());
              std::fflush(stdout);
              std::_Exit(0);
            }
            int status = -1;
            if (waitpid(child, &status, 0) != child || status != 0) twin::out("status %d", status);
          }};
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run(
      {alone("no_options", no_options), alone("load", load), alone("no_load_first", no_load_first),
       alone("both", both), alone("algorithms_by_name", algorithms_by_name),
       alone("missing_config", missing_config), alone("after_cleanup", after_cleanup),
       alone("cleanup_first", cleanup_first), alone("old_names", old_names)},
      argc, argv);
}
