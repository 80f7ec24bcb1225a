// SSL_MODE_ASYNC: calls that a callback or a private key pauses, and what may happen meanwhile.
#include <openssl/async.h>
#include <openssl/rsa.h>

#include "support/fibres.h"
#include "support/loggers.h"

namespace {
using namespace twin;

// --- A place where the job pauses ---

/// Pauses the running job `times` times. With `fd`, the wait context gets a descriptor first.
struct Pause {
  int times = 1;
  bool fd = false;
  int passed = 0;

  void here(const char* where, const SSL* ssl) {
    ASYNC_JOB* job = ASYNC_get_current_job();
    if (!job) {
      out("    %s: no job", where);
      return;
    }
    for (; passed < times; ++passed) {
      if (fd) announce(job);
      out("    %s: pause, waiting %d", where, SSL_waiting_for_async(const_cast<SSL*>(ssl)));
      int resumed = ASYNC_pause_job();
      out("    %s: resumed %d, waiting %d", where, resumed,
          SSL_waiting_for_async(const_cast<SSL*>(ssl)));
    }
  }

 private:
  static void announce(ASYNC_JOB* job) {
    static const int key = 0;
    ASYNC_WAIT_CTX* context = ASYNC_get_wait_ctx(job);
    OSSL_ASYNC_FD descriptor = 0;
    void* data = nullptr;
    if (ASYNC_WAIT_CTX_get_fd(context, &key, &descriptor, &data)) return;
    ASYNC_WAIT_CTX_set_wait_fd(context, &key, 77, nullptr,
                               [](ASYNC_WAIT_CTX*, const void*, OSSL_ASYNC_FD, void*) {
                                 out("    descriptor cleaned up");
                               });
  }
};

Pause pause;

/// What SSL_get_all_async_fds and SSL_get_changed_async_fds say.
std::string descriptors(SSL* ssl) {
  size_t all = 99, added = 99, removed = 99;
  int have = SSL_get_all_async_fds(ssl, nullptr, &all);
  OSSL_ASYNC_FD list[4] = {-1, -1, -1, -1};
  if (have && all <= 4) SSL_get_all_async_fds(ssl, list, &all);
  std::string result = text("all %d/%zu", have, all);
  for (size_t i = 0; have && i < all && i < 4; ++i) result += text(" %d", list[i]);
  have = SSL_get_changed_async_fds(ssl, nullptr, &added, nullptr, &removed);
  return result + text(", changed %d/+%zu-%zu", have, added, removed);
}

void tell(const char* what, SSL* ssl, int returned) {
  std::string said = outcome_and_want(ssl, returned);
  out("  %s: %s, waiting %d, init %d", what, said.c_str(), SSL_waiting_for_async(ssl),
      SSL_in_init(ssl));
}

void asynchronous(SSL_CTX* context) {
  SSL_CTX_set_mode(context, SSL_MODE_ASYNC);
}

/// Handshake with every call of either side that does not simply wait for bytes.
Result told(Peers& peers) {
  int lines = 0;
  return handshake(peers, [&](const Side& side) {
    if (side.error == SSL_ERROR_WANT_READ || lines++ > 40) return;
    out("  %s: %s, waiting %d, init %d", SSL_is_server(side.ssl) ? "server" : "client",
        side.said().c_str(), SSL_waiting_for_async(side.ssl), SSL_in_init(side.ssl));
    if (SSL_waiting_for_async(side.ssl)) out("  %s", descriptors(side.ssl).c_str());
  });
}

void told(Pause how, const Setup& setup) {
  pause = how;
  Peers peers = make_peers(setup);
  link_memory(peers);
  Result result = told(peers);
  out("  %s", result.said().c_str());
  if (!result.good()) return;
  out("  data: %s", transfer(peers.client.get(), peers.server.get(), sample(300)).c_str());
  out("  data: %s", transfer(peers.server.get(), peers.client.get(), sample(30000)).c_str());
  out("  server: %s", descriptors(peers.server.get()).c_str());
}

// --- Pauses in the callbacks of a handshake ---

int pause_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* length,
               const unsigned char* offered, unsigned int, void*) {
  pause.here("alpn", ssl);
  *chosen = offered + 1;
  *length = offered[0];
  return SSL_TLSEXT_ERR_OK;
}

void in_alpn() {
  for (int times : {0, 1, 3}) {
    for (bool fd : {false, true}) {
      out("%d pauses%s", times, fd ? ", with a descriptor" : "");
      told({times, fd}, {.server_context =
                             [](SSL_CTX* c) {
                               asynchronous(c);
                               SSL_CTX_set_alpn_select_cb(c, pause_alpn, nullptr);
                             },
                         .client =
                             [](SSL* ssl) {
                               SSL_set_alpn_protos(
                                   ssl, reinterpret_cast<const unsigned char*>("\1a"), 2);
                             }});
    }
  }
}

int pause_certificate(SSL* ssl, void*) {
  pause.here("certificate", ssl);
  return 1;
}

void in_certificate() {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto set = [version](SSL_CTX* c) {
      asynchronous(c);
      SSL_CTX_set_min_proto_version(c, version);
      SSL_CTX_set_max_proto_version(c, version);
      SSL_CTX_set_cert_cb(c, pause_certificate, nullptr);
    };
    auto verify = [set](SSL_CTX* c) {
      set(c);
      SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
    };
    out("version %04x", version);
    told({2}, {.client_context = set, .server_context = verify});
  }
}

void in_verification() {
  told({2, true}, {.client_context = [](SSL_CTX* c) {
         asynchronous(c);
         SSL_CTX_set_verify(c, SSL_VERIFY_PEER, [](int good, X509_STORE_CTX* store) {
           int index = SSL_get_ex_data_X509_STORE_CTX_idx();
           pause.here("verify", static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, index)));
           return good;
         });
       }});
}

void in_client_hello_and_name() {
  told({2}, {.server_context =
                 [](SSL_CTX* c) {
                   asynchronous(c);
                   SSL_CTX_set_client_hello_cb(
                       c,
                       [](SSL* ssl, int*, void*) {
                         static int calls;
                         pause.here("client hello", ssl);
                         return ++calls == 1 ? SSL_CLIENT_HELLO_RETRY : SSL_CLIENT_HELLO_SUCCESS;
                       },
                       nullptr);
                   SSL_CTX_set_tlsext_servername_callback(
                       c, +[](SSL* ssl, int*, void*) {
                         pause.times = 3;
                         pause.here("name", ssl);
                         return SSL_TLSEXT_ERR_OK;
                       });
                 },
             .client = [](SSL* ssl) { SSL_set_tlsext_host_name(ssl, "server.test"); }});
}

void refused_after_a_pause() {
  told({1}, {.server_context =
                 [](SSL_CTX* c) {
                   asynchronous(c);
                   SSL_CTX_set_alpn_select_cb(
                       c,
                       [](SSL* ssl, const unsigned char**, unsigned char*, const unsigned char*,
                          unsigned int, void*) {
                         pause.here("alpn", ssl);
                         return SSL_TLSEXT_ERR_ALERT_FATAL;
                       },
                       nullptr);
                 },
             .client =
                 [](SSL* ssl) {
                   SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>("\1a"), 2);
                 }});
}

// --- A private key whose operation pauses ---

int (*sign_at_once)(int, const unsigned char*, unsigned char*, RSA*, int);

int sign_later(int length, const unsigned char* from, unsigned char* to, RSA* rsa, int padding) {
  pause.here("key", static_cast<const SSL*>(RSA_get_ex_data(rsa, 0)));
  return sign_at_once(length, from, to, rsa, padding);
}

/// A copy of the fixture's RSA key that pauses before it signs.
Owned<EVP_PKEY> slow_key() {
  static RSA_METHOD* method = [] {
    RSA_METHOD* made = RSA_meth_dup(RSA_get_default_method());
    sign_at_once = RSA_meth_get_priv_enc(made);
    RSA_meth_set_priv_enc(made, sign_later);
    return made;
  }();
  Owned<EVP_PKEY> plain = read_key("server-rsa");
  RSA* rsa = RSAPrivateKey_dup(EVP_PKEY_get0_RSA(plain.get()));
  RSA_set_method(rsa, method);
  Owned<EVP_PKEY> key(EVP_PKEY_new());
  EVP_PKEY_assign_RSA(key.get(), rsa);
  return key;
}

void in_private_key() {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    out("version %04x", version);
    Owned<EVP_PKEY> key = slow_key();
    told({2, true},
         {.certificate = "",
          .client_context = [=](SSL_CTX* c) { SSL_CTX_set_min_proto_version(c, version); },
          .server_context =
              [&](SSL_CTX* c) {
                asynchronous(c);
                SSL_CTX_set_min_proto_version(c, version);
                SSL_CTX_set_max_proto_version(c, version);
                SSL_CTX_use_certificate_chain_file(c, fixture("server-rsa.pem").c_str());
                out("  key: %d", SSL_CTX_use_PrivateKey(c, key.get()));
              },
          .server =
              [&](SSL* ssl) {
                RSA* rsa = const_cast<RSA*>(EVP_PKEY_get0_RSA(key.get()));
                RSA_set_ex_data(rsa, 0, ssl);
              }});
  }
}

// --- Reading, writing, shutting down ---

/// Pauses when a header of the record passes by.
void watch_records(SSL* ssl) {
  SSL_set_msg_callback(ssl, [](int written, int, int type, const void*, size_t, SSL* from, void*) {
    if (type == SSL3_RT_HEADER) pause.here(written ? "record out" : "record in", from);
  });
}

void input_and_output() {
  Peers peers = connected({.client_context = asynchronous});
  SSL *client = peers.client.get(), *server = peers.server.get();
  watch_records(client);
  std::string buffer(100, '\0');
  size_t done = 0;

  out("write");
  pause = {2};
  for (int i = 0; i < 3; ++i) tell("SSL_write", client, SSL_write(client, "hello", 5));
  tell("server", server, SSL_read(server, buffer.data(), 100));
  pause = {1};
  for (int i = 0; i < 2; ++i) {
    int written = SSL_write_ex(client, "hello you", 9, &done);
    tell("SSL_write_ex", client, written);
    if (written) out("  done %zu", done);
  }
  tell("server", server, SSL_read(server, buffer.data(), 100));

  out("read");
  SSL_write(server, "some data", 9);
  pause = {2};
  for (int i = 0; i < 3; ++i) {
    int peeked = SSL_peek_ex(client, buffer.data(), 100, &done);
    tell("SSL_peek_ex", client, peeked);
    if (peeked) out("  done %zu", done);
  }
  tell("SSL_read", client, SSL_read(client, buffer.data(), 4));
  tell("SSL_read", client, SSL_read(client, buffer.data(), 100));
  SSL_write(server, "more", 4);
  pause = {1};
  for (int i = 0; i < 2; ++i) {
    tell("SSL_read", client, SSL_read(client, buffer.data(), 100));
  }
  out("  pending %d, has %d", SSL_pending(client), SSL_has_pending(client));
  tell("SSL_read", client, SSL_read(client, buffer.data(), 100));

  out("shutdown");
  pause = {2};
  for (int i = 0; i < 3; ++i) tell("SSL_shutdown", client, SSL_shutdown(client));
  SSL_shutdown(server);
  pause = {1};
  for (int i = 0; i < 2; ++i) tell("SSL_shutdown", client, SSL_shutdown(client));
  tell("SSL_read", client, SSL_read(client, buffer.data(), 100));
  tell("SSL_write", client, SSL_write(client, "x", 1));
}

void implicit_handshake() {
  Peers peers = make_peers({.client_context = asynchronous, .server_context = [](SSL_CTX* c) {
                              asynchronous(c);
                              SSL_CTX_set_cert_cb(c, pause_certificate, nullptr);
                            }});
  link_memory(peers);
  SSL *client = peers.client.get(), *server = peers.server.get();
  pause = {2};
  char buffer[10];
  for (int i = 0; i < 8; ++i) {
    int written = SSL_write(client, "hello", 5);
    tell("client", client, written);
    int read = SSL_read(server, buffer, sizeof buffer);
    tell("server", server, read);
    if (read > 0) break;
  }
}

void key_update() {
  Peers peers = connected({.client_context = asynchronous});
  SSL *client = peers.client.get(), *server = peers.server.get();
  watch_records(client);
  pause = {3};
  out("  SSL_key_update %d", SSL_key_update(client, SSL_KEY_UPDATE_REQUESTED));
  for (int i = 0; i < 4; ++i) tell("SSL_do_handshake", client, SSL_do_handshake(client));
  char buffer[10];
  tell("server", server, SSL_read(server, buffer, sizeof buffer));
  pause = {2};
  for (int i = 0; i < 3; ++i) tell("client", client, SSL_read(client, buffer, sizeof buffer));
}

// --- The callback and the status ---

int woken(SSL* ssl, void* argument) {
  out("    woken: %s, server %d", static_cast<const char*>(argument), SSL_is_server(ssl));
  return 5;
}

/// What an engine that has a callback does: leaves its status, calls back, pauses.
int pause_with_callback(SSL* ssl, void*) {
  ASYNC_WAIT_CTX* context = ASYNC_get_wait_ctx(ASYNC_get_current_job());
  ASYNC_callback_fn callback = nullptr;
  void* argument = nullptr;
  int have = ASYNC_WAIT_CTX_get_callback(context, &callback, &argument);
  out("    callback %d, set %d", have, callback != nullptr);
  out("    status %d", ASYNC_WAIT_CTX_set_status(context, ASYNC_STATUS_OK));
  if (callback) out("    it says %d", callback(argument));
  pause.here("certificate", ssl);
  ASYNC_WAIT_CTX_set_status(context, ASYNC_STATUS_EAGAIN);
  return 1;
}

void callback_and_status() {
  struct Way {
    const char* name;
    std::function<void(SSL_CTX*)> context;
    std::function<void(SSL*)> connection;
  };
  auto nothing = [](auto*) {};
  char first[] = "first", second[] = "second";
  const Way ways[] = {
      {"none", nothing, nothing},
      {"context",
       [&](SSL_CTX* c) {
         out("  %d %d", SSL_CTX_set_async_callback(c, woken),
             SSL_CTX_set_async_callback_arg(c, first));
       },
       nothing},
      {"connection", [&](SSL_CTX* c) { SSL_CTX_set_async_callback_arg(c, first); },
       [&](SSL* ssl) {
         out("  %d %d", SSL_set_async_callback(ssl, woken),
             SSL_set_async_callback_arg(ssl, second));
       }},
  };
  for (const Way& way : ways) {
    out("%s", way.name);
    Peers peers = make_peers({.server_context = [&](SSL_CTX* c) {
      asynchronous(c);
      SSL_CTX_set_cert_cb(c, pause_with_callback, nullptr);
      way.context(c);
    }});
    way.connection(peers.server.get());
    link_memory(peers);
    SSL* server = peers.server.get();
    int status = 77;
    int have = SSL_get_async_status(server, &status);
    out("  status before: %d/%d, %s", have, status, descriptors(server).c_str());
    SSL_do_handshake(peers.client.get());
    pause = {1};
    for (int i = 0; i < 2; ++i) {
      tell("server", server, SSL_do_handshake(server));
      have = SSL_get_async_status(server, &status);
      out("  status: %d/%d, %s", have, status, descriptors(server).c_str());
    }
    out("  %s", told(peers).said().c_str());
    status = 77;
    have = SSL_get_async_status(server, &status);
    out("  status after: %d/%d, %s", have, status, descriptors(server).c_str());
  }
}

void callback_set_late() {
  Peers peers = make_peers({.server_context = [](SSL_CTX* c) {
    asynchronous(c);
    SSL_CTX_set_cert_cb(c, pause_with_callback, nullptr);
  }});
  link_memory(peers);
  SSL* server = peers.server.get();
  tell("server", server, SSL_do_handshake(server));
  char argument[] = "late";
  SSL_set_async_callback(server, woken);
  SSL_set_async_callback_arg(server, argument);
  pause = {1};
  out("  %s", told(peers).said().c_str());
}

// --- No jobs ---

void no_jobs() {
  ASYNC_cleanup_thread();
  out("  one job for all: %d, capable %d", ASYNC_init_thread(1, 1), ASYNC_is_capable());
  Setup setup{.server_context = [](SSL_CTX* c) {
    asynchronous(c);
    SSL_CTX_set_cert_cb(c, pause_certificate, nullptr);
  }};
  Peers first = make_peers(setup), second = make_peers(setup);
  link_memory(first);
  link_memory(second);
  SSL_do_handshake(first.client.get());
  SSL_do_handshake(second.client.get());
  pause = {1};
  SSL *one = first.server.get(), *two = second.server.get();
  tell("first", one, SSL_do_handshake(one));
  tell("second", two, SSL_do_handshake(two));
  tell("second", two, SSL_do_handshake(two));
  out("  second: %s", descriptors(two).c_str());
  tell("first", one, SSL_do_handshake(one));
  tell("second", two, SSL_do_handshake(two));
  out("  %s", told(first).said().c_str());
  out("  %s", told(second).said().c_str());
  ASYNC_cleanup_thread();
}

// --- Jobs of the application ---

struct Outer {
  SSL* ssl;
};

int outer_job(void* argument) {
  SSL* ssl = static_cast<Outer*>(argument)->ssl;
  int returned = SSL_do_handshake(ssl);
  tell("inside", ssl, returned);
  return 42;
}

void inside_another_job() {
  Peers peers = make_peers({.server_context = [](SSL_CTX* c) {
    asynchronous(c);
    SSL_CTX_set_cert_cb(c, pause_certificate, nullptr);
  }});
  link_memory(peers);
  SSL_do_handshake(peers.client.get());
  ASYNC_WAIT_CTX* context = ASYNC_WAIT_CTX_new();
  ASYNC_JOB* job = nullptr;
  Outer outer{peers.server.get()};
  pause = {1};
  for (int i = 0; i < 2; ++i) {
    int returned = 0;
    int state = ASYNC_start_job(&job, context, &returned, outer_job, &outer, sizeof outer);
    out("  job %d %d, SSL waits %d", state, returned, SSL_waiting_for_async(outer.ssl));
  }
  out("  %s", descriptors(outer.ssl).c_str());
  ASYNC_WAIT_CTX_free(context);
  out("  %s", told(peers).said().c_str());
}

// --- Without pauses ---

void nothing_pauses() {
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    auto set = [version](SSL_CTX* c) {
      asynchronous(c);
      SSL_CTX_set_min_proto_version(c, version);
      SSL_CTX_set_max_proto_version(c, version);
    };
    told({0}, {.client_context = set, .server_context = set});
  }
}

// --- Ends with a paused job ---

Setup pausing_server() {
  return {.server_context = [](SSL_CTX* c) {
    asynchronous(c);
    SSL_CTX_set_cert_cb(c, pause_certificate, nullptr);
  }};
}

void freed() {
  Peers peers = make_peers(pausing_server());
  link_memory(peers);
  SSL_do_handshake(peers.client.get());
  pause = {1, true};
  tell("server", peers.server.get(), SSL_do_handshake(peers.server.get()));
  peers.server.reset();
  out("  freed");
  renew(peers);
  link_memory(peers);
  pause = {1};
  out("  %s", told(peers).said().c_str());
}

/// The wait context stays with the connection.
void cleared() {
  pause = {1, true};
  Peers peers = make_peers(pausing_server());
  link_memory(peers);
  out("  %s", told(peers).said().c_str());
  SSL *client = peers.client.get(), *server = peers.server.get();
  out("  SSL_clear: %s", answer(SSL_clear(server)).c_str());
  out("  %s, waiting %d", descriptors(server).c_str(), SSL_waiting_for_async(server));
  SSL_clear(client);
  link_memory(peers);
  pause = {1};
  out("  %s", told(peers).said().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  leave_fake_stacks(argv);
  return run({{"in_alpn", in_alpn},
              {"in_certificate", in_certificate},
              {"in_verification", in_verification},
              {"in_client_hello_and_name", in_client_hello_and_name},
              {"refused_after_a_pause", refused_after_a_pause},
              {"in_private_key", in_private_key},
              {"input_and_output", input_and_output},
              {"implicit_handshake", implicit_handshake},
              {"key_update", key_update},
              {"callback_and_status", callback_and_status},
              {"callback_set_late", callback_set_late},
              {"no_jobs", no_jobs},
              {"inside_another_job", inside_another_job},
              {"nothing_pauses", nothing_pauses},
              {"freed", freed},
              {"cleared", cleared}},
             argc, argv);
}
