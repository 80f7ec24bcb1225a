// Every handshake message parser of TLS <= 1.2, fed with an arbitrary message. What parses is built
// again from its views, and must be the same bytes.
#include <openssl/err.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "message/certificate12.h"
#include "message/certificate_request12.h"
#include "message/certificate_status.h"
#include "message/certificate_verify12.h"
#include "message/client_key_exchange.h"
#include "message/handshake_header.h"
#include "message/hello_request.h"
#include "message/new_session_ticket12.h"
#include "message/next_protocol.h"
#include "message/server_hello_done.h"
#include "message/server_key_exchange.h"

using namespace handfast;

namespace {

// The first bytes of the input.
struct Choice {
  uint8_t type;
  uint16_t version;
  const CipherSuite* suite;
};
constexpr size_t kChoiceLength = 3;

void require(bool holds) {
  if (!holds) std::abort();
}

bool passed(const Verdict& verdict) {
  if (verdict.ok()) return true;
  require(verdict.library == ERR_LIB_SSL && verdict.reason != 0 && verdict.alert != Alert::none);
  return false;
}

template <typename Message>
void require_same(const Message& message, View body) {
  Bytes out;
  require(build_message(message, out));
  require(equal(out.view().subspan(kHandshakeHeaderLength), body));
}

template <typename Message>
void check(View body) {
  Message message;
  if (passed(parse(body, message))) require_same(message, body);
}

void check_certificate(View body) {
  Certificate12 message;
  if (!passed(parse(body, message))) return;
  require_same(message, body);
  Reader list(message.list);
  View der;
  while (next_certificate(list, der)) require(!der.empty());
  require(list.empty());
}

void check_certificate_request(View body, uint16_t version) {
  CertificateRequest12 message;
  if (!passed(parse(body, version, message))) return;
  require_same(message, body);
  Reader authorities(message.authorities);
  View name;
  while (next_authority(authorities, name)) require(!name.empty());
  require(authorities.empty());
}

void check_certificate_verify(View body, uint16_t version) {
  CertificateVerify12 message;
  if (passed(parse(body, version, message))) require_same(message, body);
}

void check_server_key_exchange(View body, const Choice& choice) {
  ServerKeyExchange message;
  if (!passed(parse(body, *choice.suite, choice.version, message))) return;
  require_same(message, body);
  Bytes params;
  Writer writer(params);
  build_params(message, *choice.suite, writer);
  require(writer.ok() && equal(params.view(), message.params));
}

void check_client_key_exchange(View body, const Choice& choice) {
  ClientKeyExchange message;
  if (passed(parse(body, *choice.suite, message))) require_same(message, body);
}

// The padding is whatever the peer sends: only the protocol comes back.
void check_next_protocol(View body) {
  NextProtocol message;
  if (!passed(parse(body, message))) return;
  Bytes out;
  require(build_message(message, out));
  NextProtocol again;
  require(parse(out.view().subspan(kHandshakeHeaderLength), again).ok());
  require(equal(again.protocol, message.protocol));
}

void check_type(const Choice& choice, View body) {
  switch (choice.type) {
    case SSL3_MT_HELLO_REQUEST:
      return check<HelloRequest>(body);
    case SSL3_MT_NEWSESSION_TICKET:
      return check<NewSessionTicket12>(body);
    case SSL3_MT_CERTIFICATE:
      return check_certificate(body);
    case SSL3_MT_SERVER_KEY_EXCHANGE:
      return check_server_key_exchange(body, choice);
    case SSL3_MT_CERTIFICATE_REQUEST:
      return check_certificate_request(body, choice.version);
    case SSL3_MT_SERVER_DONE:
      return check<ServerHelloDone>(body);
    case SSL3_MT_CERTIFICATE_VERIFY:
      return check_certificate_verify(body, choice.version);
    case SSL3_MT_CLIENT_KEY_EXCHANGE:
      return check_client_key_exchange(body, choice);
    case SSL3_MT_CERTIFICATE_STATUS:
      return check<CertificateStatus>(body);
    case SSL3_MT_NEXT_PROTO:
      return check_next_protocol(body);
    default:
      return;
  }
}

}  // namespace

// The message's type, the version's minor number, the suite's place in the table; then the body.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < kChoiceLength) return 0;
  std::span<const CipherSuite> suites = tls12_suites();
  Choice choice = {data[0], static_cast<uint16_t>(TLS1_VERSION + data[1] % 3),
                   &suites[data[2] % suites.size()]};
  // A copy of exact size: the sanitizer watches both ends.
  std::vector<uint8_t> body(data + kChoiceLength, data + size);
  check_type(choice, body);
  require(ERR_peek_error() == 0);
  return 0;
}
