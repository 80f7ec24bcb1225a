// Handshakes of TLS 1.3 that resume, and what is said about them.
#pragma once

#include "resumption12.h"

namespace twin {

/// Contexts that give tickets and take them.
inline Peers tickets_peers(Setup setup = {}) {
  auto both = [](const std::function<void(SSL_CTX*)>& more) {
    return [=](SSL_CTX* context) {
      SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
      SSL_CTX_set_num_tickets(context, 2);
      SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_BOTH);
      if (more) more(context);
    };
  };
  setup.client_context = both(setup.client_context);
  setup.server_context = both(setup.server_context);
  return make_peers(setup);
}

/// As connect(); the session is that of the last ticket.
inline Owned<SSL_SESSION> connect13(Peers& peers, const char* title, Connect how = {}) {
  how.answer = true;
  return connect(peers, title, how);
}

/// A first connection, its last ticket and no words about it.
inline Owned<SSL_SESSION> first_session(Peers& peers, Connect how = {}) {
  how.quiet = true;
  Owned<SSL_SESSION> session = connect13(peers, "", how);
  require(session != nullptr && SSL_SESSION_is_resumable(session.get()), "no session to resume");
  return session;
}

inline const char* status_name(int status) {
  return status == SSL_EARLY_DATA_ACCEPTED   ? "accepted"
         : status == SSL_EARLY_DATA_REJECTED ? "rejected"
         : status == SSL_EARLY_DATA_NOT_SENT ? "not sent"
                                             : "?";
}

inline std::string early_statuses(const Peers& peers) {
  return text("early data: client %s, server %s",
              status_name(SSL_get_early_data_status(peers.client.get())),
              status_name(SSL_get_early_data_status(peers.server.get())));
}

/// What SSL_get_error and the connection say after a call for early data.
inline std::string early_outcome(SSL* ssl, bool good) {
  const char* error = error_name(SSL_get_error(ssl, good ? 1 : 0));
  return text("%s [%s], status %s, state %d, in_init %d", error, errors().c_str(),
              status_name(SSL_get_early_data_status(ssl)), static_cast<int>(SSL_get_state(ssl)),
              SSL_in_init(ssl));
}

inline std::string write_early(SSL* ssl, const std::string& data) {
  size_t written = 99999;
  ERR_clear_error();
  int result = SSL_write_early_data(ssl, data.data(), data.size(), &written);
  std::string outcome = early_outcome(ssl, result > 0);
  return (result > 0 ? text("%d written %zu ", result, written) : text("%d ", result)) + outcome;
}

/// What came is added to `data`.
inline std::string read_early(SSL* ssl, std::string& data, size_t room = 4096) {
  static const char* const kNames[] = {"ERROR", "SUCCESS", "FINISH"};
  std::string buffer(room, '\0');
  size_t got = 99999;
  ERR_clear_error();
  int result = SSL_read_early_data(ssl, buffer.data(), buffer.size(), &got);
  std::string outcome = early_outcome(ssl, result != SSL_READ_EARLY_DATA_ERROR);
  if (result == SSL_READ_EARLY_DATA_SUCCESS) data += buffer.substr(0, got);
  return result == SSL_READ_EARLY_DATA_ERROR ? text("%s ", kNames[result]) + outcome
                                             : text("%s read %zu ", kNames[result], got) + outcome;
}

}  // namespace twin
