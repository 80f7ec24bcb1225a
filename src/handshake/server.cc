// The server's beginning: ClientHello and the choice of a version.
#include "handshake/server.h"

#include <algorithm>

#include "config/security.h"
#include "extension/extension.h"
#include "extension/lists.h"
#include "extension/renegotiation_info.h"
#include "handshake/begin.h"
#include "handshake/hello_callbacks.h"
#include "handshake/hello_verify.h"
#include "handshake/receive.h"
#include "handshake/steps.h"
#include "handshake/suites.h"
#include "wire/version.h"

namespace handfast {
namespace {

constexpr Expect kClientHello[] = {
    {SSL3_MT_CLIENT_HELLO, TLS_ST_SR_CLNT_HELLO, ClientHello::kMaxLength},
};

// A configuration that can only fail says so before the first byte.
Verdict check_suites(const Handshake& hs) {
  const CipherSuite* found = first_suite(hs, [&](const CipherSuite& suite) {
    return fits_version(suite, hs.max_version, hs.max_version);
  });
  return found != nullptr ? success() : fatal(Alert::handshake_failure, SSL_R_NO_CIPHERS_AVAILABLE);
}

// RFC 8446 4.2.3: a curve is good for TLS 1.3 with its own scheme, which we must have.
bool has_scheme_of_curve(const Policy& policy, EVP_PKEY* key) {
  std::span<const uint16_t> ours = policy.signature_schemes.empty()
                                       ? default_signature_schemes()
                                       : policy.signature_schemes.view();
  return std::any_of(ours.begin(), ours.end(), [&](uint16_t id) {
    const SignatureScheme* scheme = find_signature_scheme(id);
    return scheme != nullptr && key_fits_scheme(key, *scheme, TLS1_3_VERSION);
  });
}

bool signs_in_tls13(const Policy& policy, EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "EC") != 0) return has_scheme_of_curve(policy, key);
  std::span<const SignatureScheme> all = all_signature_schemes();
  return std::any_of(all.begin(), all.end(), [&](const SignatureScheme& scheme) {
    return scheme.tls13 && key_fits_scheme(key, scheme, TLS1_3_VERSION);
  });
}

// OpenSSL chooses TLS 1.3 only with something to authenticate by: a key, or a callback that may
// bring one.
bool can_authenticate13(const Handshake& hs) {
  if (hs.ctx->live.server_name != nullptr || hs.conn.session_ctx->live.server_name != nullptr ||
      (*hs.hooks)->psk_server != nullptr || (*hs.hooks)->psk_find_session != nullptr) {
    return true;
  }
  const Credentials& credentials = **hs.credentials;
  if (credentials.callback != nullptr) return true;
  for (const Credential& credential : credentials.slots) {
    if (credential.certificate == nullptr || credential.private_key == nullptr) continue;
    if (signs_in_tls13(**hs.policy, credential.private_key.get())) return true;
  }
  return false;
}

bool enabled(const Handshake& hs, uint16_t version) {
  return version_allowed(**hs.policy, hs.ssl, wire_version(hs.datagram, version)) &&
         (version < TLS1_3_VERSION || can_authenticate13(hs));
}

// A method of one version, or a renegotiation.
bool has_fixed_version12(const Handshake& hs) {
  return hs.renegotiating || (!hs.conn.method->flexible() && hs.max_version < TLS1_3_VERSION);
}

// The highest version up to 1.2 that the client's legacy_version allows, in TLS's numbers.
uint16_t offered_version12(const Handshake& hs) {
  uint16_t offered = hs.client_hello.legacy_version;
  if (!hs.datagram) return offered < TLS1_2_VERSION ? offered : TLS1_2_VERSION;
  // RFC 6347 4.1: the numbers count downwards; 0x0100 is older than 1.0.
  if (offered > DTLS1_VERSION || offered == DTLS1_BAD_VER) return 0;
  return offered <= DTLS1_2_VERSION ? TLS1_2_VERSION : TLS1_1_VERSION;
}

Verdict keep_fixed_version12(Handshake& hs) {
  if (offered_version12(hs) < hs.max_version) {
    if (!hs.datagram || hs.renegotiating) {
      return fatal(Alert::protocol_version, SSL_R_WRONG_SSL_VERSION);
    }
    // The alert has the version that the client knows.
    hs.negotiated->offered_version = offered_version12(hs);
    hs.conn.channel.writer.set_record_version(hs.client_hello.legacy_version);
    return fatal(Alert::protocol_version, SSL_R_VERSION_TOO_LOW);
  }
  hs.negotiated->version = hs.max_version;
  return success();
}

// RFC 8446 4.2.1: the highest version of the list that we have.
Verdict choose_from_list(Handshake& hs, View body) {
  Reader outer(body);
  View list;
  if (!outer.vector8(list) || !outer.empty() || list.size() % 2 != 0 || list.empty()) {
    return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
  }
  // RFC 8446 D.5: legacy_version 0x0300 or below is refused.
  if (hs.client_hello.legacy_version <= SSL3_VERSION) {
    return fatal(Alert::protocol_version, SSL_R_BAD_LEGACY_VERSION);
  }
  uint16_t best = 0;
  Reader versions(list);
  for (uint16_t version = 0; versions.u16(version);) {
    if (version > best && enabled(hs, version)) best = version;
  }
  if (best == 0 || (hs.hello_retry_request && best != TLS1_3_VERSION)) {
    return fatal(Alert::protocol_version, SSL_R_UNSUPPORTED_PROTOCOL);
  }
  hs.negotiated->version = best;
  return success();
}

}  // namespace

Verdict choose_server_version(Handshake& hs) {
  const ClientHello& hello = hs.client_hello;
  hs.negotiated->client_version = hello.legacy_version;
  if (has_fixed_version12(hs)) return keep_fixed_version12(hs);
  View body;
  if (!hs.datagram && find_extension(hello.extensions, TLSEXT_TYPE_supported_versions, body)) {
    return choose_from_list(hs, body);
  }
  // RFC 8446 4.2.1: without the extension the version is 1.2 or below, and after a
  // HelloRetryRequest it cannot be missing.
  uint16_t version = offered_version12(hs);
  if (version > hs.max_version) version = hs.max_version;
  const uint16_t lowest = hs.datagram ? TLS1_1_VERSION : TLS1_VERSION;
  while (version > lowest && !enabled(hs, version)) --version;
  // What SSL_version(3) and the alert say if it is refused.
  if (hs.datagram) hs.negotiated->offered_version = offered_version12(hs);
  if (hs.hello_retry_request || version < lowest || !enabled(hs, version)) {
    bool too_low = offered_version12(hs) < lowest;
    return fatal(Alert::protocol_version,
                 too_low ? SSL_R_VERSION_TOO_LOW : SSL_R_UNSUPPORTED_PROTOCOL);
  }
  hs.negotiated->version = version;
  return success();
}

namespace {

// RFC 7507 3: the client has tried a higher version before, which we have.
Verdict check_fallback(const Handshake& hs) {
  if (!u16_list_contains(hs.client_hello.cipher_suites, SSL3_CK_FALLBACK_SCSV & 0xffff)) {
    return success();
  }
  if (hs.renegotiating || hs.negotiated->version >= hs.max_version) return success();
  return fatal(Alert::inappropriate_fallback, SSL_R_INAPPROPRIATE_FALLBACK);
}

}  // namespace

Verdict check_signalling(Handshake& hs) {
  if (u16_list_contains(hs.client_hello.cipher_suites, SSL3_CK_SCSV & 0xffff)) {
    HANDFAST_CHECK(note_renegotiation_scsv(hs));
  }
  return check_fallback(hs);
}

Verdict choose_server_random(Handshake& hs) {
  static constexpr uint8_t kDowngrade[] = {0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44};
  uint8_t* random = hs.negotiated->server_random;
  if (!hs.algorithms->random({random, 32})) return internal_error();
  uint16_t version = hs.negotiated->version;
  if (hs.datagram) return success();  // RFC 8446 4.1.3 is about TLS
  uint16_t better = version == TLS1_2_VERSION ? TLS1_3_VERSION : TLS1_2_VERSION;
  if (hs.renegotiating || version >= better || hs.max_version < better || !enabled(hs, better)) {
    return success();
  }
  std::memcpy(random + 24, kDowngrade, sizeof kDowngrade);
  random[31] = version == TLS1_2_VERSION ? 1 : 0;
  return success();
}

Flow receive_client_hello(Handshake& hs) {
  CHECK(co_await receive(hs, kClientHello));
  CHECK(parse(hs.message.body, hs.client_hello, hs.datagram));
  while (needs_cookie(hs)) {
    CHECK(co_await request_cookie(hs));
    CHECK(co_await receive(hs, kClientHello));
    CHECK(parse(hs.message.body, hs.client_hello, hs.datagram));
  }
  if (!hs.renegotiating && hs.max_version >= TLS1_3_VERSION) {
    hs.conn.channel.reader.allow_change_cipher_spec(true);
  }
  CHECK(co_await ask_client_hello(hs));
  CHECK(check_cookie(hs));
  std::memcpy(hs.negotiated->client_random, hs.client_hello.random.data(), 32);
  co_return success();
}

// An alert may go out before any message of ours. TLS 1.3's records say 1.2.
void write_records_of(Handshake& hs, int version) {
  if (hs.datagram) return;
  bool shown = version >= TLS1_VERSION && version < TLS1_2_VERSION;
  hs.conn.channel.writer.set_record_version(shown ? static_cast<uint16_t>(version)
                                                  : TLS1_2_VERSION);
}

Flow server_handshake(Handshake& hs) {
  if (!hs.renegotiating) write_records_of(hs, hs.conn.method->version);
  CHECK(begin_handshake(hs));
  CHECK(check_suites(hs));
  announce(hs);
  CHECK(co_await receive_client_hello(hs));
  CHECK(choose_server_version(hs));
  write_records_of(hs, hs.negotiated->version);
  CHECK(check_signalling(hs));
  if (hs.negotiated->version >= TLS1_3_VERSION) {
    CHECK(co_await server13(hs));
  } else {
    CHECK(co_await server12(hs));
  }
  co_return success();
}

}  // namespace handfast
