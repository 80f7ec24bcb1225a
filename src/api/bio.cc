// SSL_set_bio(3), SSL_set_fd(3): what a connection reads from and writes to.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "connection/connection.h"

namespace {

// The BIO's descriptor, -1 when no BIO of the chain has one.
int descriptor(BIO* chain) {
  int fd = -1;
  BIO* bio = BIO_find_type(chain, BIO_TYPE_DESCRIPTOR);
  if (bio != nullptr) BIO_get_fd(bio, &fd);
  return fd;
}

BIO* new_socket_bio(int fd) {
  BIO* bio = BIO_new(BIO_s_socket());
  if (bio == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_BUF_LIB);
    return nullptr;
  }
  BIO_set_fd(bio, fd, BIO_NOCLOSE);
  return bio;
}

// Another reference to `other` when it is a socket BIO of `fd`, else a new BIO.
BIO* socket_bio(BIO* other, int fd) {
  if (other != nullptr && BIO_method_type(other) == BIO_TYPE_SOCKET &&
      BIO_get_fd(other, nullptr) == fd) {
    BIO_up_ref(other);
    return other;
  }
  return new_socket_bio(fd);
}

}  // namespace

extern "C" {

BIO* SSL_get_rbio(const SSL* ssl) {
  return ssl->rbio;
}

BIO* SSL_get_wbio(const SSL* ssl) {
  return ssl->wbio;
}

void SSL_set0_rbio(SSL* ssl, BIO* rbio) {
  BIO_free_all(ssl->rbio);
  ssl->rbio = rbio;
}

void SSL_set0_wbio(SSL* ssl, BIO* wbio) {
  BIO_free_all(ssl->wbio);
  ssl->wbio = wbio;
}

// How many references the caller gives away is in the manual page, case by case.
void SSL_set_bio(SSL* ssl, BIO* rbio, BIO* wbio) {
  bool same_rbio = rbio == ssl->rbio;
  bool same_wbio = wbio == ssl->wbio;
  if (same_rbio && same_wbio) return;
  // The caller gives one reference for two uses.
  if (rbio != nullptr && rbio == wbio) BIO_up_ref(rbio);
  if (same_rbio) return SSL_set0_wbio(ssl, wbio);
  if (same_wbio && ssl->rbio != ssl->wbio) return SSL_set0_rbio(ssl, rbio);
  SSL_set0_rbio(ssl, rbio);
  SSL_set0_wbio(ssl, wbio);
}

int SSL_get_rfd(const SSL* ssl) {
  return descriptor(ssl->rbio);
}

int SSL_get_wfd(const SSL* ssl) {
  return descriptor(ssl->wbio);
}

int SSL_get_fd(const SSL* ssl) {
  return SSL_get_rfd(ssl);
}

int SSL_set_fd(SSL* ssl, int fd) {
  BIO* bio = new_socket_bio(fd);
  if (bio == nullptr) return 0;
  SSL_set_bio(ssl, bio, bio);
  return 1;
}

int SSL_set_rfd(SSL* ssl, int fd) {
  BIO* bio = socket_bio(ssl->wbio, fd);
  if (bio == nullptr) return 0;
  SSL_set0_rbio(ssl, bio);
  return 1;
}

int SSL_set_wfd(SSL* ssl, int fd) {
  BIO* bio = socket_bio(ssl->rbio, fd);
  if (bio == nullptr) return 0;
  SSL_set0_wbio(ssl, bio);
  return 1;
}

}  // extern "C"
