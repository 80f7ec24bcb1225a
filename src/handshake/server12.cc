// TLS 1.2 and below as a server; client12.cc has the diagrams of RFC 5246 section 7.3.
#include "crypto/cipher_class.h"
#include "handshake/begin.h"
#include "handshake/certificates.h"
#include "handshake/certificates12.h"
#include "handshake/gated_restart.h"
#include "handshake/key_exchange12.h"
#include "handshake/keys12.h"
#include "handshake/receive.h"
#include "handshake/resumption.h"
#include "handshake/server.h"
#include "handshake/server_hello12.h"
#include "handshake/steps.h"
#include "message/certificate_status.h"
#include "message/certificate_verify12.h"
#include "message/client_key_exchange.h"
#include "message/finished.h"
#include "message/new_session_ticket12.h"
#include "message/next_protocol.h"
#include "message/server_hello_done.h"

namespace handfast {
namespace {

constexpr Expect kClientHello{SSL3_MT_CLIENT_HELLO, TLS_ST_SR_CLNT_HELLO, ClientHello::kMaxLength};
constexpr Expect kClientKeyExchange{SSL3_MT_CLIENT_KEY_EXCHANGE, TLS_ST_SR_KEY_EXCH,
                                    ClientKeyExchange::kMaxLength};
constexpr Expect kCertificateVerify[] = {
    {SSL3_MT_CERTIFICATE_VERIFY, TLS_ST_SR_CERT_VRFY, CertificateVerify12::kMaxLength},
};
constexpr Expect kNextProtocol[] = {
    {SSL3_MT_NEXT_PROTO, TLS_ST_SR_NEXT_PROTO, NextProtocol::kMaxLength},
};
constexpr Expect kFinished[] = {
    {SSL3_MT_FINISHED, TLS_ST_SR_FINISHED, Finished::kMaxLength},
};

// SSL_CTX_set_verify(3). RFC 5246 7.4.4: an anonymous server asks for no certificate.
bool wants_certificate(const Handshake& hs) {
  int mode = (*hs.trust)->verify_mode;
  uint32_t auth = hs.negotiated->suite->auth;
  if ((mode & SSL_VERIFY_PEER) == 0 || (auth & (kAuthSrp | kAuthPsk)) != 0) return false;
  if ((mode & SSL_VERIFY_CLIENT_ONCE) != 0 && hs.renegotiating &&
      hs.conn.certificate_requests > 0) {
    return false;
  }
  return (auth & kAuthNull) == 0 || (mode & SSL_VERIFY_FAIL_IF_NO_PEER_CERT) != 0;
}

Verdict send_status(Handshake& hs) {
  CertificateStatus message;
  message.response = hs.request->ocsp_response.view();
  return send(hs, message);
}

Flow send_flight(Handshake& hs, const Signer& signer, KeyExchange& exchange, bool& requested) {
  if (has_certificate(*hs.negotiated->suite)) {
    step(hs, TLS_ST_SW_CERT);
    CHECK(send_certificate12(hs, signer));
    hs.negotiated->own_scheme = signer.scheme;  // SSL_get_signature_nid(3), also without signature
    if (hs.staple) {
      step(hs, TLS_ST_SW_CERT_STATUS);
      CHECK(send_status(hs));
    }
  }
  if (needs_server_key_exchange(hs)) {
    step(hs, TLS_ST_SW_KEY_EXCH);
    CHECK(send_server_key_exchange(hs, signer, exchange));
  }
  requested = wants_certificate(hs);
  if (requested) {
    step(hs, TLS_ST_SW_CERT_REQ);
    CHECK(send_certificate_request12(hs));
    ++hs.conn.certificate_requests;
  } else {
    hs.transcript.drop_messages();
  }
  step(hs, TLS_ST_SW_SRVR_DONE);
  CHECK(send(hs, ServerHelloDone()));
  co_await pause(hs, Want::flush);
  announce(hs);
  co_return success();
}

// The Certificate is in hs.message.
Flow read_client_certificate(Handshake& hs) {
  CHECK(read_certificate12(hs));
  CHECK(co_await accept_client(hs, Alert::handshake_failure));
  co_return success();
}

// From the client's answer to our flight, which is in hs.message, to its CertificateVerify.
Flow read_key_exchange(Handshake& hs, KeyExchange& exchange, bool requested) {
  if (requested) {
    CHECK(co_await read_client_certificate(hs));
    CHECK(co_await receive(hs, std::span<const Expect>(&kClientKeyExchange, 1)));
  }
  CHECK(absorb(hs));
  CHECK(read_client_key_exchange(hs, exchange));
  if (requested && hs.conn.session->peer != nullptr) {
    CHECK(co_await receive(hs, kCertificateVerify));
    CHECK(check_certificate_verify12(hs));
  }
  hs.transcript.drop_messages();
  co_return success();
}

Flow receive_answer(Handshake& hs, const Signer& signer, bool requested) {
  const Expect certificate{SSL3_MT_CERTIFICATE, TLS_ST_SR_CERT, (*hs.policy)->max_cert_list};
  InlineVector<Expect, 2> expected;
  expected.push_back(requested ? certificate : kClientKeyExchange);
  if (accepts_restart(hs, signer)) expected.push_back(kClientHello);
  CHECK(co_await receive(hs, expected.view()));
  co_return success();
}

Flow read_finish(Handshake& hs) {
  co_await receive_change_cipher_spec(hs, TLS_ST_SR_CHANGE);
  CHECK(change_read_keys(hs));
  if (hs.next_protocol_expected) {
    CHECK(co_await receive(hs, kNextProtocol));
    NextProtocol message;
    CHECK(parse(hs.message.body, message));
    if (!hs.negotiated->npn.assign(message.protocol)) co_return malloc_failure();
    CHECK(absorb(hs));
  }
  CHECK(co_await receive(hs, kFinished));
  CHECK(check_finished12(hs));
  co_return success();
}

Verdict send_ticket(Handshake& hs) {
  Bytes ticket;
  NewSessionTicket12 message;
  HANDFAST_CHECK(make_ticket(hs, ticket, message.lifetime_hint));
  message.ticket = ticket.view();
  return send(hs, message);
}

Flow send_finish(Handshake& hs) {
  if (hs.ticket_expected) {
    step(hs, TLS_ST_SW_SESSION_TICKET);
    CHECK(send_ticket(hs));
  }
  step(hs, TLS_ST_SW_CHANGE);
  CHECK(change_write_keys(hs));
  step(hs, TLS_ST_SW_FINISHED);
  CHECK(send_finished12(hs));
  co_await pause(hs, Want::flush);
  co_return success();
}

Flow full(Handshake& hs, Signer& signer) {
  KeyExchange& exchange = hs.key_exchange;
  bool requested = false;
  CHECK(co_await send_flight(hs, signer, exchange, requested));
  CHECK(co_await receive_answer(hs, signer, requested));
  while (hs.message.type == SSL3_MT_CLIENT_HELLO) {
    CHECK(co_await restart(hs, signer));
    exchange = KeyExchange();
    CHECK(co_await send_flight(hs, signer, exchange, requested));
    CHECK(co_await receive_answer(hs, signer, requested));
  }
  CHECK(co_await read_key_exchange(hs, exchange, requested));
  CHECK(co_await read_finish(hs));
  CHECK(co_await send_finish(hs));
  co_return success();
}

Flow abbreviated(Handshake& hs) {
  hs.transcript.drop_messages();
  CHECK(co_await send_finish(hs));
  announce(hs);
  CHECK(co_await read_finish(hs));
  co_return success();
}

}  // namespace

Flow server12(Handshake& hs) {
  Signer signer;
  begin_records12(hs);
  CHECK(co_await negotiate12(hs, signer));
  step(hs, TLS_ST_SW_SRVR_HELLO);
  CHECK(send_server_hello12(hs));
  if (hs.resuming) {
    CHECK(co_await abbreviated(hs));
  } else {
    CHECK(co_await full(hs, signer));
  }
  step(hs, TLS_ST_OK);
  finish(hs);
  co_return success();
}

}  // namespace handfast
