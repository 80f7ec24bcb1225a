// DANE: settings, TLSA records good and bad, and what matches in a handshake.
#include <openssl/x509v3.h>

#include "support/peers.h"

namespace {
using namespace twin;

using Data = std::vector<unsigned char>;

Data spki(X509* certificate) {
  unsigned char* der = nullptr;
  int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  Data data(der, der + length);
  OPENSSL_free(der);
  return data;
}

Data whole(X509* certificate) {
  unsigned char* der = nullptr;
  int length = i2d_X509(certificate, &der);
  Data data(der, der + length);
  OPENSSL_free(der);
  return data;
}

Data digest(const Data& data, const EVP_MD* md) {
  Data result(static_cast<size_t>(EVP_MD_get_size(md)));
  EVP_Digest(data.data(), data.size(), result.data(), nullptr, md, nullptr);
  return result;
}

Data content(const std::string& name, int selector, int type) {
  Owned<X509> certificate = read_certificate(name);
  Data data = selector == 0 ? whole(certificate.get()) : spki(certificate.get());
  return type == 0 ? data : digest(data, type == 1 ? EVP_sha256() : EVP_sha512());
}

int add(SSL* ssl, int usage, int selector, int type, const Data& data) {
  return SSL_dane_tlsa_add(ssl, static_cast<uint8_t>(usage), static_cast<uint8_t>(selector),
                           static_cast<uint8_t>(type), data.data(), data.size());
}

void settings() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> ssl(SSL_new(context.get()));
  out("  %s", answer(SSL_dane_enable(ssl.get(), "localhost")).c_str());
  out("  %s", answer(add(ssl.get(), 3, 1, 1, Data(32))).c_str());
  out("  %s", answer(SSL_CTX_dane_enable(context.get())).c_str());
  out("  %s", answer(SSL_CTX_dane_enable(context.get())).c_str());
  out("  %s", answer(add(ssl.get(), 3, 1, 1, Data(32))).c_str());
  out("  empty name %s", answer(SSL_dane_enable(ssl.get(), "")).c_str());
  std::string tall(300, 'a');
  out("  long name %s", answer(SSL_dane_enable(ssl.get(), tall.c_str())).c_str());
  out("  %s", answer(SSL_dane_enable(ssl.get(), "localhost")).c_str());
  out("  %s", answer(SSL_dane_enable(ssl.get(), "localhost")).c_str());
  out("  name %s, host %s", SSL_get_servername(ssl.get(), TLSEXT_NAMETYPE_host_name),
      X509_VERIFY_PARAM_get0_host(SSL_get0_param(ssl.get()), 0));
  out("  flags %lx", SSL_CTX_dane_set_flags(context.get(), DANE_FLAG_NO_DANE_EE_NAMECHECKS));
  out("  flags %lx", SSL_CTX_dane_set_flags(context.get(), 0));
  Owned<SSL> later(SSL_new(context.get()));
  out("  flags %lx", SSL_dane_set_flags(later.get(), 6));
  out("  flags %lx", SSL_dane_clear_flags(later.get(), 2));
  out("  flags %lx", SSL_dane_clear_flags(later.get(), 0));
  out("  flags %lx", SSL_CTX_dane_clear_flags(context.get(), 1));
  out("  flags %lx", SSL_CTX_dane_clear_flags(context.get(), 0));
  out("  flags %lx", SSL_dane_clear_flags(ssl.get(), 0));
  out("  dane %d", SSL_get0_dane(ssl.get()) != nullptr);
  out("  authority %d", SSL_get0_dane_authority(ssl.get(), nullptr, nullptr));
  out("  tlsa %d", SSL_get0_dane_tlsa(ssl.get(), nullptr, nullptr, nullptr, nullptr, nullptr));
}

void matching_types() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  SSL_CTX_dane_enable(context.get());
  Owned<SSL> ssl(SSL_new(context.get()));
  SSL_dane_enable(ssl.get(), "localhost");
  out("  full %s", answer(SSL_CTX_dane_mtype_set(context.get(), EVP_sha256(), 0, 1)).c_str());
  out("  full, none %s", answer(SSL_CTX_dane_mtype_set(context.get(), nullptr, 0, 1)).c_str());
  out("  200 %s", answer(add(ssl.get(), 3, 1, 200, Data(48))).c_str());
  out("  200 %s", answer(SSL_CTX_dane_mtype_set(context.get(), EVP_sha384(), 200, 9)).c_str());
  out("  200 %s", answer(add(ssl.get(), 3, 1, 200, Data(48))).c_str());
  out("  100 %s", answer(add(ssl.get(), 3, 1, 100, Data(48))).c_str());
  out("  1 off %s", answer(SSL_CTX_dane_mtype_set(context.get(), nullptr, 1, 9)).c_str());
  out("  1 %s", answer(add(ssl.get(), 3, 1, 1, Data(32))).c_str());
  out("  255 %s", answer(SSL_CTX_dane_mtype_set(context.get(), EVP_sha1(), 255, 3)).c_str());
  out("  255 %s", answer(add(ssl.get(), 2, 1, 255, Data(20))).c_str());
}

void records() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  SSL_CTX_dane_enable(context.get());
  for (int usage : {0, 1, 2, 3, 4, 255}) {
    for (int selector : {0, 1, 2}) {
      Owned<SSL> ssl(SSL_new(context.get()));
      SSL_dane_enable(ssl.get(), "localhost");
      std::string line = text("  %d %d:", usage, selector);
      for (int type : {0, 1, 2, 3}) {
        line += text(" %s", answer(add(ssl.get(), usage, selector, type,
                                       content("server-p256", selector, type)))
                                .c_str());
        line += text(" %s", answer(add(ssl.get(), usage, selector, type, Data(31, 1))).c_str());
      }
      Data longer = content("server-p256", selector, 0);
      longer.push_back(0);
      line += text(" longer %s", answer(add(ssl.get(), usage, selector, 0, longer)).c_str());
      line +=
          text(" null %s", answer(SSL_dane_tlsa_add(ssl.get(), static_cast<uint8_t>(usage),
                                                    static_cast<uint8_t>(selector), 1, nullptr, 32))
                               .c_str());
      line += text(" empty %s",
                   answer(SSL_dane_tlsa_add(ssl.get(), static_cast<uint8_t>(usage),
                                            static_cast<uint8_t>(selector), 1, longer.data(), 0))
                       .c_str());
      out("%s", line.c_str());
    }
  }
}

struct Record {
  int usage, selector, type;
  const char* name;
};

void told(const char* what, const std::string& certificate, const std::vector<Record>& records,
          unsigned long flags = 0, bool trusting = true, const char* domain = "localhost") {
  Peers peers = make_peers({.certificate = certificate,
                            .client_context =
                                [&](SSL_CTX* context) {
                                  SSL_CTX_dane_enable(context);
                                  if (!trusting) SSL_CTX_set_cert_store(context, X509_STORE_new());
                                },
                            .client =
                                [&](SSL* ssl) {
                                  SSL_dane_enable(ssl, domain);
                                  SSL_dane_set_flags(ssl, flags);
                                  for (const Record& one : records) {
                                    add(ssl, one.usage, one.selector, one.type,
                                        content(one.name, one.selector, one.type));
                                  }
                                }});
  link_memory(peers);
  Result result = handshake(peers);
  errors();
  SSL* ssl = peers.client.get();
  uint8_t usage = 99, selector = 99, type = 99;
  const unsigned char* data = nullptr;
  size_t length = 0;
  X509* matched = nullptr;
  EVP_PKEY* key = nullptr;
  int authority = SSL_get0_dane_authority(ssl, &matched, &key);
  int tlsa = SSL_get0_dane_tlsa(ssl, &usage, &selector, &type, &data, &length);
  char name[64] = "none";
  if (matched != nullptr) {
    X509_NAME_get_text_by_NID(X509_get_subject_name(matched), NID_commonName, name, sizeof name);
  }
  const char* peer = SSL_get0_peername(ssl);
  out("  %s: %s", what, result.said().c_str());
  out("    %s, authority %d %s %d, tlsa %d %d %d %d %zu, peer name %s, chain %d",
      X509_verify_cert_error_string(SSL_get_verify_result(ssl)), authority, name, key != nullptr,
      tlsa, usage, selector, type, length, peer == nullptr ? "none" : peer,
      sk_X509_num(SSL_get0_verified_chain(ssl)));
}

void handshakes() {
  const char* leaf = "server-p256";
  told("no records", leaf, {});
  told("3 1 1", leaf, {{3, 1, 1, leaf}}, 0, false);
  told("3 0 2", leaf, {{3, 0, 2, leaf}}, 0, false);
  told("3 0 0", leaf, {{3, 0, 0, leaf}}, 0, false);
  told("3 1 0", leaf, {{3, 1, 0, leaf}}, 0, false);
  told("3 1 1 of another", leaf, {{3, 1, 1, "server-rsa"}});
  told("3 1 1 of both", leaf, {{3, 1, 1, "server-rsa"}, {3, 1, 1, leaf}});
  told("3 1 1 and 3 1 2 of another", leaf, {{3, 1, 2, "server-rsa"}, {3, 1, 1, leaf}});
  told("3 1 1, wrong name", leaf, {{3, 1, 1, leaf}}, 0, false, "stranger.example");
  told("3 1 1, wrong name allowed", leaf, {{3, 1, 1, leaf}}, DANE_FLAG_NO_DANE_EE_NAMECHECKS, false,
       "stranger.example");
  told("1 1 1", leaf, {{1, 1, 1, leaf}});
  told("1 1 1, not trusted", leaf, {{1, 1, 1, leaf}}, 0, false);
  told("0 0 1", leaf, {{0, 0, 1, "root"}});
  told("0 0 1 of another", leaf, {{0, 0, 1, "other-root"}});
  told("2 0 0", leaf, {{2, 0, 0, "root"}}, 0, false);
  told("2 1 0", leaf, {{2, 1, 0, "root"}}, 0, false);
  told("2 1 1, not in the chain", leaf, {{2, 1, 1, "root"}}, 0, false);
  told("2 0 1 of the intermediate", "server-chain", {{2, 0, 1, "intermediate"}}, 0, false);
  told("2 1 1 of the intermediate", "server-chain", {{2, 1, 1, "intermediate"}}, 0, false);
  told("2 0 0, wrong name", leaf, {{2, 0, 0, "root"}}, 0, false, "stranger.example");
  told("expired 3 1 1", "server-expired", {{3, 1, 1, "server-expired"}}, 0, false);
  told("all usages", leaf,
       {{0, 0, 1, "root"}, {1, 1, 1, leaf}, {2, 0, 1, "root"}, {3, 1, 1, leaf}});
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run({{"settings", settings},
                    {"matching_types", matching_types},
                    {"records", records},
                    {"handshakes", handshakes}},
                   argc, argv);
}
