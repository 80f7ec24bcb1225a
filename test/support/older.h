// Peers below TLS 1.3 for the twin programs.
#pragma once

#include "loggers.h"

namespace twin {

inline const char* version_text(int version) {
  switch (version) {
    case 0:
      return "any";
    case SSL3_VERSION:
      return "SSLv3";
    case TLS1_VERSION:
      return "TLSv1";
    case TLS1_1_VERSION:
      return "TLSv1.1";
    case TLS1_2_VERSION:
      return "TLSv1.2";
    case TLS1_3_VERSION:
      return "TLSv1.3";
    case DTLS1_VERSION:
      return "DTLSv1";
    case DTLS1_2_VERSION:
      return "DTLSv1.2";
    default:
      return "?";
  }
}

/// Versions of a context; below TLS 1.2 with the security level that lets them work.
inline void set_versions(SSL_CTX* context, int least, int most) {
  SSL_CTX_set_min_proto_version(context, least);
  SSL_CTX_set_max_proto_version(context, most);
  if (least < TLS1_2_VERSION || least == DTLS1_VERSION) SSL_CTX_set_security_level(context, 0);
}

/// `setup` with both ends at this version only.
inline Setup at_version(int version, Setup setup = {}) {
  if (setup.certificate == "server-ed25519") setup.certificate = "server-rsa";
  auto wrap = [version](std::function<void(SSL_CTX*)> inner) {
    return [=](SSL_CTX* context) {
      set_versions(context, version, version);
      if (inner) inner(context);
    };
  };
  setup.client_context = wrap(setup.client_context);
  setup.server_context = wrap(setup.server_context);
  if (version >> 8 == DTLS1_VERSION_MAJOR)
    setup.client_method = setup.server_method = DTLS_method();
  return setup;
}

/// Resumption by ticket, or by session id where `tickets` is false.
inline void allow_resumption(SSL_CTX* context, bool tickets) {
  if (tickets) SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_BOTH);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("twin"), 4);
}

/// Connects anew with the session of the last connection, which is closed first.
inline void renew_with_session(Peers& peers) {
  SSL_SESSION* session = SSL_get1_session(peers.client.get());
  for (int i = 0; i < 2; i++) {
    SSL_shutdown(peers.client.get());
    SSL_shutdown(peers.server.get());
  }
  ERR_clear_error();
  renew(peers);
  SSL_set_session(peers.client.get(), session);
  SSL_SESSION_free(session);
}

/// What both ends agree on, in one line.
inline std::string agreed(SSL* ssl) {
  int group = static_cast<int>(SSL_get_negotiated_group(ssl));
  return text("%s, %s, group %d, EMS %ld, reused %d, verify %ld", SSL_get_version(ssl),
              SSL_get_cipher_name(ssl), group, SSL_get_extms_support(ssl), SSL_session_reused(ssl),
              SSL_get_verify_result(ssl));
}

/// Without what the provider of a cipher adds to the queue.
inline std::string without_provider(std::string said) {
  const std::string provider = "Provider routines/cipher operation failed, ";
  for (size_t found; (found = said.find(provider)) != std::string::npos;) {
    said.erase(found, provider.size());
  }
  return said;
}

/// Handshake and, when it is good, what was agreed and whether data passes.
inline Result tell_handshake(Peers& peers, const char* title) {
  Result result = handshake(peers);
  out("%s: %s", title, without_provider(result.said()).c_str());
  if (result.good()) {
    out("  client: %s", agreed(peers.client.get()).c_str());
    out("  server: %s", agreed(peers.server.get()).c_str());
    out("  %s, %s", transfer(peers.client.get(), peers.server.get(), "to the server").c_str(),
        transfer(peers.server.get(), peers.client.get(), "to the client").c_str());
  }
  return result;
}

/// The same, with the alerts of both ends.
inline Result tell_with_alerts(Peers& peers, const char* title) {
  Alerts client, server;
  client.watch(peers.client.get());
  server.watch(peers.server.get());
  Result result = tell_handshake(peers, title);
  out("  alerts: client %s | server %s", client.text_or_none(), server.text_or_none());
  SSL_set_info_callback(peers.client.get(), nullptr);
  SSL_set_info_callback(peers.server.get(), nullptr);
  return result;
}

/// One read, as a line.
inline std::string read_said(SSL* ssl) {
  char buffer[64];
  int returned = SSL_read(ssl, buffer, sizeof buffer);
  std::string said = without_provider(outcome(ssl, returned));
  return returned > 0 ? said + " " + std::string(buffer, static_cast<size_t>(returned)) : said;
}

}  // namespace twin
