#include "pki/name_list.h"

#include <dirent.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/store.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>

#include "pki/certificate_cache.h"
#include "wire/allocate.h"
#include "wire/bytes.h"

namespace handfast {
namespace {

using NamePtr = std::unique_ptr<X509_NAME, FreeWith<X509_NAME_free>>;
using StorePtr = std::unique_ptr<OSSL_STORE_CTX, FreeWith<OSSL_STORE_close>>;
using StoreInfoPtr = std::unique_ptr<OSSL_STORE_INFO, FreeWith<OSSL_STORE_INFO_free>>;

// The DER of a name, which X509_NAME keeps ready.
View der_of(const X509_NAME* name) {
  const unsigned char* der = nullptr;
  size_t length = 0;
  // The parameter is not const for historical reasons; it may get its encoding here.
  if (X509_NAME_get0_der(const_cast<X509_NAME*>(name), &der, &length) == 0) return {};
  return {der, length};
}

int compare(const X509_NAME* const* left, const X509_NAME* const* right) {
  View a = der_of(*left);
  View b = der_of(*right);
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.empty() ? 0 : std::memcmp(a.data(), b.data(), a.size());
}

// Makes the list compare names by their DER; the application's own order comes back afterwards.
class ByDer {
 public:
  explicit ByDer(STACK_OF(X509_NAME) * names)
      : names_(names), previous_(sk_X509_NAME_set_cmp_func(names, compare)) {}
  ~ByDer() { sk_X509_NAME_set_cmp_func(names_, previous_); }
  ByDer(const ByDer&) = delete;
  ByDer& operator=(const ByDer&) = delete;

 private:
  STACK_OF(X509_NAME) * names_;
  sk_X509_NAME_compfunc previous_;
};

// Looking for duplicates may sort the list.
bool add_once(STACK_OF(X509_NAME) * names, const X509* certificate) {
  NamePtr name(X509_NAME_dup(X509_get_subject_name(certificate)));
  if (name == nullptr) return false;
  if (sk_X509_NAME_find(names, name.get()) >= 0) return true;
  if (sk_X509_NAME_push(names, name.get()) <= 0) return false;
  name.release();
  return true;
}

BioPtr open(const char* file) {
  BioPtr in(BIO_new(BIO_s_file()));
  if (in == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  } else if (BIO_read_filename(in.get(), file) <= 0) {
    in.reset();
  }
  return in;
}

// nullptr: see the queue.
X509Ptr parse(View der, OSSL_LIB_CTX* library, const char* property_query) {
  X509Ptr certificate;
  ERR_set_mark();
  bool shared = parse_file_certificate(library, property_query, der, certificate).ok();
  ERR_pop_to_mark();
  if (shared) return certificate;
  // Here bytes after the certificate are no error.
  X509* parsed = X509_new_ex(library, property_query);
  const unsigned char* at = der.data();
  if (parsed == nullptr) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  } else if (d2i_X509(&parsed, &at, static_cast<long>(der.size())) == nullptr) {
    ERR_raise(ERR_LIB_PEM, ERR_R_ASN1_LIB);
  }
  return X509Ptr(parsed);
}

// Hands every certificate of a PEM file to `take`, until it says false. Whatever ends the reading
// is taken for the end of the file.
template <typename Take>
bool for_each_certificate(BIO* in, OSSL_LIB_CTX* library, const char* property_query, Take take) {
  for (;;) {
    unsigned char* data = nullptr;
    long length = 0;
    if (PEM_bytes_read_bio(&data, &length, nullptr, PEM_STRING_X509, in, nullptr, nullptr) == 0) {
      return true;
    }
    std::unique_ptr<unsigned char, OpensslFree> der(data);
    X509Ptr certificate = parse({data, static_cast<size_t>(length)}, library, property_query);
    if (certificate == nullptr) {
      return ERR_GET_REASON(ERR_peek_last_error()) != ERR_R_MALLOC_FAILURE;
    }
    if (!take(certificate.get())) return false;
  }
}

bool add_subjects_of_uri(STACK_OF(X509_NAME) * names, const char* uri, int depth) {
  StorePtr store(OSSL_STORE_open(uri, nullptr, nullptr, nullptr, nullptr));
  if (store == nullptr) return false;
  bool ok = true;
  while (OSSL_STORE_eof(store.get()) == 0 && OSSL_STORE_error(store.get()) == 0) {
    StoreInfoPtr info(OSSL_STORE_load(store.get()));
    if (info == nullptr) continue;
    switch (OSSL_STORE_INFO_get_type(info.get())) {
      case OSSL_STORE_INFO_NAME:  // an entry of a directory
        if (depth > 0) {
          ok = add_subjects_of_uri(names, OSSL_STORE_INFO_get0_NAME(info.get()), depth - 1);
        }
        break;
      case OSSL_STORE_INFO_CERT:
        if (!add_once(names, OSSL_STORE_INFO_get0_CERT(info.get()))) return false;
        break;
      default:
        break;
    }
  }
  ERR_clear_error();
  return ok;
}

bool is_directory(const char* path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

X509NameStackPtr copy_names(const STACK_OF(X509_NAME) * names) {
  int count = names == nullptr ? 0 : sk_X509_NAME_num(names);
  X509NameStackPtr copy(sk_X509_NAME_new_reserve(nullptr, count));
  for (int i = 0; copy != nullptr && i < count; ++i) {
    X509_NAME* name = X509_NAME_dup(sk_X509_NAME_value(names, i));
    if (name == nullptr) {
      copy.reset();
    } else {
      sk_X509_NAME_push(copy.get(), name);
    }
  }
  if (copy == nullptr) ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
  return copy;
}

bool add_subject(X509NameStackPtr& names, const X509* certificate) {
  if (certificate == nullptr) return false;
  if (names == nullptr) names.reset(sk_X509_NAME_new_null());
  if (names == nullptr) return false;
  NamePtr name(X509_NAME_dup(X509_get_subject_name(certificate)));
  if (name == nullptr || sk_X509_NAME_push(names.get(), name.get()) <= 0) return false;
  name.release();
  return true;
}

X509NameStackPtr load_subjects(const char* file, OSSL_LIB_CTX* library,
                               const char* property_query) {
  X509NameStackPtr names;
  X509NameStackPtr seen(sk_X509_NAME_new(compare));
  BioPtr in = open(file);
  if (in == nullptr || seen == nullptr) return nullptr;
  bool ok = for_each_certificate(in.get(), library, property_query, [&](X509* certificate) {
    if (names == nullptr) names.reset(sk_X509_NAME_new_null());
    int known = sk_X509_NAME_num(seen.get());
    // `seen` may be sorted by the search; the result keeps the file's order.
    if (names == nullptr || !add_once(seen.get(), certificate)) return false;
    return sk_X509_NAME_num(seen.get()) == known || add_subject(names, certificate);
  });
  if (!ok) return nullptr;
  if (names != nullptr) ERR_clear_error();
  return names;
}

bool add_subjects_of_file(STACK_OF(X509_NAME) * names, const char* file) {
  ByDer by_der(names);
  BioPtr in = open(file);
  if (in == nullptr) return false;
  if (!for_each_certificate(in.get(), nullptr, nullptr,
                            [&](X509* certificate) { return add_once(names, certificate); })) {
    return false;
  }
  ERR_clear_error();
  return true;
}

bool add_subjects_of_directory(STACK_OF(X509_NAME) * names, const char* directory) {
  std::unique_ptr<DIR, FreeWith<closedir>> entries(opendir(directory));
  if (entries != nullptr) errno = 0;
  while (const dirent* entry = entries == nullptr ? nullptr : readdir(entries.get())) {
    char path[1024];
    int length = std::snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
    if (length < 0 || static_cast<size_t>(length) >= sizeof path) {
      ERR_raise(ERR_LIB_SSL, SSL_R_PATH_TOO_LONG);
      return false;
    }
    if (!is_directory(path) && !add_subjects_of_file(names, path)) return false;
    errno = 0;
  }
  if (errno != 0) {
    ERR_raise_data(ERR_LIB_SYS, errno, "calling OPENSSL_dir_read(%s)", directory);
    ERR_raise(ERR_LIB_SSL, ERR_R_SYS_LIB);
    return false;
  }
  return true;
}

bool add_subjects_of_store(STACK_OF(X509_NAME) * names, const char* uri) {
  ByDer by_der(names);
  return add_subjects_of_uri(names, uri, 1);
}

}  // namespace handfast
