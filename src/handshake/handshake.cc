#include "handshake/handshake.h"

#include "config/security.h"
#include "handshake/begin.h"
#include "wire/version.h"

namespace handfast {

Handshake::Handshake(Connection& connection) : conn(connection) {
  ssl = &connection;
  server = connection.role == Role::server;
  datagram = connection.method->datagram;
  follow_context();
  // The secrets that stay after the handshake borrow from it: a context that never changes.
  algorithms = &connection.session_ctx->algorithms;
  policy = &connection.policy;
  credentials = &connection.credentials;
  trust = &connection.trust;
  authorities = &connection.authorities;
  hooks = &connection.hooks;
  request = &connection.request;
  negotiated = &connection.negotiated;
  ct_enabled = connection.transparency.callback != nullptr;
}

void Handshake::follow_context() {
  ctx = conn.ctx.get();
  up_ref(ctx);
  held_ctx.reset(ctx);
}

namespace {

// SSL_CTX_set_msg_callback(3): a header is shown with the version that stands in it; over datagrams
// OpenSSL tells none.
void show_header(Connection& connection, bool written, View header) {
  int version = connection.method->datagram ? 0 : header[1] << 8 | header[2];
  call_message(connection, written, version, SSL3_RT_HEADER, header);
}

void observe_header(void* context, View header) {
  show_header(*static_cast<Connection*>(context), false, header);
}

void observe_written_header(void* context, View header) {
  show_header(*static_cast<Connection*>(context), true, header);
}

void observe_inner_type(void* context, uint8_t type) {
  call_message(*static_cast<Connection*>(context), false, TLS1_3_VERSION,
               SSL3_RT_INNER_CONTENT_TYPE, {&type, 1});
}

// OpenSSL tells the version of the record here.
void observe_written_inner_type(void* context, uint8_t type) {
  call_message(*static_cast<Connection*>(context), true, TLS1_2_VERSION, SSL3_RT_INNER_CONTENT_TYPE,
               {&type, 1});
}

void prepare_channel(Handshake& hs) {
  Channel& channel = hs.conn.channel;
  channel.reader.set_server(hs.server);
  channel.reader.set_observer({observe_header, observe_inner_type, hs.ssl});
  channel.writer.set_observer({observe_written_header, observe_written_inner_type, hs.ssl});
  if (!hs.datagram) return;
  // OpenSSL's records say DTLS 1.0 until the version is known.
  const Method& method = *hs.conn.method;
  channel.writer.set_record_version(
      static_cast<uint16_t>(method.flexible() ? DTLS1_VERSION : method.version));
}

// A client offers a range, which has no holes; a server takes what it has beyond one too.
uint16_t highest_version(const Handshake& hs) {
  uint16_t highest = hs.max_version;
  bool fixed = !hs.conn.method->flexible();
  if (hs.datagram) return highest;
  for (uint16_t version = highest; !fixed && version <= TLS1_3_VERSION; ++version) {
    if (version_allowed(*hs.conn.policy, hs.ssl, version)) highest = version;
  }
  return highest;
}

// SSL_OP_CISCO_ANYCONNECT of SSL_CTX_set_options(3).
bool asks_for_prestandard(const Handshake& hs) {
  return hs.conn.method->version == DTLS1_VERSION &&
         ((*hs.policy)->options & SSL_OP_CISCO_ANYCONNECT) != 0;
}

// Its records have a version of another family, and it is known from the start.
void speak_prestandard(Handshake& hs) {
  hs.conn.channel.reader.set_version(TLS1_VERSION);
  hs.conn.channel.writer.set_record_version(DTLS1_BAD_VER);
}

}  // namespace

Verdict begin_handshake(Handshake& hs) {
  auto& statistics = hs.ctx->statistics;
  // Before anything else, of the version at hand: the method's highest, or the one in use.
  if (!allowed(*hs.conn.policy, hs.ssl, nullptr, SSL_SECOP_VERSION, 0, current_version(hs.conn),
               nullptr)) {
    return fatal(Alert::none, ERR_R_INTERNAL_ERROR);
  }
  if (hs.renegotiating) {
    // RFC 5746 changes keys, never the version.
    hs.min_version = hs.max_version = hs.negotiated->version;
    (hs.server ? statistics.accept_renegotiate : statistics.connect_renegotiate)
        .fetch_add(1, std::memory_order_relaxed);
    return success();
  }
  prepare_channel(hs);
  int reason = version_range(*hs.conn.policy, hs.ssl, hs.conn.method->min_version,
                             hs.conn.method->max_version, hs.min_version, hs.max_version);
  hs.min_version = tls_version(hs.min_version);
  hs.max_version = tls_version(hs.max_version);
  if (asks_for_prestandard(hs)) hs.min_version = hs.max_version = TLS1_VERSION;
  bool prestandard = is_prestandard(hs.datagram, hs.max_version);
  if (prestandard) speak_prestandard(hs);
  if (reason != 0 || hs.max_version < hs.min_version || (prestandard && hs.server)) {
    return fatal(Alert::protocol_version, SSL_R_NO_PROTOCOLS_AVAILABLE);
  }
  if (hs.server) hs.max_version = highest_version(hs);
  (hs.server ? statistics.accept : statistics.connect).fetch_add(1, std::memory_order_relaxed);
  return success();
}

void begin_records12(Handshake& hs) {
  hs.conn.channel.reader.set_version(hs.negotiated->version);
  hs.conn.channel.reader.allow_change_cipher_spec(false);
  hs.conn.channel.writer.set_record_version(wire_version(hs.datagram, hs.negotiated->version));
}

void keep_agreed(Handshake& hs) {
  hs.negotiated->encrypt_then_mac = hs.encrypt_then_mac;
  hs.negotiated->extended_master_secret = hs.extended_master_secret;
  if (!hs.resuming && hs.extended_master_secret) {
    hs.conn.session->flags |= kSessionExtendedMasterSecret;
  }
}

Verdict begin_session(Handshake& hs) {
  Session* session = new_session();
  if (session == nullptr) return malloc_failure();
  hs.conn.session.reset(session);
  session->version = wire_version(hs.datagram, hs.negotiated->version);
  session->group = hs.negotiated->group;
  session->verify_result = X509_V_OK;
  long timeout = hs.conn.session_ctx->session_timeout;
  session->timeout = timeout == 0 ? kDefaultSessionTimeout : timeout;
  const Policy& policy = **hs.policy;
  std::memcpy(session->id_context, policy.id_context, policy.id_context_length);
  session->id_context_length = policy.id_context_length;
  hold_max_fragment_length(hs);
  // SSL_set_session_ticket_ext: the application's own ticket, until the server sends another.
  bool tickets = !hs.server && (policy.options & SSL_OP_NO_TICKET) == 0;
  if (!tickets || session->ticket.assign(hs.request->session_ticket.view())) return success();
  return malloc_failure();
}

void hold_max_fragment_length(Handshake& hs) {
  // "including session resumptions", whose session other connections may have as well.
  Session& session = *hs.conn.session;
  if (hs.resuming) {
    hs.max_fragment_length_mode = SSL_SESSION_get_max_fragment_length(&session);
  } else {
    session.max_fragment_length_mode = hs.max_fragment_length_mode;
  }
  uint8_t mode = hs.max_fragment_length_mode;
  if (mode < TLSEXT_max_fragment_length_512 || mode > TLSEXT_max_fragment_length_4096) return;
  hs.conn.channel.reader.set_max_plaintext(size_t{512} << (mode - 1));
}

}  // namespace handfast
