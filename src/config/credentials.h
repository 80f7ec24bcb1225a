// Certificates with their private keys, and the callbacks that choose them.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>

#include "config/cow.h"
#include "config/custom_extension.h"
#include "wire/allocate.h"
#include "wire/array.h"
#include "wire/bytes.h"
#include "wire/crypto_types.h"

namespace handfast {

// One slot for each type of key, as OpenSSL's SSL_PKEY_* (a new certificate of the same type
// replaces the old one).
enum class KeySlot : uint8_t {
  rsa,
  rsa_pss,
  dsa,
  ecc,
  gost01,
  gost12_256,
  gost12_512,
  ed25519,
  ed448
};
constexpr size_t kKeySlotCount = 9;

// A certificate, its key and its chain. Any part may be missing while the application sets them
// one by one, in any order.
struct Credential {
  X509Ptr certificate;
  EvpPkeyPtr private_key;
  X509StackPtr chain;  // without the leaf; nullptr: none of its own
  Bytes server_info;   // SSL_CTX_use_serverinfo(3), version 2 layout
};

// SSL_CTX_set_cert_cb(3).
using CertificateCallback = int (*)(SSL* ssl, void* argument);

struct Credentials : Shared {
  Credential slots[kKeySlotCount];
  uint8_t current = 0;        // index of the slot set last: SSL_get_certificate, add0_chain_cert…
  X509StorePtr chain_store;   // SSL_CTX_set0_chain_cert_store; counted
  X509StorePtr verify_store;  // SSL_CTX_set0_verify_cert_store
  CertificateCallback callback = nullptr;
  void* callback_argument = nullptr;
  EvpPkeyPtr dh_params;  // SSL_CTX_set0_tmp_dh_pkey
  DH* (*dh_callback)(SSL* ssl, int is_export, int key_length) = nullptr;
  int dh_auto = 0;
  Array<CustomExtension> custom_extensions;  // SSL_CTX_add_custom_ext, in order
  UniqueString psk_identity_hint;            // SSL_CTX_use_psk_identity_hint; nullptr: none

  [[nodiscard]] bool copy_from(const Credentials& other);  // counted references, not deep copies
};

}  // namespace handfast
