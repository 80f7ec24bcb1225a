#include "pki/trusted_file.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <string_view>

#include "pki/certificate_cache.h"
#include "pki/pem_block.h"
#include "wire/array.h"

namespace handfast {
namespace {

enum class Reading : uint8_t {
  complete,
  short_of_memory,
  unusual,  // libcrypto's own reader knows what to make of the file
};

// Only certificates without trust settings are shared; whatever else a block can be is unusual.
bool is_plain_certificate(const PemBlock& block) {
  std::string_view name = block.name.get();
  return (name == PEM_STRING_X509 || name == PEM_STRING_X509_OLD) && *block.header.get() == 0;
}

Reading read_blocks(BIO* in, Array<PemBlock>& blocks) {
  for (;;) {
    PemBlock block;
    if (!read_pem_block(in, block)) {
      bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
      return end && !blocks.empty() ? Reading::complete : Reading::unusual;
    }
    if (!is_plain_certificate(block)) return Reading::unusual;
    if (!blocks.push_back(std::move(block))) return Reading::short_of_memory;
  }
}

// Parses nothing before it is certain that libcrypto's reader will not do it again, unless a block
// is damaged.
Reading read_certificates(BIO* in, OSSL_LIB_CTX* library, const char* property_query,
                          Array<X509Ptr>& certificates) {
  Array<PemBlock> blocks;
  if (Reading result = read_blocks(in, blocks); result != Reading::complete) return result;
  if (!certificates.reserve(blocks.size())) return Reading::short_of_memory;
  for (const PemBlock& block : blocks) {
    X509Ptr certificate;
    if (!parse_file_certificate(library, property_query, block.view(), certificate).ok()) {
      return Reading::unusual;
    }
    if (!certificates.push_back(std::move(certificate))) return Reading::short_of_memory;
  }
  return Reading::complete;
}

// Leaves the queue as it was.
Reading read_file(const char* file, OSSL_LIB_CTX* library, const char* property_query,
                  Array<X509Ptr>& certificates) {
  struct stat status;
  // A pipe could not be read a second time.
  if (stat(file, &status) != 0 || !S_ISREG(status.st_mode)) return Reading::unusual;
  ERR_set_mark();
  Reading result = Reading::unusual;
  if (BioPtr in(BIO_new_file(file, "r")); in != nullptr) {
    result = read_certificates(in.get(), library, property_query, certificates);
  }
  ERR_pop_to_mark();
  return result;
}

bool load(X509_LOOKUP* lookup, const char* file, OSSL_LIB_CTX* library,
          const char* property_query) {
  Array<X509Ptr> certificates;
  switch (read_file(file, library, property_query, certificates)) {
    case Reading::unusual:
      return X509_LOOKUP_load_file_ex(lookup, file, X509_FILETYPE_PEM, library, property_query) > 0;
    case Reading::short_of_memory:
      ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
      return false;
    case Reading::complete:
      break;
  }
  X509_STORE* store = X509_LOOKUP_get_store(lookup);
  for (const X509Ptr& certificate : certificates) {
    if (X509_STORE_add_cert(store, certificate.get()) == 0) return false;
  }
  return true;
}

}  // namespace

bool load_trusted_file(X509_STORE* store, const char* file, OSSL_LIB_CTX* library,
                       const char* property_query) {
  if (file == nullptr) return false;
  X509_LOOKUP* lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
  return lookup != nullptr && load(lookup, file, library, property_query);
}

bool load_default_trusted_file(X509_STORE* store, OSSL_LIB_CTX* library,
                               const char* property_query) {
  X509_LOOKUP* lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
  if (lookup == nullptr) return false;
  const char* named = secure_getenv(X509_get_default_cert_file_env());
  ERR_set_mark();
  load(lookup, named != nullptr ? named : X509_get_default_cert_file(), library, property_query);
  ERR_pop_to_mark();
  return true;
}

}  // namespace handfast
