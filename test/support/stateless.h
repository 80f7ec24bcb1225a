// SSL_stateless with a client: both flights by hand.
#pragma once

#include "peers.h"

namespace twin {

// --- The application's cookie ---

inline std::string cookie = "the application's cookie";
inline int generated = 1, verified = 1;  // what the callbacks answer
inline bool callbacks_speak = false;

inline int generate_cookie(SSL* ssl, unsigned char* out_cookie, size_t* length) {
  if (callbacks_speak) out("    generate, state %s", SSL_state_string_long(ssl));
  std::copy(cookie.begin(), cookie.end(), out_cookie);
  *length = cookie.size();
  return generated;
}

inline int verify_cookie(SSL* ssl, const unsigned char* shown, size_t length) {
  bool same = length == cookie.size() && std::memcmp(cookie.data(), shown, length) == 0;
  if (callbacks_speak) {
    out("    verify: %s, state %s", same ? "the same" : "another", SSL_state_string_long(ssl));
  }
  return verified && same;
}

inline void stateless(SSL_CTX* context) {
  SSL_CTX_set_stateless_cookie_generate_cb(context, generate_cookie);
  SSL_CTX_set_stateless_cookie_verify_cb(context, verify_cookie);
}

/// The peers of these tests, linked by memory BIOs.
struct Both : Peers {
  explicit Both(const Setup& setup = {}) {
    static_cast<Peers&>(*this) = make_peers({.certificate = setup.certificate,
                                             .client_context = setup.client_context,
                                             .server_context =
                                                 [&](SSL_CTX* context) {
                                                   stateless(context);
                                                   if (setup.server_context) {
                                                     setup.server_context(context);
                                                   }
                                                 },
                                             .client = setup.client,
                                             .server = setup.server});
    link_memory(*this);
  }

  /// Another server of the same context (or of `context`) at the same BIOs.
  void replace_server(SSL_CTX* context = nullptr) {
    BIO *in = SSL_get_rbio(server.get()), *away = SSL_get_wbio(server.get());
    BIO_up_ref(in);
    BIO_up_ref(away);
    server.reset(SSL_new(context ? context : server_context.get()));
    SSL_set_bio(server.get(), in, away);
    SSL_set_accept_state(server.get());
  }

  int listen(const char* who = "SSL_stateless") {
    int returned = SSL_stateless(server.get());
    out("  %s: %s, state %d, init %d, before %d, finished %d", who,
        outcome(server.get(), returned).c_str(), static_cast<int>(SSL_get_state(server.get())),
        SSL_in_init(server.get()), SSL_in_before(server.get()), SSL_is_init_finished(server.get()));
    return returned;
  }

  /// The second flight, whose change_cipher_spec may count as a call of its own; a new SSL for each
  /// call, or the same for all.
  void listen_again(bool renew) {
    int returned = -1;
    for (int i = 0; i < 3 && returned == -1; ++i) {
      if (renew) replace_server();
      returned = SSL_stateless(server.get());
    }
    out("  second flight: %s, state %d", outcome(server.get(), returned).c_str(),
        static_cast<int>(SSL_get_state(server.get())));
  }

  /// The client's side; what it sends is not shown.
  void connect() {
    int returned = SSL_do_handshake(client.get());
    std::string said = outcome(client.get(), returned);
    if (said != "-1 WANT_READ") out("  client: %s", said.c_str());
  }

  void finish() {
    Result result = handshake(*this);
    out("  %s", result.said().c_str());
    if (!result.good()) return;
    out("  data: %s, %s", transfer(client.get(), server.get(), sample(100)).c_str(),
        transfer(server.get(), client.get(), sample(20000)).c_str());
    out("  %s, group %d, %s", SSL_get_version(server.get()),
        static_cast<int>(SSL_get_negotiated_group(server.get())),
        SSL_get_cipher_name(server.get()));
  }

  /// The records that wait for the server, out of the BIO.
  std::string take() const {
    std::string bytes(BIO_ctrl_pending(SSL_get_rbio(server.get())), '\0');
    BIO_read(SSL_get_rbio(server.get()), bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
  }
  void give(const std::string& bytes) const {
    BIO_write(SSL_get_rbio(server.get()), bytes.data(), static_cast<int>(bytes.size()));
  }

  /// The whole first flight: ClientHello and HelloRetryRequest. The second hello is then there,
  /// behind the client's change_cipher_spec, which is taken away.
  void first_flight() {
    connect();
    int returned = SSL_stateless(server.get());
    if (returned != 0) out("  first flight: %s", outcome(server.get(), returned).c_str());
    connect();
    std::string bytes = take();
    if (bytes.size() > 6 && bytes[0] == SSL3_RT_CHANGE_CIPHER_SPEC) bytes.erase(0, 6);
    give(bytes);
  }
};

}  // namespace twin
