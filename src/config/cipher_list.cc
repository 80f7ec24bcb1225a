#include "config/cipher_list.h"

namespace handfast {

bool set_default_ciphers(Context& context) {
  Policy* policy = context.policy.edit();
  if (policy == nullptr) return false;
  Array<const CipherSuite*> suites;
  CipherStackPtr stack(sk_SSL_CIPHER_new_null());
  if (stack == nullptr) return false;
  for (const CipherSuite& suite : default_tls13_suites()) {
    if (!suites.push_back(&suite) || sk_SSL_CIPHER_push(stack.get(), &suite) == 0) return false;
  }
  policy->ciphersuites13 = std::move(suites);
  context.ciphers = std::move(stack);
  return true;
}

}  // namespace handfast
