// SSL_check_chain(3) at each version, and what SSL_CERT_FLAG_TLS_STRICT does with the same checks
// in a handshake: SSL_CTX_set_cert_flags(3).
#include "support/older.h"

namespace {
using namespace twin;

constexpr int kVersions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};

constexpr const char* kChecked[] = {"server-p256",  "server-p384",    "server-rsa",
                                    "server-dsa",   "server-ed25519", "server-rsa-pss",
                                    "server-chain", "client-dsa",     "server-sha1"};

int check(SSL* ssl, void* about) {
  out("  %s, %s", static_cast<const char*>(about), SSL_get_version(ssl));
  Owned<X509> intermediate = read_certificate("intermediate");
  STACK_OF(X509)* chain = sk_X509_new_null();
  sk_X509_push(chain, intermediate.get());
  for (const char* name : kChecked) {
    Owned<X509> certificate = read_certificate(name);
    Owned<EVP_PKEY> key = read_key(name);
    out("    %s: %x, with chain %x", name,
        static_cast<unsigned>(SSL_check_chain(ssl, certificate.get(), key.get(), nullptr)),
        static_cast<unsigned>(SSL_check_chain(ssl, certificate.get(), key.get(), chain)));
  }
  sk_X509_free(chain);
  return 1;
}

void versions() {
  static char server[] = "server", client[] = "client";
  for (int version : kVersions) {
    for (unsigned flags : {0U, static_cast<unsigned>(SSL_CERT_FLAG_TLS_STRICT)}) {
      auto both = [=](SSL_CTX* c, char* side) {
        SSL_CTX_set_cipher_list(c, "ALL:@SECLEVEL=0");
        SSL_CTX_set_cert_flags(c, flags);
        SSL_CTX_set_cert_cb(c, check, side);
      };
      Peers peers =
          make_peers(at_version(version, {.client_context =
                                              [=](SSL_CTX* c) {
                                                both(c, client);
                                                use_certificate(c, "client-rsa");
                                              },
                                          .server_context =
                                              [=](SSL_CTX* c) {
                                                both(c, server);
                                                SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
                                              }}));
      link_memory(peers);
      out("%s, flags %x", version_text(version), flags);
      std::string said = handshake(peers).said();
      out("  %s", said.c_str());
    }
  }
}

// A client that takes some schemes only: does a strict server show its certificate?
void strict_servers() {
  for (int version : kVersions) {
    for (const char* schemes : {"", "RSA+SHA256:RSA-PSS+SHA256", "RSA+SHA512:RSA-PSS+SHA512",
                                "ECDSA+SHA256:RSA-PSS+SHA256", "ECDSA+SHA256"}) {
      for (const char* name : {"server-rsa", "server-p256", "server-chain", "server-ed25519"}) {
        for (unsigned flags : {0U, static_cast<unsigned>(SSL_CERT_FLAG_TLS_STRICT)}) {
          Peers peers = make_peers({.certificate = name,
                                    .client_context =
                                        [=](SSL_CTX* c) {
                                          set_versions(c, version, version);
                                          SSL_CTX_set_verify(c, SSL_VERIFY_NONE, nullptr);
                                          if (*schemes) SSL_CTX_set1_sigalgs_list(c, schemes);
                                        },
                                    .server_context =
                                        [=](SSL_CTX* c) {
                                          set_versions(c, version, version);
                                          SSL_CTX_set_cert_flags(c, flags);
                                        }});
          link_memory(peers);
          out("%s, \"%s\", %s, flags %x: %s", version_text(version), schemes, name, flags,
              handshake(peers).said().c_str());
        }
      }
    }
  }
}

// A server that asks for some kinds, schemes and issuers: does a strict client show its
// certificate?
void strict_clients() {
  for (int version : kVersions) {
    for (const char* schemes : {"", "RSA+SHA256:RSA-PSS+SHA256", "ECDSA+SHA256"}) {
      for (const char* issuer : {"", "root", "other-root"}) {
        for (const char* name : {"client-rsa", "client-p256", "client-ed25519"}) {
          for (unsigned flags : {0U, static_cast<unsigned>(SSL_CERT_FLAG_TLS_STRICT)}) {
            Peers peers = make_peers(at_version(
                version, {.client_context =
                              [=](SSL_CTX* c) {
                                SSL_CTX_set_cert_flags(c, flags);
                                use_certificate(c, name);
                              },
                          .server_context =
                              [=](SSL_CTX* c) {
                                SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
                                if (*schemes) SSL_CTX_set1_client_sigalgs_list(c, schemes);
                                if (*issuer) {
                                  SSL_CTX_add_client_CA(c, read_certificate(issuer).get());
                                }
                              }}));
            link_memory(peers);
            std::string said = handshake(peers).said();
            out("%s, \"%s\", \"%s\", %s, flags %x: %d, %s", version_text(version), schemes, issuer,
                name, flags, SSL_get0_peer_certificate(peers.server.get()) != nullptr,
                said.c_str());
          }
        }
      }
    }
  }
}

// RFC 6460: P-256 and P-384 with their hashes only.
void suite_b() {
  for (unsigned flags : {SSL_CERT_FLAG_SUITEB_128_LOS_ONLY, SSL_CERT_FLAG_SUITEB_192_LOS,
                         SSL_CERT_FLAG_SUITEB_128_LOS}) {
    for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      for (const char* name : {"server-p256", "server-p384", "server-rsa", "server-ed25519"}) {
        for (bool client : {false, true}) {
          Peers peers = make_peers(
              at_version(version, {.certificate = name,
                                   .client_context =
                                       [=](SSL_CTX* c) {
                                         SSL_CTX_set_verify(c, SSL_VERIFY_NONE, nullptr);
                                         if (client)
                                           SSL_CTX_set_cert_flags(c, static_cast<unsigned>(flags));
                                       },
                                   .server_context =
                                       [=](SSL_CTX* c) {
                                         if (!client)
                                           SSL_CTX_set_cert_flags(c, static_cast<unsigned>(flags));
                                       }}));
          link_memory(peers);
          out("%x, %s, %s, client's %d: %s", static_cast<unsigned>(flags), version_text(version),
              name, client, handshake(peers).said().c_str());
        }
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"versions", versions},
              {"strict_servers", strict_servers},
              {"strict_clients", strict_clients},
              {"suite_b", suite_b}},
             argc, argv);
}
