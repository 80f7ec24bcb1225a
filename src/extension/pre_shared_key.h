// The parts of pre_shared_key (RFC 8446 section 4.2.11) that flows work with.
#pragma once

#include "extension/exchange.h"
#include "wire/reader.h"

namespace handfast {

struct PskIdentity {
  View identity;
  uint32_t obfuscated_age = 0;
};

// Takes the next of ClientOffers::psk_identities; false: no more.
[[nodiscard]] bool next_identity(Reader& list, PskIdentity& out);
// The binder at `index` of ClientOffers::psk_binders; empty: not there.
[[nodiscard]] View binder_at(View list, size_t index);
// Bytes of the binders at the end of a ClientHello with exchange.psks, their length included.
[[nodiscard]] size_t binders_length(const Exchange& exchange);
// Bytes of the whole extension, with type and length; 0: it is not sent.
[[nodiscard]] size_t pre_shared_key_length(const Exchange& exchange);

}  // namespace handfast
