// SSL_CTX_add_custom_ext(3): the application's extensions in every message that may carry them.
#include "support/peers.h"

namespace {
using namespace twin;

constexpr unsigned kType = 1000;
constexpr unsigned kEverywhere = SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO |
                                 SSL_EXT_TLS1_3_SERVER_HELLO | SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS |
                                 SSL_EXT_TLS1_3_HELLO_RETRY_REQUEST | SSL_EXT_TLS1_3_CERTIFICATE |
                                 SSL_EXT_TLS1_3_CERTIFICATE_REQUEST;

/// What the callbacks of one side do.
struct Behaviour {
  const char* side;
  std::string content{"data"};
  int added = 1;
  int parsed = 1;
  int alert = SSL_AD_ACCESS_DENIED;
  unsigned only = kEverywhere;  ///< contexts in which `added` and `parsed` hold
};

std::string subject(X509* certificate) {
  if (!certificate) return "no certificate";
  char name[64] = "?";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  return name;
}

int on_add(SSL*, unsigned type, unsigned context, const unsigned char** data, size_t* length,
           X509* certificate, size_t index, int* alert, void* argument) {
  auto& behaviour = *static_cast<Behaviour*>(argument);
  out("%s adds %u to %#x, %s %zu", behaviour.side, type, context, subject(certificate).c_str(),
      index);
  if ((behaviour.only & context) == 0) return 1;
  *data = reinterpret_cast<const unsigned char*>(behaviour.content.data());
  *length = behaviour.content.size();
  if (behaviour.added < 0) *alert = behaviour.alert;
  return behaviour.added;
}

void on_free(SSL*, unsigned type, unsigned context, const unsigned char* data, void* argument) {
  auto& behaviour = *static_cast<Behaviour*>(argument);
  bool own = data == reinterpret_cast<const unsigned char*>(behaviour.content.data());
  out("%s frees %u of %#x, own %d", behaviour.side, type, context, own);
}

int on_parse(SSL*, unsigned type, unsigned context, const unsigned char* data, size_t length,
             X509* certificate, size_t index, int* alert, void* argument) {
  auto& behaviour = *static_cast<Behaviour*>(argument);
  out("%s reads %u in %#x: '%.*s', %s %zu", behaviour.side, type, context, static_cast<int>(length),
      reinterpret_cast<const char*>(data), subject(certificate).c_str(), index);
  if ((behaviour.only & context) == 0) return 1;
  if (behaviour.parsed <= 0) *alert = behaviour.alert;
  return behaviour.parsed;
}

int add(SSL_CTX* context, unsigned type, unsigned places, Behaviour& behaviour) {
  return SSL_CTX_add_custom_ext(context, type, places, on_add, on_free, &behaviour, on_parse,
                                &behaviour);
}

void shake(Behaviour& client, Behaviour& server, unsigned client_places, unsigned server_places,
           const Setup& setup = {}) {
  Setup both = setup;
  both.client_context = [&](SSL_CTX* context) {
    if (setup.client_context) setup.client_context(context);
    if (client_places) out("client added %d", add(context, kType, client_places, client));
  };
  both.server_context = [&](SSL_CTX* context) {
    if (setup.server_context) setup.server_context(context);
    if (server_places) out("server added %d", add(context, kType, server_places, server));
  };
  Peers peers = make_peers(both);
  link_memory(peers);
  out("%s", handshake(peers).said().c_str());
}

void everywhere() {
  Behaviour client{"client"}, server{"server"};
  shake(client, server, kEverywhere, kEverywhere);
}

void one_place_each() {
  Behaviour client{"client"}, server{"server"};
  for (unsigned place : {SSL_EXT_TLS1_3_SERVER_HELLO, SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS,
                         SSL_EXT_TLS1_3_CERTIFICATE}) {
    unsigned places = SSL_EXT_CLIENT_HELLO | static_cast<unsigned>(place);
    out("-- %#x", places);
    shake(client, server, places, places);
  }
}

void one_side_only() {
  Behaviour client{"client"}, server{"server"};
  shake(client, server, kEverywhere, 0);
  shake(client, server, 0, kEverywhere);
}

// RFC 8446 4.2: an extension in a message that it is not for is an illegal parameter.
void different_places() {
  Behaviour client{"client"}, server{"server"};
  shake(client, server, SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_CERTIFICATE,
        SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS);
  shake(client, server, SSL_EXT_CLIENT_HELLO, SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS);
}

void versions() {
  Behaviour client{"client"}, server{"server"};
  for (unsigned limit : {SSL_EXT_TLS1_3_ONLY, SSL_EXT_TLS1_2_AND_BELOW_ONLY, SSL_EXT_DTLS_ONLY,
                         SSL_EXT_TLS_ONLY, SSL_EXT_IGNORE_ON_RESUMPTION}) {
    if (limit == SSL_EXT_DTLS_ONLY) continue;
    out("-- %#x", limit);
    shake(client, server, kEverywhere | limit, kEverywhere | limit);
  }
}

void nothing_to_send() {
  Behaviour client{"client"}, server{"server"};
  client.added = 0;
  shake(client, server, kEverywhere, kEverywhere);
  client.added = 1;
  server.added = 0;
  shake(client, server, kEverywhere, kEverywhere);
}

void empty_content() {
  Behaviour client{"client"}, server{"server"};
  client.content = server.content = "";
  shake(client, server, kEverywhere, kEverywhere);
}

void add_fails() {
  Behaviour client{"client"}, server{"server"};
  server.only = SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS;
  server.added = -1;
  shake(client, server, kEverywhere, kEverywhere);
}

void add_fails_in_hello() {
  Behaviour client{"client"};
  client.added = -1;
  Setup setup;
  setup.client_context = [&](SSL_CTX* context) { add(context, kType, kEverywhere, client); };
  Peers peers = make_peers(setup);
  link_memory(peers);
  Side side{peers.client.get()};
  side.step();
  out("%s", side.said().c_str());
}

void parse_fails() {
  for (unsigned place : {SSL_EXT_CLIENT_HELLO, SSL_EXT_TLS1_3_SERVER_HELLO,
                         SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS, SSL_EXT_TLS1_3_CERTIFICATE}) {
    Behaviour client{"client"}, server{"server"};
    client.only = server.only = place;
    client.parsed = server.parsed = 0;
    shake(client, server, kEverywhere, kEverywhere);
  }
}

void client_certificate() {
  Behaviour client{"client"}, server{"server"};
  Setup setup;
  setup.client_context = [](SSL_CTX* context) { use_certificate(context, "client-p256"); };
  setup.server_context = [](SSL_CTX* context) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  };
  shake(client, server, kEverywhere, kEverywhere, setup);
  unsigned places = SSL_EXT_TLS1_3_CERTIFICATE_REQUEST | SSL_EXT_TLS1_3_CERTIFICATE;
  shake(client, server, places, places, setup);
}

void retried_hello() {
  Behaviour client{"client"}, server{"server"};
  Setup setup;
  setup.server_context = [](SSL_CTX* context) { SSL_CTX_set1_groups_list(context, "P-384"); };
  shake(client, server, kEverywhere, kEverywhere, setup);
}

void chain_of_certificates() {
  Behaviour client{"client"}, server{"server"};
  Setup setup;
  setup.certificate = "server-chain";
  unsigned places = SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_CERTIFICATE;
  shake(client, server, places, places, setup);
}

int legacy_add(SSL*, unsigned type, const unsigned char** data, size_t* length, int*, void* side) {
  out("%s adds %u", static_cast<const char*>(side), type);
  *data = reinterpret_cast<const unsigned char*>("legacy");
  *length = 6;
  return 1;
}

void legacy_free(SSL*, unsigned type, const unsigned char*, void* side) {
  out("%s frees %u", static_cast<const char*>(side), type);
}

int legacy_parse(SSL*, unsigned type, const unsigned char* data, size_t length, int*, void* side) {
  out("%s reads %u: %.*s", static_cast<const char*>(side), type, static_cast<int>(length),
      reinterpret_cast<const char*>(data));
  return 1;
}

// They are for TLS 1.2: offered in a hello that offers it, and not looked at by TLS 1.3.
void legacy() {
  Setup setup;
  setup.client_context = [](SSL_CTX* context) {
    auto* side = const_cast<char*>("client");
    out("%d", SSL_CTX_add_client_custom_ext(context, kType, legacy_add, legacy_free, side,
                                            legacy_parse, side));
    out("%d",
        SSL_CTX_add_client_custom_ext(context, kType + 1, nullptr, nullptr, side, nullptr, side));
  };
  setup.server_context = [](SSL_CTX* context) {
    auto* side = const_cast<char*>("server");
    out("%d", SSL_CTX_add_server_custom_ext(context, kType, legacy_add, legacy_free, side,
                                            legacy_parse, side));
  };
  Peers peers = make_peers(setup);
  link_memory(peers);
  out("%s", handshake(peers).said().c_str());
}

void registration() {
  Behaviour behaviour{"nobody"};
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  SSL_CTX* c = context.get();
  out("first %d", add(c, kType, kEverywhere, behaviour));
  out("again %d", add(c, kType, SSL_EXT_CLIENT_HELLO, behaviour));
  out("client's of the same type %d",
      SSL_CTX_add_client_custom_ext(c, kType, nullptr, nullptr, nullptr, nullptr, nullptr));
  out("client's %d, server's %d, client's again %d",
      SSL_CTX_add_client_custom_ext(c, 2000, nullptr, nullptr, nullptr, nullptr, nullptr),
      SSL_CTX_add_server_custom_ext(c, 2000, nullptr, nullptr, nullptr, nullptr, nullptr),
      SSL_CTX_add_client_custom_ext(c, 2001, nullptr, nullptr, nullptr, nullptr, nullptr));
  out("both after them %d", add(c, 2000, kEverywhere, behaviour));
  out("too large %d", add(c, 0x10000 + 77, kEverywhere, behaviour));
  out("free without add %d",
      SSL_CTX_add_custom_ext(c, 3000, kEverywhere, nullptr, on_free, nullptr, nullptr, nullptr));
  out("nothing at all %d",
      SSL_CTX_add_custom_ext(c, 3000, kEverywhere, nullptr, nullptr, nullptr, nullptr, nullptr));
  for (unsigned type : {kType, 2000u, 2001u, 3000u, 77u, 0x10000u + kType}) {
    out("has %u: %d", type, SSL_CTX_has_client_custom_ext(c, type));
  }
  out("timestamps %d", add(c, TLSEXT_TYPE_signed_certificate_timestamp, kEverywhere, behaviour));
  out("errors: %s", errors().c_str());
  Owned<SSL_CTX> other(SSL_CTX_new(TLS_method()));
  c = other.get();
  out("enable %d", SSL_CTX_enable_ct(c, SSL_CT_VALIDATION_PERMISSIVE));
  out("timestamps %d", add(c, TLSEXT_TYPE_signed_certificate_timestamp, kEverywhere, behaviour));
  out("not in the hello %d",
      add(c, TLSEXT_TYPE_signed_certificate_timestamp, SSL_EXT_TLS1_3_CERTIFICATE, behaviour));
  out("errors: %s", errors().c_str());
}

void supported() {
  for (unsigned type = 0; type < 70; type++) {
    if (SSL_extension_supported(type)) out("%u", type);
  }
  for (unsigned type : {13172u, 65281u, 65282u, 65536u}) {
    out("%u: %d", type, SSL_extension_supported(type));
  }
}

// An SSL keeps what its context had when it was made.
void of_context_at_new() {
  Behaviour client{"client"}, server{"server"};
  Peers peers = make_peers();
  out("%d", add(peers.client_context.get(), kType, kEverywhere, client));
  link_memory(peers);
  out("%s", handshake(peers).said().c_str());
}

void own_timestamps() {
  Behaviour client{"client"}, server{"server"};
  client.content = "";
  unsigned places = SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_CERTIFICATE;
  Setup setup;
  setup.client_context = [&](SSL_CTX* context) {
    out("%d", add(context, TLSEXT_TYPE_signed_certificate_timestamp, places, client));
  };
  setup.server_context = [&](SSL_CTX* context) {
    out("%d", add(context, TLSEXT_TYPE_signed_certificate_timestamp, places, server));
  };
  Peers peers = make_peers(setup);
  link_memory(peers);
  out("%s", handshake(peers).said().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"everywhere", everywhere},
              {"one_place_each", one_place_each},
              {"one_side_only", one_side_only},
              {"different_places", different_places},
              {"versions", versions},
              {"nothing_to_send", nothing_to_send},
              {"empty_content", empty_content},
              {"add_fails", add_fails},
              {"add_fails_in_hello", add_fails_in_hello},
              {"parse_fails", parse_fails},
              {"client_certificate", client_certificate},
              {"retried_hello", retried_hello},
              {"chain_of_certificates", chain_of_certificates},
              {"legacy", legacy},
              {"registration", registration},
              {"supported", supported},
              {"of_context_at_new", of_context_at_new},
              {"own_timestamps", own_timestamps}},
             argc, argv);
}
