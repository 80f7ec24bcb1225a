// Callbacks of verification: what they see, what their answers do, and verification put off.
#include <openssl/x509v3.h>

#include "support/older.h"

namespace {
using namespace twin;

constexpr int kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

SSL* ssl_of(X509_STORE_CTX* store) {
  return static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
}

std::string subject(X509* certificate) {
  char name[64] = "none";
  if (certificate) {
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof name);
  }
  return name;
}

void told(Peers& peers, const char* title) {
  Alerts client, server;
  client.watch(peers.client.get());
  server.watch(peers.server.get());
  Result result = handshake(peers, [](const Side& side) {
    if (side.error == SSL_ERROR_WANT_RETRY_VERIFY) {
      out("  %s has to try again, want %d", SSL_is_server(side.ssl) ? "server" : "client",
          SSL_want(side.ssl));
    }
  });
  char byte;
  if (result.client.good() && !result.server.good()) SSL_read(peers.client.get(), &byte, 1);
  errors();
  out("%s: %s", title, result.said().c_str());
  out("  alerts: client %s | server %s", client.text_or_none(), server.text_or_none());
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    out("  %s: %s, verified chain %d, peer %s", SSL_is_server(ssl) ? "server" : "client",
        X509_verify_cert_error_string(SSL_get_verify_result(ssl)),
        sk_X509_num(SSL_get0_verified_chain(ssl)), subject(SSL_get0_peer_certificate(ssl)).c_str());
  }
}

/// What the next callbacks do.
struct Plan {
  int retries = 0;       ///< times that SSL_set_retry_verify is called
  int retry_answer = 1;  ///< what is returned with it
  int answer = 1;
  int error = -1;  ///< left in the X509_STORE_CTX
};
Plan plan;
int calls;

int verify_in_place(X509_STORE_CTX* store, void* argument) {
  SSL* ssl = ssl_of(store);
  out("  %s verifies, call %d: %s, %d more, argument %s, current %s, depth %d, error %d",
      SSL_is_server(ssl) ? "server" : "client", ++calls,
      subject(X509_STORE_CTX_get0_cert(store)).c_str(),
      sk_X509_num(X509_STORE_CTX_get0_untrusted(store)), static_cast<const char*>(argument),
      subject(X509_STORE_CTX_get_current_cert(store)).c_str(),
      X509_STORE_CTX_get_error_depth(store), X509_STORE_CTX_get_error(store));
  if (plan.retries > 0) {
    plan.retries--;
    out("    put off: %d", SSL_set_retry_verify(ssl));
    return plan.retry_answer;
  }
  if (plan.error >= 0) X509_STORE_CTX_set_error(store, plan.error);
  return plan.answer;
}

int verify_each(int good, X509_STORE_CTX* store) {
  SSL* ssl = ssl_of(store);
  out("  %s asked, call %d: good %d, %s at %d, error %d", SSL_is_server(ssl) ? "server" : "client",
      ++calls, good, subject(X509_STORE_CTX_get_current_cert(store)).c_str(),
      X509_STORE_CTX_get_error_depth(store), X509_STORE_CTX_get_error(store));
  if (plan.retries > 0) {
    plan.retries--;
    out("    put off: %d", SSL_set_retry_verify(ssl));
    return plan.retry_answer;
  }
  if (plan.error >= 0) X509_STORE_CTX_set_error(store, plan.error);
  return plan.answer < 0 ? good : plan.answer;
}

Setup verifying(bool server, const std::function<void(SSL_CTX*)>& set) {
  Setup setup;
  setup.certificate = "server-chain";
  if (server) {
    setup.client_context = [](SSL_CTX* c) { use_certificate(c, "client-rsa"); };
    setup.server_context = [=](SSL_CTX* c) {
      SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
      set(c);
    };
  } else {
    setup.client_context = set;
  }
  return setup;
}

void in_place(bool server, const Plan& next, const char* title, int mode = SSL_VERIFY_PEER) {
  for (int version : kVersions) {
    plan = next;
    calls = 0;
    Peers peers = make_peers(at_version(version, verifying(server, [=](SSL_CTX* c) {
                                          SSL_CTX_set_verify(c, mode, nullptr);
                                          SSL_CTX_set_cert_verify_callback(
                                              c, verify_in_place, const_cast<char*>("mine"));
                                        })));
    link_memory(peers);
    told(peers, text("%s, %s", title, version_text(version)).c_str());
  }
}

void each(bool server, const Plan& next, const char* title, int mode = SSL_VERIFY_PEER) {
  for (int version : kVersions) {
    plan = next;
    calls = 0;
    Peers peers = make_peers(at_version(
        version, verifying(server, [=](SSL_CTX* c) { SSL_CTX_set_verify(c, mode, verify_each); })));
    link_memory(peers);
    told(peers, text("%s, %s", title, version_text(version)).c_str());
  }
}

void answers(bool server) {
  for (int answer : {1, 0, -1, 2}) {
    for (int error : {-1, X509_V_OK, X509_V_ERR_CERT_REVOKED}) {
      in_place(server, {.answer = answer, .error = error},
               text("answer %d, error %d", answer, error).c_str());
      if (answer >= 0) {
        each(server, {.answer = answer, .error = error},
             text("each: answer %d, error %d", answer, error).c_str());
      }
    }
  }
}

void answers_to_clients() {
  answers(false);
}
void answers_to_servers() {
  answers(true);
}

// The callback is called, and its answer means nothing to the handshake.
void not_verified() {
  for (int answer : {1, 0}) {
    in_place(false, {.answer = answer, .error = X509_V_ERR_CERT_REVOKED},
             text("none, answer %d", answer).c_str(), SSL_VERIFY_NONE);
    each(false, {.answer = answer, .error = X509_V_ERR_CERT_REVOKED},
         text("none, each: answer %d", answer).c_str(), SSL_VERIFY_NONE);
  }
}

// SSL_set_retry_verify(3): the handshake goes on with the next call, which asks again.
void put_off() {
  for (int answer : {1, 0, -1}) {
    in_place(false, {.retries = 2, .retry_answer = answer}, text("answer %d", answer).c_str());
  }
  for (int answer : {1, 0}) {
    each(false, {.retries = 1, .retry_answer = answer, .answer = -1},
         text("each, answer %d", answer).c_str());
  }
  in_place(false, {.retries = 1, .retry_answer = 1}, "not verified", SSL_VERIFY_NONE);
  in_place(false, {.retries = 1, .retry_answer = 1, .answer = 0, .error = X509_V_ERR_CERT_REVOKED},
           "then refused");
}

void put_off_outside() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  out("set %d, want %d", SSL_set_retry_verify(ssl.get()), SSL_want(ssl.get()));
  Peers peers = make_peers();
  out("set %d", SSL_set_retry_verify(peers.client.get()));
  link_memory(peers);
  told(peers, "before the handshake");
}

const char* which(X509_STORE_CTX* store, const Peers& peers) {
  X509_STORE* used = X509_STORE_CTX_get0_store(store);
  return used == SSL_CTX_get_cert_store(peers.client_context.get()) ? "the context's" : "another";
}

Peers* current;

// What is in the X509_STORE_CTX of a callback.
void contents() {
  for (int version : kVersions) {
    for (bool own_store : {false, true}) {
      Peers peers = make_peers(at_version(
          version, {.certificate = "server-chain",
                    .client_context =
                        [=](SSL_CTX* c) {
                          if (own_store) SSL_CTX_set0_verify_cert_store(c, X509_STORE_new());
                          SSL_CTX_set_verify(c, SSL_VERIFY_PEER, verify_each);
                          SSL_CTX_set_cert_verify_callback(
                              c,
                              [](X509_STORE_CTX* store, void*) {
                                X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(store);
                                out("  store %s, callback its own %d, depth %d, flags %lx, level "
                                    "%d, host %s",
                                    which(store, *current),
                                    X509_STORE_CTX_get_verify_cb(store) == verify_each,
                                    X509_VERIFY_PARAM_get_depth(param),
                                    X509_VERIFY_PARAM_get_flags(param),
                                    X509_VERIFY_PARAM_get_auth_level(param),
                                    X509_VERIFY_PARAM_get0_host(param, 0));
                                out("  ssl the client's %d, untrusted %d, dane %d",
                                    ssl_of(store) == current->client.get(),
                                    sk_X509_num(X509_STORE_CTX_get0_untrusted(store)),
                                    SSL_get0_dane(ssl_of(store)) != nullptr);
                                X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME);
                                return 1;
                              },
                              nullptr);
                        },
                    .client =
                        [](SSL* ssl) {
                          SSL_set1_host(ssl, "localhost");
                          SSL_set_verify_depth(ssl, 4);
                          SSL_set_security_level(ssl, 1);
                        }}));
      current = &peers;
      link_memory(peers);
      told(peers, text("own store %d, %s", own_store, version_text(version)).c_str());
      out("  flags afterwards %lx",
          X509_VERIFY_PARAM_get_flags(SSL_get0_param(peers.client.get())));
    }
  }
}

int of_store(int good, X509_STORE_CTX* store) {
  out("  the store's callback: good %d, %s", good,
      subject(X509_STORE_CTX_get_current_cert(store)).c_str());
  return good;
}

// A callback of the store serves where the SSL has none.
void callback_of_the_store() {
  for (bool own : {false, true}) {
    plan = {.answer = -1};
    calls = 0;
    Peers peers = make_peers({.client_context = [=](SSL_CTX* c) {
      X509_STORE_set_verify_cb(SSL_CTX_get_cert_store(c), of_store);
      SSL_CTX_set_verify(c, SSL_VERIFY_PEER, own ? verify_each : nullptr);
    }});
    link_memory(peers);
    told(peers, own ? "own" : "the store's");
  }
}

// Modes that a callback of the server sets for this connection.
void mode_from_callback() {
  for (int version : kVersions) {
    for (int mode :
         {SSL_VERIFY_NONE, SSL_VERIFY_PEER, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT}) {
      static int chosen;
      chosen = mode;
      for (bool hello : {true, false}) {
        Peers peers = make_peers(at_version(version, {.server_context = [=](SSL_CTX* c) {
                                              if (hello) {
                                                SSL_CTX_set_client_hello_cb(
                                                    c,
                                                    [](SSL* ssl, int*, void*) {
                                                      SSL_set_verify(ssl, chosen, nullptr);
                                                      return 1;
                                                    },
                                                    nullptr);
                                              } else {
                                                SSL_CTX_set_cert_cb(
                                                    c,
                                                    [](SSL* ssl, void*) {
                                                      SSL_set_verify(ssl, chosen, nullptr);
                                                      return 1;
                                                    },
                                                    nullptr);
                                              }
                                            }}));
        link_memory(peers);
        told(peers, text("mode %d, hello %d, %s", mode, hello, version_text(version)).c_str());
      }
    }
  }
}

// The result is the connection's: what is left of it when it begins anew.
void results() {
  Peers peers = make_peers({.certificate = "server-self-signed", .client_context = [](SSL_CTX* c) {
                              SSL_CTX_set_verify(c, SSL_VERIFY_NONE, nullptr);
                            }});
  SSL_set_verify_result(peers.client.get(), X509_V_ERR_CERT_REJECTED);
  out("set %ld", SSL_get_verify_result(peers.client.get()));
  link_memory(peers);
  told(peers, "self-signed");
  Owned<SSL> copy(SSL_dup(peers.client.get()));
  out("copy %ld", SSL_get_verify_result(copy.get()));
  copy.reset();
  out("cleared %d: %ld", SSL_clear(peers.client.get()), SSL_get_verify_result(peers.client.get()));
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"answers_to_clients", answers_to_clients},
              {"answers_to_servers", answers_to_servers},
              {"not_verified", not_verified},
              {"put_off", put_off},
              {"put_off_outside", put_off_outside},
              {"contents", contents},
              {"callback_of_the_store", callback_of_the_store},
              {"mode_from_callback", mode_from_callback},
              {"results", results}},
             argc, argv);
}
