// Which suite is chosen below TLS 1.3, and what the security level and its callback have to say.
#include "support/older.h"

namespace {
using namespace twin;

struct Lists {
  const char *client, *server;
};

void suites_of(Peers& peers) {
  STACK_OF(SSL_CIPHER)* ciphers = SSL_get_client_ciphers(peers.server.get());
  std::string line;
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); i++) {
    line += std::string(" ") + SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i));
  }
  char shared[512] = "";
  const char* said = SSL_get_shared_ciphers(peers.server.get(), shared, sizeof shared);
  out("  client offered%s | shared %s", line.c_str(), said ? said : "null");
}

void preference() {
  constexpr Lists kLists[] = {{"AES128-SHA:AES256-SHA", "AES256-SHA:AES128-SHA"},
                              {"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305",
                               "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305"},
                              {"ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256",
                               "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-CHACHA20-POLY1305"},
                              {"ECDHE-RSA-CHACHA20-POLY1305:AES128-SHA", "AES256-SHA:AES128-SHA"},
                              {"AES128-SHA", "AES256-SHA"},
                              {"ECDHE-ECDSA-AES128-SHA", "ALL"},
                              {"ECDHE-ECDSA-AES128-SHA:AES128-SHA", "ALL"},
                              {"DHE-RSA-AES128-SHA", "ALL"},
                              {"PSK-AES128-CBC-SHA:AES128-SHA", "ALL"},
                              {"CAMELLIA128-SHA:AES256-CCM8:AES128-CCM", "ALL"},
                              {"AES128-GCM-SHA256:AES128-SHA", "AES128-SHA:AES128-GCM-SHA256"}};
  for (const Lists& lists : kLists) {
    for (int version : {TLS1_VERSION, TLS1_2_VERSION}) {
      for (uint64_t options : {uint64_t{0}, uint64_t{SSL_OP_CIPHER_SERVER_PREFERENCE},
                               uint64_t{SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA},
                               uint64_t{SSL_OP_PRIORITIZE_CHACHA}}) {
        Peers peers = make_peers(at_version(
            version,
            {.client_context = [=](SSL_CTX* c) { SSL_CTX_set_cipher_list(c, lists.client); },
             .server_context =
                 [=](SSL_CTX* c) {
                   SSL_CTX_set_cipher_list(c, lists.server);
                   SSL_CTX_set_options(c, options);
                 }}));
        link_memory(peers);
        Result result = handshake(peers);
        out("%s, %s against %s, options %#lx: %s, %s", version_text(version), lists.client,
            lists.server, options, result.said().c_str(), SSL_get_cipher_name(peers.client.get()));
        suites_of(peers);
      }
    }
  }
}

// With certificates of several kinds the suite decides which is used.
void several_certificates() {
  for (const char* list : {"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
                           "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256",
                           "AES128-SHA", "DHE-DSS-AES128-SHA:ECDHE-ECDSA-AES128-SHA"}) {
    for (const char* signatures : {"", "ed25519:rsa_pss_pss_sha256", "ECDSA+SHA256:RSA+SHA256",
                                   "rsa_pss_rsae_sha256:ed448"}) {
      for (int version : {TLS1_VERSION, TLS1_2_VERSION}) {
        Peers peers = make_peers(
            at_version(version, {.client_context =
                                     [=](SSL_CTX* c) {
                                       SSL_CTX_set_cipher_list(c, list);
                                       if (*signatures) SSL_CTX_set1_sigalgs_list(c, signatures);
                                     },
                                 .server_context =
                                     [=](SSL_CTX* c) {
                                       SSL_CTX_set_security_level(c, 0);
                                       for (const char* name : {"server-p256", "server-ed25519",
                                                                "server-rsa-pss", "server-dsa"}) {
                                         use_certificate(c, name);
                                       }
                                     }}));
        link_memory(peers);
        Result result = handshake(peers);
        char name[64] = "none";
        if (X509* certificate = SSL_get0_peer_certificate(peers.client.get())) {
          X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                                    sizeof name);
        }
        out("%s, %s, '%s': %s, %s, %s", version_text(version), list, signatures,
            result.said().c_str(), SSL_get_cipher_name(peers.client.get()), name);
      }
    }
  }
}

void levels() {
  for (const char* certificate : {"server-rsa1024", "server-rsa", "server-p256", "server-p521",
                                  "server-ed25519", "server-sha1"}) {
    for (int level = 0; level <= 5; level++) {
      for (bool on_client : {true, false}) {
        Setup setup = at_version(TLS1_2_VERSION);
        setup.certificate = "";
        auto server = setup.server_context, client = setup.client_context;
        setup.client_context = [=](SSL_CTX* c) {
          client(c);
          SSL_CTX_set_security_level(c, on_client ? level : 0);
        };
        std::string used;
        setup.server_context = [=, &used](SSL_CTX* c) {
          server(c);
          SSL_CTX_set_security_level(c, on_client ? 0 : level);
          SSL_CTX_use_certificate_chain_file(c, fixture(std::string(certificate) + ".pem").c_str());
          SSL_CTX_use_PrivateKey_file(c, fixture(std::string(certificate) + ".key").c_str(),
                                      SSL_FILETYPE_PEM);
          used = errors();
        };
        Peers peers = make_peers(setup);
        link_memory(peers);
        tell_with_alerts(peers, text("%s, %s at level %d [%s]", certificate,
                                     on_client ? "client" : "server", level, used.c_str())
                                    .c_str());
      }
    }
  }
}

int refuse_operation, refuse_number;

int security(const SSL* ssl, const SSL_CTX*, int operation, int bits, int nid, void* other,
             void* log) {
  bool cipher = (operation & SSL_SECOP_OTHER_TYPE) == SSL_SECOP_OTHER_CIPHER;
  bool certificate = (operation & SSL_SECOP_OTHER_TYPE) == SSL_SECOP_OTHER_CERT;
  const char* name = cipher && other ? SSL_CIPHER_get_name(static_cast<SSL_CIPHER*>(other)) : "";
  if (certificate && other) name = "a certificate";
  if (operation != SSL_SECOP_VERSION) {
    static_cast<Lines*>(log)->push_back(text("operation %#x, %d bits, nid %d %s%s", operation, bits,
                                             nid, name, ssl ? "" : " (context)"));
  }
  bool refused = refuse_operation != 0 && (operation & 0xffff) == refuse_operation &&
                 (refuse_number == 0 || nid == refuse_number);
  return !refused;
}

/// One handshake with the callback at one end; the questions it was asked.
void traced(const char* suite, int version, bool on_client, bool every_line, bool client_auth) {
  Lines lines;
  auto watch = [&](SSL_CTX* c) {
    SSL_CTX_set0_security_ex_data(c, &lines);
    SSL_CTX_set_security_callback(c, security);
  };
  Peers peers =
      make_peers(at_version(version, {.client_context =
                                          [&](SSL_CTX* c) {
                                            SSL_CTX_set_cipher_list(c, suite);
                                            SSL_CTX_clear_options(c, SSL_OP_NO_TICKET);
                                            if (client_auth) use_certificate(c, "client-p256");
                                            if (on_client) watch(c);
                                          },
                                      .server_context =
                                          [&](SSL_CTX* c) {
                                            SSL_CTX_set_cipher_list(c, suite);
                                            SSL_CTX_set_dh_auto(c, 1);
                                            allow_resumption(c, true);
                                            if (client_auth)
                                              SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
                                            if (!on_client) watch(c);
                                          }}));
  lines.clear();
  link_memory(peers);
  tell_with_alerts(peers, text("%s, %s", suite, on_client ? "client" : "server").c_str());
  if (!every_line) return;
  // How often and in which order is nobody's business, nor how often the versions are looked at.
  std::sort(lines.begin(), lines.end());
  lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
  print("  asked", lines);
}

void callback_trace(int version, bool client_auth) {
  refuse_operation = 0;
  for (const char* suite :
       {"ECDHE-RSA-AES128-SHA", "DHE-RSA-AES128-SHA", "AES128-SHA:AES256-SHA"}) {
    traced(suite, version, true, true, client_auth);
    traced(suite, version, false, true, client_auth);
  }
}

// The callback refuses one kind of question at a time.
void callback_refuses() {
  constexpr int kOperations[] = {SSL_SECOP_CIPHER_SUPPORTED & 0xffff,
                                 SSL_SECOP_CIPHER_SHARED & 0xffff,
                                 SSL_SECOP_CIPHER_CHECK & 0xffff,
                                 SSL_SECOP_CURVE_SUPPORTED & 0xffff,
                                 SSL_SECOP_CURVE_SHARED & 0xffff,
                                 SSL_SECOP_CURVE_CHECK & 0xffff,
                                 SSL_SECOP_TMP_DH & 0xffff,
                                 SSL_SECOP_TICKET & 0xffff,
                                 SSL_SECOP_SIGALG_SHARED & 0xffff,
                                 SSL_SECOP_SIGALG_CHECK & 0xffff,
                                 SSL_SECOP_SIGALG_MASK & 0xffff,
                                 SSL_SECOP_COMPRESSION & 0xffff,
                                 SSL_SECOP_EE_KEY & 0xffff,
                                 SSL_SECOP_CA_KEY & 0xffff,
                                 SSL_SECOP_CA_MD & 0xffff,
                                 SSL_SECOP_PEER_EE_KEY & 0xffff,
                                 SSL_SECOP_PEER_CA_KEY & 0xffff,
                                 SSL_SECOP_PEER_CA_MD & 0xffff};
  for (int operation : kOperations) {
    for (bool on_client : {true, false}) {
      refuse_operation = operation;
      refuse_number = 0;
      out("without %#x:", operation);
      traced("ECDHE-RSA-AES128-SHA", TLS1_2_VERSION, on_client, false, true);
      traced("DHE-RSA-AES128-SHA", TLS1_2_VERSION, on_client, false, false);
    }
  }
  refuse_operation = 0;
}

void callback_refuses_one_group() {
  for (int operation : {SSL_SECOP_CURVE_SUPPORTED, SSL_SECOP_CURVE_SHARED, SSL_SECOP_CURVE_CHECK}) {
    for (bool on_client : {true, false}) {
      refuse_operation = operation & 0xffff;
      refuse_number = NID_X25519;
      out("without X25519 in %#x:", operation);
      traced("ECDHE-RSA-AES128-SHA", TLS1_2_VERSION, on_client, false, false);
    }
  }
  refuse_operation = refuse_number = 0;
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"preference", preference},
              {"several-certificates", several_certificates},
              {"levels", levels},
              {"callback-trace.1.2", [] { callback_trace(TLS1_2_VERSION, false); }},
              {"callback-trace.1.2.client-auth", [] { callback_trace(TLS1_2_VERSION, true); }},
              {"callback-trace.1.0", [] { callback_trace(TLS1_VERSION, true); }},
              {"callback-refuses", callback_refuses},
              {"callback-refuses-one-group", callback_refuses_one_group}},
             argc, argv);
}
