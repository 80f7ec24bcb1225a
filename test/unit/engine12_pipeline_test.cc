// Reading with a cipher that takes several records at once: SSL_CTX_set_max_pipelines(3).
#include <gtest/gtest.h>
#include <openssl/aes.h>
#include <openssl/engine.h>

#include "support/peers.h"

namespace {

struct Schedule {
  AES_KEY key;
};

int set_key(EVP_CIPHER_CTX* context, const unsigned char* key, const unsigned char*, int encrypt) {
  auto* schedule = static_cast<Schedule*>(EVP_CIPHER_CTX_get_cipher_data(context));
  if (key == nullptr) return 1;
  int bits = EVP_CIPHER_CTX_get_key_length(context) * 8;
  int result = encrypt != 0 ? AES_set_encrypt_key(key, bits, &schedule->key)
                            : AES_set_decrypt_key(key, bits, &schedule->key);
  return result == 0 ? 1 : 0;
}

int crypt(EVP_CIPHER_CTX* context, unsigned char* out, const unsigned char* in, size_t length) {
  auto* schedule = static_cast<Schedule*>(EVP_CIPHER_CTX_get_cipher_data(context));
  AES_cbc_encrypt(in, out, length, &schedule->key, EVP_CIPHER_CTX_iv_noconst(context),
                  EVP_CIPHER_CTX_is_encrypting(context));
  return 1;
}

EVP_CIPHER* cipher = nullptr;

int engine_ciphers(ENGINE*, const EVP_CIPHER** out, const int** nids, int nid) {
  static const int kNids[] = {NID_aes_128_cbc};
  if (out == nullptr) {
    *nids = kNids;
    return 1;
  }
  *out = nid == NID_aes_128_cbc ? cipher : nullptr;
  return *out != nullptr;
}

// While it lives, AES-128-CBC is an ENGINE's that has pipelines.
class PipeliningEngine {
 public:
  PipeliningEngine() {
    cipher = EVP_CIPHER_meth_new(NID_aes_128_cbc, 16, 16);
    EVP_CIPHER_meth_set_iv_length(cipher, 16);
    EVP_CIPHER_meth_set_flags(cipher, EVP_CIPH_CBC_MODE | EVP_CIPH_FLAG_PIPELINE);
    EVP_CIPHER_meth_set_impl_ctx_size(cipher, sizeof(Schedule));
    EVP_CIPHER_meth_set_init(cipher, set_key);
    EVP_CIPHER_meth_set_do_cipher(cipher, crypt);
    ENGINE_set_id(engine_, "handfast-pipelines");
    ENGINE_set_name(engine_, "AES-128-CBC with pipelines");
    ENGINE_set_ciphers(engine_, engine_ciphers);
    EXPECT_EQ(ENGINE_set_default_ciphers(engine_), 1);
  }
  ~PipeliningEngine() {
    ENGINE_unregister_ciphers(engine_);
    ENGINE_free(engine_);
    EVP_CIPHER_meth_free(cipher);
  }
  PipeliningEngine(const PipeliningEngine&) = delete;
  PipeliningEngine& operator=(const PipeliningEngine&) = delete;

 private:
  ENGINE* engine_ = ENGINE_new();
};

// What the reads of a server give that has `pipelines`, after four records of five bytes.
std::vector<int> lengths_of_reads(long pipelines, int version, size_t room) {
  twin::Peers peers = twin::connected({.certificate = "server-rsa",
                                       .client_context =
                                           [](SSL_CTX* c) {
                                             SSL_CTX_set_security_level(c, 0);
                                             SSL_CTX_set_cipher_list(c, "AES128-SHA");
                                             SSL_CTX_set_min_proto_version(c, TLS1_VERSION);
                                           },
                                       .server_context =
                                           [=](SSL_CTX* c) {
                                             SSL_CTX_set_security_level(c, 0);
                                             SSL_CTX_set_cipher_list(c, "AES128-SHA");
                                             SSL_CTX_set_min_proto_version(c, TLS1_VERSION);
                                             SSL_CTX_set_max_proto_version(c, version);
                                           }});
  SSL* server = peers.server.get();
  EXPECT_EQ(SSL_set_max_pipelines(server, pipelines), 1);
  SSL_set_options(peers.client.get(), SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS);
  for (const char* part : {"aaaaa", "bbbbb", "ccccc", "ddddd"}) {
    EXPECT_EQ(SSL_write(peers.client.get(), part, 5), 5);
  }
  std::vector<int> lengths;
  std::string all, buffer(room, '\0');
  while (all.size() < 20) {
    int length = SSL_read(server, buffer.data(), static_cast<int>(room));
    if (length <= 0) break;
    lengths.push_back(length);
    all += buffer.substr(0, static_cast<size_t>(length));
  }
  EXPECT_EQ(all, "aaaaabbbbbcccccddddd");
  return lengths;
}

using Lengths = std::vector<int>;

TEST(Engine12Pipeline, OneReadGivesSeveralRecords) {
  PipeliningEngine engine;
  EXPECT_EQ(lengths_of_reads(4, TLS1_2_VERSION, 100), Lengths({20}));
  EXPECT_EQ(lengths_of_reads(3, TLS1_1_VERSION, 100), Lengths({15, 5}));
  EXPECT_EQ(lengths_of_reads(4, TLS1_2_VERSION, 7), Lengths({7, 7, 6}));
  EXPECT_EQ(lengths_of_reads(1, TLS1_2_VERSION, 100), Lengths({5, 5, 5, 5}));
  // The records of TLS 1.0 hang together by their IVs.
  EXPECT_EQ(lengths_of_reads(4, TLS1_VERSION, 100), Lengths({5, 5, 5, 5}));
}

TEST(Engine12Pipeline, OtherCiphersGiveOneRecord) {
  EXPECT_EQ(lengths_of_reads(4, TLS1_2_VERSION, 100), Lengths({5, 5, 5, 5}));
}

}  // namespace
