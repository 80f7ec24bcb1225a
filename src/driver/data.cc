// Application data: SSL_read(3) and SSL_write(3).
#include <openssl/err.h>

#include <algorithm>

#include "connection/connection.h"
#include "driver/datagram.h"
#include "driver/driver.h"
#include "driver/retransmission.h"
#include "driver/transport.h"
#include "handshake/handshake.h"
#include "record/key_limits.h"

namespace handfast {
namespace {

enum class Next : uint8_t { again, data, stop };

int failed(Connection& connection, const Verdict& verdict) {
  fail(connection, verdict);
  return -1;
}

// Handshake messages of DTLS after the handshake: most are stale. True: another has begun.
bool begin_again(Connection& connection, View content, Verdict& verdict) {
  if (misses_last_flight(content)) (void)repeat_flight(connection);
  if (!begins_handshake(connection, content)) return false;
  verdict = begin_post_handshake(connection, {}) ? take_fragments(*connection.handshake, content)
                                                 : malloc_failure();
  return true;
}

// As SSL_CTX_set_mode(3) says: without SSL_MODE_AUTO_RETRY a read that met no data comes back.
bool reads_on(Connection& connection) {
  if ((connection.policy->mode & SSL_MODE_AUTO_RETRY) != 0 ||
      !connection.channel.received().empty()) {
    return true;
  }
  connection.want = SSL_READING;
  BIO_clear_retry_flags(connection.rbio);
  BIO_set_retry_read(connection.rbio);
  return false;
}

// Handshake messages after the handshake. `result` is for the caller when Next::stop.
Next post_handshake_record(Connection& connection, View content, int& result) {
  bool early = connection.early_data.state == EarlyDataState::reading;
  result = -1;
  Verdict begun;
  if (connection.channel.datagram != nullptr) {
    if (!begin_again(connection, content, begun)) {
      bool over = connection.phase == Phase::failed;
      return !over && (!misses_last_flight(content) || reads_on(connection)) ? Next::again
                                                                             : Next::stop;
    }
  } else if (!begin_post_handshake(connection, content)) {
    begun = malloc_failure();
  }
  if (!begun.ok()) {
    result = failed(connection, begun);
    return Next::stop;
  }
  while (connection.in_init) {
    result = do_handshake(connection);
    if (result <= 0) {
      result = -1;
      return Next::stop;
    }
  }
  // What comes behind EndOfEarlyData is not for SSL_read_early_data(3).
  if (early) {
    result = -1;
    return Next::stop;
  }
  result = -1;
  return reads_on(connection) ? Next::again : Next::stop;
}

Next alert_record(Connection& connection, View content, int& result) {
  Verdict verdict;
  switch (hear_alert(connection, content, verdict)) {
    case Heard::ignored:
      return Next::again;
    case Heard::closed:
      result = 0;
      return Next::stop;
    case Heard::failed:
      // The peer's fatal alert ends the connection with 0, an alert of ours with -1.
      result = verdict.alert == Alert::none ? 0 : -1;
      connection.want = SSL_NOTHING;
      fail(connection, verdict);
      return Next::stop;
  }
  return Next::stop;
}

// Data of a client whose Finished is not there yet.
bool is_early(const Connection& connection) {
  return connection.server && connection.early_data.paused;
}

// Reads one record and deals with it; `wants_data` is false when only close_notify is waited for.
Next take_record(Connection& connection, bool wants_data, int& result) {
  Opened opened;
  // Inside a callback of the handshake, or of the record at hand: later.
  if (connection.driving) {
    connection.want = SSL_READING;
    if (connection.rbio != nullptr) BIO_set_retry_read(connection.rbio);
    return Next::stop;
  }
  connection.driving = true;
  Incoming incoming = next_record(connection, opened);
  connection.driving = false;
  switch (incoming) {
    case Incoming::record:
      break;
    case Incoming::blocked:
      result = connection.read_result < 0 ? -1 : 0;
      return Next::stop;
    case Incoming::failed:
      fail(connection, opened.verdict);
      result = connection.read_result == 0 ? 0 : -1;
      return Next::stop;
  }
  if (opened.type != ContentType::alert) connection.warning_alerts = 0;
  switch (opened.type) {
    case ContentType::application_data:
      // Datagrams overtake each other.
      if (!wants_data && connection.channel.datagram != nullptr) return Next::again;
      if (!wants_data) {
        result = failed(connection, fatal(Alert::none, SSL_R_APPLICATION_DATA_AFTER_CLOSE_NOTIFY));
        return Next::stop;
      }
      connection.control_messages = 0;
      if (is_early(connection) && !count_early_data(connection.early_data, opened.content.size())) {
        result = failed(connection, fatal(Alert::unexpected_message, SSL_R_TOO_MUCH_EARLY_DATA));
        return Next::stop;
      }
      connection.channel.plaintext = opened.content;
      return Next::data;
    case ContentType::handshake:
      return post_handshake_record(connection, opened.content, result);
    case ContentType::alert:
      return alert_record(connection, opened.content, result);
    case ContentType::change_cipher_spec:
      if (connection.channel.datagram != nullptr) return Next::again;
      result = failed(connection, fatal(Alert::unexpected_message, SSL_R_CCS_RECEIVED_EARLY));
      return Next::stop;
  }
  return Next::stop;
}

size_t copy_out(Connection& connection, std::span<uint8_t> buffer, bool peek) {
  std::span<uint8_t>& plaintext = connection.channel.plaintext;
  size_t length = std::min(buffer.size(), plaintext.size());
  if (length > 0) std::memcpy(buffer.data(), plaintext.data(), length);
  if (peek) return length;
  if ((connection.policy->options & SSL_OP_CLEANSE_PLAINTEXT) != 0) {
    OPENSSL_cleanse(plaintext.data(), length);
  }
  plaintext = plaintext.subspan(length);
  if (plaintext.empty()) release_input(connection);
  return length;
}

// Drives the handshake when it is not done; 1 when application data may flow.
int ensure_connected(Connection& connection) {
  while (connection.in_init) {
    int result = do_handshake(connection);
    if (result <= 0) return -1;
  }
  return 1;
}

// 1 when there is data, or an empty record for a read of nothing.
int await_data(Connection& connection, bool empty_read) {
  if (connection.channel.plaintext.empty() || connection.in_init) {
    int result = ensure_connected(connection);
    bool over = connection.phase == Phase::failed;
    if (result <= 0 && (over || connection.channel.plaintext.empty())) return result;
  }
  while (connection.channel.plaintext.empty() && !take_early_data(connection.channel)) {
    int result = -1;
    Next next = take_record(connection, true, result);
    if (next == Next::data && empty_read) break;
    if (next == Next::again && ensure_connected(connection) <= 0) {
      // Data that came during a renegotiation.
      if (connection.channel.plaintext.empty()) return -1;
      break;
    }
    if (next == Next::stop && connection.channel.plaintext.empty()) return result;
  }
  return 1;
}

}  // namespace

namespace {

// Is a whole record of application data there?
bool data_waits(Channel& channel) {
  if (channel.datagram != nullptr) return false;
  std::span<uint8_t> received = channel.received();
  return received.size() >= kRecordHeaderLength &&
         received[0] == static_cast<uint8_t>(ContentType::application_data) &&
         received.size() - kRecordHeaderLength >= size_t{received[3]} * 256 + received[4];
}

// SSL_CTX_set_max_pipelines(3): with a cipher that takes several records at once, one read gives
// what is in them all. The cipher gets them one after the other here.
void read_pipelines(Connection& connection, std::span<uint8_t> buffer, size_t& done) {
  Channel& channel = connection.channel;
  for (size_t records = 1; records < connection.policy->max_pipelines; ++records) {
    if (done == buffer.size() || !channel.plaintext.empty() || connection.in_init ||
        !channel.reader.protection().pipelines() || !data_waits(channel)) {
      return;
    }
    int result = 0;
    if (take_record(connection, true, result) != Next::data) return;
    done += copy_out(connection, buffer.subspan(done), false);
  }
}

}  // namespace

int read(Connection& connection, std::span<uint8_t> buffer, bool peek, size_t& done) {
  connection.error_raised = false;
  done = 0;
  if ((connection.shutdown & SSL_RECEIVED_SHUTDOWN) != 0) {
    connection.want = SSL_NOTHING;
    return 0;
  }
  Entered entered(connection);
  start_renegotiation(connection, false);
  if (!peek) leave_early_data(connection, Caller::read);
  connection.reading = true;
  int result = await_data(connection, buffer.empty());
  connection.reading = false;
  if (result <= 0) return result;
  connection.want = SSL_NOTHING;
  if (buffer.empty()) return 0;
  done = copy_out(connection, buffer, peek);
  if (!peek) read_pipelines(connection, buffer, done);
  return 1;
}

bool flush(Connection& connection) {
  connection.error_raised = false;
  return send_output(connection, true) == Outgoing::sent;
}

int await_close_notify(Connection& connection) {
  if (!connection.channel.plaintext.empty()) {
    connection.channel.plaintext = {};
    if (connection.channel.datagram == nullptr) {
      return failed(connection, fatal(Alert::none, SSL_R_APPLICATION_DATA_AFTER_CLOSE_NOTIFY));
    }
  }
  for (;;) {
    int result = -1;
    if (take_record(connection, false, result) == Next::stop) return result;
  }
}

namespace {

// The caller must come back with what it had: SSL_write(3), SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER.
Verdict check_repeated(const Connection& connection, View content) {
  const UnfinishedWrite& write = connection.write;
  if (content.size() < write.done) return internal_error(SSL_R_BAD_LENGTH);
  if (write.sealed == 0) return success();
  if (content.size() < write.done + write.sealed) return internal_error(SSL_R_BAD_LENGTH);
  bool moving = (connection.policy->mode & SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER) != 0;
  if (!moving && content.data() + write.done != write.buffer) {
    return internal_error(SSL_R_BAD_WRITE_RETRY);
  }
  return success();
}

// Sends what lies in the output buffer; the record it ends with counts as done when all has left.
int finish_record(Connection& connection) {
  if (connection.wbio == nullptr) return failed(connection, internal_error(SSL_R_BIO_NOT_SET));
  if (send_output(connection, false) != Outgoing::sent) return -1;
  connection.write.done += connection.write.sealed;
  connection.write.sealed = 0;
  return 1;
}

// `first`: whether an SSL_write(3) begins with this fragment. An empty record in front of it keeps
// the IV of TLS 1.0's CBC chain from being known beforehand (SSL_CTX_set_options(3)).
Verdict seal_data(Connection& connection, View fragment, bool first) {
  RecordWriter& writer = connection.channel.writer;
  bool empty_record = first && writer.wants_empty_record() &&
                      (connection.policy->options & SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS) == 0;
  bool outer = connection.driving;  // SSL_CB_HANDSHAKE_DONE: writing is allowed there
  connection.driving = true;
  Verdict sealed = success();
  if (empty_record) {
    sealed = writer.seal(ContentType::application_data, {}, connection.channel.output);
  }
  if (sealed.ok()) {
    sealed = writer.seal(ContentType::application_data, fragment, connection.channel.output);
  }
  connection.driving = outer;
  return sealed;
}

// RFC 8446 4.2.10: no more than the ticket allows.
Verdict check_early_write(Connection& connection, size_t length) {
  if (connection.early_data.limit == 0) return internal_error();
  return count_early_data(connection.early_data, length)
             ? success()
             : internal_error(SSL_R_TOO_MUCH_EARLY_DATA);
}

// RFC 8446 5.5: keys are renewed before they have protected too much. Ours with a KeyUpdate, the
// peer's by asking for one.
void renew_keys_in_time(Connection& connection) {
  Channel& channel = connection.channel;
  if (connection.phase != Phase::connected || !channel.writer.protection().tls13() ||
      connection.key_update != SSL_KEY_UPDATE_NONE) {
    return;
  }
  const uint64_t limit = key_limits(*channel.writer.protection().suite()).renew;
  if (channel.reader.protection().sequence() >= limit && !connection.key_update_asked) {
    connection.key_update = SSL_KEY_UPDATE_REQUESTED;
    connection.key_update_asked = true;
  } else if (channel.writer.protection().sequence() >= limit) {
    connection.key_update = SSL_KEY_UPDATE_NOT_REQUESTED;
  }
}

// A KeyUpdate or tickets of ours go out between records, never inside an unfinished write. 1, or
// what SSL_get_error needs.
int send_due_messages(Connection& connection) {
  // SSL_write_early_data(3) on a server does not wait for the client's Finished.
  if (connection.early_data.state == EarlyDataState::writing_unauthenticated &&
      connection.phase != Phase::failed) {
    return 1;
  }
  if (connection.write.sealed == 0) {
    renew_keys_in_time(connection);
    bool due = connection.key_update != SSL_KEY_UPDATE_NONE ||
               (connection.tickets_asked > 0 && connection.write.done == 0);
    if (due && !connection.in_init && !begin_post_handshake(connection, {})) {
      return failed(connection, malloc_failure());
    }
  }
  return connection.in_init ? ensure_connected(connection) : 1;
}

}  // namespace

int write(Connection& connection, View content, size_t& done) {
  connection.error_raised = false;
  connection.want = SSL_NOTHING;
  done = 0;
  // Inside a callback of the record at hand: later.
  if (connection.driving && connection.handshake == nullptr) {
    connection.want = SSL_WRITING;
    if (connection.wbio != nullptr) BIO_set_retry_write(connection.wbio);
    return -1;
  }
  Entered entered(connection);
  UnfinishedWrite& unfinished = connection.write;
  leave_early_data(connection, Caller::write);
  Verdict repeated = check_repeated(connection, content);
  if (!repeated.ok()) return failed(connection, repeated);
  if (unfinished.sealed == 0) start_renegotiation(connection, false);
  int result = send_due_messages(connection);
  if (result <= 0) return result;
  if (connection.channel.datagram != nullptr) return write_datagram(connection, content, done);
  // A post-handshake message behind the unfinished record may have taken it along.
  if (connection.channel.unsent() || unfinished.sealed != 0) {
    result = finish_record(connection);
    if (result <= 0) return result;
  }
  EarlyData& early = connection.early_data;
  bool is_early_data = early.state == EarlyDataState::writing;
  if (is_early_data && unfinished.done + unfinished.sealed == 0) {
    Verdict verdict = check_early_write(connection, content.size());
    if (!verdict.ok()) return failed(connection, verdict);
    if (early.refused) {
      done = content.size();
      return 1;
    }
  }
  // Early data is written as a whole: what has left is known to SSL_write_early_data(3) only then.
  bool partial = (connection.policy->mode & SSL_MODE_ENABLE_PARTIAL_WRITE) != 0 && !is_early_data;
  follow_write_settings(connection);
  size_t limit = std::min(fragment_limit(connection), connection.policy->split_send_fragment);
  bool written = false;
  while (unfinished.done < content.size() && !(partial && written)) {
    result = send_due_messages(connection);
    if (result <= 0) return result;
    View fragment = content.subspan(unfinished.done);
    fragment = fragment.first(std::min(fragment.size(), limit));
    Verdict sealed = seal_data(connection, fragment, unfinished.done == 0);
    if (!sealed.ok()) return failed(connection, sealed);
    unfinished.buffer = fragment.data();
    unfinished.sealed = fragment.size();
    result = finish_record(connection);
    if (result <= 0) return result;
    written = true;
  }
  done = unfinished.done;
  unfinished = {};
  return 1;
}

}  // namespace handfast
