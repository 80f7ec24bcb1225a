// OPENSSL_init_ssl(3).
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <atomic>

#include "api/comp.h"
#include "api/error_strings.h"

namespace {

CRYPTO_ONCE base_once = CRYPTO_ONCE_STATIC_INIT;
// Shared by "load" and "do not load": the first wish that is heard stays.
CRYPTO_ONCE strings_once = CRYPTO_ONCE_STATIC_INIT;
std::atomic<bool> stopped;
std::atomic<bool> stop_reported;

void stop() {
  if (!stopped.exchange(true)) handfast::free_compression_methods();
}

// Without the hook nothing but a few bytes at exit would be missed: its failure is not ours.
void start() {
  OPENSSL_atexit(stop);
}

void load_no_strings() {}

}  // namespace

extern "C" int OPENSSL_init_ssl(uint64_t options, const OPENSSL_INIT_SETTINGS* settings) {
  if (stopped) {
    // Raising an error initialises libcrypto, which fails and may raise again: say it once.
    if (!stop_reported.exchange(true)) ERR_raise(ERR_LIB_SSL, ERR_R_INIT_FAIL);
    return 0;
  }
  options |= OPENSSL_INIT_ADD_ALL_CIPHERS | OPENSSL_INIT_ADD_ALL_DIGESTS;
  if ((options & OPENSSL_INIT_NO_LOAD_CONFIG) == 0) options |= OPENSSL_INIT_LOAD_CONFIG;
  if (OPENSSL_init_crypto(options, settings) == 0) return 0;

  if (CRYPTO_THREAD_run_once(&base_once, start) == 0) return 0;
  if ((options & OPENSSL_INIT_NO_LOAD_SSL_STRINGS) != 0 &&
      CRYPTO_THREAD_run_once(&strings_once, load_no_strings) == 0) {
    return 0;
  }
  if ((options & OPENSSL_INIT_LOAD_SSL_STRINGS) != 0 &&
      CRYPTO_THREAD_run_once(&strings_once, handfast::load_error_strings) == 0) {
    return 0;
  }
  return 1;
}
