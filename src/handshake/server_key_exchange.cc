// The server's half of the key exchange in TLS <= 1.2.
#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "config/security.h"
#include "crypto/cipher_class.h"
#include "crypto/dh_key.h"
#include "extension/preferences.h"
#include "handshake/key_exchange12.h"
#include "handshake/receive.h"
#include "handshake/srp.h"
#include "handshake/steps.h"
#include "message/client_key_exchange.h"
#include "message/server_key_exchange.h"
#include "wire/version.h"

namespace handfast {
namespace {

constexpr size_t kPremasterLength = 48;   // RFC 5246 7.4.7.1
constexpr int kCallbackKeyLength = 1024;  // what SSL_CTX_set_tmp_dh_callback's function is told

// Bits of security that DH parameters should have for the suite at hand: SSL_CTX_set_dh_auto(3).
int automatic_dh_bits(const Handshake& hs, const Signer& signer) {
  constexpr int kLeast = 80, kStrong = 128;
  int bits = kLeast;
  const CipherSuite& suite = *hs.negotiated->suite;
  if ((*hs.credentials)->dh_auto != 2) {
    if ((suite.auth & (kAuthNull | kAuthPsk)) != 0) {
      bits = suite.strength_bits == 256 ? kStrong : kLeast;
    } else if (signer.credential != nullptr) {
      bits = EVP_PKEY_get_security_bits(signer.credential->private_key.get());
    }
  }
  return std::max(bits, level_bits((*hs.policy)->security_level));
}

Verdict dh_parameters(const Handshake& hs, const Signer& signer, EvpPkeyPtr& out) {
  const Credentials& credentials = **hs.credentials;
  if (credentials.dh_auto != 0) {
    out = standard_dh_parameters(*hs.algorithms, automatic_dh_bits(hs, signer));
    if (out == nullptr) return internal_error();
  } else if (credentials.dh_params != nullptr) {
    EVP_PKEY_up_ref(credentials.dh_params.get());
    out.reset(credentials.dh_params.get());
  } else if (credentials.dh_callback != nullptr) {
    out = dh_parameters_of(credentials.dh_callback(hs.ssl, 0, kCallbackKeyLength));
    if (out == nullptr) return internal_error();
  } else {
    return internal_error(SSL_R_MISSING_TMP_DH_KEY);
  }
  int bits = EVP_PKEY_get_security_bits(out.get());
  if (!allowed(**hs.policy, hs.ssl, nullptr, SSL_SECOP_TMP_DH, bits, 0, out.get())) {
    return fatal(Alert::handshake_failure, SSL_R_DH_KEY_TOO_SMALL);
  }
  return success();
}

Verdict make_dhe(Handshake& hs, const Signer& signer, KeyExchange& exchange, DhNumbers& numbers) {
  EvpPkeyPtr parameters;
  HANDFAST_CHECK(dh_parameters(hs, signer, parameters));
  HANDFAST_CHECK(generate_dh_key(*hs.algorithms, parameters.get(), exchange.dh));
  return read_dh_key(exchange.dh.get(), numbers);
}

Verdict make_ecdhe(Handshake& hs, KeyExchange& exchange) {
  const Group* group = choose_shared_group(hs);
  if (group == nullptr) {
    return fatal(Alert::handshake_failure, SSL_R_UNSUPPORTED_ELLIPTIC_CURVE);
  }
  hs.negotiated->group = group->id;
  hs.conn.session->group = group->id;
  return exchange.share.generate(*hs.algorithms, *group);
}

Verdict sign_parameters(Handshake& hs, const Signer& signer, View parameters, Bytes& signature) {
  if (signer.credential == nullptr) return fatal(Alert::decode_error, ERR_R_INTERNAL_ERROR);
  Bytes content;
  if (!signed_parameters(hs, parameters, content)) return malloc_failure();
  hs.negotiated->own_scheme = signer.scheme;
  return sign(*hs.algorithms, *signer.scheme, signer.credential->private_key.get(), content.view(),
              signature);
}

Verdict ask_psk(Handshake& hs, View identity, KeyExchange& exchange) {
  SSL_psk_server_cb_func callback = (*hs.hooks)->psk_server;
  if (callback == nullptr) return internal_error(SSL_R_PSK_NO_SERVER_CB);
  UniqueString& name = hs.conn.session->psk_identity;
  if (!assign(name, reinterpret_cast<const char*>(identity.data()), identity.size()) ||
      !exchange.psk.resize(PSK_MAX_PSK_LEN)) {
    return malloc_failure();
  }
  unsigned length = callback(hs.ssl, name.get(), exchange.psk.data(), PSK_MAX_PSK_LEN);
  if (length > PSK_MAX_PSK_LEN) return internal_error();
  // RFC 4279 2: "an "unknown_psk_identity" alert message".
  if (length == 0) return fatal(Alert::unknown_psk_identity, SSL_R_PSK_IDENTITY_NOT_FOUND);
  exchange.psk.truncate(length);
  return success();
}

// RFC 5246 7.4.7.1: bad padding and a wrong version must look like good ones. libcrypto decrypts
// so, in constant time, and gives a random secret for them.
Verdict decrypt_premaster(Handshake& hs, View encrypted, KeyExchange& exchange) {
  const Credential& credential = (*hs.credentials)->slots[static_cast<size_t>(KeySlot::rsa)];
  if (credential.private_key == nullptr) return internal_error(SSL_R_MISSING_RSA_CERTIFICATE);
  EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(
      hs.algorithms->library(), credential.private_key.get(), hs.algorithms->property_query()));
  if (context == nullptr || !exchange.premaster.resize(kPremasterLength)) return malloc_failure();
  unsigned client_version = hs.negotiated->client_version;
  unsigned version = wire_version(hs.datagram, hs.negotiated->version);
  bool rollback = ((*hs.policy)->options & SSL_OP_TLS_ROLLBACK_BUG) != 0;
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_uint(OSSL_ASYM_CIPHER_PARAM_TLS_CLIENT_VERSION, &client_version),
      rollback ? OSSL_PARAM_construct_uint(OSSL_ASYM_CIPHER_PARAM_TLS_NEGOTIATED_VERSION, &version)
               : OSSL_PARAM_construct_end(),
      OSSL_PARAM_construct_end()};
  size_t length = kPremasterLength;
  if (EVP_PKEY_decrypt_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_WITH_TLS_PADDING) != 1 ||
      EVP_PKEY_CTX_set_params(context.get(), parameters) != 1 ||
      EVP_PKEY_decrypt(context.get(), exchange.premaster.data(), &length, encrypted.data(),
                       encrypted.size()) != 1 ||
      length != kPremasterLength) {
    return fatal(Alert::decrypt_error, SSL_R_DECRYPTION_FAILED);
  }
  return success();
}

Verdict agree_dhe(Handshake& hs, View public_value, KeyExchange& exchange) {
  if (exchange.dh == nullptr) return internal_error(SSL_R_MISSING_TMP_DH_KEY);
  EvpPkeyPtr peer;
  HANDFAST_CHECK(import_dh_client_key(exchange.dh.get(), public_value, peer));
  return derive_dh(*hs.algorithms, exchange.dh.get(), peer.get(), exchange.premaster);
}

// SSL_get_tmp_key(3) shows it until the client's half is there.
void show_temporary_key(Handshake& hs, EVP_PKEY* key) {
  EVP_PKEY_up_ref(key);
  hs.negotiated->own_temporary_key.reset(key);
}

}  // namespace

bool needs_server_key_exchange(const Handshake& hs) {
  uint32_t kx = hs.negotiated->suite->kx;
  if ((kx & (kKxAllDhe | kKxAllEcdhe | kKxSrp)) != 0) return true;
  // RFC 4279 2: only to tell a hint.
  return (kx & (kKxPsk | kKxRsaPsk)) != 0 && (*hs.credentials)->psk_identity_hint != nullptr;
}

Verdict send_server_key_exchange(Handshake& hs, const Signer& signer, KeyExchange& exchange) {
  const CipherSuite& suite = *hs.negotiated->suite;
  ServerKeyExchange message;
  DhNumbers numbers;
  SrpParameters srp;
  if (const char* hint = (*hs.credentials)->psk_identity_hint.get(); hint != nullptr) {
    message.psk_identity_hint = as_view(hint);
  }
  if ((suite.kx & kKxAllDhe) != 0) {
    HANDFAST_CHECK(make_dhe(hs, signer, exchange, numbers));
    show_temporary_key(hs, exchange.dh.get());
    message.p = numbers.p.view();
    message.g = numbers.g.view();
    message.public_value = numbers.public_value.view();
  } else if ((suite.kx & kKxAllEcdhe) != 0) {
    HANDFAST_CHECK(make_ecdhe(hs, exchange));
    show_temporary_key(hs, exchange.share.private_key());
    message.group = hs.negotiated->group;
    message.public_value = exchange.share.public_bytes();
  } else if ((suite.kx & kKxSrp) != 0) {
    HANDFAST_CHECK(make_srp(hs, srp));
    message.srp_n = srp.n.view();
    message.srp_g = srp.g.view();
    message.srp_s = srp.s.view();
    message.srp_b = srp.b.view();
  }
  Bytes parameters;
  Writer writer(parameters);
  build_params(message, suite, writer);
  if (!writer.ok()) return malloc_failure();
  message.params = parameters.view();
  Bytes signature;
  message.has_signature = signs_key_exchange(suite);
  if (message.has_signature) {
    HANDFAST_CHECK(sign_parameters(hs, signer, message.params, signature));
    message.has_scheme = hs.negotiated->version >= TLS1_2_VERSION;
    message.scheme = signer.scheme->id;
    message.signature = signature.view();
  }
  return send(hs, message);
}

Verdict read_client_key_exchange(Handshake& hs, KeyExchange& exchange) {
  const CipherSuite& suite = *hs.negotiated->suite;
  ClientKeyExchange message;
  HANDFAST_CHECK(parse(hs.message.body, suite, message));
  if ((suite.kx & kKxAllPsk) != 0) HANDFAST_CHECK(ask_psk(hs, message.psk_identity, exchange));
  if ((suite.kx & kKxAllRsa) != 0) {
    HANDFAST_CHECK(decrypt_premaster(hs, message.encrypted_premaster, exchange));
  } else if ((suite.kx & kKxAllDhe) != 0) {
    HANDFAST_CHECK(agree_dhe(hs, message.public_value, exchange));
  } else if ((suite.kx & kKxAllEcdhe) != 0) {
    HANDFAST_CHECK(exchange.share.derive(*hs.algorithms, message.public_value, exchange.premaster));
  } else if ((suite.kx & kKxSrp) != 0) {
    HANDFAST_CHECK(agree_srp(hs, message.public_value, exchange));
  }
  hs.negotiated->own_temporary_key.reset();
  return derive_from_exchange(hs, exchange);
}

}  // namespace handfast
