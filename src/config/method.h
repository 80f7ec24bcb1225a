// The public SSL_METHOD: constant rows, one for each of SSLv23_method(3)'s functions.
#pragma once

#include <openssl/ssl.h>

struct ssl_method_st {
  int version;          // TLS_ANY_VERSION for version-flexible methods
  bool client, server;  // roles that it may take
  bool datagram;
  int min_version, max_version;

  // Whether the version is negotiated.
  [[nodiscard]] bool flexible() const { return min_version != max_version; }
};

namespace handfast {

using Method = ssl_method_st;
enum class MethodRole : unsigned char { both, client, server };
// `version`: TLS_ANY_VERSION, TLS1_3_VERSION …, DTLS_ANY_VERSION …; never fails for known ones.
const Method* find_method(int version, MethodRole role);

}  // namespace handfast
