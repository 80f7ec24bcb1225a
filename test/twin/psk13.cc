// External pre-shared keys in TLS 1.3: the callbacks of 1.3 and those of 1.2, and what may be
// wrong.
#include "support/resumption13.h"

namespace {
using namespace twin;

constexpr unsigned char kAes128 = 1, kAes256 = 2, kAes128Ccm8 = 5;

void short_tags(SSL_CTX* context) {
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_8_SHA256");
}

/// One side's key, and what its callbacks were asked.
struct Key {
  std::string identity = "someone";
  std::string secret = sample(32);
  unsigned char suite = kAes128;  ///< its second byte
  int answer = 1;
  bool none = false;
  uint32_t max_early_data = 0;
  const char* name = nullptr;  ///< of the server

  static int index() {
    static int value = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return value;
  }
  static Key& of(SSL* ssl) { return *static_cast<Key*>(SSL_get_ex_data(ssl, index())); }

  SSL_SESSION* session(SSL* ssl) const {
    SSL_SESSION* made = SSL_SESSION_new();
    SSL_SESSION_set1_master_key(made, reinterpret_cast<const unsigned char*>(secret.data()),
                                secret.size());
    const unsigned char id[] = {0x13, suite};
    SSL_SESSION_set_cipher(made, SSL_CIPHER_find(ssl, id));
    SSL_SESSION_set_protocol_version(made, TLS1_3_VERSION);
    SSL_SESSION_set_max_early_data(made, max_early_data);
    if (name != nullptr) SSL_SESSION_set1_hostname(made, name);
    return made;
  }
  void use(SSL* ssl) {
    SSL_set_ex_data(ssl, index(), this);
    SSL_set_psk_use_session_callback(ssl, [](SSL* s, const EVP_MD* md, const unsigned char** id,
                                             size_t* length, SSL_SESSION** session) {
      Key& key = of(s);
      out("  use_session in %s, hash %s", SSL_state_string(s), md ? EVP_MD_get0_name(md) : "none");
      if (key.none) return key.answer;
      *session = key.session(s);
      *id = reinterpret_cast<const unsigned char*>(key.identity.data());
      *length = key.identity.size();
      return key.answer;
    });
  }
  void find(SSL* ssl) {
    SSL_set_ex_data(ssl, index(), this);
    SSL_set_psk_find_session_callback(
        ssl, [](SSL* s, const unsigned char* id, size_t length, SSL_SESSION** session) {
          Key& key = of(s);
          std::string asked(reinterpret_cast<const char*>(id), length);
          out("  find_session in %s: %s", SSL_state_string(s),
              length < 30 ? asked.c_str() : "a ticket");
          if (asked == key.identity && !key.none) *session = key.session(s);
          return key.answer;
        });
  }
  void use12(SSL* ssl) {
    SSL_set_ex_data(ssl, index(), this);
    SSL_set_psk_client_callback(ssl,
                                [](SSL* s, const char* hint, char* id, unsigned int room,
                                   unsigned char* secret, unsigned int size) -> unsigned int {
                                  Key& key = of(s);
                                  out("  client callback in %s, hint %s, room %u %u",
                                      SSL_state_string(s), hint ? hint : "none", room, size);
                                  if (key.none) return 0;
                                  std::strcpy(id, key.identity.c_str());
                                  std::memcpy(secret, key.secret.data(), key.secret.size());
                                  return static_cast<unsigned int>(key.secret.size());
                                });
  }
  void find12(SSL* ssl) {
    SSL_set_ex_data(ssl, index(), this);
    SSL_set_psk_server_callback(
        ssl, [](SSL* s, const char* id, unsigned char* secret, unsigned int size) -> unsigned int {
          Key& key = of(s);
          out("  server callback in %s: %s, room %u", SSL_state_string(s),
              std::strlen(id) < 30 ? id : "a ticket", size);
          if (key.identity != id || key.none) return 0;
          std::memcpy(secret, key.secret.data(), key.secret.size());
          return static_cast<unsigned int>(key.secret.size());
        });
  }
};

void shake(const char* title, const std::function<void(SSL*, SSL*)>& before,
           SSL_SESSION* offer = nullptr) {
  Peers peers = tickets_peers({.client_context = [](SSL_CTX* context) {
    SSL_CTX_set_session_id_context(context, nullptr, 0);
  }});
  Alerts client, server;
  connect13(peers, title, {.offer = offer, .before = [&](SSL* c, SSL* s) {
                             before(c, s);
                             client.watch(c);
                             server.watch(s);
                           }});
  out("  alerts: client %s; server %s", client.text_or_none(), server.text_or_none());
}

void good() {
  for (bool old_client : {false, true}) {
    for (bool old_server : {false, true}) {
      Key client, server;
      shake(text("client 1.2-style %d, server %d", old_client, old_server).c_str(),
            [&](SSL* c, SSL* s) {
              old_client ? client.use12(c) : client.use(c);
              old_server ? server.find12(s) : server.find(s);
            });
    }
  }
}

void without_certificate() {
  for (bool known : {true, false}) {
    Key client, server;
    server.none = !known;
    Peers peers = tickets_peers({.certificate = ""});
    connect13(peers, "no certificate", {.before = [&](SSL* c, SSL* s) {
                client.use(c);
                server.find(s);
              }});
  }
}

void suites() {
  for (unsigned char ours : {kAes128, kAes256}) {
    for (unsigned char theirs : {kAes128, kAes256}) {
      Key client, server;
      client.suite = ours;
      server.suite = theirs;
      shake(text("%d and %d", ours, theirs).c_str(), [&](SSL* c, SSL* s) {
        client.use(c);
        server.find(s);
        SSL_set_ciphersuites(s, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256");
      });
    }
  }
}

void wrong() {
  Key client, server;
  auto both = [&](SSL* c, SSL* s) {
    client.use(c);
    server.find(s);
  };
  server.secret = sample(32, 9);
  shake("another secret", both);
  server = {};
  server.identity = "nobody";
  shake("unknown identity", both);
  server = {};
  server.answer = 0;
  shake("server's callback fails", both);
  server = {};
  client.answer = 0;
  shake("client's callback fails", both);
  client = {};
  client.none = true;
  shake("client has none", both);
  client = {};
  client.secret = sample(48);
  server.secret = client.secret;
  shake("a longer secret", both);
  client.secret = server.secret = "x";
  shake("a short secret", both);
  Key old;
  old.none = true;
  shake("client of 1.2 style has none", [&](SSL* c, SSL* s) {
    old.use12(c);
    server.find(s);
  });
}

void retry() {
  for (unsigned char suite : {kAes256, kAes128}) {
    for (bool psk_ke : {false, true}) {
      Key client, server;
      client.suite = server.suite = suite;
      Peers peers = tickets_peers();
      renew(peers);
      link_memory(peers);
      SSL *c = peers.client.get(), *s = peers.server.get();
      client.use(c);
      server.find(s);
      SSL_set1_groups_list(s, "P-384");
      SSL_set_ciphersuites(s, "TLS_AES_256_GCM_SHA384");
      if (psk_ke) SSL_set_options(c, SSL_OP_ALLOW_NO_DHE_KEX);
      if (psk_ke) SSL_set_options(s, SSL_OP_ALLOW_NO_DHE_KEX);
      out("key %d, psk_ke %d: %s", suite, psk_ke, handshake(peers).said().c_str());
    }
  }
}

void with_ticket() {
  Peers peers = tickets_peers();
  Owned<SSL_SESSION> session = first_session(peers);
  Key client, server;
  auto both = [&](SSL* c, SSL* s) {
    client.use(c);
    server.find(s);
  };
  connect13(peers, "ticket and key", {.offer = session.get(), .before = both});
  SSL_CTX_set_tlsext_ticket_keys(peers.server_context.get(), std::string(80, 'k').data(), 80);
  connect13(peers, "key behind an unknown ticket", {.offer = session.get(), .before = both});
  server.none = true;
  connect13(peers, "neither", {.offer = session.get(), .before = both});
}

void early_data() {
  for (uint32_t limit : {0U, 100U}) {
    for (bool same : {true, false}) {
      Key client, server;
      client.max_early_data = limit;
      server.max_early_data = same ? limit : 50;
      Peers peers = tickets_peers(
          {.server_context = [](SSL_CTX* c) { SSL_CTX_set_max_early_data(c, 1000); }});
      renew(peers);
      link_memory(peers);
      client.use(peers.client.get());
      server.find(peers.server.get());
      std::string data;
      out("limit %u, the server's %u", limit, server.max_early_data);
      out("  write %s", write_early(peers.client.get(), sample(40)).c_str());
      out("  read %s", read_early(peers.server.get(), data).c_str());
      out("  read %s", read_early(peers.server.get(), data).c_str());
      out("  %s", handshake(peers).said().c_str());
      out("  %s, same %d", early_statuses(peers).c_str(), data == sample(40));
    }
  }
}

// The name that a key has on the server's side is the application's affair.
void early_data_and_names() {
  for (const char* name : {"here.example", "elsewhere.example"}) {
    Key client, server;
    client.max_early_data = server.max_early_data = 100;
    client.name = "here.example";
    server.name = name;
    Peers peers = make_peers({.server_context = [](SSL_CTX* context) {
      SSL_CTX_set_max_early_data(context, 1000);
      SSL_CTX_set_tlsext_servername_callback(
          context, +[](SSL*, int*, void*) -> int { return SSL_TLSEXT_ERR_OK; });
    }});
    link_memory(peers);
    SSL_set_tlsext_host_name(peers.client.get(), "here.example");
    client.use(peers.client.get());
    server.find(peers.server.get());
    std::string data;
    out("%s", name);
    out("  write %s", write_early(peers.client.get(), sample(40)).c_str());
    out("  read %s", read_early(peers.server.get(), data).c_str());
    out("  %s", early_statuses(peers).c_str());
  }
}

// A server that refuses the key and has no room for early data: one record is too much, also when
// its tag is short.
void early_data_without_room() {
  for (unsigned char suite : {kAes128, kAes128Ccm8}) {
    Key client, server;
    client.max_early_data = 100;
    client.suite = suite;
    server.none = true;
    Peers peers = make_peers({.client_context = short_tags, .server_context = short_tags});
    link_memory(peers);
    client.use(peers.client.get());
    server.find(peers.server.get());
    SSL_set_recv_max_early_data(peers.server.get(), 0);
    std::string data;
    out("suite %d", suite);
    out("  write %s", write_early(peers.client.get(), "short").c_str());
    out("  read %s", read_early(peers.server.get(), data).c_str());
    char byte;
    out("  SSL_read %s",
        outcome(peers.server.get(), SSL_read(peers.server.get(), &byte, 1)).c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"good", good},
              {"without-certificate", without_certificate},
              {"suites", suites},
              {"wrong", wrong},
              {"retry", retry},
              {"with-ticket", with_ticket},
              {"early-data", early_data},
              {"early-data-and-names", early_data_and_names},
              {"early-data-without-room", early_data_without_room}},
             argc, argv);
}
