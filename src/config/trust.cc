#include "config/trust.h"

namespace handfast {

namespace {

bool copy(X509NameStackPtr& to, const X509NameStackPtr& from) {
  to.reset();
  if (from == nullptr) return true;
  to.reset(sk_X509_NAME_deep_copy(from.get(), X509_NAME_dup, X509_NAME_free));
  return to != nullptr;
}

}  // namespace

bool Trust::init() {
  param.reset(X509_VERIFY_PARAM_new());
  return param != nullptr;
}

bool Trust::copy_from(const Trust& other) {
  verify_mode = other.verify_mode;
  verify_callback = other.verify_callback;
  return init() && X509_VERIFY_PARAM_inherit(param.get(), other.param.get()) == 1 &&
         copy(ca_names, other.ca_names) && copy(client_ca_names, other.client_ca_names);
}

}  // namespace handfast
