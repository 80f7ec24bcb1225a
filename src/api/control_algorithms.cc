// Commands about groups, signature schemes and ephemeral keys.
#include <openssl/dh.h>
#include <openssl/ec.h>
#include <openssl/err.h>

#include "api/control_table.h"
#include "config/name_lists.h"
#include "wire/crypto_types.h"

namespace handfast {

namespace {

using On = Control::On;
using List = Array<uint16_t> Policy::*;

long set_list(ControlTarget& target, List field, Array<uint16_t> list) {
  Policy* policy = edit_policy(target);
  if (policy == nullptr) return 0;
  policy->*field = std::move(list);
  return 1;
}

std::span<const int> numbers(const void* parg, long larg) {
  return {static_cast<const int*>(parg), static_cast<size_t>(larg)};
}

long set_groups(ControlTarget& target, long larg, void* parg) {
  Array<uint16_t> list;
  if (!groups_of_nids(numbers(parg, larg), list)) return 0;
  return set_list(target, &Policy::groups, std::move(list));
}

long set_groups_list(ControlTarget& target, long, void* parg) {
  Array<uint16_t> list;
  const ProviderGroups& known = target.context.algorithms.groups();
  if (!parse_groups(known, static_cast<const char*>(parg), list)) return 0;
  return set_list(target, &Policy::groups, std::move(list));
}

template <List kField>
long set_schemes(ControlTarget& target, long larg, void* parg) {
  Array<uint16_t> list;
  if (!signature_schemes_of_nids(numbers(parg, larg), list)) return 0;
  return set_list(target, kField, std::move(list));
}

template <List kField>
long set_schemes_list(ControlTarget& target, long, void* parg) {
  Array<uint16_t> list;
  if (!parse_signature_schemes(static_cast<const char*>(parg), list)) return 0;
  return set_list(target, kField, std::move(list));
}

long set_temporary_dh(ControlTarget& target, long, void* parg) {
  if (parg == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_PASSED_NULL_PARAMETER);
    return 0;
  }
  EvpPkeyPtr key(EVP_PKEY_new());
  if (key == nullptr || EVP_PKEY_set1_DH(key.get(), static_cast<DH*>(parg)) != 1) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return 0;
  }
  int ok = target.ssl != nullptr ? SSL_set0_tmp_dh_pkey(target.ssl, key.get())
                                 : SSL_CTX_set0_tmp_dh_pkey(target.ctx, key.get());
  if (ok == 1) (void)key.release();
  return ok;
}

// A curve, not a key: the same as naming it as the only group.
long set_temporary_ecdh(ControlTarget& target, long, void* parg) {
  if (parg == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_PASSED_NULL_PARAMETER);
    return 0;
  }
  const EC_GROUP* group = EC_KEY_get0_group(static_cast<const EC_KEY*>(parg));
  if (group == nullptr) {
    ERR_raise(ERR_LIB_SSL, SSL_R_MISSING_PARAMETERS);
    return 0;
  }
  int nid = EC_GROUP_get_curve_name(group);
  return nid == NID_undef ? 0 : set_groups(target, 1, &nid);
}

// A callback goes through SSL_callback_ctrl.
long refuse_callback(ControlTarget&, long, void*) {
  ERR_raise(ERR_LIB_SSL, ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED);
  return 0;
}

long set_dh_auto(ControlTarget& target, long larg, void*) {
  Credentials* credentials = target.credentials.edit();
  if (credentials == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return 0;
  }
  credentials->dh_auto = static_cast<int>(larg);
  return 1;
}

// RFC 5246 7.4.4: types of certificate that a server asks for.
long set_certificate_types(ControlTarget& target, long larg, void* parg) {
  constexpr size_t kMost = 0xff;
  if (target.ssl != nullptr && !target.ssl->server) return 0;
  auto length = parg == nullptr ? 0 : static_cast<size_t>(larg);
  if (length > kMost) return 0;
  Policy* policy = edit_policy(target);
  if (policy == nullptr) return 0;
  return policy->client_certificate_types.assign({static_cast<const uint8_t*>(parg), length}) ? 1
                                                                                              : 0;
}

constexpr Control kControls[] = {
    {SSL_CTRL_SET_GROUPS, On::both, set_groups},
    {SSL_CTRL_SET_GROUPS_LIST, On::both, set_groups_list},
    {SSL_CTRL_SET_SIGALGS, On::both, set_schemes<&Policy::signature_schemes>},
    {SSL_CTRL_SET_SIGALGS_LIST, On::both, set_schemes_list<&Policy::signature_schemes>},
    {SSL_CTRL_SET_CLIENT_SIGALGS, On::both, set_schemes<&Policy::client_signature_schemes>},
    {SSL_CTRL_SET_CLIENT_SIGALGS_LIST, On::both,
     set_schemes_list<&Policy::client_signature_schemes>},
    {SSL_CTRL_SET_TMP_DH, On::both, set_temporary_dh},
    {SSL_CTRL_SET_TMP_DH_CB, On::both, refuse_callback},
    {SSL_CTRL_SET_DH_AUTO, On::both, set_dh_auto},
    {SSL_CTRL_SET_TMP_ECDH, On::both, set_temporary_ecdh},
    {SSL_CTRL_SET_CLIENT_CERT_TYPES, On::both, set_certificate_types},
};

}  // namespace

std::span<const Control> algorithm_controls() {
  return kControls;
}

}  // namespace handfast
