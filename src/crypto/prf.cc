#include "crypto/prf.h"

#include <openssl/crypto.h>

#include "crypto/hash.h"

namespace handfast {

namespace {

// The label and what follows it.
struct Seed {
  View parts[1 + kMaxPrfSeeds];

  [[nodiscard]] bool mac(const Hmac& hmac, View before, uint8_t* out) const {
    return hmac.compute({before, parts[0], parts[1], parts[2], parts[3], parts[4]}, out);
  }
};

// RFC 5246 5: P_hash, exclusive-ored into `out`.
bool expand(const EVP_MD* md, View secret, const Seed& seed, std::span<uint8_t> out) {
  Hmac hmac;
  if (md == nullptr || !hmac.start(md, secret)) return false;
  size_t size = hmac.size();
  uint8_t a[EVP_MAX_MD_SIZE];  // A(i)
  uint8_t block[EVP_MAX_MD_SIZE];
  bool ok = seed.mac(hmac, {}, a);
  for (size_t at = 0; ok && at < out.size(); at += size) {
    if (at != 0) ok = hmac.compute({{a, size}}, a);
    ok = ok && seed.mac(hmac, {a, size}, block);
    for (size_t i = 0; ok && i < size && at + i < out.size(); ++i) out[at + i] ^= block[i];
  }
  OPENSSL_cleanse(a, sizeof a);
  OPENSSL_cleanse(block, sizeof block);
  return ok;
}

}  // namespace

bool prf(const Algorithms& algorithms, HashId hash, View secret, std::string_view label,
         std::initializer_list<View> seeds, std::span<uint8_t> out) {
  if (seeds.size() > kMaxPrfSeeds) return false;
  Seed seed = {{as_view(label)}};
  size_t count = 1;
  for (View part : seeds) seed.parts[count++] = part;
  OPENSSL_cleanse(out.data(), out.size());
  bool ok = false;
  if (hash != HashId::md5_sha1) {
    ok = expand(algorithms.hash(hash), secret, seed, out);
  } else {
    // RFC 4346 5: the halves of the secret share its middle byte when its length is odd.
    size_t half = secret.size() - secret.size() / 2;
    ok = expand(algorithms.hash(HashId::md5), secret.first(half), seed, out) &&
         expand(algorithms.hash(HashId::sha1), secret.last(half), seed, out);
  }
  if (!ok) OPENSSL_cleanse(out.data(), out.size());
  return ok;
}

HashId handshake_hash(const CipherSuite& suite, uint16_t version) {
  if (version < TLS1_2_VERSION) return HashId::md5_sha1;
  // RFC 5246 5: a suite older than TLS 1.2 has SHA-256 there.
  return suite.hash == HashId::md5_sha1 ? HashId::sha256 : suite.hash;
}

}  // namespace handfast
