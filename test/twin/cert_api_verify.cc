// Settings of verification: modes, callbacks, depth, parameters, host names.
#include <openssl/x509v3.h>

#include "support/peers.h"

namespace {
using namespace twin;

struct Pair {
  Owned<SSL_CTX> context{SSL_CTX_new(TLS_method())};
  Owned<SSL> ssl{SSL_new(context.get())};
};

int first(int good, X509_STORE_CTX*) {
  return good;
}
int second(int good, X509_STORE_CTX*) {
  return good;
}

const char* name_of(SSL_verify_cb callback) {
  return callback == nullptr ? "none" : callback == first ? "first" : "second";
}

void print(const char* what, Pair& pair) {
  out("  %s: context %d %s %d | ssl %d %s %d", what, SSL_CTX_get_verify_mode(pair.context.get()),
      name_of(SSL_CTX_get_verify_callback(pair.context.get())),
      SSL_CTX_get_verify_depth(pair.context.get()), SSL_get_verify_mode(pair.ssl.get()),
      name_of(SSL_get_verify_callback(pair.ssl.get())), SSL_get_verify_depth(pair.ssl.get()));
}

void modes() {
  Pair pair;
  print("new", pair);
  SSL_CTX_set_verify(pair.context.get(), SSL_VERIFY_PEER, first);
  SSL_CTX_set_verify_depth(pair.context.get(), 7);
  print("context", pair);
  pair.ssl.reset(SSL_new(pair.context.get()));
  print("new ssl", pair);
  SSL_set_verify(pair.ssl.get(), SSL_VERIFY_NONE, nullptr);
  print("the callback stays", pair);
  SSL_set_verify(pair.ssl.get(), 0xff, second);
  SSL_set_verify_depth(pair.ssl.get(), 3);
  print("own", pair);
  SSL_CTX_set_verify(pair.context.get(), SSL_VERIFY_PEER, nullptr);
  print("the context's goes", pair);
  out("  %ld", SSL_get_verify_result(pair.ssl.get()));
  SSL_set_verify_result(pair.ssl.get(), 42);
  out("  %ld", SSL_get_verify_result(pair.ssl.get()));
  out("  index %d", SSL_get_ex_data_X509_STORE_CTX_idx());
}

void print(const char* what, X509_VERIFY_PARAM* param) {
  std::string hosts;
  for (int i = 0; const char* host = X509_VERIFY_PARAM_get0_host(param, i); ++i) {
    hosts += text(" %s", host);
  }
  char* address = X509_VERIFY_PARAM_get1_ip_asc(param);
  out("    %s: flags %lx, depth %d, level %d, host flags %x, hosts%s, address %s", what,
      X509_VERIFY_PARAM_get_flags(param), X509_VERIFY_PARAM_get_depth(param),
      X509_VERIFY_PARAM_get_auth_level(param), X509_VERIFY_PARAM_get_hostflags(param),
      hosts.c_str(), address == nullptr ? "none" : address);
  OPENSSL_free(address);
}

void parameters() {
  Pair pair;
  X509_VERIFY_PARAM* of_context = SSL_CTX_get0_param(pair.context.get());
  print("context", of_context);
  print("ssl", SSL_get0_param(pair.ssl.get()));
  X509_VERIFY_PARAM_set_flags(of_context, X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_depth(of_context, 4);
  print("context", SSL_CTX_get0_param(pair.context.get()));
  print("ssl", SSL_get0_param(pair.ssl.get()));
  Owned<SSL> later(SSL_new(pair.context.get()));
  print("later", SSL_get0_param(later.get()));
  // The pointer from before stays the context's, whatever happens meanwhile.
  SSL_CTX_set_verify_depth(pair.context.get(), 5);
  X509_VERIFY_PARAM_set_flags(of_context, X509_V_FLAG_TRUSTED_FIRST);
  out("  same pointer: %d", SSL_CTX_get0_param(pair.context.get()) == of_context);
  print("context", of_context);
  print("later", SSL_get0_param(later.get()));
  X509_VERIFY_PARAM* of_ssl = SSL_get0_param(later.get());
  Owned<SSL> copy(SSL_dup(later.get()));
  X509_VERIFY_PARAM_set_depth(of_ssl, 9);
  print("later", SSL_get0_param(later.get()));
  print("copy", SSL_get0_param(copy.get()));
  out("  same pointer: %d", SSL_get0_param(later.get()) == of_ssl);

  X509_VERIFY_PARAM* other = X509_VERIFY_PARAM_new();
  X509_VERIFY_PARAM_set_depth(other, 11);
  X509_VERIFY_PARAM_set1_host(other, "set.example", 0);
  out("  set1: %d %d", SSL_CTX_set1_param(pair.context.get(), other),
      SSL_set1_param(pair.ssl.get(), other));
  X509_VERIFY_PARAM_free(other);
  print("context", SSL_CTX_get0_param(pair.context.get()));
  print("ssl", SSL_get0_param(pair.ssl.get()));
}

void purposes() {
  Pair pair;
  for (int value :
       {-1, 0, X509_PURPOSE_SSL_CLIENT, X509_PURPOSE_SSL_SERVER, X509_PURPOSE_ANY, 99}) {
    out("  %d: purpose %s, %s", value,
        answer(SSL_CTX_set_purpose(pair.context.get(), value)).c_str(),
        answer(SSL_set_purpose(pair.ssl.get(), value)).c_str());
    out("  %d: trust %s, %s", value, answer(SSL_CTX_set_trust(pair.context.get(), value)).c_str(),
        answer(SSL_set_trust(pair.ssl.get(), value)).c_str());
  }
}

void hosts() {
  Pair pair;
  SSL* ssl = pair.ssl.get();
  auto did = [&](const char* what, int returned) {
    out("  %s: %s", what, answer(returned).c_str());
    print("ssl", SSL_get0_param(ssl));
  };
  did("set", SSL_set1_host(ssl, "one.example"));
  did("add", SSL_add1_host(ssl, "two.example"));
  did("add nothing", SSL_add1_host(ssl, nullptr));
  did("add empty", SSL_add1_host(ssl, ""));
  did("add address", SSL_add1_host(ssl, "192.0.2.1"));
  did("add another address", SSL_add1_host(ssl, "192.0.2.2"));
  did("set address", SSL_set1_host(ssl, "2001:db8::1"));
  did("set nearly an address", SSL_set1_host(ssl, "192.0.2.256"));
  did("clear", SSL_set1_host(ssl, nullptr));
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_WILDCARDS);
  did("flags", 1);
  out("  peer name: %s", SSL_get0_peername(ssl) == nullptr ? "none" : "some");
}

void peer_name(const char* host, const char* added) {
  Peers peers = make_peers({.client = [=](SSL* ssl) {
    SSL_set1_host(ssl, host);
    if (added != nullptr) SSL_add1_host(ssl, added);
  }});
  link_memory(peers);
  Result result = handshake(peers);
  out("  %s: %s", host, result.said().c_str());
  const char* name = SSL_get0_peername(peers.client.get());
  out("    %s, name %s", X509_verify_cert_error_string(SSL_get_verify_result(peers.client.get())),
      name == nullptr ? "none" : name);
  errors();
}

void peer_names() {
  peer_name("localhost", nullptr);
  peer_name("any.wild.example", nullptr);
  peer_name("stranger.example", nullptr);
  peer_name("stranger.example", "twin.example");
  peer_name("127.0.0.1", nullptr);
  peer_name("127.0.0.2", nullptr);
}

// One context for many connections: each has its own name of the peer.
void peer_names_of_one_context() {
  Peers peers = make_peers();
  for (const char* host : {"localhost", "a.wild.example", "b.wild.example", ""}) {
    renew(peers);
    SSL_set1_host(peers.client.get(), host);
    link_memory(peers);
    handshake(peers);
    const char* name = SSL_get0_peername(peers.client.get());
    out("  \"%s\": %s", host, name == nullptr ? "none" : name);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run({{"modes", modes},
                    {"parameters", parameters},
                    {"purposes", purposes},
                    {"hosts", hosts},
                    {"peer_names", peer_names},
                    {"peer_names_of_one_context", peer_names_of_one_context}},
                   argc, argv);
}
