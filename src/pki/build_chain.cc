// SSL_CTX_build_cert_chain(3).
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "config/security.h"
#include "pki/credential_setup.h"

namespace handfast {
namespace {

// SSL_BUILD_CHAIN_FLAG_CHECK: only the certificates at hand, which then are all trusted.
X509StorePtr store_of_own_chain(const Credential& credential) {
  X509StorePtr store(X509_STORE_new());
  if (store == nullptr) return nullptr;
  for (int i = 0; i < sk_X509_num(credential.chain.get()); ++i) {
    if (X509_STORE_add_cert(store.get(), sk_X509_value(credential.chain.get(), i)) == 0) {
      return nullptr;
    }
  }
  // The leaf may be self-signed.
  if (X509_STORE_add_cert(store.get(), credential.certificate.get()) == 0) return nullptr;
  return store;
}

// 1 with `chain`, 2 when errors were ignored, 0: see the queue.
int verify(const CredentialOwner& owner, X509_STORE* store, STACK_OF(X509) * untrusted, int flags,
           X509StackPtr& chain) {
  const Algorithms& algorithms = owner.context.algorithms;
  X509StoreCtxPtr context(X509_STORE_CTX_new_ex(algorithms.library(), algorithms.property_query()));
  if (context == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return 0;
  }
  if (X509_STORE_CTX_init(context.get(), store, owner.current().certificate.get(), untrusted) ==
      0) {
    ERR_raise(ERR_LIB_SSL, ERR_R_X509_LIB);
    return 0;
  }
  X509_STORE_CTX_set_flags(context.get(),
                           owner.policy->certificate_flags & SSL_CERT_FLAG_SUITEB_128_LOS);
  int result = 1;
  if (X509_verify_cert(context.get()) <= 0) {
    if ((flags & SSL_BUILD_CHAIN_FLAG_IGNORE_ERROR) == 0) {
      int error = X509_STORE_CTX_get_error(context.get());
      ERR_raise_data(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED, "Verify error:%s",
                     X509_verify_cert_error_string(error));
      return 0;
    }
    if ((flags & SSL_BUILD_CHAIN_FLAG_CLEAR_ERROR) != 0) ERR_clear_error();
    result = 2;
  }
  chain.reset(X509_STORE_CTX_get1_chain(context.get()));
  return result;
}

void drop_root(STACK_OF(X509) * chain) {
  int count = sk_X509_num(chain);
  if (count > 0 && (X509_get_extension_flags(sk_X509_value(chain, count - 1)) & EXFLAG_SS) != 0) {
    X509_free(sk_X509_pop(chain));
  }
}

}  // namespace

int build_chain(const CredentialOwner& owner, int flags) {
  const Credential& credential = owner.current();
  if (credential.certificate == nullptr) {
    ERR_raise(ERR_LIB_SSL, SSL_R_NO_CERTIFICATE_SET);
    return 0;
  }
  X509StorePtr own_store;
  X509_STORE* store = owner.credentials->chain_store.get();
  STACK_OF(X509)* untrusted = nullptr;
  if ((flags & SSL_BUILD_CHAIN_FLAG_CHECK) != 0) {
    own_store = store_of_own_chain(credential);
    if (own_store == nullptr) return 0;
    store = own_store.get();
  } else {
    if (store == nullptr) store = owner.context.store.get();
    if ((flags & SSL_BUILD_CHAIN_FLAG_UNTRUSTED) != 0) untrusted = credential.chain.get();
  }
  X509StackPtr chain;
  int result = verify(owner, store, untrusted, flags, chain);
  if (result == 0) return 0;
  X509_free(sk_X509_shift(chain.get()));  // the leaf is not a part of Credential::chain
  if ((flags & SSL_BUILD_CHAIN_FLAG_NO_ROOT) != 0) drop_root(chain.get());
  if (!set_chain(owner, chain.get(), true)) return 0;
  // Ignored errors show only where nothing is left: programs compare with 1.
  bool found = sk_X509_num(chain.release()) > 0;
  return found ? 1 : result;
}

}  // namespace handfast
