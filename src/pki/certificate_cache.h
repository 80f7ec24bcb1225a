// Parsed certificates of peers and of files of CAs, so that a certificate seen before costs no
// parsing.
//
// Sharing is safe because
// - the objects are only ever what d2i_X509 makes of the same bytes: the key is the whole DER, and
//   an entry to which the application attached trust settings or an alias is dropped, not shared;
// - every verification is done anew: a hit says nothing about trust;
// - X509 and its public key are counted and safe to read by many threads, as every X509_STORE needs
//   them to be, and what libcrypto computes lazily in them, under a lock, is computed before they
//   are shared;
// - applications that get a peer's certificate get a shared object from OpenSSL too: a resumed
//   connection shows the X509 of its session. An application that writes to the certificates of
//   peers or stores (X509_set_ex_data …) sets HANDFAST_CERTIFICATE_CACHE=off.
// Only certificates of the default library context without property query or FIPS mode are kept:
// others must be parsed by their own providers. Nor is one whose key no provider knew: a later one
// may.
#pragma once

#include "crypto/algorithms.h"
#include "wire/bytes.h"
#include "wire/crypto_types.h"
#include "wire/verdict.h"

namespace handfast {

// Parses one certificate of a Certificate message, or finds it parsed. `der` that is not a
// certificate fails with `malformed` and ERR_R_ASN1_LIB, bytes after it with decode_error and
// SSL_R_CERT_LENGTH_MISMATCH.
Verdict parse_certificate(const Algorithms& algorithms, View der, X509Ptr& out,
                          Alert malformed = Alert::decode_error);

// The same for a certificate of a file, most of which no verification will ever look at: what
// libcrypto computes lazily is left to the first sharing. `library` and `property_query` are those
// of X509_new_ex(3).
Verdict parse_file_certificate(OSSL_LIB_CTX* library, const char* property_query, View der,
                               X509Ptr& out);

struct CertificateCacheStatistics {
  size_t entries;
  size_t hits;    // since the process started
  size_t misses;  // parsed although it could have been in the cache
};
CertificateCacheStatistics certificate_cache_statistics();

// For the end of the process, and for tests: forgets every certificate.
void clear_certificate_cache();

}  // namespace handfast
