// What the parameters of verification do to a handshake: flags, times, purposes, trust, stores,
// CRLs.
#include <openssl/x509v3.h>

#include "support/older.h"

namespace {
using namespace twin;

constexpr int kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

struct StoreFree {
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
};
using Store = std::unique_ptr<X509_STORE, StoreFree>;

Store store_of(std::initializer_list<const char*> names) {
  Store store(X509_STORE_new());
  for (const char* name : names) X509_STORE_add_cert(store.get(), read_certificate(name).get());
  return store;
}

void told(Peers& peers, const char* title) {
  Alerts client, server;
  client.watch(peers.client.get());
  server.watch(peers.server.get());
  Result result = handshake(peers);
  char byte;
  if (result.client.good() && !result.server.good()) SSL_read(peers.client.get(), &byte, 1);
  errors();
  out("%s: %s", title, result.said().c_str());
  out("  alerts: client %s | server %s", client.text_or_none(), server.text_or_none());
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) {
    out("  %s: %s, verified chain %d", SSL_is_server(ssl) ? "server" : "client",
        X509_verify_cert_error_string(SSL_get_verify_result(ssl)),
        sk_X509_num(SSL_get0_verified_chain(ssl)));
  }
}

using Change = std::function<void(SSL*, X509_VERIFY_PARAM*)>;

void with(const char* title, const char* certificate, const Change& change) {
  for (int version : kVersions) {
    Peers peers = make_peers(at_version(version, {.certificate = certificate}));
    change(peers.client.get(), SSL_get0_param(peers.client.get()));
    link_memory(peers);
    told(peers, text("%s, %s", title, version_text(version)).c_str());
  }
}

Change flags(unsigned long value) {
  return [=](SSL*, X509_VERIFY_PARAM* param) { X509_VERIFY_PARAM_set_flags(param, value); };
}

void flags_of_checks() {
  with("CRL check", "server-p256", flags(X509_V_FLAG_CRL_CHECK));
  with("CRL check of all", "server-chain",
       flags(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL));
  with("strict", "server-chain", flags(X509_V_FLAG_X509_STRICT));
  with("no time", "server-expired", flags(X509_V_FLAG_NO_CHECK_TIME));
  with("policy", "server-p256", flags(X509_V_FLAG_EXPLICIT_POLICY));
  with("self-signed checked", "server-p256", flags(X509_V_FLAG_CHECK_SS_SIGNATURE));
  with("Suite B", "server-p256", flags(X509_V_FLAG_SUITEB_128_LOS));
  with("Suite B, RSA", "server-rsa", flags(X509_V_FLAG_SUITEB_128_LOS));
}

void times() {
  for (const char* certificate : {"server-expired", "server-future", "server-p256"}) {
    for (time_t time : {time_t{946684800}, time_t{1900000000}, time_t{4102444800}}) {
      with(text("%s at %ld", certificate, static_cast<long>(time)).c_str(), certificate,
           [=](SSL*, X509_VERIFY_PARAM* param) { X509_VERIFY_PARAM_set_time(param, time); });
    }
  }
}

// server-purpose is for clients only.
void purposes() {
  for (const char* certificate : {"server-purpose", "server-p256"}) {
    for (int purpose : {X509_PURPOSE_SSL_CLIENT, X509_PURPOSE_SSL_SERVER, X509_PURPOSE_ANY,
                        X509_PURPOSE_SMIME_SIGN, X509_PURPOSE_CRL_SIGN}) {
      with(text("%s for %d", certificate, purpose).c_str(), certificate,
           [=](SSL* ssl, X509_VERIFY_PARAM*) { SSL_set_purpose(ssl, purpose); });
    }
  }
  for (int trust : {X509_TRUST_SSL_CLIENT, X509_TRUST_SSL_SERVER, X509_TRUST_EMAIL}) {
    with(text("trust %d", trust).c_str(), "server-p256",
         [=](SSL* ssl, X509_VERIFY_PARAM*) { SSL_set_trust(ssl, trust); });
  }
}

void levels() {
  for (const char* certificate : {"server-rsa", "server-p256"}) {
    for (int level : {0, 3, 4, 5}) {
      with(text("%s at level %d", certificate, level).c_str(), certificate,
           [=](SSL*, X509_VERIFY_PARAM* param) { X509_VERIFY_PARAM_set_auth_level(param, level); });
    }
  }
}

void names() {
  with("e-mail", "server-p256", [](SSL*, X509_VERIFY_PARAM* param) {
    X509_VERIFY_PARAM_set1_email(param, "nobody@twin.example", 0);
  });
  with("address", "server-p256",
       [](SSL*, X509_VERIFY_PARAM* param) { X509_VERIFY_PARAM_set1_ip_asc(param, "127.0.0.9"); });
  with("host with a dot", "server-p256",
       [](SSL* ssl, X509_VERIFY_PARAM*) { SSL_set1_host(ssl, ".wild.example"); });
  with("never the subject", "server-p256", [](SSL* ssl, X509_VERIFY_PARAM*) {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    SSL_set1_host(ssl, "twin server");
  });
  with("always the subject", "server-p256", [](SSL* ssl, X509_VERIFY_PARAM*) {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT);
    SSL_set1_host(ssl, "server-p256");
  });
  with("no wildcards", "server-p256", [](SSL* ssl, X509_VERIFY_PARAM*) {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_WILDCARDS);
    SSL_set1_host(ssl, "a.wild.example");
  });
}

// SSL_CTX_set1_param: what is set in the other object comes, the rest stays.
void given_parameters() {
  for (int version : kVersions) {
    X509_VERIFY_PARAM* given = X509_VERIFY_PARAM_new();
    X509_VERIFY_PARAM_set_flags(given, X509_V_FLAG_NO_CHECK_TIME);
    Peers peers =
        make_peers(at_version(version, {.certificate = "server-expired",
                                        .client_context =
                                            [=](SSL_CTX* c) {
                                              SSL_CTX_set_verify_depth(c, 2);
                                              out("set: %d", SSL_CTX_set1_param(c, given));
                                            },
                                        .client =
                                            [](SSL* ssl) {
                                              out("depth %d, flags %lx", SSL_get_verify_depth(ssl),
                                                  X509_VERIFY_PARAM_get_flags(SSL_get0_param(ssl)));
                                            }}));
    X509_VERIFY_PARAM_free(given);
    link_memory(peers);
    told(peers, version_text(version));
  }
}

// SSL_CTX_set0_verify_cert_store and its siblings: the store that verifies, in place of the
// context's.
void stores() {
  for (int version : kVersions) {
    for (int kind = 0; kind < 6; kind++) {
      Store good = store_of({"root"}), bad = store_of({"other-root"});
      Peers peers = make_peers(at_version(version, {.client_context = [&](SSL_CTX* c) {
                                            if (kind == 1)
                                              SSL_CTX_set1_verify_cert_store(c, bad.get());
                                            if (kind == 2) {
                                              SSL_CTX_set1_cert_store(c, bad.get());
                                              SSL_CTX_set1_verify_cert_store(c, good.get());
                                            }
                                          }}));
      SSL* client = peers.client.get();
      if (kind == 3) SSL_set1_verify_cert_store(client, bad.get());
      if (kind == 4) {
        SSL_CTX_set1_cert_store(peers.client_context.get(), bad.get());
        SSL_set0_verify_cert_store(client, good.release());
      }
      if (kind == 5) SSL_CTX_set1_cert_store(peers.client_context.get(), bad.get());
      link_memory(peers);
      told(peers, text("%d, %s", kind, version_text(version)).c_str());
    }
  }
}

// The store for the chain is not one that verifies.
void chain_stores() {
  for (int version : kVersions) {
    Store good = store_of({"root"});
    Peers peers = make_peers(at_version(version, {.client_context = [&](SSL_CTX* c) {
                                          SSL_CTX_set_cert_store(c, X509_STORE_new());
                                          SSL_CTX_set1_chain_cert_store(c, good.get());
                                        }}));
    link_memory(peers);
    told(peers, version_text(version));
  }
}

// An intermediate that is trusted by itself.
void partial_chains() {
  for (unsigned long value : {0UL, static_cast<unsigned long>(X509_V_FLAG_PARTIAL_CHAIN)}) {
    for (int version : kVersions) {
      Store store = store_of({"intermediate"});
      Peers peers = make_peers(at_version(
          version,
          {.certificate = "server-chain",
           .client_context = [&](SSL_CTX* c) { SSL_CTX_set1_cert_store(c, store.get()); },
           .client = [=](SSL* ssl) { X509_VERIFY_PARAM_set_flags(SSL_get0_param(ssl), value); }}));
      link_memory(peers);
      told(peers, text("flags %lx, %s", value, version_text(version)).c_str());
    }
  }
}

// A list of revoked certificates by the root, with or without the one at hand.
X509_CRL* revocations(const char* name) {
  Owned<X509> issuer = read_certificate("root");
  Owned<EVP_PKEY> key = read_key("root");
  X509_CRL* list = X509_CRL_new();
  ASN1_TIME* time = ASN1_TIME_set(nullptr, std::time(nullptr) - 3600);
  X509_CRL_set_version(list, 1);
  X509_CRL_set_issuer_name(list, X509_get_subject_name(issuer.get()));
  X509_CRL_set1_lastUpdate(list, time);
  if (*name) {
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(read_certificate(name).get()));
    X509_REVOKED_set_revocationDate(entry, time);
    X509_CRL_add0_revoked(list, entry);
  }
  ASN1_TIME_set(time, std::time(nullptr) + 3600);
  X509_CRL_set1_nextUpdate(list, time);
  ASN1_TIME_free(time);
  bool own_digest = EVP_PKEY_is_a(key.get(), "ED25519");
  X509_CRL_sign(list, key.get(), own_digest ? nullptr : EVP_sha256());
  return list;
}

void revoked() {
  for (const char* name : {"", "server-p256"}) {
    for (int version : kVersions) {
      Peers peers = make_peers(
          at_version(version, {.certificate = "server-p256", .client_context = [=](SSL_CTX* c) {
                                 X509_STORE* store = SSL_CTX_get_cert_store(c);
                                 X509_CRL* list = revocations(name);
                                 out("added %d", X509_STORE_add_crl(store, list));
                                 X509_CRL_free(list);
                                 X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
                               }}));
      link_memory(peers);
      told(peers, text("revoked \"%s\", %s", name, version_text(version)).c_str());
    }
  }
}

// What a server takes as a client's certificate.
void certificates_of_clients() {
  for (const char* name : {"client-rsa", "server-purpose", "server-p256", "server-expired"}) {
    for (int purpose : {-1, X509_PURPOSE_SSL_SERVER, X509_PURPOSE_ANY}) {
      for (int version : kVersions) {
        Peers peers = make_peers(
            at_version(version, {.client_context = [=](SSL_CTX* c) { use_certificate(c, name); },
                                 .server_context =
                                     [=](SSL_CTX* c) {
                                       SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
                                       if (purpose >= 0) SSL_CTX_set_purpose(c, purpose);
                                     }}));
        link_memory(peers);
        told(peers, text("%s, purpose %d, %s", name, purpose, version_text(version)).c_str());
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"flags_of_checks", flags_of_checks},
              {"times", times},
              {"purposes", purposes},
              {"levels", levels},
              {"names", names},
              {"given_parameters", given_parameters},
              {"stores", stores},
              {"chain_stores", chain_stores},
              {"partial_chains", partial_chains},
              {"revoked", revoked},
              {"certificates_of_clients", certificates_of_clients}},
             argc, argv);
}
