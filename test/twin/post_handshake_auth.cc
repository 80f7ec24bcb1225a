// Post-handshake authentication (RFC 8446 section 4.6.2): what SSL_verify_client_post_handshake
// returns, and what comes of each certificate and each verify mode.
#include "support/post_handshake.h"

namespace {
using namespace twin;

void said(const char* what, SSL* ssl) {
  int returned = SSL_verify_client_post_handshake(ssl);
  out("%s: %s, in_init %d", what, answer(returned).c_str(), SSL_in_init(ssl));
}

void refused() {
  Peers peers = make_peers(later_authentication());
  said("server before the handshake", peers.server.get());
  said("client before the handshake", peers.client.get());
  link_memory(peers);
  SSL_do_handshake(peers.client.get());
  said("client in the handshake", peers.client.get());
  SSL_do_handshake(peers.server.get());
  errors();
  said("server in the handshake", peers.server.get());
  out("%s", handshake(peers).said().c_str());
  said("client", peers.client.get());
  SSL_key_update(peers.server.get(), SSL_KEY_UPDATE_NOT_REQUESTED);
  said("server with a KeyUpdate to send", peers.server.get());
  out("still a server: %s", transfer(peers.server.get(), peers.client.get(), "hello").c_str());
}

void refused_without_role() {
  Owned<SSL_CTX> context = new_context();
  Owned<SSL> ssl(SSL_new(context.get()));
  said("no role", ssl.get());
  Owned<SSL_CTX> server_context = new_context(TLS_server_method());
  Owned<SSL> server(SSL_new(server_context.get()));
  said("TLS_server_method", server.get());
}

void refused_below_tls13() {
  Setup setup = later_authentication();
  setup.certificate = "server-p256";
  setup.client = [](SSL* ssl) {
    SSL_set_min_proto_version(ssl, TLS1_2_VERSION);
    SSL_set_max_proto_version(ssl, TLS1_2_VERSION);
  };
  setup.server = [](SSL* ssl) { SSL_set_min_proto_version(ssl, TLS1_2_VERSION); };
  Peers peers = connected(setup);
  said("TLS 1.2 server", peers.server.get());
  said("TLS 1.2 client", peers.client.get());
}

void not_offered() {
  Peers peers =
      connected({.server_context = [](SSL_CTX* c) { SSL_CTX_set_verify(c, kAskLater, nullptr); }});
  said("not offered", peers.server.get());
}

void not_offered_any_more() {
  Setup setup = later_authentication();
  setup.client = [](SSL* ssl) { SSL_set_post_handshake_auth(ssl, 0); };
  Peers peers = connected(setup);
  said("switched off", peers.server.get());
  setup.client_context = nullptr;
  setup.client = [](SSL* ssl) { SSL_set_post_handshake_auth(ssl, 1); };
  peers = connected(setup);
  authenticate(peers);
}

// What the setting is later does not matter.
void offered_and_switched_off() {
  Peers peers = connected(later_authentication());
  SSL_set_post_handshake_auth(peers.client.get(), 0);
  authenticate(peers);
}

void offered_after_a_retry_request() {
  Setup setup = later_authentication();
  setup.server = [](SSL* ssl) { SSL_set1_groups_list(ssl, "P-256"); };
  Peers peers = connected(setup);
  authenticate(peers);
}

void configurations() {
  for (int mode : {SSL_VERIFY_NONE, SSL_VERIFY_POST_HANDSHAKE, SSL_VERIFY_PEER, kAskLater,
                   kAskLater | SSL_VERIFY_CLIENT_ONCE, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE,
                   SSL_VERIFY_FAIL_IF_NO_PEER_CERT | SSL_VERIFY_POST_HANDSHAKE}) {
    out("mode %d", mode);
    Peers peers = connected(later_authentication("client-ed25519", mode));
    out("  after the handshake: %s", peer_line(peers.server.get()).c_str());
    authenticate(peers);
    authenticate(peers);
    out("  %s", transfer(peers.client.get(), peers.server.get(), "hello").c_str());
  }
}

// A mode that is set when the handshake is over counts.
void mode_set_late() {
  Peers peers = connected(later_authentication("client-ed25519", SSL_VERIFY_NONE));
  said("nothing to verify", peers.server.get());
  SSL_set_verify(peers.server.get(), SSL_VERIFY_PEER, nullptr);
  authenticate(peers);
  SSL_set_verify(peers.server.get(), SSL_VERIFY_NONE, nullptr);
  said("nothing to verify again", peers.server.get());
  SSL_set_verify(peers.server.get(), kAskLater | SSL_VERIFY_CLIENT_ONCE, nullptr);
  said("only once", peers.server.get());
}

// The mode changes between the request and the answer.
void mode_changed_meanwhile() {
  for (int mode : {SSL_VERIFY_NONE, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT}) {
    for (const char* certificate : {"client-ed25519", "client-stranger", ""}) {
      out("mode %d, %s", mode, certificate);
      Peers peers = connected(later_authentication(certificate));
      ask(peers.server.get());
      SSL_set_verify(peers.server.get(), mode, nullptr);
      out("  client: %s", reads(peers.client.get()).c_str());
      out("  server: %s", reads(peers.server.get()).c_str());
      out("  client: %s", reads(peers.client.get()).c_str());
      out("  server: %s", peer_line(peers.server.get()).c_str());
    }
  }
}

void one_at_a_time() {
  Peers peers = connected(later_authentication());
  SSL* server = peers.server.get();
  said("first", server);
  said("before it is sent", server);
  out("SSL_do_handshake: %s", outcome(server, SSL_do_handshake(server)).c_str());
  said("before the answer", server);
  out("client: %s", reads(peers.client.get()).c_str());
  said("answer on its way", server);
  out("server: %s", reads(server).c_str());
  said("after the answer", server);
  out("SSL_do_handshake: %s", outcome(server, SSL_do_handshake(server)).c_str());
  said("before the second answer", server);
}

constexpr const char* kClients[] = {
    "client-ed25519",  "client-rsa",     "client-p256",    "server-ed448",
    "client-stranger", "server-purpose", "server-expired", ""};

void certificates() {
  for (int mode : {kAskLater, kAskLater | SSL_VERIFY_FAIL_IF_NO_PEER_CERT}) {
    for (const char* name : kClients) {
      out("mode %d, %s", mode, name);
      Peers peers = connected(later_authentication(name, mode));
      Alerts client, server;
      client.watch(peers.client.get());
      server.watch(peers.server.get());
      authenticate(peers);
      out("  alerts: client %s | server %s", client.text_or_none(), server.text_or_none());
      out("  up: %s", transfer(peers.client.get(), peers.server.get(), "hello").c_str());
      out("  down: %s", transfer(peers.server.get(), peers.client.get(), "hello").c_str());
    }
  }
}

void suites() {
  for (const char* suite : {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                            "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_8_SHA256"}) {
    Setup setup = later_authentication("client-rsa");
    setup.server = [=](SSL* ssl) { SSL_set_ciphersuites(ssl, suite); };
    setup.client = [](SSL* ssl) {
      SSL_set_ciphersuites(ssl,
                           "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                           "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_8_SHA256");
    };
    Peers peers = connected(setup);
    out("%s", SSL_get_cipher_name(peers.server.get()));
    authenticate(peers);
  }
}

// A client that has shown a certificate in the handshake shows another one.
void another_certificate() {
  Setup setup = later_authentication("client-ed25519", SSL_VERIFY_PEER);
  Peers peers = connected(setup);
  out("%s", peer_line(peers.server.get()).c_str());
  for (const char* name : {"client-rsa", "client-p256"}) {
    SSL_certs_clear(peers.client.get());
    SSL_use_certificate_file(peers.client.get(), fixture(text("%s.pem", name)).c_str(),
                             SSL_FILETYPE_PEM);
    SSL_use_PrivateKey_file(peers.client.get(), fixture(text("%s.key", name)).c_str(),
                            SSL_FILETYPE_PEM);
    authenticate(peers);
  }
  SSL_certs_clear(peers.client.get());
  out("no certificate");
  authenticate(peers);
}

// An answer that is refused leaves what was known of the client before.
void refused_after_accepted() {
  Setup setup = later_authentication("client-ed25519", SSL_VERIFY_PEER);
  Peers peers = connected(setup);
  SSL_certs_clear(peers.client.get());
  SSL_use_certificate_file(peers.client.get(), fixture("client-stranger.pem").c_str(),
                           SSL_FILETYPE_PEM);
  SSL_use_PrivateKey_file(peers.client.get(), fixture("client-stranger.key").c_str(),
                          SSL_FILETYPE_PEM);
  SSL_SESSION* before = SSL_get0_session(peers.server.get());
  authenticate(peers);
  out("same session %d", SSL_get0_session(peers.server.get()) == before);
}

void signature_algorithms() {
  for (const char* list : {"ed25519", "RSA-PSS+SHA256", "ECDSA+SHA256:RSA-PSS+SHA384"}) {
    Setup setup = later_authentication("client-rsa");
    setup.server = [=](SSL* ssl) { SSL_set1_client_sigalgs_list(ssl, list); };
    Peers peers = connected(setup);
    out("%s", list);
    authenticate(peers);
    int nid = -1;
    out("  signature: client %ld", SSL_get_signature_nid(peers.client.get(), &nid));
    out("  nid %d", nid);
    nid = -1;
    out("  signature: server %ld", SSL_get_peer_signature_nid(peers.server.get(), &nid));
    out("  nid %d, shared by the client %d", nid,
        SSL_get_shared_sigalgs(peers.client.get(), 0, nullptr, nullptr, nullptr, nullptr, nullptr));
  }
}

// Sessions that a cache may have do not change: the connection gets another one.
void session_is_replaced() {
  Setup setup = later_authentication();
  const int index = SSL_SESSION_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  Peers peers = connected(setup);
  for (int i = 0; i < 2; ++i) {
    Owned<SSL_SESSION> server(SSL_get1_session(peers.server.get()));
    Owned<SSL_SESSION> client(SSL_get1_session(peers.client.get()));
    SSL_SESSION_set_ex_data(server.get(), index, server.get());
    authenticate(peers);
    SSL_SESSION* now = SSL_get0_session(peers.server.get());
    unsigned int before_length = 0, after_length = 0;
    const unsigned char* before = SSL_SESSION_get_id(server.get(), &before_length);
    const unsigned char* after = SSL_SESSION_get_id(now, &after_length);
    out("server: same object %d, same id %d, peer before %s, after %s, resumable %d %d",
        now == server.get(),
        before_length == after_length && std::memcmp(before, after, after_length) == 0,
        subject(SSL_SESSION_get0_peer(server.get())).c_str(),
        subject(SSL_SESSION_get0_peer(now)).c_str(), SSL_SESSION_is_resumable(server.get()),
        SSL_SESSION_is_resumable(now));
    out("server: ex_data kept %d, timeout %d, same cipher %d",
        SSL_SESSION_get_ex_data(now, index) == server.get(),
        SSL_SESSION_get_timeout(now) == SSL_SESSION_get_timeout(server.get()),
        SSL_SESSION_get0_cipher(now) == SSL_SESSION_get0_cipher(server.get()));
    out("client: same object %d, peer %s", SSL_get0_session(peers.client.get()) == client.get(),
        subject(SSL_get0_peer_certificate(peers.client.get())).c_str());
  }
}

void finished_values() {
  Peers peers = connected(later_authentication());
  auto values = [&] {
    char own[64], seen[64];
    size_t length = SSL_get_finished(peers.client.get(), own, sizeof own);
    size_t seen_length = SSL_get_peer_finished(peers.server.get(), seen, sizeof seen);
    bool same = length == seen_length && std::memcmp(own, seen, length) == 0;
    out("client's %zu, server's view of it %zu, the same %d", length, seen_length, same);
    return std::string(own, length);
  };
  std::string before = values();
  authenticate(peers);
  std::string after = values();
  out("changed %d", before != after);
}

void cleared() {
  Peers peers = connected(later_authentication());
  ask(peers.server.get());
  out("client: %s", reads(peers.client.get()).c_str());
  out("SSL_clear: %d %d", SSL_clear(peers.client.get()), SSL_clear(peers.server.get()));
  said("cleared", peers.server.get());
  link_memory(peers);
  out("%s", handshake(peers).said().c_str());
  authenticate(peers);
  SSL_set_post_handshake_auth(peers.client.get(), 0);
  out("SSL_clear: %d %d", SSL_clear(peers.client.get()), SSL_clear(peers.server.get()));
  link_memory(peers);
  out("%s", handshake(peers).said().c_str());
  said("not offered now", peers.server.get());
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"refused", refused},
              {"refused.without-role", refused_without_role},
              {"refused.below-tls13", refused_below_tls13},
              {"not-offered", not_offered},
              {"not-offered-any-more", not_offered_any_more},
              {"offered-and-switched-off", offered_and_switched_off},
              {"offered-after-a-retry-request", offered_after_a_retry_request},
              {"configurations", configurations},
              {"mode-set-late", mode_set_late},
              {"mode-changed-meanwhile", mode_changed_meanwhile},
              {"one-at-a-time", one_at_a_time},
              {"certificates", certificates},
              {"suites", suites},
              {"another-certificate", another_certificate},
              {"refused-after-accepted", refused_after_accepted},
              {"signature-algorithms", signature_algorithms},
              {"session-is-replaced", session_is_replaced},
              {"finished-values", finished_values},
              {"cleared", cleared}},
             argc, argv);
}
