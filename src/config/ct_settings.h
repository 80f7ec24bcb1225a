// Certificate Transparency: what an SSL takes from its SSL_CTX.
#pragma once

#include <openssl/ct.h>
#include <openssl/ssl.h>

namespace handfast {

// SSL_set_ct_validation_callback(3).
struct CtSettings {
  ssl_ct_validation_cb callback = nullptr;  // nullptr: no validation, no SCTs asked for
  void* argument = nullptr;
};

}  // namespace handfast
