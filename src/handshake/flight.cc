#include "handshake/flight.h"

#include <algorithm>

#include "handshake/steps.h"
#include "message/datagram_handshake_header.h"
#include "wire/version.h"

namespace handfast {

namespace {

// A fragment that holds at least a byte of body, or all of it, goes where there is room.
Verdict find_room(Channel& channel, size_t& length) {
  length = channel.fitting(channel.room());
  if (length > kDatagramHandshakeHeaderLength) return success();
  if (!channel.end_datagram()) return malloc_failure();
  length = channel.fitting(channel.room());
  return length > kDatagramHandshakeHeaderLength ? success() : internal_error();
}

Verdict put_fragments(Connection& connection, View whole) {
  Channel& channel = connection.channel;
  DatagramHandshakeHeader header;
  if (!read_header(whole, header)) return internal_error();
  View rest = whole.subspan(kDatagramHandshakeHeaderLength);
  Bytes fragment;
  do {
    size_t length = 0;
    HANDFAST_CHECK(find_room(channel, length));
    length = std::min(
        {length, fragment_limit(connection), kDatagramHandshakeHeaderLength + rest.size()});
    length -= kDatagramHandshakeHeaderLength;
    header.fragment_length = static_cast<uint32_t>(length);
    fragment.clear();
    Writer writer(fragment);
    write_header(header, writer);
    writer.bytes(rest.first(length));
    if (!writer.ok()) return malloc_failure();
    HANDFAST_CHECK(channel.writer.seal(ContentType::handshake, fragment.view(), channel.output));
    header.fragment_offset += static_cast<uint32_t>(length);
    rest = rest.subspan(length);
  } while (!rest.empty());
  return success();
}

Verdict put_in_epoch(Connection& connection, const SentMessage& message) {
  if (message.type == ContentType::handshake) {
    return put_fragments(connection, message.bytes.view());
  }
  Channel& channel = connection.channel;
  if (!channel.make_room(message.bytes.size())) return malloc_failure();
  return channel.writer.seal(message.type, message.bytes.view(), channel.output);
}

// The message in hs.scratch with the header of DTLS (RFC 6347 4.2.2).
Verdict number_message(Handshake& hs, Bytes& whole) {
  View message = hs.scratch.view();
  DatagramHandshakeHeader header;
  header.type = message[0];
  header.length = static_cast<uint32_t>(message.size() - kHandshakeHeaderLength);
  header.fragment_length = header.length;
  header.message_seq = hs.conn.channel.datagram->next_send++;
  Writer writer(whole);
  write_header(header, writer);
  writer.bytes(message.subspan(kHandshakeHeaderLength));
  return writer.ok() ? success() : malloc_failure();
}

}  // namespace

Verdict put_into_datagrams(Connection& connection, const SentMessage& message) {
  Channel& channel = connection.channel;
  bool before = message.epoch != channel.datagram->write.epoch;
  if (before) channel.writer.swap_epochs();
  Verdict verdict = put_in_epoch(connection, message);
  if (before) channel.writer.swap_epochs();
  HANDFAST_CHECK(verdict);
  call_message(connection, true, SSL_version(&connection), static_cast<int>(message.type),
               message.bytes.view());
  return success();
}

Verdict send_in_flight(Handshake& hs, ContentType type, View whole) {
  DatagramChannel& datagram = *hs.conn.channel.datagram;
  if (datagram.flight.whole) datagram.forget_flight();
  SentMessage message{type, datagram.write.epoch, {}};
  if (!message.bytes.assign(whole)) return malloc_failure();
  if (!datagram.flight.messages.push_back(std::move(message))) return malloc_failure();
  return put_into_datagrams(hs.conn, datagram.flight.messages.back());
}

Verdict send_datagram_message(Handshake& hs) {
  Bytes whole;
  HANDFAST_CHECK(number_message(hs, whole));
  // Before DTLS 1.0 the headers did not count.
  bool bare = is_prestandard(true, hs.max_version);
  View hashed = whole.view().subspan(bare ? kDatagramHandshakeHeaderLength : 0);
  if (!hs.transcript.add(hashed)) return malloc_failure();
  return send_in_flight(hs, ContentType::handshake, whole.view());
}

Verdict send_datagram_change_cipher_spec(Handshake& hs) {
  uint16_t number = hs.conn.channel.datagram->next_send;
  const uint8_t bytes[] = {SSL3_MT_CCS, static_cast<uint8_t>(number >> 8),
                           static_cast<uint8_t>(number)};
  View whole(bytes);
  if (!is_prestandard(true, hs.max_version)) {
    return send_in_flight(hs, ContentType::change_cipher_spec, whole.first(1));
  }
  // Before DTLS 1.0 it was a message like others, with a number.
  ++hs.conn.channel.datagram->next_send;
  return send_in_flight(hs, ContentType::change_cipher_spec, whole);
}

bool is_change_cipher_spec(const Handshake& hs, View content) {
  size_t length = is_prestandard(hs.datagram, hs.negotiated->version) ? 3 : 1;
  return content.size() == length && content[0] == SSL3_MT_CCS;
}

void count_change_cipher_spec(Handshake& hs) {
  if (is_prestandard(hs.datagram, hs.negotiated->version)) {
    ++hs.conn.channel.datagram->next_receive;
  }
}

Verdict send_unrepeated(Handshake& hs) {
  DatagramChannel& datagram = *hs.conn.channel.datagram;
  SentMessage message{ContentType::handshake, datagram.write.epoch, {}};
  HANDFAST_CHECK(number_message(hs, message.bytes));
  return put_into_datagrams(hs.conn, message);
}

bool in_last_flight(const Handshake& hs) {
  bool finished = hs.conn.state == (hs.server ? TLS_ST_SW_FINISHED : TLS_ST_CW_FINISHED);
  return finished && hs.server != hs.resuming;
}

void end_datagram_handshake(Handshake& hs) {
  DatagramChannel& datagram = *hs.conn.channel.datagram;
  bool ours_was_last = hs.server != hs.resuming;
  if (!ours_was_last) datagram.forget_flight();
  datagram.next_send = datagram.next_receive = 0;
  datagram.read.keeps_next = false;
  hs.reassembly.clear();
}

}  // namespace handfast
