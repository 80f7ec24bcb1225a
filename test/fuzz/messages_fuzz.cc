// Every handshake message parser, fed with an arbitrary message. What parses is built again from
// its views, and must be the same bytes.
#include <openssl/err.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "message/certificate.h"
#include "message/certificate_request.h"
#include "message/certificate_verify.h"
#include "message/client_hello.h"
#include "message/datagram_handshake_header.h"
#include "message/encrypted_extensions.h"
#include "message/finished.h"
#include "message/handshake_header.h"
#include "message/hello_verify_request.h"
#include "message/key_update.h"
#include "message/new_session_ticket.h"
#include "message/server_hello.h"

using namespace handfast;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

template <typename Message>
void check_parsed(const Verdict& verdict, const Message& message, View body) {
  if (!verdict.ok()) {
    require(verdict.library == ERR_LIB_SSL && verdict.reason != 0);
    require(verdict.alert == Alert::decode_error || verdict.alert == Alert::illegal_parameter);
    return;
  }
  Bytes out;
  require(build_message(message, out));
  require(equal(out.view().subspan(kHandshakeHeaderLength), body));
}

template <typename Message>
void check(View body) {
  Message message;
  check_parsed(parse(body, message), message, body);
}

void check_client_hello(View body) {
  ClientHello message;
  for (bool datagram : {false, true}) {
    check_parsed(parse(body, message, datagram), message, body);
    require(datagram || message.cookie.empty());
  }
}

// A datagram's header of a handshake message: read, judged, and written again.
void check_datagram_header(View bytes) {
  DatagramHandshakeHeader header;
  require(read_header(bytes, header) == (bytes.size() >= kDatagramHandshakeHeaderLength));
  if (bytes.size() < kDatagramHandshakeHeaderLength) return;
  require(!header.inside() || header.fragment_offset + header.fragment_length <= header.length);
  require(!header.whole() || header.inside());
  Bytes out;
  Writer writer(out);
  write_header(header, writer);
  require(writer.ok() && equal(out.view(), bytes.first(kDatagramHandshakeHeaderLength)));
}

void check_certificate(View body) {
  check<Certificate13>(body);
  Certificate13 message;
  if (!parse(body, message).ok()) return;
  Reader entries(message.entries);
  CertificateEntry entry;
  size_t count = 0;
  while (next(entries, entry)) {
    require(!entry.data.empty());
    ++count;
  }
  require(entries.empty() && count <= message.entries.size() / 6);
}

void check_type(uint8_t type, View body) {
  switch (type) {
    case SSL3_MT_CLIENT_HELLO:
      return check_client_hello(body);
    case DTLS1_MT_HELLO_VERIFY_REQUEST:
      return check<HelloVerifyRequest>(body);
    case SSL3_MT_SERVER_HELLO:
      return check<ServerHello>(body);
    case SSL3_MT_ENCRYPTED_EXTENSIONS:
      return check<EncryptedExtensions>(body);
    case SSL3_MT_CERTIFICATE_REQUEST:
      return check<CertificateRequest13>(body);
    case SSL3_MT_CERTIFICATE:
      return check_certificate(body);
    case SSL3_MT_CERTIFICATE_VERIFY:
      return check<CertificateVerify>(body);
    case SSL3_MT_FINISHED:
      return check<Finished>(body);
    case SSL3_MT_KEY_UPDATE:
      return check<KeyUpdate>(body);
    case SSL3_MT_NEWSESSION_TICKET:
      return check<NewSessionTicket13>(body);
    default:
      return;
  }
}

}  // namespace

// The first byte is the message's type, the rest its body.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  // A copy of exact size: the sanitizer watches both ends.
  std::vector<uint8_t> body(data + 1, data + size);
  check_type(data[0], body);
  check_datagram_header({data, size});
  require(ERR_peek_error() == 0);
  return 0;
}
