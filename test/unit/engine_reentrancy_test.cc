// Applications call the library from inside its callbacks: nothing may crash, and an SSL freed
// there goes away once, when the outermost call returns.
#include "engine_callbacks.h"

using handfast::callback_test::everywhere;
using handfast::callback_test::Talk;

TEST(EngineReentrancy, Free) {
  everywhere([](SSL* ssl) {
    Talk::freed_ssl = ssl;
    SSL_free(ssl);
  });
}

TEST(EngineReentrancy, Clear) {
  everywhere([](SSL* ssl) { SSL_clear(ssl); });
}

TEST(EngineReentrancy, ReadAndPeek) {
  everywhere([](SSL* ssl) {
    char buffer[10];
    SSL_peek(ssl, buffer, sizeof buffer);
    SSL_read(ssl, buffer, sizeof buffer);
    SSL_pending(ssl);
  });
}

TEST(EngineReentrancy, WriteAndShutdown) {
  everywhere([](SSL* ssl) {
    SSL_write(ssl, "x", 1);
    SSL_shutdown(ssl);
  });
}

TEST(EngineReentrancy, HandshakeAndKeyUpdate) {
  everywhere([](SSL* ssl) {
    SSL_do_handshake(ssl);
    SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(ssl);
  });
}

TEST(EngineReentrancy, RolesAndSettings) {
  everywhere([](SSL* ssl) {
    SSL_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_set_ciphersuites(ssl, "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256");
    SSL_set_msg_callback(ssl, nullptr);
    SSL_set_info_callback(ssl, nullptr);
    SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
    SSL_set1_groups_list(ssl, "X25519:P-256");
    SSL_set_accept_state(ssl);
  });
}

TEST(EngineReentrancy, CertificatesAndSession) {
  everywhere([](SSL* ssl) {
    SSL_use_certificate_file(ssl, twin::fixture("server-p256.pem").c_str(), SSL_FILETYPE_PEM);
    SSL_use_PrivateKey_file(ssl, twin::fixture("server-p256.key").c_str(), SSL_FILETYPE_PEM);
    SSL_certs_clear(ssl);
    SSL_set_session(ssl, nullptr);
    SSL_set_cert_cb(ssl, nullptr, nullptr);
  });
}

TEST(EngineReentrancy, AnotherContextThatGoesAway) {
  for (bool first : {false, true}) {
    Talk::another_context_first = first;
    everywhere([](SSL* ssl) {
      Talk::another_context(ssl);
      Talk::another_context(ssl);
    });
  }
  Talk::another_context_first = false;
}
