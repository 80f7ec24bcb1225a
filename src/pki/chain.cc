#include "pki/chain.h"

#include <openssl/err.h>

#include "config/security.h"

namespace handfast {
namespace {

// The store to build the missing chain from; nullptr: nothing is to be built.
X509_STORE* building_store(const Exchange& exchange, STACK_OF(X509) * given) {
  if (given != nullptr || ((*exchange.policy)->mode & SSL_MODE_NO_AUTO_CHAIN) != 0) return nullptr;
  X509_STORE* own = (*exchange.credentials)->chain_store.get();
  return own != nullptr ? own : exchange.ctx->store.get();
}

// A name that no certificate has: the verification that builds the chain ends where names are
// compared, before it verifies the signatures on our own certificates in every handshake.
constexpr char kNobody[] = "(the chain only)";

// The application's callbacks on its store see the whole verification.
bool has_callbacks(const X509_STORE* store) {
  return X509_STORE_get_verify_cb(store) != nullptr || X509_STORE_get_verify(store) != nullptr;
}

// As much of the chain as the store has: that it may be incomplete or untrusted is the peer's
// business.
Verdict build(const Exchange& exchange, X509* leaf, X509_STORE* store, X509StackPtr& out) {
  X509StoreCtxPtr context(
      X509_STORE_CTX_new_ex(exchange.algorithms->library(), exchange.algorithms->property_query()));
  if (context == nullptr) return malloc_failure();
  if (X509_STORE_CTX_init(context.get(), store, leaf, nullptr) == 0) {
    return internal_error(ERR_R_X509_LIB);
  }
  ERR_set_mark();
  if (!has_callbacks(store)) {
    X509_VERIFY_PARAM_set1_host(X509_STORE_CTX_get0_param(context.get()), kNobody, 0);
  }
  X509_verify_cert(context.get());
  ERR_pop_to_mark();
  out.reset(X509_STORE_CTX_get1_chain(context.get()));
  return out != nullptr ? success() : malloc_failure();
}

// Both parameters but the stack's own storage are shared; `given` may be nullptr.
Verdict copy(X509* leaf, STACK_OF(X509) * given, X509StackPtr& out) {
  int count = given == nullptr ? 0 : sk_X509_num(given);
  out.reset(sk_X509_new_reserve(nullptr, count + 1));
  if (out == nullptr) return malloc_failure();
  for (int i = -1; i < count; ++i) {
    X509* certificate = i < 0 ? leaf : sk_X509_value(given, i);
    if (X509_up_ref(certificate) == 0 || sk_X509_push(out.get(), certificate) <= 0) {
      return malloc_failure();
    }
  }
  return success();
}

}  // namespace

Verdict certificate_chain(const Exchange& exchange, const Credential& credential,
                          X509StackPtr& out) {
  X509* leaf = credential.certificate.get();
  STACK_OF(X509)* given =
      credential.chain != nullptr ? credential.chain.get() : exchange.ctx->extra_chain.get();
  X509_STORE* store = building_store(exchange, given);
  HANDFAST_CHECK(store != nullptr ? build(exchange, leaf, store, out) : copy(leaf, given, out));
  for (int i = 0; i < sk_X509_num(out.get()); ++i) {
    int reason = certificate_allowed(**exchange.policy, exchange.ssl, nullptr,
                                     sk_X509_value(out.get(), i), false, i == 0);
    if (reason != 1) return internal_error(reason);
  }
  return success();
}

}  // namespace handfast
