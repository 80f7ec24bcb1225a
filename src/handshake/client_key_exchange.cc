// The client's half of the key exchange in TLS <= 1.2.
#include <openssl/rsa.h>

#include "config/security.h"
#include "crypto/cipher_class.h"
#include "crypto/dh_key.h"
#include "extension/preferences.h"
#include "handshake/certificates12.h"
#include "handshake/key_exchange12.h"
#include "handshake/receive.h"
#include "handshake/srp.h"
#include "handshake/steps.h"
#include "message/client_key_exchange.h"
#include "message/server_key_exchange.h"

namespace handfast {
namespace {

constexpr size_t kPremasterLength = 48;  // RFC 5246 7.4.7.1

// RFC 4279 2: the hint may be empty.
Verdict keep_hint(Handshake& hs, View hint) {
  bool kept = hint.empty() ? assign(hs.conn.session->psk_identity_hint, nullptr)
                           : assign(hs.conn.session->psk_identity_hint,
                                    reinterpret_cast<const char*>(hint.data()), hint.size());
  return kept ? success() : malloc_failure();
}

Verdict agree_dhe(Handshake& hs, const ServerKeyExchange& message, KeyExchange& exchange) {
  EvpPkeyPtr peer;
  HANDFAST_CHECK(
      import_dh_server_key(*hs.algorithms, message.p, message.g, message.public_value, peer));
  int bits = EVP_PKEY_get_security_bits(peer.get());
  if (!allowed(**hs.policy, hs.ssl, nullptr, SSL_SECOP_TMP_DH, bits, 0, peer.get())) {
    return fatal(Alert::handshake_failure, SSL_R_DH_KEY_TOO_SMALL);
  }
  HANDFAST_CHECK(generate_dh_key(*hs.algorithms, peer.get(), exchange.dh));
  HANDFAST_CHECK(derive_dh(*hs.algorithms, exchange.dh.get(), peer.get(), exchange.premaster));
  DhNumbers numbers;
  HANDFAST_CHECK(read_dh_key(exchange.dh.get(), numbers));
  exchange.public_value.swap(numbers.public_value);
  hs.negotiated->peer_temporary_key = std::move(peer);
  return success();
}

Verdict agree_ecdhe(Handshake& hs, const ServerKeyExchange& message, KeyExchange& exchange) {
  // RFC 8422 5.4: one of the curves that we named.
  const Group* group = find_group(hs, message.group);
  if (group == nullptr || !offered_group_12(hs, message.group)) {
    return fatal(Alert::illegal_parameter, SSL_R_WRONG_CURVE);
  }
  HANDFAST_CHECK(exchange.share.generate(*hs.algorithms, *group));
  HANDFAST_CHECK(exchange.share.derive(*hs.algorithms, message.public_value, exchange.premaster));
  if (!exchange.public_value.assign(exchange.share.public_bytes())) return malloc_failure();
  hs.negotiated->peer_temporary_key = exchange.share.take_peer_key();
  hs.negotiated->group = group->id;
  hs.conn.session->group = group->id;
  return success();
}

Verdict check_signature(Handshake& hs, const ServerKeyExchange& message) {
  EVP_PKEY* key = X509_get0_pubkey(hs.conn.session->peer.get());
  HANDFAST_CHECK(choose_peer_scheme12(hs, key, message.has_scheme, message.scheme));
  Bytes content;
  if (!signed_parameters(hs, message.params, content)) return malloc_failure();
  return verify_signature(*hs.algorithms, *hs.negotiated->peer_scheme, key, content.view(),
                          message.signature);
}

// The application's name and key for the server's hint.
Verdict ask_psk(Handshake& hs, KeyExchange& exchange) {
  SSL_psk_client_cb_func callback = (*hs.hooks)->psk_client;
  if (callback == nullptr) return internal_error(SSL_R_PSK_NO_CLIENT_CB);
  char identity[PSK_MAX_IDENTITY_LEN + 1] = {};
  if (!exchange.psk.resize(PSK_MAX_PSK_LEN)) return malloc_failure();
  unsigned length = callback(hs.ssl, hs.conn.session->psk_identity_hint.get(), identity,
                             sizeof identity - 1, exchange.psk.data(), PSK_MAX_PSK_LEN);
  if (length > PSK_MAX_PSK_LEN) return fatal(Alert::handshake_failure, ERR_R_INTERNAL_ERROR);
  if (length == 0) return fatal(Alert::handshake_failure, SSL_R_PSK_IDENTITY_NOT_FOUND);
  exchange.psk.truncate(length);
  if (identity[PSK_MAX_IDENTITY_LEN] != '\0') return internal_error();
  return assign(hs.conn.session->psk_identity, identity) ? success() : malloc_failure();
}

// NSS's form of the key log: the first bytes of what was encrypted name the exchange.
void log_rsa(Handshake& hs, View encrypted, View premaster) {
  constexpr size_t kLogged = 8;
  if (encrypted.size() >= kLogged) {
    log_line(hs.conn, "RSA", encrypted.first(kLogged), premaster);
  }
}

// RFC 5246 7.4.7.1.
Verdict encrypt_premaster(Handshake& hs, KeyExchange& exchange) {
  EVP_PKEY* key =
      hs.conn.session->peer == nullptr ? nullptr : X509_get0_pubkey(hs.conn.session->peer.get());
  if (key == nullptr || EVP_PKEY_is_a(key, "RSA") == 0) return internal_error();
  SecretBytes& premaster = exchange.premaster;
  if (!premaster.resize(kPremasterLength)) return malloc_failure();
  premaster.data()[0] = static_cast<uint8_t>(hs.negotiated->client_version >> 8);
  premaster.data()[1] = static_cast<uint8_t>(hs.negotiated->client_version);
  if (!hs.algorithms->random(premaster.span().subspan(2))) return internal_error();
  EvpPkeyCtxPtr context(
      EVP_PKEY_CTX_new_from_pkey(hs.algorithms->library(), key, hs.algorithms->property_query()));
  size_t length = 0;
  if (context == nullptr || EVP_PKEY_encrypt_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1 ||
      EVP_PKEY_encrypt(context.get(), nullptr, &length, premaster.data(), premaster.size()) != 1) {
    return internal_error(ERR_R_EVP_LIB);
  }
  if (!exchange.public_value.resize(length)) return malloc_failure();
  if (EVP_PKEY_encrypt(context.get(), exchange.public_value.data(), &length, premaster.data(),
                       premaster.size()) != 1) {
    return internal_error(SSL_R_BAD_RSA_ENCRYPT);
  }
  exchange.public_value.truncate(length);
  log_rsa(hs, exchange.public_value.view(), premaster.view());
  return success();
}

}  // namespace

Verdict read_server_key_exchange(Handshake& hs, KeyExchange& exchange) {
  const CipherSuite& suite = *hs.negotiated->suite;
  ServerKeyExchange message;
  HANDFAST_CHECK(parse(hs.message.body, suite, hs.negotiated->version, message));
  if ((suite.kx & kKxAllPsk) != 0) {
    HANDFAST_CHECK(keep_hint(hs, message.psk_identity_hint));
  }
  if ((suite.kx & kKxAllDhe) != 0) {
    HANDFAST_CHECK(agree_dhe(hs, message, exchange));
  } else if ((suite.kx & kKxAllEcdhe) != 0) {
    HANDFAST_CHECK(agree_ecdhe(hs, message, exchange));
  } else if ((suite.kx & kKxSrp) != 0) {
    HANDFAST_CHECK(accept_srp(hs, message));
  }
  return message.has_signature ? check_signature(hs, message) : success();
}

Verdict send_client_key_exchange(Handshake& hs, KeyExchange& exchange) {
  const CipherSuite& suite = *hs.negotiated->suite;
  ClientKeyExchange message;
  message.suite = &suite;
  if ((suite.kx & kKxAllPsk) != 0) {
    HANDFAST_CHECK(ask_psk(hs, exchange));
    const char* identity = hs.conn.session->psk_identity.get();
    message.psk_identity = as_view(identity);
  }
  if ((suite.kx & kKxSrp) != 0) HANDFAST_CHECK(answer_srp(hs, exchange));
  if ((suite.kx & kKxAllRsa) != 0) {
    HANDFAST_CHECK(encrypt_premaster(hs, exchange));
    message.encrypted_premaster = exchange.public_value.view();
  } else {
    message.public_value = exchange.public_value.view();
  }
  HANDFAST_CHECK(send(hs, message));
  if ((suite.kx & kKxSrp) != 0) HANDFAST_CHECK(finish_srp(hs, exchange));
  return derive_from_exchange(hs, exchange);
}

}  // namespace handfast
