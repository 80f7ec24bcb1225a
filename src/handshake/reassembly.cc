#include "handshake/reassembly.h"

#include <algorithm>
#include <bit>

#include "handshake/handshake.h"
#include "message/datagram_handshake_header.h"

namespace handfast {

namespace {

// As OpenSSL: how far messages may be ahead, and how long they may be at least.
constexpr uint16_t kMaxAhead = 10;
constexpr size_t kMinLimit = kDatagramHandshakeHeaderLength + 16384 + 320;
// For messages whose turn it is not yet: nobody has shown that he is the peer.
constexpr size_t kMaxAheadBytes = 65536;

// Marks the bytes and tells how many of them are new.
size_t mark(Bytes& present, size_t offset, size_t length) {
  size_t fresh = 0;
  const size_t end = offset + length;
  for (size_t i = offset; i < end;) {
    size_t count = std::min(8 - i % 8, end - i);
    uint8_t bits = static_cast<uint8_t>(((1U << count) - 1) << (i % 8));
    uint8_t& byte = present.data()[i / 8];
    fresh += static_cast<size_t>(std::popcount(static_cast<uint8_t>(bits & ~byte)));
    byte |= bits;
    i += count;
  }
  return fresh;
}

bool begin(PartialMessage& message, View header, uint16_t message_seq, size_t length) {
  message.message_seq = message_seq;
  message.missing = length;
  if (!message.whole.assign(header) || !message.whole.resize(header.size() + length) ||
      !message.present.resize(length / 8 + 1)) {
    return false;
  }
  std::memset(message.present.data(), 0, message.present.size());
  return true;
}

}  // namespace

size_t Reassembly::find(uint16_t message_seq) const {
  size_t index = 0;
  while (index < messages_.size() && messages_[index].message_seq != message_seq) ++index;
  return index;
}

size_t Reassembly::kept_beside(uint16_t message_seq) const {
  size_t bytes = 0;
  for (const PartialMessage& message : messages_) {
    if (message.message_seq != message_seq) bytes += message.whole.size();
  }
  return bytes;
}

bool Reassembly::add(View header, uint16_t message_seq, size_t offset, View body, size_t length) {
  const size_t index = find(message_seq);
  if (index == messages_.size()) {
    PartialMessage fresh;
    if (!begin(fresh, header, message_seq, length) || !messages_.push_back(std::move(fresh))) {
      return false;
    }
  }
  PartialMessage& message = messages_[index];
  if (!equal(message.whole.view().first(header.size()), header)) return true;
  if (!body.empty()) {
    std::memcpy(message.whole.data() + header.size() + offset, body.data(), body.size());
  }
  message.missing -= mark(message.present, offset, body.size());
  return true;
}

bool Reassembly::take(uint16_t message_seq, Bytes& out) {
  const size_t index = find(message_seq);
  if (index == messages_.size() || messages_[index].missing > 0) return false;
  out = std::move(messages_[index].whole);
  messages_.erase(index);
  return true;
}

namespace {

size_t longest(const Handshake& hs) {
  return std::max<size_t>(kMinLimit, (*hs.policy)->max_cert_list);
}

// The HelloVerifyRequest may have been lost: then the client says its first hello again.
bool awaits_cookie(const Handshake& hs) {
  const DatagramChannel& datagram = *hs.conn.channel.datagram;
  return hs.server && datagram.cookie_requested && datagram.next_receive == 1;
}

// RFC 6347 4.2.2: "If it is less than next_receive_seq, the message MUST be discarded. If it is
// greater, the implementation SHOULD queue the message but MAY discard it."
bool in_reach(const Handshake& hs, const DatagramHandshakeHeader& header, uint16_t next) {
  if (awaits_cookie(hs) && header.message_seq == 0) return header.type == SSL3_MT_CLIENT_HELLO;
  if (header.message_seq < next || header.message_seq - next > kMaxAhead) return false;
  if (header.message_seq == next || hs.reassembly.knows(header.message_seq)) return true;
  // A Finished before the first message is left over from the handshake before.
  return !(next == 0 && header.type == SSL3_MT_FINISHED) &&
         hs.reassembly.kept_beside(next) + header.length <= kMaxAheadBytes;
}

// As if the message had come in one.
bool write_whole(DatagramHandshakeHeader header, Bytes& out) {
  header.fragment_offset = 0;
  header.fragment_length = header.length;
  Writer writer(out);
  write_header(header, writer);
  return writer.ok();
}

// RFC 5246 7.4.1.1: a HelloRequest to a client that is in a handshake is ignored. It takes a number
// (RFC 6347 4.2.2), which somebody without keys must not make us skip.
bool ignores_hello_request(Handshake& hs, const DatagramHandshakeHeader& header) {
  DatagramChannel& datagram = *hs.conn.channel.datagram;
  if (hs.server || hs.conn.state == TLS_ST_OK || header.type != SSL3_MT_HELLO_REQUEST ||
      header.length != 0 || header.message_seq != datagram.next_receive) {
    return false;
  }
  Bytes whole;
  if (write_whole(header, whole)) {
    call_message(hs.conn, false, SSL_version(hs.ssl), SSL3_RT_HANDSHAKE, whole.view());
  }
  if (hs.conn.channel.reader.protection().active()) ++datagram.next_receive;
  return true;
}

Verdict take_fragment(Handshake& hs, const DatagramHandshakeHeader& header, View body) {
  if (ignores_hello_request(hs, header)) return success();
  DatagramChannel& datagram = *hs.conn.channel.datagram;
  if (!in_reach(hs, header, datagram.next_receive)) return success();
  if (!header.inside() || header.length > longest(hs)) {
    return header.message_seq == datagram.next_receive
               ? fatal(Alert::illegal_parameter, SSL_R_EXCESSIVE_MESSAGE_SIZE)
               : success();
  }
  if (header.fragment_length == 0 && header.length > 0) return success();
  Bytes whole;
  bool added =
      write_whole(header, whole) && hs.reassembly.add(whole.view(), header.message_seq,
                                                      header.fragment_offset, body, header.length);
  return added ? success() : malloc_failure();
}

// The next message if it is whole.
bool take_next(Handshake& hs, Bytes& message) {
  DatagramChannel& datagram = *hs.conn.channel.datagram;
  if (hs.reassembly.take(datagram.next_receive, message)) {
    // Of the hello that might have come again nothing is needed any more.
    if (datagram.cookie_requested) hs.reassembly.drop(0);
    datagram.cookie_requested = false;
    ++datagram.next_receive;
    return true;
  }
  if (!awaits_cookie(hs) || !hs.reassembly.take(0, message)) return false;
  datagram.next_receive = 1;
  datagram.next_send = 0;
  return true;
}

}  // namespace

Verdict take_fragments(Handshake& hs, View record) {
  while (!record.empty()) {
    DatagramHandshakeHeader header;
    if (!read_header(record, header)) {
      return fatal(Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE);
    }
    record = record.subspan(kDatagramHandshakeHeaderLength);
    // RFC 6347 4.2.3: a fragment does not go on in another record.
    if (header.fragment_length > record.size()) {
      return fatal(Alert::illegal_parameter, SSL_R_BAD_LENGTH);
    }
    HANDFAST_CHECK(take_fragment(hs, header, record.first(header.fragment_length)));
    record = record.subspan(header.fragment_length);
    for (Bytes message; take_next(hs, message);) {
      if (!hs.inbox.bytes.append(message.view())) return malloc_failure();
    }
  }
  return success();
}

}  // namespace handfast
