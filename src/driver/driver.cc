// The single loop that resolves every wait of a handshake flow, and the single place where a
// Verdict becomes an entry of the error queue and an alert.
#include <openssl/err.h>

#include <cerrno>

#include "connection/connection.h"
#include "driver/datagram.h"
#include "driver/driver.h"
#include "driver/kernel_tls.h"
#include "driver/retransmission.h"
#include "driver/transport.h"
#include "handshake/flight.h"
#include "handshake/handshake.h"
#include "handshake/receive.h"
#include "handshake/steps.h"
#include "message/client_hello_v2.h"
#include "wire/writer.h"

namespace handfast {

void DestroyHandshake::operator()(Handshake* handshake) const {
  if (handshake->running) handshake->flow.abandon();
  destroy(handshake);
}

namespace {

enum class Resolved : uint8_t {
  go_on,
  stop,   // the call returns -1
  pause,  // the call returns 1, although the handshake is not over
};

void raise(const Verdict& verdict) {
  if (verdict.reason == 0) return;  // the queue has it already
  ERR_new();
  ERR_set_debug(verdict.file, verdict.line, "");
  if (verdict.library == ERR_LIB_SSL && verdict.reason >= SSL_AD_REASON_OFFSET &&
      verdict.reason < SSL_AD_REASON_OFFSET + 256) {
    ERR_set_error(verdict.library, verdict.reason, "SSL alert number %d",
                  verdict.reason - SSL_AD_REASON_OFFSET);
  } else {
    ERR_set_error(verdict.library, verdict.reason, nullptr);
  }
}

Resolved failed(Connection& connection, const Verdict& verdict) {
  fail(connection, verdict);
  return Resolved::stop;
}

Verdict mixed_records() {
  return fatal(Alert::unexpected_message, SSL_R_MIXED_HANDSHAKE_AND_NON_HANDSHAKE_DATA);
}

Verdict unexpected_message() {
  return fatal(Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE);
}

Verdict bad_change_cipher_spec() {
  return fatal(Alert::unexpected_message, SSL_R_BAD_CHANGE_CIPHER_SPEC);
}

// Data that was on its way when the peer heard of the renegotiation (RFC 5246 7.4.1.1): a reader
// may have it until the hellos have met.
bool may_read_data(const Connection& connection, const Handshake& hs) {
  bool before_hello =
      connection.state == TLS_ST_OK || connection.state == TLS_ST_BEFORE ||
      connection.state == (connection.server ? TLS_ST_SR_CLNT_HELLO : TLS_ST_CW_CLNT_HELLO);
  return hs.post_handshake && connection.reading && connection.renegotiation.total > 0 &&
         before_hello;
}

// RFC 5246 E.2: a hello of SSL 2.0's format stands for one of ours.
Verdict take_v2_hello(Handshake& hs, View hello) {
  Bytes body;
  Verdict converted = convert_v2(hello, body);
  if (!converted.ok()) {
    call_message(hs.conn, false, SSL2_VERSION, 0, hello);
    return converted;
  }
  Bytes message;
  Writer writer(message);
  writer.u8(SSL3_MT_CLIENT_HELLO);
  writer.vector24(body.view());
  bool kept = writer.ok() && hs.v2_hello.assign(hello) && hs.inbox.bytes.append(message.view());
  return kept ? success() : malloc_failure();
}

// One record for a flow that waits for a message.
Resolved take_record(Connection& connection, Handshake& hs, const Opened& opened) {
  Verdict verdict;
  switch (opened.type) {
    case ContentType::handshake:
      connection.warning_alerts = 0;
      if (hs.datagram) {
        verdict = take_fragments(hs, opened.content);
        return verdict.ok() ? Resolved::go_on : failed(connection, verdict);
      }
      if (opened.sslv2) {
        verdict = take_v2_hello(hs, opened.content);
        return verdict.ok() ? Resolved::go_on : failed(connection, verdict);
      }
      if (!hs.inbox.bytes.append(opened.content)) return failed(connection, malloc_failure());
      return Resolved::go_on;
    case ContentType::alert:
      switch (hear_alert(connection, opened.content, verdict)) {
        case Heard::ignored:
          // RFC 8446 5.1: nor an alert that means nothing by itself.
          if (!hs.inbox.rest().empty()) return failed(connection, mixed_records());
          return Resolved::go_on;
        case Heard::closed:
          connection.want = SSL_READING;
          return Resolved::stop;
        case Heard::failed:
          if (verdict.alert == Alert::none) connection.want = SSL_READING;
          return failed(connection, verdict);
      }
      return Resolved::stop;
    case ContentType::change_cipher_spec:
      return failed(connection, is_change_cipher_spec(hs, opened.content)
                                    ? unexpected_message()
                                    : bad_change_cipher_spec());
    case ContentType::application_data:
      if (may_read_data(connection, hs)) {
        if (opened.content.empty()) return Resolved::go_on;  // the one before data of TLS 1.0
        connection.channel.plaintext = opened.content;
        return Resolved::stop;
      }
      return failed(connection, fatal(Alert::unexpected_message, SSL_R_UNEXPECTED_RECORD));
  }
  return Resolved::stop;
}

// Before the hellos nothing but them can come; a client may be told at once that it is refused.
bool fits_beginning(const Connection& connection, ContentType type) {
  if (connection.negotiated.version != 0 || type == ContentType::handshake) return true;
  return !connection.server && type == ContentType::alert;
}

// RFC 8446 6.1: "Any data received after a closure alert has been received MUST be ignored."
Incoming next_record_heard(Connection& connection, Opened& opened) {
  Incoming incoming = next_record(connection, opened);
  bool closed = (connection.shutdown & SSL_RECEIVED_SHUTDOWN) != 0;
  return closed && incoming == Incoming::record ? Incoming::blocked : incoming;
}

// What the application has not read yet of a record comes before the next one.
Incoming next_record_or_rest(Connection& connection, const Handshake& hs, Opened& opened) {
  std::span<uint8_t> rest = connection.channel.plaintext;
  if (rest.empty()) return next_record_heard(connection, opened);
  if (hs.datagram && !may_read_data(connection, hs)) {
    if (hold_rest(connection.channel)) return next_record_heard(connection, opened);
    opened.verdict = malloc_failure();
    return Incoming::failed;
  }
  opened.kind = Opened::Kind::record;
  opened.type = ContentType::application_data;
  opened.content = rest;
  return Incoming::record;
}

// What DTLS does not mind in a handshake (driver/datagram.h), unless a reader may have it.
bool is_set_aside(Connection& connection, const Handshake& hs, const Opened& opened,
                  Verdict& verdict) {
  bool readable = opened.type == ContentType::application_data && may_read_data(connection, hs);
  return !readable && set_aside(connection, opened, verdict);
}

Resolved await_message(Connection& connection, Handshake& hs) {
  while (next_message(hs) == Arrival::incomplete) {
    Opened opened;
    switch (next_record_or_rest(connection, hs, opened)) {
      case Incoming::record:
        break;
      case Incoming::blocked:
        connection.want = SSL_READING;
        return Resolved::stop;
      case Incoming::failed:
        return failed(connection, opened.verdict);
    }
    Verdict verdict;
    if (hs.datagram && is_set_aside(connection, hs, opened, verdict)) {
      if (!verdict.ok()) return failed(connection, verdict);
      continue;
    }
    if (!hs.datagram && !fits_beginning(connection, opened.type)) {
      return failed(connection, fatal(Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE));
    }
    // RFC 8446 5.1: no other record may stand between the parts of a handshake message.
    if (opened.type != ContentType::handshake && opened.type != ContentType::alert &&
        !hs.inbox.rest().empty()) {
      return failed(connection, mixed_records());
    }
    if (take_record(connection, hs, opened) == Resolved::stop) return Resolved::stop;
  }
  return Resolved::go_on;
}

// RFC 5246 7.4.1.1: HelloRequest to a client that is in a handshake; or an empty record.
bool means_nothing(const Connection& connection, View content) {
  static constexpr uint8_t kHelloRequest[] = {SSL3_MT_HELLO_REQUEST, 0, 0, 0};
  return content.empty() || (!connection.server && equal(content, kHelloRequest));
}

// RFC 5246 7.1. What else may come meanwhile is an alert.
Resolved await_change_cipher_spec(Connection& connection, Handshake& hs) {
  const bool either = hs.want == Want::either;
  for (;;) {
    Opened opened;
    if (!hs.inbox.rest().empty()) {
      return either ? Resolved::go_on : failed(connection, unexpected_message());
    }
    switch (next_record_or_rest(connection, hs, opened)) {
      case Incoming::record:
        break;
      case Incoming::blocked:
        connection.want = SSL_READING;
        return Resolved::stop;
      case Incoming::failed:
        return failed(connection, opened.verdict);
    }
    if (opened.type == ContentType::change_cipher_spec) {
      if (!is_change_cipher_spec(hs, opened.content)) {
        return failed(connection, bad_change_cipher_spec());
      }
      if (hs.datagram) {
        call_message(connection, false, SSL_version(&connection), SSL3_RT_CHANGE_CIPHER_SPEC,
                     opened.content.first(1));
        count_change_cipher_spec(hs);
      }
      step(hs, hs.change_state);
      hs.changed = either;
      return Resolved::go_on;
    }
    Verdict verdict;
    if (hs.datagram && is_set_aside(connection, hs, opened, verdict)) {
      if (!verdict.ok()) return failed(connection, verdict);
      continue;
    }
    if (opened.type == ContentType::handshake && !either && !hs.datagram) {
      if (means_nothing(connection, opened.content)) continue;
      return failed(connection, unexpected_message());
    }
    if (take_record(connection, hs, opened) == Resolved::stop) return Resolved::stop;
  }
}

// As a read that has met no data: SSL_CTX_set_mode(3), SSL_MODE_AUTO_RETRY.
Resolved tell_restart(Connection& connection, Handshake& hs) {
  hs.want = Want::nothing;
  connection.want = SSL_READING;
  BIO_clear_retry_flags(connection.rbio);
  BIO_set_retry_read(connection.rbio);
  return Resolved::stop;
}

Resolved send_warning(Connection& connection, Handshake& hs) {
  send_alert(connection, SSL3_AL_WARNING, hs.warning);
  hs.warning = Alert::none;
  return Resolved::go_on;
}

Resolved await_flush(Connection& connection, Handshake& hs) {
  if (send_output(connection, true) != Outgoing::sent) return Resolved::stop;
  if (!hs.datagram) return Resolved::go_on;
  Flight& flight = connection.channel.datagram->flight;
  flight.whole = !flight.messages.empty();
  if (flight.whole && !in_last_flight(hs)) start_timer(connection);
  return Resolved::go_on;
}

// A client may be done before it has read our tickets: what it has sent is worth reading.
Resolved await_ticket_flush(Connection& connection) {
  errno = 0;
  if (send_output(connection, true) == Outgoing::sent) return Resolved::go_on;
  bool gone = errno == EPIPE || errno == ECONNRESET;
  if (!gone || BIO_should_retry(connection.wbio)) return Resolved::stop;
  connection.channel.drop_output();
  return Resolved::go_on;
}

// SSL_read_early_data(3), SSL_write_early_data(3), SSL_stateless(3): for the caller the handshake
// is done until leave_early_data().
Resolved pause_for_early_data(Connection& connection) {
  bool& paused = connection.early_data.paused;
  paused = !paused;
  if (!paused) {
    call_info(connection, SSL_CB_HANDSHAKE_START, 1);
    return Resolved::go_on;
  }
  connection.in_init = false;
  call_info(connection, SSL_CB_HANDSHAKE_DONE, 1);
  return Resolved::pause;
}

// Resolves hs.want, or says that the caller must act.
Resolved resolve(Connection& connection, Handshake& hs) {
  switch (hs.want) {
    case Want::nothing:
      return Resolved::go_on;
    case Want::message:
      return await_message(connection, hs);
    case Want::change_cipher_spec:
    case Want::either:
      return await_change_cipher_spec(connection, hs);
    case Want::restart:
      return tell_restart(connection, hs);
    case Want::warning:
      return send_warning(connection, hs);
    case Want::flush:
      return await_flush(connection, hs);
    case Want::flush_ticket:
      return await_ticket_flush(connection);
    case Want::early_data:
      return pause_for_early_data(connection);
    // The flow has asked the application; the next call of ours asks it again.
    case Want::x509_lookup:
    case Want::client_hello:
    case Want::retry_verify:
      connection.want = hs.want == Want::x509_lookup    ? SSL_X509_LOOKUP
                        : hs.want == Want::client_hello ? SSL_CLIENT_HELLO_CB
                                                        : SSL_RETRY_VERIFY;
      hs.want = Want::nothing;
      return Resolved::stop;
  }
  return Resolved::stop;
}

// As OpenSSL's SSL_clear(3), with which its handshakes begin: only SSL_OP_NO_QUERY_MTU makes that
// settings of before last.
void forget_mtu(Connection& connection) {
  DatagramChannel& datagram = *connection.channel.datagram;
  if ((connection.policy->options & SSL_OP_NO_QUERY_MTU) != 0 || datagram.cookie_requested) return;
  datagram.mtu = 0;
  datagram.link_mtu = 0;
}

bool begin(Connection& connection) {
  connection.handshake.reset(make<Handshake>(connection));
  if (connection.handshake == nullptr) {
    raise(malloc_failure());
    return false;
  }
  Handshake& hs = *connection.handshake;
  hs.post_handshake = connection.phase == Phase::connected;
  if (hs.datagram) connection.channel.datagram->read.keeps_next = true;
  if (hs.post_handshake) {
    if (connection.negotiated.version >= TLS1_3_VERSION) {
      hs.flow = post_handshake(hs);
    } else {
      connection.shutdown = 0;
      call_info(connection, SSL_CB_HANDSHAKE_START, 1);
      hs.flow = renegotiation(hs);
    }
    return true;
  }
  if (hs.datagram) forget_mtu(connection);
  connection.phase = Phase::handshaking;
  connection.state = TLS_ST_BEFORE;  // DTLSv1_listen(3) has said what it has read
  connection.in_init = true;
  connection.shutdown = 0;
  connection.server = connection.role == Role::server;
  call_info(connection, SSL_CB_HANDSHAKE_START, 1);
  hs.flow = connection.server ? server_handshake(hs) : client_handshake(hs);
  return true;
}

// TLS 1.3: what came behind the server's Finished, while early data was written, is read now.
// False: memory.
bool end_handshake(Connection& connection, Handshake& hs) {
  Bytes rest;
  bool tls13 = connection.negotiated.version >= TLS1_3_VERSION;
  bool kept = !tls13 || rest.assign(hs.inbox.rest());
  connection.handshake.reset();
  // A flight is long, what is written later rarely.
  if (connection.channel.datagram != nullptr && !connection.channel.unsent()) {
    connection.channel.output.release();
  }
  if (kept && (rest.empty() || begin_post_handshake(connection, rest.view()))) return true;
  fail(connection, malloc_failure());
  return false;
}

int run(Connection& connection) {
  Handshake& hs = *connection.handshake;
  if (!hs.started) {
    if (hs.datagram && !hs.server && !know_mtu(connection)) return -1;
    hs.started = true;
    hs.running = true;
    hs.flow.start();
    hs.running = false;
  }
  while (!hs.flow.done()) {
    Resolved resolved = resolve(connection, hs);
    if (resolved != Resolved::go_on) return resolved == Resolved::stop ? -1 : 1;
    if (hs.datagram && !know_mtu(connection)) return -1;
    hs.want = Want::nothing;
    connection.want = SSL_NOTHING;
    hs.running = true;
    hs.innermost.resume();
    hs.running = false;
  }
  Verdict verdict = hs.flow.result();
  if (hs.datagram) tell_timer(connection);
  if (verdict.ok()) verdict = leave_to_kernel(connection, hs);
  if (!verdict.ok()) {
    fail(connection, verdict);
    return -1;
  }
  return end_handshake(connection, hs) ? 1 : -1;
}

}  // namespace

void fail(Connection& connection, const Verdict& verdict) {
  raise(verdict);
  connection.error_raised = true;
  bool already = connection.phase == Phase::failed;
  connection.phase = Phase::failed;
  connection.in_init = true;
  if (already || verdict.alert == Alert::none || (connection.shutdown & SSL_SENT_SHUTDOWN) != 0) {
    return;
  }
  send_alert(connection, SSL3_AL_FATAL, verdict.alert);
  connection.want = SSL_NOTHING;
}

int do_handshake(Connection& connection) {
  connection.error_raised = false;
  // TLS_client_method(3) and its siblings have one role only.
  const Method& method = *connection.method;
  if (connection.role == Role::server ? !method.server : !method.client) {
    connection.error_raised = true;
    ERR_raise(ERR_LIB_SSL, ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
    return 0;
  }
  if (connection.phase == Phase::failed || connection.driving) return -1;
  ERR_clear_error();
  connection.want = SSL_NOTHING;
  Entered entered(connection);
  connection.driving = true;
  bool begun = connection.handshake != nullptr || begin(connection);
  int result = begun ? run(connection) : -1;
  connection.driving = false;
  if (!begun) return -1;
  call_info(connection, connection.server ? SSL_CB_ACCEPT_EXIT : SSL_CB_CONNECT_EXIT, result);
  return result;
}

bool begin_post_handshake(Connection& connection, View received) {
  connection.in_init = true;
  if (connection.handshake == nullptr && !begin(connection)) return false;
  return connection.handshake->inbox.bytes.append(received);
}

}  // namespace handfast
