// Server Gated Cryptography: every restart that is refused.
#include <gtest/gtest.h>

#include "connection/connection.h"
#include "gated_restart_support.h"

using namespace handfast;
using namespace handfast::gated_test;

namespace {

void expect_unexpected(Gate& gate) {
  gate.expect_refused(Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE);
}

}  // namespace

TEST(GatedRestart, OffByDefault) {
  twin::Owned<SSL_CTX> context = server_context();
  EXPECT_EQ(HANDFAST_CTX_set_server_gated_cryptography(context.get(), 0), 1);
  Gate off(context.get());
  off.begin();
  off.feed(flight(new_client12().get()));
  expect_unexpected(off);
  // A setting of the SSL itself.
  twin::Owned<SSL> ssl(SSL_new(context.get()));
  EXPECT_EQ(HANDFAST_set_server_gated_cryptography(ssl.get(), 1), 1);
  Gate on(std::move(ssl));
  on.begin();
  twin::Owned<SSL> second = new_client12();
  on.feed(flight(second.get()));
  EXPECT_TRUE(on.complete(second.get()));

  twin::Owned<SSL_CTX> plain(SSL_CTX_new(TLS_method()));
  twin::use_certificate(plain.get(), "server-rsa");
  SSL_CTX_use_certificate(plain.get(), certificate_for(kMicrosoft).get());
  Gate never(plain.get());
  never.begin();
  never.feed(flight(new_client12().get()));
  expect_unexpected(never);
}

TEST(GatedRestart, CertificateWithoutTheUsage) {
  for (const char* usage :
       {static_cast<const char*>(nullptr), "serverAuth", "anyExtendedKeyUsage"}) {
    twin::Owned<SSL_CTX> context = server_context(usage);
    Gate gate(context.get());
    gate.begin();
    gate.feed(flight(new_client12().get()));
    expect_unexpected(gate);
  }
}

// CVE-2011-4619.
TEST(GatedRestart, OnlyOnce) {
  twin::Owned<SSL_CTX> context = server_context();
  Gate gate(context.get());
  gate.begin();
  EXPECT_EQ(gate.feed(flight(new_client12().get())).error, SSL_ERROR_WANT_READ);
  gate.feed(flight(new_client12().get()));
  gate.expect_refused(Alert::unexpected_message, SSL_R_MULTIPLE_SGC_RESTARTS);
  EXPECT_EQ(counted.client_hello, 2);
}

TEST(GatedRestart, AnotherServerName) {
  for (const char* name : {"example.org", static_cast<const char*>(nullptr)}) {
    twin::Owned<SSL_CTX> context = server_context();
    Gate gate(context.get());
    gate.begin();
    gate.feed(flight(new_client12({.name = name}).get()));
    gate.expect_refused(Alert::illegal_parameter, SSL_R_SSL3_EXT_INVALID_SERVERNAME);
  }
  twin::Owned<SSL_CTX> context = server_context();
  Gate gate(context.get());
  gate.begin(new_client12({.name = nullptr}).get());
  gate.feed(flight(new_client12().get()));
  gate.expect_refused(Alert::illegal_parameter, SSL_R_SSL3_EXT_INVALID_SERVERNAME);
}

TEST(GatedRestart, AnotherVersion) {
  for (int version : {TLS1_VERSION, TLS1_1_VERSION, TLS1_3_VERSION}) {
    SCOPED_TRACE(version);
    twin::Owned<SSL_CTX> context = server_context();
    SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0");
    Gate gate(context.get());
    gate.begin();
    gate.feed(flight(new_client12({.version = version, .suites = "ALL"}).get()));
    gate.expect_refused(Alert::protocol_version, SSL_R_WRONG_SSL_VERSION);
  }
}

TEST(GatedRestart, WeakerCipher) {
  twin::Owned<SSL_CTX> context = server_context();
  SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0");
  Gate gate(context.get());
  gate.begin(new_client12({.suites = "ECDHE-RSA-AES256-GCM-SHA384"}).get());
  gate.feed(flight(new_client12({.suites = "ECDHE-RSA-AES128-GCM-SHA256"}).get()));
  gate.expect_refused(Alert::insufficient_security, SSL_R_WRONG_CIPHER_RETURNED);
}

TEST(GatedRestart, LostRenegotiationInfo) {
  twin::Owned<SSL_CTX> context = server_context();
  Gate gate(context.get());
  gate.begin();
  twin::Owned<SSL> second = new_client12();
  Octets hello = flight(second.get());
  // The signalling suite becomes one that nobody knows.
  const Octets signal = {0x00, 0xff, 0x01, 0x00};
  auto at = std::search(hello.begin(), hello.end(), signal.begin(), signal.end());
  ASSERT_NE(at, hello.end());
  at[0] = 0xfa;
  gate.feed(hello);
  gate.expect_refused(Alert::handshake_failure, SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED);
}

TEST(GatedRestart, NotInTls13) {
  twin::Owned<SSL_CTX> context = server_context();
  Gate gate(context.get());
  gate.begin(new_client12({.version = TLS1_3_VERSION}).get());
  const Outcome& outcome = gate.feed(flight(new_client12({.version = TLS1_3_VERSION}).get()));
  EXPECT_EQ(outcome.error, SSL_ERROR_SSL);
  EXPECT_TRUE(outcome.has(SSL_R_BAD_RECORD_TYPE));
  EXPECT_EQ(counted.client_hello, 1);
}

TEST(GatedRestart, NotWhenASessionIsResumed) {
  for (bool tickets : {true, false}) {
    twin::Owned<SSL_CTX> context = server_context();
    if (!tickets) SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
    Gate full(context.get());
    twin::Owned<SSL> before = new_client12();
    full.feed(flight(before.get()));
    ASSERT_TRUE(full.complete(before.get()));
    ClientSetup resuming{.more = [&](SSL* ssl) {
      EXPECT_EQ(SSL_set_session(ssl, SSL_get_session(before.get())), 1);
    }};
    Gate gate(context.get());
    gate.begin(new_client12(resuming).get());
    EXPECT_EQ(SSL_session_reused(gate.server()), 1);
    const Outcome& outcome = gate.feed(flight(new_client12().get()));
    EXPECT_EQ(outcome.error, SSL_ERROR_SSL);
    EXPECT_TRUE(outcome.has(SSL_R_UNEXPECTED_MESSAGE));
    EXPECT_EQ(counted.client_hello, 2);
    // Nor is one resumed by the second hello.
    Gate other(context.get());
    other.begin();
    twin::Owned<SSL> second = new_client12(resuming);
    other.feed(flight(second.get()));
    EXPECT_TRUE(other.complete(second.get()));
    EXPECT_EQ(SSL_session_reused(other.server()), 0);
  }
}

TEST(GatedRestart, NotAfterTheClientsAnswer) {
  for (int verify : {SSL_VERIFY_NONE, SSL_VERIFY_PEER}) {
    twin::Owned<SSL_CTX> context = server_context();
    SSL_CTX_set_verify(context.get(), verify, nullptr);
    Gate gate(context.get());
    twin::Owned<SSL> first = new_client12();
    gate.begin(first.get());
    BIO_write(SSL_get_rbio(first.get()), gate.answer().data(),
              static_cast<int>(gate.answer().size()));
    Octets answer = flight(first.get());
    // Its first record: Certificate where one was asked for, otherwise ClientKeyExchange.
    answer.resize(5 + static_cast<size_t>(answer[3] << 8 | answer[4]));
    EXPECT_EQ(answer[5],
              verify == SSL_VERIFY_PEER ? SSL3_MT_CERTIFICATE : SSL3_MT_CLIENT_KEY_EXCHANGE);
    EXPECT_EQ(gate.feed(answer).error, SSL_ERROR_WANT_READ);
    gate.feed(flight(new_client12().get()));
    expect_unexpected(gate);
    EXPECT_EQ(counted.client_hello, 1);
  }
}

TEST(GatedRestart, NotInsideAMessage) {
  twin::Owned<SSL_CTX> context = server_context();
  Gate gate(context.get());
  gate.begin();
  // The beginning of a ClientKeyExchange, whose end the hello would be.
  Octets hello = flight(new_client12().get());
  Octets whole = message(SSL3_MT_CLIENT_KEY_EXCHANGE, Octets(hello.size() - 4));
  EXPECT_EQ(gate.feed(Octets{22, 3, 3, 0, 5} + Octets(whole.begin(), whole.begin() + 5)).error,
            SSL_ERROR_WANT_READ);
  EXPECT_EQ(gate.feed(hello).error, SSL_ERROR_SSL);
  EXPECT_EQ(counted.client_hello, 1);
}

TEST(GatedRestart, NothingBehindTheHello) {
  twin::Owned<SSL_CTX> context = server_context();
  Gate gate(context.get());
  gate.begin();
  Octets hello = flight(new_client12().get());
  Octets more = message(SSL3_MT_CLIENT_KEY_EXCHANGE, {1, 4});
  Octets body = Octets(hello.begin() + 5, hello.end()) + more;
  gate.feed(Octets{22, 3, 3} + vector16(body));
  gate.expect_refused(Alert::unexpected_message, SSL_R_NOT_ON_RECORD_BOUNDARY);
}

TEST(GatedRestart, MalformedHello) {
  twin::Owned<SSL_CTX> context = server_context();
  Gate gate(context.get());
  gate.begin();
  gate.feed(Octets{22, 3, 3} + vector16(message(SSL3_MT_CLIENT_HELLO, {3, 3, 1})));
  gate.expect_refused(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
}

TEST(GatedRestart, NotInARenegotiation) {
  twin::Owned<SSL_CTX> context = server_context();
  SSL_CTX_set_options(context.get(), SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  Gate gate(context.get());
  twin::Owned<SSL> client = new_client12();
  gate.feed(flight(client.get()));
  ASSERT_TRUE(gate.complete(client.get()));
  // The client's second handshake stops after the server's flight; the hello comes again.
  EXPECT_EQ(SSL_renegotiate(client.get()), 1);
  SSL_do_handshake(client.get());
  Octets hello = taken(SSL_get_wbio(client.get()));
  BIO_write(SSL_get_rbio(gate.server()), hello.data(), static_cast<int>(hello.size()));
  char byte = 0;
  EXPECT_EQ(SSL_read(gate.server(), &byte, 1), -1);
  SSL* third = client.get();
  // Under the keys of the connection: what the client would write as its next hello.
  Bytes sealed;
  Octets whole = message(SSL3_MT_CLIENT_HELLO, Octets(40));
  ASSERT_TRUE(third->channel.writer.seal(ContentType::handshake, whole, sealed).ok());
  EXPECT_EQ(gate.feed(octets(sealed.view())).error, SSL_ERROR_SSL);
  EXPECT_TRUE(gate.feed({}).reasons.empty());
}
