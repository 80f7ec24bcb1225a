#include "crypto/key_share.h"

#include <openssl/core_names.h>
#include <openssl/ssl.h>

namespace handfast {

namespace {

constexpr size_t kUncompressedPoint = 0x04;

Verdict bad_share() {
  return fatal(Alert::illegal_parameter, SSL_R_BAD_ECPOINT);
}

// The share is well formed, but nothing can be agreed with it.
Verdict no_agreement() {
  return fatal(Alert::illegal_parameter, SSL_R_BAD_KEY_SHARE);
}

bool is_foreign(const Group& group) {
  return group.kind == Group::Kind::foreign || group.kind == Group::Kind::foreign_kem;
}

EvpPkeyCtxPtr context_of(const Algorithms& algorithms, EVP_PKEY* key) {
  return EvpPkeyCtxPtr(
      EVP_PKEY_CTX_new_from_pkey(algorithms.library(), key, algorithms.property_query()));
}

using Init = int (*)(EVP_PKEY_CTX* context);

// A new key of the group; with EVP_PKEY_paramgen_init its parameters alone.
EvpPkeyPtr make_key(const Algorithms& algorithms, const Group& group, Init init) {
  EvpPkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(algorithms.library(), group.algorithm,
                                                   algorithms.property_query()));
  EVP_PKEY* key = nullptr;
  bool made = context != nullptr && init(context.get()) == 1 &&
              (group.kind == Group::Kind::xdh ||
               EVP_PKEY_CTX_set_group_name(context.get(), group.name) == 1) &&
              EVP_PKEY_generate(context.get(), &key) == 1;
  return EvpPkeyPtr(made ? key : nullptr);
}

// RFC 8446 4.2.8: key_exchange<1..2^16-1>.
Verdict read_foreign_public(EVP_PKEY* key, Bytes& out) {
  constexpr size_t kLongest = 0xffff;
  unsigned char* encoded = nullptr;
  size_t length = EVP_PKEY_get1_encoded_public_key(key, &encoded);
  if (length == 0 || length > kLongest) {
    OPENSSL_free(encoded);
    return internal_error(ERR_R_EVP_LIB);
  }
  bool copied = out.assign({encoded, length});
  OPENSSL_free(encoded);
  return copied ? success() : malloc_failure();
}

Verdict read_public(EVP_PKEY* key, const Group& group, Bytes& out) {
  if (is_foreign(group)) return read_foreign_public(key, out);
  if (!out.resize(group.share_length)) return malloc_failure();
  size_t length = out.size();
  bool ok = group.kind == Group::Kind::xdh
                ? EVP_PKEY_get_raw_public_key(key, out.data(), &length) == 1
                : EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
                                                  out.data(), out.size(), &length) == 1;
  return ok && length == out.size() ? success() : internal_error(ERR_R_EVP_LIB);
}

// libcrypto's object of the peer's share, checked as RFC 8446 4.2.8.1 and 4.2.8.2 want: a point
// on the curve, a number between 1 and p - 1.
Verdict import_peer(const Algorithms& algorithms, const Group& group, EVP_PKEY* own, View peer,
                    EvpPkeyPtr& out) {
  if (group.share_length != 0 && peer.size() != group.share_length) return bad_share();
  if (group.kind == Group::Kind::xdh) {
    out.reset(EVP_PKEY_new_raw_public_key_ex(
        algorithms.library(), group.name, algorithms.property_query(), peer.data(), peer.size()));
    return out != nullptr ? success() : bad_share();
  }
  if (group.kind == Group::Kind::ecp && peer[0] != kUncompressedPoint) return bad_share();
  out.reset(EVP_PKEY_new());
  if (out == nullptr) return malloc_failure();
  if (EVP_PKEY_copy_parameters(out.get(), own) != 1) return internal_error(ERR_R_EVP_LIB);
  if (EVP_PKEY_set1_encoded_public_key(out.get(), peer.data(), peer.size()) != 1) {
    return bad_share();
  }
  return success();
}

// RFC 8446 7.4.2: an all-zero result means a point of small order.
bool all_zero(View bytes) {
  uint8_t any = 0;
  for (uint8_t byte : bytes) any |= byte;
  return any == 0;
}

}  // namespace

Verdict KeyShare::generate(const Algorithms& algorithms, const Group& group) {
  key_ = make_key(algorithms, group, EVP_PKEY_keygen_init);
  if (key_ == nullptr) return internal_error(ERR_R_EVP_LIB);
  group_ = &group;
  return read_public(key_.get(), group, public_);
}

Verdict KeyShare::respond(const Algorithms& algorithms, const Group& group, View peer,
                          Bytes& shared_secret) {
  if (group.kind == Group::Kind::foreign_kem) {
    group_ = &group;
    return encapsulate(algorithms, peer, shared_secret);
  }
  HANDFAST_CHECK(generate(algorithms, group));
  return derive(algorithms, peer, shared_secret);
}

Verdict KeyShare::encapsulate(const Algorithms& algorithms, View peer, Bytes& shared_secret) {
  peer_key_ = make_key(algorithms, *group_, EVP_PKEY_paramgen_init);
  if (peer_key_ == nullptr) return internal_error();
  if (EVP_PKEY_set1_encoded_public_key(peer_key_.get(), peer.data(), peer.size()) != 1) {
    return bad_share();
  }
  EvpPkeyCtxPtr context = context_of(algorithms, peer_key_.get());
  size_t length = 0;
  size_t secret_length = 0;
  if (context == nullptr || EVP_PKEY_encapsulate_init(context.get(), nullptr) != 1 ||
      EVP_PKEY_encapsulate(context.get(), nullptr, &length, nullptr, &secret_length) != 1 ||
      length == 0 || secret_length == 0) {
    return internal_error();
  }
  if (!public_.resize(length) || !shared_secret.resize(secret_length)) return malloc_failure();
  if (EVP_PKEY_encapsulate(context.get(), public_.data(), &length, shared_secret.data(),
                           &secret_length) != 1) {
    return no_agreement();
  }
  public_.truncate(length);
  shared_secret.truncate(secret_length);
  return success();
}

Verdict KeyShare::decapsulate(const Algorithms& algorithms, View peer, Bytes& shared_secret) {
  EvpPkeyCtxPtr context = context_of(algorithms, key_.get());
  size_t length = 0;
  if (context == nullptr || EVP_PKEY_decapsulate_init(context.get(), nullptr) != 1 ||
      EVP_PKEY_decapsulate(context.get(), nullptr, &length, peer.data(), peer.size()) != 1) {
    return internal_error();
  }
  if (!shared_secret.resize(length)) return malloc_failure();
  if (EVP_PKEY_decapsulate(context.get(), shared_secret.data(), &length, peer.data(),
                           peer.size()) != 1) {
    return internal_error();
  }
  shared_secret.truncate(length);
  return success();
}

Verdict KeyShare::derive(const Algorithms& algorithms, View peer, Bytes& shared_secret) {
  if (key_ == nullptr) return internal_error();
  if (group_->kind == Group::Kind::foreign_kem) {
    return decapsulate(algorithms, peer, shared_secret);
  }
  HANDFAST_CHECK(import_peer(algorithms, *group_, key_.get(), peer, peer_key_));
  EvpPkeyCtxPtr context = context_of(algorithms, key_.get());
  if (context == nullptr || EVP_PKEY_derive_init(context.get()) != 1) {
    return internal_error(ERR_R_EVP_LIB);
  }
  // The import has checked the share; libcrypto's own validation would cost as much again. The
  // curves of TLS <= 1.2 have cofactors, and points of small order; a foreign group may have any.
  int validate = is_foreign(*group_) || !group_->fits_tls13() ? 1 : 0;
  if (EVP_PKEY_derive_set_peer_ex(context.get(), peer_key_.get(), validate) != 1) {
    return validate == 0 ? internal_error(ERR_R_EVP_LIB) : bad_share();
  }
  // RFC 8446 7.4.1: leading zeros of Z are kept in TLS 1.3.
  if (group_->kind == Group::Kind::ffdhe && EVP_PKEY_CTX_set_dh_pad(context.get(), 1) != 1) {
    return internal_error(ERR_R_EVP_LIB);
  }
  size_t length = 0;
  if (EVP_PKEY_derive(context.get(), nullptr, &length) != 1) return internal_error(ERR_R_EVP_LIB);
  if (!shared_secret.resize(length)) return malloc_failure();
  bool derived = EVP_PKEY_derive(context.get(), shared_secret.data(), &length) == 1;
  if (!derived || (group_->kind == Group::Kind::xdh && all_zero(shared_secret.view()))) {
    return no_agreement();
  }
  shared_secret.truncate(length);
  return success();
}

}  // namespace handfast
