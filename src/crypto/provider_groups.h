// The groups that the providers of an SSL_CTX have, by the capability "TLS-GROUP" of
// provider-base(7): rows of the table in crypto/group.h, and those that a provider adds.
#pragma once

#include <openssl/provider.h>

#include <cstdint>
#include <span>

#include "crypto/group.h"
#include "wire/allocate.h"
#include "wire/array.h"

namespace handfast {

// Immutable after discover(); shared by every connection of the context.
class ProviderGroups {
 public:
  // Asks every active provider of the library context. A group counts only if its key type, as
  // fetched with the property query, is that provider's. False with the reason in the queue: a
  // provider refused to answer, or described a group badly.
  [[nodiscard]] bool discover(OSSL_LIB_CTX* library, const char* property_query);

  // nullptr: no provider has it.
  [[nodiscard]] const Group* find(uint16_t id) const;
  // Names as SSL_set1_groups_list(3) takes them: "P-256", "prime256v1", "secp256r1", "X25519", …
  [[nodiscard]] const Group* find_by_name(const char* name, size_t length) const;
  // The groups of a new SSL_CTX, in order of preference.
  [[nodiscard]] std::span<const uint16_t> defaults() const { return defaults_.view(); }

 private:
  // A group that is not in the table; `group` points to the names beside it.
  struct Foreign {
    Group group;
    UniqueString algorithm, name, standard_name;
  };
  struct Search;
  struct Description;

  static int collect_from(OSSL_PROVIDER* provider, void* search);
  static int collect(const OSSL_PARAM* parameters, void* search);
  [[nodiscard]] bool add(const Group& group);
  [[nodiscard]] bool add_foreign(const Description& said);
  [[nodiscard]] bool choose_defaults();

  Array<uint16_t> ids_;  // of groups_, for a quick look
  Array<const Group*> groups_;
  Array<Unique<Foreign>> foreign_;
  Array<uint16_t> defaults_;
};

}  // namespace handfast
