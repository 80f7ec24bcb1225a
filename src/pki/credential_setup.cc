#include "pki/credential_setup.h"

#include <openssl/err.h>

#include "config/security.h"
#include "pki/key_slot.h"

namespace handfast {
namespace {

bool refuse(int reason) {
  ERR_raise(ERR_LIB_SSL, reason);
  return false;
}

bool secure_enough(const CredentialOwner& owner, X509* certificate, bool leaf) {
  int reason = certificate_allowed(*owner.policy, owner.ssl, owner.ctx, certificate, false, leaf);
  return reason == 1 || refuse(reason);
}

bool secure_enough(const CredentialOwner& owner, STACK_OF(X509) * chain) {
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    if (!secure_enough(owner, sk_X509_value(chain, i), false)) return false;
  }
  return true;
}

Credentials* edit(const CredentialOwner& owner) {
  Credentials* credentials = owner.credentials.edit();
  if (credentials == nullptr) ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return credentials;
}

// The slot in a copy of our own, made the current one. nullptr: see the queue.
Credential* edit_slot(const CredentialOwner& owner, KeySlot slot) {
  Credentials* credentials = edit(owner);
  if (credentials == nullptr) return nullptr;
  credentials->current = static_cast<uint8_t>(slot);
  return &credentials->slots[credentials->current];
}

X509* counted(X509* certificate) {
  X509_up_ref(certificate);
  return certificate;
}

EVP_PKEY* counted(EVP_PKEY* key) {
  EVP_PKEY_up_ref(key);
  return key;
}

// Does the key in the slot go on with `certificate`? Its parameters may complete the certificate's
// key; what libcrypto says about the attempt concerns nobody.
bool key_matches(X509* certificate, EVP_PKEY* public_key, EVP_PKEY* private_key) {
  EVP_PKEY_copy_parameters(public_key, private_key);
  bool matches = X509_check_private_key(certificate, private_key) != 0;
  ERR_clear_error();
  return matches;
}

// Both keys have parameters afterwards, and belong together.
bool pair_up(EVP_PKEY* public_key, EVP_PKEY* private_key) {
  bool public_misses = EVP_PKEY_missing_parameters(public_key) != 0;
  bool private_misses = EVP_PKEY_missing_parameters(private_key) != 0;
  if (public_misses && private_misses) return refuse(SSL_R_MISSING_PARAMETERS);
  if (public_misses || private_misses) {
    EVP_PKEY* to = private_misses ? private_key : public_key;
    EVP_PKEY* from = private_misses ? public_key : private_key;
    if (EVP_PKEY_copy_parameters(to, from) == 0) return refuse(SSL_R_COPY_PARAMETERS_FAILED);
  }
  return EVP_PKEY_eq(public_key, private_key) == 1 || refuse(SSL_R_PRIVATE_KEY_MISMATCH);
}

bool empty(const Credential& credential) {
  return credential.certificate == nullptr && credential.private_key == nullptr &&
         credential.chain == nullptr;
}

}  // namespace

bool set_certificate(const CredentialOwner& owner, X509* certificate) {
  if (certificate == nullptr) return refuse(ERR_R_PASSED_NULL_PARAMETER);
  if (!secure_enough(owner, certificate, true)) return false;
  EVP_PKEY* public_key = X509_get0_pubkey(certificate);
  if (public_key == nullptr) return refuse(SSL_R_X509_LIB);
  KeySlot slot = KeySlot::rsa;
  if (!slot_of_key(public_key, slot)) return refuse(SSL_R_UNKNOWN_CERTIFICATE_TYPE);
  if (slot == KeySlot::ecc && EVP_PKEY_can_sign(public_key) == 0) {
    return refuse(SSL_R_ECC_CERT_NOT_FOR_SIGNING);
  }
  Credential* credential = edit_slot(owner, slot);
  if (credential == nullptr) return false;
  if (credential->private_key != nullptr &&
      !key_matches(certificate, public_key, credential->private_key.get())) {
    credential->private_key.reset();
  }
  credential->certificate.reset(counted(certificate));
  return true;
}

bool set_private_key(const CredentialOwner& owner, EVP_PKEY* key) {
  if (key == nullptr) return refuse(ERR_R_PASSED_NULL_PARAMETER);
  KeySlot slot = KeySlot::rsa;
  if (!slot_of_key(key, slot)) return refuse(SSL_R_UNKNOWN_CERTIFICATE_TYPE);
  X509* certificate = owner.credentials->slots[static_cast<size_t>(slot)].certificate.get();
  if (certificate != nullptr && X509_check_private_key(certificate, key) == 0) return false;
  Credential* credential = edit_slot(owner, slot);
  if (credential == nullptr) return false;
  credential->private_key.reset(counted(key));
  return true;
}

bool set_certificate_and_key(const CredentialOwner& owner, X509* certificate, EVP_PKEY* key,
                             STACK_OF(X509) * chain, bool override) {
  if (!secure_enough(owner, certificate, true) || !secure_enough(owner, chain)) return false;
  EVP_PKEY* public_key = X509_get0_pubkey(certificate);
  if (public_key == nullptr) return false;
  if (key != nullptr && !pair_up(public_key, key)) return false;
  KeySlot slot = KeySlot::rsa;
  if (!slot_of_key(public_key, slot)) return refuse(SSL_R_UNKNOWN_CERTIFICATE_TYPE);
  if (!override && !empty(owner.credentials->slots[static_cast<size_t>(slot)])) {
    return refuse(SSL_R_NOT_REPLACING_CERTIFICATE);
  }
  X509StackPtr chain_copy(chain == nullptr ? nullptr : X509_chain_up_ref(chain));
  if (chain != nullptr && chain_copy == nullptr) return refuse(ERR_R_MALLOC_FAILURE);
  Credential* credential = edit_slot(owner, slot);
  if (credential == nullptr) return false;
  credential->chain = std::move(chain_copy);
  credential->certificate.reset(counted(certificate));
  credential->private_key.reset(counted(key != nullptr ? key : public_key));
  return true;
}

bool check_private_key(const Credential& credential) {
  if (credential.certificate == nullptr) return refuse(SSL_R_NO_CERTIFICATE_ASSIGNED);
  if (credential.private_key == nullptr) return refuse(SSL_R_NO_PRIVATE_KEY_ASSIGNED);
  return X509_check_private_key(credential.certificate.get(), credential.private_key.get()) != 0;
}

bool set_chain(const CredentialOwner& owner, STACK_OF(X509) * chain, bool take) {
  if (!secure_enough(owner, chain)) return false;
  X509StackPtr copy;
  if (chain != nullptr && !take) {
    copy.reset(X509_chain_up_ref(chain));
    if (copy == nullptr) return false;
  }
  Credentials* credentials = edit(owner);
  if (credentials == nullptr) return false;
  if (take) copy.reset(chain);
  credentials->slots[credentials->current].chain = std::move(copy);
  return true;
}

bool add_to_chain(const CredentialOwner& owner, X509* certificate, bool take) {
  if (!secure_enough(owner, certificate, false)) return false;
  Credentials* credentials = edit(owner);
  if (credentials == nullptr) return false;
  X509StackPtr& chain = credentials->slots[credentials->current].chain;
  if (chain == nullptr) chain.reset(sk_X509_new_null());
  if (chain == nullptr || sk_X509_push(chain.get(), certificate) <= 0) return false;
  if (!take) X509_up_ref(certificate);
  return true;
}

bool select_current(const CredentialOwner& owner, X509* certificate) {
  if (certificate == nullptr) return false;
  auto choose = [&](auto matches) {
    for (size_t i = 0; i < kKeySlotCount; ++i) {
      const Credential& credential = owner.credentials->slots[i];
      if (credential.private_key == nullptr || credential.certificate == nullptr) continue;
      if (matches(credential.certificate.get())) {
        return edit_slot(owner, static_cast<KeySlot>(i)) != nullptr;
      }
    }
    return false;
  };
  return choose([&](X509* one) { return one == certificate; }) ||
         choose([&](X509* one) { return X509_cmp(one, certificate) == 0; });
}

bool set_current(const CredentialOwner& owner, long operation) {
  if (operation != SSL_CERT_SET_FIRST && operation != SSL_CERT_SET_NEXT) return false;
  size_t first = operation == SSL_CERT_SET_FIRST ? 0 : owner.credentials->current + size_t{1};
  for (size_t i = first; i < kKeySlotCount; ++i) {
    const Credential& credential = owner.credentials->slots[i];
    if (credential.certificate != nullptr && credential.private_key != nullptr) {
      return edit_slot(owner, static_cast<KeySlot>(i)) != nullptr;
    }
  }
  return false;
}

bool set_store(const CredentialOwner& owner, X509_STORE* store, bool chain, bool take) {
  Credentials* credentials = edit(owner);
  if (credentials == nullptr) return false;
  if (store != nullptr && !take) X509_STORE_up_ref(store);
  (chain ? credentials->chain_store : credentials->verify_store).reset(store);
  return true;
}

}  // namespace handfast
