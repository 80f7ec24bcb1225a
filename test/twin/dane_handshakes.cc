// DANE in handshakes: versions, verify modes, flags, reference names, chains, copies and cleared
// connections; SSL_CTX_dane_mtype_set(3) and its preference of digests.
#include <openssl/x509v3.h>

#include "support/older.h"
#include "support/resumption12.h"

namespace {
using namespace twin;

constexpr int kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

using Data = std::vector<unsigned char>;

Data content(const std::string& name, int selector, const EVP_MD* md) {
  Owned<X509> certificate = read_certificate(name);
  unsigned char* der = nullptr;
  int length = selector == 0 ? i2d_X509(certificate.get(), &der)
                             : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
  Data data(der, der + length);
  OPENSSL_free(der);
  if (!md) return data;
  Data digest(static_cast<size_t>(EVP_MD_get_size(md)));
  EVP_Digest(data.data(), data.size(), digest.data(), nullptr, md, nullptr);
  return digest;
}

struct Record {
  int usage, selector, type;
  const char* name;
};

int add(SSL* ssl, const Record& record) {
  Data data = content(record.name, record.selector,
                      record.type == 0   ? nullptr
                      : record.type == 1 ? EVP_sha256()
                                         : EVP_sha512());
  return SSL_dane_tlsa_add(ssl, static_cast<uint8_t>(record.usage),
                           static_cast<uint8_t>(record.selector), static_cast<uint8_t>(record.type),
                           data.data(), data.size());
}

std::string subject(X509* certificate) {
  char name[64] = "none";
  if (certificate) {
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof name);
  }
  return name;
}

void see(SSL* ssl) {
  uint8_t usage = 99, selector = 99, type = 99;
  const unsigned char* data = nullptr;
  size_t length = 0;
  X509* matched = nullptr;
  EVP_PKEY* key = nullptr;
  int depth = SSL_get0_dane_authority(ssl, &matched, &key);
  int found = SSL_get0_dane_tlsa(ssl, &usage, &selector, &type, &data, &length);
  const char* name = SSL_get0_peername(ssl);
  out("  %s, authority %d %s %d, record %d: %d %d %d of %zu, name %s",
      X509_verify_cert_error_string(SSL_get_verify_result(ssl)), depth, subject(matched).c_str(),
      key != nullptr, found, usage, selector, type, length, name ? name : "none");
}

void told(Peers& peers, const char* title) {
  link_memory(peers);
  tell_with_alerts(peers, title);
  see(peers.client.get());
  out("  verified chain %d", sk_X509_num(SSL_get0_verified_chain(peers.client.get())));
}

using Change = std::function<void(SSL*)>;

void with(const char* title, const char* certificate, const std::vector<Record>& records,
          const Change& change = nullptr, bool trusting = false, const char* domain = "localhost") {
  for (int version : kVersions) {
    Peers peers =
        make_peers(at_version(version, {.certificate = certificate,
                                        .client_context =
                                            [=](SSL_CTX* c) {
                                              SSL_CTX_dane_enable(c);
                                              if (!trusting)
                                                SSL_CTX_set_cert_store(c, X509_STORE_new());
                                            },
                                        .client =
                                            [&](SSL* ssl) {
                                              SSL_dane_enable(ssl, domain);
                                              for (const Record& one : records) add(ssl, one);
                                              if (change) change(ssl);
                                            }}));
    told(peers, text("%s, %s", title, version_text(version)).c_str());
  }
}

const char* const kLeaf = "server-p256";

void verify_modes() {
  const Record good{3, 1, 1, kLeaf}, bad{3, 1, 1, "server-rsa"};
  auto mode = [](int value) { return [=](SSL* ssl) { SSL_set_verify(ssl, value, nullptr); }; };
  with("good, none", kLeaf, {good}, mode(SSL_VERIFY_NONE));
  with("bad, none", kLeaf, {bad}, mode(SSL_VERIFY_NONE));
  with("bad, peer", kLeaf, {bad}, mode(SSL_VERIFY_PEER));
  with("bad, trusted", kLeaf, {bad}, mode(SSL_VERIFY_PEER), true);
  with("none, trusted", kLeaf, {}, mode(SSL_VERIFY_PEER), true);
}

int seen;
int watch(int good, X509_STORE_CTX* store) {
  seen++;
  out("  callback: good %d, depth %d, %s, %s, dane %d", good, X509_STORE_CTX_get_error_depth(store),
      subject(X509_STORE_CTX_get_current_cert(store)).c_str(),
      X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)),
      (X509_VERIFY_PARAM_get_flags(X509_STORE_CTX_get0_param(store)) & X509_V_FLAG_PARTIAL_CHAIN) !=
          0);
  return good;
}

void callbacks() {
  auto set = [](SSL* ssl) { SSL_set_verify(ssl, SSL_VERIFY_PEER, watch); };
  with("end entity", kLeaf, {{3, 1, 1, kLeaf}}, set);
  with("trust anchor", "server-chain", {{2, 0, 1, "intermediate"}}, set);
  with("bad", kLeaf, {{3, 1, 1, "server-rsa"}}, set);
  with("constraint", "server-chain", {{0, 1, 1, "intermediate"}}, set, true);
}

// Names: DANE-EE(3) looks at them unless it is told not to; the others always do.
void names() {
  auto flag = [](SSL* ssl) { SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS); };
  auto another = [](SSL* ssl) { SSL_add1_host(ssl, "localhost"); };
  auto first = [](SSL* ssl) { SSL_set1_host(ssl, "localhost"); };
  with("3, wrong", kLeaf, {{3, 1, 1, kLeaf}}, nullptr, false, "wrong.example");
  with("3, wrong, not looked at", kLeaf, {{3, 1, 1, kLeaf}}, flag, false, "wrong.example");
  with("3, wrong, another added", kLeaf, {{3, 1, 1, kLeaf}}, another, false, "wrong.example");
  with("3, wrong, replaced", kLeaf, {{3, 1, 1, kLeaf}}, first, false, "wrong.example");
  with("2, wrong, not looked at", "server-chain", {{2, 0, 1, "intermediate"}}, flag, false,
       "wrong.example");
  with("1, wrong", kLeaf, {{1, 1, 1, kLeaf}}, nullptr, true, "wrong.example");
  with("3, wildcard", kLeaf, {{3, 1, 1, kLeaf}}, nullptr, false, "a.wild.example");
  with("3, address", kLeaf, {{3, 1, 1, kLeaf}}, nullptr, false, "127.0.0.1");
}

// Each usage with each certificate of a chain.
void chains() {
  for (int usage = 0; usage < 4; usage++) {
    for (const char* name : {"server-chain", "intermediate", "root", "other-root"}) {
      for (int type : {0, 1}) {
        for (bool trusting : {true, false}) {
          with(text("%d 0 %d of %s, trusting %d", usage, type, name, trusting).c_str(),
               "server-chain", {{usage, 0, type, name}}, nullptr, trusting);
        }
      }
    }
  }
}

// Times and purposes of certificates that DANE vouches for.
void unusual_certificates() {
  for (const char* name : {"server-expired", "server-future", "server-purpose",
                           "server-self-signed", "server-stranger"}) {
    with(text("3 of %s", name).c_str(), name, {{3, 1, 1, name}});
    with(text("1 of %s", name).c_str(), name, {{1, 1, 1, name}}, nullptr, true);
    with(text("2 of %s", name).c_str(), name, {{2, 0, 1, name}});
  }
}

// RFC 7671 section 9: of a usage and selector only the strongest digest counts.
void preference_of_digests() {
  const Record good256{3, 1, 1, kLeaf}, good512{3, 1, 2, kLeaf};
  const Record bad256{3, 1, 1, "server-rsa"}, bad512{3, 1, 2, "server-rsa"};
  with("good 256, bad 512", kLeaf, {good256, bad512});
  with("bad 512, good 256", kLeaf, {bad512, good256});
  with("bad 256, good 512", kLeaf, {bad256, good512});
  with("good 512, bad 256", kLeaf, {good512, bad256});
  with("another selector", kLeaf, {bad512, {3, 0, 1, kLeaf}});
  with("whole", kLeaf, {bad512, {3, 1, 0, kLeaf}});
  for (uint8_t order : {uint8_t{0}, uint8_t{3}}) {
    for (int version : kVersions) {
      Peers peers = make_peers(at_version(
          version, {.certificate = kLeaf,
                    .client_context =
                        [=](SSL_CTX* c) {
                          SSL_CTX_dane_enable(c);
                          out("set %d", SSL_CTX_dane_mtype_set(c, EVP_sha256(), 1, order));
                        },
                    .client =
                        [&](SSL* ssl) {
                          SSL_dane_enable(ssl, "localhost");
                          add(ssl, good256);
                          add(ssl, bad512);
                        }}));
      told(peers, text("256 is of order %d, %s", order, version_text(version)).c_str());
    }
  }
}

// Records of copies and of connections that are used again.
void copies() {
  for (int version : kVersions) {
    Peers peers = make_peers(at_version(version, {.certificate = kLeaf,
                                                  .client_context =
                                                      [](SSL_CTX* c) {
                                                        SSL_CTX_dane_enable(c);
                                                        SSL_CTX_set_cert_store(c, X509_STORE_new());
                                                      },
                                                  .client =
                                                      [&](SSL* ssl) {
                                                        SSL_dane_enable(ssl, "localhost");
                                                        add(ssl, {3, 1, 1, kLeaf});
                                                      }}));
    peers.client.reset(SSL_dup(peers.client.get()));
    told(peers, text("copy, %s", version_text(version)).c_str());
    for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
      SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
      SSL_clear(ssl);
    }
    see(peers.client.get());
    told(peers, text("again, %s", version_text(version)).c_str());
  }
}

// A connection that resumes has not verified anything.
void resumed() {
  for (By by : {By::id, By::ticket}) {
    Peers peers = resumable_peers(TLS1_2_VERSION, by,
                                  {.certificate = kLeaf, .client_context = [](SSL_CTX* c) {
                                     SSL_CTX_dane_enable(c);
                                     SSL_CTX_set_cert_store(c, X509_STORE_new());
                                   }});
    for (const char* name : {kLeaf, "server-rsa"}) {
      SSL_dane_enable(peers.client.get(), "localhost");
      add(peers.client.get(), {3, 1, 1, name});
      told(peers, text("%s, record of %s", by_name(by), name).c_str());
      out("  reused %d", SSL_session_reused(peers.client.get()));
      renew_with_session(peers);
    }
  }
}

// What SSL_dane_enable does to names that are there already, and the flags of contexts.
void enabling() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  SSL_CTX_dane_enable(context.get());
  auto show = [](const char* what, SSL* ssl, int returned) {
    std::string said = answer(returned);
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const char* host = X509_VERIFY_PARAM_get0_host(SSL_get0_param(ssl), 0);
    const char* second = X509_VERIFY_PARAM_get0_host(SSL_get0_param(ssl), 1);
    out("  %s: %s, name %s, hosts %s %s, flags %lx", what, said.c_str(), name ? name : "none",
        host ? host : "none", second ? second : "none", SSL_dane_set_flags(ssl, 0));
  };
  Owned<SSL> plain(SSL_new(context.get()));
  show("no name", plain.get(), SSL_dane_enable(plain.get(), nullptr));
  Owned<SSL> named(SSL_new(context.get()));
  SSL_set_tlsext_host_name(named.get(), "name.example");
  show("name set before", named.get(), SSL_dane_enable(named.get(), "dane.example"));
  Owned<SSL> hosted(SSL_new(context.get()));
  SSL_set1_host(hosted.get(), "host.example");
  show("host set before", hosted.get(), SSL_dane_enable(hosted.get(), "dane.example"));
  Owned<SSL> server(SSL_new(context.get()));
  SSL_set_accept_state(server.get());
  show("server", server.get(), SSL_dane_enable(server.get(), "dane.example"));
  SSL_CTX_dane_set_flags(context.get(), DANE_FLAG_NO_DANE_EE_NAMECHECKS);
  Owned<SSL> later(SSL_new(context.get()));
  show("flags of the context", later.get(), SSL_dane_enable(later.get(), "dane.example"));
  Owned<SSL_CTX> without(SSL_CTX_new(TLS_method()));
  Owned<SSL> none(SSL_new(without.get()));
  show("not enabled", none.get(), SSL_dane_enable(none.get(), "dane.example"));
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"verify_modes", verify_modes},
              {"callbacks", callbacks},
              {"names", names},
              {"chains", chains},
              {"unusual_certificates", unusual_certificates},
              {"preference_of_digests", preference_of_digests},
              {"copies", copies},
              {"resumed", resumed},
              {"enabling", enabling}},
             argc, argv);
}
