#include "wire/version_name.h"

#include <openssl/ssl.h>

namespace handfast {

const char* version_name(int version) {
  switch (version) {
    case TLS1_3_VERSION:
      return "TLSv1.3";
    case TLS1_2_VERSION:
      return "TLSv1.2";
    case TLS1_1_VERSION:
      return "TLSv1.1";
    case TLS1_VERSION:
      return "TLSv1";
    case SSL3_VERSION:
      return "SSLv3";
    case DTLS1_2_VERSION:
      return "DTLSv1.2";
    case DTLS1_VERSION:
      return "DTLSv1";
    case DTLS1_BAD_VER:
      return "DTLSv0.9";
    default:
      return "unknown";
  }
}

}  // namespace handfast
