// What the twin programs of renegotiation have in common.
#pragma once

#include "older.h"

namespace twin {

inline std::string counts(SSL* ssl) {
  return text("renegotiations %ld, in all %ld, pending %d, secure %ld, reused %d",
              SSL_num_renegotiations(ssl), SSL_total_renegotiations(ssl),
              SSL_renegotiate_pending(ssl), SSL_get_secure_renegotiation_support(ssl),
              SSL_session_reused(ssl));
}

/// What is agreed only where no handshake is under way or has failed.
inline void tell_counts(const Peers& peers) {
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    out("  %s: %s, %s", SSL_is_server(ssl) ? "server" : "client", counts(ssl).c_str(),
        SSL_is_init_finished(ssl) ? agreed(ssl).c_str() : "in a handshake");
  }
}

struct Renegotiable {
  int version = TLS1_2_VERSION;
  const char* suite = "ECDHE-RSA-AES128-SHA";
  bool resumable = false, tickets = false;
  uint64_t client_options = 0, server_options = SSL_OP_ALLOW_CLIENT_RENEGOTIATION;
  std::function<void(SSL_CTX*)> client{}, server{};
};

inline Peers renegotiable(const Renegotiable& how) {
  Setup setup = {.client_context =
                     [=](SSL_CTX* c) {
                       SSL_CTX_set_cipher_list(c, how.suite);
                       if (how.resumable) allow_resumption(c, how.tickets);
                       SSL_CTX_set_options(c, how.client_options);
                       if (how.client) how.client(c);
                     },
                 .server_context =
                     [=](SSL_CTX* c) {
                       SSL_CTX_set_cipher_list(c, how.suite);
                       if (how.resumable) allow_resumption(c, how.tickets);
                       SSL_CTX_set_options(c, how.server_options);
                       if (how.server) how.server(c);
                     }};
  return connected(at_version(how.version, setup));
}

/// Reads at both ends in turn until nothing moves any more; what each read said, once.
inline void read_in_turn(Peers& peers) {
  std::string last[2];
  for (int idle = 0; idle < 2;) {
    uint64_t before = traffic(peers);
    for (SSL* ssl : {peers.server.get(), peers.client.get()}) {
      std::string said = read_said(ssl);
      std::string& previous = last[SSL_is_server(ssl)];
      if (said != previous) {
        out("  %s reads: %s, %s", SSL_is_server(ssl) ? "server" : "client", said.c_str(),
            state_line(ssl).c_str());
      }
      previous = said;
    }
    idle = traffic(peers) == before ? idle + 1 : 0;
  }
}

/// Data both ways afterwards.
inline void tell_data(Peers& peers) {
  out("  %s, %s", transfer(peers.client.get(), peers.server.get(), sample(1000)).c_str(),
      transfer(peers.server.get(), peers.client.get(), sample(1000)).c_str());
}

}  // namespace twin
