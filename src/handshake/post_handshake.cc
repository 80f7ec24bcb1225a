// After the handshake (RFC 8446 section 4.6): NewSessionTicket, KeyUpdate and the authentication of
// the client, one at a time.
#include "handshake/handshake.h"
#include "handshake/post_auth.h"
#include "handshake/receive.h"
#include "handshake/steps.h"
#include "handshake/tickets13.h"
#include "message/key_update.h"
#include "message/new_session_ticket.h"

namespace handfast {
namespace {

using Expected = InlineVector<Expect, 3>;

void expect_to_client(const Handshake& hs, Expected& expected) {
  expected.push_back(
      {SSL3_MT_NEWSESSION_TICKET, TLS_ST_CR_SESSION_TICKET, NewSessionTicket13::kMaxLength});
  expected.push_back({SSL3_MT_KEY_UPDATE, TLS_ST_CR_KEY_UPDATE, KeyUpdate::kMaxLength});
  // RFC 8446 4.6.2: without the offer of post_handshake_auth this is an unexpected_message.
  if (hs.conn.post_auth == nullptr) return;
  expected.push_back(
      {SSL3_MT_CERTIFICATE_REQUEST, TLS_ST_CR_CERT_REQ, (*hs.policy)->max_cert_list});
}

void expect_to_server(const Handshake& hs, Expected& expected) {
  expected.push_back({SSL3_MT_KEY_UPDATE, TLS_ST_SR_KEY_UPDATE, KeyUpdate::kMaxLength});
  if (hs.conn.post_auth == nullptr || hs.conn.post_auth->sent == nullptr) return;
  expected.push_back({SSL3_MT_CERTIFICATE, TLS_ST_SR_CERT, (*hs.policy)->max_cert_list});
}

// Messages that make work, in a row and without application data, before the peer is stopped.
constexpr uint8_t kMaxControlMessages = 64;

Flow send_key_update(Handshake& hs) {
  step(hs, hs.server ? TLS_ST_SW_KEY_UPDATE : TLS_ST_CW_KEY_UPDATE);
  KeyUpdate message;
  message.request = static_cast<uint8_t>(hs.conn.key_update);
  hs.conn.key_update = SSL_KEY_UPDATE_NONE;
  CHECK(send(hs, message));
  co_await pause(hs, Want::flush);
  TrafficSecret secret = hs.conn.write_secret;
  if (!secret.update()) co_return internal_error();
  CHECK(set_write_secret(hs, secret));
  co_return success();
}

Verdict read_key_update(Handshake& hs) {
  HANDFAST_CHECK(at_record_boundary(hs));
  KeyUpdate message;
  HANDFAST_CHECK(parse(hs.message.body, message));
  if (++hs.conn.control_messages > kMaxControlMessages) {
    return fatal(Alert::unexpected_message, SSL_R_TOO_MANY_KEY_UPDATES);
  }
  // RFC 8446 4.6.3: an asked-for update is sent before our next application data.
  if (message.request == SSL_KEY_UPDATE_REQUESTED) {
    hs.conn.key_update = SSL_KEY_UPDATE_NOT_REQUESTED;
  }
  hs.conn.key_update_asked = false;
  TrafficSecret secret = hs.conn.read_secret;
  if (!secret.update()) return internal_error();
  return set_read_secret(hs, secret);
}

Verdict read_ticket(Handshake& hs) {
  NewSessionTicket13 message;
  HANDFAST_CHECK(parse(hs.message.body, message));
  return accept_ticket13(hs, message);
}

Flow receive_one(Handshake& hs) {
  step(hs, TLS_ST_OK);
  Expected expected;
  hs.server ? expect_to_server(hs, expected) : expect_to_client(hs, expected);
  CHECK(co_await receive(hs, expected.view()));
  switch (hs.message.type) {
    case SSL3_MT_KEY_UPDATE:
      CHECK(read_key_update(hs));
      break;
    case SSL3_MT_CERTIFICATE_REQUEST:
      if (++hs.conn.control_messages > kMaxControlMessages) {
        co_return fatal(Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE);
      }
      CHECK(co_await answer_authentication(hs));
      break;
    case SSL3_MT_CERTIFICATE:
      CHECK(co_await read_authentication(hs));
      break;
    default:
      CHECK(read_ticket(hs));
  }
  co_return success();
}

}  // namespace

Flow post_handshake(Handshake& hs) {
  if (hs.inbox.rest().empty()) {
    if (hs.conn.key_update != SSL_KEY_UPDATE_NONE) CHECK(co_await send_key_update(hs));
    if (hs.conn.post_auth != nullptr && hs.conn.post_auth->due) {
      CHECK(co_await request_authentication(hs));
    }
    while (hs.conn.tickets_asked > 0) CHECK(co_await send_asked_ticket(hs));
  }
  // RFC 8446 5.1: several messages may share a record, and the last may go on in the next.
  while (!hs.inbox.rest().empty()) CHECK(co_await receive_one(hs));
  step(hs, TLS_ST_OK);
  finish(hs);
  co_return success();
}

}  // namespace handfast
