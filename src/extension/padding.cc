// padding, RFC 7685.
#include <openssl/tls1.h>

#include "extension/pre_shared_key.h"
#include "extension/rows.h"

namespace handfast {

namespace {

// Some old servers hang on a ClientHello of 256 to 511 bytes: SSL_OP_TLSEXT_PADDING makes it 512.
Verdict offer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  constexpr size_t kFirstBad = 256, kGood = 512, kHeader = 4, kBlockLength = 2;
  size_t length = exchange.hello_prefix_length + kBlockLength + exchange.extensions_length +
                  pre_shared_key_length(exchange);
  send = ((*exchange.policy)->options & SSL_OP_TLSEXT_PADDING) != 0 &&
         exchange.hello_prefix_length != 0 && length >= kFirstBad && length < kGood;
  if (!send) return success();
  size_t missing = kGood - length;
  // Of one byte at least: some servers do not like an empty extension at the end either.
  size_t padding = missing > kHeader ? missing - kHeader : 1;
  for (size_t i = 0; i < padding; ++i) writer.u8(0);
  return success();
}

}  // namespace

constinit const Extension kPadding = {
    .type = TLSEXT_TYPE_padding,
    .in = kInClientHello,
    .client = {.offer = offer},
};

}  // namespace handfast
