// SSL_MODE_ASYNC: calls that a callback or a private key pauses, and what may happen meanwhile.
#include <openssl/rsa.h>

#include "support/asynchronous.h"
#include "support/fibres.h"

namespace {
using namespace twin;

// --- Pauses in the callbacks of a handshake ---

int pause_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* length,
               const unsigned char* offered, unsigned int, void*) {
  job_pause.here("alpn", ssl);
  *chosen = offered + 1;
  *length = offered[0];
  return SSL_TLSEXT_ERR_OK;
}

void in_alpn() {
  for (int times : {0, 1, 3}) {
    for (bool fd : {false, true}) {
      out("%d pauses%s", times, fd ? ", with a descriptor" : "");
      told({times, fd}, {.server_context =
                             [](SSL_CTX* c) {
                               asynchronous(c);
                               SSL_CTX_set_alpn_select_cb(c, pause_alpn, nullptr);
                             },
                         .client =
                             [](SSL* ssl) {
                               SSL_set_alpn_protos(
                                   ssl, reinterpret_cast<const unsigned char*>("\1a"), 2);
                             }});
    }
  }
}

void in_certificate() {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto set = [version](SSL_CTX* c) {
      asynchronous(c);
      SSL_CTX_set_min_proto_version(c, version);
      SSL_CTX_set_max_proto_version(c, version);
      SSL_CTX_set_cert_cb(c, pause_certificate, nullptr);
    };
    auto verify = [set](SSL_CTX* c) {
      set(c);
      SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
    };
    out("version %04x", version);
    told({2}, {.client_context = set, .server_context = verify});
  }
}

void in_verification() {
  told({2, true}, {.client_context = [](SSL_CTX* c) {
         asynchronous(c);
         SSL_CTX_set_verify(c, SSL_VERIFY_PEER, [](int good, X509_STORE_CTX* store) {
           int index = SSL_get_ex_data_X509_STORE_CTX_idx();
           job_pause.here("verify", static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, index)));
           return good;
         });
       }});
}

void in_client_hello_and_name() {
  told({2}, {.server_context =
                 [](SSL_CTX* c) {
                   asynchronous(c);
                   SSL_CTX_set_client_hello_cb(
                       c,
                       [](SSL* ssl, int*, void*) {
                         static int calls;
                         job_pause.here("client hello", ssl);
                         return ++calls == 1 ? SSL_CLIENT_HELLO_RETRY : SSL_CLIENT_HELLO_SUCCESS;
                       },
                       nullptr);
                   SSL_CTX_set_tlsext_servername_callback(
                       c, +[](SSL* ssl, int*, void*) {
                         job_pause.times = 3;
                         job_pause.here("name", ssl);
                         return SSL_TLSEXT_ERR_OK;
                       });
                 },
             .client = [](SSL* ssl) { SSL_set_tlsext_host_name(ssl, "server.test"); }});
}

void refused_after_a_pause() {
  told({1}, {.server_context =
                 [](SSL_CTX* c) {
                   asynchronous(c);
                   SSL_CTX_set_alpn_select_cb(
                       c,
                       [](SSL* ssl, const unsigned char**, unsigned char*, const unsigned char*,
                          unsigned int, void*) {
                         job_pause.here("alpn", ssl);
                         return SSL_TLSEXT_ERR_ALERT_FATAL;
                       },
                       nullptr);
                 },
             .client =
                 [](SSL* ssl) {
                   SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>("\1a"), 2);
                 }});
}

// --- A private key whose operation pauses ---

int (*sign_at_once)(int, const unsigned char*, unsigned char*, RSA*, int);

int sign_later(int length, const unsigned char* from, unsigned char* to, RSA* rsa, int padding) {
  job_pause.here("key", static_cast<const SSL*>(RSA_get_ex_data(rsa, 0)));
  return sign_at_once(length, from, to, rsa, padding);
}

/// A copy of the fixture's RSA key that pauses before it signs.
Owned<EVP_PKEY> slow_key() {
  static RSA_METHOD* method = [] {
    RSA_METHOD* made = RSA_meth_dup(RSA_get_default_method());
    sign_at_once = RSA_meth_get_priv_enc(made);
    RSA_meth_set_priv_enc(made, sign_later);
    return made;
  }();
  Owned<EVP_PKEY> plain = read_key("server-rsa");
  RSA* rsa = RSAPrivateKey_dup(EVP_PKEY_get0_RSA(plain.get()));
  RSA_set_method(rsa, method);
  Owned<EVP_PKEY> key(EVP_PKEY_new());
  EVP_PKEY_assign_RSA(key.get(), rsa);
  return key;
}

void in_private_key() {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    out("version %04x", version);
    Owned<EVP_PKEY> key = slow_key();
    told({2, true},
         {.certificate = "",
          .client_context = [=](SSL_CTX* c) { SSL_CTX_set_min_proto_version(c, version); },
          .server_context =
              [&](SSL_CTX* c) {
                asynchronous(c);
                SSL_CTX_set_min_proto_version(c, version);
                SSL_CTX_set_max_proto_version(c, version);
                SSL_CTX_use_certificate_chain_file(c, fixture("server-rsa.pem").c_str());
                out("  key: %d", SSL_CTX_use_PrivateKey(c, key.get()));
              },
          .server =
              [&](SSL* ssl) {
                RSA* rsa = const_cast<RSA*>(EVP_PKEY_get0_RSA(key.get()));
                RSA_set_ex_data(rsa, 0, ssl);
              }});
  }
}

// --- Reading, writing, shutting down ---

/// Pauses when a header of the record passes by.
void watch_records(SSL* ssl) {
  SSL_set_msg_callback(ssl, [](int written, int, int type, const void*, size_t, SSL* from, void*) {
    if (type == SSL3_RT_HEADER) job_pause.here(written ? "record out" : "record in", from);
  });
}

void input_and_output() {
  Peers peers = connected({.client_context = asynchronous});
  SSL *client = peers.client.get(), *server = peers.server.get();
  watch_records(client);
  std::string buffer(100, '\0');
  size_t done = 0;

  out("write");
  job_pause = {2};
  for (int i = 0; i < 3; ++i) tell("SSL_write", client, SSL_write(client, "hello", 5));
  tell("server", server, SSL_read(server, buffer.data(), 100));
  job_pause = {1};
  for (int i = 0; i < 2; ++i) {
    int written = SSL_write_ex(client, "hello you", 9, &done);
    tell("SSL_write_ex", client, written);
    if (written) out("  done %zu", done);
  }
  tell("server", server, SSL_read(server, buffer.data(), 100));

  out("read");
  SSL_write(server, "some data", 9);
  job_pause = {2};
  for (int i = 0; i < 3; ++i) {
    int peeked = SSL_peek_ex(client, buffer.data(), 100, &done);
    tell("SSL_peek_ex", client, peeked);
    if (peeked) out("  done %zu", done);
  }
  tell("SSL_read", client, SSL_read(client, buffer.data(), 4));
  tell("SSL_read", client, SSL_read(client, buffer.data(), 100));
  SSL_write(server, "more", 4);
  job_pause = {1};
  for (int i = 0; i < 2; ++i) {
    tell("SSL_read", client, SSL_read(client, buffer.data(), 100));
  }
  out("  pending %d, has %d", SSL_pending(client), SSL_has_pending(client));
  tell("SSL_read", client, SSL_read(client, buffer.data(), 100));

  out("shutdown");
  job_pause = {2};
  for (int i = 0; i < 3; ++i) tell("SSL_shutdown", client, SSL_shutdown(client));
  SSL_shutdown(server);
  job_pause = {1};
  for (int i = 0; i < 2; ++i) tell("SSL_shutdown", client, SSL_shutdown(client));
  tell("SSL_read", client, SSL_read(client, buffer.data(), 100));
  tell("SSL_write", client, SSL_write(client, "x", 1));
}

void implicit_handshake() {
  Peers peers = make_peers({.client_context = asynchronous, .server_context = [](SSL_CTX* c) {
                              asynchronous(c);
                              SSL_CTX_set_cert_cb(c, pause_certificate, nullptr);
                            }});
  link_memory(peers);
  SSL *client = peers.client.get(), *server = peers.server.get();
  job_pause = {2};
  char buffer[10];
  for (int i = 0; i < 8; ++i) {
    int written = SSL_write(client, "hello", 5);
    tell("client", client, written);
    int read = SSL_read(server, buffer, sizeof buffer);
    tell("server", server, read);
    if (read > 0) break;
  }
}

void key_update() {
  Peers peers = connected({.client_context = asynchronous});
  SSL *client = peers.client.get(), *server = peers.server.get();
  watch_records(client);
  job_pause = {3};
  out("  SSL_key_update %d", SSL_key_update(client, SSL_KEY_UPDATE_REQUESTED));
  for (int i = 0; i < 4; ++i) tell("SSL_do_handshake", client, SSL_do_handshake(client));
  char buffer[10];
  tell("server", server, SSL_read(server, buffer, sizeof buffer));
  job_pause = {2};
  for (int i = 0; i < 3; ++i) tell("client", client, SSL_read(client, buffer, sizeof buffer));
}

}  // namespace

int main(int argc, char** argv) {
  leave_fake_stacks(argv);
  return run({{"in_alpn", in_alpn},
              {"in_certificate", in_certificate},
              {"in_verification", in_verification},
              {"in_client_hello_and_name", in_client_hello_and_name},
              {"refused_after_a_pause", refused_after_a_pause},
              {"in_private_key", in_private_key},
              {"input_and_output", input_and_output},
              {"implicit_handshake", implicit_handshake},
              {"key_update", key_update}},
             argc, argv);
}
