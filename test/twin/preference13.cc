// Which suite of TLS 1.3 is chosen, also with the pre-shared keys of TLS <= 1.2's callbacks, whose
// hash is SHA-256.
#include "support/loggers.h"

namespace {
using namespace twin;

unsigned int client_psk(SSL*, const char*, char* identity, unsigned int size, unsigned char* key,
                        unsigned int key_size) {
  std::snprintf(identity, size, "somebody");
  std::memset(key, 'k', std::min(32u, key_size));
  return 32;
}

unsigned int server_psk(SSL*, const char*, unsigned char* key, unsigned int key_size) {
  std::memset(key, 'k', std::min(32u, key_size));
  return 32;
}

struct Lists {
  const char *client, *server;
};

constexpr const char* kAes128 = "TLS_AES_128_GCM_SHA256";
constexpr const char* kAes256 = "TLS_AES_256_GCM_SHA384";
constexpr const char* kAll =
    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
constexpr const char* kChachaFirst =
    "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256";
constexpr const char* kNoChacha = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256";
constexpr Lists kLists[] = {
    {kAll, kAll},         {kAll, kNoChacha},         {kNoChacha, kAll},
    {kChachaFirst, kAll}, {kChachaFirst, kNoChacha}, {kAes256, kAll},
    {kAll, kAes256},      {kAes128, kAll},           {kAes128, kAes256},
};

void choose(const std::string& certificate, bool with_key) {
  for (const Lists& lists : kLists) {
    for (uint64_t options :
         {uint64_t{0}, uint64_t{SSL_OP_CIPHER_SERVER_PREFERENCE},
          uint64_t{SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA}}) {
      Peers peers = make_peers({.certificate = certificate,
                                .client_context =
                                    [=](SSL_CTX* c) {
                                      SSL_CTX_set_ciphersuites(c, lists.client);
                                      if (with_key) SSL_CTX_set_psk_client_callback(c, client_psk);
                                    },
                                .server_context =
                                    [=](SSL_CTX* c) {
                                      SSL_CTX_set_ciphersuites(c, lists.server);
                                      SSL_CTX_set_options(c, options);
                                      if (with_key) SSL_CTX_set_psk_server_callback(c, server_psk);
                                    }});
      link_memory(peers);
      Result result = handshake(peers);
      out("%s against %s, options %#lx: %s, %s, resumed %d", lists.client, lists.server, options,
          result.said().c_str(), SSL_get_cipher_name(peers.server.get()),
          SSL_session_reused(peers.server.get()));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  return run({{"certificate", [] { choose("server-ed25519", false); }},
              {"certificate-and-key", [] { choose("server-ed25519", true); }},
              {"key-alone", [] { choose("", true); }}},
             argc, argv);
}
