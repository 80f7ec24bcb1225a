#include "handshake/gated_restart.h"

#include <openssl/x509v3.h>

#include "handfast/control.h"
#include "handshake/hello_callbacks.h"
#include "handshake/receive.h"
#include "handshake/server.h"
#include "handshake/server_hello12.h"
#include "handshake/steps.h"

namespace handfast {
namespace {

// What the first hello led to, which the second must not fall behind.
struct Before {
  uint16_t version = 0;
  int strength_bits = 0;
  bool secure_renegotiation = false;
  Bytes server_name;
  [[nodiscard]] bool keep(const Handshake& hs) {
    version = hs.negotiated->version;
    strength_bits = hs.negotiated->suite->strength_bits;
    secure_renegotiation = hs.negotiated->secure_renegotiation;
    return server_name.assign(as_view(name_of(hs)));
  }
  static const char* name_of(const Handshake& hs) {
    const char* name = hs.negotiated->server_name.get();
    return name == nullptr ? "" : name;
  }
};

void forget_first_hello(Handshake& hs) {
  hs.transcript.reset();
  hs.key_block.wipe();
  hs.negotiated->suite = nullptr;
  hs.negotiated->alpn.clear();
  hs.negotiated->server_name.reset();
  hs.negotiated->secure_renegotiation = false;
  hs.resuming = false;
  hs.next_protocol_expected = false;
}

Verdict compare_version(const Handshake& hs, const Before& before) {
  return hs.negotiated->version == before.version
             ? success()
             : fatal(Alert::protocol_version, SSL_R_WRONG_SSL_VERSION);
}

Verdict compare(const Handshake& hs, const Before& before) {
  if (before.secure_renegotiation && !hs.negotiated->secure_renegotiation) {
    return fatal(Alert::handshake_failure, SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED);
  }
  if (!equal(as_view(Before::name_of(hs)), before.server_name.view())) {
    return fatal(Alert::illegal_parameter, SSL_R_SSL3_EXT_INVALID_SERVERNAME);
  }
  if (hs.negotiated->suite->strength_bits < before.strength_bits) {
    return fatal(Alert::insufficient_security, SSL_R_WRONG_CIPHER_RETURNED);
  }
  return success();
}

bool has_usage(X509* certificate) {
  uint32_t usage = X509_get_extended_key_usage(certificate);
  return usage != UINT32_MAX && (usage & XKU_SGC) != 0;
}

}  // namespace

bool accepts_restart(const Handshake& hs, const Signer& signer) {
  return (*hs.policy)->server_gated_cryptography && signer.credential != nullptr &&
         !hs.renegotiating && has_usage(signer.credential->certificate.get());
}

Flow restart(Handshake& hs, Signer& signer) {
  if (hs.restarted) co_return fatal(Alert::unexpected_message, SSL_R_MULTIPLE_SGC_RESTARTS);
  hs.restarted = true;
  // Whoever restarts waits for the answer.
  CHECK(at_record_boundary(hs));
  Before before;
  if (!before.keep(hs)) co_return malloc_failure();
  forget_first_hello(hs);
  CHECK(parse(hs.message.body, hs.client_hello));
  CHECK(co_await ask_client_hello(hs));
  std::memcpy(hs.negotiated->client_random, hs.client_hello.random.data(), 32);
  CHECK(choose_server_version(hs));
  CHECK(compare_version(hs, before));
  CHECK(check_signalling(hs));
  CHECK(co_await negotiate12(hs, signer));
  CHECK(compare(hs, before));
  // SSL_do_handshake(3): "except for SGC".
  if (((*hs.policy)->mode & SSL_MODE_AUTO_RETRY) == 0) co_await pause(hs, Want::restart);
  step(hs, TLS_ST_SW_SRVR_HELLO);
  CHECK(send_server_hello12(hs));
  co_return success();
}

}  // namespace handfast
