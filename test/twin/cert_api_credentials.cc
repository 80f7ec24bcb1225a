// Setting certificates, keys and chains: every order, every mismatch, and what a failure leaves.
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "support/peers.h"

namespace {
using namespace twin;

std::string subject(X509* certificate) {
  if (certificate == nullptr) return "none";
  char name[64] = "?";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  return name;
}

std::string key_type(EVP_PKEY* key) {
  return key == nullptr ? "none" : text("%s %d", EVP_PKEY_get0_type_name(key), EVP_PKEY_bits(key));
}

// What the object has now.
void show(SSL_CTX* context) {
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(context, &chain);
  out("    certificate %s, key %s, chain %d, check %s",
      subject(SSL_CTX_get0_certificate(context)).c_str(),
      key_type(SSL_CTX_get0_privatekey(context)).c_str(), sk_X509_num(chain),
      answer(SSL_CTX_check_private_key(context)).c_str());
}

void show(SSL* ssl) {
  STACK_OF(X509)* chain = nullptr;
  SSL_get0_chain_certs(ssl, &chain);
  out("    certificate %s, key %s, chain %d, check %s", subject(SSL_get_certificate(ssl)).c_str(),
      key_type(SSL_get_privatekey(ssl)).c_str(), sk_X509_num(chain),
      answer(SSL_check_private_key(ssl)).c_str());
}

template <class T>
void did(const char* what, T* object, long returned) {
  out("  %s: %s", what, answer(returned).c_str());
  show(object);
}

struct Pair {
  Owned<SSL_CTX> context{SSL_CTX_new(TLS_method())};
  Owned<SSL> ssl{SSL_new(context.get())};
};

void nothing_set() {
  Pair pair;
  show(pair.context.get());
  show(pair.ssl.get());
  out("  null: %s", answer(SSL_CTX_use_certificate(pair.context.get(), nullptr)).c_str());
  out("  null: %s", answer(SSL_CTX_use_PrivateKey(pair.context.get(), nullptr)).c_str());
  out("  null: %s", answer(SSL_use_certificate(pair.ssl.get(), nullptr)).c_str());
  out("  null: %s", answer(SSL_use_PrivateKey(pair.ssl.get(), nullptr)).c_str());
  out("  null: %s", answer(SSL_CTX_use_RSAPrivateKey(pair.context.get(), nullptr)).c_str());
  out("  null: %s", answer(SSL_CTX_check_private_key(nullptr)).c_str());
  out("  null: %s", answer(SSL_check_private_key(nullptr)).c_str());
}

// Sequences of c(ertificate) and k(ey), upper case for a second identity of the same type.
void orders(const char* first, const char* second) {
  Owned<X509> certificates[] = {read_certificate(first), read_certificate(second)};
  Owned<EVP_PKEY> keys[] = {read_key(first), read_key(second)};
  for (const char* order :
       {"ck", "kc", "cC", "kK", "cK", "Kc", "ckC", "ckCK", "ckK", "kcK", "kcKC", "ckCk", "kCcK"}) {
    Pair pair;
    out(" %s", order);
    for (const char* step = order; *step != 0; ++step) {
      int which = *step == 'C' || *step == 'K';
      char name[] = {*step, 0};
      if (*step == 'c' || *step == 'C') {
        did(name, pair.context.get(),
            SSL_CTX_use_certificate(pair.context.get(), certificates[which].get()));
        did(name, pair.ssl.get(), SSL_use_certificate(pair.ssl.get(), certificates[which].get()));
      } else {
        did(name, pair.context.get(),
            SSL_CTX_use_PrivateKey(pair.context.get(), keys[which].get()));
        did(name, pair.ssl.get(), SSL_use_PrivateKey(pair.ssl.get(), keys[which].get()));
      }
    }
  }
}

void orders_rsa() {
  orders("server-rsa", "client-rsa");
}
void orders_ec() {
  orders("server-p256", "client-p256");
}
void orders_two_types() {
  orders("server-rsa", "server-p256");
}
void orders_curves() {
  orders("server-p256", "server-p384");
}
void orders_eddsa() {
  orders("server-ed25519", "client-ed25519");
}

void files() {
  struct {
    const char* name;
    std::string path;
  } kFiles[] = {{"certificate", fixture("server-rsa.pem")}, {"key", fixture("server-rsa.key")},
                {"missing", fixture("no-such-file")},       {"script", fixture("make")},
                {"chain", fixture("server-chain.pem")},     {"directory", fixture("")}};
  for (const auto& file : kFiles) {
    for (int type : {SSL_FILETYPE_PEM, SSL_FILETYPE_ASN1, 77}) {
      out(" %s as %d", file.name, type);
      Pair pair;
      use_certificate(pair.context.get(), "server-p256");
      const char* path = file.path.c_str();
      did("certificate", pair.context.get(),
          SSL_CTX_use_certificate_file(pair.context.get(), path, type));
      did("key", pair.context.get(), SSL_CTX_use_PrivateKey_file(pair.context.get(), path, type));
      did("rsa", pair.context.get(),
          SSL_CTX_use_RSAPrivateKey_file(pair.context.get(), path, type));
      did("certificate", pair.ssl.get(), SSL_use_certificate_file(pair.ssl.get(), path, type));
      did("key", pair.ssl.get(), SSL_use_PrivateKey_file(pair.ssl.get(), path, type));
      did("rsa", pair.ssl.get(), SSL_use_RSAPrivateKey_file(pair.ssl.get(), path, type));
      if (type != SSL_FILETYPE_PEM) continue;
      did("chain", pair.context.get(),
          SSL_CTX_use_certificate_chain_file(pair.context.get(), path));
      did("chain", pair.ssl.get(), SSL_use_certificate_chain_file(pair.ssl.get(), path));
    }
  }
}

std::string der_of(X509* certificate) {
  unsigned char* der = nullptr;
  int length = i2d_X509(certificate, &der);
  std::string result(reinterpret_cast<char*>(der), static_cast<size_t>(length));
  OPENSSL_free(der);
  return result;
}

std::string der_of(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  int length = i2d_PrivateKey(key, &der);
  std::string result(reinterpret_cast<char*>(der), static_cast<size_t>(length));
  OPENSSL_free(der);
  return result;
}

void der() {
  std::string good = der_of(read_certificate("server-rsa").get());
  std::string key = der_of(read_key("server-rsa").get());
  std::string broken = good;
  broken[1] = 0x05;
  for (const std::string& bytes : {good, key, good + "tail", key + "tail", broken,
                                   good.substr(0, 99), std::string("x"), std::string()}) {
    out(" %zu bytes", bytes.size());
    Pair pair;
    use_certificate(pair.context.get(), "server-p256");
    auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
    int length = static_cast<int>(bytes.size());
    did("certificate", pair.context.get(),
        SSL_CTX_use_certificate_ASN1(pair.context.get(), length, data));
    did("key", pair.context.get(),
        SSL_CTX_use_PrivateKey_ASN1(EVP_PKEY_RSA, pair.context.get(), data, length));
    did("rsa", pair.context.get(),
        SSL_CTX_use_RSAPrivateKey_ASN1(pair.context.get(), data, length));
    did("certificate", pair.ssl.get(), SSL_use_certificate_ASN1(pair.ssl.get(), data, length));
    did("key", pair.ssl.get(), SSL_use_PrivateKey_ASN1(EVP_PKEY_EC, pair.ssl.get(), data, length));
    did("rsa", pair.ssl.get(), SSL_use_RSAPrivateKey_ASN1(pair.ssl.get(), data, length));
  }
}

void rsa_keys() {
  Pair pair;
  Owned<EVP_PKEY> key = read_key("server-rsa");
  RSA* rsa = EVP_PKEY_get1_RSA(key.get());
  did("rsa", pair.context.get(), SSL_CTX_use_RSAPrivateKey(pair.context.get(), rsa));
  did("rsa", pair.ssl.get(), SSL_use_RSAPrivateKey(pair.ssl.get(), rsa));
  RSA_free(rsa);
  Owned<X509> certificate = read_certificate("client-rsa");
  did("other", pair.context.get(), SSL_CTX_use_certificate(pair.context.get(), certificate.get()));
}

void certificate_and_key() {
  Owned<X509> rsa = read_certificate("server-rsa"), ec = read_certificate("server-p256");
  Owned<EVP_PKEY> rsa_key = read_key("server-rsa"), ec_key = read_key("server-p256");
  STACK_OF(X509)* chain = sk_X509_new_null();
  Owned<X509> intermediate = read_certificate("intermediate");
  sk_X509_push(chain, intermediate.get());
  for (int override : {0, 1}) {
    Pair pair;
    SSL_CTX* context = pair.context.get();
    SSL* ssl = pair.ssl.get();
    out(" override %d", override);
    did("mismatch", context,
        SSL_CTX_use_cert_and_key(context, rsa.get(), ec_key.get(), chain, override));
    did("no key", context,
        SSL_CTX_use_cert_and_key(context, rsa.get(), nullptr, nullptr, override));
    did("rsa", context,
        SSL_CTX_use_cert_and_key(context, rsa.get(), rsa_key.get(), chain, override));
    did("again", context,
        SSL_CTX_use_cert_and_key(context, rsa.get(), rsa_key.get(), nullptr, override));
    did("ec", context, SSL_CTX_use_cert_and_key(context, ec.get(), ec_key.get(), chain, override));
    did("rsa", ssl, SSL_use_cert_and_key(ssl, rsa.get(), rsa_key.get(), chain, override));
    did("again", ssl, SSL_use_cert_and_key(ssl, rsa.get(), rsa_key.get(), nullptr, override));
  }
  sk_X509_free(chain);
}

void weak() {
  for (const char* name : {"server-rsa1024", "server-sha1"}) {
    for (int level : {0, 1, 2, 3}) {
      Owned<X509> certificate = read_certificate(name);
      Owned<EVP_PKEY> key = read_key(name);
      Pair pair;
      SSL_CTX_set_security_level(pair.context.get(), level);
      SSL_set_security_level(pair.ssl.get(), level);
      out(" %s at level %d", name, level);
      did("certificate", pair.context.get(),
          SSL_CTX_use_certificate(pair.context.get(), certificate.get()));
      did("certificate", pair.ssl.get(), SSL_use_certificate(pair.ssl.get(), certificate.get()));
      did("both", pair.context.get(),
          SSL_CTX_use_cert_and_key(pair.context.get(), certificate.get(), key.get(), nullptr, 1));
      did("chain", pair.context.get(),
          SSL_CTX_add1_chain_cert(pair.context.get(), certificate.get()));
    }
  }
}

void chains() {
  Pair pair;
  SSL_CTX* context = pair.context.get();
  Owned<X509> intermediate = read_certificate("intermediate"), root = read_certificate("root");
  did("add without certificate", context, SSL_CTX_add1_chain_cert(context, intermediate.get()));
  did("build without certificate", context, SSL_CTX_build_cert_chain(context, 0));
  use_certificate(context, "server-chain");
  show(context);
  did("clear", context, SSL_CTX_clear_chain_certs(context));
  did("build, empty store", context, SSL_CTX_build_cert_chain(context, 0));
  did("build, ignoring", context,
      SSL_CTX_build_cert_chain(context, SSL_BUILD_CHAIN_FLAG_IGNORE_ERROR));
  did("build, ignoring and clearing", context,
      SSL_CTX_build_cert_chain(
          context, SSL_BUILD_CHAIN_FLAG_IGNORE_ERROR | SSL_BUILD_CHAIN_FLAG_CLEAR_ERROR));
  trust(context);
  did("build, root only", context, SSL_CTX_build_cert_chain(context, 0));
  did("add", context, SSL_CTX_add1_chain_cert(context, intermediate.get()));
  did("build, untrusted", context,
      SSL_CTX_build_cert_chain(context, SSL_BUILD_CHAIN_FLAG_UNTRUSTED));
  did("build, untrusted without root", context,
      SSL_CTX_build_cert_chain(context,
                               SSL_BUILD_CHAIN_FLAG_UNTRUSTED | SSL_BUILD_CHAIN_FLAG_NO_ROOT));
  did("build, check", context, SSL_CTX_build_cert_chain(context, SSL_BUILD_CHAIN_FLAG_CHECK));
  did("add root", context, SSL_CTX_add1_chain_cert(context, root.get()));
  did("build, check", context, SSL_CTX_build_cert_chain(context, SSL_BUILD_CHAIN_FLAG_CHECK));
  did("no chain", context, SSL_CTX_set1_chain(context, nullptr));
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, root.get());
  X509_STORE_add_cert(store, intermediate.get());
  did("store", context, SSL_CTX_set1_chain_cert_store(context, store));
  did("build from it", context, SSL_CTX_build_cert_chain(context, 0));
  did("store", context, SSL_CTX_set0_verify_cert_store(context, store));
  X509_STORE *chain_store = nullptr, *verify_store = nullptr;
  SSL_CTX_get0_chain_cert_store(context, &chain_store);
  SSL_CTX_get0_verify_cert_store(context, &verify_store);
  out("  same stores: %d %d", chain_store == store, verify_store == store);
  show(pair.ssl.get());
}

void print_extra(long returned, STACK_OF(X509) * const& extra) {
  out("  %ld %d", returned, sk_X509_num(extra));
}

void extra_chain() {
  Pair pair;
  SSL_CTX* context = pair.context.get();
  STACK_OF(X509)* extra = nullptr;
  use_certificate(context, "server-chain");
  print_extra(SSL_CTX_get_extra_chain_certs(context, &extra), extra);
  print_extra(SSL_CTX_get_extra_chain_certs_only(context, &extra), extra);
  did("add", context, SSL_CTX_add_extra_chain_cert(context, read_certificate("root").release()));
  print_extra(SSL_CTX_get_extra_chain_certs(context, &extra), extra);
  print_extra(SSL_CTX_get_extra_chain_certs_only(context, &extra), extra);
  did("clear", context, SSL_CTX_clear_extra_chain_certs(context));
  print_extra(SSL_CTX_get_extra_chain_certs_only(context, &extra), extra);
}

void current() {
  Pair pair;
  SSL_CTX* context = pair.context.get();
  Owned<X509> rsa = read_certificate("server-rsa"), stranger = read_certificate("server-stranger");
  did("first, nothing there", context, SSL_CTX_set_current_cert(context, SSL_CERT_SET_FIRST));
  for (const char* name : {"server-p256", "server-rsa", "server-ed25519"}) {
    use_certificate(context, name);
    show(context);
  }
  did("first", context, SSL_CTX_set_current_cert(context, SSL_CERT_SET_FIRST));
  for (int i = 0; i < 3; ++i) {
    did("next", context, SSL_CTX_set_current_cert(context, SSL_CERT_SET_NEXT));
  }
  did("select", context, SSL_CTX_select_current_cert(context, rsa.get()));
  did("select a stranger", context, SSL_CTX_select_current_cert(context, stranger.get()));
  did("select nothing", context, SSL_CTX_select_current_cert(context, nullptr));
  did("other operation", context, SSL_CTX_set_current_cert(context, 99));
  did("the server's", pair.ssl.get(), SSL_set_current_cert(pair.ssl.get(), SSL_CERT_SET_SERVER));
}

// SSL_new takes what is there; later changes of either side are its own.
void separation() {
  Pair pair;
  use_certificate(pair.context.get(), "server-rsa");
  show(pair.ssl.get());
  Owned<SSL> later(SSL_new(pair.context.get()));
  show(later.get());
  use_certificate(pair.context.get(), "server-p256");
  show(later.get());
  did("own", later.get(), SSL_use_certificate(later.get(), read_certificate("client-rsa").get()));
  show(pair.context.get());
  SSL_certs_clear(later.get());
  show(later.get());
  show(pair.context.get());
  Owned<SSL> copy(SSL_dup(pair.ssl.get()));
  show(copy.get());
}

int passwords;
int wrong_password(char* buffer, int size, int, void* argument) {
  ++passwords;
  return std::snprintf(buffer, static_cast<size_t>(size), "%s", static_cast<const char*>(argument));
}

void password_callbacks() {
  Owned<EVP_PKEY> key = read_key("server-p256");
  char path[] = "/tmp/twin-key-XXXXXX";
  close(mkstemp(path));
  FILE* file = std::fopen(path, "w");
  unsigned char password[] = "open sesame";
  PEM_write_PKCS8PrivateKey(file, key.get(), EVP_aes_128_cbc(), reinterpret_cast<char*>(password),
                            11, nullptr, nullptr);
  std::fclose(file);
  Pair pair;
  SSL_CTX* context = pair.context.get();
  out("  default: %d %d", SSL_CTX_get_default_passwd_cb(context) != nullptr,
      SSL_CTX_get_default_passwd_cb_userdata(context) != nullptr);
  char right[] = "open sesame", wrong[] = "knock";
  SSL_CTX_set_default_passwd_cb(context, wrong_password);
  SSL_CTX_set_default_passwd_cb_userdata(context, wrong);
  did("wrong", context, SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM));
  SSL_CTX_set_default_passwd_cb_userdata(context, right);
  did("right", context, SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM));
  Owned<SSL> ssl(SSL_new(context));
  out("  inherited: %d %d", SSL_get_default_passwd_cb(ssl.get()) == wrong_password,
      SSL_get_default_passwd_cb_userdata(ssl.get()) == right);
  did("inherited", ssl.get(), SSL_use_PrivateKey_file(ssl.get(), path, SSL_FILETYPE_PEM));
  SSL_set_default_passwd_cb_userdata(ssl.get(), wrong);
  did("wrong", ssl.get(), SSL_use_PrivateKey_file(ssl.get(), path, SSL_FILETYPE_PEM));
  out("  asked %d times", passwords);
  unlink(path);
}

int certificate_callback(SSL*, void*) {
  return 1;
}
int client_callback(SSL*, X509**, EVP_PKEY**) {
  return 0;
}

void callbacks() {
  Pair pair;
  out("  %d", SSL_CTX_get_client_cert_cb(pair.context.get()) != nullptr);
  SSL_CTX_set_client_cert_cb(pair.context.get(), client_callback);
  out("  %d", SSL_CTX_get_client_cert_cb(pair.context.get()) == client_callback);
  SSL_CTX_set_cert_cb(pair.context.get(), certificate_callback, nullptr);
  SSL_set_cert_cb(pair.ssl.get(), nullptr, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run({{"nothing_set", nothing_set},
                    {"orders_rsa", orders_rsa},
                    {"orders_ec", orders_ec},
                    {"orders_two_types", orders_two_types},
                    {"orders_curves", orders_curves},
                    {"orders_eddsa", orders_eddsa},
                    {"files", files},
                    {"der", der},
                    {"rsa_keys", rsa_keys},
                    {"certificate_and_key", certificate_and_key},
                    {"weak", weak},
                    {"chains", chains},
                    {"extra_chain", extra_chain},
                    {"current", current},
                    {"separation", separation},
                    {"password_callbacks", password_callbacks},
                    {"callbacks", callbacks}},
                   argc, argv);
}
