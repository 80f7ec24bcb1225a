// Many threads share a client's and a server's SSL_CTX of DTLS, with their sessions and cookies.
#include "engine_datagram_support.h"
#include "engine_thread_support.h"

namespace {

using twin::Datagrams;

int generate(SSL*, unsigned char* cookie, unsigned* length) {
  std::memcpy(cookie, "mine", *length = 4);
  return 1;
}

int verify(SSL*, const unsigned char* cookie, unsigned length) {
  return length == 4 && std::memcmp(cookie, "mine", 4) == 0 ? 1 : 0;
}

// A conversation in which the datagram `lost` of the server's is, its flight going again.
bool converse(const twin::Peers& shared, size_t lost, SSL_SESSION* offered) {
  twin::Net net;
  twin::Peers peers;
  peers.client.reset(SSL_new(shared.client_context.get()));
  peers.server.reset(SSL_new(shared.server_context.get()));
  SSL *client = peers.client.get(), *server = peers.server.get();
  SSL_set_connect_state(client);
  SSL_set_accept_state(server);
  SSL_set_tlsext_host_name(client, "localhost");
  if (offered != nullptr && SSL_set_session(client, offered) != 1) return false;
  twin::link_datagrams(peers, net);
  net.to_client.fate = twin::lose({lost});
  int up = -1, down = -1;
  char buffer[400];
  for (int i = 0; i < 12 && (up != 1 || down != 1); ++i) {
    up = SSL_do_handshake(client);
    down = SSL_do_handshake(server);
    if (down == 1) SSL_read(server, buffer, 0);
    for (SSL* ssl : {client, server}) {
      if (i == 4) handfast::datagram_test::Bench::run_out(ssl);
    }
  }
  if (up == 1 && down == 1) {
    up = twin::transfer(client, server, twin::sample(300)) == "300 bytes equal" ? 1 : 0;
  }
  SSL_shutdown(client);
  SSL_shutdown(server);
  ERR_clear_error();
  return up == 1 && down == 1;
}

class EngineDatagramThread : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(IdAndTicket, EngineDatagramThread, testing::Bool());

TEST_P(EngineDatagramThread, ManyThreadsShareTheContexts) {
  seen.clear();
  bool tickets = GetParam();
  auto both = [tickets](SSL_CTX* context) { twin::allow_resumption(context, tickets); };
  twin::Peers peers = twin::make_peers(twin::at_version(
      DTLS1_2_VERSION, {.certificate = "server-p256",
                        .client_context =
                            [&](SSL_CTX* context) {
                              both(context);
                              twin::use_certificate(context, "client-p256");
                              SSL_CTX_sess_set_new_cb(context, keep_session);
                            },
                        .server_context =
                            [&](SSL_CTX* context) {
                              both(context);
                              SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
                              SSL_CTX_set_options(context, SSL_OP_COOKIE_EXCHANGE);
                              SSL_CTX_set_cookie_generate_cb(context, generate);
                              SSL_CTX_set_cookie_verify_cb(context, verify);
                            }}));
  // What libcrypto works out of a certificate at its first use is there then.
  EXPECT_TRUE(converse(peers, 100, nullptr));
  int failures = in_threads([&](int thread, int round) {
    auto number = static_cast<size_t>(thread + round);
    twin::Owned<SSL_SESSION> offered = round % 3 == 0 ? nullptr : any_session(number);
    return converse(peers, number % 4, offered.get());
  });
  EXPECT_EQ(failures, 0);
  EXPECT_GT(SSL_CTX_sess_hits(peers.server_context.get()), 0);
  seen.clear();
}

}  // namespace
