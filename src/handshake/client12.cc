// TLS 1.2 and below as a client, RFC 5246 section 7.3:
//
//   ClientHello              -------->
//                                               ServerHello
//                                              Certificate*
//                                        CertificateStatus*
//                                        ServerKeyExchange*
//                                       CertificateRequest*
//                            <--------      ServerHelloDone
//   Certificate*
//   ClientKeyExchange
//   CertificateVerify*
//   [ChangeCipherSpec]
//   NextProtocol*
//   Finished                 -------->
//                                         NewSessionTicket*
//                                        [ChangeCipherSpec]
//                            <--------             Finished
//
// and when the server resumes a session:
//
//   ClientHello              -------->
//                                               ServerHello
//                                         NewSessionTicket*
//                                        [ChangeCipherSpec]
//                            <--------             Finished
//   [ChangeCipherSpec]
//   NextProtocol*
//   Finished                 -------->
#include "crypto/cipher_class.h"
#include "extension/extension.h"
#include "handshake/begin.h"
#include "handshake/certificates.h"
#include "handshake/certificates12.h"
#include "handshake/client.h"
#include "handshake/client_certificate.h"
#include "handshake/hello_callbacks.h"
#include "handshake/key_exchange12.h"
#include "handshake/keys12.h"
#include "handshake/receive.h"
#include "handshake/resumption.h"
#include "handshake/steps.h"
#include "message/certificate_status.h"
#include "message/finished.h"
#include "message/new_session_ticket12.h"
#include "message/next_protocol.h"
#include "message/server_hello_done.h"
#include "message/server_key_exchange.h"
#include "wire/version.h"

namespace handfast {
namespace {

constexpr Expect kFinished[] = {
    {SSL3_MT_FINISHED, TLS_ST_CR_FINISHED, Finished::kMaxLength},
};
constexpr Expect kTicket[] = {
    {SSL3_MT_NEWSESSION_TICKET, TLS_ST_CR_SESSION_TICKET, NewSessionTicket12::kMaxLength},
};

// What may come next before ServerHelloDone.
using Expected = InlineVector<Expect, 4>;

bool must_exchange(const CipherSuite& suite) {
  return (suite.kx & (kKxAllDhe | kKxAllEcdhe | kKxSrp)) != 0;
}

// RFC 5246 7.4.4: anonymous servers do not ask for certificates.
void expect_end(const Handshake& hs, Expected& expected) {
  if (has_certificate(*hs.negotiated->suite)) {
    expected.push_back(
        {SSL3_MT_CERTIFICATE_REQUEST, TLS_ST_CR_CERT_REQ, (*hs.policy)->max_cert_list});
  }
  expected.push_back({SSL3_MT_SERVER_DONE, TLS_ST_CR_SRVR_DONE, ServerHelloDone::kMaxLength});
}

void expect_key_exchange(const Handshake& hs, Expected& expected) {
  const CipherSuite& suite = *hs.negotiated->suite;
  const Expect exchange{SSL3_MT_SERVER_KEY_EXCHANGE, TLS_ST_CR_KEY_EXCH,
                        ServerKeyExchange::kMaxLength};
  if (must_exchange(suite) || (suite.kx & kKxAllPsk) != 0) expected.push_back(exchange);
  if (!must_exchange(suite)) expect_end(hs, expected);
}

Verdict read_status(Handshake& hs) {
  CertificateStatus message;
  HANDFAST_CHECK(parse(hs.message.body, message));
  if (!hs.negotiated->ocsp_response.assign(message.response)) return malloc_failure();
  hs.negotiated->has_ocsp_response = true;
  return absorb(hs);
}

Flow read_server_certificate(Handshake& hs) {
  const Expect certificate[1] = {
      {SSL3_MT_CERTIFICATE, TLS_ST_CR_CERT, (*hs.policy)->max_cert_list}};
  CHECK(co_await receive(hs, certificate));
  CHECK(read_certificate12(hs));
  CHECK(co_await verify_peer(hs));
  co_return success();
}

// From the CertificateStatus to the ServerHelloDone.
Flow read_server_flight(Handshake& hs, KeyExchange& exchange, Signer& signer, bool& requested) {
  Expected expected;
  if (hs.status_expected && has_certificate(*hs.negotiated->suite)) {
    expected.push_back(
        {SSL3_MT_CERTIFICATE_STATUS, TLS_ST_CR_CERT_STATUS, CertificateStatus::kMaxLength});
  }
  expect_key_exchange(hs, expected);
  CHECK(co_await receive(hs, expected.view()));
  if (hs.message.type == SSL3_MT_CERTIFICATE_STATUS) {
    CHECK(read_status(hs));
    expected.clear();
    expect_key_exchange(hs, expected);
    CHECK(co_await receive(hs, expected.view()));
  }
  if (hs.message.type == SSL3_MT_SERVER_KEY_EXCHANGE) {
    CHECK(read_server_key_exchange(hs, exchange));
    CHECK(absorb(hs));
    expected.clear();
    expect_end(hs, expected);
    CHECK(co_await receive(hs, expected.view()));
  }
  requested = hs.message.type == SSL3_MT_CERTIFICATE_REQUEST;
  if (requested) {
    CHECK(read_certificate_request12(hs));
    CHECK(co_await choose_client_certificate(hs, signer));
    const Expect done[1] = {
        {SSL3_MT_SERVER_DONE, TLS_ST_CR_SRVR_DONE, ServerHelloDone::kMaxLength}};
    CHECK(co_await receive(hs, done));
  }
  ServerHelloDone done;
  CHECK(parse(hs.message.body, done));
  CHECK(absorb(hs));
  co_return success();
}

Flow send_key_exchange(Handshake& hs, KeyExchange& exchange, const Signer& signer, bool requested) {
  if (requested) {
    step(hs, TLS_ST_CW_CERT);
    CHECK(send_certificate12(hs, signer));
  }
  step(hs, TLS_ST_CW_KEY_EXCH);
  CHECK(send_client_key_exchange(hs, exchange));
  if (signer.credential != nullptr) {
    step(hs, TLS_ST_CW_CERT_VRFY);
    CHECK(send_certificate_verify12(hs, signer));
  }
  hs.transcript.drop_messages();
  co_return success();
}

Flow send_finish(Handshake& hs) {
  step(hs, TLS_ST_CW_CHANGE);
  CHECK(change_write_keys(hs));
  if (hs.next_protocol_expected) {
    step(hs, TLS_ST_CW_NEXT_PROTO);
    NextProtocol message;
    message.protocol = hs.negotiated->npn.view();
    CHECK(send(hs, message));
  }
  step(hs, TLS_ST_CW_FINISHED);
  CHECK(send_finished12(hs));
  co_await pause(hs, Want::flush);
  co_return success();
}

// hs.changed: nothing came before the change_cipher_spec.
Flow read_finish(Handshake& hs) {
  if (hs.ticket_expected && !hs.changed) {
    CHECK(co_await receive(hs, kTicket));
    NewSessionTicket12 message;
    CHECK(parse(hs.message.body, message));
    CHECK(absorb(hs));
    CHECK(accept_ticket(hs, message.ticket, message.lifetime_hint));
  }
  if (!hs.changed) co_await receive_change_cipher_spec(hs, TLS_ST_CR_CHANGE);
  CHECK(change_read_keys(hs));
  CHECK(co_await receive(hs, kFinished));
  CHECK(check_finished12(hs));
  co_return success();
}

Flow full(Handshake& hs) {
  KeyExchange& exchange = hs.key_exchange;
  Signer signer;
  bool requested = false;
  if (has_certificate(*hs.negotiated->suite)) CHECK(co_await read_server_certificate(hs));
  CHECK(co_await read_server_flight(hs, exchange, signer, requested));
  CHECK(check_server_key12(hs));
  CHECK(judge_status(hs));
  CHECK(check_transparency(hs, hs.conn.transparency, hs.conn.session->peer.get()));
  CHECK(co_await send_key_exchange(hs, exchange, signer, requested));
  CHECK(co_await send_finish(hs));
  announce(hs);
  CHECK(co_await read_finish(hs));
  co_return success();
}

Flow abbreviated(Handshake& hs) {
  hs.transcript.drop_messages();
  CHECK(co_await read_finish(hs));
  CHECK(co_await send_finish(hs));
  co_return success();
}

// --- ServerHello ---

bool names_offered_session(const Handshake& hs, const ServerHello& hello) {
  const Session* offered = hs.offered_session;
  return offered != nullptr && !hello.session_id.empty() &&
         equal(hello.session_id, {offered->id, offered->id_length});
}

Verdict check_resumption(Handshake& hs) {
  const Session& session = *hs.conn.session;
  const Policy& policy = **hs.policy;
  if (!equal({policy.id_context, policy.id_context_length},
             {session.id_context, session.id_context_length})) {
    return fatal(Alert::illegal_parameter, SSL_R_ATTEMPT_TO_REUSE_SESSION_IN_DIFFERENT_CONTEXT);
  }
  if (tls_version(session.version) != hs.negotiated->version) {
    return fatal(Alert::protocol_version, SSL_R_SSL_SESSION_VERSION_MISMATCH);
  }
  return success();
}

bool may_know_secret(const Handshake& hs) {
  return !hs.resuming && (*hs.hooks)->session_secret != nullptr && !hs.conn.session->ticket.empty();
}

// SSL_set_session_secret_cb: the application knows the master secret that belongs to its ticket.
Verdict ask_secret(Handshake& hs) {
  if (!may_know_secret(hs)) return success();
  bool known = false;
  const CipherSuite* suite = nullptr;
  HANDFAST_CHECK(ask_session_secret(hs, nullptr, suite, known));
  return known ? success() : internal_error();
}

Verdict begin_full_session(Handshake& hs, const ServerHello& hello) {
  if (hs.offered_session != nullptr && hs.offered_session->id_length > 0) {
    hs.conn.session_ctx->statistics.miss.fetch_add(1, std::memory_order_relaxed);
  }
  // The session that the hello was made with serves, unless it is one to be resumed.
  if (hs.offered_session != nullptr) {
    hs.negotiated->group = 0;
    HANDFAST_CHECK(begin_session(hs));
  }
  hs.conn.session->version = wire_version(hs.datagram, hs.negotiated->version);
  HANDFAST_CHECK(ask_secret(hs));
  Session& session = *hs.conn.session;
  std::memcpy(session.id, hello.session_id.data(), hello.session_id.size());
  session.id_length = static_cast<uint8_t>(hello.session_id.size());
  return success();
}

// RFC 5246 7.4.1.3.
Verdict choose_suite(Handshake& hs, const ServerHello& hello) {
  const CipherSuite* suite = find_cipher_suite(hello.cipher_suite);
  if (suite == nullptr || is_signalling(*suite)) {
    return fatal(Alert::illegal_parameter, SSL_R_UNKNOWN_CIPHER_RETURNED);
  }
  if (!offered_suite(hs, *suite)) {
    return fatal(Alert::illegal_parameter, SSL_R_WRONG_CIPHER_RETURNED);
  }
  if (hs.resuming && hs.conn.session->cipher_id != SSL_CIPHER_get_id(suite)) {
    return fatal(Alert::illegal_parameter, SSL_R_OLD_SESSION_CIPHER_NOT_RETURNED);
  }
  hs.negotiated->suite = suite;
  return success();
}

// RFC 5077 3.1: only what follows the ServerHello tells that the server took the ticket.
Flow await_server_choice(Handshake& hs) {
  co_await receive_either(hs, TLS_ST_CR_CHANGE);
  hs.resuming = hs.changed;
  hs.negotiated->resumed = hs.changed;
  co_return success();
}

Verdict read_server_hello(Handshake& hs, const ServerHello& hello) {
  hs.resuming = names_offered_session(hs, hello);
  hs.negotiated->resumed = hs.resuming;
  HANDFAST_CHECK(hs.resuming ? check_resumption(hs) : begin_full_session(hs, hello));
  HANDFAST_CHECK(choose_suite(hs, hello));
  if (hello.compression_method != 0) {
    return fatal(Alert::illegal_parameter, SSL_R_UNSUPPORTED_COMPRESSION_ALGORITHM);
  }
  HANDFAST_CHECK(read_extensions(hs, kInServerHello12, hello.extensions));
  HANDFAST_CHECK(keep_names(hs));
  hold_max_fragment_length(hs);
  keep_agreed(hs);
  HANDFAST_CHECK(start_transcript12(hs));
  return absorb(hs);
}

}  // namespace

Flow client12(Handshake& hs, const ServerHello& hello) {
  begin_records12(hs);
  CHECK(read_server_hello(hs, hello));
  if (may_know_secret(hs)) CHECK(co_await await_server_choice(hs));
  if (hs.resuming) {
    CHECK(co_await abbreviated(hs));
  } else {
    CHECK(co_await full(hs));
  }
  step(hs, TLS_ST_OK);
  finish(hs);
  co_return success();
}

}  // namespace handfast
