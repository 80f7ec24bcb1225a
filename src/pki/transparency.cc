#include "pki/transparency.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "pki/dane.h"

namespace handfast {
namespace {

using OcspResponsePtr = std::unique_ptr<OCSP_RESPONSE, FreeWith<OCSP_RESPONSE_free>>;
using OcspBasicPtr = std::unique_ptr<OCSP_BASICRESP, FreeWith<OCSP_BASICRESP_free>>;
using EvaluationPtr = std::unique_ptr<CT_POLICY_EVAL_CTX, FreeWith<CT_POLICY_EVAL_CTX_free>>;

// Takes what is in `from` over, last first, as libssl has always ordered it.
bool move(SctStackPtr from, sct_source_t source, STACK_OF(SCT) * to) {
  while (SCT* sct = from == nullptr ? nullptr : sk_SCT_pop(from.get())) {
    if (SCT_set_source(sct, source) != 1 || sk_SCT_push(to, sct) <= 0) {
      SCT_free(sct);
      return false;
    }
  }
  return true;
}

// RFC 6962 section 3.3: SCTs in the single responses of a stapled OCSP response.
bool move_from_ocsp(View response, STACK_OF(SCT) * to) {
  const unsigned char* der = response.data();
  OcspResponsePtr parsed(
      response.empty() ? nullptr
                       : d2i_OCSP_RESPONSE(nullptr, &der, static_cast<long>(response.size())));
  OcspBasicPtr basic(parsed == nullptr ? nullptr : OCSP_response_get1_basic(parsed.get()));
  int count = basic == nullptr ? 0 : OCSP_resp_count(basic.get());
  for (int i = 0; i < count; ++i) {
    SctStackPtr scts(static_cast<STACK_OF(SCT)*>(OCSP_SINGLERESP_get1_ext_d2i(
        OCSP_resp_get0(basic.get(), i), NID_ct_cert_scts, nullptr, nullptr)));
    if (!move(std::move(scts), SCT_SOURCE_OCSP_STAPLED_RESPONSE, to)) return false;
  }
  return true;
}

bool applies(Exchange& exchange, const CtSettings& settings, X509* certificate) {
  if (settings.callback == nullptr || certificate == nullptr ||
      SSL_get_verify_result(exchange.ssl) != X509_V_OK ||
      sk_X509_num(exchange.negotiated->verified_chain.get()) <= 1) {
    return false;
  }
  constexpr uint8_t kDaneTa = 2, kDaneEe = 3;
  const ssl_dane_st* dane = SSL_get0_dane(exchange.ssl);
  return !has_tlsa_records(dane) || dane->mtlsa == nullptr ||
         (dane->mtlsa->usage != kDaneTa && dane->mtlsa->usage != kDaneEe);
}

Verdict ask(Exchange& exchange, const CtSettings& settings, X509* certificate) {
  EvaluationPtr evaluation(CT_POLICY_EVAL_CTX_new_ex(exchange.algorithms->library(),
                                                     exchange.algorithms->property_query()));
  if (evaluation == nullptr) return malloc_failure();
  X509* issuer = sk_X509_value(exchange.negotiated->verified_chain.get(), 1);
  CT_POLICY_EVAL_CTX_set1_cert(evaluation.get(), certificate);
  CT_POLICY_EVAL_CTX_set1_issuer(evaluation.get(), issuer);
  CT_POLICY_EVAL_CTX_set_shared_CTLOG_STORE(evaluation.get(), exchange.ctx->ctlog_store.get());
  CT_POLICY_EVAL_CTX_set_time(
      evaluation.get(),
      static_cast<uint64_t>(SSL_SESSION_get_time(SSL_get0_session(exchange.ssl))) * 1000);
  const STACK_OF(SCT)* scts = SSL_get0_peer_scts(exchange.ssl);
  // Invalid ones are the callback's business.
  if (SCT_LIST_validate(scts, evaluation.get()) < 0) {
    return fatal(Alert::handshake_failure, SSL_R_SCT_VERIFICATION_FAILED);
  }
  bool accepted = settings.callback(evaluation.get(), scts, settings.argument) > 0;
  return accepted ? success() : fatal(Alert::handshake_failure, SSL_R_CALLBACK_FAILED);
}

}  // namespace

bool read_scts(View extension, View ocsp_response, X509* certificate, SctStackPtr& out) {
  if (extension.empty() && ocsp_response.empty() && certificate == nullptr) return true;
  SctStackPtr all(sk_SCT_new_null());
  if (all == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return false;
  }
  const unsigned char* list = extension.data();
  SctStackPtr from_tls(extension.empty() ? nullptr
                                         : o2i_SCT_LIST(nullptr, &list, extension.size()));
  SctStackPtr embedded(certificate == nullptr
                           ? nullptr
                           : static_cast<STACK_OF(SCT)*>(X509_get_ext_d2i(
                                 certificate, NID_ct_precert_scts, nullptr, nullptr)));
  if (!move(std::move(from_tls), SCT_SOURCE_TLS_EXTENSION, all.get()) ||
      !move_from_ocsp(ocsp_response, all.get()) ||
      !move(std::move(embedded), SCT_SOURCE_X509V3_EXTENSION, all.get())) {
    return false;
  }
  out = std::move(all);
  return true;
}

Verdict check_transparency(Exchange& exchange, const CtSettings& settings, X509* certificate) {
  if (!applies(exchange, settings, certificate)) return success();
  Verdict verdict = ask(exchange, settings, certificate);
  if (verdict.ok()) return verdict;
  // Without verification the handshake goes on: the verify result still tells.
  SSL_set_verify_result(exchange.ssl, X509_V_ERR_NO_VALID_SCTS);
  return ((*exchange.trust)->verify_mode & SSL_VERIFY_PEER) != 0 ? verdict : success();
}

}  // namespace handfast
