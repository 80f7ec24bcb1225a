#include "driver/datagram.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include <algorithm>

#include "driver/driver.h"
#include "message/datagram_handshake_header.h"

namespace handfast {

namespace {

constexpr size_t kMaxDatagram = kDatagramRecordHeaderLength + kMaxCiphertextLength;

size_t overhead(Connection& connection) {
  long bytes = BIO_ctrl(connection.wbio, BIO_CTRL_DGRAM_GET_MTU_OVERHEAD, 0, nullptr);
  return bytes > 0 ? static_cast<size_t>(bytes) : 0;
}

// A datagram of a handshake that is too long for its path is lost like any other.
bool too_long_for_path(Connection& connection) {
  if (BIO_should_retry(connection.wbio) || !connection.in_init ||
      (connection.policy->options & SSL_OP_NO_QUERY_MTU) != 0 ||
      BIO_ctrl(connection.wbio, BIO_CTRL_DGRAM_MTU_EXCEEDED, 0, nullptr) <= 0) {
    return false;
  }
  connection.channel.datagram->mtu = 0;
  return know_mtu(connection);
}

}  // namespace

Verdict read_datagram(Connection& connection, bool& progress) {
  Channel& channel = connection.channel;
  progress = false;
  if (connection.rbio == nullptr) return internal_error(SSL_R_READ_BIO_NOT_SET);
  channel.input_begin = channel.input_end = 0;
  if (!channel.input.resize(kMaxDatagram)) return malloc_failure();
  connection.want = SSL_READING;
  int length = BIO_read(connection.rbio, channel.input.data(), kMaxDatagram);
  connection.read_result = length;
  if (length > 0) {
    connection.want = SSL_NOTHING;
    channel.input_end = static_cast<size_t>(length);
    progress = true;
    return success();
  }
  // Connections that wait have no buffer.
  channel.input.release();
  return success();
}

Outgoing send_datagrams(Connection& connection) {
  Channel& channel = connection.channel;
  DatagramChannel& datagram = *channel.datagram;
  if (!channel.end_datagram()) return Outgoing::blocked;
  for (; datagram.sent < datagram.ends.size(); ++datagram.sent) {
    size_t end = datagram.ends[datagram.sent];
    size_t length = end - channel.output_begin;
    int written = BIO_write(connection.wbio, channel.output.data() + channel.output_begin,
                            static_cast<int>(length));
    if (written <= 0 && !too_long_for_path(connection)) return Outgoing::blocked;
    channel.output_begin = end;
  }
  channel.drop_output();
  return Outgoing::sent;
}

bool know_mtu(Connection& connection) {
  DatagramChannel& datagram = *connection.channel.datagram;
  if (connection.wbio == nullptr) return true;  // who sends says so
  const size_t around = overhead(connection);
  if (datagram.link_mtu != 0) {
    datagram.mtu = datagram.link_mtu - std::min(datagram.link_mtu, around);
    datagram.link_mtu = 0;
  }
  const size_t least = kMinLinkMtu - std::min(kMinLinkMtu, around);
  if (datagram.mtu >= least) return true;
  if ((connection.policy->options & SSL_OP_NO_QUERY_MTU) != 0) return false;
  long asked = BIO_ctrl(connection.wbio, BIO_CTRL_DGRAM_QUERY_MTU, 0, nullptr);
  datagram.mtu = asked > 0 ? static_cast<size_t>(asked) : 0;
  if (datagram.mtu >= least) return true;
  datagram.mtu = least;
  BIO_ctrl(connection.wbio, BIO_CTRL_DGRAM_SET_MTU, static_cast<long>(least), nullptr);
  return true;
}

bool set_aside(Connection& connection, const Opened& opened, Verdict& verdict) {
  DatagramChannel& datagram = *connection.channel.datagram;
  switch (opened.type) {
    case ContentType::handshake:
    case ContentType::alert:
      return false;
    case ContentType::change_cipher_spec:
      return true;
    case ContentType::application_data:
      break;
  }
  if (!connection.channel.reader.protection().active() || opened.content.empty()) return true;
  if (!datagram.early_data.add(opened.content)) verdict = malloc_failure();
  return true;
}

bool take_early_data(Channel& channel) {
  if (channel.datagram == nullptr || channel.datagram->early_data.empty()) return false;
  channel.plaintext = channel.datagram->early_data.take();
  return true;
}

bool hold_rest(Channel& channel) {
  Bytes& held = channel.datagram->held;
  const std::span<uint8_t> rest = channel.plaintext;
  if (rest.data() + rest.size() == held.data() + held.size()) return true;  // it does already
  Bytes copy;
  if (!copy.assign(rest)) return false;
  held = std::move(copy);
  channel.plaintext = held.span();
  return true;
}

bool begins_handshake(const Connection& connection, View record) {
  DatagramHandshakeHeader header;
  return read_header(record, header) &&
         header.type == (connection.server ? SSL3_MT_CLIENT_HELLO : SSL3_MT_HELLO_REQUEST) &&
         header.message_seq == connection.channel.datagram->next_receive;
}

// RFC 6347 4.2.4: whoever has sent the last flight "MUST respond to a retransmit of the peer's last
// flight with a retransmit".
bool misses_last_flight(View record) {
  DatagramHandshakeHeader header;
  return read_header(record, header) && header.type == SSL3_MT_FINISHED;
}

int write_datagram(Connection& connection, View content, size_t& done) {
  if (content.size() > kMaxPlaintextLength) {
    connection.error_raised = true;
    ERR_raise(ERR_LIB_SSL, SSL_R_DTLS_MESSAGE_TOO_BIG);
    return -1;
  }
  if (content.empty()) return 0;
  if (content.size() > fragment_limit(connection)) {
    fail(connection, internal_error(SSL_R_EXCEEDS_MAX_FRAGMENT_SIZE));
    return 0;
  }
  Channel& channel = connection.channel;
  if (channel.unsent() && send_output(connection, false) != Outgoing::sent) return -1;
  Verdict sealed = channel.end_datagram() ? success() : malloc_failure();
  if (sealed.ok()) {
    sealed = channel.writer.seal(ContentType::application_data, content, channel.output);
  }
  if (!sealed.ok()) {
    fail(connection, sealed);
    return -1;
  }
  if (send_output(connection, false) != Outgoing::sent) {
    // As OpenSSL: a datagram that cannot go now is lost, the caller may write it again.
    channel.drop_output();
    return -1;
  }
  done = content.size();
  return 1;
}

}  // namespace handfast
