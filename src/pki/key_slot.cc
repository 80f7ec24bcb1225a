#include "pki/key_slot.h"

#include <openssl/obj_mac.h>
#include <openssl/objects.h>

namespace handfast {
namespace {

// In the order of KeySlot.
constexpr int kKeyTypes[kKeySlotCount] = {
    EVP_PKEY_RSA,
    EVP_PKEY_RSA_PSS,
    EVP_PKEY_DSA,
    EVP_PKEY_EC,
    NID_id_GostR3410_2001,
    NID_id_GostR3410_2012_256,
    NID_id_GostR3410_2012_512,
    EVP_PKEY_ED25519,
    EVP_PKEY_ED448,
};

}  // namespace

bool slot_of_key(const EVP_PKEY* key, KeySlot& slot) {
  int type = EVP_PKEY_get_base_id(key);
  for (size_t i = 0; i < kKeySlotCount; ++i) {
    if (kKeyTypes[i] != type) continue;
    slot = static_cast<KeySlot>(i);
    return true;
  }
  // Keys that only a provider knows have no number, and may have one of their type's two names.
  for (size_t i = 0; i < kKeySlotCount; ++i) {
    if (EVP_PKEY_is_a(key, OBJ_nid2sn(kKeyTypes[i])) != 0 ||
        EVP_PKEY_is_a(key, OBJ_nid2ln(kKeyTypes[i])) != 0) {
      slot = static_cast<KeySlot>(i);
      return true;
    }
  }
  return false;
}

bool slot_of_scheme(const SignatureScheme& scheme, KeySlot& slot) {
  for (size_t i = 0; i < kKeySlotCount; ++i) {
    if (kKeyTypes[i] == scheme.key_type) {
      slot = static_cast<KeySlot>(i);
      return true;
    }
  }
  return false;
}

}  // namespace handfast
