// SSL_MODE_ASYNC: where a job pauses, and what is said of it meanwhile.
#pragma once

#include <openssl/async.h>

#include "loggers.h"

namespace twin {

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

inline Pause job_pause;

/// What SSL_get_all_async_fds and SSL_get_changed_async_fds say.
inline std::string descriptors(SSL* ssl) {
  size_t all = 99, added = 99, removed = 99;
  int have = SSL_get_all_async_fds(ssl, nullptr, &all);
  OSSL_ASYNC_FD list[4] = {-1, -1, -1, -1};
  if (have && all <= 4) SSL_get_all_async_fds(ssl, list, &all);
  std::string result = text("all %d/%zu", have, all);
  for (size_t i = 0; have && i < all && i < 4; ++i) result += text(" %d", list[i]);
  have = SSL_get_changed_async_fds(ssl, nullptr, &added, nullptr, &removed);
  return result + text(", changed %d/+%zu-%zu", have, added, removed);
}

inline void tell(const char* what, SSL* ssl, int returned) {
  std::string said = outcome_and_want(ssl, returned);
  out("  %s: %s, waiting %d, init %d", what, said.c_str(), SSL_waiting_for_async(ssl),
      SSL_in_init(ssl));
}

inline void asynchronous(SSL_CTX* context) {
  SSL_CTX_set_mode(context, SSL_MODE_ASYNC);
}

/// Handshake with every call of either side that does not simply wait for bytes.
inline Result told(Peers& peers) {
  int lines = 0;
  return handshake(peers, [&](const Side& side) {
    if (side.error == SSL_ERROR_WANT_READ || lines++ > 40) return;
    out("  %s: %s, waiting %d, init %d", SSL_is_server(side.ssl) ? "server" : "client",
        side.said().c_str(), SSL_waiting_for_async(side.ssl), SSL_in_init(side.ssl));
    if (SSL_waiting_for_async(side.ssl)) out("  %s", descriptors(side.ssl).c_str());
  });
}

inline void told(Pause how, const Setup& setup) {
  job_pause = how;
  Peers peers = make_peers(setup);
  link_memory(peers);
  Result result = told(peers);
  out("  %s", result.said().c_str());
  if (!result.good()) return;
  out("  data: %s", transfer(peers.client.get(), peers.server.get(), sample(300)).c_str());
  out("  data: %s", transfer(peers.server.get(), peers.client.get(), sample(30000)).c_str());
  out("  server: %s", descriptors(peers.server.get()).c_str());
}

inline int pause_certificate(SSL* ssl, void*) {
  job_pause.here("certificate", ssl);
  return 1;
}

inline Setup pausing_server() {
  return {.server_context = [](SSL_CTX* c) {
    asynchronous(c);
    SSL_CTX_set_cert_cb(c, pause_certificate, nullptr);
  }};
}

}  // namespace twin
