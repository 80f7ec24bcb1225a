#include "config/srp.h"

#include <cstring>

namespace handfast {

namespace {

char* copy_of(const char* text) {
  return text == nullptr ? nullptr : OPENSSL_strdup(text);
}

}  // namespace

void FreePassword::operator()(char* text) const {
  OPENSSL_clear_free(text, std::strlen(text));
}

bool copy_srp(const SrpSettings* from, Unique<SrpState>& to) {
  if (from == nullptr) {
    if (to != nullptr) *to = SrpState();
    return true;
  }
  SrpState copy;
  copy.argument = from->argument;
  copy.user_callback = from->user_callback;
  copy.parameters_callback = from->parameters_callback;
  copy.password_callback = from->password_callback;
  copy.strength = from->strength;
  copy.enabled = from->enabled;
  copy.user_name.reset(copy_of(from->user_name.get()));
  copy.information.reset(copy_of(from->information.get()));
  if ((from->user_name != nullptr && copy.user_name == nullptr) ||
      (from->information != nullptr && copy.information == nullptr)) {
    return false;
  }
  if (to == nullptr) to.reset(make<SrpState>());
  if (to == nullptr) return false;
  *to = std::move(copy);
  return true;
}

}  // namespace handfast
