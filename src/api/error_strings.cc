#include "api/error_strings.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "handfast/control.h"

namespace {

constexpr ERR_STRING_DATA kReasons[] = {
#define REASON(name, text) {ERR_PACK(ERR_LIB_SSL, 0, SSL_R_##name), text},
#include "api/reasons.def"
#undef REASON
    {0, nullptr},
};

}  // namespace

void handfast::load_error_strings() {
  // The table of texts is the process's, and loading takes its lock: once is enough.
  if (ERR_reason_error_string(kReasons[0].error) == nullptr) ERR_load_strings_const(kReasons);
}

extern "C" int ERR_load_SSL_strings(void) {
  handfast::load_error_strings();
  return 1;
}
