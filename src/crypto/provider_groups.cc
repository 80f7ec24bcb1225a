#include "crypto/provider_groups.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/params.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "wire/version.h"

namespace handfast {

namespace {

// OpenSSL's order. 34 to 40 are GOST's (RFC 9189), which a provider may add.
constexpr uint16_t kPreferred[] = {29, 23, 30, 25,    24,    34,    35,    36,   37,
                                   38, 39, 40, 0x100, 0x101, 0x102, 0x103, 0x104};

bool get_parameter(const OSSL_PARAM* parameters, const char* key, const char*& out) {
  const OSSL_PARAM* found = OSSL_PARAM_locate_const(parameters, key);
  if (found == nullptr || found->data_type != OSSL_PARAM_UTF8_STRING) return false;
  out = static_cast<const char*>(found->data);
  return out != nullptr;
}

bool get_parameter(const OSSL_PARAM* parameters, const char* key, unsigned& out) {
  const OSSL_PARAM* found = OSSL_PARAM_locate_const(parameters, key);
  return found != nullptr && OSSL_PARAM_get_uint(found, &out) == 1;
}

bool get_parameter(const OSSL_PARAM* parameters, const char* key, int& out) {
  const OSSL_PARAM* found = OSSL_PARAM_locate_const(parameters, key);
  return found != nullptr && OSSL_PARAM_get_int(found, &out) == 1;
}

// A version of DTLS as TLS's number; what is none, 0 and kNever, stays.
bool get_datagram_version(const OSSL_PARAM* parameters, const char* key, int& out) {
  if (!get_parameter(parameters, key, out)) return false;
  if (out > 0) out = tls_version(static_cast<uint16_t>(out));
  return true;
}

bool same_versions(const Group::Versions& one, const Group::Versions& other) {
  return one.minimum == other.minimum && one.maximum == other.maximum;
}

// All names of a row of the table.
bool is_name_of(const Group& group, std::string_view name) {
  return name == group.name || name == group.standard_name ||
         (group.nid != NID_undef && name == OBJ_nid2sn(group.nid));
}

}  // namespace

// A group as a provider describes it; texts are the provider's.
struct ProviderGroups::Description {
  const char* standard_name;
  const char* name;
  const char* algorithm;
  unsigned id, security_bits;
  unsigned kem = 0;  // the one that need not be there
  Group::Versions tls, dtls;

  [[nodiscard]] bool read(const OSSL_PARAM* parameters);
  // The row of the table that is meant: everything that is said must hold for it.
  [[nodiscard]] const Group* row() const;
};

bool ProviderGroups::Description::read(const OSSL_PARAM* parameters) {
  auto get = [parameters](const char* key, auto& out) {
    return get_parameter(parameters, key, out);
  };
  bool kem_given = OSSL_PARAM_locate_const(parameters, OSSL_CAPABILITY_TLS_GROUP_IS_KEM) != nullptr;
  return get(OSSL_CAPABILITY_TLS_GROUP_NAME, standard_name) &&
         get(OSSL_CAPABILITY_TLS_GROUP_NAME_INTERNAL, name) &&
         get(OSSL_CAPABILITY_TLS_GROUP_ID, id) && id <= 0xffff &&
         get(OSSL_CAPABILITY_TLS_GROUP_ALG, algorithm) &&
         get(OSSL_CAPABILITY_TLS_GROUP_SECURITY_BITS, security_bits) &&
         (!kem_given || (get(OSSL_CAPABILITY_TLS_GROUP_IS_KEM, kem) && kem <= 1)) &&
         get(OSSL_CAPABILITY_TLS_GROUP_MIN_TLS, tls.minimum) &&
         get(OSSL_CAPABILITY_TLS_GROUP_MAX_TLS, tls.maximum) &&
         get_datagram_version(parameters, OSSL_CAPABILITY_TLS_GROUP_MIN_DTLS, dtls.minimum) &&
         get_datagram_version(parameters, OSSL_CAPABILITY_TLS_GROUP_MAX_DTLS, dtls.maximum);
}

const Group* ProviderGroups::Description::row() const {
  const Group* row = find_group(static_cast<uint16_t>(id));
  bool same = row != nullptr && kem == 0 && std::strcmp(algorithm, row->algorithm) == 0 &&
              is_name_of(*row, standard_name) && is_name_of(*row, name) &&
              security_bits == static_cast<unsigned>(row->security_bits) &&
              same_versions(tls, row->tls) && same_versions(dtls, row->dtls);
  return same ? row : nullptr;
}

// One provider's turn.
struct ProviderGroups::Search {
  ProviderGroups& groups;
  OSSL_LIB_CTX* library;
  const char* property_query;
  OSSL_PROVIDER* provider = nullptr;
  // Key types repeat: the answer for the last one.
  char algorithm[32] = {};
  bool usable = false;

  bool has(const char* key_type) {
    if (algorithm[0] != '\0' && std::strcmp(algorithm, key_type) == 0) return usable;
    ERR_set_mark();
    EVP_KEYMGMT* management = EVP_KEYMGMT_fetch(library, key_type, property_query);
    usable = management != nullptr && EVP_KEYMGMT_get0_provider(management) == provider;
    EVP_KEYMGMT_free(management);
    ERR_pop_to_mark();
    OPENSSL_strlcpy(algorithm, std::strlen(key_type) < sizeof algorithm ? key_type : "",
                    sizeof algorithm);
    return usable;
  }
};

bool ProviderGroups::add(const Group& group) {
  if (ids_.push_back(group.id) && groups_.push_back(&group)) return true;
  ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return false;
}

int ProviderGroups::collect(const OSSL_PARAM* parameters, void* argument) {
  auto& search = *static_cast<Search*>(argument);
  ProviderGroups& self = search.groups;
  Description said{};
  if (!said.read(parameters)) {
    ERR_raise(ERR_LIB_SSL, ERR_R_PASSED_INVALID_ARGUMENT);
    return 0;
  }
  if (!search.has(said.algorithm)) return 1;
  if (const Group* row = said.row()) {
    return self.find(row->id) == row || self.add(*row) ? 1 : 0;
  }
  return self.add_foreign(said) ? 1 : 0;
}

bool ProviderGroups::add_foreign(const Description& said) {
  Unique<Foreign> foreign(make<Foreign>());
  auto keep = [](UniqueString& kept, const char* text) {
    kept.reset(OPENSSL_strdup(text));
    return kept != nullptr;
  };
  if (foreign == nullptr || !keep(foreign->algorithm, said.algorithm) ||
      !keep(foreign->name, said.name) || !keep(foreign->standard_name, said.standard_name)) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return false;
  }
  const Group* known = find_group(static_cast<uint16_t>(said.id));
  foreign->group = {static_cast<uint16_t>(said.id),
                    known != nullptr ? known->nid : NID_undef,
                    said.kem != 0 ? Group::Kind::foreign_kem : Group::Kind::foreign,
                    said.tls,
                    said.dtls,
                    static_cast<int>(said.security_bits),
                    0,
                    foreign->algorithm.get(),
                    foreign->name.get(),
                    foreign->standard_name.get()};
  const Group& group = foreign->group;
  if (foreign_.push_back(std::move(foreign))) return add(group);
  ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return false;
}

int ProviderGroups::collect_from(OSSL_PROVIDER* provider, void* argument) {
  auto& search = *static_cast<Search*>(argument);
  search.provider = provider;
  search.algorithm[0] = '\0';
  return OSSL_PROVIDER_get_capabilities(provider, "TLS-GROUP", collect, argument);
}

bool ProviderGroups::choose_defaults() {
  for (uint16_t id : kPreferred) {
    if (ids_.contains(id) && !defaults_.push_back(id)) {
      ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
      return false;
    }
  }
  return true;
}

bool ProviderGroups::discover(OSSL_LIB_CTX* library, const char* property_query) {
  Search search{*this, library, property_query};
  return OSSL_PROVIDER_do_all(library, collect_from, &search) == 1 && choose_defaults();
}

const Group* ProviderGroups::find(uint16_t id) const {
  const uint16_t* found = std::find(ids_.begin(), ids_.end(), id);
  return found == ids_.end() ? nullptr : groups_[static_cast<size_t>(found - ids_.begin())];
}

const Group* ProviderGroups::find_by_name(const char* name, size_t length) const {
  std::string_view wanted(name, length);
  const auto* found = std::find_if(groups_.begin(), groups_.end(), [wanted](const Group* group) {
    return is_name_of(*group, wanted);
  });
  return found == groups_.end() ? nullptr : *found;
}

}  // namespace handfast
