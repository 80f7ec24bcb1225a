#include "handshake/receive.h"

#include "connection/connection.h"
#include "handshake/steps.h"
#include "message/datagram_handshake_header.h"
#include "message/handshake_header.h"
#include "wire/version.h"

namespace handfast {
namespace {

// RFC 5246 7.4.1.1: HelloRequest "will be ignored by the client if the client is currently
// negotiating a session".
bool ignorable_hello_request(const Handshake& hs, View header) {
  return !hs.server && hs.negotiated->version < TLS1_3_VERSION && hs.conn.state != TLS_ST_OK &&
         header[0] == SSL3_MT_HELLO_REQUEST && header[1] == 0 && header[2] == 0 && header[3] == 0;
}

const Expect* find_expected(const Handshake& hs, uint8_t type) {
  for (const Expect& expect : hs.expected) {
    if (expect.type == type) return &expect;
  }
  return nullptr;
}

Verdict check_header(Handshake& hs, uint8_t type, size_t length) {
  announce(hs);
  const Expect* expect = find_expected(hs, type);
  if (expect == nullptr) return fatal(Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE);
  hs.conn.state = expect->state;
  if (length > expect->limit) {
    return fatal(Alert::illegal_parameter, SSL_R_EXCESSIVE_MESSAGE_SIZE);
  }
  return success();
}

// Forgets the message handed out before.
void drop_taken(Inbox& inbox) {
  inbox.begin += inbox.taken;
  inbox.taken = 0;
  if (inbox.begin == inbox.bytes.size()) {
    inbox.bytes.clear();
    inbox.begin = 0;
  }
}

Arrival failed(Handshake& hs, const Verdict& verdict) {
  hs.receive_verdict = verdict;
  return Arrival::complete;
}

}  // namespace

size_t header_length(const Handshake& hs) {
  return hs.datagram ? kDatagramHandshakeHeaderLength : kHandshakeHeaderLength;
}

Arrival next_message(Handshake& hs) {
  Inbox& inbox = hs.inbox;
  if (inbox.taken > 0) hs.v2_hello.clear();
  drop_taken(inbox);
  View rest = inbox.rest();
  const size_t header = header_length(hs);
  while (rest.size() >= header && !inbox.header_seen && ignorable_hello_request(hs, rest)) {
    call_message(hs.conn, false, message_version(hs), SSL3_RT_HANDSHAKE, rest.first(header));
    inbox.begin += header;
    rest = inbox.rest();
  }
  if (rest.size() < header) return Arrival::incomplete;
  uint8_t type = rest[0];
  size_t length = static_cast<size_t>(rest[1]) << 16 | static_cast<size_t>(rest[2]) << 8 | rest[3];
  if (!inbox.header_seen) {
    Verdict verdict = check_header(hs, type, length);
    if (!verdict.ok()) return failed(hs, verdict);
    inbox.header_seen = true;
  }
  if (rest.size() < header + length) return Arrival::incomplete;
  inbox.header_seen = false;
  inbox.taken = header + length;
  hs.message.type = type;
  hs.message.whole = rest.first(inbox.taken);
  hs.message.body = hs.message.whole.subspan(header);
  hs.receive_verdict = success();
  if (hs.v2_hello.empty()) {
    call_message(hs.conn, false, message_version(hs), SSL3_RT_HANDSHAKE, hs.message.whole);
  } else {
    // RFC 5246 E.2: the transcript takes what was sent.
    hs.message.whole = hs.v2_hello.view();
    call_message(hs.conn, false, SSL2_VERSION, 0, hs.message.whole);
  }
  return Arrival::complete;
}

bool Receive::await_ready() const {
  hs.expected = expected;
  return next_message(hs) == Arrival::complete;
}

Verdict absorb(Handshake& hs) {
  // Before DTLS 1.0 the headers did not count.
  bool bare = is_prestandard(hs.datagram, hs.negotiated->version);
  return hs.transcript.add(bare ? hs.message.body : hs.message.whole) ? success()
                                                                      : malloc_failure();
}

Verdict at_record_boundary(const Handshake& hs) {
  if (hs.datagram) return success();  // each record has its epoch
  View rest = hs.inbox.rest();
  while (rest.size() >= kHandshakeHeaderLength && ignorable_hello_request(hs, rest)) {
    rest = rest.subspan(kHandshakeHeaderLength);
  }
  if (!rest.empty()) {
    return fatal(Alert::unexpected_message, SSL_R_NOT_ON_RECORD_BOUNDARY);
  }
  return success();
}

}  // namespace handfast
