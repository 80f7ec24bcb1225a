// What goes with certificates: serverinfo, Certificate Transparency, engines.
#include <openssl/ct.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "support/peers.h"

namespace {
using namespace twin;

using Data = std::vector<unsigned char>;

constexpr unsigned kType = 0x5678;

Data entry(int version, unsigned context, unsigned type, const std::string& content) {
  Data data;
  auto put = [&](unsigned value, int bytes) {
    while (bytes-- > 0) data.push_back(static_cast<unsigned char>(value >> (8 * bytes)));
  };
  if (version == SSL_SERVERINFOV2) put(context, 4);
  put(type, 2);
  put(static_cast<unsigned>(content.size()), 2);
  data.insert(data.end(), content.begin(), content.end());
  return data;
}

void set(const char* what, unsigned version, const Data& data) {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  use_certificate(context.get(), "server-p256");
  out("  %s: %s", what,
      answer(SSL_CTX_use_serverinfo_ex(context.get(), version, data.data(), data.size())).c_str());
  out("  %s again: %s", what,
      answer(SSL_CTX_use_serverinfo_ex(context.get(), version, data.data(), data.size())).c_str());
}

void serverinfo_forms() {
  Data one = entry(2, SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_CERTIFICATE, kType, "abc");
  Data two = entry(2, SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_CERTIFICATE, kType + 1, "");
  Data both = one;
  both.insert(both.end(), two.begin(), two.end());
  Data twice = one;
  twice.insert(twice.end(), one.begin(), one.end());
  set("one", 2, one);
  set("two", 2, both);
  set("the same twice", 2, twice);
  set("short", 2, Data(one.begin(), one.end() - 1));
  set("as version 1", 1, one);
  set("version 1", 1, entry(1, 0, kType, "abc"));
  set("version 3", 3, one);
  set("version 0", 0, one);
  set("an extension of ours", 2, entry(2, SSL_EXT_CLIENT_HELLO, TLSEXT_TYPE_server_name, "abc"));
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  out("  null: %s", answer(SSL_CTX_use_serverinfo(context.get(), nullptr, 3)).c_str());
  out("  empty: %s", answer(SSL_CTX_use_serverinfo(context.get(), one.data(), 0)).c_str());
  out("  no context: %s", answer(SSL_CTX_use_serverinfo(nullptr, one.data(), one.size())).c_str());
  out("  no certificate: %s",
      answer(SSL_CTX_use_serverinfo_ex(context.get(), 2, one.data(), one.size())).c_str());
}

struct Block {
  const char* name;
  Data data;
};

void read(const char* what, const std::vector<Block>& blocks) {
  char path[] = "/tmp/twin-serverinfo-XXXXXX";
  close(mkstemp(path));
  FILE* file = std::fopen(path, "w");
  for (const Block& block : blocks) {
    PEM_write(file, block.name, "", block.data.data(), static_cast<long>(block.data.size()));
  }
  std::fclose(file);
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  use_certificate(context.get(), "server-p256");
  out("  %s: %s", what, answer(SSL_CTX_use_serverinfo_file(context.get(), path)).c_str());
  unlink(path);
}

void serverinfo_files() {
  unsigned in = SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_CERTIFICATE;
  Data first = entry(1, 0, kType, "abc"), second = entry(2, in, kType + 1, "abcd");
  read("nothing", {});
  read("version 1", {{"SERVERINFO FOR TEST", first}});
  read("version 2", {{"SERVERINFOV2 FOR TEST", second}});
  read("both", {{"SERVERINFO FOR TEST", first}, {"SERVERINFOV2 FOR TEST", second}});
  read("short name", {{"SERVER", first}});
  read("between the names", {{"SERVERINFOV2 FO", first}});
  read("other name", {{"CERTIFICATE REQUEST OR SO", first}});
  read("bad length", {{"SERVERINFO FOR TEST", Data(first.begin(), first.end() - 1)}});
  read("bad length 2", {{"SERVERINFOV2 FOR TEST", first}});
  read("too short", {{"SERVERINFO FOR TEST", Data(3)}});
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  out("  missing: %s",
      answer(SSL_CTX_use_serverinfo_file(context.get(), fixture("no-such-file").c_str())).c_str());
  out("  null: %s", answer(SSL_CTX_use_serverinfo_file(context.get(), nullptr)).c_str());
}

int nothing_added(SSL*, unsigned, unsigned, const unsigned char** data, size_t* length, X509*,
                  size_t, int*, void*) {
  *data = nullptr;
  *length = 0;
  return 1;
}

int shown(SSL*, unsigned type, unsigned context, const unsigned char* data, size_t length, X509*,
          size_t index, int*, void*) {
  out("    client got %u in %x, entry %zu: %.*s", type, context, index, static_cast<int>(length),
      reinterpret_cast<const char*>(data));
  return 1;
}

// The client asks with an empty extension, the server answers for its certificate.
void serverinfo_sent() {
  struct {
    const char* what;
    unsigned context;
  } kCases[] = {
      {"Certificate", SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_CERTIFICATE},
      {"EncryptedExtensions", SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS}};
  for (const auto& one : kCases) {
    for (bool asked : {true, false}) {
      Data data = entry(2, one.context, kType, "server info");
      Peers peers = make_peers(
          {.certificate = "server-chain",
           .client_context =
               [&](SSL_CTX* context) {
                 if (!asked) return;
                 SSL_CTX_add_custom_ext(context, kType, one.context, nothing_added, nullptr,
                                        nullptr, shown, nullptr);
               },
           .server_context =
               [&](SSL_CTX* context) {
                 out("  %s, asked %d: %s", one.what, asked,
                     answer(SSL_CTX_use_serverinfo_ex(context, 2, data.data(), data.size()))
                         .c_str());
               }});
      link_memory(peers);
      out("    %s", handshake(peers).said().c_str());
    }
  }
}

int asked_count, last_count;
int counting(const CT_POLICY_EVAL_CTX* context, const STACK_OF(SCT) * scts, void* argument) {
  ++asked_count;
  last_count = sk_SCT_num(scts);
  out("    asked: %d SCTs, certificate %d, issuer %d, logs %d", last_count,
      CT_POLICY_EVAL_CTX_get0_cert(context) != nullptr,
      CT_POLICY_EVAL_CTX_get0_issuer(context) != nullptr,
      CT_POLICY_EVAL_CTX_get0_log_store(context) != nullptr);
  return *static_cast<int*>(argument);
}

void ct_settings() {
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> before(SSL_new(context.get()));
  int yes = 1;
  out("  %d %d", SSL_CTX_ct_is_enabled(context.get()), SSL_ct_is_enabled(before.get()));
  out("  mode 7: %s", answer(SSL_CTX_enable_ct(context.get(), 7)).c_str());
  out("  strict: %s", answer(SSL_CTX_enable_ct(context.get(), SSL_CT_VALIDATION_STRICT)).c_str());
  Owned<SSL> after(SSL_new(context.get()));
  out("  %d %d %d", SSL_CTX_ct_is_enabled(context.get()), SSL_ct_is_enabled(before.get()),
      SSL_ct_is_enabled(after.get()));
  out("  status types %ld %ld", SSL_get_tlsext_status_type(before.get()),
      SSL_get_tlsext_status_type(after.get()));
  SSL_set_ct_validation_callback(after.get(), nullptr, nullptr);
  out("  %d", SSL_ct_is_enabled(after.get()));
  out("  own: %s", answer(SSL_set_ct_validation_callback(before.get(), counting, &yes)).c_str());
  out("  own mode 7: %s", answer(SSL_enable_ct(before.get(), 7)).c_str());
  out("  %d, status type %ld", SSL_ct_is_enabled(before.get()),
      SSL_get_tlsext_status_type(before.get()));
  out("  logs %d", SSL_CTX_get0_ctlog_store(context.get()) != nullptr);
  CTLOG_STORE* logs = CTLOG_STORE_new();
  SSL_CTX_set0_ctlog_store(context.get(), logs);
  out("  logs %d", SSL_CTX_get0_ctlog_store(context.get()) == logs);
  out("  file: %d", SSL_CTX_set_ctlog_list_file(context.get(), fixture("no-such-file").c_str()));
  errors();
  out("  SCTs: %d", sk_SCT_num(SSL_get0_peer_scts(before.get())));
  Owned<SSL_CTX> other(SSL_CTX_new(TLS_method()));
  SSL_CTX_add_client_custom_ext(other.get(), TLSEXT_TYPE_signed_certificate_timestamp, nullptr,
                                nullptr, nullptr, nullptr, nullptr);
  out("  beside a custom extension: %s",
      answer(SSL_CTX_enable_ct(other.get(), SSL_CT_VALIDATION_PERMISSIVE)).c_str());
}

void ct_handshakes() {
  for (int mode : {SSL_VERIFY_PEER, SSL_VERIFY_NONE}) {
    for (int kind : {0, 1, 2, 3}) {
      asked_count = 0;
      int yes = kind == 2;
      Peers peers = make_peers({.client = [&](SSL* ssl) {
        SSL_set_verify(ssl, mode, nullptr);
        if (kind == 0) SSL_enable_ct(ssl, SSL_CT_VALIDATION_PERMISSIVE);
        if (kind == 1) SSL_enable_ct(ssl, SSL_CT_VALIDATION_STRICT);
        if (kind >= 2) SSL_set_ct_validation_callback(ssl, counting, &yes);
      }});
      link_memory(peers);
      out("  mode %d, kind %d: %s", mode, kind, handshake(peers).said().c_str());
      out("    asked %d times, %s, SCTs %d", asked_count,
          X509_verify_cert_error_string(SSL_get_verify_result(peers.client.get())),
          sk_SCT_num(SSL_get0_peer_scts(peers.client.get())));
      errors();
    }
  }
}

constexpr const char* kChecked[] = {
    "server-p256", "server-p384", "server-p521",  "server-rsa",  "server-rsa-pss", "server-ed25519",
    "client-p256", "client-rsa",  "server-chain", "server-sha1", "server-rsa1024"};

void check_all(SSL* ssl) {
  Owned<X509> intermediate = read_certificate("intermediate"), root = read_certificate("root");
  STACK_OF(X509)* chain = sk_X509_new_null();
  sk_X509_push(chain, intermediate.get());
  sk_X509_push(chain, root.get());
  for (const char* name : kChecked) {
    Owned<X509> certificate = read_certificate(name);
    Owned<EVP_PKEY> key = read_key(name);
    out("    %s: %x, with chain %x, without key %x", name,
        SSL_check_chain(ssl, certificate.get(), key.get(), nullptr),
        SSL_check_chain(ssl, certificate.get(), key.get(), chain),
        SSL_check_chain(ssl, certificate.get(), nullptr, nullptr));
  }
  sk_X509_free(chain);
}

int check_in_callback(SSL* ssl, void* what) {
  out("  %s", static_cast<const char*>(what));
  check_all(ssl);
  return 1;
}

// In the certificate callbacks of both sides.
void check_chains() {
  static char server[] = "server", client[] = "client";
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  Owned<SSL> nobody(SSL_new(context.get()));
  out("  no handshake");
  SSL_set_accept_state(nobody.get());
  check_all(nobody.get());
  SSL_set_connect_state(nobody.get());
  check_all(nobody.get());
  for (unsigned flags : {0U, static_cast<unsigned>(SSL_CERT_FLAG_TLS_STRICT)}) {
    for (const char* schemes :
         {"", "ECDSA+SHA256:RSA-PSS+SHA256", "RSA+SHA256:rsa_pss_rsae_sha256"}) {
      out("  flags %x, %s", flags, schemes);
      auto configure = [&](SSL_CTX* one) {
        SSL_CTX_set_cert_flags(one, flags);
        if (*schemes != 0) SSL_CTX_set1_sigalgs_list(one, schemes);
      };
      Peers peers = make_peers({.certificate = "server-rsa",
                                .client_context =
                                    [&](SSL_CTX* one) {
                                      configure(one);
                                      use_certificate(one, "client-rsa");
                                      SSL_CTX_set_cert_cb(one, check_in_callback, client);
                                    },
                                .server_context =
                                    [&](SSL_CTX* one) {
                                      configure(one);
                                      SSL_CTX_set_verify(one, SSL_VERIFY_PEER, nullptr);
                                      SSL_CTX_set_cert_cb(one, check_in_callback, server);
                                    }});
      link_memory(peers);
      out("    %s", handshake(peers).said().c_str());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run({{"serverinfo_forms", serverinfo_forms},
                    {"serverinfo_files", serverinfo_files},
                    {"serverinfo_sent", serverinfo_sent},
                    {"ct_settings", ct_settings},
                    {"ct_handshakes", ct_handshakes},
                    {"check_chains", check_chains}},
                   argc, argv);
}
