// SSL_CIPHER_get_name(3): everything about every suite.
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "support/report.h"

namespace {

const char* shown(const char* text) {
  return text ? text : "(null)";
}

void every_suite() {
  SSL_CTX* ctx = SSL_CTX_new(TLS_method());
  SSL* ssl = SSL_new(ctx);
  for (int id = 0; id < 65536; id++) {
    unsigned char bytes[] = {static_cast<unsigned char>(id >> 8), static_cast<unsigned char>(id)};
    const SSL_CIPHER* suite = SSL_CIPHER_find(ssl, bytes);
    if (!suite) continue;
    int algorithm_bits = -1;
    int bits = SSL_CIPHER_get_bits(suite, &algorithm_bits);
    const EVP_MD* digest = SSL_CIPHER_get_handshake_digest(suite);
    char description[256];
    SSL_CIPHER_description(suite, description, sizeof description);
    twin::out("%08x %04x %s %s %s %d/%d", SSL_CIPHER_get_id(suite),
              SSL_CIPHER_get_protocol_id(suite), SSL_CIPHER_get_name(suite),
              shown(SSL_CIPHER_standard_name(suite)), SSL_CIPHER_get_version(suite), bits,
              algorithm_bits);
    twin::out("  nids %d %d %d %d aead %d %s", SSL_CIPHER_get_cipher_nid(suite),
              SSL_CIPHER_get_digest_nid(suite), SSL_CIPHER_get_kx_nid(suite),
              SSL_CIPHER_get_auth_nid(suite), SSL_CIPHER_is_aead(suite),
              digest ? EVP_MD_get0_name(digest) : "no digest");
    std::string text = description;
    twin::out("  %s", text.substr(0, text.find('\n')).c_str());
    const char* standard = SSL_CIPHER_standard_name(suite);
    twin::out("  back: %s", standard ? OPENSSL_cipher_name(standard) : "-");
  }
  SSL_free(ssl);
  SSL_CTX_free(ctx);
}

void nothing() {
  int bits = 7;
  twin::out("%s %s %s %d %d %d", SSL_CIPHER_get_name(nullptr), SSL_CIPHER_get_version(nullptr),
            SSL_CIPHER_standard_name(nullptr), SSL_CIPHER_get_bits(nullptr, &bits), bits,
            SSL_CIPHER_get_cipher_nid(nullptr));
  twin::out("%s %s %s", OPENSSL_cipher_name(nullptr), OPENSSL_cipher_name("nosuch"),
            OPENSSL_cipher_name("AES128-SHA"));
}

void description() {
  const unsigned char id[] = {0x13, 0x01};
  SSL_CTX* ctx = SSL_CTX_new(TLS_method());
  SSL* ssl = SSL_new(ctx);
  const SSL_CIPHER* suite = SSL_CIPHER_find(ssl, id);
  char buffer[128];
  twin::out("127: %d, 128: %d", SSL_CIPHER_description(suite, buffer, 127) != nullptr,
            SSL_CIPHER_description(suite, buffer, 128) == buffer);
  char* own = SSL_CIPHER_description(suite, nullptr, 0);
  twin::out("own: %s", own);
  OPENSSL_free(own);
  SSL_free(ssl);
  SSL_CTX_free(ctx);
}

void from_bytes(const std::vector<unsigned char>& bytes, int version2) {
  SSL_CTX* ctx = SSL_CTX_new(TLS_method());
  SSL* ssl = SSL_new(ctx);
  STACK_OF(SSL_CIPHER)* suites = nullptr;
  STACK_OF(SSL_CIPHER)* signalling = nullptr;
  int returned =
      SSL_bytes_to_cipher_list(ssl, bytes.data(), bytes.size(), version2, &suites, &signalling);
  twin::out("%zu bytes: %d [%s]", bytes.size(), returned, twin::errors().c_str());
  for (const auto* list : {suites, signalling}) {
    for (int i = 0; i < sk_SSL_CIPHER_num(list); i++) {
      twin::out("  %s", SSL_CIPHER_get_name(sk_SSL_CIPHER_value(list, i)));
    }
    twin::out("  end %d", list != nullptr);
  }
  sk_SSL_CIPHER_free(suites);
  sk_SSL_CIPHER_free(signalling);
  SSL_free(ssl);
  SSL_CTX_free(ctx);
}

void bytes_to_list() {
  from_bytes({}, 0);
  from_bytes({0x13}, 0);
  from_bytes({0x13, 0x01, 0xc0}, 0);
  from_bytes({0x13, 0x01, 0xc0, 0x2f, 0x00, 0xff, 0x56, 0x00, 0x0a, 0x0a}, 0);
  from_bytes({0x0a, 0x0a}, 0);
  from_bytes({0x00, 0x00, 0x2f, 0x01, 0x00, 0x80, 0x00, 0x00, 0xff}, 1);
  from_bytes({0x00, 0x00, 0x2f, 0x01}, 1);
}

}  // namespace

int main(int argc, char** argv) {
  return twin::run({{"every_suite", every_suite},
                    {"nothing", nothing},
                    {"description", description},
                    {"bytes_to_list", bytes_to_list}},
                   argc, argv);
}
