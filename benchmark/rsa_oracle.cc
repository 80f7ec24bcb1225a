// Does a server tell by its time whether an RSA-encrypted premaster secret was well formed
// (RFC 5246 7.4.7.1)? Every kind of ciphertext must take as long as the good one.
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>

#include "measure.h"

namespace bench {
namespace {

constexpr size_t kModulusLength = 256;
constexpr size_t kPremasterLength = 48;

using Block = std::array<unsigned char, kModulusLength>;
using KeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;

struct Kind {
  const char* name;
  void (*spoil)(Block& block);
};

constexpr size_t kVersionAt = kModulusLength - kPremasterLength;

constexpr Kind kKinds[] = {
    {"good", [](Block&) {}},
    {"wrong-version", [](Block& block) { block[kVersionAt] ^= 1; }},
    {"no-separator", [](Block& block) { block[kVersionAt - 1] = 0x55; }},
    {"early-separator", [](Block& block) { block[20] = 0; }},
    {"wrong-block-type", [](Block& block) { block[1] = 1; }},
    {"short-padding", [](Block& block) { block[4] = 0; }},
};

// PKCS #1 v1.5 encryption block with a premaster secret of TLS 1.2.
Block good_block() {
  Block block;
  check(RAND_bytes(block.data(), static_cast<int>(block.size())) == 1, "RAND_bytes");
  for (unsigned char& byte : block) byte |= 1;  // padding has no zeros
  block[0] = 0;
  block[1] = 2;
  block[kVersionAt - 1] = 0;
  block[kVersionAt] = 3;
  block[kVersionAt + 1] = 3;
  return block;
}

// The record of a ClientKeyExchange with the block, encrypted as it is.
std::vector<unsigned char> key_exchange(SSL* server, const Block& block) {
  EVP_PKEY* key = X509_get0_pubkey(SSL_get_certificate(server));
  KeyContextPtr context(EVP_PKEY_CTX_new(key, nullptr));
  std::vector<unsigned char> record = {22, 3, 3, 1, 6, 16, 0, 1, 2, 1, 0};
  const size_t header = record.size();
  record.resize(header + kModulusLength);
  size_t length = kModulusLength;
  check(EVP_PKEY_encrypt_init(context.get()) == 1 &&
            EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING) == 1 &&
            EVP_PKEY_encrypt(context.get(), record.data() + header, &length, block.data(),
                             block.size()) == 1,
        "EVP_PKEY_encrypt");
  return record;
}

// CPU time of the server's call that takes in the ClientKeyExchange.
double time_one(const Contexts& contexts, const Kind& kind) {
  SslPtr client = new_client(contexts);
  SslPtr server = new_server(contexts);
  BIO* to_server = BIO_new(BIO_s_mem());
  BIO* to_client = BIO_new(BIO_s_mem());
  BIO_up_ref(to_server);
  BIO_up_ref(to_client);
  SSL_set_bio(client.get(), to_client, to_server);
  SSL_set_bio(server.get(), to_server, to_client);
  check(!advance(client.get()) && !advance(server.get()), "the hellos");
  Block block = good_block();
  kind.spoil(block);
  const std::vector<unsigned char> record = key_exchange(server.get(), block);
  check(BIO_write(to_server, record.data(), static_cast<int>(record.size())) > 0, "BIO_write");
  const std::int64_t start = thread_cpu_ns();
  check(!advance(server.get()), "the server has refused the ciphertext");
  return static_cast<double>(thread_cpu_ns() - start);
}

}  // namespace

void measure_rsa_oracle(const std::string& name, bool quick) {
  const Contexts contexts(
      {.key = KeyKind::kRsa2048, .version = TLS1_2_VERSION, .suite = "AES128-GCM-SHA256"});
  const int rounds = quick ? 20 : 300;
  std::vector<double> times[std::size(kKinds)];
  for (int round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < std::size(kKinds); ++i) {
      // In another order each time, so that what comes before does not tell them apart.
      const size_t kind = (i * 5 + static_cast<size_t>(round)) % std::size(kKinds);
      times[kind].push_back(time_one(contexts, kKinds[kind]));
    }
  }
  for (size_t i = 0; i < std::size(kKinds); ++i) {
    print_row(name + "." + kKinds[i].name, "us", median(times[i]) / 1000);
  }
}

}  // namespace bench
