// A conversation in which any callback of the application may do anything.
#pragma once

#include <gtest/gtest.h>
#include <openssl/async.h>

#include "support/peers.h"

namespace handfast::callback_test {

// Where callbacks come from.
enum Callback {
  kInfo,
  kMessage,
  kVerify,
  kCertificate,
  kServerName,
  kAlpn,
  kClientHello,
  kKeylog,
  kCallbacks,
  // Of datagrams alone.
  kGenerateCookie = kCallbacks,
  kVerifyCookie,
  kTimer,
  kDatagramCallbacks
};
constexpr const char* kNames[] = {
    "info",         "message", "verify",          "certificate",   "server name", "alpn",
    "client hello", "keylog",  "cookie generate", "cookie verify", "timer"};

// What happens, once, at the `at`th time that `callback` runs for `ssl`.
struct Trap {
  Callback callback;
  int at;
  std::function<void(SSL*)> act;
  bool on_client;
  int calls = 0;
  bool sprung = false;
};
inline Trap* trap = nullptr;
inline int destroyed = 0;

inline void pass(SSL* ssl, Callback callback) {
  if (trap == nullptr || callback != trap->callback || trap->sprung) return;
  if ((SSL_is_server(ssl) == 0) != trap->on_client || ++trap->calls != trap->at) return;
  trap->sprung = true;
  int before = destroyed;
  trap->act(ssl);
  EXPECT_EQ(destroyed, before) << "destroyed with its frames on the stack";
}

inline void info(const SSL* ssl, int, int) {
  pass(const_cast<SSL*>(ssl), kInfo);
}
inline void message(int, int, int, const void*, size_t, SSL* ssl, void*) {
  pass(ssl, kMessage);
}
inline int verify(int good, X509_STORE_CTX* store) {
  pass(static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx())),
       kVerify);
  return good;
}
inline int certificate(SSL* ssl, void*) {
  pass(ssl, kCertificate);
  return 1;
}
inline int server_name(SSL* ssl, int*, void*) {
  pass(ssl, kServerName);
  return SSL_TLSEXT_ERR_OK;
}
inline int alpn(SSL* ssl, const unsigned char** out, unsigned char* length, const unsigned char* in,
                unsigned int, void*) {
  pass(ssl, kAlpn);
  *out = in + 1;
  *length = in[0];
  return SSL_TLSEXT_ERR_OK;
}
inline int client_hello(SSL* ssl, int*, void*) {
  pass(ssl, kClientHello);
  return SSL_CLIENT_HELLO_SUCCESS;
}
inline void keylog(const SSL* ssl, const char*) {
  pass(const_cast<SSL*>(ssl), kKeylog);
}

inline void gone(void*, void*, CRYPTO_EX_DATA*, int, long, void*) {
  ++destroyed;
}

inline void hook(SSL_CTX* context) {
  SSL_CTX_set_info_callback(context, info);
  SSL_CTX_set_msg_callback(context, message);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, verify);
  SSL_CTX_set_cert_cb(context, certificate, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context, server_name);
  SSL_CTX_set_alpn_select_cb(context, alpn, nullptr);
  SSL_CTX_set_client_hello_cb(context, client_hello, nullptr);
  SSL_CTX_set_keylog_callback(context, keylog);
}

inline twin::Peers hooked() {
  return twin::make_peers({.client_context =
                               [](SSL_CTX* context) {
                                 hook(context);
                                 SSL_CTX_set_post_handshake_auth(context, 1);
                                 twin::use_certificate(context, "client-ed25519");
                                 SSL_CTX_set_alpn_protos(
                                     context, reinterpret_cast<const uint8_t*>("\2h2"), 3);
                               },
                           .server_context = hook,
                           .client = [](SSL* ssl) { SSL_set_tlsext_host_name(ssl, "localhost"); }});
}

// A conversation whose SSLs may vanish in any call. The contexts stay.
class Talk {
 public:
  Talk() : peers_(hooked()), first_(destroyed) {
    twin::link_memory(peers_);
    client_ = peers_.client.release();
    server_ = peers_.server.release();
    if (asynchronous) {
      SSL_set_mode(client_, SSL_MODE_ASYNC);
      SSL_set_mode(server_, SSL_MODE_ASYNC);
    }
    if (!another_context_first) return;
    another_context(client_);
    another_context(server_);
  }
  ~Talk() {
    if (!freed(client_)) SSL_free(client_);
    if (!freed(server_)) SSL_free(server_);
    EXPECT_EQ(destroyed, first_ + 2) << "each is destroyed once";
    ERR_clear_error();
  }
  void run() {
    for (int i = 0; i < 6; ++i) {
      call(client_, [](SSL* ssl) { SSL_do_handshake(ssl); });
      call(server_, [](SSL* ssl) { SSL_do_handshake(ssl); });
    }
    for (int i = 0; i < 2; ++i) {
      for (SSL* ssl : {client_, server_}) {
        call(ssl, [](SSL* self) { SSL_key_update(self, SSL_KEY_UPDATE_REQUESTED); });
        call(ssl, [](SSL* self) { SSL_write(self, "hello", 5); });
      }
      call(server_, [](SSL* self) { SSL_verify_client_post_handshake(self); });
      call(server_, [](SSL* self) { SSL_do_handshake(self); });
      for (SSL* ssl : {client_, server_}) {
        for (int reads = 0; reads < 3; ++reads) call(ssl, [this](SSL* self) { read(self); });
      }
    }
    for (int i = 0; i < 2; ++i) {
      for (SSL* ssl : {client_, server_}) call(ssl, [](SSL* self) { SSL_shutdown(self); });
    }
  }
  // What both sides read when nothing went wrong.
  [[nodiscard]] bool complete() const {
    return from_client_ == "hellohello" && from_server_ == "hellohello";
  }

  inline static SSL* freed_ssl = nullptr;
  inline static bool another_context_first = false;
  inline static bool asynchronous = false;
  // What happens to an SSL whose job was paused; then the call is repeated, if it still waits.
  inline static std::function<void(SSL*)> when_paused;
  // Gives the SSL a context to which nothing else refers.
  static void another_context(SSL* ssl) {
    twin::Owned<SSL_CTX> context = twin::new_context();
    twin::use_certificate(context.get(), "server-ed25519");
    hook(context.get());
    EXPECT_EQ(SSL_set_SSL_CTX(ssl, context.get()), context.get());
  }

 private:
  static bool freed(const SSL* ssl) { return ssl == freed_ssl; }
  static bool waits(SSL* ssl) { return !freed(ssl) && SSL_waiting_for_async(ssl) != 0; }
  void call(SSL* ssl, const std::function<void(SSL*)>& act) {
    if (!freed(ssl)) act(ssl);
    if (waits(ssl) && when_paused) when_paused(ssl);
    if (waits(ssl)) act(ssl);
    if (freed(ssl)) {
      EXPECT_EQ(destroyed, first_ + 1) << "gone when the outermost call returned";
    }
    ERR_clear_error();
  }
  void read(SSL* ssl) {
    int got = SSL_read(ssl, buffer_, sizeof buffer_);
    if (got > 0) (ssl == client_ ? from_server_ : from_client_).append(buffer_, got);
  }
  twin::Peers peers_;
  int first_;
  SSL* client_;
  SSL* server_;
  char buffer_[3] = {};
  std::string from_client_, from_server_;
};

// Every SSL's end is counted from now on.
inline bool watch_ends() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, gone);
  return index >= 0;
}

// Springs the trap at every callback, early and late in the conversation; `check` sees its end.
template <class Conversation = Talk, int kLast = kCallbacks>
void everywhere(
    const std::function<void(SSL*)>& act,
    const std::function<void(const std::type_identity_t<Conversation>&)>& check = nullptr) {
  ASSERT_TRUE(watch_ends());
  for (int callback = 0; callback < kLast; ++callback) {
    for (bool on_client : {true, false}) {
      for (int at = 1;; at += at < 12 ? 1 : 3) {
        SCOPED_TRACE(
            twin::text("%s of %s, time %d", kNames[callback], on_client ? "client" : "server", at));
        Trap next{static_cast<Callback>(callback), at, act, on_client};
        trap = &next;
        Talk::freed_ssl = nullptr;
        {
          Conversation talk;
          talk.run();
          trap = nullptr;
          if (check) check(talk);
        }
        if (!next.sprung) break;
      }
    }
  }
}

}  // namespace handfast::callback_test
