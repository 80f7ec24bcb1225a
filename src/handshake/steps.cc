#include "handshake/steps.h"

#include <cstring>

#include "connection/connection.h"
#include "handshake/flight.h"
#include "handshake/receive.h"
#include "handshake/resumption.h"
#include "message/finished.h"

namespace handfast {

void announce(Handshake& hs) {
  call_info(hs.conn, hs.server ? SSL_CB_ACCEPT_LOOP : SSL_CB_CONNECT_LOOP, 1);
}

void step(Handshake& hs, OSSL_HANDSHAKE_STATE state) {
  announce(hs);
  hs.conn.state = state;
}

int message_version(const Handshake& hs) {
  return SSL_version(hs.ssl);
}

Verdict send_scratch(Handshake& hs) {
  if (hs.datagram) return send_datagram_message(hs);
  View whole = hs.scratch.view();
  if (!hs.transcript.add(whole)) return malloc_failure();
  Channel& channel = hs.conn.channel;
  follow_write_settings(hs.conn);
  size_t limit = fragment_limit(hs.conn);
  for (View rest = whole; !rest.empty();) {
    View fragment = rest.first(rest.size() < limit ? rest.size() : limit);
    HANDFAST_CHECK(channel.writer.seal(ContentType::handshake, fragment, channel.output));
    rest = rest.subspan(fragment.size());
  }
  call_message(hs.conn, true, message_version(hs), SSL3_RT_HANDSHAKE, whole);
  return success();
}

Verdict send_change_cipher_spec(Handshake& hs) {
  static constexpr uint8_t kOne[] = {SSL3_MT_CCS};
  if (hs.datagram) return send_datagram_change_cipher_spec(hs);
  Channel& channel = hs.conn.channel;
  HANDFAST_CHECK(channel.writer.seal(ContentType::change_cipher_spec, kOne, channel.output));
  call_message(hs.conn, true, message_version(hs), SSL3_RT_CHANGE_CIPHER_SPEC, kOne);
  return success();
}

Verdict set_read_secret(Handshake& hs, const TrafficSecret& secret) {
  HANDFAST_CHECK(hs.conn.channel.reader.change_keys(*hs.algorithms, *hs.negotiated->suite, secret));
  hs.conn.read_secret = secret;
  return success();
}

Verdict set_write_secret(Handshake& hs, const TrafficSecret& secret) {
  HANDFAST_CHECK(hs.conn.channel.writer.change_keys(*hs.algorithms, *hs.negotiated->suite, secret));
  hs.conn.write_secret = secret;
  return success();
}

Verdict keep_group(Handshake& hs, uint16_t group) {
  hs.negotiated->group = group;
  if (hs.conn.session->group == group) return success();
  if (hs.resuming) {
    SessionRef copy(duplicate(*hs.conn.session, false));
    if (copy == nullptr) return malloc_failure();
    hs.conn.session = static_cast<SessionRef&&>(copy);
  }
  hs.conn.session->group = group;
  return success();
}

void keep_suite(Handshake& hs) {
  if (hs.resuming) return;  // others may have the session too
  Session& session = *hs.conn.session;
  session.cipher = hs.negotiated->suite;
  session.cipher_id = SSL_CIPHER_get_id(session.cipher);
}

Verdict send_finished(Handshake& hs, const TrafficSecret& own) {
  Digest hash;
  Secret& verify_data = hs.negotiated->own_finished;
  if (!hs.transcript.hash(hash) || !own.verify_data(hash.view(), verify_data)) {
    return internal_error();
  }
  Finished finished;
  finished.verify_data = verify_data.view();
  return send(hs, finished);
}

Verdict check_finished(Handshake& hs, const TrafficSecret& peers) {
  // RFC 8446 4.4.4: the last message before a change of keys.
  HANDFAST_CHECK(at_record_boundary(hs));
  Finished finished;
  HANDFAST_CHECK(parse(hs.message.body, finished));
  Digest hash;
  Secret& expected = hs.negotiated->peer_finished;
  if (!hs.transcript.hash(hash) || !peers.verify_data(hash.view(), expected)) {
    return internal_error();
  }
  if (finished.verify_data.size() != expected.size()) {
    return fatal(Alert::decode_error, SSL_R_BAD_DIGEST_LENGTH);
  }
  // RFC 8446 4.4.4: recipients MUST verify, and terminate with decrypt_error otherwise.
  if (!equal_constant_time(finished.verify_data, expected.view())) {
    return fatal(Alert::decrypt_error, SSL_R_DIGEST_CHECK_FAILED);
  }
  return success();
}

Verdict keep_resumption_secret(Handshake& hs, const MasterSecret& master) {
  Digest hash;
  Secret secret;
  if (!hs.transcript.hash(hash) || !master.resumption_master(hash.view(), secret)) {
    return internal_error();
  }
  hs.conn.resumption_secret = secret;
  return success();
}

namespace {

// RFC 8446 appendix C.4: a client should use a ticket once.
void spend_session(Connection& conn) {
  Context& context = *conn.session_ctx;
  if ((context.session_cache_mode & SSL_SESS_CACHE_CLIENT) != 0) {
    remove_session(context, *conn.session);
  }
}

// A handshake with a Finished, not a message after it.
void complete(Handshake& hs) {
  Connection& conn = hs.conn;
  conn.phase = Phase::connected;
  if (hs.datagram) end_datagram_handshake(hs);
  conn.renegotiation.requested = false;
  conn.renegotiation.fresh = false;
  bool client_resumed = !hs.server && hs.negotiated->resumed;
  if (hs.negotiated->version < TLS1_3_VERSION) {
    update_cache(conn);
  } else if (client_resumed) {
    spend_session(conn);
  }
  if (client_resumed) conn.session_ctx->statistics.hit.fetch_add(1, std::memory_order_relaxed);
  auto& statistics = hs.ctx->statistics;
  (hs.server ? statistics.accept_good : statistics.connect_good)
      .fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

void finish(Handshake& hs) {
  bool whole = !hs.completed && (!hs.post_handshake || hs.renegotiating);
  if (whole) complete(hs);
  hs.completed = true;
  hs.conn.in_init = false;
  if (whole || hs.negotiated->version < TLS1_3_VERSION) {
    call_info(hs.conn, SSL_CB_HANDSHAKE_DONE, 1);
  }
}

}  // namespace handfast
