// The peer after the handshake: post-handshake authentication (RFC 8446 section 4.6.2).
#include "engine_support.h"

namespace handfast::engine_test {

void Peer::rewind_transcript() {
  EXPECT_TRUE(transcript_.copy_from(handshake_transcript_));
}

Octets Peer::verify_data(bool own) const {
  Secret result;
  EXPECT_TRUE((own ? own_secret_ : ssl_secret_).verify_data(hash().view(), result));
  return octets(result.view());
}

void Peer::request_authentication(const Octets& context,
                                  const std::function<void(Extensions&)>& change) {
  Extensions asked;
  set(asked, TLSEXT_TYPE_signature_algorithms, vector16(u16(0x0807) + u16(0x0403)));
  if (change) change(asked);
  rewind_transcript();
  send_message(SSL3_MT_CERTIFICATE_REQUEST, vector8(context) + build(asked));
}

void Peer::answer_request(const Octets& context) {
  send_certificate(context);
  if (script_.show_certificate) send_certificate_verify();
  send_message(SSL3_MT_FINISHED, verify_data(true));
}

void Peer::answer_request_with_old_finished(const Octets& context) {
  send_certificate(context);
  send_certificate_verify();
  send_finished();
}

void Peer::hash_message(const Octets& whole) {
  EXPECT_TRUE(transcript_.add(whole));
}

}  // namespace handfast::engine_test
