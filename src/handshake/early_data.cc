#include "handshake/early_data.h"

#include <algorithm>

#include "handshake/receive.h"
#include "handshake/steps.h"
#include "message/end_of_early_data.h"

namespace handfast {
namespace {

constexpr Expect kEndOfEarlyData[] = {
    {SSL3_MT_END_OF_EARLY_DATA, TLS_ST_SR_END_OF_EARLY_DATA, EndOfEarlyData::kMaxLength},
};

bool lists(View protocols, View protocol) {
  Reader reader(protocols);
  View name;
  while (reader.vector8(name)) {
    if (equal(name, protocol)) return true;
  }
  return false;
}

// RFC 8446 4.2.10: what the data was meant for must be what the session was made for.
Verdict check_consistency(const Handshake& hs, const Session& session) {
  const char* name = hs.request->server_name.get();
  const char* sessions_name = session.hostname.get();
  if (sessions_name != nullptr && (name == nullptr || std::strcmp(name, sessions_name) != 0)) {
    return internal_error(SSL_R_INCONSISTENT_EARLY_DATA_SNI);
  }
  if (!session.alpn.empty() && !lists((*hs.policy)->alpn.view(), session.alpn.view())) {
    return internal_error(SSL_R_INCONSISTENT_EARLY_DATA_ALPN);
  }
  return success();
}

}  // namespace

bool sends_early_data(const Handshake& hs) {
  return hs.conn.early_data.state == EarlyDataState::connecting;
}

bool sent_early_data(const Handshake& hs) {
  const EarlyData& early = hs.conn.early_data;
  return goes_on_writing(early) || early.state == EarlyDataState::finished_writing;
}

namespace {

// The session allows early data, but its ticket is too old to be offered: for the application this
// is the same as a server that refuses.
void refuse_early_data(Handshake& hs) {
  const Session& session = *hs.conn.session;
  if (session.version != TLS1_3_VERSION || session.max_early_data == 0) return;
  hs.conn.early_data.limit = session.max_early_data;
  hs.conn.early_data.refused = true;
  hs.negotiated->early_data_status = SSL_EARLY_DATA_REJECTED;
}

}  // namespace

Verdict offer_early_data(Handshake& hs) {
  hs.early_data = false;
  if (!sends_early_data(hs) || hs.hello_retry_request) return success();
  if (hs.psks.empty()) {
    refuse_early_data(hs);
    return success();
  }
  // The data is protected with the first key: it has to be the one that allows it.
  if (hs.psks[0].session->max_early_data == 0) std::swap(hs.psks[0], hs.psks[hs.psks.size() - 1]);
  const Session& session = *hs.psks[0].session;
  hs.conn.early_data.limit = session.max_early_data;
  if (session.max_early_data == 0) return success();
  hs.early_data = true;
  return check_consistency(hs, session);
}

Verdict begin_early_data(Handshake& hs) {
  const Session& session = *hs.psks[0].session;
  const EVP_MD* md = hs.algorithms->hash(session.cipher->hash);
  EarlySecret early;
  TrafficSecret client;
  if (!early.start(md, session.master_key.view())) return internal_error();
  HANDFAST_CHECK(derive_early_secrets(hs, md, early, client));
  return hs.conn.channel.writer.change_keys(*hs.algorithms, *session.cipher, client);
}

Verdict end_early_data(Handshake& hs) {
  step(hs, TLS_ST_CW_END_OF_EARLY_DATA);
  HANDFAST_CHECK(send(hs, EndOfEarlyData()));
  return set_write_secret(hs, hs.client_secret);
}

namespace {

// RFC 8446 4.2.10: "the same [...] cipher suite and ALPN protocol".
bool is_consistent(const Handshake& hs) {
  const Session& session = *hs.conn.session;
  return session.cipher == hs.negotiated->suite &&
         equal(session.alpn.view(), hs.negotiated->alpn.view());
}

bool is_allowed(const Handshake& hs) {
  const Hooks& hooks = **hs.hooks;
  return hooks.allow_early_data == nullptr ||
         hooks.allow_early_data(hs.ssl, hooks.allow_early_data_argument) != 0;
}

}  // namespace

void judge_early_data(Handshake& hs) {
  hs.early_data = false;
  if (!hs.offers.early_data) return;
  EarlyData& early = hs.conn.early_data;
  const Policy& policy = **hs.policy;
  early.limit = policy.recv_max_early_data;
  hs.early_data = policy.max_early_data > 0 && hs.resuming && hs.early_data_possible &&
                  early.state == EarlyDataState::accepting && !hs.retry_needed &&
                  !hs.hello_retry_request && hs.conn.session->max_early_data > 0 &&
                  is_consistent(hs) && is_allowed(hs);
  if (hs.early_data) early.limit = std::min(early.limit, hs.conn.session->max_early_data);
  hs.negotiated->early_data_status =
      hs.early_data ? SSL_EARLY_DATA_ACCEPTED : SSL_EARLY_DATA_REJECTED;
}

Flow receive_early_data(Handshake& hs) {
  CHECK(co_await receive(hs, kEndOfEarlyData));
  EndOfEarlyData message;
  CHECK(parse(hs.message.body, message));
  // RFC 8446 5.1: keys change behind it.
  CHECK(at_record_boundary(hs));
  CHECK(absorb(hs));
  hs.conn.early_data.state = EarlyDataState::finished_reading;
  log_secret(hs.conn, "CLIENT_HANDSHAKE_TRAFFIC_SECRET", hs.client_secret.view());
  CHECK(set_read_secret(hs, hs.client_secret));
  co_return success();
}

Verdict derive_early_secrets(Handshake& hs, const EVP_MD* md, const EarlySecret& early,
                             TrafficSecret& client) {
  Digest hash;
  if (!hs.transcript.hash_with(md, {}, hash) ||
      !early.early_exporter_master(hash.view(), hs.conn.early_exporter) ||
      !early.client_early_traffic(hash.view(), client)) {
    return internal_error();
  }
  log_secret(hs.conn, "EARLY_EXPORTER_SECRET", hs.conn.early_exporter.view());
  log_secret(hs.conn, "CLIENT_EARLY_TRAFFIC_SECRET", client.view());
  return success();
}

}  // namespace handfast
