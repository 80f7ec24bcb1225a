#include "driver/listen.h"

#include <openssl/bio.h>
#include <openssl/err.h>

#include "message/datagram_handshake_header.h"
#include "message/handshake_header.h"
#include "message/hello_verify_request.h"
#include "wire/reader.h"
#include "wire/version.h"
#include "wire/writer.h"

namespace handfast {

namespace {

constexpr size_t kMaxLength = kDatagramRecordHeaderLength + kMaxPlaintextLength;

enum class Heard : uint8_t {
  nothing,  // the caller may come again
  hello,    // without a cookie of ours
  cookie,
  failed,
};

// The parts of the datagram that matter; views into it.
struct ListenedHello {
  View record;  // with its header
  uint64_t sequence = 0;
  View cookie;
};

Heard drop(int reason) {
  ERR_raise(ERR_LIB_SSL, reason);
  return Heard::nothing;
}

Heard fail(int reason) {
  ERR_raise(ERR_LIB_SSL, reason);
  return Heard::failed;
}

// Version, random, session_id and cookie of a ClientHello that may go on in other fragments
// (RFC 6347 4.2.1): 0, or why it is dropped.
int read_cookie(const Connection& connection, View body, View& cookie) {
  Reader reader(body);
  uint16_t version = 0;
  if (!reader.u16(version)) return SSL_R_LENGTH_MISMATCH;
  const Method& method = *connection.method;
  if (!method.flexible() && version > method.version) return SSL_R_WRONG_VERSION_NUMBER;
  View random;
  View session_id;
  bool whole = reader.bytes(SSL3_RANDOM_SIZE, random) && reader.vector8(session_id) &&
               reader.vector8(cookie);
  return whole ? 0 : SSL_R_LENGTH_MISMATCH;
}

// The fragment of a ClientHello in a record of the handshake: 0, or why it is dropped.
int read_fragment(Connection& connection, View record, View& body) {
  DatagramHandshakeHeader header;
  if (!read_header(record, header)) return SSL_R_LENGTH_MISMATCH;
  body = record.subspan(kDatagramHandshakeHeaderLength);
  if (body.size() != header.fragment_length) return SSL_R_LENGTH_MISMATCH;
  if (header.type != SSL3_MT_CLIENT_HELLO) return SSL_R_UNEXPECTED_MESSAGE;
  if (header.message_seq > 1) return SSL_R_INVALID_SEQUENCE_NUMBER;
  // What would have to be put together would have to be kept.
  if (header.fragment_offset != 0 || header.fragment_length > header.length) {
    return SSL_R_FRAGMENTED_CLIENT_HELLO;
  }
  call_message(connection, false, SSL_version(&connection), SSL3_RT_HANDSHAKE, record);
  return 0;
}

// RFC 6347 4.1.2.7: what is no hello is dropped without an answer.
int read_record(Connection& connection, View datagram, ListenedHello& out) {
  if (datagram.size() < kDatagramRecordHeaderLength) return SSL_R_RECORD_TOO_SMALL;
  View header = datagram.first(kDatagramRecordHeaderLength);
  call_message(connection, false, 0, SSL3_RT_HEADER, header);
  if (header[0] != SSL3_RT_HANDSHAKE) return SSL_R_UNEXPECTED_MESSAGE;
  if (header[1] != DTLS1_VERSION_MAJOR) return SSL_R_BAD_PROTOCOL_VERSION_NUMBER;
  size_t length = static_cast<size_t>(header[11]) << 8 | header[12];
  View rest = datagram.subspan(kDatagramRecordHeaderLength);
  if (length > rest.size()) return SSL_R_LENGTH_MISMATCH;
  if (header[3] != 0 || header[4] != 0) return SSL_R_UNEXPECTED_MESSAGE;  // the epoch
  for (uint8_t byte : header.subspan(5, 6)) out.sequence = out.sequence << 8 | byte;
  out.record = datagram.first(kDatagramRecordHeaderLength + length);
  View body;
  int reason = read_fragment(connection, rest.first(length), body);
  return reason != 0 ? reason : read_cookie(connection, body, out.cookie);
}

Heard hear(Connection& connection, View datagram, ListenedHello& hello) {
  int reason = read_record(connection, datagram, hello);
  if (reason != 0) return drop(reason);
  if (hello.cookie.empty()) return Heard::hello;
  auto* verify = connection.ctx->live.verify_cookie;
  if (verify == nullptr) return fail(SSL_R_NO_VERIFY_COOKIE_CALLBACK);
  // RFC 6347 4.2.1: an invalid cookie is as none.
  bool ours = verify(&connection, hello.cookie.data(), static_cast<unsigned>(hello.cookie.size()));
  return ours ? Heard::cookie : Heard::hello;
}

// The record's sequence number is the client's, so that nothing of ours has to be kept.
bool build_record(const Connection& connection, uint64_t sequence, View cookie, Bytes& out) {
  Bytes message;
  HelloVerifyRequest request;
  request.cookie = cookie;
  if (!build_message(request, message)) return false;
  DatagramHandshakeHeader header;
  header.type = DTLS1_MT_HELLO_VERIFY_REQUEST;
  header.length = static_cast<uint32_t>(message.size() - kHandshakeHeaderLength);
  header.fragment_length = header.length;
  Writer writer(out);
  writer.u8(SSL3_RT_HANDSHAKE);
  const Method& method = *connection.method;
  writer.u16(static_cast<uint16_t>(method.flexible() ? DTLS1_VERSION : method.version));
  writer.u16(0);
  writer.u24(static_cast<uint32_t>(sequence >> 24));
  writer.u24(static_cast<uint32_t>(sequence & 0xffffff));
  writer.u16(static_cast<uint16_t>(kDatagramHandshakeHeaderLength + header.length));
  write_header(header, writer);
  writer.bytes(message.view().subspan(kHandshakeHeaderLength));
  return writer.ok();
}

// To where the hello came from, should the BIOs be two.
bool follow_peer(Connection& connection) {
  BIO_ADDR* peer = BIO_ADDR_new();
  if (peer == nullptr) return false;
  if (BIO_dgram_get_peer(connection.rbio, peer) > 0) {
    (void)BIO_dgram_set_peer(connection.wbio, peer);
  }
  BIO_ADDR_free(peer);
  return true;
}

// SSL_CTX_set_cookie_generate_cb(3). A request that cannot go now is dropped.
Heard answer(Connection& connection, const ListenedHello& hello) {
  uint8_t cookie[DTLS1_COOKIE_LENGTH];
  unsigned length = 0;
  auto* generate = connection.ctx->live.generate_cookie;
  if (generate == nullptr || generate(&connection, cookie, &length) == 0 ||
      length > sizeof cookie) {
    return fail(SSL_R_COOKIE_GEN_CALLBACK_FAILURE);
  }
  Bytes record;
  if (!build_record(connection, hello.sequence, {cookie, length}, record)) {
    return fail(ERR_R_MALLOC_FAILURE);
  }
  View header = record.view().first(kDatagramRecordHeaderLength);
  call_message(connection, true, header[1] << 8 | header[2], SSL3_RT_HEADER, header);
  if (!follow_peer(connection)) return drop(ERR_R_MALLOC_FAILURE);
  int size = static_cast<int>(record.size());
  if (BIO_write(connection.wbio, record.data(), size) == size && BIO_flush(connection.wbio) > 0) {
    return Heard::hello;
  }
  return BIO_should_retry(connection.wbio) ? Heard::nothing : Heard::failed;
}

// SSL_accept(3) finds the hello as if it came now.
bool go_on_with(Connection& connection, const ListenedHello& hello) {
  Policy* policy = connection.policy.edit();
  DatagramChannel& datagram = *connection.channel.datagram;
  if (policy == nullptr || !datagram.read.next.add(hello.record)) return false;
  policy->options |= SSL_OP_COOKIE_EXCHANGE;
  datagram.write.sequence = hello.sequence;
  datagram.next_receive = datagram.next_send = 1;
  datagram.cookie_requested = true;
  connection.state = TLS_ST_SR_CLNT_HELLO;
  return true;
}

bool ready(Connection& connection) {
  if (connection.role == Role::unset) set_role(connection, Role::server);
  if (!clear(connection)) return false;
  ERR_clear_error();
  if (connection.rbio == nullptr || connection.wbio == nullptr) {
    ERR_raise(ERR_LIB_SSL, SSL_R_BIO_NOT_SET);
    return false;
  }
  if (connection.channel.datagram == nullptr) {
    ERR_raise(ERR_LIB_SSL, SSL_R_UNSUPPORTED_SSL_VERSION);
    return false;
  }
  return true;
}

}  // namespace

int listen(Connection& connection, BIO_ADDR* client) {
  if (!ready(connection)) return -1;
  Entered entered(connection);
  Bytes buffer;
  if (!buffer.resize(kMaxLength)) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return -1;
  }
  ListenedHello hello;
  Heard heard = Heard::hello;
  while (heard == Heard::hello) {
    int length = BIO_read(connection.rbio, buffer.data(), kMaxLength);
    if (length <= 0) return BIO_should_retry(connection.rbio) ? 0 : -1;
    hello = ListenedHello();
    heard = hear(connection, buffer.view().first(static_cast<size_t>(length)), hello);
    if (heard == Heard::hello) heard = answer(connection, hello);
  }
  if (heard != Heard::cookie) return heard == Heard::failed ? -1 : 0;
  if (!go_on_with(connection, hello)) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return -1;
  }
  if (BIO_dgram_get_peer(connection.rbio, client) <= 0) BIO_ADDR_clear(client);
  return 1;
}

}  // namespace handfast
