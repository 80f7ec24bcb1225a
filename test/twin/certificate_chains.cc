// Which certificates are sent: chains of an identity, of the context and found by themselves;
// SSL_CTX_build_cert_chain(3) with each flag, then a handshake.
#include <openssl/x509v3.h>

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

std::string names(STACK_OF(X509) * chain) {
  if (!chain) return "null";
  std::string result = text("%d:", sk_X509_num(chain));
  for (int i = 0; i < sk_X509_num(chain); i++) {
    result += " " + subject(sk_X509_value(chain, i)) + ",";
  }
  return result;
}

std::string own_chain(SSL* ssl) {
  STACK_OF(X509)* chain = nullptr;
  long got = SSL_get0_chain_certs(ssl, &chain);
  return text("%ld, ", got) + names(chain);
}

void sent(const char* title, const std::function<void(SSL_CTX*)>& context,
          const std::function<void(SSL*)>& server = nullptr) {
  for (int version : kVersions) {
    Peers peers = make_peers(
        at_version(version, {.certificate = "", .server_context = context, .server = server}));
    SSL_set_verify(peers.client.get(), SSL_VERIFY_NONE, nullptr);
    link_memory(peers);
    out("%s, %s: %s", title, version_text(version), handshake(peers).said().c_str());
    out("  sent %s", names(SSL_get_peer_cert_chain(peers.client.get())).c_str());
    out("  %s", X509_verify_cert_error_string(SSL_get_verify_result(peers.client.get())));
    errors();
  }
}

void leaf(SSL_CTX* c) {
  require(
      SSL_CTX_use_certificate_file(c, fixture("server-chain.pem").c_str(), SSL_FILETYPE_PEM) == 1 &&
          SSL_CTX_use_PrivateKey_file(c, fixture("server-chain.key").c_str(), SSL_FILETYPE_PEM) ==
              1,
      "leaf");
}

void add_to_store(SSL_CTX* c, const char* name) {
  X509_STORE_add_cert(SSL_CTX_get_cert_store(c), read_certificate(name).get());
}

// The order of preference: chain of the identity, extra chain, what the stores have.
void sources() {
  sent("leaf only", leaf);
  sent("chain file", [](SSL_CTX* c) { use_certificate(c, "server-chain"); });
  sent("found in the store", [](SSL_CTX* c) {
    leaf(c);
    add_to_store(c, "intermediate");
  });
  sent("not to be found", [](SSL_CTX* c) {
    leaf(c);
    add_to_store(c, "intermediate");
    SSL_CTX_set_mode(c, SSL_MODE_NO_AUTO_CHAIN);
  });
  sent("extra chain", [](SSL_CTX* c) {
    leaf(c);
    SSL_CTX_add_extra_chain_cert(c, read_certificate("other-root").release());
  });
  sent("extra chain and own", [](SSL_CTX* c) {
    leaf(c);
    SSL_CTX_add_extra_chain_cert(c, read_certificate("other-root").release());
    SSL_CTX_add1_chain_cert(c, read_certificate("intermediate").get());
  });
  sent("extra chain and store", [](SSL_CTX* c) {
    leaf(c);
    add_to_store(c, "intermediate");
    SSL_CTX_add_extra_chain_cert(c, read_certificate("other-root").release());
  });
  sent("store of the chain", [](SSL_CTX* c) {
    leaf(c);
    X509_STORE* store = X509_STORE_new();
    X509_STORE_add_cert(store, read_certificate("intermediate").get());
    out("store %ld", SSL_CTX_set0_chain_cert_store(c, store));
  });
  sent("own chain in the wrong order", [](SSL_CTX* c) {
    leaf(c);
    SSL_CTX_add1_chain_cert(c, read_certificate("root").get());
    SSL_CTX_add1_chain_cert(c, read_certificate("intermediate").get());
  });
  sent("the SSL's own", leaf, [](SSL* ssl) {
    out("added %ld", SSL_add1_chain_cert(ssl, read_certificate("intermediate").get()));
    out("  chain %s", own_chain(ssl).c_str());
  });
  sent(
      "the SSL's, taken away", [](SSL_CTX* c) { use_certificate(c, "server-chain"); },
      [](SSL* ssl) {
        out("cleared %ld", SSL_clear_chain_certs(ssl));
        out("  chain %s", own_chain(ssl).c_str());
      });
  sent(
      "set by file of the SSL", [](SSL_CTX*) {},
      [](SSL* ssl) {
        out("file %d", SSL_use_certificate_chain_file(ssl, fixture("server-chain.pem").c_str()));
        out("key %d",
            SSL_use_PrivateKey_file(ssl, fixture("server-chain.key").c_str(), SSL_FILETYPE_PEM));
      });
}

STACK_OF(X509) * stack_of(std::initializer_list<const char*> list) {
  STACK_OF(X509)* stack = sk_X509_new_null();
  for (const char* name : list) sk_X509_push(stack, read_certificate(name).release());
  return stack;
}

void set_chains() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  STACK_OF(X509)* chain = stack_of({"intermediate", "root"});
  out("no certificate: %s, %s", answer(SSL_CTX_set1_chain(context.get(), chain)).c_str(),
      answer(SSL_set1_chain(ssl.get(), chain)).c_str());
  leaf(context.get());
  ssl.reset(SSL_new(context.get()));
  out("set: %s, %s", answer(SSL_CTX_set1_chain(context.get(), chain)).c_str(),
      answer(SSL_set1_chain(ssl.get(), chain)).c_str());
  out("  chain %s", own_chain(ssl.get()).c_str());
  out("again: %s", answer(SSL_set1_chain(ssl.get(), chain)).c_str());
  sk_X509_pop_free(chain, X509_free);
  out("given away: %s", answer(SSL_set0_chain(ssl.get(), stack_of({"root"}))).c_str());
  out("  chain %s", own_chain(ssl.get()).c_str());
  out("one more given away: %s",
      answer(SSL_add0_chain_cert(ssl.get(), read_certificate("intermediate").release())).c_str());
  out("  chain %s", own_chain(ssl.get()).c_str());
  STACK_OF(X509)* weak = stack_of({"server-rsa1024"});
  SSL_set_security_level(ssl.get(), 2);
  out("weak: %s", answer(SSL_set1_chain(ssl.get(), weak)).c_str());
  out("  chain %s", own_chain(ssl.get()).c_str());
  sk_X509_pop_free(weak, X509_free);
  out("none: %s", answer(SSL_set0_chain(ssl.get(), nullptr)).c_str());
  out("  chain %s", own_chain(ssl.get()).c_str());
}

void build(const char* title, unsigned flags, std::initializer_list<const char*> own,
           std::initializer_list<const char*> trusted, const char* name = "server-chain") {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  for (const char* one : trusted) add_to_store(context.get(), one);
  SSL_CTX_use_certificate_file(context.get(), fixture(text("%s.pem", name)).c_str(),
                               SSL_FILETYPE_PEM);
  for (const char* one : own) SSL_CTX_add1_chain_cert(context.get(), read_certificate(one).get());
  errors();
  Owned<SSL> ssl(SSL_new(context.get()));
  long returned = SSL_build_cert_chain(ssl.get(), flags);
  std::string said = answer(returned);
  out("  %s, flags %x: %s, context %s", title, flags, said.c_str(),
      answer(SSL_CTX_build_cert_chain(context.get(), flags)).c_str());
  out("    chain %s", own_chain(ssl.get()).c_str());
}

// Every combination of flags on stores and chains that are complete, lack a part, or have too much.
void flags_of_building() {
  for (unsigned flags = 0; flags < 0x20; flags++) {
    build("trusted whole", flags, {}, {"root", "intermediate"});
    build("trusted root, own rest", flags, {"intermediate"}, {"root"});
    build("own whole", flags, {"intermediate", "root"}, {});
    build("own, wrong order and too much", flags, {"root", "other-root", "intermediate"}, {"root"});
    build("nothing", flags, {}, {});
    build("root missing", flags, {"intermediate"}, {});
    build("self-signed", flags, {}, {}, "server-self-signed");
    build("expired", flags, {}, {"root"}, "server-expired");
  }
}

void build_without_certificate() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  for (unsigned flags : {0U, 1U, 4U, 0x1fU}) {
    out("%x: %s, %s", flags, answer(SSL_CTX_build_cert_chain(context.get(), flags)).c_str(),
        answer(SSL_build_cert_chain(ssl.get(), flags)).c_str());
  }
}

// A security level that a certificate of the chain is too weak for.
void build_weak() {
  for (int level : {1, 2, 3, 4}) {
    Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
    add_to_store(context.get(), "root");
    add_to_store(context.get(), "intermediate");
    leaf(context.get());
    SSL_CTX_set_security_level(context.get(), level);
    out("level %d: %s", level, answer(SSL_CTX_build_cert_chain(context.get(), 0)).c_str());
  }
}

// SSL_set_current_cert(SSL_CERT_SET_SERVER): the certificate that was sent, after the handshake.
void sent_certificate() {
  for (int version : kVersions) {
    Peers peers =
        make_peers(at_version(version, {.certificate = "", .server_context = [](SSL_CTX* c) {
                                          use_certificate(c, "server-rsa");
                                          use_certificate(c, "server-p256");
                                          use_certificate(c, "server-chain");
                                        }}));
    SSL* server = peers.server.get();
    auto show = [&](const char* what, long returned) {
      out("  %s: %s, now %s, chain %s", what, answer(returned).c_str(),
          subject(SSL_get_certificate(server)).c_str(), own_chain(server).c_str());
    };
    show("server's", SSL_set_current_cert(server, SSL_CERT_SET_SERVER));
    link_memory(peers);
    out("%s: %s", version_text(version), handshake(peers).said().c_str());
    show("as it is", 1);
    show("first", SSL_set_current_cert(server, SSL_CERT_SET_FIRST));
    show("server's", SSL_set_current_cert(server, SSL_CERT_SET_SERVER));
    show("next", SSL_set_current_cert(server, SSL_CERT_SET_NEXT));
    show("client's", SSL_set_current_cert(peers.client.get(), SSL_CERT_SET_SERVER));
  }
}

// Several identities, each with its chain: the one that the signature schemes of the client allow.
void identities() {
  for (const char* schemes :
       {"RSA-PSS+SHA256:RSA+SHA256", "ECDSA+SHA256", "ed25519", "ed448", "rsa_pss_pss_sha256"}) {
    for (int version : kVersions) {
      Peers peers = make_peers(at_version(
          version, {.certificate = "",
                    .client_context =
                        [=](SSL_CTX* c) {
                          SSL_CTX_set_verify(c, SSL_VERIFY_NONE, nullptr);
                          out("schemes %ld", SSL_CTX_set1_sigalgs_list(c, schemes));
                        },
                    .server_context =
                        [](SSL_CTX* c) {
                          for (const char* name : {"server-rsa", "server-p256", "server-ed25519",
                                                   "server-ed448", "server-rsa-pss"}) {
                            use_certificate(c, name);
                            SSL_CTX_add1_chain_cert(c, read_certificate(name).get());
                          }
                        }}));
      link_memory(peers);
      out("%s, %s: %s", schemes, version_text(version), handshake(peers).said().c_str());
      out("  sent %s", names(SSL_get_peer_cert_chain(peers.client.get())).c_str());
      errors();
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"sources", sources},
              {"set_chains", set_chains},
              {"flags_of_building", flags_of_building},
              {"build_without_certificate", build_without_certificate},
              {"build_weak", build_weak},
              {"sent_certificate", sent_certificate},
              {"identities", identities}},
             argc, argv);
}
