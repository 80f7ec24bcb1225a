// openssl.cnf and other files of libcrypto's configuration: SSL_CTX_config(3), SSL_config(3), the
// section ssl_conf with its names, and system_default, which every new SSL_CTX follows.
#include <openssl/conf.h>

#include "support/older.h"
#include "support/temporary_file.h"

namespace {
using namespace twin;

std::string ciphers(const STACK_OF(SSL_CIPHER) * list) {
  std::string result = std::to_string(sk_SSL_CIPHER_num(list));
  for (int i = 0; i < sk_SSL_CIPHER_num(list) && i < 4; i++) {
    result += std::string(" ") + SSL_CIPHER_get_name(sk_SSL_CIPHER_value(list, i));
  }
  return result;
}

void tell(const char* title, SSL_CTX* context) {
  out("%s: options %llx verify %d versions %lx to %lx level %d tickets %zu", title,
      static_cast<unsigned long long>(SSL_CTX_get_options(context)),
      SSL_CTX_get_verify_mode(context), static_cast<long>(SSL_CTX_get_min_proto_version(context)),
      static_cast<long>(SSL_CTX_get_max_proto_version(context)),
      SSL_CTX_get_security_level(context), SSL_CTX_get_num_tickets(context));
  out("  %s, certificate %d", ciphers(SSL_CTX_get_ciphers(context)).c_str(),
      SSL_CTX_get0_certificate(context) != nullptr);
}

void tell(const char* title, SSL* ssl) {
  out("%s: options %llx verify %d versions %lx to %lx level %d tickets %zu", title,
      static_cast<unsigned long long>(SSL_get_options(ssl)), SSL_get_verify_mode(ssl),
      static_cast<long>(SSL_get_min_proto_version(ssl)),
      static_cast<long>(SSL_get_max_proto_version(ssl)), SSL_get_security_level(ssl),
      SSL_get_num_tickets(ssl));
  out("  %s, certificate %d", ciphers(SSL_get_ciphers(ssl)).c_str(),
      SSL_get_certificate(ssl) != nullptr);
}

const SSL_METHOD* (*const kMethods[])() = {TLS_method, TLS_client_method, TLS_server_method};
const char* const kMethodNames[] = {"both", "client", "server"};

/// Loads the file, then asks each kind of context for each name.
void load(const char* title, const std::string& content, const std::vector<const char*>& names,
          unsigned long flags = 0) {
  TemporaryFile file(content);
  int loaded = CONF_modules_load_file(file.path, "test_app", flags);
  std::string said = errors();
  out("-- %s: loaded %d %s", title, loaded, said.empty() ? "" : "with errors");
  for (size_t i = 0; i < std::size(kMethods); i++) {
    Owned<SSL_CTX> context(SSL_CTX_new(kMethods[i]()));
    if (!context) {
      out("%s: no context [%s]", kMethodNames[i], errors().c_str());
      continue;
    }
    out("new, %s [%s]", kMethodNames[i], errors().c_str());
    tell("  new", context.get());
    for (const char* name : names) {
      Owned<SSL_CTX> fresh(SSL_CTX_new(kMethods[i]()));
      ERR_clear_error();
      int context_set = SSL_CTX_config(fresh.get(), name);
      out("  context, %s: %s", name, answer(context_set).c_str());
      tell("  then", fresh.get());
      Owned<SSL> ssl(SSL_new(context.get()));
      int set = SSL_config(ssl.get(), name);
      out("  connection, %s: %s", name, answer(set).c_str());
      tell("  then", ssl.get());
    }
  }
  CONF_modules_unload(1);
}

std::string with_sections(const std::string& sections) {
  return "test_app = app\n[app]\nssl_conf = sets\n" + sections;
}

void named_sets() {
  load("sets",
       with_sections("[sets]\nfirst = one\nsecond = two\nempty = nothing\n"
                     "[one]\nMinProtocol = TLSv1.2\nMaxProtocol = TLSv1.3\n"
                     "CipherString = ECDHE+AESGCM\nOptions = ServerPreference,-SessionTicket\n"
                     "[two]\nVerifyMode = Peer\nGroups = P-256:X25519\n"
                     "SignatureAlgorithms = ECDSA+SHA256\nNumTickets = 7\n"
                     "Ciphersuites = TLS_AES_128_GCM_SHA256\nRecordPadding = 64\n"
                     "[nothing]\n"),
       {"first", "second", "empty", "third", ""});
}

void order_and_prefix() {
  // Numbers before a dot let a command stand more than once.
  load("repeated",
       with_sections("[sets]\nfirst = one\n"
                     "[one]\n1.Options = Bugs\n2.Options = -Bugs\nA.MinProtocol = TLSv1.1\n"
                     "B.MinProtocol = TLSv1.2\n"),
       {"first"});
}

void mistakes() {
  load("unknown command",
       with_sections("[sets]\nfirst = one\n[one]\nNoSuch = 1\nMinProtocol = "
                     "TLSv1.2\n"),
       {"first"});
  load("bad value",
       with_sections("[sets]\nfirst = one\n[one]\nMinProtocol = TLSv9\nOptions = "
                     "ServerPreference\n"),
       {"first"});
  load("no section of that name", with_sections("[sets]\nfirst = missing\n"), {"first"});
  load("no sets", with_sections("[other]\nfirst = one\n"), {"first"});
  load("empty sets", with_sections("[sets]\n"), {"first"});
  load("ignored errors", with_sections("[sets]\nfirst = missing\n"), {"first"},
       CONF_MFLAGS_IGNORE_ERRORS);
}

void files() {
  const std::string folder = fixture("");
  load("with its key",
       with_sections("[sets]\nfirst = one\n[one]\nCertificate = " + folder +
                     "server-p256.pem\nPrivateKey = " + folder + "server-p256.key\n"),
       {"first"});
  load("key in the file's place",
       with_sections("[sets]\nfirst = one\n[one]\nCertificate = " + folder + "server-p256.pem\n"),
       {"first"});
  load("not there", with_sections("[sets]\nfirst = one\n[one]\nCertificate = /nonexistent\n"),
       {"first"});
  load("authorities",
       with_sections("[sets]\nfirst = one\n[one]\nVerifyCAFile = " + folder +
                     "root.pem\nChainCAFile = " + folder + "root.pem\nClientCAFile = " + folder +
                     "root.pem\nRequestCAFile = " + folder + "other-root.pem\n"),
       {"first"});
}

void system_default() {
  load("system default",
       with_sections("[sets]\nsystem_default = system\nfirst = one\n"
                     "[system]\nMinProtocol = TLSv1.1\nMaxProtocol = TLSv1.2\n"
                     "CipherString = ALL:@SECLEVEL=1\nOptions = ServerPreference\n"
                     "Groups = P-384\nVerifyMode = Peer\n"
                     "[one]\nMinProtocol = TLSv1.2\nCipherString = AES256+GCM\n"),
       {"first", "system_default"});
  // Its mistakes do not keep a program from its context.
  load("a bad command in it",
       with_sections("[sets]\nsystem_default = system\n"
                     "[system]\nMinProtocol = TLSv1.3\nNoSuch = 1\nOptions = ServerPreference\n"),
       {"system_default"});
  load("a bad value in it",
       with_sections("[sets]\nsystem_default = system\n"
                     "[system]\nMinProtocol = TLSv9\nCipherString = NOSUCH\nOptions = "
                     "ServerPreference\n"),
       {"system_default"});
  const std::string folder = fixture("");
  load("certificates in it",
       with_sections("[sets]\nsystem_default = system\n[system]\nCertificate = " + folder +
                     "server-p256.pem\nMinProtocol = TLSv1.2\n"),
       {"system_default"});
}

void module() {
  SSL_add_ssl_module();
  out("module added twice");
  SSL_add_ssl_module();
  load("afterwards", with_sections("[sets]\nfirst = one\n[one]\nMinProtocol = TLSv1.2\n"),
       {"first"});
  // Unloaded: nothing is known any more.
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  out("unloaded: %s", answer(SSL_CTX_config(context.get(), "first")).c_str());
}

void library_context() {
  TemporaryFile file(
      with_sections("[sets]\nsystem_default = system\nfirst = one\n"
                    "[system]\nMinProtocol = TLSv1.2\n[one]\nMaxProtocol = TLSv1.2\n"));
  OSSL_LIB_CTX* library = OSSL_LIB_CTX_new();
  out("loaded %d", OSSL_LIB_CTX_load_config(library, file.path));
  ERR_clear_error();
  Owned<SSL_CTX> own(SSL_CTX_new_ex(library, nullptr, TLS_method()));
  Owned<SSL_CTX> other(SSL_CTX_new(TLS_method()));
  tell("its context", own.get());
  tell("another's", other.get());
  out("%s", answer(SSL_CTX_config(own.get(), "first")).c_str());
  out("%s", answer(SSL_CTX_config(other.get(), "first")).c_str());
  own.reset();
  OSSL_LIB_CTX_free(library);
  CONF_modules_unload(1);
}

}  // namespace

int main(int argc, char** argv) {
  OPENSSL_init_ssl(0, nullptr);
  return run({{"named_sets", named_sets},
              {"order_and_prefix", order_and_prefix},
              {"mistakes", mistakes},
              {"files", files},
              {"system_default", system_default},
              {"module", module},
              {"library_context", library_context}},
             argc, argv);
}
