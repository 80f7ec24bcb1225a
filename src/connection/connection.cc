#include "connection/connection.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstring>

#include "wire/version.h"

namespace handfast {

namespace {

// libcrypto cannot end a job that waits: it will never run again, and its stack is lost.
void abandon_job(Connection& connection) {
  Job& job = connection.job;
  if (!job.waits()) return;
  connection.entered = static_cast<uint8_t>(connection.entered - job.entered);
  connection.driving = false;
  connection.reading = false;
  job = Job();
}

// Is an API call on the stack? One that waits on a fibre is not.
bool is_entered(const Connection& connection) {
  return connection.entered > connection.job.entered;
}

void free_now(Connection* connection) {
  // The application's ex_data may look at the connection: it goes first.
  CRYPTO_free_ex_data(CRYPTO_EX_INDEX_SSL, connection, &connection->ex_data);
  abandon_job(*connection);
  connection->handshake.reset();
  BIO_free_all(connection->wbio);
  BIO_free_all(connection->rbio);
  drop_bad_session(*connection);
  destroy(connection);
}

// Back to the state before the first message, with everything unprotected.
void forget_handshake(Connection& connection) {
  abandon_job(connection);
  connection.handshake.reset();
  connection.phase = Phase::before;
  connection.state = TLS_ST_BEFORE;
  connection.in_init = true;
  (void)connection.channel.restart(connection.channel.datagram != nullptr);  // needs no memory
  connection.read_secret = TrafficSecret();
  connection.write_secret = TrafficSecret();
  connection.exporter = ExporterSecret();
  connection.early_exporter = ExporterSecret();
  connection.resumption_secret.wipe();
  connection.ticket_nonce = connection.tickets_sent = connection.tickets_asked = 0;
  connection.early_data = EarlyData();
  connection.key_update = SSL_KEY_UPDATE_NONE;
  connection.key_update_asked = false;
  connection.control_messages = 0;
  connection.renegotiation = Renegotiation();
  connection.certificate_requests = 0;
  connection.post_auth.reset();
}

void share(Connection& connection, Context* context) {
  up_ref(context);
  connection.ctx.reset(context);
  up_ref(context);
  connection.session_ctx.reset(context);
  connection.method = context->method;
  connection.server = context->method->server;
  connection.policy = context->policy;
  connection.credentials = context->credentials;
  connection.trust = context->trust;
  connection.hooks = context->hooks;
  connection.dane.flags = context->dane.flags;
}

// What the application got from SSL_CTX_get0_param(3) stays the context's alone.
bool separate_trust(Connection& connection) {
  return !connection.trust->param_exposed || connection.trust.edit() != nullptr;
}

// With SCTs from a stapled OCSP response, which is asked for.
bool follow_transparency(Connection& connection, const CtSettings& settings) {
  return settings.callback == nullptr ||
         SSL_set_ct_validation_callback(&connection, settings.callback, settings.argument) == 1;
}

bool same_id_context(const Policy& a, const Policy& b) {
  return a.id_context_length == b.id_context_length &&
         std::memcmp(a.id_context, b.id_context, a.id_context_length) == 0;
}

bool same(const Array<uint16_t>& a, const Array<uint16_t>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

// The settings that are a part of the credentials for the application, and so follow them.
bool same_certificate_settings(const Policy& a, const Policy& b) {
  return a.security_level == b.security_level && a.security_callback == b.security_callback &&
         a.security_ex_data == b.security_ex_data && a.certificate_flags == b.certificate_flags &&
         same(a.signature_schemes, b.signature_schemes) &&
         same(a.client_signature_schemes, b.client_signature_schemes) &&
         equal(a.client_certificate_types.view(), b.client_certificate_types.view());
}

bool copy_certificate_settings(Policy& to, const Policy& from) {
  to.security_level = from.security_level;
  to.security_callback = from.security_callback;
  to.security_ex_data = from.security_ex_data;
  to.certificate_flags = from.certificate_flags;
  return to.signature_schemes.assign(from.signature_schemes.view()) &&
         to.client_signature_schemes.assign(from.client_signature_schemes.view()) &&
         to.client_certificate_types.assign(from.client_certificate_types.view());
}

}  // namespace

Connection* new_connection(Context* context) {
  auto* connection = make<Connection>();
  if (connection == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return nullptr;
  }
  share(*connection, context);
  if (!connection->channel.restart(context->method->datagram) || !separate_trust(*connection) ||
      !copy_srp(context->srp.get(), connection->request.srp) ||
      !follow_transparency(*connection, context->transparency) ||
      CRYPTO_new_ex_data(CRYPTO_EX_INDEX_SSL, connection, &connection->ex_data) != 1) {
    destroy(connection);
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return nullptr;
  }
  return connection;
}

// RFC 5246 section 7.2.1.
void drop_bad_session(Connection& connection) {
  if (connection.session == nullptr || connection.in_init ||
      (connection.shutdown & SSL_SENT_SHUTDOWN) != 0) {
    return;
  }
  connection.session->not_resumable = true;
  remove_session(*connection.session_ctx, *connection.session);
  connection.session.reset();
}

void free_connection(Connection* connection) {
  if (connection == nullptr || connection->references.fetch_sub(1, std::memory_order_acq_rel) > 1) {
    return;
  }
  if (is_entered(*connection)) {
    connection->doomed = true;
    return;
  }
  free_now(connection);
}

Entered::~Entered() {
  --connection_.entered;
  if (connection_.doomed && !is_entered(connection_)) free_now(&connection_);
}

void set_role(Connection& connection, Role role) {
  connection.role = role;
  connection.server = role == Role::server;
  connection.shutdown = 0;
  // In a callback of this very handshake its frames are still on the stack.
  if (!is_entered(connection)) forget_handshake(connection);
}

int current_version(const Connection& connection) {
  const Negotiated& negotiated = connection.negotiated;
  const Method& method = *connection.method;
  if (negotiated.version != 0) return wire_version(method.datagram, negotiated.version);
  if (negotiated.offered_version != 0) {
    return wire_version(method.datagram, negotiated.offered_version);
  }
  // What the system's library says before it knows; for TLS it is the highest version.
  if (method.version == DTLS_ANY_VERSION) return DTLS1_2_VERSION;
  return method.version == TLS_ANY_VERSION ? TLS1_3_VERSION : method.version;
}

bool switch_context(Connection& connection, Context* context) {
  if (context == nullptr) context = connection.session_ctx.get();
  if (connection.ctx.get() == context) return true;
  const Policy& next = *context->policy;
  // A session id context of the connection's own stays.
  bool follow_id = same_id_context(*connection.policy, *connection.ctx->policy) &&
                   !same_id_context(*connection.policy, next);
  if (follow_id || !same_certificate_settings(*connection.policy, next)) {
    Cow<Policy> policy = connection.policy;
    Policy* edited = policy.edit();
    if (edited == nullptr || !copy_certificate_settings(*edited, next)) {
      ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
      return false;
    }
    if (follow_id) {
      std::memcpy(edited->id_context, next.id_context, sizeof next.id_context);
      edited->id_context_length = next.id_context_length;
    }
    connection.policy = policy;
  }
  connection.credentials = context->credentials;
  up_ref(context);
  connection.ctx.reset(context);
  return true;
}

bool start_renegotiation(Connection& connection, bool initiated) {
  Renegotiation& renegotiation = connection.renegotiation;
  Channel& channel = connection.channel;
  if (!renegotiation.due || !channel.received().empty() || channel.unsent() ||
      (connection.in_init && !initiated)) {
    return false;
  }
  renegotiation.due = false;
  renegotiation.starts = true;
  ++renegotiation.count;
  ++renegotiation.total;
  connection.in_init = true;
  return true;
}

namespace {

// `channel` becomes one for the method to come, with what the application has set for datagrams.
bool follow_datagrams(Channel& channel, Connection& connection) {
  bool datagrams = connection.ctx->method->datagram;
  if (!channel.restart(datagrams)) return false;
  const DatagramChannel* before = connection.channel.datagram.get();
  if (datagrams && before != nullptr) channel.datagram->keep_settings(*before);
  return true;
}

}  // namespace

bool clear(Connection& connection) {
  if (connection.method == nullptr) {
    ERR_raise(ERR_LIB_SSL, SSL_R_NO_METHOD_SPECIFIED);
    return false;
  }
  // What runs a callback now, a handshake or a record, cannot be taken away from under it.
  if (is_entered(connection)) {
    ERR_raise(ERR_LIB_SSL, ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
    return false;
  }
  // As OpenSSL does where a version was negotiated: SRP is again what the context has.
  if (connection.negotiated.version != 0 && connection.method->flexible() &&
      !copy_srp(connection.ctx->srp.get(), connection.request.srp)) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return false;
  }
  Channel channel;
  if (!follow_datagrams(channel, connection)) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return false;
  }
  drop_bad_session(connection);
  forget_handshake(connection);
  connection.method = connection.ctx->method;
  connection.channel = std::move(channel);
  connection.write = UnfinishedWrite();
  // As in OpenSSL the client's list stays until the next ClientHello (SSL_get_client_ciphers(3)).
  Bytes peer_cipher_suites = std::move(connection.negotiated.peer_cipher_suites);
  connection.negotiated = Negotiated();
  connection.negotiated.peer_cipher_suites = std::move(peer_cipher_suites);
  connection.want = SSL_NOTHING;
  connection.shutdown = 0;
  connection.error_raised = false;
  connection.warning_alert = 0;
  connection.read_result = 1;
  connection.alert_unsent = false;
  connection.warning_alerts = 0;
  connection.dane.forget_match();
  connection.scts.reset();
  // Where a name was found, verification has made the parameters the connection's own.
  if (X509_VERIFY_PARAM_get0_peername(connection.trust->param.get()) != nullptr) {
    X509_VERIFY_PARAM_move_peername(connection.trust->param.get(), nullptr);
  }
  return true;
}

}  // namespace handfast
