// Handshakes of DTLS 1.0 and 1.2: versions, key exchanges, ciphers, extensions and what both ends
// know afterwards.
#include "support/dtls_time.h"

namespace {
using namespace twin;

/// A handshake as a line, what was agreed, and how it looked on the wire.
void tell(Peers& peers, Net& net, const char* title, bool wire = false) {
  Alerts client, server;
  client.watch(peers.client.get());
  server.watch(peers.server.get());
  Result result = handshake(peers);
  out("%s: %s", title, result.said().c_str());
  out("  alerts: client %s | server %s", client.text_or_none(), server.text_or_none());
  if (wire) tell_sent(net, false);
  if (result.good()) tell_agreed(peers);
  SSL_set_info_callback(peers.client.get(), nullptr);
  SSL_set_info_callback(peers.server.get(), nullptr);
}

void any_level(SSL_CTX* context) {
  SSL_CTX_set_security_level(context, 0);
}

struct Method {
  const char* name;
  const SSL_METHOD* (*client)();
  const SSL_METHOD* (*server)();
};
const Method kMethods[] = {{"any", DTLS_client_method, DTLS_server_method},
                           {"1.0", DTLSv1_client_method, DTLSv1_server_method},
                           {"1.2", DTLSv1_2_client_method, DTLSv1_2_server_method},
                           {"general 1.0", DTLSv1_method, DTLSv1_method},
                           {"general 1.2", DTLSv1_2_method, DTLSv1_2_method}};

void methods() {
  for (const Method& client : kMethods) {
    for (const Method& server : kMethods) {
      Net net;
      Peers peers = dtls_peers(
          net, 0,
          {.certificate = "server-rsa", .client_context = any_level, .server_context = any_level});
      SSL_CTX* contexts[] = {peers.client_context.get(), peers.server_context.get()};
      out("set: %d %d", SSL_CTX_set_ssl_version(contexts[0], client.client()),
          SSL_CTX_set_ssl_version(contexts[1], server.server()));
      any_level(contexts[0]);
      any_level(contexts[1]);
      renew(peers);
      link_datagrams(peers, net);
      tell(peers, net, text("client %s, server %s", client.name, server.name).c_str(), true);
      out("  versions %#x %#x, %s %s", SSL_version(peers.client.get()),
          SSL_version(peers.server.get()), SSL_get_version(peers.client.get()),
          SSL_get_version(peers.server.get()));
    }
  }
}

struct Range {
  int least, most;
};
constexpr Range kRanges[] = {{0, 0},
                             {DTLS1_VERSION, DTLS1_VERSION},
                             {DTLS1_2_VERSION, DTLS1_2_VERSION},
                             {DTLS1_2_VERSION, 0},
                             {0, DTLS1_VERSION},
                             {DTLS1_2_VERSION, DTLS1_VERSION}};

void ranges() {
  for (const Range& client : kRanges) {
    for (const Range& server : kRanges) {
      Net net;
      Peers peers = dtls_peers(
          net, 0,
          {.certificate = "server-rsa", .client_context = any_level, .server_context = any_level});
      SSL *c = peers.client.get(), *s = peers.server.get();
      out("set: %ld %ld %ld %ld", SSL_set_min_proto_version(c, client.least),
          SSL_set_max_proto_version(c, client.most), SSL_set_min_proto_version(s, server.least),
          SSL_set_max_proto_version(s, server.most));
      out("get: %s %s", version_text(static_cast<int>(SSL_get_min_proto_version(c))),
          version_text(static_cast<int>(SSL_get_max_proto_version(c))));
      tell(peers, net,
           text("client %s to %s, server %s to %s", version_text(client.least),
                version_text(client.most), version_text(server.least), version_text(server.most))
               .c_str());
      out("  versions %#x %#x, client's %#x", SSL_version(c), SSL_version(s),
          SSL_client_version(s));
    }
  }
}

void options() {
  const uint64_t kOptions[] = {0, SSL_OP_NO_DTLSv1, SSL_OP_NO_DTLSv1_2,
                               SSL_OP_NO_DTLSv1 | SSL_OP_NO_DTLSv1_2};
  for (uint64_t client : kOptions) {
    for (uint64_t server : kOptions) {
      Net net;
      Peers peers = dtls_peers(
          net, 0,
          {.certificate = "server-rsa", .client_context = any_level, .server_context = any_level});
      SSL_set_options(peers.client.get(), client);
      SSL_set_options(peers.server.get(), server);
      tell(peers, net,
           text("client %#lx, server %#lx", static_cast<unsigned long>(client),
                static_cast<unsigned long>(server))
               .c_str());
    }
  }
}

void security_levels() {
  for (int version : {DTLS1_VERSION, DTLS1_2_VERSION}) {
    for (int level = 0; level < 4; level++) {
      Net net;
      Peers peers = dtls_peers(net, version);
      SSL_set_security_level(peers.client.get(), level);
      tell(peers, net, text("%s, client's level %d", version_text(version), level).c_str());
    }
  }
}

unsigned int psk_client(SSL*, const char* hint, char* identity, unsigned int, unsigned char* key,
                        unsigned int) {
  out("  hint %s", hint ? hint : "none");
  std::strcpy(identity, "somebody");
  std::memset(key, 0x5a, 16);
  return 16;
}

unsigned int psk_server(SSL*, const char* identity, unsigned char* key, unsigned int) {
  out("  identity %s", identity);
  std::memset(key, 0x5a, 16);
  return 16;
}

struct Suite {
  const char *name, *certificate;
  bool old = false;  // in DTLS 1.0 too
};
const Suite kSuites[] = {{"ECDHE-RSA-AES128-GCM-SHA256", "server-rsa"},
                         {"ECDHE-RSA-AES256-GCM-SHA384", "server-rsa"},
                         {"ECDHE-RSA-CHACHA20-POLY1305", "server-rsa"},
                         {"ECDHE-ECDSA-AES256-CCM8", "server-p256"},
                         {"ECDHE-ECDSA-AES128-SHA256", "server-p256"},
                         {"ECDHE-RSA-AES256-SHA384", "server-rsa"},
                         {"ECDHE-RSA-AES128-SHA", "server-rsa", true},
                         {"ECDHE-RSA-CAMELLIA128-SHA256", "server-rsa"},
                         {"ECDHE-ARIA128-GCM-SHA256", "server-rsa"},
                         {"DHE-RSA-AES128-GCM-SHA256", "server-rsa"},
                         {"DHE-RSA-AES256-CCM", "server-rsa"},
                         {"DHE-RSA-CHACHA20-POLY1305", "server-rsa"},
                         {"DHE-RSA-AES256-SHA", "server-rsa", true},
                         {"DHE-DSS-AES128-SHA", "server-dsa", true},
                         {"AES128-GCM-SHA256", "server-rsa"},
                         {"AES256-CCM8", "server-rsa"},
                         {"AES128-SHA256", "server-rsa"},
                         {"AES128-SHA", "server-rsa", true},
                         {"CAMELLIA256-SHA", "server-rsa", true},
                         {"NULL-SHA256", "server-rsa"},
                         {"NULL-SHA", "server-rsa", true},
                         {"ECDHE-ECDSA-NULL-SHA", "server-p384", true},
                         {"AECDH-AES128-SHA", "", true},
                         {"AECDH-NULL-SHA", "", true},
                         {"ADH-AES128-GCM-SHA256", ""},
                         {"ADH-AES256-SHA", "", true},
                         {"PSK-AES128-CBC-SHA", "", true},
                         {"PSK-AES256-CCM8", ""},
                         {"PSK-CHACHA20-POLY1305", ""},
                         {"PSK-NULL-SHA384", "", true},
                         {"ECDHE-PSK-AES128-CBC-SHA", "", true},
                         {"ECDHE-PSK-CHACHA20-POLY1305", ""},
                         {"DHE-PSK-AES256-GCM-SHA384", ""},
                         {"RSA-PSK-AES128-CBC-SHA", "server-rsa", true}};

void suite(const Suite& one, int version, bool etm) {
  auto both = [&](SSL_CTX* c) {
    SSL_CTX_set_security_level(c, 0);
    require(SSL_CTX_set_cipher_list(c, one.name) == 1, one.name);
    SSL_CTX_set_dh_auto(c, 1);
    if (!etm) SSL_CTX_set_options(c, SSL_OP_NO_ENCRYPT_THEN_MAC);
    SSL_CTX_set_psk_client_callback(c, psk_client);
    SSL_CTX_set_psk_server_callback(c, psk_server);
    SSL_CTX_use_psk_identity_hint(c, "a hint");
  };
  Net net;
  Peers peers =
      dtls_peers(net, version,
                 {.certificate = one.certificate, .client_context = both, .server_context = both});
  tell(peers, net,
       text("%s, %s%s", one.name, version_text(version), etm ? "" : ", without EtM").c_str(),
       std::strstr(one.name, "DSA") == nullptr && std::strstr(one.name, "DSS") == nullptr);
}

void suites(int version) {
  for (const Suite& one : kSuites) {
    if (version == DTLS1_VERSION && !one.old) continue;
    suite(one, version, true);
    if (one.old && std::strstr(one.name, "NULL") == nullptr) suite(one, version, false);
  }
}

// RFC 6347 4.1.2.2 and RC4: what a list that is valid for TLS leaves to DTLS.
void suites_that_are_not_for_dtls() {
  for (const char* list : {"ECDHE-RSA-AES128-GCM-SHA256", "AES128-SHA", "NULL-SHA"}) {
    Net net;
    auto use = [=](SSL_CTX* c) {
      SSL_CTX_set_security_level(c, 0);
      SSL_CTX_set_cipher_list(c, list);
    };
    Peers peers =
        dtls_peers(net, DTLS1_VERSION,
                   {.certificate = "server-rsa", .client_context = use, .server_context = use});
    tell(peers, net, list);
  }
  Net net;
  Peers peers = dtls_peers(net);
  STACK_OF(SSL_CIPHER)* supported = SSL_get1_supported_ciphers(peers.client.get());
  out("supported in 1.2: %d", sk_SSL_CIPHER_num(supported));
  sk_SSL_CIPHER_free(supported);
  SSL_set_max_proto_version(peers.client.get(), DTLS1_VERSION);
  SSL_set_min_proto_version(peers.client.get(), DTLS1_VERSION);
  SSL_set_security_level(peers.client.get(), 0);
  supported = SSL_get1_supported_ciphers(peers.client.get());
  out("supported in 1.0: %d", sk_SSL_CIPHER_num(supported));
  for (int i = 0; i < sk_SSL_CIPHER_num(supported); i++) {
    out("  %s", SSL_CIPHER_get_name(sk_SSL_CIPHER_value(supported, i)));
  }
  sk_SSL_CIPHER_free(supported);
}

void client_certificates() {
  for (int version : {DTLS1_VERSION, DTLS1_2_VERSION}) {
    for (const char* name : {"client-rsa", "client-p256", "client-dsa", ""}) {
      for (int mode : {SSL_VERIFY_PEER, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT}) {
        Net net;
        net.client.query_mtu = 1300;
        Peers peers = dtls_peers(net, version,
                                 {.client_context =
                                      [&](SSL_CTX* c) {
                                        SSL_CTX_set_security_level(c, 0);
                                        if (*name) use_certificate(c, name);
                                      },
                                  .server_context =
                                      [&](SSL_CTX* c) {
                                        SSL_CTX_set_security_level(c, 0);
                                        SSL_CTX_set_verify(c, mode, nullptr);
                                      }});
        // Signatures of ECDSA and DSA differ in length, and with them what fits into a datagram.
        bool wire = *name == '\0' || std::strcmp(name, "client-rsa") == 0;
        tell(peers, net, text("%s, \"%s\", mode %d", version_text(version), name, mode).c_str(),
             wire);
        out("  peer's certificate %d", SSL_get0_peer_certificate(peers.server.get()) != nullptr);
      }
    }
  }
}

void server_certificates() {
  for (int version : {DTLS1_VERSION, DTLS1_2_VERSION}) {
    for (const char* name :
         {"server-rsa", "server-p256", "server-p384", "server-p521", "server-chain"}) {
      Net net;
      Peers peers = dtls_peers(net, version, {.certificate = name});
      tell(peers, net, text("%s, %s", version_text(version), name).c_str());
    }
  }
}

int choose(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
           unsigned int size, void* wanted) {
  const auto* list = static_cast<const std::string*>(wanted);
  auto* out_protocol = const_cast<unsigned char**>(chosen);
  int found = SSL_select_next_proto(out_protocol, length,
                                    reinterpret_cast<const unsigned char*>(list->data()),
                                    static_cast<unsigned int>(list->size()), offered, size);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void protocols() {
  static const std::string kWanted = "\5other\4coap";
  for (const char* offered : {"\4coap", "\2h2\4coap", "\2h2"}) {
    Net net;
    Peers peers = dtls_peers(net);
    SSL_set_alpn_protos(peers.client.get(), reinterpret_cast<const unsigned char*>(offered),
                        static_cast<unsigned int>(std::strlen(offered)));
    SSL_CTX_set_alpn_select_cb(peers.server_context.get(), choose,
                               const_cast<std::string*>(&kWanted));
    tell(peers, net, offered + 1);
    for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
      const unsigned char* name;
      unsigned int length;
      SSL_get0_alpn_selected(ssl, &name, &length);
      out("  selected %.*s", static_cast<int>(length), reinterpret_cast<const char*>(name));
    }
  }
}

void names() {
  for (int answer : {SSL_TLSEXT_ERR_OK, SSL_TLSEXT_ERR_NOACK, SSL_TLSEXT_ERR_ALERT_FATAL}) {
    Net net;
    Peers peers = dtls_peers(net);
    SSL_set_tlsext_host_name(peers.client.get(), "server.example");
    SSL_CTX_set_tlsext_servername_callback(
        peers.server_context.get(), +[](SSL* ssl, int*, void* arg) {
          const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
          out("  asked for %s", name ? name : "none");
          return *static_cast<int*>(arg);
        });
    SSL_CTX_set_tlsext_servername_arg(peers.server_context.get(), &answer);
    tell(peers, net, text("servername %d", answer).c_str());
    const char* name = SSL_get_servername(peers.client.get(), TLSEXT_NAMETYPE_host_name);
    out("  client's name %s", name ? name : "none");
  }
}

void extended_master_secret() {
  for (bool client : {true, false}) {
    for (bool server : {true, false}) {
      Net net;
      Peers peers = dtls_peers(net);
      if (!client) SSL_set_options(peers.client.get(), SSL_OP_NO_EXTENDED_MASTER_SECRET);
      if (!server) SSL_set_options(peers.server.get(), SSL_OP_NO_EXTENDED_MASTER_SECRET);
      tell(peers, net, text("client %d, server %d", client, server).c_str());
    }
  }
}

std::string hex(const unsigned char* bytes, size_t size) {
  std::string result;
  for (size_t i = 0; i < size; i++) result += text("%02x", bytes[i]);
  return result;
}

void secrets() {
  for (int version : {DTLS1_VERSION, DTLS1_2_VERSION}) {
    Net net;
    Lines lines;
    Peers peers = dtls_peers(net, version);
    SSL_CTX_set_app_data(peers.client_context.get(), &lines);
    SSL_CTX_set_keylog_callback(peers.client_context.get(), [](const SSL* ssl, const char* line) {
      auto* all = static_cast<Lines*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
      all->emplace_back(line, std::strcspn(line, " "));
      all->back() += text(", %zu characters", std::strlen(line));
    });
    tell(peers, net, version_text(version));
    print("key log", lines);
    SSL *c = peers.client.get(), *s = peers.server.get();
    for (bool context : {false, true}) {
      unsigned char left[40], right[40], in[3] = {1, 2, 3};
      int done = SSL_export_keying_material(c, left, sizeof left, "EXPORTER-twin", 13, in,
                                            sizeof in, context);
      done += SSL_export_keying_material(s, right, sizeof right, "EXPORTER-twin", 13, in, sizeof in,
                                         context);
      out("  exported %d, equal %d", done, std::memcmp(left, right, sizeof left) == 0);
    }
    unsigned char a[64], b[64];
    size_t size = SSL_get_finished(c, a, sizeof a), other = SSL_get_peer_finished(s, b, sizeof b);
    out("  client's Finished %zu %zu, equal %d", size, other, std::memcmp(a, b, size) == 0);
    size = SSL_get_finished(s, a, sizeof a);
    other = SSL_get_peer_finished(c, b, sizeof b);
    out("  server's Finished %zu %zu, equal %d", size, other, std::memcmp(a, b, size) == 0);
    size_t random = SSL_get_client_random(c, a, sizeof a);
    SSL_get_client_random(s, b, sizeof b);
    out("  random %zu, equal %d", random, hex(a, random) == hex(b, random));
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"methods", methods},
              {"ranges", ranges},
              {"options", options},
              {"security-levels", security_levels},
              {"suites.dtls10", [] { suites(DTLS1_VERSION); }},
              {"suites.dtls12", [] { suites(DTLS1_2_VERSION); }},
              {"suites.not-for-dtls", suites_that_are_not_for_dtls},
              {"client-certificates", client_certificates},
              {"server-certificates", server_certificates},
              {"protocols", protocols},
              {"names", names},
              {"extended-master-secret", extended_master_secret},
              {"secrets", secrets}},
             argc, argv);
}
