// SSL_CTX_load_verify_locations(3), SSL_CTX_set_cert_store(3) and the lists of CA names,
// SSL_CTX_set0_CA_list(3).
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "connection/connection.h"
#include "pki/name_list.h"
#include "pki/trusted_file.h"

using handfast::X509NameStackPtr;

namespace {

X509_LOOKUP* add_lookup(SSL_CTX* ctx, X509_LOOKUP_METHOD* method) {
  return X509_STORE_add_lookup(ctx->store.get(), method);
}

}  // namespace

extern "C" {

X509_STORE* SSL_CTX_get_cert_store(const SSL_CTX* ctx) {
  return ctx->store.get();
}

void SSL_CTX_set_cert_store(SSL_CTX* ctx, X509_STORE* store) {
  ctx->store.reset(store);
}

void SSL_CTX_set1_cert_store(SSL_CTX* ctx, X509_STORE* store) {
  if (store != nullptr) X509_STORE_up_ref(store);
  ctx->store.reset(store);
}

int SSL_CTX_load_verify_file(SSL_CTX* ctx, const char* file) {
  return handfast::load_trusted_file(ctx->store.get(), file, ctx->algorithms.library(),
                                     ctx->algorithms.property_query())
             ? 1
             : 0;
}

int SSL_CTX_load_verify_dir(SSL_CTX* ctx, const char* directory) {
  return X509_STORE_load_path(ctx->store.get(), directory);
}

int SSL_CTX_load_verify_store(SSL_CTX* ctx, const char* uri) {
  return X509_STORE_load_store_ex(ctx->store.get(), uri, ctx->algorithms.library(),
                                  ctx->algorithms.property_query());
}

int SSL_CTX_load_verify_locations(SSL_CTX* ctx, const char* file, const char* directory) {
  if (file == nullptr && directory == nullptr) return 0;
  if (file != nullptr && SSL_CTX_load_verify_file(ctx, file) == 0) return 0;
  return directory == nullptr || SSL_CTX_load_verify_dir(ctx, directory) != 0 ? 1 : 0;
}

// The default places may well not exist: only a lookup that cannot be made is a failure.

int SSL_CTX_set_default_verify_dir(SSL_CTX* ctx) {
  X509_LOOKUP* lookup = add_lookup(ctx, X509_LOOKUP_hash_dir());
  if (lookup == nullptr) return 0;
  ERR_set_mark();
  X509_LOOKUP_add_dir(lookup, nullptr, X509_FILETYPE_DEFAULT);
  ERR_pop_to_mark();
  return 1;
}

int SSL_CTX_set_default_verify_file(SSL_CTX* ctx) {
  return handfast::load_default_trusted_file(ctx->store.get(), ctx->algorithms.library(),
                                             ctx->algorithms.property_query())
             ? 1
             : 0;
}

int SSL_CTX_set_default_verify_store(SSL_CTX* ctx) {
  X509_LOOKUP* lookup = add_lookup(ctx, X509_LOOKUP_store());
  if (lookup == nullptr) return 0;
  ERR_set_mark();
  X509_LOOKUP_add_store_ex(lookup, nullptr, ctx->algorithms.library(),
                           ctx->algorithms.property_query());
  ERR_pop_to_mark();
  return 1;
}

int SSL_CTX_set_default_verify_paths(SSL_CTX* ctx) {
  if (SSL_CTX_set_default_verify_file(ctx) == 0 || SSL_CTX_set_default_verify_dir(ctx) == 0 ||
      SSL_CTX_set_default_verify_store(ctx) == 0) {
    return 0;
  }
  ERR_clear_error();
  return 1;
}

STACK_OF(X509_NAME) * SSL_dup_CA_list(const STACK_OF(X509_NAME) * names) {
  return handfast::copy_names(names).release();
}

void SSL_CTX_set0_CA_list(SSL_CTX* ctx, STACK_OF(X509_NAME) * names) {
  ctx->authorities.any.reset(names);
}

void SSL_set0_CA_list(SSL* ssl, STACK_OF(X509_NAME) * names) {
  ssl->authorities.any.reset(names);
}

const STACK_OF(X509_NAME) * SSL_CTX_get0_CA_list(const SSL_CTX* ctx) {
  return ctx->authorities.any.get();
}

const STACK_OF(X509_NAME) * SSL_get0_CA_list(const SSL* ssl) {
  const X509NameStackPtr& own = ssl->authorities.any;
  return own != nullptr ? own.get() : ssl->ctx->authorities.any.get();
}

void SSL_CTX_set_client_CA_list(SSL_CTX* ctx, STACK_OF(X509_NAME) * names) {
  ctx->authorities.client.reset(names);
}

void SSL_set_client_CA_list(SSL* ssl, STACK_OF(X509_NAME) * names) {
  ssl->authorities.client.reset(names);
}

STACK_OF(X509_NAME) * SSL_CTX_get_client_CA_list(const SSL_CTX* ctx) {
  return ctx->authorities.client.get();
}

// A client asks for what the server named.
STACK_OF(X509_NAME) * SSL_get_client_CA_list(const SSL* ssl) {
  if (!ssl->server) return ssl->negotiated.peer_ca_names.get();
  const X509NameStackPtr& own = ssl->authorities.client;
  return own != nullptr ? own.get() : ssl->ctx->authorities.client.get();
}

const STACK_OF(X509_NAME) * SSL_get0_peer_CA_list(const SSL* ssl) {
  return ssl->negotiated.peer_ca_names.get();
}

int SSL_CTX_add1_to_CA_list(SSL_CTX* ctx, const X509* certificate) {
  return add_subject(ctx->authorities.any, certificate) ? 1 : 0;
}

int SSL_add1_to_CA_list(SSL* ssl, const X509* certificate) {
  return add_subject(ssl->authorities.any, certificate) ? 1 : 0;
}

int SSL_CTX_add_client_CA(SSL_CTX* ctx, X509* certificate) {
  return add_subject(ctx->authorities.client, certificate) ? 1 : 0;
}

int SSL_add_client_CA(SSL* ssl, X509* certificate) {
  return add_subject(ssl->authorities.client, certificate) ? 1 : 0;
}

STACK_OF(X509_NAME) * SSL_load_client_CA_file_ex(const char* file, OSSL_LIB_CTX* library,
                                                 const char* property_query) {
  return handfast::load_subjects(file, library, property_query).release();
}

STACK_OF(X509_NAME) * SSL_load_client_CA_file(const char* file) {
  return handfast::load_subjects(file, nullptr, nullptr).release();
}

int SSL_add_file_cert_subjects_to_stack(STACK_OF(X509_NAME) * names, const char* file) {
  return handfast::add_subjects_of_file(names, file) ? 1 : 0;
}

int SSL_add_dir_cert_subjects_to_stack(STACK_OF(X509_NAME) * names, const char* directory) {
  return handfast::add_subjects_of_directory(names, directory) ? 1 : 0;
}

int SSL_add_store_cert_subjects_to_stack(STACK_OF(X509_NAME) * names, const char* uri) {
  return handfast::add_subjects_of_store(names, uri) ? 1 : 0;
}

}  // extern "C"
