// SSL_dup(3) and SSL_copy_session_id(3) in every state of a connection: what is taken over.
#include <openssl/x509v3.h>

#include "support/older.h"

namespace {
using namespace twin;

int callback_uses = 0;

/// All that SSL_new(3) says of a copy, and what it does not say.
void settings(SSL* ssl) {
  SSL_set_options(ssl, SSL_OP_NO_TLSv1_1 | SSL_OP_NO_QUERY_MTU);
  SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
  SSL_set_min_proto_version(ssl, TLS1_2_VERSION);
  SSL_set_max_proto_version(ssl, TLS1_3_VERSION);
  SSL_set_max_cert_list(ssl, 5000);
  SSL_set_read_ahead(ssl, 1);
  SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE,
                 [](int, X509_STORE_CTX*) { return 1; });
  SSL_set_verify_depth(ssl, 3);
  SSL_set_security_level(ssl, 1);
  SSL_set_cipher_list(ssl, "ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA");
  SSL_set_ciphersuites(ssl, "TLS_CHACHA20_POLY1305_SHA256");
  SSL_set1_groups_list(ssl, "P-384");
  SSL_set1_sigalgs_list(ssl, "RSA+SHA512");
  SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>("\x02h2"), 3);
  SSL_set_tlsext_host_name(ssl, "host.example");
  SSL_set_quiet_shutdown(ssl, 1);
  SSL_set_num_tickets(ssl, 5);
  SSL_set_max_early_data(ssl, 77);
  SSL_set_recv_max_early_data(ssl, 78);
  SSL_set_max_send_fragment(ssl, 2048);
  SSL_set_split_send_fragment(ssl, 1024);
  SSL_set_block_padding(ssl, 128);
  SSL_set_default_read_buffer_len(ssl, 3000);
  SSL_set_default_passwd_cb_userdata(ssl, &callback_uses);
  SSL_set_default_passwd_cb(ssl, [](char*, int, int, void*) { return 0; });
  SSL_set_record_padding_callback_arg(ssl, &callback_uses);
  SSL_set_info_callback(ssl, [](const SSL*, int, int) {});
  SSL_set_session_id_context(ssl, reinterpret_cast<const unsigned char*>("context"), 7);
  SSL_set_purpose(ssl, X509_PURPOSE_SSL_CLIENT);
  SSL_set1_host(ssl, "name.example");
  SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
  SSL_set_security_callback(ssl, [](const SSL*, const SSL_CTX*, int, int, int, void*, void*) {
    callback_uses++;
    return 1;
  });
  SSL_set_psk_client_callback(
      ssl, [](SSL*, const char*, char*, unsigned, unsigned char*, unsigned) { return 0U; });
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_WILDCARDS);
  SSL_set_app_data(ssl, &callback_uses);
}

std::string ciphers(SSL* ssl) {
  const STACK_OF(SSL_CIPHER)* list = SSL_get_ciphers(ssl);
  return text("%d, first %s", sk_SSL_CIPHER_num(list),
              SSL_CIPHER_get_name(sk_SSL_CIPHER_value(list, 0)));
}

/// The ClientHello tells the rest.
std::string hello_of(SSL* ssl) {
  Owned<BIO> in(BIO_new(BIO_s_mem()));
  BIO* away = BIO_new(BIO_s_mem());
  BIO_up_ref(away);
  SSL_set_bio(ssl, in.release(), away);
  SSL_set_connect_state(ssl);
  SSL_do_handshake(ssl);
  ERR_clear_error();
  char* data = nullptr;
  long length = BIO_get_mem_data(away, &data);
  auto has = [&](std::string_view bytes) {
    return std::string_view(data, static_cast<size_t>(length)).find(bytes) != std::string::npos;
  };
  std::string said = text(
      "sent %d: h2 %d, host %d, P-384 alone %d, ChaCha20 alone %d, RSA+SHA512 alone %d, OCSP %d",
      length > 0, has({"\x00\x03\x02h2", 5}), has("host.example"),
      has({"\x00\x0a\x00\x04\x00\x02\x00\x18", 8}), has({"\x13\x03\xc0\x2f", 4}),
      has({"\x00\x0d\x00\x04\x00\x02\x06\x01", 8}), has({"\x00\x05\x00\x05\x01", 5}));
  BIO_free(away);
  return said;
}

void tell(const char* title, SSL* ssl) {
  out("%s", title);
  out("  options %llx mode %lx versions %ld %ld list %ld ahead %d",
      static_cast<unsigned long long>(SSL_get_options(ssl)), SSL_get_mode(ssl),
      static_cast<long>(SSL_get_min_proto_version(ssl)),
      static_cast<long>(SSL_get_max_proto_version(ssl)), SSL_get_max_cert_list(ssl),
      SSL_get_read_ahead(ssl));
  out("  verify %d callback %d depth %d, level %d callback %d", SSL_get_verify_mode(ssl),
      SSL_get_verify_callback(ssl) != nullptr, SSL_get_verify_depth(ssl),
      SSL_get_security_level(ssl), SSL_get_security_callback(ssl) != nullptr);
  out("  ciphers %s", ciphers(ssl).c_str());
  out("  quiet %d tickets %zu early %u %u password %d %d padding %d", SSL_get_quiet_shutdown(ssl),
      SSL_get_num_tickets(ssl), SSL_get_max_early_data(ssl), SSL_get_recv_max_early_data(ssl),
      SSL_get_default_passwd_cb(ssl) != nullptr, SSL_get_default_passwd_cb_userdata(ssl) != nullptr,
      SSL_get_record_padding_callback_arg(ssl) != nullptr);
  out("  info %d, psk %d, app data %d, status %ld", SSL_get_info_callback(ssl) != nullptr,
      SSL_get_psk_identity(ssl) != nullptr, SSL_get_app_data(ssl) != nullptr,
      static_cast<long>(SSL_get_tlsext_status_type(ssl)));
  const char* host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const char* peer = X509_VERIFY_PARAM_get0_host(SSL_get0_param(ssl), 0);
  out("  name %s, peer's %s, flags %x", host ? host : "null", peer ? peer : "null",
      X509_VERIFY_PARAM_get_hostflags(SSL_get0_param(ssl)));
  out("  server %d, certificate %d, shutdown %d, state %s, bio %d", SSL_is_server(ssl),
      SSL_get_certificate(ssl) != nullptr, SSL_get_shutdown(ssl), SSL_state_string(ssl),
      SSL_get_rbio(ssl) != nullptr);
}

void fresh() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> plain(SSL_new(context.get()));
  Owned<SSL> plain_copy(SSL_dup(plain.get()));
  tell("copy of a new one", plain_copy.get());
  Owned<SSL> ssl(SSL_new(context.get()));
  settings(ssl.get());
  tell("original", ssl.get());
  Owned<SSL> copy(SSL_dup(ssl.get()));
  out("another object %d", copy.get() != ssl.get());
  tell("copy", copy.get());
  out("copy's %s", hello_of(copy.get()).c_str());
  out("original's %s", hello_of(ssl.get()).c_str());
}

void roles() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  for (int role = 0; role < 3; role++) {
    Owned<SSL> ssl(SSL_new(context.get()));
    if (role == 1) SSL_set_connect_state(ssl.get());
    if (role == 2) SSL_set_accept_state(ssl.get());
    Owned<SSL> copy(SSL_dup(ssl.get()));
    out("role %d: server %d, %s", role, SSL_is_server(copy.get()),
        answer(SSL_do_handshake(copy.get())).c_str());
  }
}

void credentials() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  Owned<X509> certificate = read_certificate("server-p256");
  Owned<EVP_PKEY> key = read_key("server-p256");
  require(SSL_use_certificate(ssl.get(), certificate.get()) == 1 &&
              SSL_use_PrivateKey(ssl.get(), key.get()) == 1,
          "certificate");
  Owned<SSL> copy(SSL_dup(ssl.get()));
  out("certificate %d key %d", SSL_get_certificate(copy.get()) == certificate.get(),
      SSL_get_privatekey(copy.get()) == key.get());
  SSL_certs_clear(copy.get());
  out("cleared in the copy: %d, in the original %d", SSL_get_certificate(copy.get()) == nullptr,
      SSL_get_certificate(ssl.get()) == nullptr);
}

/// The same in a connection that has begun: the copy is the connection itself.
void begun() {
  auto told = [](const char* title, SSL* ssl) {
    SSL* copy = SSL_dup(ssl);
    out("%s: the same object %d", title, copy == ssl);
    SSL_free(copy);
  };
  Peers peers = make_peers();
  link_memory(peers);
  told("with BIOs", peers.client.get());
  SSL_do_handshake(peers.client.get());
  ERR_clear_error();
  told("in the handshake", peers.client.get());
  told("not begun", peers.server.get());
  require(handshake(peers).good(), "handshake");
  told("connected", peers.client.get());
  SSL_shutdown(peers.client.get());
  told("close_notify sent", peers.client.get());
  char byte;
  SSL_read(peers.server.get(), &byte, 1);
  told("close_notify received", peers.server.get());
  SSL_clear(peers.client.get());
  told("cleared", peers.client.get());
  Peers failing = make_peers({.certificate = ""});
  link_memory(failing);
  handshake(failing);
  ERR_clear_error();
  told("failed", failing.server.get());
}

void with_session() {
  Peers peers = connected(at_version(TLS1_2_VERSION));
  Owned<SSL_SESSION> session(SSL_get1_session(peers.client.get()));
  Owned<SSL> ssl(SSL_new(peers.client_context.get()));
  require(SSL_set_session(ssl.get(), session.get()) == 1, "SSL_set_session");
  SSL_set_session_id_context(ssl.get(), reinterpret_cast<const unsigned char*>("abc"), 3);
  Owned<SSL> copy(SSL_dup(ssl.get()));
  out("another object %d, the session %d", copy.get() != ssl.get(),
      SSL_get_session(copy.get()) == session.get());
  Owned<SSL> third(SSL_new(peers.client_context.get()));
  out("copied %d, the session %d", SSL_copy_session_id(third.get(), ssl.get()),
      SSL_get_session(third.get()) == session.get());
  Owned<SSL> empty(SSL_new(peers.client_context.get()));
  out("from one without: %s, session %d",
      answer(SSL_copy_session_id(third.get(), empty.get())).c_str(),
      SSL_get_session(third.get()) != nullptr);
  Owned<SSL_CTX> other(SSL_CTX_new(TLS_server_method()));
  Owned<SSL> server(SSL_new(other.get()));
  out("into another method: %s", answer(SSL_copy_session_id(server.get(), ssl.get())).c_str());
  out("its method is now the other's %d",
      SSL_get_ssl_method(server.get()) == SSL_get_ssl_method(ssl.get()));
}

}  // namespace

int main(int argc, char** argv) {
  SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return run({{"fresh", fresh},
              {"roles", roles},
              {"credentials", credentials},
              {"begun", begun},
              {"with_session", with_session}},
             argc, argv);
}
