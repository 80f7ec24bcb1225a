// Lists of CA names, made from certificates: SSL_load_client_CA_file(3).
#pragma once

#include <openssl/x509.h>

#include "wire/crypto_types.h"

namespace handfast {

// A deep copy; `names` may be nullptr, an empty list then. nullptr: see the queue.
X509NameStackPtr copy_names(const STACK_OF(X509_NAME) * names);

// Appends a copy of the subject, to a new list when there is none yet. False without a
// certificate or memory.
[[nodiscard]] bool add_subject(X509NameStackPtr& names, const X509* certificate);

// The subjects of a PEM file's certificates, each once. nullptr: none, or see the queue.
X509NameStackPtr load_subjects(const char* file, OSSL_LIB_CTX* library, const char* property_query);

// Append subjects that `names` does not have yet; that may sort it. False: see the queue, with
// some of the subjects added.
[[nodiscard]] bool add_subjects_of_file(STACK_OF(X509_NAME) * names, const char* file);
[[nodiscard]] bool add_subjects_of_directory(STACK_OF(X509_NAME) * names, const char* directory);
[[nodiscard]] bool add_subjects_of_store(STACK_OF(X509_NAME) * names, const char* uri);

}  // namespace handfast
