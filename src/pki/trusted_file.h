// PEM files of trusted certificates, whose certificates come from pki/certificate_cache.h.
#pragma once

#include <openssl/x509_vfy.h>

namespace handfast {

// X509_STORE_load_file_ex(3): nothing is added when the file cannot be read or has a damaged block.
// False: see the queue, which stays empty for `file` nullptr.
[[nodiscard]] bool load_trusted_file(X509_STORE* store, const char* file, OSSL_LIB_CTX* library,
                                     const char* property_query);

// The same for the file that SSL_CERT_FILE names or else libcrypto's own default one, which may
// well be missing: only a lookup that cannot be made is a failure. The queue is as before
// otherwise.
[[nodiscard]] bool load_default_trusted_file(X509_STORE* store, OSSL_LIB_CTX* library,
                                             const char* property_query);

}  // namespace handfast
