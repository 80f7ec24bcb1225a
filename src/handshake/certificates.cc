#include "handshake/certificates.h"

#include "config/security.h"
#include "extension/extension.h"
#include "extension/preferences.h"
#include "handshake/receive.h"
#include "handshake/steps.h"
#include "message/certificate.h"
#include "message/certificate_request.h"
#include "message/certificate_verify.h"
#include "pki/certificate_cache.h"
#include "pki/chain.h"
#include "pki/key_slot.h"
#include "pki/signer12.h"
#include "pki/verify.h"

namespace handfast {
namespace {

Verdict read_entries(Handshake& hs, View list, X509StackPtr& chain) {
  // The alerts that the two roles of OpenSSL give for a certificate that is none.
  Alert malformed = hs.server ? Alert::decode_error : Alert::bad_certificate;
  Reader entries(list);
  CertificateEntry entry;
  for (hs.certificate_index = 0; next(entries, entry); ++hs.certificate_index) {
    X509Ptr certificate;
    HANDFAST_CHECK(parse_certificate(*hs.algorithms, entry.data, certificate, malformed));
    hs.certificate = certificate.get();
    HANDFAST_CHECK(read_extensions(hs, kInCertificate, entry.extensions));
    hs.certificate = nullptr;
    if (sk_X509_push(chain.get(), certificate.get()) == 0) return malloc_failure();
    (void)certificate.release();
  }
  return success();
}

}  // namespace

void keep_chain(Handshake& hs, X509StackPtr chain) {
  (hs.server ? hs.client_chain : hs.conn.session->peer_chain) = std::move(chain);
}

namespace {

// RFC 8446 4.4.2: a key that TLS can use, with all its parameters.
Verdict check_key(const Handshake& hs, X509* leaf) {
  EVP_PKEY* key = X509_get0_pubkey(leaf);
  if (key == nullptr || EVP_PKEY_missing_parameters(key) != 0) {
    if (hs.server) return fatal(Alert::handshake_failure, SSL_R_UNKNOWN_CERTIFICATE_TYPE);
    return internal_error(SSL_R_UNABLE_TO_FIND_PUBLIC_KEY_PARAMETERS);
  }
  KeySlot slot;
  if (!slot_of_key(key, slot)) {
    return fatal(Alert::illegal_parameter, SSL_R_UNKNOWN_CERTIFICATE_TYPE);
  }
  // RFC 5246 7.4.2: the suites of TLS <= 1.2 name the kind of the server's key.
  if (!hs.server && hs.negotiated->version < TLS1_3_VERSION &&
      (authentication_of(slot) & hs.negotiated->suite->auth) == 0) {
    return fatal(Alert::illegal_parameter, SSL_R_WRONG_CERTIFICATE_TYPE);
  }
  return success();
}

// Was the scheme in the list that we sent?
bool scheme_was_sent(const Handshake& hs, uint16_t id) {
  return std::ranges::find(scheme_preferences(hs, true), id) != scheme_preferences(hs, true).end();
}

}  // namespace

Verdict read_certificate(Handshake& hs, View context) {
  Certificate13 message;
  HANDFAST_CHECK(parse(hs.message.body, message));
  // RFC 8446 4.4.2: that of the CertificateRequest, empty in the handshake itself.
  if (!equal(message.context, context)) {
    return fatal(Alert::illegal_parameter, SSL_R_INVALID_CONTEXT);
  }
  // RFC 8446 4.4.2.4: a server's certificate_list is never empty.
  if (!hs.server && message.entries.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  X509StackPtr chain(sk_X509_new_null());
  if (chain == nullptr) return malloc_failure();
  HANDFAST_CHECK(read_entries(hs, message.entries, chain));
  keep_chain(hs, std::move(chain));
  return success();
}

Flow verify_peer(Handshake& hs) {
  STACK_OF(X509)* chain = hs.server ? hs.client_chain.get() : hs.conn.session->peer_chain.get();
  long result = X509_V_OK;
  VerifyOutcome outcome = verify_chain(hs, chain, result);
  while (outcome == VerifyOutcome::retry) {
    co_await pause(hs, Want::retry_verify);
    outcome = verify_chain(hs, chain, result);
  }
  bool required = hs.server || (*hs.trust)->verify_mode != SSL_VERIFY_NONE;
  if (required && outcome == VerifyOutcome::rejected) {
    co_return fatal(alert_for_verify_error(result), SSL_R_CERTIFICATE_VERIFY_FAILED);
  }
  ERR_clear_error();
  X509* leaf = sk_X509_value(chain, 0);
  CHECK(check_key(hs, leaf));
  if (hs.server) co_return success();
  X509_up_ref(leaf);
  hs.conn.session->peer.reset(leaf);
  hs.conn.session->verify_result = result;
  co_return success();
}

namespace {

// The session learns of the client, without the leaf in its chain (SSL_get_peer_cert_chain(3)).
Verdict keep_client(Handshake& hs) {
  // The application may have taken it away: SSL_set_session(3).
  if (hs.conn.session == nullptr) return internal_error();
  // After the handshake a cache may have the session, and with it other connections.
  if (hs.post_handshake && !hs.renegotiating) {
    Session* copy = duplicate(*hs.conn.session, false);
    if (copy == nullptr) return malloc_failure();
    hs.conn.session.reset(copy);
  }
  Session& session = *hs.conn.session;
  session.peer.reset(sk_X509_shift(hs.client_chain.get()));
  session.peer_chain = std::move(hs.client_chain);
  session.verify_result = hs.conn.verify_result;
  return success();
}

}  // namespace

Flow accept_client(Handshake& hs, Alert missing) {
  constexpr int kRequired = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  if (sk_X509_num(hs.client_chain.get()) > 0) {
    CHECK(co_await verify_peer(hs));
  } else if (((*hs.trust)->verify_mode & kRequired) == kRequired) {
    co_return fatal(missing, SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE);
  }
  CHECK(keep_client(hs));
  co_return success();
}

namespace {

constexpr Expect kCertificateVerify[] = {
    {SSL3_MT_CERTIFICATE_VERIFY, TLS_ST_SR_CERT_VRFY, CertificateVerify::kMaxLength},
};

}  // namespace

Flow authenticate_client(Handshake& hs, View context) {
  CHECK(read_certificate(hs, context));
  CHECK(absorb(hs));
  // RFC 8446 4.4.2.4.
  CHECK(co_await accept_client(hs, Alert::certificate_required));
  if (hs.conn.session->peer == nullptr) co_return success();
  CHECK(co_await receive(hs, kCertificateVerify));
  CHECK(check_certificate_verify(hs));
  CHECK(absorb(hs));
  co_return success();
}

Verdict check_certificate_verify(Handshake& hs) {
  CertificateVerify message;
  HANDFAST_CHECK(parse(hs.message.body, message));
  const Session* session = hs.conn.session.get();
  if (session == nullptr || session->peer == nullptr) return internal_error();
  EVP_PKEY* key = X509_get0_pubkey(session->peer.get());
  const SignatureScheme* scheme = find_signature_scheme(message.scheme);
  // RFC 8446 4.4.3: one of the schemes that we offered, and one that fits the key.
  if (scheme == nullptr || !key_fits_scheme(key, *scheme, TLS1_3_VERSION)) {
    return fatal(Alert::illegal_parameter, SSL_R_WRONG_SIGNATURE_TYPE);
  }
  if (!scheme_was_sent(hs, message.scheme)) {
    return fatal(Alert::illegal_parameter, SSL_R_WRONG_SIGNATURE_TYPE);
  }
  if (!scheme_usable(hs, message.scheme, SSL_SECOP_SIGALG_CHECK)) {
    return fatal(Alert::handshake_failure, SSL_R_WRONG_SIGNATURE_TYPE);
  }
  hs.negotiated->peer_scheme = scheme;
  Digest hash;
  Bytes content;
  if (!hs.transcript.hash(hash)) return internal_error();
  if (!certificate_verify_content(!hs.server, hash.view(), content)) return malloc_failure();
  return verify_signature(*hs.algorithms, *scheme, key, content.view(), message.signature);
}

Verdict encode_certificate(X509* certificate, Bytes& der) {
  int length = i2d_X509(certificate, nullptr);
  if (length <= 0 || !der.resize(static_cast<size_t>(length))) {
    return internal_error(ERR_R_BUF_LIB);
  }
  uint8_t* out = der.data();
  i2d_X509(certificate, &out);
  return success();
}

namespace {

// Appends a CertificateEntry (RFC 8446 4.4.2) to `entries`.
Verdict write_entry(Handshake& hs, X509* certificate, Bytes& der, Bytes& block, Writer& entries) {
  HANDFAST_CHECK(encode_certificate(certificate, der));
  block.clear();
  Writer extensions(block);
  HANDFAST_CHECK(write_extensions(hs, kInCertificate, extensions));
  CertificateEntry entry;
  entry.data = der.view();
  entry.extensions = block.view().subspan(2);
  build(entry, entries);
  return entries.ok() ? success() : malloc_failure();
}

}  // namespace

bool may_request_certificate(const Connection& connection) {
  int mode = connection.trust->verify_mode;
  bool again = connection.certificate_requests > 0;
  return (mode & SSL_VERIFY_PEER) != 0 && !(again && (mode & SSL_VERIFY_CLIENT_ONCE) != 0);
}

Verdict send_certificate_request(Handshake& hs, View context) {
  Bytes block;
  Writer writer(block);
  HANDFAST_CHECK(write_extensions(hs, kInCertificateRequest, writer));
  CertificateRequest13 message;
  message.context = context;
  message.extensions = block.view().subspan(2);
  ++hs.conn.certificate_requests;
  return send(hs, message);
}

Verdict send_certificate(Handshake& hs, const Signer& signer, View context) {
  X509StackPtr chain;
  if (signer.credential != nullptr) {
    HANDFAST_CHECK(certificate_chain(hs, *signer.credential, chain));
  }
  Bytes list;
  Bytes der;
  Bytes block;
  Writer entries(list);
  int count = chain == nullptr ? 0 : sk_X509_num(chain.get());
  for (int i = 0; i < count; ++i) {
    hs.certificate_index = static_cast<size_t>(i);
    hs.certificate = sk_X509_value(chain.get(), i);
    HANDFAST_CHECK(write_entry(hs, hs.certificate, der, block, entries));
    hs.certificate = nullptr;
  }
  Certificate13 message;
  message.context = context;
  message.entries = list.view();
  return send(hs, message);
}

Verdict send_certificate_verify(Handshake& hs, const Signer& signer) {
  Digest hash;
  Bytes content;
  Bytes signature;
  if (!hs.transcript.hash(hash)) return internal_error();
  if (!certificate_verify_content(hs.server, hash.view(), content)) return malloc_failure();
  HANDFAST_CHECK(sign(*hs.algorithms, *signer.scheme, signer.credential->private_key.get(),
                      content.view(), signature));
  hs.negotiated->own_scheme = signer.scheme;
  CertificateVerify message;
  message.scheme = signer.scheme->id;
  message.signature = signature.view();
  return send(hs, message);
}

}  // namespace handfast
