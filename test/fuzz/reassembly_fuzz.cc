// Fragments of handshake messages. Every message has bytes that follow from its header, so that
// whatever becomes whole can be told; or records are as they stand.
#include <openssl/err.h>

#include <cstdint>
#include <vector>

#include "fuzz/engine_harness.h"
#include "handshake/handshake.h"
#include "message/datagram_handshake_header.h"

using namespace handfast;

namespace {

using fuzz::Octets;
using fuzz::require;

uint8_t byte_of(const DatagramHandshakeHeader& header, size_t at) {
  return static_cast<uint8_t>(header.type + 3 * header.length + 7U * header.message_seq + 11 * at);
}

bool read_piece(Reader& input, uint16_t next, DatagramHandshakeHeader& header) {
  uint8_t ahead = 0;
  uint16_t length = 0, offset = 0, size = 0;
  if (!input.u8(ahead) || !input.u8(header.type) || !input.u16(length) || !input.u16(offset) ||
      !input.u16(size)) {
    return false;
  }
  header.message_seq = static_cast<uint16_t>(next + ahead % 16 - 2);
  header.length = length;
  header.fragment_offset = offset % (length + 1U);
  header.fragment_length = std::min<uint32_t>(size, length - header.fragment_offset);
  return true;
}

void append(const DatagramHandshakeHeader& header, Octets& record) {
  Bytes bytes;
  Writer writer(bytes);
  write_header(header, writer);
  require(writer.ok());
  record.insert(record.end(), bytes.data(), bytes.data() + bytes.size());
  for (size_t i = 0; i < header.fragment_length; ++i) {
    record.push_back(byte_of(header, header.fragment_offset + i));
  }
}

// What is whole has come in the right order and with the right bytes.
void check_inbox(View inbox, uint16_t first, uint16_t next) {
  while (!inbox.empty()) {
    DatagramHandshakeHeader header;
    require(read_header(inbox, header) && header.whole() && header.message_seq == first);
    ++first;
    inbox = inbox.subspan(kDatagramHandshakeHeaderLength);
    require(header.length <= inbox.size());
    for (size_t i = 0; i < header.length; ++i) require(inbox[i] == byte_of(header, i));
    inbox = inbox.subspan(header.length);
  }
  require(first == next);
}

// The first hello may come again while its cookie is awaited.
void check_bounds(const Handshake& hs, const DatagramChannel& datagram) {
  size_t most = 65536 + 12 * kDatagramHandshakeHeaderLength;
  if (datagram.cookie_requested) most += SSL_MAX_CERT_LIST_DEFAULT;
  require(hs.reassembly.kept_beside(datagram.next_receive) <= most);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static SSL_CTX* context = SSL_CTX_new(DTLS_method());
  Reader input({data, size});
  uint8_t mode = 0;
  uint16_t first = 0;
  if (!input.u8(mode) || !input.u16(first)) return 0;
  SSL* ssl = SSL_new(context);
  (mode & 1) != 0 ? SSL_set_accept_state(ssl) : SSL_set_connect_state(ssl);
  DatagramChannel& datagram = *ssl->channel.datagram;
  Unique<Handshake> hs(make<Handshake>(*ssl));
  if ((mode & 2) != 0) {
    datagram.cookie_requested = true;
    datagram.next_receive = 1;
    for (View record; input.vector16(record);) {
      if (!take_fragments(*hs, record).ok()) break;
      check_bounds(*hs, datagram);
    }
  } else {
    datagram.next_receive = first;
    DatagramHandshakeHeader header;
    Octets record;
    while (read_piece(input, datagram.next_receive, header)) {
      append(header, record);
      if ((header.type & 1) != 0) continue;  // others follow in the record
      if (!take_fragments(*hs, record).ok()) break;
      check_bounds(*hs, datagram);
      record.clear();
    }
    check_inbox(hs->inbox.bytes.view(), first, datagram.next_receive);
  }
  hs.reset();
  SSL_free(ssl);
  ERR_clear_error();
  return 0;
}
