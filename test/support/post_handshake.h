// Post-handshake authentication between two connections of this process.
#pragma once

#include "loggers.h"

namespace twin {

constexpr int kAskLater = SSL_VERIFY_PEER | SSL_VERIFY_POST_HANDSHAKE;

/// A client that offers post-handshake authentication and has `certificate` (empty: none), and a
/// server that verifies with `mode`.
inline Setup later_authentication(const std::string& certificate = "client-ed25519",
                                  int mode = kAskLater) {
  return {.client_context =
              [=](SSL_CTX* context) {
                SSL_CTX_set_post_handshake_auth(context, 1);
                if (!certificate.empty()) use_certificate(context, certificate);
              },
          .server_context =
              [=](SSL_CTX* context) { SSL_CTX_set_verify(context, mode, nullptr); }};
}

inline std::string subject(const X509* certificate) {
  if (certificate == nullptr) return "none";
  char name[200] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  return name;
}

/// What one side knows of the other after it.
inline std::string peer_line(const SSL* ssl) {
  return text("peer %s, chain %d, verified chain %d, verify result %s",
              subject(SSL_get0_peer_certificate(ssl)).c_str(),
              sk_X509_num(SSL_get_peer_cert_chain(ssl)),
              sk_X509_num(SSL_get0_verified_chain(ssl)),
              X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
}

/// One call of SSL_read that is expected to find nothing.
inline std::string reads(SSL* ssl) {
  char buffer[100];
  ERR_clear_error();
  int returned = SSL_read(ssl, buffer, sizeof buffer);
  std::string said = outcome_and_want(ssl, returned);
  return returned > 0 ? said + ": " + std::string(buffer, static_cast<size_t>(returned)) : said;
}

/// SSL_verify_client_post_handshake, and the request leaves.
inline bool ask(SSL* server) {
  ERR_clear_error();
  int returned = SSL_verify_client_post_handshake(server);
  out("  ask: %s", answer(returned).c_str());
  if (returned != 1) return false;
  returned = SSL_do_handshake(server);
  out("  request: %s", outcome_and_want(server, returned).c_str());
  return returned == 1;
}

/// The whole exchange over memory BIOs: request, answer, verification, and an alert on its way back.
inline void authenticate(Peers& peers) {
  if (!ask(peers.server.get())) return;
  out("  client: %s", reads(peers.client.get()).c_str());
  out("  server: %s", reads(peers.server.get()).c_str());
  out("  client: %s", reads(peers.client.get()).c_str());
  out("  server: %s", peer_line(peers.server.get()).c_str());
}

}  // namespace twin
