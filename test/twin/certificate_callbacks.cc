// SSL_CTX_set_cert_cb(3), SSL_CTX_set_client_cert_cb(3): what the callbacks may do and answer.
#include <openssl/engine.h>

#include "support/older.h"

namespace {
using namespace twin;

constexpr int kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

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
    if (side.error == SSL_ERROR_WANT_X509_LOOKUP) {
      out("  %s looks up, want %d, state %s", SSL_is_server(side.ssl) ? "server" : "client",
          SSL_want(side.ssl), SSL_state_string_long(side.ssl));
    }
  });
  char byte;
  if (result.client.good() && !result.server.good()) SSL_read(peers.client.get(), &byte, 1);
  errors();
  out("%s: %s", title, result.said().c_str());
  out("  alerts: client %s | server %s", client.text_or_none(), server.text_or_none());
  out("  server showed %s of %d, client %s of %d",
      subject(SSL_get0_peer_certificate(peers.client.get())).c_str(),
      sk_X509_num(SSL_get_peer_cert_chain(peers.client.get())),
      subject(SSL_get0_peer_certificate(peers.server.get())).c_str(),
      sk_X509_num(SSL_get_peer_cert_chain(peers.server.get())));
}

/// What a callback of this program does.
struct Plan {
  std::function<int(SSL*)> act{};
  int calls = 0;
};

int on_certificate(SSL* ssl, void* argument) {
  auto& plan = *static_cast<Plan*>(argument);
  out("  %s asked, call %d, own %s, %s", SSL_is_server(ssl) ? "server" : "client", ++plan.calls,
      subject(SSL_get_certificate(ssl)).c_str(), SSL_state_string_long(ssl));
  return plan.act(ssl);
}

void give(SSL* ssl, const std::string& name) {
  out("    certificate %d, key %d", SSL_use_certificate(ssl, read_certificate(name).get()),
      SSL_use_PrivateKey(ssl, read_key(name).get()));
}

using Act = std::function<int(SSL*)>;

void server_does(const char* title, const Act& act, const char* certificate = "server-rsa",
                 const std::function<void(SSL_CTX*)>& client = nullptr) {
  for (int version : kVersions) {
    Plan plan{act};
    Peers peers = make_peers(at_version(
        version,
        {.certificate = certificate, .client_context = client, .server_context = [&](SSL_CTX* c) {
           SSL_CTX_set_cert_cb(c, on_certificate, &plan);
         }}));
    link_memory(peers);
    told(peers, text("%s, %s", title, version_text(version)).c_str());
  }
}

void client_does(const char* title, const Act& act, const char* certificate = "client-rsa",
                 int mode = SSL_VERIFY_PEER) {
  for (int version : kVersions) {
    Plan plan{act};
    Peers peers = make_peers(at_version(
        version, {.client_context =
                      [&](SSL_CTX* c) {
                        if (*certificate) use_certificate(c, certificate);
                        SSL_CTX_set_cert_cb(c, on_certificate, &plan);
                      },
                  .server_context = [=](SSL_CTX* c) { SSL_CTX_set_verify(c, mode, nullptr); }}));
    link_memory(peers);
    told(peers, text("%s, %s", title, version_text(version)).c_str());
  }
}

int refuse(SSL*) {
  return 0;
}
int later_twice(SSL*) {
  static int times = 0;
  return ++times % 3 != 0 ? -1 : 1;
}
int clear(SSL* ssl) {
  SSL_certs_clear(ssl);
  return 1;
}
int another(SSL* ssl) {
  SSL_certs_clear(ssl);
  give(ssl, "server-p256");
  return 1;
}
int with_chain(SSL* ssl) {
  SSL_certs_clear(ssl);
  give(ssl, "server-chain");
  out("    chain %ld", SSL_add1_chain_cert(ssl, read_certificate("intermediate").get()));
  return 1;
}
int key_only(SSL* ssl) {
  out("    key %d", SSL_use_PrivateKey(ssl, read_key("server-p256").get()));
  errors();
  return 1;
}
int two(SSL* ssl) {
  return 2 + (SSL_want(ssl) != SSL_NOTHING);
}
int remove_callback(SSL* ssl) {
  SSL_set_cert_cb(ssl, nullptr, nullptr);
  return -1;
}
int fewer_schemes(SSL* ssl) {
  out("    schemes %ld", SSL_set1_sigalgs_list(ssl, "RSA-PSS+SHA512:RSA+SHA512"));
  return 1;
}
int client_key(SSL* ssl) {
  give(ssl, "client-p256");
  return 1;
}

void of_server() {
  server_does("refuse", refuse);
  server_does("two", two);
  server_does("later", later_twice);
  server_does("clear", clear);
  server_does("another", another);
  server_does("another from none", another, "");
  server_does("chain", with_chain);
  server_does("key only", key_only);
  server_does("callback goes away", remove_callback);
  server_does("fewer schemes", fewer_schemes);
}

void of_client() {
  client_does("refuse", refuse);
  client_does("later", later_twice);
  client_does("clear", clear);
  client_does("given", client_key, "");
  client_does("key only", key_only, "");
  client_does("callback goes away", remove_callback);
  client_does("fewer schemes", fewer_schemes);
  client_does("not asked for", refuse, "client-rsa", SSL_VERIFY_NONE);
  client_does("demanded, cleared", clear, "client-rsa",
              SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
}

// What the callback of the server can ask about the client.
void seen_by_server() {
  server_does(
      "ask",
      [](SSL* ssl) {
        const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        out("    name %s, sigalgs %d, shared %d, client ciphers %d, cipher %s, pending %s",
            name ? name : "none",
            SSL_get_sigalgs(ssl, -1, nullptr, nullptr, nullptr, nullptr, nullptr) > 0,
            SSL_get_shared_sigalgs(ssl, -1, nullptr, nullptr, nullptr, nullptr, nullptr) >= 0,
            sk_SSL_CIPHER_num(SSL_get_client_ciphers(ssl)) > 0, SSL_get_cipher_name(ssl),
            SSL_get_pending_cipher(ssl) ? "some" : "none");
        return 1;
      },
      "server-rsa", nullptr);
}

int client_calls;
Act client_act;
const char* client_gives;
bool client_gives_key;

int on_client_certificate(SSL* ssl, X509** certificate, EVP_PKEY** key) {
  out("  client_cert_cb %d, state %s, names %d, types %d", ++client_calls,
      SSL_state_string_long(ssl), sk_X509_NAME_num(SSL_get_client_CA_list(ssl)),
      SSL_get0_certificate_types(ssl, nullptr) > 0);
  int answer = client_act(ssl);
  if (answer == 1 && client_gives) *certificate = read_certificate(client_gives).release();
  if (answer == 1 && client_gives_key) *key = read_key(client_gives).release();
  return answer;
}

void client_gives_this(const char* title, const Act& act, const char* name, bool key,
                       const char* own = "", int mode = SSL_VERIFY_PEER) {
  for (int version : kVersions) {
    client_calls = 0;
    client_act = act;
    client_gives = name;
    client_gives_key = key;
    Peers peers = make_peers(at_version(
        version, {.client_context =
                      [=](SSL_CTX* c) {
                        if (*own) use_certificate(c, own);
                        SSL_CTX_set_client_cert_cb(c, on_client_certificate);
                      },
                  .server_context = [=](SSL_CTX* c) { SSL_CTX_set_verify(c, mode, nullptr); }}));
    link_memory(peers);
    told(peers, text("%s, %s", title, version_text(version)).c_str());
  }
}

int one(SSL*) {
  return 1;
}

void client_cert_cb() {
  client_gives_this("given", one, "client-p256", true);
  client_gives_this("no key", one, "client-p256", false);
  client_gives_this("nothing", one, nullptr, false);
  client_gives_this("zero", refuse, "client-p256", true);
  client_gives_this("two", two, "client-p256", true);
  client_gives_this("later", later_twice, "client-p256", true);
  client_gives_this("own certificate first", one, "client-p256", true, "client-rsa");
  client_gives_this("weak", one, "server-rsa1024", true);
  client_gives_this("stranger", one, "client-stranger", true, "",
                    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
  client_gives_this("not asked", one, "client-p256", true, "", SSL_VERIFY_NONE);
}

// A certificate and the key of another.
int on_mismatch(SSL*, X509** certificate, EVP_PKEY** key) {
  *certificate = read_certificate("client-p256").release();
  *key = read_key("client-rsa").release();
  return 1;
}

void client_cert_mismatch() {
  for (int version : kVersions) {
    Peers peers = make_peers(at_version(
        version,
        {.client_context = [](SSL_CTX* c) { SSL_CTX_set_client_cert_cb(c, on_mismatch); },
         .server_context = [](SSL_CTX* c) { SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr); }}));
    link_memory(peers);
    told(peers, version_text(version));
  }
}

// Both callbacks: cert_cb comes first, client_cert_cb is asked when there is still none.
void both_callbacks() {
  for (const char* own : {"", "client-rsa"}) {
    for (int version : kVersions) {
      Plan plan{[](SSL*) { return 1; }};
      client_calls = 0;
      client_act = one;
      client_gives = "client-p256";
      client_gives_key = true;
      Peers peers = make_peers(at_version(
          version,
          {.client_context =
               [&](SSL_CTX* c) {
                 if (*own) use_certificate(c, own);
                 SSL_CTX_set_cert_cb(c, on_certificate, &plan);
                 SSL_CTX_set_client_cert_cb(c, on_client_certificate);
               },
           .server_context = [](SSL_CTX* c) { SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr); }}));
      link_memory(peers);
      told(peers, text("own \"%s\", %s", own, version_text(version)).c_str());
    }
  }
}

int engine_answer;
int from_engine(ENGINE*, SSL* ssl, STACK_OF(X509_NAME) * names, X509** certificate, EVP_PKEY** key,
                STACK_OF(X509) * *chain, UI_METHOD* ui, void* data) {
  out("  engine asked: client %d, names %d, chain asked for %d, ui %d %d", !SSL_is_server(ssl),
      sk_X509_NAME_num(names), chain != nullptr, ui != nullptr, data != nullptr);
  if (engine_answer != 1) return engine_answer;
  *certificate = read_certificate("client-p256").release();
  *key = read_key("client-p256").release();
  return 1;
}

int no_engine_certificate(SSL*, X509**, EVP_PKEY**) {
  out("  client_cert_cb asked");
  return 0;
}

// SSL_CTX_set_client_cert_engine: the engine is asked before the callback.
void engines() {
  ENGINE* engine = ENGINE_new();
  ENGINE_set_id(engine, "twin-client");
  ENGINE_set_name(engine, "gives a client's certificate");
  ENGINE_set_load_ssl_client_cert_function(engine, from_engine);
  for (int answer : {1, 0, -1}) {
    for (int version : kVersions) {
      engine_answer = answer;
      Peers peers = make_peers(at_version(
          version,
          {.client_context =
               [=](SSL_CTX* c) {
                 out("set %d", SSL_CTX_set_client_cert_engine(c, engine));
                 SSL_CTX_set_client_cert_cb(c, no_engine_certificate);
               },
           .server_context = [](SSL_CTX* c) { SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr); }}));
      link_memory(peers);
      told(peers, text("engine answers %d, %s", answer, version_text(version)).c_str());
    }
  }
  ENGINE_free(engine);
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"of_server", of_server},
              {"of_client", of_client},
              {"seen_by_server", seen_by_server},
              {"client_cert_cb", client_cert_cb},
              {"client_cert_mismatch", client_cert_mismatch},
              {"both_callbacks", both_callbacks},
              {"engines", engines}},
             argc, argv);
}
