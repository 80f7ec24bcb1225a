#include "handshake/server_hello12.h"

#include <algorithm>

#include "config/security.h"
#include "crypto/cipher_class.h"
#include "extension/encrypt_then_mac.h"
#include "extension/extension.h"
#include "extension/lists.h"
#include "extension/preferences.h"
#include "handshake/begin.h"
#include "handshake/hello_callbacks.h"
#include "handshake/keys12.h"
#include "handshake/receive.h"
#include "handshake/resumption.h"
#include "handshake/server.h"
#include "handshake/srp.h"
#include "handshake/steps.h"
#include "handshake/suites.h"
#include "message/server_hello.h"
#include "pki/signer12.h"
#include "wire/version.h"

namespace handfast {
namespace {

// --- The suite ---

struct SuiteChoice {
  const Handshake& hs;
  View offered;
  Possible possible;

  [[nodiscard]] bool possible_with(const CipherSuite& suite) const {
    int version = hs.negotiated->version;
    if (!fits_version(suite, version, version)) return false;
    if ((suite.kx & kKxAllPsk) != 0 && (*hs.hooks)->psk_server == nullptr) return false;
    if ((suite.kx & possible.kx) == 0 || (suite.auth & possible.auth) == 0) return false;
    return (suite.kx & kKxEcdhe) == 0 || choose_shared_group(hs, suite) != nullptr;
  }
  [[nodiscard]] bool shared(const CipherSuite& suite) const {
    return u16_list_contains(offered, suite.id) && possible_with(suite) &&
           cipher_allowed(**hs.policy, hs.ssl, suite, SSL_SECOP_CIPHER_SHARED);
  }
};

// SSL_OP_CIPHER_SERVER_PREFERENCE and SSL_OP_PRIORITIZE_CHACHA of SSL_CTX_set_options(3).
const CipherSuite* choose_by_server(const SuiteChoice& choice) {
  const CipherSuite* first = find_cipher_suite(u16_at(choice.offered, 0));
  const CipherSuite* chosen = nullptr;
  if (((*choice.hs.policy)->options & SSL_OP_PRIORITIZE_CHACHA) != 0 && first != nullptr &&
      first->cipher == CipherId::chacha20_poly1305) {
    chosen = first_suite(choice.hs, [&](const CipherSuite& suite) {
      return suite.cipher == CipherId::chacha20_poly1305 && choice.shared(suite);
    });
  }
  if (chosen != nullptr) return chosen;
  return first_suite(choice.hs, [&](const CipherSuite& suite) { return choice.shared(suite); });
}

const CipherSuite* choose_by_client(const SuiteChoice& choice) {
  for (size_t i = 0; i < choice.offered.size() / 2; ++i) {
    const CipherSuite* suite = find_cipher_suite(u16_at(choice.offered, i));
    if (suite == nullptr || !choice.possible_with(*suite)) continue;
    bool ours = first_suite(choice.hs, [&](const CipherSuite& own) { return &own == suite; });
    if (ours &&
        cipher_allowed(**choice.hs.policy, choice.hs.ssl, *suite, SSL_SECOP_CIPHER_SHARED)) {
      return suite;
    }
  }
  return nullptr;
}

Verdict choose_suite(Handshake& hs) {
  SuiteChoice choice{hs, hs.negotiated->peer_cipher_suites.view(), possible_exchanges(hs)};
  bool ours_first = ((*hs.policy)->options & SSL_OP_CIPHER_SERVER_PREFERENCE) != 0 ||
                    ((*hs.policy)->certificate_flags & SSL_CERT_FLAG_SUITEB_128_LOS) != 0;
  const CipherSuite* suite = ours_first ? choose_by_server(choice) : choose_by_client(choice);
  if (suite == nullptr) return fatal(Alert::handshake_failure, SSL_R_NO_SHARED_CIPHER);
  hs.negotiated->suite = suite;
  return success();
}

// --- The session ---

Verdict resume(Handshake& hs, SessionRef session) {
  // RFC 5246 7.4.1.2: the suite of the session is among those offered.
  if (!u16_list_contains(hs.client_hello.cipher_suites,
                         static_cast<uint16_t>(session->cipher_id))) {
    return fatal(Alert::illegal_parameter, SSL_R_REQUIRED_CIPHER_MISSING);
  }
  hs.resuming = true;
  hs.negotiated->resumed = true;
  hs.negotiated->suite = session->cipher;
  hs.conn.verify_result = session->verify_result;
  hs.conn.session = std::move(session);
  return success();
}

Verdict find_or_begin_session(Handshake& hs) {
  bool may_resume = !hs.restarted && hs.v2_hello.empty() &&
                    (!hs.conn.renegotiation.fresh ||
                     ((*hs.policy)->options & SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION) == 0);
  hs.negotiated->resumed = false;
  SessionRef session;
  if (may_resume) HANDFAST_CHECK(find_session(hs, session));
  if (session != nullptr) return resume(hs, std::move(session));
  hs.negotiated->group = 0;
  HANDFAST_CHECK(begin_session(hs));
  Verdict verdict = generate_session_id(hs, *hs.conn.session);
  if (!verdict.ok()) hs.conn.session.reset();
  return verdict;
}

// RFC 7627 5.1: both sides want it, and so it is.
void agree_on_master_secret(Handshake& hs) {
  View body;
  hs.extended_master_secret =
      find_extension(hs.client_hello.extensions, TLSEXT_TYPE_extended_master_secret, body) &&
      ((*hs.policy)->options & SSL_OP_NO_EXTENDED_MASTER_SECRET) == 0;
}

Verdict check_compression(const Handshake& hs) {
  View methods = hs.client_hello.compression_methods;
  if (std::find(methods.begin(), methods.end(), 0) != methods.end()) return success();
  return fatal(Alert::decode_error, SSL_R_NO_COMPRESSION_SPECIFIED);
}

// SSL_set_session_secret_cb: resumes when the application knows the master secret.
Verdict resume_by_secret(Handshake& hs) {
  if (hs.resuming || (*hs.hooks)->session_secret == nullptr) return success();
  if (!hs.negotiated->peer_cipher_suites.assign(hs.client_hello.cipher_suites)) {
    return malloc_failure();
  }
  bool known = false;
  const CipherSuite* suite = nullptr;
  HANDFAST_CHECK(ask_session_secret(hs, SSL_get_client_ciphers(hs.ssl), suite, known));
  if (!known) return success();
  hs.resuming = true;
  hs.negotiated->resumed = true;
  if (suite == nullptr) return choose_suite(hs);
  hs.negotiated->suite = suite;
  hs.conn.session->cipher = suite;
  hs.conn.session->cipher_id = SSL_CIPHER_get_id(suite);
  return success();
}

Verdict read_hello(Handshake& hs) {
  const ClientHello& hello = hs.client_hello;
  agree_on_master_secret(hs);
  HANDFAST_CHECK(find_or_begin_session(hs));
  HANDFAST_CHECK(check_compression(hs));
  HANDFAST_CHECK(read_extensions(hs, kInClientHello, hello.extensions));
  HANDFAST_CHECK(keep_srp_user(hs));
  HANDFAST_CHECK(ask_server_name(hs));
  HANDFAST_CHECK(choose_server_random(hs));
  return resume_by_secret(hs);
}

// RFC 5246 7.4.1.4.1: without the extension SHA-1 is what the client takes.
Verdict share_schemes(Handshake& hs) {
  if (hs.negotiated->version < TLS1_2_VERSION) hs.negotiated->peer_signature_schemes.clear();
  if (hs.negotiated->peer_signature_schemes.empty()) return success();
  if (!share_signature_schemes(hs)) return malloc_failure();
  if (!hs.negotiated->shared_signature_schemes.empty()) return success();
  return fatal(Alert::handshake_failure, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS);
}

Flow choose_parameters(Handshake& hs, Signer& signer) {
  if (!hs.negotiated->peer_cipher_suites.assign(hs.client_hello.cipher_suites)) {
    co_return malloc_failure();
  }
  CHECK(share_schemes(hs));
  CHECK(co_await ask_certificate(hs));
  CHECK(choose_suite(hs));
  CHECK(choose_server_signer12(hs, signer));
  ask_resumable(hs);
  co_return success();
}

}  // namespace

Flow negotiate12(Handshake& hs, Signer& signer) {
  CHECK(read_hello(hs));
  if (hs.warning != Alert::none) co_await pause(hs, Want::warning);
  if (!hs.resuming) CHECK(co_await choose_parameters(hs, signer));
  CHECK(ask_status(hs));
  CHECK(ask_alpn(hs));
  CHECK(co_await ask_srp_user(hs));
  CHECK(keep_names(hs));
  hold_max_fragment_length(hs);
  hs.encrypt_then_mac = hs.offers.encrypt_then_mac && takes_encrypt_then_mac(*hs.negotiated->suite);
  keep_agreed(hs);
  CHECK(start_transcript12(hs));
  CHECK(absorb(hs));
  co_return success();
}

Verdict send_server_hello12(Handshake& hs) {
  Session& session = *hs.conn.session;
  bool caches = (hs.ctx->session_cache_mode & SSL_SESS_CACHE_SERVER) != 0;
  if (!caches && !hs.resuming) session.id_length = 0;
  Bytes block;
  Writer writer(block);
  HANDFAST_CHECK(write_extensions(hs, kInServerHello12, writer));
  ServerHello message;
  message.legacy_version = wire_version(hs.datagram, hs.negotiated->version);
  message.random = hs.negotiated->server_random;
  message.session_id = {session.id, session.id_length};
  message.cipher_suite = hs.negotiated->suite->id;
  message.extensions = block.view().subspan(2);
  message.has_extensions = !message.extensions.empty();
  return send(hs, message);
}

}  // namespace handfast
