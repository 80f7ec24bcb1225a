// openssl-ciphers(1): what cipher strings of every kind make of the list of suites.
#include <openssl/ssl.h>

#include "support/report.h"

namespace {

std::string names(const STACK_OF(SSL_CIPHER) * list) {
  std::string result;
  for (int i = 0; i < sk_SSL_CIPHER_num(list); i++) {
    result += std::string(i ? ":" : "") + SSL_CIPHER_get_name(sk_SSL_CIPHER_value(list, i));
  }
  return result;
}

// After a failure only the error counts: differences.txt and docs/differences.md say why.
void try_string(const char* rules) {
  SSL_CTX* ctx = SSL_CTX_new(TLS_method());
  int returned = SSL_CTX_set_cipher_list(ctx, rules);
  twin::out("\"%s\": %d [%s]", rules, returned, twin::errors().c_str());
  if (returned == 1) {
    twin::out("  level %d", SSL_CTX_get_security_level(ctx));
    twin::out("  %s", names(SSL_CTX_get_ciphers(ctx)).c_str());
    SSL* ssl = SSL_new(ctx);
    STACK_OF(SSL_CIPHER)* supported = SSL_get1_supported_ciphers(ssl);
    twin::out("  supported %s", supported ? names(supported).c_str() : "none");
    sk_SSL_CIPHER_free(supported);
    SSL_free(ssl);
  }
  SSL_CTX_free(ctx);
}

void try_all(const std::vector<const char*>& strings) {
  for (const char* rules : strings) try_string(rules);
}

void defaults() {
  try_all({"DEFAULT", "DEFAULT:", "DEFAULT:!aNULL", "DEFAULT@SECLEVEL=1", "DEFAULT:@SECLEVEL=0",
           "DEFAULT:-SHA", "DEFAULT:+AES128", "DEFAULTX", "DEFAULT:eNULL", "ALL:DEFAULT",
           "ALL:!COMPLEMENTOFDEFAULT:!eNULL", "COMPLEMENTOFDEFAULT", "COMPLEMENTOFALL", "ALL",
           "ALL:COMPLEMENTOFALL", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", "ALL:eNULL:@STRENGTH",
           "ALL:!ADH:@STRENGTH", "ALL:!aNULL:!eNULL:@STRENGTH"});
}

// Strings that well-known programs have as their default or in their documentation.
void programs() {
  try_all({
      "HIGH:!aNULL:!MD5",
      "HIGH:!aNULL:!eNULL",
      "HIGH:!aNULL:!kRSA:!PSK:!SRP:!MD5:!RC4",
      "HIGH:MEDIUM:+3DES:!aNULL",
      "HIGH:MEDIUM:!aNULL",
      "ALL:!EXPORT:!EXPORT40:!EXPORT56:!aNULL:!LOW:!RC4:@STRENGTH",
      "ALL:!EXPORT:!LOW:!aNULL:!eNULL:!SSLv2",
      "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDH+AESGCM:DH+AESGCM:ECDH+AES:DH+AES:"
      "RSA+AESGCM:RSA+AES:!aNULL:!eNULL:!MD5:!3DES",
      "@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:DHE+AES:!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM",
      "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
      "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
      "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384",
      "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384",
      "EECDH+AESGCM:EDH+AESGCM",
      "EECDH+ECDSA+AESGCM EECDH+aRSA+AESGCM EECDH+ECDSA+SHA384 EECDH+ECDSA+SHA256 "
      "EECDH+aRSA+SHA384 "
      "EECDH+aRSA+SHA256 EECDH+aRSA+RC4 EECDH EDH+aRSA RC4 !aNULL !eNULL !LOW !3DES !MD5 !EXP !PSK "
      "!SRP !DSS",
      "ALL:!aNULL:!ADH:!eNULL:!LOW:!EXP:RC4+RSA:+HIGH:+MEDIUM",
      "kEECDH+ECDSA:kEECDH:kEDH:HIGH:+SHA:+RC4:!aNULL:!LOW:!EXP:!MD5",
      "TLSv1.2:!aNULL:!eNULL",
      "TLSv1.2+HIGH:!aNULL",
      "HIGH:!DSS:!aNULL@STRENGTH",
      "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH",
      "aNULL:-aNULL:ALL:!EXPORT:!LOW:+RC4:@STRENGTH",
      "PSK:!aNULL",
      "AES256-SHA:AES128-SHA",
      "ECDHE+AESGCM:ECDHE+CHACHA20",
      "FIPS:!aNULL",
      "!SSLv2:AES:HIGH",
  });
}

void operators() {
  try_all({"HIGH:-AES256",
           "HIGH:-AES256:AES256",
           "HIGH:!AES256:AES256",
           "HIGH:+AESGCM",
           "HIGH:+ECDHE:+kRSA",
           "+HIGH",
           "-HIGH",
           "!HIGH",
           "AES:-SHA:SHA+AES128",
           "AESGCM:CHACHA20:-ECDHE:ECDHE",
           "ALL:-ALL:AES256-SHA",
           "ALL:!ALL",
           "ALL:!ALL:ALL",
           "AES128+SHA",
           "AES128+SHA256+kRSA",
           "SHA+AES128+DHE",
           "ECDHE+ECDSA+AESGCM+AES256",
           "AES+eNULL",
           "ECDHE+RSA",
           "kRSA+aECDSA",
           "TLSv1.2+SSLv3",
           "TLSv1+TLSv1.0",
           "HIGH+MEDIUM",
           "HIGH+FIPS",
           "AES128-SHA+HIGH",
           "HIGH+AES128-SHA",
           "AES128-SHA+AES256-SHA",
           "AES128-SHA+COMPLEMENTOFDEFAULT",
           "ALL+COMPLEMENTOFDEFAULT",
           "COMPLEMENTOFDEFAULT+HIGH",
           "ALL:@STRENGTH",
           "AES128:AES256:@STRENGTH",
           "AES128:AES256:@STRENGTH:+AES256",
           "HIGH@STRENGTH",
           "HIGH:@STRENGTHX",
           "AES128,AES256",
           "AES128;AES256",
           "AES128 AES256",
           "AES128::AES256",
           ":AES128:",
           " AES128",
           "AES128 "});
}

void levels() {
  try_all({"ALL:@SECLEVEL=0", "ALL:@SECLEVEL=1", "ALL:@SECLEVEL=2", "ALL:@SECLEVEL=3",
           "ALL:@SECLEVEL=4", "ALL:@SECLEVEL=5", "ALL:@SECLEVEL=6", "ALL:@SECLEVEL=-1",
           "ALL:@SECLEVEL=", "ALL:@SECLEVEL=22", "ALL:@SECLEVEL=x", "ALL:@SECLEVEL",
           "@SECLEVEL=1:ALL", "@SECLEVEL=0", "@SECLEVEL=3:@SECLEVEL=1:AES", "ALL@SECLEVEL=1"});
}

void suite_b() {
  try_all({"SUITEB128", "SUITEB128ONLY", "SUITEB128C2", "SUITEB192", "SUITEB128:AES128-SHA",
           "SUITEB", "AES128-SHA:SUITEB128", "SUITEB192X"});
}

void aliases() {
  for (const char* word : {"LOW",
                           "MEDIUM",
                           "HIGH",
                           "FIPS",
                           "aNULL",
                           "eNULL",
                           "NULL",
                           "kRSA",
                           "kDHr",
                           "kDHd",
                           "kDH",
                           "kEDH",
                           "kDHE",
                           "kECDHr",
                           "kECDHe",
                           "kECDH",
                           "kEECDH",
                           "kECDHE",
                           "kPSK",
                           "kRSAPSK",
                           "kECDHEPSK",
                           "kDHEPSK",
                           "kGOST",
                           "kGOST18",
                           "kSRP",
                           "aRSA",
                           "aDSS",
                           "aDH",
                           "aECDH",
                           "aECDSA",
                           "aPSK",
                           "aGOST94",
                           "aGOST01",
                           "aGOST12",
                           "aGOST",
                           "aSRP",
                           "DSS",
                           "DH",
                           "DHE",
                           "EDH",
                           "ADH",
                           "RSA",
                           "ECDH",
                           "EECDH",
                           "ECDHE",
                           "AECDH",
                           "ECDSA",
                           "PSK",
                           "SRP",
                           "DES",
                           "3DES",
                           "RC4",
                           "RC2",
                           "IDEA",
                           "SEED",
                           "AES128",
                           "AES256",
                           "AES",
                           "AESGCM",
                           "AESCCM",
                           "AESCCM8",
                           "CAMELLIA",
                           "CHACHA20",
                           "GOST89",
                           "ARIA",
                           "ARIAGCM",
                           "ARIA128",
                           "ARIA256",
                           "CBC",
                           "MD5",
                           "SHA1",
                           "SHA",
                           "GOST94",
                           "GOST89MAC",
                           "GOST12",
                           "SHA256",
                           "SHA384",
                           "SSLv3",
                           "TLSv1",
                           "TLSv1.0",
                           "TLSv1.1",
                           "TLSv1.2",
                           "TLSv1.3",
                           "SSLv2",
                           "EXP",
                           "EXPORT",
                           "EXPORT40",
                           "CAMELLIA128",
                           "CAMELLIA256",
                           "GOST2012-GOST8912-GOST8912",
                           "EDH-RSA-DES-CBC3-SHA",
                           "EDH-DSS-DES-CBC3-SHA",
                           "GOST2001-GOST89-GOST89"}) {
    try_string(word);
    try_string((std::string(word) + ":@SECLEVEL=0").c_str());
    try_string((std::string("ALL:COMPLEMENTOFALL:!") + word + ":@SECLEVEL=0").c_str());
  }
}

void names_of_suites() {
  try_all({"ECDHE-RSA-AES128-GCM-SHA256", "AES128-SHA", "aes128-sha", "AES128-SHAX", "AES128_SHA",
           "TLS_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA", "NULL-MD5:@SECLEVEL=0",
           "DES-CBC3-SHA", "RC4-SHA:AES128-SHA", "SEED-SHA", "IDEA-CBC-SHA", "NOSUCH",
           "NOSUCH:AES128-SHA", "AES128-SHA:NOSUCH", "-AES128-SHA:AES128-SHA",
           "!AES128-SHA:AES128-SHA", "TLS_FALLBACK_SCSV", "AES128-SHA:AES128-SHA"});
}

void malformed() {
  try_all({"",
           ":",
           "!",
           "-",
           "+",
           "@",
           "@@",
           "!!AES",
           "--AES",
           "AES+",
           "+:AES",
           "AES+:HIGH",
           "AES++HIGH",
           "AES:@",
           "AES:@:HIGH",
           "AES:@NOSUCH",
           "AES:@NOSUCH:@STRENGTH",
           "@NOSUCH+AES:AES",
           "AES:#",
           "AES/HIGH",
           "AES:\"HIGH\"",
           "AES\tHIGH",
           "AES|HIGH",
           "_AES",
           "AES*",
           "%s",
           "\xff"});
  std::string huge(5000, 'A');
  try_string(("AES128-SHA:" + huge).c_str());
  SSL_CTX* ctx = SSL_CTX_new(TLS_method());
  twin::out("null: %d [%s]", SSL_CTX_set_cipher_list(ctx, nullptr), twin::errors().c_str());
  SSL_CTX_free(ctx);
}

void on_connection() {
  SSL_CTX* ctx = SSL_CTX_new(TLS_method());
  SSL* ssl = SSL_new(ctx);
  SSL* other = SSL_new(ctx);
  twin::out("same stack: %d", SSL_get_ciphers(ssl) == SSL_CTX_get_ciphers(ctx));
  twin::out("own: %d", SSL_set_cipher_list(ssl, "AES128-SHA:AES256-SHA:@SECLEVEL=1"));
  twin::out("own %s", names(SSL_get_ciphers(ssl)).c_str());
  twin::out("levels %d %d", SSL_get_security_level(ssl), SSL_CTX_get_security_level(ctx));
  twin::out("context: %d", SSL_CTX_set_cipher_list(ctx, "AES256-SHA256"));
  twin::out("own %s", names(SSL_get_ciphers(ssl)).c_str());
  twin::out("other %s", names(SSL_get_ciphers(other)).c_str());
  for (int i : {-1, 0, 3, 4, 5, 100}) {
    const char* name = SSL_get_cipher_list(ssl, i);
    twin::out("%d %s", i, name ? name : "(null)");
  }
  twin::out("no list: %d %d %d", SSL_get_ciphers(nullptr) != nullptr,
            SSL_get_cipher_list(nullptr, 0) != nullptr, SSL_CTX_get_ciphers(nullptr) != nullptr);
  twin::out("defaults %s %s", OSSL_default_cipher_list(), OSSL_default_ciphersuites());
  SSL_free(other);
  SSL_free(ssl);
  SSL_CTX_free(ctx);
}

void suites13(const char* value) {
  SSL_CTX* ctx = SSL_CTX_new(TLS_method());
  SSL_CTX_set_cipher_list(ctx, "AES128-SHA");
  int returned = SSL_CTX_set_ciphersuites(ctx, value);
  twin::out("\"%s\": %d [%s] %s", value, returned, twin::errors().c_str(),
            names(SSL_CTX_get_ciphers(ctx)).c_str());
  SSL* ssl = SSL_new(ctx);
  returned = SSL_set_ciphersuites(ssl, "TLS_AES_128_CCM_8_SHA256:TLS_AES_128_CCM_SHA256");
  twin::out("  own %d %s", returned, names(SSL_get_ciphers(ssl)).c_str());
  returned = SSL_CTX_set_ciphersuites(ctx, "TLS_AES_256_GCM_SHA384");
  twin::out("  own %s", names(SSL_get_ciphers(ssl)).c_str());
  SSL_free(ssl);
  SSL_CTX_free(ctx);
}

void ciphersuites() {
  for (const char* value :
       {"", "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256",
        "TLS_AES_128_GCM_SHA256:NOSUCH", "NOSUCH", "NOSUCH:NOSUCH2", ":",
        "::TLS_AES_128_GCM_SHA256", " TLS_AES_128_GCM_SHA256 : TLS_AES_256_GCM_SHA384 ",
        "tls_aes_128_gcm_sha256", "TLS_AES_128_GCM_SHA256,TLS_AES_256_GCM_SHA384", "AES128-SHA",
        "TLS_AES_128_GCM_SHA256:TLS_AES_128_GCM_SHA256"}) {
    suites13(value);
  }
  suites13(std::string(300, 'T').c_str());
}

void methods() {
  struct {
    const char* name;
    const SSL_METHOD* method;
  } all[] = {{"TLS", TLS_method()},         {"TLS client", TLS_client_method()},
             {"TLSv1", TLSv1_method()},     {"TLSv1.1", TLSv1_1_method()},
             {"TLSv1.2", TLSv1_2_method()}, {"DTLS", DTLS_method()},
             {"DTLSv1", DTLSv1_method()},   {"DTLSv1.2", DTLSv1_2_method()}};
  for (const auto& row : all) {
    SSL_CTX* ctx = SSL_CTX_new(row.method);
    SSL* ssl = SSL_new(ctx);
    STACK_OF(SSL_CIPHER)* supported = SSL_get1_supported_ciphers(ssl);
    twin::out("%s %s", row.name, names(SSL_CTX_get_ciphers(ctx)).c_str());
    twin::out("  supported %s", supported ? names(supported).c_str() : "none");
    twin::out("  suite b %d [%s]", SSL_CTX_set_cipher_list(ctx, "SUITEB128"),
              twin::errors().c_str());
    sk_SSL_CIPHER_free(supported);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
  }
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run({{"defaults", defaults},
                    {"programs", programs},
                    {"operators", operators},
                    {"levels", levels},
                    {"suite_b", suite_b},
                    {"aliases", aliases},
                    {"names_of_suites", names_of_suites},
                    {"malformed", malformed},
                    {"on_connection", on_connection},
                    {"ciphersuites", ciphersuites},
                    {"methods", methods}},
                   argc, argv);
}
