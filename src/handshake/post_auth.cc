// Post-handshake authentication, RFC 8446 section 4.6.2:
//
//   client                                       server
//                           <--------  CertificateRequest
//   Certificate
//   CertificateVerify*
//   Finished                -------->
//                           <--------  NewSessionTicket*
//
// Each exchange is hashed on top of the handshake's own transcript (section 4.4), whatever came
// between; its Finished takes the client's application traffic secret of the moment.
#include "handshake/post_auth.h"

#include "extension/extension.h"
#include "handshake/certificates.h"
#include "handshake/client_certificate.h"
#include "handshake/receive.h"
#include "handshake/steps.h"
#include "handshake/tickets13.h"
#include "message/finished.h"

namespace handfast {
namespace {

constexpr Expect kFinished[] = {
    {SSL3_MT_FINISHED, TLS_ST_SR_FINISHED, Finished::kMaxLength},
};

bool offered(const Handshake& hs) {
  return hs.server ? hs.offers.post_handshake_auth
                   : (hs.sent & extension_bit(TLSEXT_TYPE_post_handshake_auth)) != 0;
}

}  // namespace

Verdict allow_post_auth(Handshake& hs) {
  if (!offered(hs)) return success();
  Unique<PostHandshakeAuth> auth(make<PostHandshakeAuth>());
  if (auth == nullptr || !auth->handshake.copy_from(hs.transcript)) return malloc_failure();
  hs.conn.post_auth = std::move(auth);
  return success();
}

Flow request_authentication(Handshake& hs) {
  PostHandshakeAuth& auth = *hs.conn.post_auth;
  auth.due = false;
  Unique<SentCertificateRequest> request(make<SentCertificateRequest>());
  if (request == nullptr || !hs.transcript.copy_from(auth.handshake)) co_return malloc_failure();
  // RFC 8446 4.3.2: unique, and unpredictable to the client.
  if (!hs.algorithms->random(request->context)) co_return internal_error(ERR_R_RAND_LIB);
  step(hs, TLS_ST_SW_CERT_REQ);
  CHECK(send_certificate_request(hs, request->context));
  request->extensions = hs.sent;
  if (!request->transcript.copy_from(hs.transcript) ||
      !request->custom_sent.assign(hs.custom_sent.view())) {
    co_return malloc_failure();
  }
  auth.sent = std::move(request);
  co_await pause(hs, Want::flush);
  co_return success();
}

Flow read_authentication(Handshake& hs) {
  PostHandshakeAuth& auth = *hs.conn.post_auth;
  const Unique<SentCertificateRequest> request = std::move(auth.sent);
  hs.sent = request->extensions;
  if (!hs.transcript.copy_from(request->transcript) ||
      !hs.custom_sent.assign(request->custom_sent.view())) {
    co_return malloc_failure();
  }
  const View context = request->context;
  CHECK(co_await authenticate_client(hs, context));
  CHECK(co_await receive(hs, kFinished));
  CHECK(check_finished(hs, hs.conn.read_secret));
  // Sessions of before know nothing of the client: it gets new ones.
  hs.conn.tickets_sent = 0;
  hs.ticket_expected = true;
  CHECK(co_await send_tickets(hs));
  co_return success();
}

Flow answer_authentication(Handshake& hs) {
  // RFC 8446 6.1: after close_notify the sender "will not send any more messages".
  if ((hs.conn.shutdown & SSL_SENT_SHUTDOWN) != 0) co_return success();
  if (!hs.transcript.copy_from(hs.conn.post_auth->handshake)) co_return malloc_failure();
  View named;
  Bytes context;
  CHECK(read_certificate_request(hs, named));
  if (!context.assign(named)) co_return malloc_failure();
  Signer signer;
  CHECK(co_await choose_client_certificate(hs, signer));
  CHECK(send_client_certificate(hs, signer, context.view()));
  step(hs, TLS_ST_CW_FINISHED);
  CHECK(send_finished(hs, hs.conn.write_secret));
  co_await pause(hs, Want::flush);
  co_return success();
}

}  // namespace handfast
