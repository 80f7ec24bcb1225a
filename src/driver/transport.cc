#include "driver/transport.h"

#include <algorithm>

#include "driver/datagram.h"
#include "driver/kernel_tls.h"
#include "driver/retransmission.h"

namespace handfast {
namespace {

constexpr size_t kMaxRecordLength = kRecordHeaderLength + kMaxCiphertextLength;

// Makes the storage long enough for `need` bytes from input_begin on.
bool make_room(Channel& channel, size_t need) {
  size_t left = channel.input_end - channel.input_begin;
  if (channel.input_begin + need > channel.input.size() && channel.input_begin > 0) {
    std::memmove(channel.input.data(), channel.input.data() + channel.input_begin, left);
    channel.input_begin = 0;
    channel.input_end = left;
  }
  return channel.input.size() >= channel.input_begin + need ||
         channel.input.resize(channel.input_begin + need);
}

// The BIO came to its end. RFC 8446 6.1: without close_notify that is truncation.
Verdict end_of_file(Connection& connection) {
  if ((connection.policy->options & SSL_OP_IGNORE_UNEXPECTED_EOF) != 0) {
    connection.shutdown = SSL_RECEIVED_SHUTDOWN;
    connection.warning_alert = SSL_AD_CLOSE_NOTIFY;
    return success();
  }
  return fatal(Alert::decode_error, SSL_R_UNEXPECTED_EOF_WHILE_READING);
}

// The queue has the reason.
Verdict already_failed() {
  return fatal(Alert::none, 0);
}

// Reads at least one byte more, so that `need` bytes may be there. Ok with nothing read: blocked.
Verdict read_some(Connection& connection, size_t need, bool& progress) {
  Channel& channel = connection.channel;
  progress = false;
  if (connection.rbio == nullptr) return internal_error(SSL_R_READ_BIO_NOT_SET);
  const Policy& policy = *connection.policy;
  bool kernel = channel.reader.in_kernel();
  bool ahead = policy.read_ahead != 0 || kernel;  // the kernel gives whole records only
  size_t records = kMaxRecordLength * std::max<size_t>(policy.max_pipelines, 1);
  size_t room = ahead ? std::max({need, records, policy.default_read_buffer_length}) : need;
  if (!make_room(channel, room)) return malloc_failure();
  size_t wanted = ahead ? channel.input.size() - channel.input_end
                        : need - (channel.input_end - channel.input_begin);
  connection.want = SSL_READING;
  int length = BIO_read(connection.rbio, channel.input.data() + channel.input_end,
                        static_cast<int>(std::min<size_t>(wanted, INT_MAX)));
  connection.read_result = length;
  if (length > 0) {
    connection.want = SSL_NOTHING;
    channel.input_end += static_cast<size_t>(length);
    progress = true;
    return success();
  }
  if (kernel && length < 0 && !BIO_should_retry(connection.rbio)) return kernel_read_failure();
  if (!BIO_should_retry(connection.rbio) && BIO_eof(connection.rbio)) {
    return end_of_file(connection);
  }
  return success();
}

// RFC 6347 4.2.4: while we wait for the peer's flight, ours goes again from time to time.
Verdict receive_datagram(Connection& connection, bool& progress) {
  for (;;) {
    int handled = handle_timeout(connection);
    if (connection.phase == Phase::failed) return already_failed();
    if (handled > 0) continue;
    tell_timer(connection);
    HANDFAST_CHECK(read_datagram(connection, progress));
    if (progress) return success();
    if (!BIO_should_retry(connection.rbio) && BIO_eof(connection.rbio)) {
      return end_of_file(connection);
    }
    if (!timer_is_over(connection)) return success();
    if (!connection.in_init) {
      BIO_set_flags(connection.rbio, BIO_FLAGS_READ);
      return success();
    }
  }
}

Verdict receive_more(Connection& connection, size_t need, bool& progress) {
  if (connection.channel.datagram != nullptr) return receive_datagram(connection, progress);
  return read_some(connection, need, progress);
}

}  // namespace

Incoming next_record(Connection& connection, Opened& opened) {
  Channel& channel = connection.channel;
  connection.want = SSL_NOTHING;
  for (;;) {
    opened = channel.reader.open(channel.received());
    channel.input_begin += opened.consumed;
    if (channel.input_begin == channel.input_end) channel.input_begin = channel.input_end = 0;
    switch (opened.kind) {
      case Opened::Kind::record:
        return Incoming::record;
      case Opened::Kind::failed:
        return Incoming::failed;
      case Opened::Kind::skip:
        continue;
      case Opened::Kind::need:
        break;
    }
    bool progress = false;
    opened.verdict = receive_more(connection, opened.need, progress);
    if (!opened.verdict.ok()) return Incoming::failed;
    if (!progress) return Incoming::blocked;
  }
}

void release_input(Connection& connection) {
  Channel& channel = connection.channel;
  if ((connection.policy->mode & SSL_MODE_RELEASE_BUFFERS) != 0 && channel.plaintext.empty() &&
      channel.input_begin == channel.input_end) {
    channel.input.release();
    channel.input_begin = channel.input_end = 0;
  }
}

Outgoing send_output(Connection& connection, bool flush) {
  Channel& channel = connection.channel;
  connection.want = SSL_WRITING;
  if (connection.wbio == nullptr) return Outgoing::blocked;
  if (channel.datagram != nullptr) {
    if (send_datagrams(connection) != Outgoing::sent) return Outgoing::blocked;
  }
  while (channel.unsent()) {
    size_t left = channel.output.size() - channel.output_begin;
    int length = channel.writer.in_kernel()
                     ? write_to_kernel(connection)
                     : BIO_write(connection.wbio, channel.output.data() + channel.output_begin,
                                 static_cast<int>(std::min<size_t>(left, INT_MAX)));
    if (length <= 0) return Outgoing::blocked;
    channel.output_begin += static_cast<size_t>(length);
  }
  channel.output.clear();
  channel.output_begin = 0;
  connection.alert_unsent = false;
  if (flush && BIO_flush(connection.wbio) <= 0) return Outgoing::blocked;
  connection.want = SSL_NOTHING;
  if ((connection.policy->mode & SSL_MODE_RELEASE_BUFFERS) != 0) channel.output.release();
  return Outgoing::sent;
}

}  // namespace handfast
