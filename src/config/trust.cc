#include "config/trust.h"

namespace handfast {

bool Trust::init() {
  param.reset(X509_VERIFY_PARAM_new());
  return param != nullptr;
}

bool Trust::copy_from(const Trust& other) {
  verify_mode = other.verify_mode;
  verify_callback = other.verify_callback;
  return init() && X509_VERIFY_PARAM_inherit(param.get(), other.param.get()) == 1;
}

}  // namespace handfast
