// After the handshake (RFC 8446 section 4.6): NewSessionTicket and KeyUpdate, one message at a
// time.
#include "handshake/handshake.h"
#include "handshake/receive.h"
#include "handshake/steps.h"
#include "handshake/tickets13.h"
#include "message/key_update.h"
#include "message/new_session_ticket.h"

namespace handfast {
namespace {

constexpr Expect kToClient[] = {
    {SSL3_MT_NEWSESSION_TICKET, TLS_ST_CR_SESSION_TICKET, NewSessionTicket13::kMaxLength},
    {SSL3_MT_KEY_UPDATE, TLS_ST_CR_KEY_UPDATE, KeyUpdate::kMaxLength},
};
constexpr Expect kToServer[] = {
    {SSL3_MT_KEY_UPDATE, TLS_ST_SR_KEY_UPDATE, KeyUpdate::kMaxLength},
};

// KeyUpdates in a row, without application data, before the peer is stopped.
constexpr uint8_t kMaxKeyUpdates = 64;

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
  if (++hs.conn.key_updates_received > kMaxKeyUpdates) {
    return fatal(Alert::unexpected_message, SSL_R_TOO_MANY_KEY_UPDATES);
  }
  // RFC 8446 4.6.3: an asked-for update is sent before our next application data.
  if (message.request == SSL_KEY_UPDATE_REQUESTED) {
    hs.conn.key_update = SSL_KEY_UPDATE_NOT_REQUESTED;
  }
  TrafficSecret secret = hs.conn.read_secret;
  if (!secret.update()) return internal_error();
  return set_read_secret(hs, secret);
}

Verdict read_ticket(Handshake& hs) {
  NewSessionTicket13 message;
  HANDFAST_CHECK(parse(hs.message.body, message));
  return accept_ticket13(hs, message);
}

}  // namespace

Flow post_handshake(Handshake& hs) {
  if (hs.conn.key_update != SSL_KEY_UPDATE_NONE && hs.inbox.rest().empty()) {
    CHECK(co_await send_key_update(hs));
  } else if (hs.conn.tickets_asked > 0 && hs.inbox.rest().empty()) {
    while (hs.conn.tickets_asked > 0) CHECK(co_await send_asked_ticket(hs));
  } else {
    // RFC 8446 5.1: several messages may share a record, and the last may go on in the next.
    do {
      step(hs, TLS_ST_OK);
      CHECK(co_await receive(
          hs, hs.server ? std::span<const Expect>(kToServer) : std::span<const Expect>(kToClient)));
      CHECK(hs.message.type == SSL3_MT_KEY_UPDATE ? read_key_update(hs) : read_ticket(hs));
    } while (!hs.inbox.rest().empty());
  }
  step(hs, TLS_ST_OK);
  finish(hs);
  co_return success();
}

}  // namespace handfast
