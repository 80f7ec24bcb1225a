// What a connection holds of Secure Remote Password, and when it lets go of it.
#include <gtest/gtest.h>

#include "connection/connection.h"
#include "handshake/srp.h"
#include "support/failing_allocator.h"

namespace handfast {
namespace {

struct Peers {
  SSL_CTX* context = SSL_CTX_new(TLS_method());
  SSL* client = nullptr;
  SSL* server = nullptr;

  Peers() {
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, "SRP-AES-128-CBC-SHA:@SECLEVEL=0");
  }
  ~Peers() {
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(context);
  }
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  bool set_srp() {
    char user[] = "user";
    char password[] = "secret";
    return SSL_CTX_set_srp_username(context, user) == 1 &&
           SSL_CTX_set_srp_password(context, password) == 1 &&
           SSL_CTX_set_srp_username_callback(context, [](SSL* ssl, int*, void*) {
             return SSL_set_srp_server_param_pw(ssl, "user", "secret", "1024") == 1 ? SSL_ERROR_NONE
                                                                                    : SSL3_AL_FATAL;
           }) == 1;
  }
  bool link() {
    client = SSL_new(context);
    server = SSL_new(context);
    if (client == nullptr || server == nullptr) return false;
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    BIO *to_client = nullptr, *to_server = nullptr;
    BIO_new_bio_pair(&to_client, 0, &to_server, 0);
    SSL_set_bio(client, to_server, to_server);
    SSL_set_bio(server, to_client, to_client);
    return true;
  }
  bool handshake() {
    for (int i = 0; i < 4; ++i) {
      SSL_do_handshake(client);
      SSL_do_handshake(server);
    }
    return SSL_is_init_finished(client) != 0 && SSL_is_init_finished(server) != 0;
  }
};

TEST(HandshakeSrp, NothingIsHeldWhereNothingIsSet) {
  Peers peers;
  ASSERT_TRUE(peers.link());
  EXPECT_EQ(peers.context->srp, nullptr);
  EXPECT_EQ(peers.client->request.srp, nullptr);
  EXPECT_FALSE(srp_enabled(peers.client->request));
  EXPECT_EQ(SSL_SRP_CTX_free(peers.client), 1);
  EXPECT_EQ(SSL_SRP_CTX_init(peers.client), 1);
  EXPECT_EQ(peers.client->request.srp, nullptr);
}

TEST(HandshakeSrp, PrivateValuesGoWithTheExchange) {
  Peers peers;
  ASSERT_TRUE(peers.set_srp() && peers.link());
  ASSERT_TRUE(peers.handshake());
  for (SSL* ssl : {peers.client, peers.server}) {
    const SrpState& srp = *ssl->request.srp;
    EXPECT_EQ(srp.client_private, nullptr);
    EXPECT_EQ(srp.server_private, nullptr);
    EXPECT_EQ(srp.client_public, nullptr);
    EXPECT_EQ(srp.server_public, nullptr);
    EXPECT_NE(srp.prime, nullptr);
    EXPECT_STREQ(ssl->session->srp_username.get(), "user");
  }
}

// RFC 5054 2.5.3 and 2.5.4: at least 256 bits, and new ones each time.
TEST(HandshakeSrp, PrivateValues) {
  Peers peers;
  ASSERT_TRUE(peers.set_srp() && peers.link());
  ASSERT_EQ(SSL_set_srp_server_param_pw(peers.client, "user", "secret", "1024"), 1);
  SrpState& srp = *peers.client->request.srp;
  ASSERT_TRUE(make_client_srp(*peers.client));
  EXPECT_GT(BN_num_bits(srp.client_private.get()), 256);
  EXPECT_NE(BN_get_flags(srp.client_private.get(), BN_FLG_CONSTTIME), 0);
  SrpNumber first(BN_dup(srp.client_public.get()));
  ASSERT_TRUE(make_client_srp(*peers.client));
  EXPECT_NE(BN_cmp(first.get(), srp.client_public.get()), 0);
  int alert = 0;
  ASSERT_EQ(find_srp_user(*peers.client, alert), SSL_ERROR_NONE);
  EXPECT_GT(BN_num_bits(srp.server_private.get()), 256);
  EXPECT_NE(BN_get_flags(srp.server_private.get(), BN_FLG_CONSTTIME), 0);
}

// What the application got a pointer to stays where it is.
TEST(HandshakeSrp, CopyingKeepsTheObject) {
  Peers peers;
  ASSERT_TRUE(peers.set_srp() && peers.link());
  const SrpState* before = peers.client->request.srp.get();
  ASSERT_NE(before, nullptr);
  EXPECT_EQ(before->strength, SRP_MINIMAL_N);
  SSL_CTX_set_srp_strength(peers.context, 2048);
  ASSERT_EQ(SSL_SRP_CTX_init(peers.client), 1);
  EXPECT_EQ(peers.client->request.srp.get(), before);
  EXPECT_EQ(before->strength, 2048);
  EXPECT_TRUE(before->enabled);
  ASSERT_EQ(SSL_SRP_CTX_free(peers.client), 1);
  EXPECT_EQ(peers.client->request.srp.get(), before);
  EXPECT_FALSE(before->enabled);
  EXPECT_EQ(before->user_name, nullptr);
}

// Every allocation fails once: the call says so, and nothing crashes or leaks.
TEST(HandshakeSrp, AllocationsFail) {
  ASSERT_TRUE(support::allocator_installed());
  size_t failures = 0;
  for (bool failed = true; failed; failures += failed) {
    Peers peers;
    ERR_clear_error();
    support::fail_allocation_after(failures);
    bool good = peers.set_srp() && peers.link() && peers.handshake();
    failed = support::stop_failing();
    EXPECT_TRUE(failed || good);
    EXPECT_TRUE(good || ERR_peek_error() != 0) << "allocation " << failures;
  }
  EXPECT_GT(failures, 50U);
}

}  // namespace
}  // namespace handfast
