// TLS 1.3 as a client, RFC 8446 section 2:
//
//   ClientHello
//   (early data*)           -------->
//                                              ServerHello
//                                    {EncryptedExtensions}
//                                    {CertificateRequest*}
//                                           {Certificate*}
//                                     {CertificateVerify*}
//                           <--------           {Finished}
//   (EndOfEarlyData*)
//   {Certificate*}
//   {CertificateVerify*}
//   {Finished}              -------->
#include "extension/extension.h"
#include "handshake/begin.h"
#include "handshake/certificates.h"
#include "handshake/client.h"
#include "handshake/client_certificate.h"
#include "handshake/early_data.h"
#include "handshake/hello_callbacks.h"
#include "handshake/post_auth.h"
#include "handshake/psk.h"
#include "handshake/receive.h"
#include "handshake/steps.h"
#include "message/certificate.h"
#include "message/certificate_verify.h"
#include "message/encrypted_extensions.h"
#include "message/finished.h"

namespace handfast {
namespace {

constexpr Expect kEncryptedExtensions[] = {
    {SSL3_MT_ENCRYPTED_EXTENSIONS, TLS_ST_CR_ENCRYPTED_EXTENSIONS, EncryptedExtensions::kMaxLength},
};
constexpr Expect kCertificateVerify[] = {
    {SSL3_MT_CERTIFICATE_VERIFY, TLS_ST_CR_CERT_VRFY, CertificateVerify::kMaxLength},
};
constexpr Expect kFinished[] = {
    {SSL3_MT_FINISHED, TLS_ST_CR_FINISHED, Finished::kMaxLength},
};

// The secret of (EC)DHE; empty with psk_ke alone (RFC 8446 4.2.9).
Verdict derive_shared(Handshake& hs, Bytes& shared_secret) {
  if (hs.server_share.empty()) {
    bool psk_ke = hs.resuming && ((*hs.policy)->options & SSL_OP_ALLOW_NO_DHE_KEX) != 0;
    if (psk_ke) return success();
    return fatal(Alert::missing_extension, SSL_R_NO_SUITABLE_KEY_SHARE);
  }
  KeyShare& share = hs.key_shares[0];
  HANDFAST_CHECK(keep_group(hs, hs.server_share_group));
  HANDFAST_CHECK(share.derive(*hs.algorithms, hs.server_share, shared_secret));
  hs.negotiated->peer_temporary_key = share.take_peer_key();
  hs.negotiated->own_temporary_key = share.take_private_key();
  return success();
}

// The session: that of the chosen key, or a new one.
Verdict choose_session(Handshake& hs) {
  hs.negotiated->resumed = hs.resuming;
  if (hs.resuming) return use_offered_psk(hs);
  if (hs.conn.session != nullptr && hs.conn.session->id_length > 0) {
    hs.conn.session_ctx->statistics.miss.fetch_add(1, std::memory_order_relaxed);
  }
  return begin_session(hs);
}

// ServerHello is complete: agree on the secret and change to the handshake keys.
Verdict agree(Handshake& hs, const ServerHello& hello, HandshakeSecret& handshake_secret) {
  HANDFAST_CHECK(at_record_boundary(hs));
  HANDFAST_CHECK(check_echoes(hs, hello));
  HANDFAST_CHECK(read_extensions(hs, kInServerHello13, hello.extensions));
  if (!hs.transcript.started()) HANDFAST_CHECK(start_transcript(hs));
  SecretBytes shared_secret;
  HANDFAST_CHECK(choose_session(hs));
  HANDFAST_CHECK(derive_shared(hs, shared_secret));
  EarlySecret early;
  if (!start_early_secret(hs, early) ||
      !std::move(early).next(shared_secret.view(), handshake_secret)) {
    return internal_error();
  }
  return absorb(hs);
}

Verdict use_handshake_keys(Handshake& hs, const HandshakeSecret& secret) {
  Digest hash;
  keep_suite(hs);
  if (!hs.transcript.hash(hash) ||
      !secret.client_handshake_traffic(hash.view(), hs.client_secret) ||
      !secret.server_handshake_traffic(hash.view(), hs.server_secret)) {
    return internal_error();
  }
  log_secret(hs.conn, "SERVER_HANDSHAKE_TRAFFIC_SECRET", hs.server_secret.view());
  hs.conn.channel.reader.set_version(TLS1_3_VERSION);
  HANDFAST_CHECK(set_read_secret(hs, hs.server_secret));
  // RFC 8446 6: from here on our alerts are encrypted too. Early data may still be accepted, and
  // then goes on with its own keys.
  return hs.early_data ? success() : set_write_secret(hs, hs.client_secret);
}

// Application secrets, over everything up to the server's Finished (RFC 8446 7.1).
Verdict derive_application(Handshake& hs, HandshakeSecret& handshake_secret, MasterSecret& master,
                           TrafficSecret& client, TrafficSecret& server) {
  Digest hash;
  if (!hs.transcript.hash(hash) || !std::move(handshake_secret).next(master) ||
      !master.client_application_traffic(hash.view(), client) ||
      !master.server_application_traffic(hash.view(), server) ||
      !master.exporter_master(hash.view(), hs.conn.exporter)) {
    return internal_error();
  }
  log_secret(hs.conn, "EXPORTER_SECRET", hs.conn.exporter.view());
  log_secret(hs.conn, "SERVER_TRAFFIC_SECRET_0", server.view());
  return set_read_secret(hs, server);
}

Flow server_authentication(Handshake& hs, bool& certificate_requested) {
  const size_t limit = (*hs.policy)->max_cert_list;
  const Expect certificate{SSL3_MT_CERTIFICATE, TLS_ST_CR_CERT, limit};
  const Expect request{SSL3_MT_CERTIFICATE_REQUEST, TLS_ST_CR_CERT_REQ, limit};
  Expect either[2] = {request, certificate};
  CHECK(co_await receive(hs, either));
  certificate_requested = hs.message.type == SSL3_MT_CERTIFICATE_REQUEST;
  if (certificate_requested) {
    View context;
    CHECK(read_certificate_request(hs, context));
    // RFC 8446 4.3.2: zero length unless it is for post-handshake authentication.
    if (!context.empty()) co_return fatal(Alert::illegal_parameter, SSL_R_INVALID_CONTEXT);
    either[0] = certificate;
    CHECK(co_await receive(hs, std::span<const Expect>(either, 1)));
  }
  CHECK(read_certificate(hs, {}));
  CHECK(absorb(hs));
  CHECK(co_await verify_peer(hs));
  CHECK(co_await receive(hs, kCertificateVerify));
  CHECK(check_certificate_verify(hs));
  CHECK(absorb(hs));
  co_return success();
}

Verdict read_encrypted_extensions(Handshake& hs) {
  EncryptedExtensions message;
  HANDFAST_CHECK(parse(hs.message.body, message));
  HANDFAST_CHECK(read_extensions(hs, kInEncryptedExtensions, message.extensions));
  HANDFAST_CHECK(keep_names(hs));
  hold_max_fragment_length(hs);
  bool rejected = hs.early_data && hs.negotiated->early_data_status != SSL_EARLY_DATA_ACCEPTED;
  if (rejected) {
    hs.early_data = false;
    hs.conn.early_data.refused = true;
    HANDFAST_CHECK(set_write_secret(hs, hs.client_secret));
  }
  return absorb(hs);
}

// The server's flight is there. If the application came to read, it may still write early data.
Flow finish_early_data(Handshake& hs) {
  step(hs, TLS_ST_PENDING_EARLY_DATA_END);
  if (goes_on_writing(hs.conn.early_data)) co_await pause(hs, Want::early_data);
  if (hs.early_data) CHECK(end_early_data(hs));
  co_return success();
}

}  // namespace

Flow client13(Handshake& hs, const ServerHello& hello) {
  HandshakeSecret handshake_secret;
  CHECK(agree(hs, hello, handshake_secret));
  CHECK(use_handshake_keys(hs, handshake_secret));

  CHECK(co_await receive(hs, kEncryptedExtensions));
  CHECK(read_encrypted_extensions(hs));
  bool certificate_requested = false;
  // RFC 8446 2.2: a server with a pre-shared key is authenticated by it.
  if (!hs.resuming) CHECK(co_await server_authentication(hs, certificate_requested));
  Signer signer;
  if (certificate_requested) {
    CHECK(co_await choose_client_certificate(hs, signer));
  }
  CHECK(co_await receive(hs, kFinished));
  CHECK(check_finished(hs, hs.server_secret));
  CHECK(absorb(hs));
  MasterSecret master;
  TrafficSecret client;
  TrafficSecret server;
  CHECK(derive_application(hs, handshake_secret, master, client, server));
  if (!hs.resuming) {
    CHECK(judge_status(hs));
    CHECK(check_transparency(hs, hs.conn.transparency, hs.conn.session->peer.get()));
  }
  hs.conn.channel.reader.allow_change_cipher_spec(false);

  if (sent_early_data(hs)) {
    CHECK(co_await finish_early_data(hs));
  } else if (((*hs.policy)->options & SSL_OP_ENABLE_MIDDLEBOX_COMPAT) != 0 &&
             !hs.hello_retry_request) {
    step(hs, TLS_ST_CW_CHANGE);
    CHECK(send_change_cipher_spec(hs));
  }
  log_secret(hs.conn, "CLIENT_HANDSHAKE_TRAFFIC_SECRET", hs.client_secret.view());
  if (certificate_requested) CHECK(send_client_certificate(hs, signer, {}));
  step(hs, TLS_ST_CW_FINISHED);
  CHECK(send_finished(hs, hs.client_secret));
  co_await pause(hs, Want::flush);
  log_secret(hs.conn, "CLIENT_TRAFFIC_SECRET_0", client.view());
  CHECK(set_write_secret(hs, client));
  CHECK(keep_resumption_secret(hs, master));
  CHECK(allow_post_auth(hs));
  step(hs, TLS_ST_OK);
  finish(hs);
  co_return success();
}

}  // namespace handfast
