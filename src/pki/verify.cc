#include "pki/verify.h"

#include <openssl/err.h>

#include "pki/dane.h"

namespace handfast {
namespace {

CRYPTO_ONCE index_once = CRYPTO_ONCE_STATIC_INIT;
int index_of_ssl = -1;

void make_index() {
  index_of_ssl = X509_STORE_CTX_get_ex_new_index(0, const_cast<char*>("SSL for verify callback"),
                                                 nullptr, nullptr, nullptr);
}

// Everything that the verification is to know. False: the reason is in the queue.
bool prepare(Exchange& exchange, STACK_OF(X509) * chain, X509_STORE_CTX* context) {
  X509_STORE* store = (*exchange.credentials)->verify_store.get();
  if (store == nullptr) store = exchange.ctx->store.get();
  if (X509_STORE_CTX_init(context, store, sk_X509_value(chain, 0), chain) == 0) {
    ERR_raise(ERR_LIB_SSL, ERR_R_X509_LIB);
    return false;
  }
  const Policy& policy = **exchange.policy;
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_auth_level(param, policy.security_level);
  X509_STORE_CTX_set_flags(context, policy.certificate_flags & SSL_CERT_FLAG_SUITEB_128_LOS);
  if (X509_STORE_CTX_set_ex_data(context, store_context_ssl_index(), exchange.ssl) == 0) {
    return false;
  }
  SSL_DANE* dane = SSL_get0_dane(exchange.ssl);
  if (has_tlsa_records(dane)) X509_STORE_CTX_set0_dane(context, dane);
  // A server verifies clients and the other way round.
  X509_STORE_CTX_set_default(context, exchange.server ? "ssl_client" : "ssl_server");
  X509_VERIFY_PARAM_set1(param, (*exchange.trust)->param.get());
  if ((*exchange.trust)->verify_callback != nullptr) {
    X509_STORE_CTX_set_verify_cb(context, (*exchange.trust)->verify_callback);
  }
  return true;
}

// SSL_get0_peername(3) is asked of the connection's own parameters.
bool keep_peername(Exchange& exchange, X509_VERIFY_PARAM* from) {
  if (X509_VERIFY_PARAM_get0_peername(from) == nullptr &&
      X509_VERIFY_PARAM_get0_peername((*exchange.trust)->param.get()) == nullptr) {
    return true;
  }
  Trust* trust = exchange.trust->edit();
  if (trust == nullptr) return false;
  X509_VERIFY_PARAM_move_peername(trust->param.get(), from);
  return true;
}

}  // namespace

int store_context_ssl_index() {
  return CRYPTO_THREAD_run_once(&index_once, make_index) == 0 ? -1 : index_of_ssl;
}

VerifyOutcome verify_chain(Exchange& exchange, STACK_OF(X509) * chain, long& verify_result) {
  verify_result = SSL_get_verify_result(exchange.ssl);
  X509StoreCtxPtr context(
      X509_STORE_CTX_new_ex(exchange.algorithms->library(), exchange.algorithms->property_query()));
  if (context == nullptr || chain == nullptr || sk_X509_num(chain) == 0) {
    ERR_raise(ERR_LIB_SSL, context == nullptr ? ERR_R_MALLOC_FAILURE : ERR_R_INTERNAL_ERROR);
    return VerifyOutcome::rejected;
  }
  if (!prepare(exchange, chain, context.get())) return VerifyOutcome::rejected;

  int result = exchange.ctx->live.verify != nullptr
                   ? exchange.ctx->live.verify(context.get(), exchange.ctx->live.verify_argument)
                   : X509_verify_cert(context.get());
  bool verified = result > 0;
  verify_result = X509_STORE_CTX_get_error(context.get());
  SSL_set_verify_result(exchange.ssl, verify_result);

  exchange.negotiated->verified_chain.reset();
  if (X509_STORE_CTX_get0_chain(context.get()) != nullptr) {
    exchange.negotiated->verified_chain.reset(X509_STORE_CTX_get1_chain(context.get()));
    if (exchange.negotiated->verified_chain == nullptr) {
      ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
      verified = false;
    }
  }
  if (!keep_peername(exchange, X509_STORE_CTX_get0_param(context.get()))) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    verified = false;
  }
  if (!verified) return VerifyOutcome::rejected;
  bool again = SSL_want(exchange.ssl) == SSL_RETRY_VERIFY;
  return again ? VerifyOutcome::retry : VerifyOutcome::verified;
}

Alert alert_for_verify_error(long x509_error) {
  switch (x509_error) {
    case X509_V_ERR_APPLICATION_VERIFICATION:
      return Alert::handshake_failure;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CRL_HAS_EXPIRED:
      return Alert::certificate_expired;
    case X509_V_ERR_CERT_REVOKED:
      return Alert::certificate_revoked;
    case X509_V_ERR_INVALID_PURPOSE:
      return Alert::unsupported_certificate;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
      return Alert::decrypt_error;
    case X509_V_ERR_INVALID_CALL:
    case X509_V_ERR_OUT_OF_MEM:
    case X509_V_ERR_STORE_LOOKUP:
    case X509_V_ERR_UNSPECIFIED:
      return Alert::internal_error;
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return Alert::unknown_ca;
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CERT_REJECTED:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_DANE_NO_MATCH:
    case X509_V_ERR_EC_KEY_EXPLICIT_PARAMS:
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_EMAIL_MISMATCH:
    case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
    case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
    case X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
      return Alert::bad_certificate;
    default:
      return Alert::certificate_unknown;
  }
}

}  // namespace handfast
