#include "config/name_lists.h"

#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "crypto/group.h"
#include "crypto/signature_scheme.h"

namespace handfast {

namespace {

// Longer words are refused unread.
constexpr size_t kMaxGroupName = 63;
constexpr size_t kMaxSchemeName = 39;
constexpr size_t kMaxSchemes = 25 * 4;

bool begins_with(std::string_view text, std::string_view word) {
  return text.size() >= word.size() && std::memcmp(text.data(), word.data(), word.size()) == 0;
}

// False when it is there already, or memory is short (with the reason in the queue).
bool push_new(Array<uint16_t>& list, uint16_t id) {
  if (list.contains(id)) return false;
  if (list.push_back(id)) return true;
  ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return false;
}

struct GroupList {
  const ProviderGroups& known;
  Array<uint16_t> ids;
};

int add_group(const char* word, int length, void* argument) {
  auto& list = *static_cast<GroupList*>(argument);
  if (word == nullptr || static_cast<size_t>(length) > kMaxGroupName) return 0;
  const Group* group = list.known.find_by_name(word, static_cast<size_t>(length));
  if (group == nullptr) {
    ERR_raise_data(ERR_LIB_SSL, ERR_R_PASSED_INVALID_ARGUMENT, "group '%.*s' cannot be set", length,
                   word);
    return 0;
  }
  return push_new(list.ids, group->id) ? 1 : 0;
}

// Where RSA-PSS is named without its key's kind, the key is an ordinary RSA key.
const SignatureScheme* find_scheme(int hash, int key_type) {
  for (bool pss_keys : {false, true}) {
    for (const SignatureScheme& scheme : all_signature_schemes()) {
      if (scheme.hash_nid == hash && scheme.signature_nid == key_type &&
          (scheme.key_type == EVP_PKEY_RSA_PSS) == pss_keys) {
        return &scheme;
      }
    }
  }
  return nullptr;
}

// RFC 8446 4.2.3 gives no names to these: they are written as a pair.
bool only_as_pair(std::string_view name) {
  return begins_with(name, "dsa_") || begins_with(name, "ecdsa_sha");
}

const SignatureScheme* find_scheme_by_name(std::string_view name) {
  if (only_as_pair(name)) return nullptr;
  for (const SignatureScheme& scheme : all_signature_schemes()) {
    if (name == scheme.name) return &scheme;
  }
  return nullptr;
}

// One half of "RSA+SHA256", in either order.
void read_half(const char* word, int& hash, int& key_type) {
  constexpr struct {
    const char* word;
    int type;
  } kTypes[] = {{"RSA", EVP_PKEY_RSA},
                {"RSA-PSS", EVP_PKEY_RSA_PSS},
                {"PSS", EVP_PKEY_RSA_PSS},
                {"DSA", EVP_PKEY_DSA},
                {"ECDSA", EVP_PKEY_EC}};
  for (const auto& type : kTypes) {
    if (std::strcmp(word, type.word) == 0) {
      key_type = type.type;
      return;
    }
  }
  hash = OBJ_sn2nid(word);
  if (hash == NID_undef) hash = OBJ_ln2nid(word);
}

const SignatureScheme* find_scheme_by_word(char* word) {
  char* plus = std::strchr(word, '+');
  if (plus == nullptr) return find_scheme_by_name(word);
  *plus = '\0';
  if (plus[1] == '\0') return nullptr;
  int hash = NID_undef;
  int key_type = NID_undef;
  read_half(word, hash, key_type);
  read_half(plus + 1, hash, key_type);
  if (hash == NID_undef || key_type == NID_undef) return nullptr;
  return find_scheme(hash, key_type);
}

int add_scheme(const char* word, int length, void* argument) {
  auto& list = *static_cast<Array<uint16_t>*>(argument);
  if (word == nullptr || static_cast<size_t>(length) > kMaxSchemeName ||
      list.size() == kMaxSchemes) {
    return 0;
  }
  char text[kMaxSchemeName + 1] = {};
  std::memcpy(text, word, static_cast<size_t>(length));
  const SignatureScheme* scheme = find_scheme_by_word(text);
  return scheme != nullptr && push_new(list, scheme->id) ? 1 : 0;
}

}  // namespace

bool parse_groups(const ProviderGroups& known, const char* names, Array<uint16_t>& out) {
  GroupList list{known, {}};
  if (CONF_parse_list(names, ':', 1, add_group, &list) != 1) return false;
  out = std::move(list.ids);
  return true;
}

bool groups_of_nids(std::span<const int> nids, Array<uint16_t>& out) {
  if (nids.empty()) {
    ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
    return false;
  }
  Array<uint16_t> list;
  if (!list.reserve(nids.size())) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return false;
  }
  for (int nid : nids) {
    const Group* group = find_group_by_nid(nid);
    if (group == nullptr || !push_new(list, group->id)) return false;
  }
  out = std::move(list);
  return true;
}

bool parse_signature_schemes(const char* names, Array<uint16_t>& out) {
  Array<uint16_t> list;
  if (CONF_parse_list(names, ':', 1, add_scheme, &list) != 1) return false;
  out = std::move(list);
  return true;
}

bool signature_schemes_of_nids(std::span<const int> pairs, Array<uint16_t>& out) {
  if (pairs.size() % 2 != 0) return false;
  Array<uint16_t> list;
  // OpenSSL's word for no pairs at all is the same as for no memory.
  if (pairs.empty() || !list.reserve(pairs.size() / 2)) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return false;
  }
  for (size_t i = 0; i < pairs.size(); i += 2) {
    const SignatureScheme* scheme = find_scheme(pairs[i], pairs[i + 1]);
    if (scheme == nullptr || !list.push_back(scheme->id)) return false;
  }
  out = std::move(list);
  return true;
}

}  // namespace handfast
