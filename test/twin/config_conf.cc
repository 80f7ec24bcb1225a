// SSL_CONF_cmd(3): every command, by command line and by file, with good and bad values.
#include <openssl/ssl.h>

#include "support/report.h"

namespace {

const std::string kFixtures = std::string(HANDFAST_SOURCE_DIR) + "/test/support/fixtures/";

constexpr unsigned int kClient = SSL_CONF_FLAG_CLIENT;
constexpr unsigned int kServer = SSL_CONF_FLAG_SERVER;
constexpr unsigned int kCertificate = SSL_CONF_FLAG_CERTIFICATE;

std::string ciphers(const STACK_OF(SSL_CIPHER) * list) {
  std::string result = std::to_string(sk_SSL_CIPHER_num(list));
  for (int i = 0; i < sk_SSL_CIPHER_num(list) && i < 5; i++) {
    result += std::string(" ") + SSL_CIPHER_get_name(sk_SSL_CIPHER_value(list, i));
  }
  return result;
}

struct Setup {
  SSL_CTX* ctx = SSL_CTX_new(TLS_method());
  SSL* ssl = SSL_new(ctx);
  SSL_CONF_CTX* conf = SSL_CONF_CTX_new();
  bool on_connection;

  Setup(unsigned int flags, bool connection) : on_connection(connection) {
    SSL_CONF_CTX_set_flags(conf, flags);
    if (connection) {
      SSL_CONF_CTX_set_ssl(conf, ssl);
    } else {
      SSL_CONF_CTX_set_ssl_ctx(conf, ctx);
    }
  }
  ~Setup() {
    SSL_CONF_CTX_free(conf);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
  }
  std::string state() const {
    if (on_connection) {
      return twin::text("options %llx flags %lx verify %d versions %lx-%lx level %d",
                        static_cast<unsigned long long>(SSL_get_options(ssl)),
                        SSL_ctrl(ssl, SSL_CTRL_CERT_FLAGS, 0, nullptr), SSL_get_verify_mode(ssl),
                        static_cast<long>(SSL_get_min_proto_version(ssl)),
                        static_cast<long>(SSL_get_max_proto_version(ssl)),
                        SSL_get_security_level(ssl)) +
             " " + ciphers(SSL_get_ciphers(ssl));
    }
    return twin::text("options %llx flags %lx verify %d versions %lx-%lx level %d tickets %zu",
                      static_cast<unsigned long long>(SSL_CTX_get_options(ctx)),
                      SSL_CTX_ctrl(ctx, SSL_CTRL_CERT_FLAGS, 0, nullptr),
                      SSL_CTX_get_verify_mode(ctx),
                      static_cast<long>(SSL_CTX_get_min_proto_version(ctx)),
                      static_cast<long>(SSL_CTX_get_max_proto_version(ctx)),
                      SSL_CTX_get_security_level(ctx), SSL_CTX_get_num_tickets(ctx)) +
           " " + ciphers(SSL_CTX_get_ciphers(ctx));
  }
};

void command(unsigned int flags, const char* name, const char* value) {
  for (bool connection : {false, true}) {
    Setup setup(flags, connection);
    int returned = SSL_CONF_cmd(setup.conf, name, value);
    twin::out("%x %s %s: %d [%s]", flags, name, value ? value : "(null)", returned,
              twin::errors().c_str());
    if (returned > 0) twin::out("  %s", setup.state().c_str());
  }
}

const char* const kSwitches[] = {"-no_ssl3",
                                 "-no_tls1",
                                 "-no_tls1_1",
                                 "-no_tls1_2",
                                 "-no_tls1_3",
                                 "-bugs",
                                 "-no_comp",
                                 "-comp",
                                 "-ecdh_single",
                                 "-no_ticket",
                                 "-serverpref",
                                 "-legacy_renegotiation",
                                 "-client_renegotiation",
                                 "-legacy_server_connect",
                                 "-no_renegotiation",
                                 "-no_resumption_on_reneg",
                                 "-no_legacy_server_connect",
                                 "-allow_no_dhe_kex",
                                 "-prioritize_chacha",
                                 "-strict",
                                 "-no_middlebox",
                                 "-anti_replay",
                                 "-no_anti_replay",
                                 "-no_etm"};

void switches() {
  for (unsigned int side : {kClient, kServer, kClient | kServer, 0u}) {
    for (const char* name : kSwitches) {
      command(SSL_CONF_FLAG_CMDLINE | SSL_CONF_FLAG_SHOW_ERRORS | side, name, nullptr);
    }
  }
  command(SSL_CONF_FLAG_FILE | kClient | kServer, "no_tls1", nullptr);
}

void values_on_command_line() {
  const char* const pairs[][2] = {{"-sigalgs", "RSA+SHA256"},
                                  {"-sigalgs", "nosuch"},
                                  {"-client_sigalgs", "ECDSA+SHA256"},
                                  {"-curves", "P-256"},
                                  {"-groups", "X25519:P-256"},
                                  {"-groups", "nosuch"},
                                  {"-groups", nullptr},
                                  {"-named_curve", "P-256"},
                                  {"-named_curve", "auto"},
                                  {"-named_curve", "automatic"},
                                  {"-named_curve", "P-256:P-384"},
                                  {"-named_curve", "nosuch"},
                                  {"-cipher", "AES128-SHA"},
                                  {"-cipher", "nosuch"},
                                  {"-cipher", "ALL:@SECLEVEL=1"},
                                  {"-ciphersuites", "TLS_AES_128_GCM_SHA256"},
                                  {"-ciphersuites", "nosuch"},
                                  {"-min_protocol", "TLSv1.2"},
                                  {"-min_protocol", "TLSv1.3"},
                                  {"-min_protocol", "None"},
                                  {"-min_protocol", "SSLv3"},
                                  {"-min_protocol", "DTLSv1"},
                                  {"-min_protocol", "tlsv1.2"},
                                  {"-max_protocol", "TLSv1.1"},
                                  {"-max_protocol", "TLSv2"},
                                  {"-record_padding", "0"},
                                  {"-record_padding", "512"},
                                  {"-record_padding", "16385"},
                                  {"-record_padding", "-1"},
                                  {"-record_padding", "x"},
                                  {"-num_tickets", "5"},
                                  {"-num_tickets", "-5"},
                                  {"-num_tickets", "0"},
                                  {"-Protocol", "ALL"},
                                  {"-Options", "Bugs"},
                                  {"-cert", "/nonexistent"},
                                  {"-nosuch", "value"},
                                  {"-", nullptr},
                                  {"sigalgs", "RSA+SHA256"},
                                  {"-SIGALGS", "RSA+SHA256"}};
  for (unsigned int side : {kClient, kServer}) {
    for (const auto& pair : pairs) {
      command(SSL_CONF_FLAG_CMDLINE | SSL_CONF_FLAG_SHOW_ERRORS | side, pair[0], pair[1]);
      command(SSL_CONF_FLAG_CMDLINE | side, pair[0], pair[1]);
    }
  }
}

void values_in_files() {
  const char* const pairs[][2] = {
      {"SignatureAlgorithms", "RSA+SHA256"},
      {"signaturealgorithms", "RSA+SHA256"},
      {"ClientSignatureAlgorithms", "RSA+SHA256"},
      {"Curves", "P-256"},
      {"Groups", "P-256:P-384"},
      {"ECDHParameters", "P-256"},
      {"ECDHParameters", "+Automatic"},
      {"ECDHParameters", "auto"},
      {"CipherString", "DEFAULT@SECLEVEL=1"},
      {"Ciphersuites", "TLS_AES_128_GCM_SHA256"},
      {"Protocol", "ALL"},
      {"Protocol", "-ALL"},
      {"Protocol", "-ALL,TLSv1.2"},
      {"Protocol", "-ALL, +TLSv1.2 , TLSv1.3"},
      {"Protocol", "-SSLv3,-TLSv1,-TLSv1.1"},
      {"Protocol", "-SSLv2"},
      {"Protocol", "-DTLSv1,-DTLSv1.2"},
      {"Protocol", "tlsv1.2"},
      {"Protocol", "nosuch"},
      {"Protocol", ""},
      {"Protocol", ","},
      {"Protocol", "+"},
      {"MinProtocol", "TLSv1.2"},
      {"MaxProtocol", "TLSv1.2"},
      {"MaxProtocol", "nosuch"},
      {"Options", "SessionTicket"},
      {"Options", "-SessionTicket"},
      {"Options", "Bugs,-EmptyFragments,Compression"},
      {"Options", "-Compression,ServerPreference"},
      {"Options", "NoResumptionOnRenegotiation,DHSingle,ECDHSingle"},
      {"Options", "UnsafeLegacyRenegotiation,UnsafeLegacyServerConnect"},
      {"Options", "ClientRenegotiation,-EncryptThenMac,NoRenegotiation"},
      {"Options", "AllowNoDHEKEX,PrioritizeChaCha,-MiddleboxCompat"},
      {"Options", "-AntiReplay,-ExtendedMasterSecret,-CANames,KTLS"},
      {"Options", "bugs"},
      {"Options", "nosuch"},
      {"Options", nullptr},
      {"VerifyMode", "Peer"},
      {"VerifyMode", "Request"},
      {"VerifyMode", "Require"},
      {"VerifyMode", "Once"},
      {"VerifyMode", "RequestPostHandshake"},
      {"VerifyMode", "RequirePostHandshake"},
      {"VerifyMode", "Require,Once"},
      {"VerifyMode", "Require,-Require"},
      {"VerifyMode", "nosuch"},
      {"RecordPadding", "100"},
      {"NumTickets", "3"},
      {"no_tls1", nullptr},
      {"Nosuch", "x"},
      {"", "x"}};
  for (unsigned int side : {kClient, kServer, kClient | kServer}) {
    for (const auto& pair : pairs) {
      command(SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_SHOW_ERRORS | side, pair[0], pair[1]);
    }
  }
}

void files() {
  const std::pair<const char*, const char*> pairs[] = {{"Certificate", "server-p256.pem"},
                                                       {"Certificate", "server-p256.key"},
                                                       {"Certificate", "nosuch"},
                                                       {"PrivateKey", "server-p256.key"},
                                                       {"PrivateKey", "nosuch"},
                                                       {"PrivateKey", "server-p256.pem"},
                                                       {"ChainCAFile", "root.pem"},
                                                       {"ChainCAFile", "nosuch"},
                                                       {"ChainCAPath", ""},
                                                       {"VerifyCAFile", "root.pem"},
                                                       {"VerifyCAFile", "root.key"},
                                                       {"VerifyCAPath", "."},
                                                       {"ChainCAStore", "root.pem"},
                                                       {"VerifyCAStore", "nosuch"},
                                                       {"RequestCAFile", "root.pem"},
                                                       {"RequestCAFile", "nosuch"},
                                                       {"ClientCAFile", "root.pem"},
                                                       {"RequestCAPath", "nosuch"},
                                                       {"ClientCAStore", "root.pem"},
                                                       {"DHParameters", "nosuch"},
                                                       {"DHParameters", "root.pem"},
                                                       {"ServerInfoFile", "root.pem"}};
  for (const auto& [name, file] : pairs) {
    for (unsigned int extra : {0u, kCertificate}) {
      for (bool connection : {false, true}) {
        Setup setup(SSL_CONF_FLAG_FILE | kServer | extra, connection);
        int returned = SSL_CONF_cmd(setup.conf, name, (kFixtures + file).c_str());
        std::string queue = twin::errors();
        int finished = SSL_CONF_CTX_finish(setup.conf);
        const STACK_OF(X509_NAME)* names =
            connection ? SSL_get0_CA_list(setup.ssl) : SSL_CTX_get0_CA_list(setup.ctx);
        twin::out("%s %s %u %d: %d, finish %d, names %d [%s]", name, file, extra, connection,
                  returned, finished, sk_X509_NAME_num(names), queue.c_str());
        ERR_clear_error();
      }
    }
  }
}

void certificate_with_key() {
  for (unsigned int extra : {0u, static_cast<unsigned int>(SSL_CONF_FLAG_REQUIRE_PRIVATE)}) {
    Setup setup(SSL_CONF_FLAG_FILE | kServer | kCertificate | extra, false);
    int returned = SSL_CONF_cmd(setup.conf, "Certificate", (kFixtures + "server-p256.pem").c_str());
    int finished = SSL_CONF_CTX_finish(setup.conf);
    twin::out("%u: %d, finish %d, key %d", extra, returned, finished,
              SSL_CTX_get0_privatekey(setup.ctx) != nullptr);
    ERR_clear_error();
    returned = SSL_CONF_cmd(setup.conf, "PrivateKey", (kFixtures + "server-p256.key").c_str());
    twin::out("key %d, finish %d", returned, SSL_CONF_CTX_finish(setup.conf));
  }
}

void without_object() {
  SSL_CONF_CTX* conf = SSL_CONF_CTX_new();
  SSL_CONF_CTX_set_flags(conf, SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_CMDLINE | kServer | kClient |
                                   kCertificate | SSL_CONF_FLAG_SHOW_ERRORS);
  const char* const pairs[][2] = {
      {"-no_tls1", nullptr},        {"-sigalgs", "RSA+SHA256"},  {"-sigalgs", "nosuch"},
      {"-cipher", "nosuch"},        {"-ciphersuites", "nosuch"}, {"-Protocol", "ALL"},
      {"-Options", "Bugs"},         {"-Options", "nosuch"},      {"-MinProtocol", "TLSv1.2"},
      {"-cert", "/nonexistent"},    {"-key", "/nonexistent"},    {"-chainCAfile", "/nonexistent"},
      {"-dhparam", "/nonexistent"}, {"-named_curve", "nosuch"},  {"-record_padding", "1"},
      {"-num_tickets", "1"}};
  for (const auto& pair : pairs) {
    int returned = SSL_CONF_cmd(conf, pair[0], pair[1]);
    twin::out("%s: %d [%s]", pair[0], returned, twin::errors().c_str());
  }
  twin::out("null %d [%s]", SSL_CONF_cmd(conf, nullptr, "x"), twin::errors().c_str());
  twin::out("finish %d", SSL_CONF_CTX_finish(conf));
  SSL_CONF_CTX_free(conf);
  SSL_CONF_CTX_free(nullptr);
}

void prefixes() {
  for (const char* prefix : {"", "ssl-", "--", "SSL"}) {
    for (unsigned int flags : {SSL_CONF_FLAG_CMDLINE, SSL_CONF_FLAG_FILE}) {
      Setup setup(flags | kClient | kServer | SSL_CONF_FLAG_SHOW_ERRORS, false);
      twin::out("prefix \"%s\" %u: %d", prefix, flags,
                SSL_CONF_CTX_set1_prefix(setup.conf, prefix));
      for (const char* name : {"ssl-groups", "SSL-groups", "--groups", "groups", "-groups", "ssl-",
                               "SSLGroups", "sslgroups", "SSL"}) {
        int returned = SSL_CONF_cmd(setup.conf, name, "P-256");
        twin::out("  %s: %d type %d [%s]", name, returned,
                  SSL_CONF_cmd_value_type(setup.conf, name), twin::errors().c_str());
      }
      SSL_CONF_CTX_set1_prefix(setup.conf, nullptr);
      twin::out("  none: %d %d", SSL_CONF_cmd(setup.conf, "-groups", "P-256"),
                SSL_CONF_cmd(setup.conf, "groups", "P-256"));
    }
  }
}

void value_types() {
  for (unsigned int flags : {0u, kServer, kClient, kServer | kCertificate}) {
    Setup setup(SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_CMDLINE | flags, false);
    std::string row;
    for (const char* name : {"-no_tls1",        "-serverpref",    "-SignatureAlgorithms",
                             "-Protocol",       "-MinProtocol",   "-Certificate",
                             "-cert",           "-PrivateKey",    "-key",
                             "-ServerInfoFile", "-ChainCAPath",   "-ChainCAFile",
                             "-ChainCAStore",   "-VerifyCAPath",  "-RequestCAFile",
                             "-ClientCAFile",   "-RequestCAPath", "-ClientCAPath",
                             "-RequestCAStore", "-ClientCAStore", "-DHParameters",
                             "-RecordPadding",  "-NumTickets",    "-nosuch",
                             "nosuch"}) {
      row += twin::text(" %s=%d", name, SSL_CONF_cmd_value_type(setup.conf, name));
    }
    twin::out("%x%s", flags, row.c_str());
  }
  SSL_CONF_CTX* conf = SSL_CONF_CTX_new();
  twin::out("flags %x %x %x", SSL_CONF_CTX_set_flags(conf, 0x3), SSL_CONF_CTX_set_flags(conf, 0x4),
            SSL_CONF_CTX_clear_flags(conf, 0x2));
  SSL_CONF_CTX_free(conf);
}

void arguments() {
  Setup setup(kClient | kServer | SSL_CONF_FLAG_FILE, false);
  const char* words[] = {"-no_tls1", "-groups", "P-256",         "-cipher", "nosuch",
                         "-unknown", "x",       "-min_protocol", nullptr};
  char** argv = const_cast<char**>(words);
  int argc = 8;
  for (int i = 0; i < 12 && argc > 0; i++) {
    int returned = SSL_CONF_cmd_argv(setup.conf, &argc, &argv);
    twin::out("%d left %d at %s [%s]", returned, argc, *argv ? *argv : "(null)",
              twin::errors().c_str());
    if (returned <= 0) {
      argv++;
      argc--;
    }
  }
  twin::out("none: %d", SSL_CONF_cmd_argv(setup.conf, &argc, &argv));
  char** again = const_cast<char**>(words);
  twin::out("no count: %d %s", SSL_CONF_cmd_argv(setup.conf, nullptr, &again), *again);
}

void sections() {
  Setup setup(0, false);
  twin::out("ctx %d [%s]", SSL_CTX_config(setup.ctx, "nosuch"), twin::errors().c_str());
  twin::out("ssl %d [%s]", SSL_config(setup.ssl, "nosuch"), twin::errors().c_str());
  twin::out("null %d [%s]", SSL_CTX_config(nullptr, "nosuch"), twin::errors().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run({{"switches", switches},
                    {"values_on_command_line", values_on_command_line},
                    {"values_in_files", values_in_files},
                    {"files", files},
                    {"certificate_with_key", certificate_with_key},
                    {"without_object", without_object},
                    {"prefixes", prefixes},
                    {"value_types", value_types},
                    {"arguments", arguments},
                    {"sections", sections}},
                   argc, argv);
}
