// Another handshake on a connection of TLS <= 1.2 (RFC 5246 7.4.1.1, RFC 5746).
#include "handshake/flight.h"
#include "handshake/handshake.h"
#include "handshake/receive.h"
#include "handshake/server.h"
#include "handshake/steps.h"
#include "message/hello_request.h"

namespace handfast {
namespace {

constexpr Expect kHelloRequest[] = {
    {SSL3_MT_HELLO_REQUEST, TLS_ST_CR_HELLO_REQ, HelloRequest::kMaxLength},
};
constexpr Expect kClientHello[] = {
    {SSL3_MT_CLIENT_HELLO, TLS_ST_SR_CLNT_HELLO, ClientHello::kMaxLength},
};

uint64_t options(const Handshake& hs) {
  return (*hs.policy)->options;
}

// RFC 5246 7.2.2: the peer may go on without.
Flow refuse(Handshake& hs) {
  hs.warning = Alert::no_renegotiation;
  if (hs.datagram) end_datagram_handshake(hs);
  co_await pause(hs, Want::warning);
  step(hs, TLS_ST_OK);
  finish(hs);
  co_return success();
}

Flow start_as_client(Handshake& hs) {
  hs.conn.renegotiation.starts = false;
  hs.renegotiating = true;
  CHECK(co_await client_handshake(hs));
  co_return success();
}

Flow answer_hello_request(Handshake& hs) {
  announce(hs);
  CHECK(co_await receive(hs, kHelloRequest));
  HelloRequest message;
  CHECK(parse(hs.message.body, message));
  if ((options(hs) & SSL_OP_NO_RENEGOTIATION) != 0) {
    CHECK(co_await refuse(hs));
    co_return success();
  }
  // RFC 5246 7.4.1.1: "after the negotiation is done", which a record half way delays. As in
  // OpenSSL the session may be resumed on a stream, and is not over datagrams.
  Renegotiation& renegotiation = hs.conn.renegotiation;
  renegotiation.requested = true;
  renegotiation.fresh = hs.datagram;
  renegotiation.due = true;
  if (!start_renegotiation(hs.conn, true)) {
    step(hs, TLS_ST_OK);
    finish(hs);
    co_return success();
  }
  CHECK(co_await start_as_client(hs));
  co_return success();
}

// A client that may start one does so over a protection bound to its own first handshake.
bool accepts_client_start(const Handshake& hs) {
  if ((options(hs) & SSL_OP_NO_RENEGOTIATION) != 0 ||
      (options(hs) & SSL_OP_ALLOW_CLIENT_RENEGOTIATION) == 0) {
    return false;
  }
  return hs.negotiated->secure_renegotiation ||
         (options(hs) & SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION) != 0;
}

Flow answer_client_hello(Handshake& hs) {
  Renegotiation& renegotiation = hs.conn.renegotiation;
  if (!renegotiation.requested && !accepts_client_start(hs)) {
    CHECK(co_await receive(hs, kClientHello));
    CHECK(co_await refuse(hs));
    co_return success();
  }
  if (!renegotiation.requested) {
    renegotiation.requested = true;
    renegotiation.fresh = true;
  }
  hs.renegotiating = true;
  CHECK(co_await server_handshake(hs));
  co_return success();
}

Flow send_hello_request(Handshake& hs) {
  hs.conn.renegotiation.starts = false;
  step(hs, TLS_ST_SW_HELLO_REQ);
  CHECK(send(hs, HelloRequest()));
  co_await pause(hs, Want::flush);
  step(hs, TLS_ST_OK);
  finish(hs);
  co_return success();
}

}  // namespace

Flow renegotiation(Handshake& hs) {
  bool starts = hs.conn.renegotiation.starts;
  if (hs.server) {
    if (starts) {
      CHECK(co_await send_hello_request(hs));
    } else {
      CHECK(co_await answer_client_hello(hs));
    }
  } else {
    if (starts) {
      CHECK(co_await start_as_client(hs));
    } else {
      CHECK(co_await answer_hello_request(hs));
    }
  }
  co_return success();
}

}  // namespace handfast
