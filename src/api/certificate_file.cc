// SSL_CTX_use_certificate_file(3), SSL_CTX_set_default_passwd_cb(3), SSL_CTX_use_serverinfo(3).
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "api/credential_owner.h"
#include "pki/server_info.h"

using handfast::BioPtr;
using handfast::CredentialOwner;
using handfast::EvpPkeyPtr;
using handfast::owner_of;
using handfast::ServerInfoEntry;
using handfast::View;
using handfast::X509Ptr;

namespace {

using RsaPtr = std::unique_ptr<RSA, handfast::FreeWith<RSA_free>>;

int refuse(int reason) {
  ERR_raise(ERR_LIB_SSL, reason);
  return 0;
}

BioPtr open(const char* file) {
  BioPtr in(BIO_new(BIO_s_file()));
  if (in == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_BUF_LIB);
  } else if (BIO_read_filename(in.get(), file) <= 0) {
    ERR_raise(ERR_LIB_SSL, ERR_R_SYS_LIB);
    in.reset();
  }
  return in;
}

bool known_type(int type) {
  if (type == SSL_FILETYPE_PEM || type == SSL_FILETYPE_ASN1) return true;
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_SSL_FILETYPE);
  return false;
}

int reading_failure(int type) {
  return refuse(type == SSL_FILETYPE_PEM ? ERR_R_PEM_LIB : ERR_R_ASN1_LIB);
}

// An empty certificate of the owner's library context, for a reader to fill.
X509* new_certificate(const CredentialOwner& owner) {
  const handfast::Algorithms& algorithms = owner.context.algorithms;
  X509* certificate = X509_new_ex(algorithms.library(), algorithms.property_query());
  if (certificate == nullptr) ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return certificate;
}

using PemReader = X509* (*)(BIO*, X509**, pem_password_cb*, void*);

// nullptr with libcrypto's reasons in the queue. `empty` is taken.
X509Ptr read_pem(const CredentialOwner& owner, BIO* in, X509* empty, PemReader reader) {
  // The readers free the object on some failures, and then leave nullptr.
  bool read = reader(in, &empty, owner.hooks->password, owner.hooks->password_argument) != nullptr;
  X509Ptr certificate(empty);
  if (!read) certificate.reset();
  return certificate;
}

int use_certificate_file(const CredentialOwner& owner, const char* file, int type) {
  BioPtr in = open(file);
  if (in == nullptr || !known_type(type)) return 0;
  X509* empty = new_certificate(owner);
  if (empty == nullptr) return 0;
  X509Ptr certificate;
  if (type == SSL_FILETYPE_PEM) {
    certificate = read_pem(owner, in.get(), empty, PEM_read_bio_X509);
  } else {
    bool read = d2i_X509_bio(in.get(), &empty) != nullptr;
    certificate.reset(empty);
    if (!read) certificate.reset();
  }
  if (certificate == nullptr) return reading_failure(type);
  return set_certificate(owner, certificate.get()) ? 1 : 0;
}

// The certificates after the first one, as the new chain.
int read_chain(const CredentialOwner& owner, BIO* in) {
  if (!set_chain(owner, nullptr, true)) return 0;
  for (;;) {
    X509* empty = new_certificate(owner);
    if (empty == nullptr) return 0;
    X509Ptr certificate = read_pem(owner, in, empty, PEM_read_bio_X509);
    if (certificate == nullptr) break;
    if (!add_to_chain(owner, certificate.get(), true)) return 0;
    certificate.release();
  }
  // The end of the file is the usual failure.
  unsigned long error = ERR_peek_last_error();
  if (ERR_GET_LIB(error) != ERR_LIB_PEM || ERR_GET_REASON(error) != PEM_R_NO_START_LINE) return 0;
  ERR_clear_error();
  return 1;
}

int use_certificate_chain_file(const CredentialOwner& owner, const char* file) {
  ERR_clear_error();
  BioPtr in = open(file);
  if (in == nullptr) return 0;
  X509* empty = new_certificate(owner);
  if (empty == nullptr) return 0;
  X509Ptr certificate = read_pem(owner, in.get(), empty, PEM_read_bio_X509_AUX);
  if (certificate == nullptr) return refuse(ERR_R_PEM_LIB);
  if (!set_certificate(owner, certificate.get()) || ERR_peek_error() != 0) return 0;
  return read_chain(owner, in.get());
}

int use_key_file(const CredentialOwner& owner, const char* file, int type) {
  BioPtr in = open(file);
  if (in == nullptr || !known_type(type)) return 0;
  const handfast::Algorithms& algorithms = owner.context.algorithms;
  EvpPkeyPtr key;
  if (type == SSL_FILETYPE_PEM) {
    key.reset(PEM_read_bio_PrivateKey_ex(in.get(), nullptr, owner.hooks->password,
                                         owner.hooks->password_argument, algorithms.library(),
                                         algorithms.property_query()));
  } else {
    key.reset(d2i_PrivateKey_ex_bio(in.get(), nullptr, algorithms.library(),
                                    algorithms.property_query()));
  }
  if (key == nullptr) return reading_failure(type);
  return set_private_key(owner, key.get()) ? 1 : 0;
}

// nullptr: see the queue.
RsaPtr read_rsa_key(const CredentialOwner& owner, const char* file, int type) {
  RsaPtr rsa;
  BioPtr in = open(file);
  if (in == nullptr || !known_type(type)) return rsa;
  if (type == SSL_FILETYPE_PEM) {
    rsa.reset(PEM_read_bio_RSAPrivateKey(in.get(), nullptr, owner.hooks->password,
                                         owner.hooks->password_argument));
  } else {
    rsa.reset(d2i_RSAPrivateKey_bio(in.get(), nullptr));
  }
  if (rsa == nullptr) reading_failure(type);
  return rsa;
}

// The extension of the certificate in use, for a custom extension's add callback: 1 with it, 0
// without. Nothing is to be freed.
int add_server_info(SSL* ssl, unsigned int type, unsigned int context, const unsigned char** out,
                    size_t* length, X509*, size_t index, int*, void*) {
  // RFC 8446 4.4.2: entries after the leaf's are for the leaf's issuers.
  if ((context & SSL_EXT_TLS1_3_CERTIFICATE) != 0 && index > 0) return 0;
  View rest = owner_of(ssl).current().server_info.view();
  ServerInfoEntry entry;
  while (next_entry(rest, entry)) {
    if (entry.type != type) continue;
    *out = entry.data.data();
    *length = entry.data.size();
    return 1;
  }
  return 0;
}

// A client only asks for it: its extension is empty.
int parse_server_info(SSL*, unsigned int, unsigned int, const unsigned char*, size_t length, X509*,
                      size_t, int* alert, void*) {
  if (length == 0) return 1;
  *alert = SSL_AD_DECODE_ERROR;
  return 0;
}

int add_server_info12(SSL* ssl, unsigned int type, const unsigned char** out, size_t* length,
                      int* alert, void* argument) {
  return add_server_info(ssl, type, 0, out, length, nullptr, 0, alert, argument);
}

int parse_server_info12(SSL* ssl, unsigned int type, const unsigned char* in, size_t length,
                        int* alert, void* argument) {
  return parse_server_info(ssl, type, 0, in, length, nullptr, 0, alert, argument);
}

bool register_extension(SSL_CTX* ctx, const ServerInfoEntry& entry) {
  if (entry.context == handfast::kServerInfoV1Context) {
    return SSL_CTX_add_server_custom_ext(ctx, entry.type, add_server_info12, nullptr, nullptr,
                                         parse_server_info12, nullptr) != 0;
  }
  return SSL_CTX_add_custom_ext(ctx, entry.type, entry.context, add_server_info, nullptr, nullptr,
                                parse_server_info, nullptr) != 0;
}

// `data` of version 2 for the current certificate.
int use_server_info(SSL_CTX* ctx, View data) {
  if (!handfast::well_formed_server_info(data)) return refuse(SSL_R_INVALID_SERVERINFO_DATA);
  handfast::Credentials* credentials = ctx->credentials.edit();
  if (credentials == nullptr ||
      !credentials->slots[credentials->current].server_info.assign(data)) {
    return refuse(ERR_R_MALLOC_FAILURE);
  }
  ServerInfoEntry entry;
  while (next_entry(data, entry)) {
    if (!register_extension(ctx, entry)) return refuse(SSL_R_INVALID_SERVERINFO_DATA);
  }
  return 1;
}

template <typename Change>
void change_hooks(handfast::Cow<handfast::Hooks>& hooks, Change change) {
  handfast::Hooks* edited = hooks.edit();
  if (edited == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return;
  }
  change(*edited);
}

}  // namespace

extern "C" {

int SSL_CTX_use_certificate_file(SSL_CTX* ctx, const char* file, int type) {
  return use_certificate_file(owner_of(ctx), file, type);
}

int SSL_use_certificate_file(SSL* ssl, const char* file, int type) {
  return use_certificate_file(owner_of(ssl), file, type);
}

int SSL_CTX_use_certificate_chain_file(SSL_CTX* ctx, const char* file) {
  return ctx == nullptr ? 0 : use_certificate_chain_file(owner_of(ctx), file);
}

int SSL_use_certificate_chain_file(SSL* ssl, const char* file) {
  return ssl == nullptr ? 0 : use_certificate_chain_file(owner_of(ssl), file);
}

int SSL_CTX_use_PrivateKey_file(SSL_CTX* ctx, const char* file, int type) {
  return use_key_file(owner_of(ctx), file, type);
}

int SSL_use_PrivateKey_file(SSL* ssl, const char* file, int type) {
  return use_key_file(owner_of(ssl), file, type);
}

int SSL_CTX_use_RSAPrivateKey_file(SSL_CTX* ctx, const char* file, int type) {
  RsaPtr rsa = read_rsa_key(owner_of(ctx), file, type);
  return rsa == nullptr ? 0 : SSL_CTX_use_RSAPrivateKey(ctx, rsa.get());
}

int SSL_use_RSAPrivateKey_file(SSL* ssl, const char* file, int type) {
  RsaPtr rsa = read_rsa_key(owner_of(ssl), file, type);
  return rsa == nullptr ? 0 : SSL_use_RSAPrivateKey(ssl, rsa.get());
}

void SSL_CTX_set_default_passwd_cb(SSL_CTX* ctx, pem_password_cb* callback) {
  change_hooks(ctx->hooks, [&](handfast::Hooks& hooks) { hooks.password = callback; });
}

void SSL_CTX_set_default_passwd_cb_userdata(SSL_CTX* ctx, void* argument) {
  change_hooks(ctx->hooks, [&](handfast::Hooks& hooks) { hooks.password_argument = argument; });
}

pem_password_cb* SSL_CTX_get_default_passwd_cb(SSL_CTX* ctx) {
  return ctx->hooks->password;
}

void* SSL_CTX_get_default_passwd_cb_userdata(SSL_CTX* ctx) {
  return ctx->hooks->password_argument;
}

void SSL_set_default_passwd_cb(SSL* ssl, pem_password_cb* callback) {
  change_hooks(ssl->hooks, [&](handfast::Hooks& hooks) { hooks.password = callback; });
}

void SSL_set_default_passwd_cb_userdata(SSL* ssl, void* argument) {
  change_hooks(ssl->hooks, [&](handfast::Hooks& hooks) { hooks.password_argument = argument; });
}

pem_password_cb* SSL_get_default_passwd_cb(SSL* ssl) {
  return ssl->hooks->password;
}

void* SSL_get_default_passwd_cb_userdata(SSL* ssl) {
  return ssl->hooks->password_argument;
}

int SSL_CTX_use_serverinfo_ex(SSL_CTX* ctx, unsigned int version, const unsigned char* data,
                              size_t length) {
  if (ctx == nullptr || data == nullptr || length == 0) return refuse(ERR_R_PASSED_NULL_PARAMETER);
  if (version == SSL_SERVERINFOV2) return use_server_info(ctx, {data, length});
  if (version != SSL_SERVERINFOV1) return refuse(SSL_R_INVALID_SERVERINFO_DATA);
  // Only one extension is converted, as ever: several of them are malformed.
  handfast::Bytes converted;
  if (!handfast::append_version1({data, length}, converted)) return refuse(ERR_R_MALLOC_FAILURE);
  return use_server_info(ctx, converted.view());
}

int SSL_CTX_use_serverinfo(SSL_CTX* ctx, const unsigned char* data, size_t length) {
  return SSL_CTX_use_serverinfo_ex(ctx, SSL_SERVERINFOV1, data, length);
}

int SSL_CTX_use_serverinfo_file(SSL_CTX* ctx, const char* file) {
  if (ctx == nullptr || file == nullptr) return refuse(ERR_R_PASSED_NULL_PARAMETER);
  handfast::Bytes data;
  return handfast::read_server_info(file, data) ? use_server_info(ctx, data.view()) : 0;
}

}  // extern "C"
