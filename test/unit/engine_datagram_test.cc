// What DTLS does where the system's library does something else, or that only time shows.
#include <gtest/gtest.h>

#include "support/dtls.h"

namespace {

using namespace twin;

std::string read_once(SSL* ssl) {
  char byte[1];
  ERR_clear_error();
  int returned = SSL_read(ssl, byte, sizeof byte);
  return outcome(ssl, returned);
}

// RFC 5246 7.4.1.1: a HelloRequest "may be ignored by the client"; RFC 6347 4.2.4: until then it is
// sent again.
TEST(EngineDatagram, HelloRequestWithoutAnAnswerIsForgotten) {
  Net net;
  Peers peers = dtls_connected(net);
  SSL *client = peers.client.get(), *server = peers.server.get();
  DTLS_set_timer_cb(server, [](SSL*, unsigned int) { return 0U; });
  net.to_client.fate = lose_all();
  ASSERT_EQ(SSL_renegotiate(server), 1);
  ASSERT_EQ(SSL_do_handshake(server), 1);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(read_once(server), "-1 WANT_READ");
  EXPECT_EQ(net.to_client.sent.size(), 13U);
  timeval left;
  EXPECT_EQ(DTLSv1_get_timeout(server, &left), 0);
  EXPECT_FALSE(net.server.timer);
  net.to_client.fate = nullptr;
  EXPECT_EQ(transfer(server, client, "data"), "4 bytes equal");
  EXPECT_EQ(transfer(client, server, "data"), "4 bytes equal");
}

}  // namespace
