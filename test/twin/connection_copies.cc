// SSL_dup(3), SSL_clear(3), SSL_copy_session_id(3): what a copy has, what a cleared connection
// keeps, before, in and after a handshake.
#include "support/older.h"
#include "support/resumption12.h"

namespace {
using namespace twin;

size_t pad(SSL*, int, size_t, void*) {
  return 0;
}
void info(const SSL*, int, int) {}
int verify(int good, X509_STORE_CTX*) {
  return good;
}
int password(char*, int, int, void*) {
  return 0;
}
unsigned psk_client(SSL*, const char*, char*, unsigned, unsigned char*, unsigned) {
  return 0;
}

std::string settings(SSL* ssl) {
  unsigned length = 0;
  if (SSL_SESSION* session = SSL_get_session(ssl)) SSL_SESSION_get0_id_context(session, &length);
  STACK_OF(SSL_CIPHER)* ciphers = SSL_get_ciphers(ssl);
  STACK_OF(X509)* chain = nullptr;
  SSL_get0_chain_certs(ssl, &chain);
  X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
  const char* host = X509_VERIFY_PARAM_get0_host(param, 0);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  std::string result = text(
      "server %d, state %s, version %04x, bounds %lx %lx, options %lx, mode %lx, ahead %d, quiet "
      "%d, "
      "shutdown %d, verify %d %d %d, level %d, ",
      SSL_is_server(ssl), SSL_state_string(ssl), static_cast<unsigned>(SSL_version(ssl)),
      SSL_get_min_proto_version(ssl), SSL_get_max_proto_version(ssl),
      static_cast<unsigned long>(SSL_get_options(ssl)),
      static_cast<unsigned long>(SSL_get_mode(ssl)), SSL_get_read_ahead(ssl),
      SSL_get_quiet_shutdown(ssl), SSL_get_shutdown(ssl), SSL_get_verify_mode(ssl),
      SSL_get_verify_depth(ssl), SSL_get_verify_callback(ssl) == verify,
      SSL_get_security_level(ssl));
  result += text(
      "ciphers %d first %s, certificate %d, key %d, chain %d, host %s, name %s, info %d, "
      "max list %ld, tickets %zu, early %u %u, padding %d, password %d, status %ld, names %d %d, "
      "session %d, id context %u, bios %d %d",
      sk_SSL_CIPHER_num(ciphers),
      sk_SSL_CIPHER_num(ciphers) > 0 ? SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, 0))
                                     : "none",
      SSL_get_certificate(ssl) != nullptr, SSL_get_privatekey(ssl) != nullptr, sk_X509_num(chain),
      host ? host : "none", name ? name : "none", SSL_get_info_callback(ssl) == info,
      SSL_get_max_cert_list(ssl), SSL_get_num_tickets(ssl), SSL_get_max_early_data(ssl),
      SSL_get_recv_max_early_data(ssl), SSL_get_record_padding_callback_arg(ssl) != nullptr,
      SSL_get_default_passwd_cb(ssl) == password, SSL_get_tlsext_status_type(ssl),
      sk_X509_NAME_num(SSL_get0_CA_list(ssl)), sk_X509_NAME_num(SSL_get_client_CA_list(ssl)),
      SSL_get_session(ssl) != nullptr, length, SSL_get_rbio(ssl) != nullptr,
      SSL_get_wbio(ssl) != nullptr);
  return result;
}

struct Change {
  const char* what;
  std::function<void(SSL*)> make;
};

std::vector<Change> changes() {
  return {{"nothing", [](SSL*) {}},
          {"options", [](SSL* s) { SSL_set_options(s, SSL_OP_NO_TICKET | SSL_OP_NO_TLSv1_3); }},
          {"mode", [](SSL* s) { SSL_set_mode(s, SSL_MODE_RELEASE_BUFFERS); }},
          {"bounds",
           [](SSL* s) {
             SSL_set_min_proto_version(s, TLS1_1_VERSION);
             SSL_set_max_proto_version(s, TLS1_2_VERSION);
           }},
          {"read ahead", [](SSL* s) { SSL_set_read_ahead(s, 1); }},
          {"quiet", [](SSL* s) { SSL_set_quiet_shutdown(s, 1); }},
          {"shutdown", [](SSL* s) { SSL_set_shutdown(s, SSL_RECEIVED_SHUTDOWN); }},
          {"verify",
           [](SSL* s) {
             SSL_set_verify(s, SSL_VERIFY_PEER, verify);
             SSL_set_verify_depth(s, 5);
           }},
          {"level", [](SSL* s) { SSL_set_security_level(s, 3); }},
          {"ciphers", [](SSL* s) { SSL_set_cipher_list(s, "AES128-SHA:AES256-SHA"); }},
          {"suites", [](SSL* s) { SSL_set_ciphersuites(s, "TLS_AES_128_CCM_SHA256"); }},
          {"certificate",
           [](SSL* s) {
             SSL_use_certificate_chain_file(s, fixture("server-chain.pem").c_str());
             SSL_use_PrivateKey_file(s, fixture("server-chain.key").c_str(), SSL_FILETYPE_PEM);
           }},
          {"host", [](SSL* s) { SSL_set1_host(s, "twin.example"); }},
          {"server name", [](SSL* s) { SSL_set_tlsext_host_name(s, "twin.example"); }},
          {"info", [](SSL* s) { SSL_set_info_callback(s, info); }},
          {"list", [](SSL* s) { SSL_set_max_cert_list(s, 4711); }},
          {"tickets", [](SSL* s) { SSL_set_num_tickets(s, 5); }},
          {"early data",
           [](SSL* s) {
             SSL_set_max_early_data(s, 100);
             SSL_set_recv_max_early_data(s, 200);
           }},
          {"padding",
           [](SSL* s) {
             SSL_set_record_padding_callback(s, pad);
             SSL_set_record_padding_callback_arg(s, s);
           }},
          {"password", [](SSL* s) { SSL_set_default_passwd_cb(s, password); }},
          {"status", [](SSL* s) { SSL_set_tlsext_status_type(s, TLSEXT_STATUSTYPE_ocsp); }},
          {"names",
           [](SSL* s) {
             SSL_add1_to_CA_list(s, read_certificate("root").get());
             SSL_add_client_CA(s, read_certificate("root").get());
           }},
          {"psk", [](SSL* s) { SSL_set_psk_client_callback(s, psk_client); }},
          {"method", [](SSL* s) { SSL_set_ssl_method(s, TLSv1_2_client_method()); }},
          {"client", SSL_set_connect_state},
          {"server", SSL_set_accept_state},
          {"bios", [](SSL* s) { SSL_set_bio(s, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem())); }},
          {"one bio",
           [](SSL* s) {
             BIO* bio = BIO_new(BIO_s_mem());
             SSL_set_bio(s, bio, bio);
           }},
          {"session",
           [](SSL* s) {
             SSL_SESSION* session = SSL_SESSION_new();
             SSL_SESSION_set_protocol_version(session, TLS1_2_VERSION);
             SSL_set_session(s, session);
             SSL_SESSION_free(session);
           }},
          {"id context", [](SSL* s) {
             SSL_set_session_id_context(s, reinterpret_cast<const unsigned char*>("abc"), 3);
           }}};
}

// Each setting alone: in the copy, and after SSL_clear.
void before_handshake() {
  for (const Change& change : changes()) {
    Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
    Owned<SSL> ssl(SSL_new(context.get()));
    change.make(ssl.get());
    out("%s", change.what);
    out("  set:     %s", settings(ssl.get()).c_str());
    Owned<SSL> copy(SSL_dup(ssl.get()));
    out("  copy:    %s", copy ? settings(copy.get()).c_str() : "none");
    std::string cleared = answer(SSL_clear(ssl.get()));
    out("  cleared: %s, %s", cleared.c_str(), settings(ssl.get()).c_str());
    errors();
  }
}

// In a handshake a copy is another reference, as SSL_dup(3) says.
void in_handshake() {
  for (int steps : {0, 1, 2}) {
    Peers peers = make_peers();
    link_memory(peers);
    for (int i = 0; i < steps; i++) {
      SSL_do_handshake(peers.client.get());
      SSL_do_handshake(peers.server.get());
    }
    errors();
    for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
      SSL* copy = SSL_dup(ssl);
      out("%d steps, %s: the same %d, in init %d", steps, SSL_is_server(ssl) ? "server" : "client",
          copy == ssl, SSL_in_init(ssl));
      SSL_free(copy);
    }
    out("  %s", handshake(peers).said().c_str());
  }
}

// A copy that was made before serves for a handshake of its own.
void copies_shake_hands() {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Peers peers = make_peers(at_version(version));
    for (int round = 0; round < 2; round++) {
      Peers copies;
      copies.client.reset(SSL_dup(peers.client.get()));
      copies.server.reset(SSL_dup(peers.server.get()));
      link_memory(copies);
      out("%s, copy %d: %s", version_text(version), round, handshake(copies).said().c_str());
      out("  %s", transfer(copies.client.get(), copies.server.get(), "hello").c_str());
    }
    link_memory(peers);
    out("%s, the first: %s", version_text(version), handshake(peers).said().c_str());
  }
}

int see_hello(SSL* ssl, int*, void*) {
  int* present = nullptr;
  size_t count = 0, size = 0;
  const unsigned char* data = nullptr;
  SSL_client_hello_get1_extensions_present(ssl, &present, &count);
  std::string line;
  for (size_t i = 0; i < count; i++) {
    SSL_client_hello_get0_ext(ssl, static_cast<unsigned>(present[i]), &data, &size);
    line += text(" %d(%zu)", present[i], size);
  }
  OPENSSL_free(present);
  out("  hello:%s", line.c_str());
  return 1;
}

// What of a client's hello is not copied.
void hello_of_copies() {
  const Change kChanges[] = {
      {"nothing", [](SSL*) {}},
      {"groups", [](SSL* s) { SSL_set1_groups_list(s, "P-384"); }},
      {"alpn",
       [](SSL* s) { SSL_set_alpn_protos(s, reinterpret_cast<const unsigned char*>("\2h2"), 3); }},
      {"schemes", [](SSL* s) { SSL_set1_sigalgs_list(s, "RSA-PSS+SHA256:ed25519"); }},
      {"fragments",
       [](SSL* s) { SSL_set_tlsext_max_fragment_length(s, TLSEXT_max_fragment_length_512); }},
      {"name", [](SSL* s) { SSL_set_tlsext_host_name(s, "twin.example"); }},
      {"status", [](SSL* s) { SSL_set_tlsext_status_type(s, TLSEXT_STATUSTYPE_ocsp); }},
      {"names", [](SSL* s) { SSL_add1_to_CA_list(s, read_certificate("root").get()); }},
      {"suites", [](SSL* s) { SSL_set_ciphersuites(s, "TLS_AES_128_GCM_SHA256"); }},
      {"options", [](SSL* s) { SSL_set_options(s, SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TICKET); }}};
  for (const Change& change : kChanges) {
    out("%s", change.what);
    Peers peers = make_peers(
        {.server_context = [](SSL_CTX* c) { SSL_CTX_set_client_hello_cb(c, see_hello, nullptr); }});
    change.make(peers.client.get());
    peers.client.reset(SSL_dup(peers.client.get()));
    link_memory(peers);
    out("  %s", handshake(peers).said().c_str());
  }
}

// SSL_clear after a connection: the same SSL again, with its session where that may be resumed.
void cleared_and_used_again() {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (bool closed : {true, false}) {
      Peers peers = make_peers(
          at_version(version, {.client_context = [](SSL_CTX* c) { allow_resumption(c, false); },
                               .server_context = [](SSL_CTX* c) { allow_resumption(c, false); }}));
      link_memory(peers);
      out("%s, closed %d: %s", version_text(version), closed, handshake(peers).said().c_str());
      if (closed) {
        SSL_shutdown(peers.client.get());
        SSL_shutdown(peers.server.get());
        SSL_shutdown(peers.client.get());
      }
      for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
        std::string cleared = answer(SSL_clear(ssl));
        out("  cleared %s: session %d, reused %d, version %04x, cipher %s, peer %d, state %s",
            cleared.c_str(), SSL_get_session(ssl) != nullptr, SSL_session_reused(ssl),
            static_cast<unsigned>(SSL_version(ssl)), SSL_get_cipher_name(ssl),
            SSL_get0_peer_certificate(ssl) != nullptr, SSL_state_string_long(ssl));
      }
      link_memory(peers);
      out("  again: %s", handshake(peers).said().c_str());
      out("  reused %d, %s", SSL_session_reused(peers.client.get()),
          transfer(peers.client.get(), peers.server.get(), "hello").c_str());
    }
  }
}

// SSL_copy_session_id: session, method, certificates and id context of another SSL.
void copied_session_ids() {
  Peers peers = resumable_peers();
  link_memory(peers);
  handshake(peers);
  SSL* from = peers.client.get();
  SSL_set_session_id_context(from, reinterpret_cast<const unsigned char*>("abc"), 3);
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> to(SSL_new(context.get()));
  out("copied %s", answer(SSL_copy_session_id(to.get(), from)).c_str());
  out("  the session %d, method %d, certificate %d",
      SSL_get_session(to.get()) == SSL_get_session(from),
      SSL_get_ssl_method(to.get()) == SSL_get_ssl_method(from),
      SSL_get_certificate(to.get()) == SSL_get_certificate(from));
  out("  to itself %s", answer(SSL_copy_session_id(from, from)).c_str());
  Owned<SSL> fresh(SSL_new(context.get()));
  out("from a new one %s", answer(SSL_copy_session_id(to.get(), fresh.get())).c_str());
  out("  session %d", SSL_get_session(to.get()) != nullptr);
  SSL_set_ssl_method(fresh.get(), TLSv1_2_server_method());
  use_certificate(context.get(), "server-p256");
  out("method %s", answer(SSL_copy_session_id(to.get(), fresh.get())).c_str());
  out("  the method %d", SSL_get_ssl_method(to.get()) == TLSv1_2_server_method());
  out("  its certificate %d", SSL_get_certificate(to.get()) != nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"before_handshake", before_handshake},
              {"in_handshake", in_handshake},
              {"copies_shake_hands", copies_shake_hands},
              {"hello_of_copies", hello_of_copies},
              {"cleared_and_used_again", cleared_and_used_again},
              {"copied_session_ids", copied_session_ids}},
             argc, argv);
}
