// TLS 1.3 as a server, RFC 8446 section 2:
//
//   ClientHello             -------->
//                           <--------  HelloRetryRequest*
//   ClientHello*            -------->
//                                              ServerHello
//                                    {EncryptedExtensions}
//                                    {CertificateRequest*}
//                                           {Certificate*}
//                                     {CertificateVerify*}
//                           <--------           {Finished}
//   (early data*)
//   (EndOfEarlyData*)
//   {Certificate*}
//   {CertificateVerify*}
//   {Finished}              -------->
//                           <--------  [NewSessionTicket*]
#include "extension/extension.h"
#include "handshake/begin.h"
#include "handshake/certificates.h"
#include "handshake/early_data.h"
#include "handshake/hello_callbacks.h"
#include "handshake/post_auth.h"
#include "handshake/psk.h"
#include "handshake/receive.h"
#include "handshake/server.h"
#include "handshake/server_hello13.h"
#include "handshake/stateless.h"
#include "handshake/steps.h"
#include "handshake/tickets13.h"
#include "message/certificate.h"
#include "message/encrypted_extensions.h"
#include "message/finished.h"

namespace handfast {
namespace {

constexpr Expect kFinished[] = {
    {SSL3_MT_FINISHED, TLS_ST_SR_FINISHED, Finished::kMaxLength},
};

bool compatible(const Handshake& hs) {
  return ((*hs.policy)->options & SSL_OP_ENABLE_MIDDLEBOX_COMPAT) != 0;
}

// SSL_read_early_data(3) takes over when our flight is out, and SSL_stateless(3) has what it
// wanted.
Flow begin_early_data_state(Handshake& hs) {
  step(hs, TLS_ST_EARLY_DATA);
  if (hs.conn.early_data.state == EarlyDataState::accepting || hs.conn.stateless) {
    co_await pause(hs, Want::early_data);
  }
  announce(hs);
  co_return success();
}

Flow retry(Handshake& hs, Signer& signer) {
  step(hs, TLS_ST_SW_SRVR_HELLO);
  if (lacks_cookie(hs)) {
    CHECK(make_cookie(hs));
    // An SSL that has only seen this hello takes no session with it when it goes.
    hs.conn.session.reset();
  }
  CHECK(send_hello_retry_request(hs));
  if (compatible(hs)) {
    step(hs, TLS_ST_SW_CHANGE);
    CHECK(send_change_cipher_spec(hs));
  }
  co_await pause(hs, Want::flush);
  CHECK(co_await begin_early_data_state(hs));
  CHECK(co_await receive_client_hello(hs));
  CHECK(choose_server_version(hs));
  CHECK(co_await negotiate13(hs, signer));
  co_return success();
}

// Derives the handshake keys from the shared secret, after the ServerHello went out.
Verdict use_handshake_keys(Handshake& hs, EarlySecret& early, View shared_secret,
                           HandshakeSecret& secret) {
  Digest hash;
  keep_suite(hs);
  if (!std::move(early).next(shared_secret, secret) || !hs.transcript.hash(hash) ||
      !secret.client_handshake_traffic(hash.view(), hs.client_secret) ||
      !secret.server_handshake_traffic(hash.view(), hs.server_secret)) {
    return internal_error();
  }
  log_secret(hs.conn, "SERVER_HANDSHAKE_TRAFFIC_SECRET", hs.server_secret.view());
  HANDFAST_CHECK(set_write_secret(hs, hs.server_secret));
  hs.conn.channel.reader.set_version(TLS1_3_VERSION);
  // Clients may fail before they have changed their write keys.
  hs.conn.channel.reader.allow_plaintext_alert(true);
  if (hs.early_data) return success();  // that comes first, under its own keys
  log_secret(hs.conn, "CLIENT_HANDSHAKE_TRAFFIC_SECRET", hs.client_secret.view());
  if (hs.offers.early_data) {
    hs.conn.channel.reader.skip_early_data((*hs.policy)->recv_max_early_data, false);
  }
  return set_read_secret(hs, hs.client_secret);
}

// The hello is the whole transcript now.
Verdict use_early_keys(Handshake& hs, const EarlySecret& early) {
  TrafficSecret client;
  HANDFAST_CHECK(derive_early_secrets(hs, hs.transcript.md(), early, client));
  return set_read_secret(hs, client);
}

Verdict send_encrypted_extensions(Handshake& hs) {
  Bytes block;
  Writer writer(block);
  HANDFAST_CHECK(write_extensions(hs, kInEncryptedExtensions, writer));
  EncryptedExtensions message;
  message.extensions = block.view().subspan(2);
  return send(hs, message);
}

// SSL_CTX_set_verify(3): a client's certificate is asked for in the handshake; RFC 8446 4.3.2: not
// with a pre-shared key.
bool wants_certificate(const Handshake& hs) {
  if (hs.resuming) return false;
  int mode = (*hs.trust)->verify_mode;
  return (mode & SSL_VERIFY_PEER) != 0 && (mode & SSL_VERIFY_POST_HANDSHAKE) == 0;
}

Verdict derive_application(Handshake& hs, HandshakeSecret& handshake_secret, MasterSecret& master,
                           TrafficSecret& client) {
  Digest hash;
  TrafficSecret server;
  if (!hs.transcript.hash(hash) || !std::move(handshake_secret).next(master) ||
      !master.client_application_traffic(hash.view(), client) ||
      !master.server_application_traffic(hash.view(), server) ||
      !master.exporter_master(hash.view(), hs.conn.exporter)) {
    return internal_error();
  }
  log_secret(hs.conn, "EXPORTER_SECRET", hs.conn.exporter.view());
  log_secret(hs.conn, "SERVER_TRAFFIC_SECRET_0", server.view());
  return set_write_secret(hs, server);
}

Flow client_authentication(Handshake& hs) {
  const size_t limit = (*hs.policy)->max_cert_list;
  const Expect certificate[1] = {{SSL3_MT_CERTIFICATE, TLS_ST_SR_CERT, limit}};
  CHECK(co_await receive(hs, certificate));
  hs.conn.channel.reader.allow_plaintext_alert(false);
  const View no_context;
  CHECK(co_await authenticate_client(hs, no_context));
  co_return success();
}

Flow send_flight(Handshake& hs, const Signer& signer, HandshakeSecret& handshake_secret) {
  SecretBytes& shared_secret = hs.shared_secret;
  EarlySecret early;
  CHECK(agree_key(hs, shared_secret));
  CHECK(keep_names(hs));
  if (!start_early_secret(hs, early)) co_return internal_error();
  if (hs.early_data) CHECK(use_early_keys(hs, early));
  step(hs, TLS_ST_SW_SRVR_HELLO);
  CHECK(send_server_hello(hs));
  if (compatible(hs) && !hs.hello_retry_request) {
    step(hs, TLS_ST_SW_CHANGE);
    CHECK(send_change_cipher_spec(hs));
  }
  CHECK(use_handshake_keys(hs, early, shared_secret.view(), handshake_secret));
  step(hs, TLS_ST_SW_ENCRYPTED_EXTENSIONS);
  CHECK(send_encrypted_extensions(hs));
  if (wants_certificate(hs)) {
    step(hs, TLS_ST_SW_CERT_REQ);
    CHECK(send_certificate_request(hs, {}));
  }
  if (!hs.resuming) {
    step(hs, TLS_ST_SW_CERT);
    CHECK(send_certificate(hs, signer, {}));
    step(hs, TLS_ST_SW_CERT_VRFY);
    CHECK(send_certificate_verify(hs, signer));
  }
  step(hs, TLS_ST_SW_FINISHED);
  CHECK(send_finished(hs, hs.server_secret));
  co_await pause(hs, Want::flush);
  co_return success();
}

}  // namespace

Flow server13(Handshake& hs) {
  Signer signer;
  CHECK(co_await negotiate13(hs, signer));
  if (hs.retry_needed) CHECK(co_await retry(hs, signer));
  HandshakeSecret handshake_secret;
  CHECK(co_await send_flight(hs, signer, handshake_secret));
  MasterSecret master;
  TrafficSecret client;
  CHECK(derive_application(hs, handshake_secret, master, client));
  CHECK(co_await begin_early_data_state(hs));

  if (hs.early_data) CHECK(co_await receive_early_data(hs));
  if (wants_certificate(hs)) CHECK(co_await client_authentication(hs));
  CHECK(co_await receive(hs, kFinished));
  hs.conn.channel.reader.allow_plaintext_alert(false);
  CHECK(check_finished(hs, hs.client_secret));
  CHECK(absorb(hs));
  CHECK(keep_resumption_secret(hs, master));
  CHECK(allow_post_auth(hs));
  log_secret(hs.conn, "CLIENT_TRAFFIC_SECRET_0", client.view());
  CHECK(set_read_secret(hs, client));
  hs.conn.channel.reader.allow_change_cipher_spec(false);
  hs.conn.channel.reader.stop_skipping();
  CHECK(co_await send_tickets(hs));
  step(hs, TLS_ST_OK);
  finish(hs);
  co_return success();
}

}  // namespace handfast
