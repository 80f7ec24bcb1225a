#include "config/credentials.h"

namespace handfast {

namespace {

template <typename Owner, typename T>
void share(Owner& to, T* object, int (*up_ref)(T*)) {
  if (object != nullptr) up_ref(object);
  to.reset(object);
}

bool copy(Credential& to, const Credential& from) {
  share(to.certificate, from.certificate.get(), X509_up_ref);
  share(to.private_key, from.private_key.get(), EVP_PKEY_up_ref);
  to.chain.reset();
  if (from.chain != nullptr) {
    to.chain.reset(X509_chain_up_ref(from.chain.get()));
    if (to.chain == nullptr) return false;
  }
  return to.server_info.assign(from.server_info.view());
}

}  // namespace

bool Credentials::copy_from(const Credentials& other) {
  for (size_t i = 0; i < kKeySlotCount; ++i) {
    if (!copy(slots[i], other.slots[i])) return false;
  }
  current = other.current;
  share(chain_store, other.chain_store.get(), X509_STORE_up_ref);
  share(verify_store, other.verify_store.get(), X509_STORE_up_ref);
  callback = other.callback;
  callback_argument = other.callback_argument;
  share(dh_params, other.dh_params.get(), EVP_PKEY_up_ref);
  dh_callback = other.dh_callback;
  dh_auto = other.dh_auto;
  if (!custom_extensions.assign(other.custom_extensions.view())) return false;
  psk_identity_hint.reset();
  if (other.psk_identity_hint == nullptr) return true;
  psk_identity_hint.reset(OPENSSL_strdup(other.psk_identity_hint.get()));
  return psk_identity_hint != nullptr;
}

}  // namespace handfast
