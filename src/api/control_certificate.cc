#include "api/control_certificate.h"

#include <openssl/err.h>

#include "api/credential_owner.h"
#include "handshake/handshake.h"
#include "pki/key_slot.h"

namespace handfast {
namespace {

template <typename T>
long give(void* out, T value) {
  *static_cast<T*>(out) = value;
  return 1;
}

long give_key(const Connection& connection, EVP_PKEY* key, void* out) {
  if (connection.session == nullptr || key == nullptr) return 0;
  EVP_PKEY_up_ref(key);
  return give(out, key);
}

// A client's is there from its ClientHello on.
EVP_PKEY* own_temporary_key(const Connection& connection) {
  EVP_PKEY* key = connection.negotiated.own_temporary_key.get();
  if (key != nullptr || connection.server || connection.handshake == nullptr) return key;
  return connection.handshake->key_shares[0].private_key();
}

long give_hash(const SignatureScheme* scheme, void* out) {
  return scheme == nullptr ? 0 : give(out, scheme->hash_nid);
}

// SSL_CERT_SET_SERVER: the certificate that this handshake uses.
long set_current_to_used(const Connection& connection, const CredentialOwner& owner) {
  const SignatureScheme* scheme = connection.negotiated.own_scheme;
  KeySlot slot = KeySlot::rsa;
  if (!connection.server || scheme == nullptr || !slot_of_scheme(*scheme, slot)) return 0;
  return select_current(owner,
                        owner.credentials->slots[static_cast<size_t>(slot)].certificate.get());
}

// What an SSL and an SSL_CTX have in common.
long control_credentials(const CredentialOwner& owner, int command, long larg, void* parg,
                         bool& handled) {
  switch (command) {
    case SSL_CTRL_CHAIN:
      return set_chain(owner, static_cast<STACK_OF(X509)*>(parg), larg == 0);
    case SSL_CTRL_CHAIN_CERT:
      return add_to_chain(owner, static_cast<X509*>(parg), larg == 0);
    case SSL_CTRL_GET_CHAIN_CERTS:
      return give(parg, owner.current().chain.get());
    case SSL_CTRL_BUILD_CERT_CHAIN:
      return build_chain(owner, static_cast<int>(larg));
    case SSL_CTRL_SELECT_CURRENT_CERT:
      return select_current(owner, static_cast<X509*>(parg));
    case SSL_CTRL_SET_CURRENT_CERT:
      return set_current(owner, larg);
    case SSL_CTRL_SET_VERIFY_CERT_STORE:
    case SSL_CTRL_SET_CHAIN_CERT_STORE:
      return set_store(owner, static_cast<X509_STORE*>(parg),
                       command == SSL_CTRL_SET_CHAIN_CERT_STORE, larg == 0);
    case SSL_CTRL_GET_VERIFY_CERT_STORE:
      return give(parg, owner.credentials->verify_store.get());
    case SSL_CTRL_GET_CHAIN_CERT_STORE:
      return give(parg, owner.credentials->chain_store.get());
    default:
      handled = false;
      return 0;
  }
}

long control_connection(Connection& connection, int command, long larg, void* parg, bool& handled) {
  switch (command) {
    case SSL_CTRL_SET_CURRENT_CERT:
      if (larg == SSL_CERT_SET_SERVER)
        return set_current_to_used(connection, owner_of(&connection));
      break;
    case SSL_CTRL_SET_RETRY_VERIFY:
      connection.want = SSL_RETRY_VERIFY;
      return 1;
    case SSL_CTRL_GET_PEER_SIGNATURE_NID:
      return give_hash(connection.negotiated.peer_scheme, parg);
    case SSL_CTRL_GET_SIGNATURE_NID:
      return give_hash(connection.negotiated.own_scheme, parg);
    case SSL_CTRL_GET_PEER_TMP_KEY:
      return give_key(connection, connection.negotiated.peer_temporary_key.get(), parg);
    case SSL_CTRL_GET_TMP_KEY:
      return give_key(connection, own_temporary_key(connection), parg);
    default:
      break;
  }
  return control_credentials(owner_of(&connection), command, larg, parg, handled);
}

long control_context(Context& context, int command, long larg, void* parg, bool& handled) {
  X509StackPtr& extra = context.extra_chain;
  switch (command) {
    case SSL_CTRL_EXTRA_CHAIN_CERT:
      if (extra == nullptr) extra.reset(sk_X509_new_null());
      if (extra == nullptr || sk_X509_push(extra.get(), static_cast<X509*>(parg)) <= 0) {
        ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
        return 0;
      }
      return 1;
    case SSL_CTRL_GET_EXTRA_CHAIN_CERTS: {
      bool chain_instead = extra == nullptr && larg == 0;
      return give(parg, chain_instead ? owner_of(&context).current().chain.get() : extra.get());
    }
    case SSL_CTRL_CLEAR_EXTRA_CHAIN_CERTS:
      extra.reset();
      return 1;
    default:
      return control_credentials(owner_of(&context), command, larg, parg, handled);
  }
}

}  // namespace

long control_certificate(SSL* ssl, SSL_CTX* ctx, int command, long larg, void* parg,
                         bool& handled) {
  handled = true;
  return ssl != nullptr ? control_connection(*ssl, command, larg, parg, handled)
                        : control_context(*ctx, command, larg, parg, handled);
}

}  // namespace handfast
