#include "crypto/dh_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/dh.h>
#include <openssl/param_build.h>

namespace handfast {
namespace {

using BnPtr = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using ParamBuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, FreeWith<OSSL_PARAM_BLD_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, FreeWith<OSSL_PARAM_free>>;

constexpr unsigned kGenerator = 2;

// The primes of RFC 2409 and RFC 3526, as OpenSSL chooses among them.
BIGNUM* prime_for(int security_bits) {
  if (security_bits >= 192) return BN_get_rfc3526_prime_8192(nullptr);
  if (security_bits >= 152) return BN_get_rfc3526_prime_4096(nullptr);
  if (security_bits >= 128) return BN_get_rfc3526_prime_3072(nullptr);
  if (security_bits >= 112) return BN_get_rfc3526_prime_2048(nullptr);
  return BN_get_rfc2409_prime_1024(nullptr);
}

BnPtr number(View bytes) {
  return BnPtr(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
}

// A key of prime, generator and, unless it is nullptr, public value.
EvpPkeyPtr make_key(const Algorithms& algorithms, int selection, const BIGNUM* p, const BIGNUM* g,
                    const BIGNUM* public_value) {
  ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_FFC_P, p) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_FFC_G, g) != 1 ||
      (public_value != nullptr &&
       OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, public_value) != 1)) {
    return nullptr;
  }
  ParamsPtr parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  EvpPkeyCtxPtr context(
      EVP_PKEY_CTX_new_from_name(algorithms.library(), "DH", algorithms.property_query()));
  EVP_PKEY* key = nullptr;
  if (parameters == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, selection, parameters.get()) != 1) {
    return nullptr;
  }
  return EvpPkeyPtr(key);
}

// One of a key's numbers with at least `length` bytes, zeros in front.
Verdict read_number(const EVP_PKEY* key, const char* name, size_t length, Bytes& out) {
  BIGNUM* value = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &value) != 1) return internal_error();
  BnPtr owned(value);
  size_t needed = static_cast<size_t>(BN_num_bytes(value));
  if (needed > length) length = needed;
  if (!out.resize(length)) return malloc_failure();
  if (BN_bn2binpad(value, out.data(), static_cast<int>(length)) < 0) return internal_error();
  return success();
}

}  // namespace

EvpPkeyPtr standard_dh_parameters(const Algorithms& algorithms, int security_bits) {
  BnPtr p(prime_for(security_bits));
  BnPtr g(BN_new());
  if (p == nullptr || g == nullptr || BN_set_word(g.get(), kGenerator) != 1) return nullptr;
  return make_key(algorithms, EVP_PKEY_KEY_PARAMETERS, p.get(), g.get(), nullptr);
}

EvpPkeyPtr dh_parameters_of(const DH* dh) {
  if (dh == nullptr) return nullptr;
  EvpPkeyPtr key(EVP_PKEY_new());
  if (key == nullptr || EVP_PKEY_set1_DH(key.get(), const_cast<DH*>(dh)) != 1) return nullptr;
  return key;
}

Verdict generate_dh_key(const Algorithms& algorithms, EVP_PKEY* parameters, EvpPkeyPtr& out) {
  EvpPkeyCtxPtr context(
      EVP_PKEY_CTX_new_from_pkey(algorithms.library(), parameters, algorithms.property_query()));
  EVP_PKEY* key = nullptr;
  if (context == nullptr || EVP_PKEY_keygen_init(context.get()) != 1 ||
      EVP_PKEY_generate(context.get(), &key) != 1) {
    return internal_error();
  }
  out.reset(key);
  return success();
}

Verdict read_dh_key(const EVP_PKEY* key, DhNumbers& out) {
  HANDFAST_CHECK(read_number(key, OSSL_PKEY_PARAM_FFC_P, 0, out.p));
  HANDFAST_CHECK(read_number(key, OSSL_PKEY_PARAM_FFC_G, 0, out.g));
  return read_number(key, OSSL_PKEY_PARAM_PUB_KEY, out.p.size(), out.public_value);
}

Verdict import_dh_server_key(const Algorithms& algorithms, View p, View g, View public_value,
                             EvpPkeyPtr& out) {
  BnPtr prime = number(p);
  BnPtr generator = number(g);
  BnPtr value = number(public_value);
  if (prime == nullptr || generator == nullptr || value == nullptr) return malloc_failure();
  out = make_key(algorithms, EVP_PKEY_KEYPAIR, prime.get(), generator.get(), value.get());
  if (out == nullptr) return internal_error(SSL_R_BAD_DH_VALUE);
  EvpPkeyCtxPtr context(
      EVP_PKEY_CTX_new_from_pkey(algorithms.library(), out.get(), algorithms.property_query()));
  // The prime need not be a safe one: the key is used once.
  if (context == nullptr || EVP_PKEY_param_check_quick(context.get()) != 1 ||
      EVP_PKEY_public_check(context.get()) != 1) {
    return fatal(Alert::illegal_parameter, SSL_R_BAD_DH_VALUE);
  }
  return success();
}

Verdict import_dh_client_key(EVP_PKEY* own, View public_value, EvpPkeyPtr& out) {
  out.reset(EVP_PKEY_new());
  if (out == nullptr) return malloc_failure();
  if (EVP_PKEY_copy_parameters(out.get(), own) != 1) {
    return internal_error(SSL_R_COPY_PARAMETERS_FAILED);
  }
  if (EVP_PKEY_set1_encoded_public_key(out.get(), public_value.data(), public_value.size()) != 1) {
    return fatal(Alert::illegal_parameter, SSL_R_BAD_KEY_SHARE);
  }
  return success();
}

Verdict derive_dh(const Algorithms& algorithms, EVP_PKEY* own, EVP_PKEY* peer,
                  Bytes& shared_secret) {
  EvpPkeyCtxPtr context(
      EVP_PKEY_CTX_new_from_pkey(algorithms.library(), own, algorithms.property_query()));
  size_t length = 0;
  if (context == nullptr || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), peer) != 1 ||
      EVP_PKEY_derive(context.get(), nullptr, &length) != 1) {
    return internal_error();
  }
  if (!shared_secret.resize(length)) return malloc_failure();
  if (EVP_PKEY_derive(context.get(), shared_secret.data(), &length) != 1) return internal_error();
  shared_secret.truncate(length);
  return success();
}

}  // namespace handfast
