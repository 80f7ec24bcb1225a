// Commands that set and show plain values.
#include <openssl/err.h>

#include "api/control_table.h"
#include "config/version_bounds.h"
#include "handfast/control.h"

namespace handfast {

namespace {

using On = Control::On;

constexpr long kLeastFragment = 512;
constexpr long kMostPipelines = 32;

// Changes one field, without a clone of the configuration when there is nothing to change.
template <typename T, typename U>
bool set(ControlTarget& target, T Policy::*field, U value) {
  T wanted = static_cast<T>(value);
  if ((*target.policy).*field == wanted) return true;
  Policy* policy = edit_policy(target);
  if (policy == nullptr) return false;
  policy->*field = wanted;
  return true;
}

template <auto kField>
long get(ControlTarget& target, long, void*) {
  return static_cast<long>((*target.policy).*kField);
}

template <auto kField>
long set_bits(ControlTarget& target, long bits, void*) {
  set(target, kField, (*target.policy).*kField | static_cast<uint32_t>(bits));
  return static_cast<long>((*target.policy).*kField);
}

template <auto kField>
long clear_bits(ControlTarget& target, long bits, void*) {
  set(target, kField, (*target.policy).*kField & ~static_cast<uint32_t>(bits));
  return static_cast<long>((*target.policy).*kField);
}

long set_read_ahead(ControlTarget& target, long value, void*) {
  long previous = target.policy->read_ahead;
  set(target, &Policy::read_ahead, value);
  return previous;
}

long set_max_cert_list(ControlTarget& target, long size, void*) {
  if (size < 0) return 0;
  auto previous = static_cast<long>(target.policy->max_cert_list);
  set(target, &Policy::max_cert_list, size);
  return previous;
}

long set_max_send_fragment(ControlTarget& target, long length, void*) {
  if (length < kLeastFragment || length > SSL3_RT_MAX_PLAIN_LENGTH) return 0;
  bool ok = set(target, &Policy::max_send_fragment, length);
  if (ok && target.policy->split_send_fragment > static_cast<size_t>(length)) {
    ok = set(target, &Policy::split_send_fragment, length);
  }
  return ok ? 1 : 0;
}

long set_split_send_fragment(ControlTarget& target, long length, void*) {
  if (length == 0 || static_cast<size_t>(length) > target.policy->max_send_fragment) return 0;
  return set(target, &Policy::split_send_fragment, length) ? 1 : 0;
}

long set_max_pipelines(ControlTarget& target, long count, void*) {
  if (count < 1 || count > kMostPipelines) return 0;
  bool ok = set(target, &Policy::max_pipelines, count);
  if (ok && count > 1 && target.ssl != nullptr) ok = set(target, &Policy::read_ahead, 1);
  return ok ? 1 : 0;
}

long set_bound(ControlTarget& target, int Policy::*field, int version, bool fits) {
  int bound = (*target.policy).*field;
  if (!fits || !set_version_bound(target.context.method->version, version, bound)) return 0;
  return set(target, field, bound) ? 1 : 0;
}

long set_min_version(ControlTarget& target, long larg, void*) {
  auto version = static_cast<int>(larg);
  return set_bound(target, &Policy::min_version, version,
                   version_bounds_fit(version, target.policy->max_version));
}

long set_max_version(ControlTarget& target, long larg, void*) {
  auto version = static_cast<int>(larg);
  return set_bound(target, &Policy::max_version, version,
                   version_bounds_fit(target.policy->min_version, version));
}

long set_message_argument(ControlTarget& target, long, void* parg) {
  Hooks* hooks = target.hooks.edit();
  if (hooks == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return 0;
  }
  hooks->message_argument = parg;
  return 1;
}

long set_gated_cryptography(ControlTarget& target, long on, void*) {
  return set(target, &Policy::server_gated_cryptography, on != 0) ? 1 : 0;
}

constexpr Control kControls[] = {
    {SSL_CTRL_MODE, On::both, set_bits<&Policy::mode>},
    {SSL_CTRL_CLEAR_MODE, On::both, clear_bits<&Policy::mode>},
    {SSL_CTRL_CERT_FLAGS, On::both, set_bits<&Policy::certificate_flags>},
    {SSL_CTRL_CLEAR_CERT_FLAGS, On::both, clear_bits<&Policy::certificate_flags>},
    {SSL_CTRL_GET_READ_AHEAD, On::both, get<&Policy::read_ahead>},
    {SSL_CTRL_SET_READ_AHEAD, On::both, set_read_ahead},
    {SSL_CTRL_GET_MAX_CERT_LIST, On::both, get<&Policy::max_cert_list>},
    {SSL_CTRL_SET_MAX_CERT_LIST, On::both, set_max_cert_list},
    {SSL_CTRL_SET_MAX_SEND_FRAGMENT, On::both, set_max_send_fragment},
    {SSL_CTRL_SET_SPLIT_SEND_FRAGMENT, On::both, set_split_send_fragment},
    {SSL_CTRL_SET_MAX_PIPELINES, On::both, set_max_pipelines},
    {SSL_CTRL_SET_MIN_PROTO_VERSION, On::both, set_min_version},
    {SSL_CTRL_GET_MIN_PROTO_VERSION, On::both, get<&Policy::min_version>},
    {SSL_CTRL_SET_MAX_PROTO_VERSION, On::both, set_max_version},
    {SSL_CTRL_GET_MAX_PROTO_VERSION, On::both, get<&Policy::max_version>},
    {SSL_CTRL_SET_MSG_CALLBACK_ARG, On::both, set_message_argument},
    {HANDFAST_CTRL_SET_SERVER_GATED_CRYPTOGRAPHY, On::both, set_gated_cryptography},
};

}  // namespace

std::span<const Control> policy_controls() {
  return kControls;
}

}  // namespace handfast
