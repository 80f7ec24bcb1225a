// SSL_get_all_async_fds(3), SSL_get_async_status of SSL_set_async_callback(3).
#include <openssl/ssl.h>

#include "connection/connection.h"

extern "C" {

int SSL_waiting_for_async(SSL* ssl) {
  return ssl->job.paused != nullptr ? 1 : 0;
}

int SSL_get_all_async_fds(SSL* ssl, OSSL_ASYNC_FD* descriptors, size_t* count) {
  ASYNC_WAIT_CTX* wait = ssl->job.wait.get();
  return wait == nullptr ? 0 : ASYNC_WAIT_CTX_get_all_fds(wait, descriptors, count);
}

int SSL_get_changed_async_fds(SSL* ssl, OSSL_ASYNC_FD* added, size_t* added_count,
                              OSSL_ASYNC_FD* removed, size_t* removed_count) {
  ASYNC_WAIT_CTX* wait = ssl->job.wait.get();
  if (wait == nullptr) return 0;
  return ASYNC_WAIT_CTX_get_changed_fds(wait, added, added_count, removed, removed_count);
}

int SSL_get_async_status(SSL* ssl, int* status) {
  ASYNC_WAIT_CTX* wait = ssl->job.wait.get();
  if (wait == nullptr) return 0;
  *status = ASYNC_WAIT_CTX_get_status(wait);
  return 1;
}

}  // extern "C"
