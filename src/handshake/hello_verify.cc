#include "handshake/hello_verify.h"

#include "handshake/flight.h"
#include "handshake/steps.h"
#include "message/hello_verify_request.h"

namespace handfast {

namespace {

bool exchanges_cookies(const Handshake& hs) {
  return hs.datagram && ((*hs.policy)->options & SSL_OP_COOKIE_EXCHANGE) != 0;
}

// SSL_CTX_set_cookie_generate_cb(3).
Verdict generate_cookie(Handshake& hs) {
  uint8_t cookie[DTLS1_COOKIE_LENGTH];
  unsigned length = 0;
  auto* generate = hs.ctx->live.generate_cookie;
  if (generate == nullptr || generate(hs.ssl, cookie, &length) == 0 || length > sizeof cookie) {
    return fatal(Alert::none, SSL_R_COOKIE_GEN_CALLBACK_FAILURE);
  }
  return hs.conn.channel.datagram->cookie.assign({cookie, length}) ? success() : malloc_failure();
}

}  // namespace

bool needs_cookie(const Handshake& hs) {
  return exchanges_cookies(hs) && hs.client_hello.cookie.empty() &&
         !hs.conn.channel.datagram->cookie_verified;
}

Flow request_cookie(Handshake& hs) {
  step(hs, DTLS_ST_SW_HELLO_VERIFY_REQUEST);
  hs.conn.channel.datagram->forget_flight();
  CHECK(generate_cookie(hs));
  HelloVerifyRequest message;
  message.cookie = hs.conn.channel.datagram->cookie.view();
  hs.scratch.clear();
  if (!build_message(message, hs.scratch)) co_return malloc_failure();
  CHECK(send_unrepeated(hs));
  hs.conn.channel.datagram->cookie_requested = true;
  co_await pause(hs, Want::flush);
  announce(hs);
  co_return success();
}

Verdict check_cookie(Handshake& hs) {
  if (!exchanges_cookies(hs)) return success();
  DatagramChannel& datagram = *hs.conn.channel.datagram;
  View cookie = hs.client_hello.cookie;
  // A renegotiation needs none.
  if (cookie.empty() && datagram.cookie_verified) return success();
  auto* verify = hs.ctx->live.verify_cookie;
  bool ours = verify != nullptr
                  ? verify(hs.ssl, cookie.data(), static_cast<unsigned>(cookie.size())) != 0
                  : equal_constant_time(cookie, datagram.cookie.view());
  if (!ours) return fatal(Alert::handshake_failure, SSL_R_COOKIE_MISMATCH);
  datagram.cookie_verified = true;
  return success();
}

Verdict read_hello_verify_request(Handshake& hs) {
  HelloVerifyRequest message;
  HANDFAST_CHECK(parse(hs.message.body, message));
  if (!hs.conn.channel.datagram->cookie.assign(message.cookie)) return malloc_failure();
  // RFC 6347 4.2.1: neither the first ClientHello nor the request is in the handshake's hash.
  hs.transcript.reset();
  return success();
}

}  // namespace handfast
