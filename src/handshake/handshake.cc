#include "handshake/handshake.h"

#include "config/security.h"
#include "handshake/begin.h"

namespace handfast {

Handshake::Handshake(Connection& connection) : conn(connection) {
  ssl = &connection;
  server = connection.role == Role::server;
  ctx = connection.ctx.get();
  algorithms = &connection.ctx->algorithms;
  policy = &connection.policy;
  credentials = &connection.credentials;
  trust = &connection.trust;
  authorities = &connection.authorities;
  hooks = &connection.hooks;
  request = &connection.request;
  negotiated = &connection.negotiated;
}

namespace {

// The lowest version that has a flow.
constexpr uint16_t kLowestFlow = TLS1_3_VERSION;

size_t wire_padding(SSL* ssl, int type, size_t length, void* argument) {
  const Hooks& hooks = *ssl->hooks;
  (void)argument;
  return hooks.record_padding(ssl, type, length, hooks.record_padding_argument);
}

void observe_header(void* context, View header) {
  auto* connection = static_cast<Connection*>(context);
  call_message(*connection, false, 0, SSL3_RT_HEADER, header);
}

void observe_written_header(void* context, View header) {
  auto* connection = static_cast<Connection*>(context);
  call_message(*connection, true, 0, SSL3_RT_HEADER, header);
}

void observe_inner_type(void* context, uint8_t type) {
  auto* connection = static_cast<Connection*>(context);
  call_message(*connection, false, SSL_version(connection), SSL3_RT_INNER_CONTENT_TYPE, {&type, 1});
}

void observe_written_inner_type(void* context, uint8_t type) {
  auto* connection = static_cast<Connection*>(context);
  call_message(*connection, true, SSL_version(connection), SSL3_RT_INNER_CONTENT_TYPE, {&type, 1});
}

// The channel's settings that come from configuration.
void prepare_channel(Handshake& hs) {
  StreamChannel& channel = hs.conn.channel;
  const Hooks& hooks = *hs.conn.hooks;
  channel.reader.set_server(hs.server);
  RecordPadding padding;
  padding.block = (*hs.policy)->block_padding;
  padding.callback = hooks.record_padding != nullptr ? wire_padding : nullptr;
  padding.ssl = hs.ssl;
  channel.writer.set_padding(padding);
  if (hooks.message == nullptr) return;
  channel.reader.set_observer({observe_header, observe_inner_type, hs.ssl});
  channel.writer.set_observer({observe_written_header, observe_written_inner_type, hs.ssl});
}

}  // namespace

Verdict begin_handshake(Handshake& hs) {
  prepare_channel(hs);
  int reason = version_range(*hs.conn.policy, hs.ssl, hs.conn.method->min_version,
                             hs.conn.method->max_version, hs.min_version, hs.max_version);
  if (hs.min_version < kLowestFlow) hs.min_version = kLowestFlow;
  if (reason != 0 || hs.max_version < hs.min_version) {
    return fatal(Alert::protocol_version, SSL_R_NO_PROTOCOLS_AVAILABLE);
  }
  auto& statistics = hs.ctx->statistics;
  (hs.server ? statistics.accept : statistics.connect).fetch_add(1, std::memory_order_relaxed);
  return success();
}

Verdict begin_session(Handshake& hs) {
  Session* session = new_session();
  if (session == nullptr) return malloc_failure();
  hs.conn.session.reset(session);
  session->version = hs.negotiated->version;
  session->cipher = hs.negotiated->suite;
  session->cipher_id = SSL_CIPHER_get_id(session->cipher);
  session->group = hs.negotiated->group;
  session->timeout = hs.conn.session_ctx->session_timeout;
  const Policy& policy = **hs.policy;
  std::memcpy(session->id_context, policy.id_context, policy.id_context_length);
  session->id_context_length = policy.id_context_length;
  return success();
}

}  // namespace handfast
