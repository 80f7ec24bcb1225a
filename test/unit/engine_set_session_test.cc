// SSL_set_session between the calls of a handshake, which goes on with the session it began with.
#include <gtest/gtest.h>

#include "support/peers.h"

namespace {

class SetSession : public testing::TestWithParam<int> {};

// One call after the other, until both sides are done; `under_way` looks at a side between them.
void connect_with(twin::Peers& peers, const std::function<void(SSL*)>& under_way) {
  SSL* sides[] = {peers.client.get(), peers.server.get()};
  bool done[] = {false, false};
  for (int turn = 0; turn < 40 && !(done[0] && done[1]); ++turn) {
    SSL* ssl = sides[turn % 2];
    int result = SSL_do_handshake(ssl);
    done[turn % 2] = result == 1;
    if (result == 1) continue;
    ASSERT_EQ(SSL_get_error(ssl, result), SSL_ERROR_WANT_READ) << twin::errors();
    under_way(ssl);
  }
  EXPECT_TRUE(done[0] && done[1]);
}

TEST_P(SetSession, IsRefusedUnderWay) {
  twin::Owned<SSL_SESSION> other(SSL_SESSION_new());
  for (SSL_SESSION* session : {static_cast<SSL_SESSION*>(nullptr), other.get()}) {
    auto version = [](SSL_CTX* context) {
      SSL_CTX_set_min_proto_version(context, GetParam());
      SSL_CTX_set_max_proto_version(context, GetParam());
    };
    twin::Peers peers = twin::make_peers({.client_context = version, .server_context = version});
    twin::link_memory(peers);
    EXPECT_EQ(SSL_set_session(peers.client.get(), nullptr), 1) << "not begun";
    int refusals = 0;
    connect_with(peers, [&](SSL* ssl) {
      EXPECT_EQ(SSL_set_session(ssl, session), 0);
      EXPECT_EQ(ERR_GET_REASON(ERR_get_error()), ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
      ++refusals;
    });
    EXPECT_GE(refusals, 2) << "of the client and of the server";
    EXPECT_EQ(SSL_set_session(peers.client.get(), nullptr), 1) << "over";
  }
}

INSTANTIATE_TEST_SUITE_P(Versions, SetSession, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

}  // namespace
