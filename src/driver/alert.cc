#include "driver/transport.h"
#include "session/cache.h"

namespace handfast {
namespace {

constexpr uint8_t kMaxWarningAlerts = 5;

bool is_tls13(const Connection& connection) {
  return connection.negotiated.version == TLS1_3_VERSION;
}

// RFC 5246 7.2.2: after a fatal alert, both sides MUST forget the session of the connection.
void forget_session(Connection& connection) {
  if (connection.session == nullptr) return;
  remove_session(*connection.session_ctx, *connection.session);
}

Heard too_many(Verdict& verdict) {
  verdict = fatal(Alert::unexpected_message, SSL_R_TOO_MANY_WARN_ALERTS);
  return Heard::failed;
}

}  // namespace

Heard hear_alert(Connection& connection, View content, Verdict& verdict) {
  // RFC 8446 5.1: an alert is never split or packed.
  if (content.size() != 2) {
    verdict = fatal(Alert::unexpected_message, SSL_R_INVALID_ALERT);
    return Heard::failed;
  }
  uint8_t level = content[0];
  uint8_t description = content[1];
  call_message(connection, false, SSL_version(&connection), SSL3_RT_ALERT, content);
  call_info(connection, SSL_CB_READ_ALERT, level << 8 | description);
  bool user_canceled =
      is_tls13(connection) && description == static_cast<uint8_t>(Alert::user_canceled);
  if (level == SSL3_AL_WARNING || user_canceled) {
    connection.warning_alert = description;
    if (++connection.warning_alerts == kMaxWarningAlerts) return too_many(verdict);
  }
  // RFC 8446 6.1: user_canceled is followed by close_notify and means nothing by itself.
  if (user_canceled) return Heard::ignored;
  if (description == static_cast<uint8_t>(Alert::close_notify) &&
      (is_tls13(connection) || level == SSL3_AL_WARNING)) {
    connection.shutdown |= SSL_RECEIVED_SHUTDOWN;
    return Heard::closed;
  }
  // RFC 8446 6: every other alert of TLS 1.3 is an error, whatever its level says.
  if (level == SSL3_AL_FATAL || is_tls13(connection)) {
    connection.shutdown |= SSL_RECEIVED_SHUTDOWN;
    forget_session(connection);
    verdict = fatal(Alert::none, SSL_AD_REASON_OFFSET + description);
    return Heard::failed;
  }
  // RFC 5246 7.2.2: "the appropriate action is for the party that initiated the renegotiation to
  // decide"; like OpenSSL's, ours does not go on without it.
  if (description == static_cast<uint8_t>(Alert::no_renegotiation)) {
    verdict = fatal(Alert::handshake_failure, SSL_R_NO_RENEGOTIATION);
    return Heard::failed;
  }
  if (level == SSL3_AL_WARNING) return Heard::ignored;
  verdict = fatal(Alert::illegal_parameter, SSL_R_UNKNOWN_ALERT_TYPE);
  return Heard::failed;
}

void send_alert(Connection& connection, uint8_t level, Alert description) {
  if (level == SSL3_AL_FATAL) forget_session(connection);
  const uint8_t alert[] = {level, static_cast<uint8_t>(description)};
  Channel& channel = connection.channel;
  if (channel.datagram != nullptr && !channel.make_room(sizeof alert)) return;
  if (!channel.writer.seal(ContentType::alert, alert, channel.output).ok()) return;
  connection.alert_unsent = true;
  int want = connection.want;
  if (send_output(connection, false) != Outgoing::sent) return;
  // Whether the BIO below could pass it on at once does not matter to the caller.
  (void)BIO_flush(connection.wbio);
  connection.want = want;
  call_message(connection, true, SSL_version(&connection), SSL3_RT_ALERT, alert);
  call_info(connection, SSL_CB_WRITE_ALERT, level << 8 | alert[1]);
}

}  // namespace handfast
