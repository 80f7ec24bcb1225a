#include "handshake/certificates.h"

#include "config/security.h"
#include "extension/extension.h"
#include "extension/preferences.h"
#include "handshake/receive.h"
#include "handshake/steps.h"
#include "message/certificate.h"
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
  Session& session = *hs.conn.session;
  session.peer.reset();
  if (sk_X509_num(chain.get()) > 0) {
    X509* leaf = sk_X509_value(chain.get(), 0);
    X509_up_ref(leaf);
    session.peer.reset(leaf);
  }
  session.peer_chain = std::move(chain);
}

namespace {

// A server keeps the client's chain without the leaf (SSL_get_peer_cert_chain(3)).
void drop_leaf(Session& session) {
  if (session.peer_chain != nullptr) X509_free(sk_X509_shift(session.peer_chain.get()));
}

// A peer that was not accepted has no certificate for the application; a client still shows the
// chain.
void forget_peer(Handshake& hs) {
  hs.conn.session->peer.reset();
  if (hs.server) hs.conn.session->peer_chain.reset();
}

// RFC 8446 4.4.2: a key that TLS can use, with all its parameters.
Verdict check_key(const Handshake& hs) {
  EVP_PKEY* key = X509_get0_pubkey(hs.conn.session->peer.get());
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

Verdict read_certificate(Handshake& hs) {
  Certificate13 message;
  HANDFAST_CHECK(parse(hs.message.body, message));
  // RFC 8446 4.4.2: the context is empty in the handshake itself.
  if (!message.context.empty()) return fatal(Alert::illegal_parameter, SSL_R_INVALID_CONTEXT);
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
  Session& session = *hs.conn.session;
  long result = X509_V_OK;
  VerifyOutcome outcome = verify_chain(hs, session.peer_chain.get(), result);
  while (outcome == VerifyOutcome::retry) {
    co_await pause(hs, Want::retry_verify);
    outcome = verify_chain(hs, session.peer_chain.get(), result);
  }
  bool required = hs.server || (*hs.trust)->verify_mode != SSL_VERIFY_NONE;
  if (required && outcome == VerifyOutcome::rejected) {
    forget_peer(hs);
    co_return fatal(alert_for_verify_error(result), SSL_R_CERTIFICATE_VERIFY_FAILED);
  }
  ERR_clear_error();
  CHECK(check_key(hs));
  session.verify_result = result;
  if (hs.server) drop_leaf(session);
  co_return success();
}

Verdict check_certificate_verify(Handshake& hs) {
  CertificateVerify message;
  HANDFAST_CHECK(parse(hs.message.body, message));
  EVP_PKEY* key = X509_get0_pubkey(hs.conn.session->peer.get());
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
