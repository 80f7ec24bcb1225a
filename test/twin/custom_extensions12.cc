// Custom extensions below TLS 1.3: SSL_CTX_add_client_custom_ext(3),
// SSL_CTX_add_server_custom_ext(3) and contexts of SSL_CTX_add_custom_ext(3), with every answer, in
// resumption and renegotiation.
#include "support/older.h"
#include "support/resumption12.h"

namespace {
using namespace twin;

constexpr unsigned kType = 1000;

/// What the callbacks of one side do; the argument of all of them.
struct Behaviour {
  const char* side;
  int added = 1, parsed = 1, alert = SSL_AD_ACCESS_DENIED;
  std::string content{"data"};
};

int add(SSL*, unsigned type, const unsigned char** data, size_t* length, int* alert,
        void* argument) {
  auto& behaviour = *static_cast<Behaviour*>(argument);
  out("  %s adds %u", behaviour.side, type);
  *data = reinterpret_cast<const unsigned char*>(behaviour.content.data());
  *length = behaviour.content.size();
  if (behaviour.added < 0) *alert = behaviour.alert;
  return behaviour.added;
}

void release(SSL*, unsigned type, const unsigned char* data, void* argument) {
  auto& behaviour = *static_cast<Behaviour*>(argument);
  out("  %s frees %u, own %d", behaviour.side, type,
      data == reinterpret_cast<const unsigned char*>(behaviour.content.data()));
}

int parse(SSL*, unsigned type, const unsigned char* data, size_t length, int* alert,
          void* argument) {
  auto& behaviour = *static_cast<Behaviour*>(argument);
  out("  %s reads %u: %.*s", behaviour.side, type, static_cast<int>(length),
      reinterpret_cast<const char*>(data));
  if (behaviour.parsed <= 0) *alert = behaviour.alert;
  return behaviour.parsed;
}

int add_new(SSL* ssl, unsigned type, unsigned context, const unsigned char** data, size_t* length,
            X509* certificate, size_t index, int* alert, void* argument) {
  out("  in %#x, certificate %d %zu", context, certificate != nullptr, index);
  return add(ssl, type, data, length, alert, argument);
}

void release_new(SSL* ssl, unsigned type, unsigned, const unsigned char* data, void* argument) {
  release(ssl, type, data, argument);
}

int parse_new(SSL* ssl, unsigned type, unsigned context, const unsigned char* data, size_t length,
              X509* certificate, size_t index, int* alert, void* argument) {
  out("  in %#x, certificate %d %zu", context, certificate != nullptr, index);
  return parse(ssl, type, data, length, alert, argument);
}

int add_client(SSL_CTX* c, Behaviour& behaviour, unsigned type = kType) {
  return SSL_CTX_add_client_custom_ext(c, type, add, release, &behaviour, parse, &behaviour);
}
int add_server(SSL_CTX* c, Behaviour& behaviour, unsigned type = kType) {
  return SSL_CTX_add_server_custom_ext(c, type, add, release, &behaviour, parse, &behaviour);
}
int add_both(SSL_CTX* c, Behaviour& behaviour, unsigned places) {
  return SSL_CTX_add_custom_ext(c, kType, places, add_new, release_new, &behaviour, parse_new,
                                &behaviour);
}

void told(Peers& peers, const char* title) {
  link_memory(peers);
  tell_with_alerts(peers, title);
  errors();
}

void old_api(const char* title, Behaviour client, Behaviour server) {
  Peers peers = make_peers(
      at_version(TLS1_2_VERSION, {.client_context = [&](SSL_CTX* c) { add_client(c, client); },
                                  .server_context = [&](SSL_CTX* c) { add_server(c, server); }}));
  told(peers, title);
}

void old_answers() {
  for (int answer : {1, 0, -1, 2}) {
    old_api(text("client adds %d", answer).c_str(), {.side = "client", .added = answer},
            {.side = "server"});
    old_api(text("server adds %d", answer).c_str(), {.side = "client"},
            {.side = "server", .added = answer});
    old_api(text("client parses %d", answer).c_str(), {.side = "client", .parsed = answer},
            {.side = "server"});
    old_api(text("server parses %d", answer).c_str(), {.side = "client"},
            {.side = "server", .parsed = answer});
  }
  old_api("nothing in it", {.side = "client", .content = ""}, {.side = "server", .content = ""});
  old_api("much in it", {.side = "client", .content = std::string(15000, 'x').substr(0, 300)},
          {.side = "server", .content = std::string(300, 'y')});
}

// Callbacks that are left out.
void old_without_callbacks() {
  for (int kind = 0; kind < 8; kind++) {
    Behaviour client{"client"}, server{"server"};
    Peers peers = make_peers(at_version(
        TLS1_2_VERSION,
        {.client_context =
             [&](SSL_CTX* c) {
               out("added %d", SSL_CTX_add_client_custom_ext(c, kType, kind & 1 ? add : nullptr,
                                                             kind & 1 ? release : nullptr, &client,
                                                             kind & 2 ? parse : nullptr, &client));
             },
         .server_context =
             [&](SSL_CTX* c) {
               out("added %d", SSL_CTX_add_server_custom_ext(c, kType, kind & 4 ? add : nullptr,
                                                             nullptr, &server, parse, &server));
             }}));
    told(peers, text("kind %d", kind).c_str());
  }
}

// A server of the old interface answers nothing that was not asked, and a client asks in vain.
void old_one_side() {
  Behaviour client{"client"}, server{"server"};
  Peers asking = make_peers(
      at_version(TLS1_2_VERSION, {.client_context = [&](SSL_CTX* c) { add_client(c, client); }}));
  told(asking, "client only");
  Peers answering = make_peers(
      at_version(TLS1_2_VERSION, {.server_context = [&](SSL_CTX* c) { add_server(c, server); }}));
  told(answering, "server only");
  Peers other = make_peers(at_version(
      TLS1_2_VERSION, {.client_context = [&](SSL_CTX* c) { add_client(c, client); },
                       .server_context = [&](SSL_CTX* c) { add_server(c, server, kType + 1); }}));
  told(other, "different types");
}

// The old interface at every version that both ends may have.
void old_versions() {
  for (int version : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
    Behaviour client{"client"}, server{"server"};
    auto up_to = [=](SSL_CTX* c) { set_versions(c, TLS1_VERSION, TLS1_3_VERSION); };
    Peers peers = make_peers({.certificate = "server-rsa",
                              .client_context =
                                  [&](SSL_CTX* c) {
                                    up_to(c);
                                    add_client(c, client);
                                  },
                              .server_context =
                                  [&](SSL_CTX* c) {
                                    set_versions(c, version, version);
                                    add_server(c, server);
                                  }});
    told(peers, version_text(version));
  }
}

// Contexts of the new interface that mean something below TLS 1.3. (The system's client sends what
// is for DTLS alone, and its server then refuses that.)
void contexts() {
  const unsigned kPlaces[] = {
      SSL_EXT_CLIENT_HELLO,
      SSL_EXT_TLS1_2_SERVER_HELLO,
      SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO,
      SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS,
      SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO | SSL_EXT_TLS1_2_AND_BELOW_ONLY,
      SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO | SSL_EXT_TLS1_3_ONLY,
      SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO | SSL_EXT_TLS_ONLY,
      SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO | SSL_EXT_TLS_IMPLEMENTATION_ONLY,
      SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO | SSL_EXT_SSL3_ALLOWED,
      0};
  for (int version : {TLS1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (unsigned places : kPlaces) {
      Behaviour client{"client"}, server{"server"};
      Peers peers = make_peers(at_version(
          version,
          {.client_context = [&](SSL_CTX* c) { out("added %d", add_both(c, client, places)); },
           .server_context = [&](SSL_CTX* c) { out("added %d", add_both(c, server, places)); }}));
      told(peers, text("%s, %#x", version_text(version), places).c_str());
    }
  }
}

void resumed() {
  for (unsigned more : {0U, static_cast<unsigned>(SSL_EXT_IGNORE_ON_RESUMPTION)}) {
    for (By by : {By::id, By::ticket}) {
      Behaviour client{"client"}, server{"server"};
      unsigned places = SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO | more;
      Peers peers =
          resumable_peers(TLS1_2_VERSION, by,
                          {.client_context = [&](SSL_CTX* c) { add_both(c, client, places); },
                           .server_context = [&](SSL_CTX* c) { add_both(c, server, places); }});
      told(peers, text("%s, %#x", by_name(by), more).c_str());
      renew_with_session(peers);
      told(peers, "resumed");
      out("  reused %d", SSL_session_reused(peers.server.get()));
    }
  }
}

void resumed_old() {
  Behaviour client{"client"}, server{"server"};
  Peers peers = resumable_peers(TLS1_2_VERSION, By::id,
                                {.client_context = [&](SSL_CTX* c) { add_client(c, client); },
                                 .server_context = [&](SSL_CTX* c) { add_server(c, server); }});
  told(peers, "first");
  renew_with_session(peers);
  told(peers, "resumed");
}

void renegotiated() {
  Behaviour client{"client"}, server{"server"};
  Peers peers = make_peers(
      at_version(TLS1_2_VERSION, {.client_context = [&](SSL_CTX* c) { add_client(c, client); },
                                  .server_context =
                                      [&](SSL_CTX* c) {
                                        SSL_CTX_set_options(c, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
                                        add_server(c, server);
                                      }}));
  told(peers, "first");
  out("asked %d", SSL_renegotiate(peers.client.get()));
  char byte;
  for (int i = 0; i < 6; i++) {
    SSL_do_handshake(peers.client.get());
    SSL_read(peers.server.get(), &byte, 1);
    SSL_read(peers.client.get(), &byte, 1);
  }
  out("renegotiations %ld", SSL_num_renegotiations(peers.client.get()));
  errors();
}

// Extensions go with the certificates: SSL_set_SSL_CTX brings those of the other context.
void switched_context() {
  for (bool second_has : {true, false}) {
    static SSL_CTX* second;
    Behaviour client{"client"}, first{"first context"}, other{"second context"};
    Owned<SSL_CTX> context = new_context();
    set_versions(context.get(), TLS1_2_VERSION, TLS1_2_VERSION);
    use_certificate(context.get(), "server-p256");
    if (second_has) add_server(context.get(), other);
    second = context.get();
    Peers peers = make_peers(
        at_version(TLS1_2_VERSION, {.client_context = [&](SSL_CTX* c) { add_client(c, client); },
                                    .server_context =
                                        [&](SSL_CTX* c) {
                                          add_server(c, first);
                                          SSL_CTX_set_tlsext_servername_callback(
                                              c, +[](SSL* ssl, int*, void*) {
                                                SSL_set_SSL_CTX(ssl, second);
                                                return SSL_TLSEXT_ERR_OK;
                                              });
                                        }}));
    told(peers, text("second has %d", second_has).c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"old_answers", old_answers},
              {"old_without_callbacks", old_without_callbacks},
              {"old_one_side", old_one_side},
              {"old_versions", old_versions},
              {"contexts", contexts},
              {"resumed", resumed},
              {"resumed_old", resumed_old},
              {"renegotiated", renegotiated},
              {"switched_context", switched_context}},
             argc, argv);
}
