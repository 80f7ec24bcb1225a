#include "handshake/client_certificate.h"

#include <openssl/engine.h>
#include <openssl/err.h>

#include "extension/extension.h"
#include "extension/preferences.h"
#include "handshake/certificates.h"
#include "handshake/receive.h"
#include "handshake/steps.h"
#include "message/certificate_request.h"
#include "pki/check_chain.h"
#include "pki/signer12.h"

namespace handfast {
namespace {

Verdict fitting(Handshake& hs, Signer& signer) {
  HANDFAST_CHECK(hs.negotiated->version < TLS1_3_VERSION
                     ? choose_client_signer12(hs, signer)
                     : choose_signer(hs, hs.request_schemes_cert.view(), signer));
  if (signer.credential != nullptr && !chain_suits(hs, *signer.credential)) signer = {};
  return success();
}

// The engine of SSL_CTX_set_client_cert_engine comes before SSL_CTX_set_client_cert_cb(3).
int ask_engine_or_callback(Handshake& hs, X509** certificate, EVP_PKEY** key) {
  int answer = 0;
  if (ENGINE* engine = hs.ctx->client_certificate_engine) {
    answer = ENGINE_load_ssl_client_cert(engine, hs.ssl, SSL_get_client_CA_list(hs.ssl),
                                         certificate, key, nullptr, nullptr, nullptr);
  }
  auto callback = hs.ctx->live.client_certificate;
  return answer != 0 || callback == nullptr ? answer : callback(hs.ssl, certificate, key);
}

// 1 with certificate and key, 0 none, negative: later. Other answers give none; the callback may
// have set one by itself.
int ask_client_certificate(Handshake& hs) {
  X509* certificate = nullptr;
  EVP_PKEY* key = nullptr;
  int answer = ask_engine_or_callback(hs, &certificate, &key);
  X509Ptr owned_certificate(certificate);
  EvpPkeyPtr owned_key(key);
  if (answer != 1) return answer;
  if (certificate == nullptr || key == nullptr) {
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_DATA_RETURNED_BY_CALLBACK);
    return 0;
  }
  return SSL_use_certificate(hs.ssl, certificate) == 1 && SSL_use_PrivateKey(hs.ssl, key) == 1;
}

}  // namespace

Verdict read_certificate_request(Handshake& hs, View& context) {
  CertificateRequest13 request;
  HANDFAST_CHECK(parse(hs.message.body, request));
  HANDFAST_CHECK(read_extensions(hs, kInCertificateRequest, request.extensions));
  // RFC 8446 4.3.2: the one extension that MUST be there.
  if (hs.request_schemes.empty()) {
    return fatal(Alert::missing_extension, SSL_R_MISSING_SIGALGS_EXTENSION);
  }
  context = request.context;
  return absorb(hs);
}

Flow choose_client_certificate(Handshake& hs, Signer& signer) {
  if (!share_signature_schemes(hs)) co_return malloc_failure();
  const Credentials* credentials = &**hs.credentials;
  while (credentials->callback != nullptr) {
    int answer = credentials->callback(hs.ssl, credentials->callback_argument);
    if (answer > 0) break;
    if (answer == 0) co_return internal_error(SSL_R_CALLBACK_FAILED);
    co_await pause(hs, Want::x509_lookup);
    credentials = &**hs.credentials;
  }
  CHECK(fitting(hs, signer));
  if (signer.credential != nullptr) co_return success();
  int answer = ask_client_certificate(hs);
  while (answer < 0) {
    co_await pause(hs, Want::x509_lookup);
    answer = ask_client_certificate(hs);
  }
  if (answer > 0) CHECK(fitting(hs, signer));
  co_return success();
}

Verdict send_client_certificate(Handshake& hs, const Signer& signer, View context) {
  step(hs, TLS_ST_CW_CERT);
  HANDFAST_CHECK(send_certificate(hs, signer, context));
  // RFC 8446 4.4.3: a client that has shown a certificate proves that it is its own.
  if (signer.credential == nullptr) return success();
  step(hs, TLS_ST_CW_CERT_VRFY);
  return send_certificate_verify(hs, signer);
}

}  // namespace handfast
