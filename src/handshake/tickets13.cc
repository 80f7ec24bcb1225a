#include "handshake/tickets13.h"

#include <algorithm>
#include <ctime>

#include "crypto/key_schedule.h"
#include "extension/extension.h"
#include "handshake/resumption.h"
#include "handshake/steps.h"
#include "session/ticket.h"

namespace handfast {
namespace {

using Nonce = uint8_t[8];

void next_nonce(Connection& conn, Nonce& out) {
  uint64_t count = conn.ticket_nonce++;
  for (int i = 7; i >= 0; --i, count >>= 8) out[i] = static_cast<uint8_t>(count);
}

// PSK = HKDF-Expand-Label(resumption_master_secret, "resumption", ticket_nonce, Hash.length)
Verdict derive_psk(Handshake& hs, View nonce, Session& session) {
  const EVP_MD* md = hs.algorithms->hash(hs.negotiated->suite->hash);
  if (md == nullptr) return internal_error();
  Secret psk;
  std::span<uint8_t> out = psk.storage(static_cast<size_t>(EVP_MD_get_size(md)));
  if (!hkdf_expand_label(md, hs.conn.resumption_secret.view(), as_view("resumption"), nonce, out)) {
    return internal_error();
  }
  return session.master_key.assign(psk.view()) ? success() : malloc_failure();
}

// Whoever has the session of the connection already must not see it change.
Verdict take_copy(Handshake& hs) {
  SessionRef copy(duplicate(*hs.conn.session, false));
  if (copy == nullptr) return malloc_failure();
  copy->not_resumable = false;
  copy->cipher = hs.negotiated->suite;
  copy->cipher_id = SSL_CIPHER_get_id(copy->cipher);
  hs.conn.session = static_cast<SessionRef&&>(copy);
  return success();
}

// The session that the next ticket stands for.
Verdict renew_session(Handshake& hs, View nonce) {
  if (hs.conn.tickets_sent > 0 || hs.negotiated->resumed) HANDFAST_CHECK(take_copy(hs));
  Session& session = *hs.conn.session;
  HANDFAST_CHECK(generate_session_id(hs, session));
  uint8_t age_add[4];
  if (!hs.algorithms->random(age_add)) return internal_error();
  std::memcpy(&session.ticket_age_add, age_add, sizeof age_add);
  HANDFAST_CHECK(derive_psk(hs, nonce, session));
  session.time = std::time(nullptr);
  session.max_early_data = (*hs.policy)->max_early_data;
  return session.alpn.assign(hs.negotiated->alpn.view()) ? success() : malloc_failure();
}

Verdict make_ticket13(Handshake& hs, Bytes& ticket) {
  uint32_t hint = 0;
  if (!stateful_tickets(hs)) return make_ticket(hs, ticket, hint);
  HANDFAST_CHECK(ask_generate_ticket(hs));
  const Session& session = *hs.conn.session;
  return ticket.assign({session.id, session.id_length}) ? success() : malloc_failure();
}

// An empty ticket, which the application's callback wanted, is not sent.
Verdict send_ticket(Handshake& hs) {
  Nonce nonce;
  next_nonce(hs.conn, nonce);
  HANDFAST_CHECK(renew_session(hs, nonce));
  Bytes ticket;
  HANDFAST_CHECK(make_ticket13(hs, ticket));
  ++hs.conn.tickets_sent;
  if (ticket.empty()) return success();
  Bytes block;
  Writer extensions(block);
  HANDFAST_CHECK(write_extensions(hs, kInNewSessionTicket, extensions));
  const Session& session = *hs.conn.session;
  NewSessionTicket13 message;
  message.lifetime =
      static_cast<uint32_t>(std::clamp<long>(session.timeout, 0, NewSessionTicket13::kMaxLifetime));
  message.age_add = session.ticket_age_add;
  message.nonce = nonce;
  message.ticket = ticket.view();
  message.extensions = block.view().subspan(2);
  HANDFAST_CHECK(send(hs, message));
  update_cache(hs.conn);
  return success();
}

}  // namespace

bool protects_from_replay(const Handshake& hs) {
  const Policy& policy = **hs.policy;
  return policy.max_early_data > 0 && (policy.options & SSL_OP_NO_ANTI_REPLAY) == 0;
}

bool stateful_tickets(const Handshake& hs) {
  return ((*hs.policy)->options & SSL_OP_NO_TICKET) != 0 || protects_from_replay(hs);
}

Flow send_tickets(Handshake& hs) {
  size_t count = hs.ticket_expected ? (*hs.policy)->num_tickets : 0;
  if (hs.negotiated->resumed) count = std::min<size_t>(count, 1);
  while (hs.conn.tickets_sent < count) {
    step(hs, TLS_ST_SW_SESSION_TICKET);
    finish(hs);
    hs.conn.in_init = true;
    CHECK(send_ticket(hs));
    co_await pause(hs, Want::flush_ticket);
  }
  co_return success();
}

Flow send_asked_ticket(Handshake& hs) {
  step(hs, TLS_ST_SW_SESSION_TICKET);
  --hs.conn.tickets_asked;
  CHECK(send_ticket(hs));
  co_await pause(hs, Want::flush_ticket);
  co_return success();
}

Verdict accept_ticket13(Handshake& hs, const NewSessionTicket13& message) {
  HANDFAST_CHECK(read_extensions(hs, kInNewSessionTicket, message.extensions));
  HANDFAST_CHECK(take_copy(hs));
  Session& session = *hs.conn.session;
  session.time = std::time(nullptr);
  session.ticket_lifetime_hint = message.lifetime;
  session.ticket_age_add = message.age_add;
  session.max_early_data = hs.ticket_max_early_data;
  if (!session.ticket.assign(message.ticket)) return malloc_failure();
  HANDFAST_CHECK(name_by_ticket(hs, session));
  HANDFAST_CHECK(derive_psk(hs, message.nonce, session));
  update_cache(hs.conn);
  return success();
}

}  // namespace handfast
