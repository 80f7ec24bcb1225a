// SSL_CTX_config(3), SSL_config(3): sections of a configuration file with commands, the system's
// default, and SSL_CONF_CTX_finish with what the commands have set, in handshakes.
#include <openssl/conf.h>

#include "support/older.h"
#include "support/temporary_file.h"

namespace {
using namespace twin;

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (size_t at; (at = text.find(what)) != std::string::npos;) text.replace(at, what.size(), by);
  return text;
}

/// Reads a file whose `ssl_conf` section names the given sections.
int load(const std::string& sections) {
  TemporaryFile file(replaced("openssl_conf = main\n[main]\nssl_conf = ssl\n" + sections,
                              "FIXTURES", fixture("")));
  return CONF_modules_load_file(file.path, nullptr, 0);
}

std::string about(SSL_CTX* c) {
  STACK_OF(SSL_CIPHER)* ciphers = SSL_CTX_get_ciphers(c);
  return text(
      "bounds %lx %lx, options %lx, level %d, ciphers %d first %s, certificate %d, key %d, verify "
      "%d, "
      "names %d %d, tickets %zu",
      SSL_CTX_get_min_proto_version(c), SSL_CTX_get_max_proto_version(c),
      static_cast<unsigned long>(SSL_CTX_get_options(c)), SSL_CTX_get_security_level(c),
      sk_SSL_CIPHER_num(ciphers), SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, 0)),
      SSL_CTX_get0_certificate(c) != nullptr, SSL_CTX_get0_privatekey(c) != nullptr,
      SSL_CTX_get_verify_mode(c), sk_X509_NAME_num(SSL_CTX_get0_CA_list(c)),
      sk_X509_NAME_num(SSL_CTX_get_client_CA_list(c)), SSL_CTX_get_num_tickets(c));
}

std::string about(SSL* s) {
  STACK_OF(SSL_CIPHER)* ciphers = SSL_get_ciphers(s);
  return text(
      "bounds %lx %lx, options %lx, level %d, ciphers %d first %s, certificate %d, verify %d",
      SSL_get_min_proto_version(s), SSL_get_max_proto_version(s),
      static_cast<unsigned long>(SSL_get_options(s)), SSL_get_security_level(s),
      sk_SSL_CIPHER_num(ciphers), SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, 0)),
      SSL_get_certificate(s) != nullptr, SSL_get_verify_mode(s));
}

struct Method {
  const char* name;
  const SSL_METHOD* method;
};

std::vector<Method> methods() {
  return {{"any", TLS_method()}, {"client", TLS_client_method()}, {"server", TLS_server_method()}};
}

// One section at a time, on contexts and connections of each role.
void apply(const char* title, const std::string& commands) {
  out("%s: loaded %d [%s]", title, load("[ssl]\nmine = commands\n[commands]\n" + commands),
      errors().c_str());
  for (const Method& method : methods()) {
    Owned<SSL_CTX> context(SSL_CTX_new(method.method));
    Owned<SSL> ssl(SSL_new(context.get()));
    std::string said = answer(SSL_CTX_config(context.get(), "mine"));
    out("  %s, context %s: %s", method.name, said.c_str(), about(context.get()).c_str());
    said = answer(SSL_config(ssl.get(), "mine"));
    out("  %s, ssl %s: %s", method.name, said.c_str(), about(ssl.get()).c_str());
  }
}

void commands() {
  apply("versions", "MinProtocol = TLSv1.2\nMaxProtocol = TLSv1.2\n");
  apply("protocol", "Protocol = -ALL,TLSv1.3\n");
  apply("ciphers",
        "CipherString = AES128-SHA:@SECLEVEL=1\nCiphersuites = TLS_AES_128_GCM_SHA256\n");
  apply("options", "Options = -SessionTicket,Bugs,-EncryptThenMac\n");
  apply("groups", "Groups = P-384\nSignatureAlgorithms = ECDSA+SHA384\n");
  apply("verify", "VerifyMode = Require\n");
  apply("tickets", "NumTickets = 7\n");
  apply("names", "RequestCAFile = FIXTURESroot.pem\nClientCAFile = FIXTURESother-root.pem\n");
  apply("certificate",
        "Certificate = FIXTURESserver-p256.pem\nPrivateKey = FIXTURESserver-p256.key\n");
  apply("certificate with key", "Certificate = FIXTURESserver-p256.pem\n");
  apply("two certificates",
        "1.Certificate = FIXTURESserver-p256.pem\n1.PrivateKey = FIXTURESserver-p256.key\n"
        "2.Certificate = FIXTURESserver-rsa.pem\n2.PrivateKey = FIXTURESserver-rsa.key\n");
  apply("nothing", "");
}

void wrong_commands() {
  apply("unknown command", "NoSuch = x\nMinProtocol = TLSv1.2\n");
  apply("unknown value", "MinProtocol = TLSv9\nMaxProtocol = TLSv1.2\n");
  apply("missing file", "Certificate = /nonexistent\n");
  apply("missing key", "PrivateKey = /nonexistent\n");
  apply("of the command line", "min_protocol = TLSv1.2\n-no_tls1_3 = x\n");
  apply("lower case", "minprotocol = TLSv1.2\n");
}

void names() {
  out("loaded %d [%s]",
      load("[ssl]\nfirst = one\nsecond = two\n[one]\nMinProtocol = TLSv1.2\n"
           "[two]\nMinProtocol = TLSv1.3\n"),
      errors().c_str());
  Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  for (const char* name : {"first", "second", "third", "FIRST", ""}) {
    std::string said = answer(SSL_CTX_config(context.get(), name));
    out("  \"%s\": %s, from %lx", name, said.c_str(), SSL_CTX_get_min_proto_version(context.get()));
  }
  out("  no context %s, no ssl %s", answer(SSL_CTX_config(nullptr, "first")).c_str(),
      answer(SSL_config(nullptr, "first")).c_str());
}

void broken_files() {
  const std::string kSections[] = {"[ssl]\nmine = nowhere\n", "", "[ssl]\n",
                                   "[ssl]\nmine = commands\nmine = others\n[commands]\n"
                                   "MinProtocol = TLSv1.2\n[others]\nMinProtocol = TLSv1.3\n"};
  for (const std::string& sections : kSections) {
    int loaded = load(sections);
    out("loaded %d [%s]", loaded, errors().c_str());
    Owned<SSL_CTX> context(SSL_CTX_new(TLS_method()));
    out("  %s", answer(SSL_CTX_config(context.get(), "mine")).c_str());
  }
}

// `system_default` is for every context that is made from now on.
void system_default() {
  const std::string kCommands[] = {"MinProtocol = TLSv1.3\n", "CipherString = DEFAULT@SECLEVEL=3\n",
                                   "NoSuch = x\nMinProtocol = TLSv1.1\n",
                                   "Certificate = FIXTURESserver-p256.pem\n",
                                   "VerifyMode = Peer\nOptions = -SessionTicket\n"};
  for (const std::string& commands : kCommands) {
    out("loaded %d [%s]", load("[ssl]\nsystem_default = all\n[all]\n" + commands),
        errors().c_str());
    for (const Method& method : methods()) {
      Owned<SSL_CTX> context(SSL_CTX_new(method.method));
      std::string left = errors();
      out("  %s: %s [%s]", method.name, context ? about(context.get()).c_str() : "none",
          left.c_str());
    }
  }
  load("[ssl]\nsystem_default = all\n[all]\n");
}

// A server and a client that are configured by files alone.
void handshakes() {
  out("loaded %d [%s]",
      load("[ssl]\nserver = s\nclient = c\n[s]\nCertificate = FIXTURESserver-rsa.pem\n"
           "PrivateKey = FIXTURESserver-rsa.key\nVerifyMode = Require\n"
           "VerifyCAFile = FIXTURESroot.pem\nClientCAFile = FIXTURESroot.pem\n"
           "MaxProtocol = TLSv1.2\nCipherString = ECDHE+AESGCM\n"
           "[c]\nCertificate = FIXTURESclient-rsa.pem\nPrivateKey = FIXTURESclient-rsa.key\n"
           "VerifyCAFile = FIXTURESroot.pem\nVerifyMode = Peer\n"),
      errors().c_str());
  for (bool whole : {true, false}) {
    Peers peers;
    peers.client_context.reset(SSL_CTX_new(TLS_client_method()));
    peers.server_context.reset(SSL_CTX_new(TLS_server_method()));
    if (whole) {
      out("  client %s", answer(SSL_CTX_config(peers.client_context.get(), "client")).c_str());
      out("  server %s", answer(SSL_CTX_config(peers.server_context.get(), "server")).c_str());
    }
    renew(peers);
    if (!whole) {
      out("  client %s", answer(SSL_config(peers.client.get(), "client")).c_str());
      out("  server %s", answer(SSL_config(peers.server.get(), "server")).c_str());
    }
    link_memory(peers);
    tell_with_alerts(peers, whole ? "contexts" : "connections");
    out("  client certificate %d", SSL_get0_peer_certificate(peers.server.get()) != nullptr);
  }
}

// SSL_CONF_CTX: several names of certificate authorities add up, and are there after `finish`.
void names_of_authorities() {
  for (bool connection : {false, true}) {
    Owned<SSL_CTX> context(SSL_CTX_new(TLS_server_method()));
    Owned<SSL> ssl(SSL_new(context.get()));
    SSL_CONF_CTX* conf = SSL_CONF_CTX_new();
    SSL_CONF_CTX_set_flags(conf, SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_SERVER |
                                     SSL_CONF_FLAG_CERTIFICATE | SSL_CONF_FLAG_SHOW_ERRORS);
    connection ? SSL_CONF_CTX_set_ssl(conf, ssl.get())
               : SSL_CONF_CTX_set_ssl_ctx(conf, context.get());
    for (const char* file : {"root.pem", "root.pem", "other-root.pem", "missing.pem"}) {
      int done = SSL_CONF_cmd(conf, "RequestCAFile", fixture(file).c_str());
      out("  %s: %d [%s]", file, done, errors().c_str());
    }
    auto count = [&] {
      return sk_X509_NAME_num(connection ? SSL_get0_CA_list(ssl.get())
                                         : SSL_CTX_get0_CA_list(context.get()));
    };
    out("  before %d", count());
    out("  finished %d, names %d", SSL_CONF_CTX_finish(conf), count());
    out("  again %d, names %d", SSL_CONF_CTX_finish(conf), count());
    SSL_CONF_CTX_free(conf);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"commands", commands},
              {"wrong_commands", wrong_commands},
              {"names", names},
              {"broken_files", broken_files},
              {"system_default", system_default},
              {"handshakes", handshakes},
              {"names_of_authorities", names_of_authorities}},
             argc, argv);
}
