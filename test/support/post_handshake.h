// After the handshake of two connections of this process: KeyUpdates and the client's
// authentication.
#pragma once

#include "loggers.h"

namespace twin {

constexpr int kUpdateTypes[] = {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED};

inline const char* role(const SSL* ssl) {
  return SSL_is_server(ssl) ? "server" : "client";
}

/// SSL_key_update, with what is pending then.
inline void asks(SSL* ssl, int type) {
  int returned = SSL_key_update(ssl, type);
  out("  %s asks for type %d: %s, pending %d, in_init %d", role(ssl), type,
      answer(returned).c_str(), SSL_get_key_update_type(ssl), SSL_in_init(ssl));
}

inline void pending(const Peers& peers) {
  out("  pending: client %d, server %d", SSL_get_key_update_type(peers.client.get()),
      SSL_get_key_update_type(peers.server.get()));
}

/// One call of SSL_read, of a hundred bytes at most.
inline std::string reads(SSL* ssl) {
  char buffer[100];
  ERR_clear_error();
  int returned = SSL_read(ssl, buffer, sizeof buffer);
  std::string said = outcome_and_want(ssl, returned);
  return returned > 0 ? said + ": " + std::string(buffer, static_cast<size_t>(returned)) : said;
}

/// One call of SSL_write.
inline std::string writes(SSL* ssl, const std::string& data) {
  ERR_clear_error();
  int returned = SSL_write(ssl, data.data(), static_cast<int>(data.size()));
  return outcome_and_want(ssl, returned);
}

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
          .server_context = [=](SSL_CTX* context) { SSL_CTX_set_verify(context, mode, nullptr); }};
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
              sk_X509_num(SSL_get_peer_cert_chain(ssl)), sk_X509_num(SSL_get0_verified_chain(ssl)),
              X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
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

/// The whole exchange over memory BIOs: request, answer, verification, and an alert on its way
/// back.
inline void authenticate(Peers& peers) {
  if (!ask(peers.server.get())) return;
  out("  client: %s", reads(peers.client.get()).c_str());
  out("  server: %s", reads(peers.server.get()).c_str());
  out("  client: %s", reads(peers.client.get()).c_str());
  out("  server: %s", peer_line(peers.server.get()).c_str());
}

}  // namespace twin
