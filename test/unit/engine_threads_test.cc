// Many threads share a client's and a server's SSL_CTX.
#include <gtest/gtest.h>

#include <atomic>

#include "engine_thread_support.h"
#include "support/peers.h"

namespace {

// One conversation over new SSLs of the shared contexts; true when all of it went well.
bool converse(SSL_CTX* client_context, SSL_CTX* server_context, int number,
              SSL_SESSION* offered = nullptr, bool* resumed = nullptr) {
  twin::Owned<SSL> client(SSL_new(client_context));
  twin::Owned<SSL> server(SSL_new(server_context));
  if (!client || !server) return false;
  SSL_set_connect_state(client.get());
  SSL_set_accept_state(server.get());
  SSL_set_tlsext_host_name(client.get(), "localhost");
  if (offered != nullptr && SSL_set_session(client.get(), offered) != 1) return false;
  BIO *one, *other;
  if (BIO_new_bio_pair(&one, 0, &other, 0) != 1) return false;
  SSL_set_bio(client.get(), one, one);
  SSL_set_bio(server.get(), other, other);
  int up = -1, down = -1;
  for (int i = 0; i < 10 && (up != 1 || down != 1); ++i) {
    up = SSL_do_handshake(client.get());
    down = SSL_do_handshake(server.get());
  }
  std::string text = "message " + std::to_string(number);
  char buffer[100];
  if (SSL_write(client.get(), text.data(), static_cast<int>(text.size())) <= 0) return false;
  int length = SSL_read(server.get(), buffer, sizeof buffer);
  bool equal = length == static_cast<int>(text.size()) &&
               text.compare(0, text.size(), buffer, text.size()) == 0;
  SSL_shutdown(client.get());
  SSL_shutdown(server.get());
  ERR_clear_error();
  if (resumed != nullptr) *resumed = SSL_session_reused(server.get()) != 0;
  return equal && up == 1 && down == 1;
}

int select_first(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* in,
                 unsigned int, void*) {
  *out = in + 1;
  *length = in[0];
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

TEST(EngineThread, ManyThreadsShareTheContexts) {
  twin::Peers peers = twin::make_peers(
      {.client_context =
           [](SSL_CTX* context) {
             twin::use_certificate(context, "client-ed25519");
             SSL_CTX_set_alpn_protos(context, reinterpret_cast<const uint8_t*>("\2h2"), 3);
           },
       .server_context =
           [](SSL_CTX* context) {
             SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
             SSL_CTX_set_alpn_select_cb(context, select_first, nullptr);
           }});
  // libcrypto works out what it keeps of a certificate when it is first used, and guards that with
  // atomics which a sanitizer cannot see in it.
  EXPECT_TRUE(converse(peers.client_context.get(), peers.server_context.get(), 0));
  int failures = in_threads([&](int thread, int round) {
    return converse(peers.client_context.get(), peers.server_context.get(),
                    thread * kRounds + round);
  });
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(SSL_CTX_sess_connect_good(peers.client_context.get()), kThreads * kRounds + 1);
  EXPECT_EQ(SSL_CTX_sess_accept_good(peers.server_context.get()), kThreads * kRounds + 1);
}

TEST(EngineThread, ManyThreadsMakeContextsAndChangeTheirSSLs) {
  twin::Peers peers = twin::make_peers();
  int failures = in_threads([&](int thread, int round) {
    SSL_CTX* shared = peers.server_context.get();
    twin::Owned<SSL> ssl(SSL_new(shared));
    SSL_set_options(ssl.get(), SSL_OP_NO_TLSv1_2);
    SSL_set_verify(ssl.get(), SSL_VERIFY_PEER, nullptr);
    SSL_set1_host(ssl.get(), "localhost");
    if (SSL_use_certificate_file(ssl.get(), twin::fixture("server-p256.pem").c_str(),
                                 SSL_FILETYPE_PEM) != 1) {
      return false;
    }
    twin::Owned<SSL_CTX> own = twin::new_context();
    twin::trust(own.get());
    if (round % 4 != 0) return true;
    return converse(own.get(), shared, thread);
  });
  EXPECT_EQ(failures, 0);
}

// --- TLS 1.2: one session cache on each side, shared by all ---

namespace {

class EngineThread12 : public testing::TestWithParam<bool> {};

void configure12(SSL_CTX* context, bool tickets) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_BOTH);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const uint8_t*>("x"), 1);
  if (tickets) SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(IdAndTicket, EngineThread12, testing::Bool());

TEST_P(EngineThread12, ManyThreadsResume) {
  seen.clear();
  bool tickets = GetParam();
  twin::Peers peers = twin::make_peers({.certificate = "server-p256",
                                        .client_context =
                                            [&](SSL_CTX* context) {
                                              twin::use_certificate(context, "client-p256");
                                              configure12(context, tickets);
                                              SSL_CTX_sess_set_new_cb(context, keep_session);
                                            },
                                        .server_context =
                                            [&](SSL_CTX* context) {
                                              SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
                                              configure12(context, tickets);
                                              SSL_CTX_sess_set_cache_size(context, 20);
                                            }});
  SSL_CTX* client = peers.client_context.get();
  SSL_CTX* server = peers.server_context.get();
  EXPECT_TRUE(converse(client, server, 0));
  std::atomic<int> resumptions{0};
  int failures = in_threads([&](int thread, int round) {
    auto number = static_cast<size_t>(thread * kRounds + round);
    bool resumed = false;
    // Some begin anew, some come back with what another thread has got, some take sessions away.
    twin::Owned<SSL_SESSION> offered = round % 4 == 0 ? nullptr : any_session(number);
    bool good = converse(client, server, thread * kRounds + round, offered.get(), &resumed);
    resumptions += resumed ? 1 : 0;
    if (round % 6 == 5 && offered) SSL_CTX_remove_session(server, offered.get());
    if (round == kRounds / 2) SSL_CTX_flush_sessions(server, 1);
    return good;
  });
  EXPECT_EQ(failures, 0);
  EXPECT_GT(resumptions, 0);
  EXPECT_EQ(SSL_CTX_sess_accept_good(server), kThreads * kRounds + 1);
  seen.clear();
}

TEST(EngineThread, ManyThreadsRenegotiate) {
  twin::Peers peers =
      twin::make_peers({.certificate = "server-p256",
                        .client_context = [](SSL_CTX* context) { configure12(context, false); },
                        .server_context =
                            [](SSL_CTX* context) {
                              configure12(context, false);
                              SSL_CTX_set_options(context, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
                            }});
  EXPECT_TRUE(converse(peers.client_context.get(), peers.server_context.get(), 0));
  int failures = in_threads([&](int, int) {
    twin::Peers own;
    own.client.reset(SSL_new(peers.client_context.get()));
    own.server.reset(SSL_new(peers.server_context.get()));
    SSL_set_connect_state(own.client.get());
    SSL_set_accept_state(own.server.get());
    twin::link_memory(own);
    if (!twin::handshake(own).good() || SSL_renegotiate(own.client.get()) != 1) return false;
    char byte = 0;
    int result = -1;
    for (int i = 0; i < 6 && result != 1; ++i) {
      result = SSL_do_handshake(own.client.get());
      SSL_read(own.server.get(), &byte, 1);
      ERR_clear_error();
    }
    return result == 1 && SSL_total_renegotiations(own.client.get()) == 1;
  });
  EXPECT_EQ(failures, 0);
}
