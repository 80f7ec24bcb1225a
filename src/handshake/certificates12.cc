#include "handshake/certificates12.h"

#include <openssl/x509v3.h>

#include <algorithm>

#include "config/cipher_supported.h"
#include "config/security.h"
#include "crypto/cipher_class.h"
#include "extension/authorities.h"
#include "extension/lists.h"
#include "extension/preferences.h"
#include "handshake/certificates.h"
#include "handshake/receive.h"
#include "handshake/steps.h"
#include "message/certificate12.h"
#include "message/certificate_request12.h"
#include "message/certificate_verify12.h"
#include "pki/certificate_cache.h"
#include "pki/chain.h"
#include "pki/key_slot.h"
#include "pki/signer12.h"

namespace handfast {
namespace {

bool names_schemes(const Handshake& hs) {
  return hs.negotiated->version >= TLS1_2_VERSION;
}

// Does a signature by `scheme` fit the key, and the curve what we offered (RFC 8422 5.1)?
Verdict check_key_and_scheme(const Handshake& hs, EVP_PKEY* key, const SignatureScheme& scheme) {
  bool suite_b = ((*hs.policy)->certificate_flags & SSL_CERT_FLAG_SUITEB_128_LOS) != 0;
  if (!key_fits_scheme(key, scheme, TLS1_2_VERSION)) {
    return fatal(Alert::illegal_parameter, SSL_R_WRONG_SIGNATURE_TYPE);
  }
  if (scheme.key_type == EVP_PKEY_EC) {
    const Group* group = find_group_of_key(key);
    bool bound = !suite_b || scheme.curve_nid == NID_undef ||
                 (group != nullptr && group->nid == scheme.curve_nid);
    if (group == nullptr || !bound || !offered_group_12(hs, group->id)) {
      return fatal(Alert::illegal_parameter, SSL_R_WRONG_CURVE);
    }
  } else if (suite_b) {
    return fatal(Alert::handshake_failure, SSL_R_WRONG_SIGNATURE_TYPE);
  }
  return success();
}

bool was_named(const Handshake& hs, uint16_t id) {
  std::span<const uint16_t> sent = scheme_preferences(hs, true);
  return std::find(sent.begin(), sent.end(), id) != sent.end();
}

Verdict accept_named(Handshake& hs, EVP_PKEY* key, uint16_t id) {
  const SignatureScheme* scheme = find_signature_scheme(id);
  if (scheme == nullptr) return fatal(Alert::illegal_parameter, SSL_R_WRONG_SIGNATURE_TYPE);
  HANDFAST_CHECK(check_key_and_scheme(hs, key, *scheme));
  // RFC 5246 7.4.1.4.1 makes SHA-1 the default, and programs rely on its being let through.
  bool strict = ((*hs.policy)->certificate_flags & SSL_CERT_FLAG_TLS_STRICT) != 0;
  bool accepted = was_named(hs, id) || (scheme->hash_nid == NID_sha1 && !strict);
  if (!accepted || !scheme_allowed(**hs.policy, hs.ssl, *scheme, SSL_SECOP_SIGALG_CHECK)) {
    return fatal(Alert::handshake_failure, SSL_R_WRONG_SIGNATURE_TYPE);
  }
  hs.negotiated->peer_scheme = scheme;
  return success();
}

}  // namespace

Verdict choose_peer_scheme12(Handshake& hs, EVP_PKEY* key, bool named, uint16_t id) {
  if (named) return accept_named(hs, key, id);
  KeySlot slot = KeySlot::rsa;
  const SignatureScheme* scheme = slot_of_key(key, slot) ? legacy_scheme(hs, slot) : nullptr;
  if (scheme == nullptr) return internal_error(SSL_R_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED);
  hs.negotiated->peer_scheme = scheme;
  return success();
}

Verdict read_certificate12(Handshake& hs) {
  Certificate12 message;
  HANDFAST_CHECK(parse(hs.message.body, message));
  // RFC 5246 7.4.2: the server's list has its certificate.
  if (!hs.server && message.list.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  Alert malformed = hs.server ? Alert::decode_error : Alert::bad_certificate;
  X509StackPtr chain(sk_X509_new_null());
  if (chain == nullptr) return malloc_failure();
  Reader list(message.list);
  View der;
  while (next_certificate(list, der)) {
    X509Ptr certificate;
    HANDFAST_CHECK(parse_certificate(*hs.algorithms, der, certificate, malformed));
    if (sk_X509_push(chain.get(), certificate.get()) == 0) return malloc_failure();
    (void)certificate.release();
  }
  keep_chain(hs, std::move(chain));
  return absorb(hs);
}

Verdict check_server_key12(const Handshake& hs) {
  const CipherSuite& suite = *hs.negotiated->suite;
  X509* certificate = hs.conn.session->peer.get();
  if (!has_certificate(suite) || certificate == nullptr) {
    return success();
  }
  // RFC 8422 3: "it MUST allow the digital signature key usage". OpenSSL, and so the certificates
  // that programs have, know no such rule for RSA.
  if ((suite.auth & kAuthEcdsa) != 0 &&
      (X509_get_key_usage(certificate) & X509v3_KU_DIGITAL_SIGNATURE) == 0) {
    ERR_raise(ERR_LIB_SSL, SSL_R_ECC_CERT_NOT_FOR_SIGNING);
    return fatal(Alert::handshake_failure, SSL_R_BAD_ECC_CERT);
  }
  // RFC 5246 7.4.2: a key for RSASSA-PSS alone encrypts nothing.
  if ((suite.kx & kKxAllRsa) != 0 && EVP_PKEY_is_a(X509_get0_pubkey(certificate), "RSA") == 0) {
    return fatal(Alert::handshake_failure, SSL_R_MISSING_RSA_ENCRYPTING_CERT);
  }
  return success();
}

Verdict send_certificate12(Handshake& hs, const Signer& signer) {
  X509StackPtr chain;
  if (signer.credential != nullptr) {
    HANDFAST_CHECK(certificate_chain(hs, *signer.credential, chain));
  }
  Bytes list;
  Bytes der;
  Writer writer(list);
  int count = chain == nullptr ? 0 : sk_X509_num(chain.get());
  for (int i = 0; i < count; ++i) {
    HANDFAST_CHECK(encode_certificate(sk_X509_value(chain.get(), i), der));
    writer.vector24(der.view());
  }
  if (!writer.ok()) return malloc_failure();
  Certificate12 message;
  message.list = list.view();
  return send(hs, message);
}

Verdict read_certificate_request12(Handshake& hs) {
  CertificateRequest12 message;
  HANDFAST_CHECK(parse(hs.message.body, hs.negotiated->version, message));
  if (!hs.negotiated->certificate_types.assign(message.certificate_types)) return malloc_failure();
  if (message.has_schemes &&
      !copy_u16_list(message.schemes, hs.negotiated->peer_signature_schemes)) {
    return malloc_failure();
  }
  if (!message.has_schemes) hs.negotiated->peer_signature_schemes.clear();
  HANDFAST_CHECK(read_authorities(hs, message.authorities));
  return absorb(hs);
}

namespace {

// RFC 5246 7.4.4: the kinds of keys that we can verify by.
Verdict write_certificate_types(const Handshake& hs, Bytes& out) {
  const Bytes& own = (*hs.policy)->client_certificate_types;
  if (!own.empty()) return out.assign(own.view()) ? success() : malloc_failure();
  CipherSupport support{hs.ssl, *hs.conn.method,         **hs.policy, **hs.hooks,
                        true,   srp_enabled(*hs.request)};
  uint32_t unusable = unusable_authentication(support);
  Writer writer(out);
  if ((unusable & kAuthRsa) == 0) writer.u8(TLS_CT_RSA_SIGN);
  if ((unusable & kAuthDss) == 0) writer.u8(TLS_CT_DSS_SIGN);
  if ((unusable & kAuthEcdsa) == 0) writer.u8(TLS_CT_ECDSA_SIGN);
  return writer.ok() ? success() : malloc_failure();
}

}  // namespace

Verdict send_certificate_request12(Handshake& hs) {
  Bytes types;
  Bytes schemes;
  Bytes authorities;
  HANDFAST_CHECK(write_certificate_types(hs, types));
  CertificateRequest12 message;
  message.has_schemes = names_schemes(hs);
  if (message.has_schemes) {
    Writer writer(schemes);
    HANDFAST_CHECK(write_signature_schemes(hs, writer));
  }
  Writer writer(authorities);
  HANDFAST_CHECK(write_authorities(hs, writer));
  message.certificate_types = types.view();
  message.schemes = schemes.view();
  message.authorities = authorities.view();
  return send(hs, message);
}

Verdict check_certificate_verify12(Handshake& hs) {
  CertificateVerify12 message;
  HANDFAST_CHECK(parse(hs.message.body, hs.negotiated->version, message));
  EVP_PKEY* key = X509_get0_pubkey(hs.conn.session->peer.get());
  if (key == nullptr) return internal_error();
  HANDFAST_CHECK(choose_peer_scheme12(hs, key, message.has_scheme, message.scheme));
  // RFC 5246 7.4.8: over all messages so far.
  HANDFAST_CHECK(verify_signature(*hs.algorithms, *hs.negotiated->peer_scheme, key,
                                  hs.transcript.messages(), message.signature));
  hs.transcript.drop_messages();
  return absorb(hs);
}

Verdict send_certificate_verify12(Handshake& hs, const Signer& signer) {
  Bytes signature;
  HANDFAST_CHECK(sign(*hs.algorithms, *signer.scheme, signer.credential->private_key.get(),
                      hs.transcript.messages(), signature));
  hs.transcript.drop_messages();
  hs.negotiated->own_scheme = signer.scheme;
  CertificateVerify12 message;
  message.has_scheme = names_schemes(hs);
  message.scheme = signer.scheme->id;
  message.signature = signature.view();
  return send(hs, message);
}

}  // namespace handfast
