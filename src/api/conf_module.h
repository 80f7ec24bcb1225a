// Settings of TLS in openssl.cnf (config(5), section "SSL Configuration").
#pragma once

#include <openssl/ssl.h>

namespace handfast {

// Applies the section `system_default`, if there is one. Failures stay in the error queue only.
void apply_system_configuration(SSL_CTX* ctx);

}  // namespace handfast
