// Server Gated Cryptography: include/handfast/control.h, and "except for SGC" in
// SSL_do_handshake(3).
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "gated_restart_support.h"

using namespace handfast;
using namespace handfast::gated_test;

TEST(GatedRestart, GoesOnWithTheSecondHello) {
  for (const char* usage : {kMicrosoft, kNetscape}) {
    SCOPED_TRACE(usage);
    twin::Owned<SSL_CTX> context = server_context(usage);
    Gate gate(context.get());
    gate.begin();
    twin::Owned<SSL> second = new_client12();
    EXPECT_EQ(gate.feed(flight(second.get())).error, SSL_ERROR_WANT_READ);
    EXPECT_TRUE(gate.complete(second.get()));
    gate.expect_data(second.get());
    EXPECT_STREQ(SSL_get_cipher_name(gate.server()), kSuite);
  }
}

TEST(GatedRestart, EveryCallbackOfTheHelloRunsAgain) {
  twin::Owned<SSL_CTX> context = server_context();
  Gate gate(context.get());
  gate.begin();
  EXPECT_EQ(counted.client_hello, 1);
  EXPECT_EQ(counted.server_name, 1);
  EXPECT_EQ(counted.alpn, 1);
  twin::Owned<SSL> second = new_client12();
  gate.feed(flight(second.get()));
  EXPECT_EQ(counted.client_hello, 2);
  EXPECT_EQ(counted.server_name, 2);
  EXPECT_EQ(counted.alpn, 2);
  EXPECT_TRUE(gate.complete(second.get()));
  const unsigned char* protocol = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(gate.server(), &protocol, &length);
  EXPECT_EQ(length, 2U);
}

TEST(GatedRestart, TheFirstHelloLeavesNothingBehind) {
  twin::Owned<SSL_CTX> context = server_context();
  Gate gate(context.get());
  gate.begin();
  // Neither ALPN nor groups nor signature algorithms as in the first.
  twin::Owned<SSL> second =
      new_client12({.suites = "ECDHE-RSA-AES256-GCM-SHA384", .more = [](SSL* ssl) {
                      SSL_set_alpn_protos(ssl, nullptr, 0);
                      SSL_set1_groups_list(ssl, "P-521");
                      SSL_set1_sigalgs_list(ssl, "RSA+SHA512");
                    }});
  EXPECT_EQ(gate.feed(flight(second.get())).error, SSL_ERROR_WANT_READ);
  Octets answer = taken(SSL_get_wbio(gate.server()));
  // New ephemerals and a new random.
  EXPECT_NE(answer, gate.answer());
  BIO_write(SSL_get_rbio(second.get()), answer.data(), static_cast<int>(answer.size()));
  EXPECT_TRUE(gate.complete(second.get()));
  gate.expect_data(second.get());
  const unsigned char* protocol = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(gate.server(), &protocol, &length);
  EXPECT_EQ(length, 0U);
  int nid = 0;
  EXPECT_EQ(SSL_get_peer_signature_nid(second.get(), &nid), 1);
  EXPECT_EQ(nid, NID_sha512);
  EXPECT_STREQ(SSL_get_cipher_name(gate.server()), "ECDHE-RSA-AES256-GCM-SHA384");
}

TEST(GatedRestart, EveryVersionAndKeyExchange) {
  struct Case {
    int version;
    const char* suite;
  };
  for (const Case& one :
       {Case{TLS1_VERSION, "AES128-SHA"}, Case{TLS1_1_VERSION, "DHE-RSA-AES128-SHA"},
        Case{TLS1_2_VERSION, "AES128-GCM-SHA256"}}) {
    for (int verify : {SSL_VERIFY_NONE, SSL_VERIFY_PEER}) {
      SCOPED_TRACE(one.suite);
      twin::Owned<SSL_CTX> context = server_context();
      SSL_CTX_set_dh_auto(context.get(), 1);
      SSL_CTX_set_verify(context.get(), verify, nullptr);
      EXPECT_EQ(SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0"), 1);
      Gate gate(context.get());
      auto version = static_cast<uint16_t>(one.version);
      ClientSetup setup{.version = one.version, .suites = one.suite, .more = [](SSL* ssl) {
                          SSL_use_certificate_file(ssl, twin::fixture("client-rsa.pem").c_str(),
                                                   SSL_FILETYPE_PEM);
                          SSL_use_PrivateKey_file(ssl, twin::fixture("client-rsa.key").c_str(),
                                                  SSL_FILETYPE_PEM);
                        }};
      twin::Owned<SSL> first = new_client12(setup);
      gate.begin(first.get(), version);
      twin::Owned<SSL> second = new_client12(setup);
      EXPECT_EQ(gate.feed(flight(second.get(), version)).error, SSL_ERROR_WANT_READ);
      EXPECT_TRUE(gate.complete(second.get()));
      gate.expect_data(second.get());
      EXPECT_EQ(SSL_version(gate.server()), one.version);
      EXPECT_EQ(SSL_get0_peer_certificate(gate.server()) != nullptr, verify == SSL_VERIFY_PEER);
    }
  }
}

TEST(GatedRestart, TellsTheCallerOnceWithoutAutoRetry) {
  for (bool retry : {true, false}) {
    SCOPED_TRACE(retry);
    twin::Owned<SSL_CTX> context = server_context();
    if (!retry) SSL_CTX_clear_mode(context.get(), SSL_MODE_AUTO_RETRY);
    Gate gate(context.get());
    gate.begin();
    twin::Owned<SSL> second = new_client12();
    const Outcome& outcome = gate.feed(flight(second.get()));
    EXPECT_EQ(outcome.returned, -1);
    EXPECT_EQ(outcome.error, SSL_ERROR_WANT_READ);
    EXPECT_TRUE(outcome.reasons.empty());
    // The flight leaves with the next call.
    EXPECT_EQ(BIO_ctrl_pending(SSL_get_wbio(gate.server())) > 0, retry);
    EXPECT_EQ(gate.feed({}).error, SSL_ERROR_WANT_READ);
    EXPECT_GT(BIO_ctrl_pending(SSL_get_wbio(gate.server())), 0U);
    EXPECT_TRUE(gate.complete(second.get()));
    gate.expect_data(second.get());
  }
}

// SSL_do_handshake(3): "If the underlying BIO is blocking, SSL_do_handshake() will only return once
// the handshake has been finished or an error occurred, except for SGC".
TEST(GatedRestart, ReturnsOnABlockingBioToo) {
  for (bool retry : {true, false}) {
    SCOPED_TRACE(retry);
    twin::Owned<SSL_CTX> context = server_context();
    if (!retry) SSL_CTX_clear_mode(context.get(), SSL_MODE_AUTO_RETRY);
    int sockets[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    twin::Owned<SSL> server(SSL_new(context.get()));
    SSL_set_fd(server.get(), sockets[0]);
    SSL_set_accept_state(server.get());
    bool client_good = false;
    std::thread other([&] {
      twin::Owned<SSL> first = new_client12(), second = new_client12();
      Octets hello = flight(first.get());
      (void)!write(sockets[1], hello.data(), hello.size());
      // The first client throws the answer away up to its ServerHelloDone.
      Octets answer;
      const Octets done = message(SSL3_MT_SERVER_DONE, {});
      uint8_t byte = 0;
      while (answer.size() < 4 || !std::equal(done.begin(), done.end(), answer.end() - 4)) {
        if (read(sockets[1], &byte, 1) != 1) return;
        answer.push_back(byte);
      }
      hello = flight(second.get());
      (void)!write(sockets[1], hello.data(), hello.size());
      // SSL_set_fd makes BIOs of its own.
      SSL_set_fd(second.get(), sockets[1]);
      client_good = SSL_do_handshake(second.get()) == 1 && SSL_write(second.get(), "hello", 5) == 5;
    });
    int result = SSL_do_handshake(server.get());
    if (!retry) {
      EXPECT_EQ(result, -1);
      EXPECT_EQ(SSL_get_error(server.get(), result), SSL_ERROR_WANT_READ);
      EXPECT_TRUE(SSL_in_init(server.get()));
      result = SSL_do_handshake(server.get());
    }
    EXPECT_EQ(result, 1) << twin::errors();
    char buffer[10] = {};
    EXPECT_EQ(SSL_read(server.get(), buffer, sizeof buffer), 5);
    other.join();
    EXPECT_TRUE(client_good);
    close(sockets[0]);
    close(sockets[1]);
  }
}

TEST(GatedRestart, HelloInPieces) {
  twin::Owned<SSL_CTX> context = server_context();
  Gate gate(context.get());
  gate.begin();
  twin::Owned<SSL> second = new_client12();
  Octets hello = flight(second.get());
  Octets body(hello.begin() + 5, hello.end());
  // Records of one byte, a byte at a time.
  for (uint8_t byte : body) {
    for (uint8_t part : Octets{22, 3, 3, 0, 1, byte}) {
      ASSERT_EQ(gate.feed({part}).error, SSL_ERROR_WANT_READ);
    }
  }
  EXPECT_TRUE(gate.complete(second.get()));
  gate.expect_data(second.get());
}

// --- Step-up: a complete handshake, then a renegotiation with what is better ---

TEST(GatedRestart, StepUp) {
  for (bool retry : {true, false}) {
    SCOPED_TRACE(retry);
    twin::Owned<SSL_CTX> context = server_context();
    SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0");
    SSL_CTX_set_options(context.get(), SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
    if (!retry) SSL_CTX_clear_mode(context.get(), SSL_MODE_AUTO_RETRY);
    int sockets[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
    twin::Owned<SSL> server(SSL_new(context.get()));
    SSL_set_fd(server.get(), sockets[0]);
    SSL_set_accept_state(server.get());
    std::string before, after, seen;
    bool client_good = false;
    std::thread other([&] {
      twin::Owned<SSL> client = new_client12({.suites = "AES128-SHA"});
      SSL_set_fd(client.get(), sockets[1]);
      if (SSL_do_handshake(client.get()) != 1) return;
      before = SSL_get_cipher_name(client.get());
      SSL_set_cipher_list(client.get(), "ECDHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0");
      if (SSL_renegotiate(client.get()) != 1 || SSL_do_handshake(client.get()) != 1) return;
      after = SSL_get_cipher_name(client.get());
      twin::Owned<X509> shown(SSL_get1_peer_certificate(client.get()));
      seen = X509_get_extended_key_usage(shown.get()) & XKU_SGC ? "gated" : "ordinary";
      client_good = SSL_write(client.get(), "hello", 5) == 5;
    });
    EXPECT_EQ(SSL_do_handshake(server.get()), 1) << twin::errors();
    // Another certificate for the second handshake.
    EXPECT_EQ(SSL_use_certificate(server.get(), certificate_for("serverAuth").get()), 1);
    char buffer[10] = {};
    int result = SSL_read(server.get(), buffer, sizeof buffer);
    if (!retry) {
      // SSL_CTX_set_mode(3): a read that processed no application data comes back.
      EXPECT_EQ(result, -1);
      EXPECT_EQ(SSL_get_error(server.get(), result), SSL_ERROR_WANT_READ);
      for (int i = 0; i < 5 && result != 5; ++i)
        result = SSL_read(server.get(), buffer, sizeof buffer);
    }
    EXPECT_EQ(result, 5) << twin::errors();
    other.join();
    EXPECT_TRUE(client_good);
    EXPECT_EQ(before, "AES128-SHA");
    EXPECT_EQ(after, "ECDHE-RSA-AES256-GCM-SHA384");
    EXPECT_EQ(seen, "ordinary");
    close(sockets[0]);
    close(sockets[1]);
  }
}

TEST(GatedRestart, TheReasonHasItsText) {
  SSL_load_error_strings();
  const char* reason =
      ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, SSL_R_MULTIPLE_SGC_RESTARTS));
  ASSERT_NE(reason, nullptr);
  EXPECT_STREQ(reason, "multiple sgc restarts");
}
