#include "config/method.h"

#include <openssl/prov_ssl.h>

namespace handfast {

namespace {

// Three rows for each version: both roles, client, server.
#define ROWS(version, datagram, low, high)                                                   \
  {version, true, true, datagram, low, high}, {version, true, false, datagram, low, high}, { \
    version, false, true, datagram, low, high                                                \
  }

constexpr Method kMethods[] = {
    ROWS(TLS_ANY_VERSION, false, TLS1_VERSION, TLS1_3_VERSION),
    ROWS(TLS1_3_VERSION, false, TLS1_3_VERSION, TLS1_3_VERSION),
    ROWS(TLS1_2_VERSION, false, TLS1_2_VERSION, TLS1_2_VERSION),
    ROWS(TLS1_1_VERSION, false, TLS1_1_VERSION, TLS1_1_VERSION),
    ROWS(TLS1_VERSION, false, TLS1_VERSION, TLS1_VERSION),
    ROWS(DTLS_ANY_VERSION, true, DTLS1_VERSION, DTLS1_2_VERSION),
    ROWS(DTLS1_2_VERSION, true, DTLS1_2_VERSION, DTLS1_2_VERSION),
    ROWS(DTLS1_VERSION, true, DTLS1_VERSION, DTLS1_VERSION),
};
#undef ROWS

}  // namespace

const Method* find_method(int version, MethodRole role) {
  for (const Method& method : kMethods) {
    if (method.version == version && method.client == (role != MethodRole::server) &&
        method.server == (role != MethodRole::client)) {
      return &method;
    }
  }
  return nullptr;
}

}  // namespace handfast
