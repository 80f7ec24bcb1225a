// The application's own extensions in messages (SSL_CTX_add_custom_ext(3)).
#pragma once

#include "config/custom_extension.h"
#include "extension/exchange.h"
#include "wire/bytes.h"
#include "wire/verdict.h"
#include "wire/writer.h"

namespace handfast {

// The application's row for `type`, as far as it is about this side; nullptr: none.
const CustomExtension* find_custom(const Exchange& exchange, MessageSet message, uint16_t type);
// RFC 8446 4.2: may `custom` stand in this message, on a stream or in DTLS as the handshake is?
// Whether it was asked for is asked_custom().
[[nodiscard]] bool allowed_in(const Exchange& exchange, const CustomExtension& custom,
                              MessageSet message);
// Did our last hello or request have an extension of the application's of this type?
[[nodiscard]] bool asked_custom(const Exchange& exchange, uint16_t type);

// Appends the application's extensions for `message`: all to a request, to others those that the
// peer asked for.
[[nodiscard]] Verdict write_custom(Exchange& exchange, MessageSet message, Writer& writer);
// Hands those of a checked block to the application, in the order of registration.
[[nodiscard]] Verdict read_custom(Exchange& exchange, MessageSet message, View block);

}  // namespace handfast
