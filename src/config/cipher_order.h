// Suites in an order of preference, and the steps that cipher strings take with them.
#pragma once

#include <cstdint>
#include <string_view>

#include "config/cipher_aliases.h"
#include "crypto/cipher_suite.h"
#include "wire/array.h"

namespace handfast {

class CipherOrder {
 public:
  enum class Step : uint8_t {
    add,        // enable those that are not, behind all others
    remove,     // disable; where they are enabled again, the last removed come first
    kill,       // disable for good
    move_last,  // those enabled: behind all others
    move_first  // those enabled: in front of all others
  };

  // Of the available suites of TLS 1.2 and below, none of them enabled, in default preference.
  // `missing` holds the algorithms (kx, auth, enc, mac) that the providers lack.
  [[nodiscard]] bool fill(const CipherPattern& missing);

  // Applies a step to the suites that match.
  void apply(Step step, const CipherPattern& pattern, const CipherSuite* only = nullptr);
  // Orders the enabled by their strength; what is equally strong keeps its order.
  void sort_by_strength();

  // Among the available suites; nullptr when there is none of this name.
  [[nodiscard]] const CipherSuite* find(std::string_view name) const;

  struct Entry {
    const CipherSuite* suite;
    bool enabled;
  };
  [[nodiscard]] const Array<Entry>& entries() const { return entries_; }

 private:
  template <typename Match>
  void apply_if(Step step, Match match);
  void prefer();

  Array<Entry> entries_;
  Array<Entry> moved_;  // room for apply()
};

}  // namespace handfast
