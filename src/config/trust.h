// Whom we believe: how the peer's certificate is verified and which CAs are named to it.
#pragma once

#include <openssl/ssl.h>

#include "config/cow.h"
#include "wire/crypto_types.h"

namespace handfast {

struct Trust : Shared {
  int verify_mode = SSL_VERIFY_NONE;
  SSL_verify_cb verify_callback = nullptr;
  X509VerifyParamPtr param;    // never nullptr after init()
  bool param_exposed = false;  // an application holds `param`: never share this Trust

  // Gives a fresh Trust its X509_VERIFY_PARAM.
  [[nodiscard]] bool init();
  [[nodiscard]] bool copy_from(const Trust& other);
};

// The CAs that are named to the peer: an SSL's own, nullptr where it uses its SSL_CTX's (live).
struct NamedAuthorities {
  X509NameStackPtr any;     // SSL_set0_CA_list(3): for either role
  X509NameStackPtr client;  // SSL_set_client_CA_list(3): for a server's CertificateRequest
};

}  // namespace handfast
