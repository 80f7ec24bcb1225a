// Small steps that all flows share: states, sending, keys.
#pragma once

#include "crypto/key_schedule.h"
#include "handshake/handshake.h"
#include "message/handshake_header.h"
#include "record/protection.h"

namespace handfast {

// The info callback's SSL_CB_CONNECT_LOOP / ACCEPT_LOOP, which comes before each change of state.
void announce(Handshake& hs);
// announce(), then the new state (SSL_get_state).
void step(Handshake& hs, OSSL_HANDSHAKE_STATE state);
// Version that message callbacks are told.
int message_version(const Handshake& hs);

// Seals hs.scratch, a whole message, into the output and adds it to the transcript.
[[nodiscard]] Verdict send_scratch(Handshake& hs);
template <typename M>
[[nodiscard]] Verdict send(Handshake& hs, const M& message) {
  hs.scratch.clear();
  if (!build_message(message, hs.scratch)) return malloc_failure();
  return send_scratch(hs);
}
// RFC 8446 appendix D.4: the dummy change_cipher_spec of middlebox compatibility mode.
[[nodiscard]] Verdict send_change_cipher_spec(Handshake& hs);

[[nodiscard]] Verdict set_read_secret(Handshake& hs, const TrafficSecret& secret);
[[nodiscard]] Verdict set_write_secret(Handshake& hs, const TrafficSecret& secret);

// TLS 1.3: the group of (EC)DHE is the session's, which is copied first where others have it.
[[nodiscard]] Verdict keep_group(Handshake& hs, uint16_t group);
// TLS 1.3: keys are in use from here on, and so the suite is the session's
// (SSL_get_current_cipher).
void keep_suite(Handshake& hs);

// RFC 8446 4.4.4.
[[nodiscard]] Verdict send_finished(Handshake& hs, const TrafficSecret& own);
[[nodiscard]] Verdict check_finished(Handshake& hs, const TrafficSecret& peers);

// RFC 8446 7.1: resumption_master_secret, over the whole handshake, for the tickets to come.
[[nodiscard]] Verdict keep_resumption_secret(Handshake& hs, const MasterSecret& master);

// The handshake is done: callbacks, statistics. Once only; a second call ends what followed.
void finish(Handshake& hs);

}  // namespace handfast
