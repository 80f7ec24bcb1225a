// What the getters say while a handshake of TLS <= 1.2 runs: at every call of the info callback of
// both sides.
#include "support/older.h"
#include "support/resumption12.h"

namespace {
using namespace twin;

Lines* lines;

std::string name_of(const SSL_CIPHER* cipher) {
  return cipher ? SSL_CIPHER_get_name(cipher) : "none";
}

std::string now(const SSL* ssl) {
  X509* peer = SSL_get0_peer_certificate(ssl);
  // The system's library asks the session without looking whether there is one.
  bool begun = SSL_get_session(ssl) != nullptr;
  long group = begun ? static_cast<long>(SSL_get_negotiated_group(const_cast<SSL*>(ssl))) : -1;
  return text(
      "%s: %s, %s, %04x, cipher %s, pending %s, reused %d, session %d, verify %ld, peer %d, group "
      "%ld",
      SSL_is_server(ssl) ? "server" : "client", SSL_state_string_long(ssl), SSL_get_version(ssl),
      static_cast<unsigned>(SSL_version(ssl)), name_of(SSL_get_current_cipher(ssl)).c_str(),
      name_of(SSL_get_pending_cipher(ssl)).c_str(), SSL_session_reused(ssl),
      SSL_get_session(ssl) != nullptr, SSL_get_verify_result(ssl), peer != nullptr, group);
}

void watch(SSL* ssl) {
  SSL_set_info_callback(ssl, [](const SSL* about, int, int) {
    std::string line = now(about);
    if (lines->empty() || lines->back() != line) lines->push_back(line);
  });
}

void told(Peers& peers, const char* title) {
  Lines both[2];
  watch(peers.client.get());
  watch(peers.server.get());
  link_memory(peers);
  Result result = handshake(peers, [&](const Side& side) {
    Lines& own = both[SSL_is_server(side.ssl)];
    own.insert(own.end(), lines->begin(), lines->end());
    lines->clear();
  });
  out("%s: %s", title, result.said().c_str());
  for (const Lines& side : both) {
    for (const std::string& line : side) out("  %s", line.c_str());
  }
}

void full(int version, const char* suite, bool client_certificate) {
  Lines all;
  lines = &all;
  Setup setup;
  setup.certificate = "server-rsa";
  setup.client_context = [=](SSL_CTX* c) {
    SSL_CTX_set_cipher_list(c, suite);
    if (client_certificate) use_certificate(c, "client-rsa");
  };
  setup.server_context = [=](SSL_CTX* c) {
    SSL_CTX_set_cipher_list(c, suite);
    SSL_CTX_set_dh_auto(c, 1);
    if (client_certificate) SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
  };
  Peers peers = make_peers(at_version(version, setup));
  told(peers, suite);
}

void ecdhe() {
  full(TLS1_2_VERSION, "ECDHE-RSA-AES128-GCM-SHA256", false);
}
void rsa() {
  full(TLS1_2_VERSION, "AES128-GCM-SHA256", true);
}
void dhe_of_tls10() {
  full(TLS1_VERSION, "DHE-RSA-AES128-SHA", false);
}
void resumed() {
  Lines all;
  lines = &all;
  for (By by : {By::id, By::ticket}) {
    Peers peers = resumable_peers(TLS1_2_VERSION, by);
    link_memory(peers);
    handshake(peers);
    lines->clear();
    renew_with_session(peers);
    told(peers, by_name(by));
  }
}

void renegotiated() {
  Lines all;
  lines = &all;
  Peers peers = make_peers(at_version(TLS1_2_VERSION, {.server_context = [](SSL_CTX* c) {
                                        SSL_CTX_set_options(c, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
                                      }}));
  link_memory(peers);
  handshake(peers);
  out("asked %d", SSL_renegotiate(peers.client.get()));
  watch(peers.client.get());
  watch(peers.server.get());
  char byte;
  for (int i = 0; i < 6; i++) {
    SSL_do_handshake(peers.client.get());
    SSL_read(peers.server.get(), &byte, 1);
    SSL_do_handshake(peers.server.get());
    SSL_read(peers.client.get(), &byte, 1);
  }
  errors();
  for (const std::string& line : all) out("  %s", line.c_str());
}

void failed() {
  Lines all;
  lines = &all;
  Peers peers = make_peers(at_version(TLS1_2_VERSION, {.certificate = "server-self-signed"}));
  told(peers, "refused certificate");
  Peers strangers = make_peers(
      at_version(TLS1_2_VERSION,
                 {.client_context = [](SSL_CTX* c) { SSL_CTX_set_cipher_list(c, "AES128-SHA"); },
                  .server_context = [](SSL_CTX* c) { SSL_CTX_set_cipher_list(c, "AES256-SHA"); }}));
  told(strangers, "nothing shared");
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"ecdhe", ecdhe},
              {"rsa", rsa},
              {"dhe_of_tls10", dhe_of_tls10},
              {"resumed", resumed},
              {"renegotiated", renegotiated},
              {"failed", failed}},
             argc, argv);
}
