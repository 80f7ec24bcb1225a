// The content of a HelloRetryRequest's cookie: what parses is built again, and must be the same
// bytes.
#include <openssl/err.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "message/retry_cookie.h"

using namespace handfast;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A copy of exact size: the sanitizer watches both ends.
  std::vector<uint8_t> bytes(data, data + size);
  RetryCookie cookie;
  Verdict verdict = parse(bytes, cookie);
  if (!verdict.ok()) {
    require(verdict.alert == Alert::decode_error && verdict.reason == SSL_R_LENGTH_MISMATCH);
    return 0;
  }
  if (cookie.format != RetryCookie::kFormat) return 0;
  Bytes out;
  Writer writer(out);
  build(cookie, writer);
  require(writer.ok() && equal(out.view(), bytes));
  return 0;
}
