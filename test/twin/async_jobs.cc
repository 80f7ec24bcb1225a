// SSL_MODE_ASYNC: the callback and status of a job, jobs that are not to be had, those of the
// application, and connections that end with a paused one.
#include "support/asynchronous.h"
#include "support/fibres.h"

namespace {
using namespace twin;

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
  job_pause.here("certificate", ssl);
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
    job_pause = {1};
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
  job_pause = {1};
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
  job_pause = {1};
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
  job_pause = {1};
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

void freed() {
  Peers peers = make_peers(pausing_server());
  link_memory(peers);
  SSL_do_handshake(peers.client.get());
  job_pause = {1, true};
  tell("server", peers.server.get(), SSL_do_handshake(peers.server.get()));
  peers.server.reset();
  out("  freed");
  renew(peers);
  link_memory(peers);
  job_pause = {1};
  out("  %s", told(peers).said().c_str());
}

/// The wait context stays with the connection.
void cleared() {
  job_pause = {1, true};
  Peers peers = make_peers(pausing_server());
  link_memory(peers);
  out("  %s", told(peers).said().c_str());
  SSL *client = peers.client.get(), *server = peers.server.get();
  out("  SSL_clear: %s", answer(SSL_clear(server)).c_str());
  out("  %s, waiting %d", descriptors(server).c_str(), SSL_waiting_for_async(server));
  SSL_clear(client);
  link_memory(peers);
  job_pause = {1};
  out("  %s", told(peers).said().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  leave_fake_stacks(argv);
  return run({{"callback_and_status", callback_and_status},
              {"callback_set_late", callback_set_late},
              {"no_jobs", no_jobs},
              {"inside_another_job", inside_another_job},
              {"nothing_pauses", nothing_pauses},
              {"freed", freed},
              {"cleared", cleared}},
             argc, argv);
}
