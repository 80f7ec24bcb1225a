#include "pki/dane.h"

#include <openssl/err.h>

#include <cstring>
#include <limits>

#include "wire/crypto_types.h"

namespace handfast {
namespace {

// RFC 6698 section 2.1 by the names of RFC 7218.
enum Usage : uint8_t { kPkixTa, kPkixEe, kDaneTa, kDaneEe, kLastUsage = kDaneEe };
enum Selector : uint8_t { kCertificate, kPublicKey, kLastSelector = kPublicKey };
enum MatchingType : uint8_t { kFull, kSha256, kSha512, kLastMatchingType = kSha512 };

void free_record(danetls_record* record) {
  if (record == nullptr) return;
  OPENSSL_free(record->data);
  EVP_PKEY_free(record->spki);
  OPENSSL_free(record);
}
using RecordPtr = std::unique_ptr<danetls_record, FreeWith<free_record>>;

int refuse(int reason, int result = 0) {
  ERR_raise(ERR_LIB_SSL, reason);
  return result;
}

// Grows an array of the context to `count` entries; new ones are indeterminate.
template <typename T>
bool grow(T*& array, size_t count) {
  auto* grown = static_cast<T*>(OPENSSL_realloc(array, count * sizeof(T)));
  if (grown == nullptr) return false;
  array = grown;
  return true;
}

// 0 or the reason why a record of these properties is refused.
int check_record(const ssl_dane_st& dane, const danetls_record& record, bool no_data) {
  if (record.dlen > static_cast<size_t>(std::numeric_limits<int>::max())) {
    return SSL_R_DANE_TLSA_BAD_DATA_LENGTH;
  }
  if (record.usage > kLastUsage) return SSL_R_DANE_TLSA_BAD_CERTIFICATE_USAGE;
  if (record.selector > kLastSelector) return SSL_R_DANE_TLSA_BAD_SELECTOR;
  if (record.mtype != kFull) {
    const EVP_MD* md = record.mtype > dane.dctx->mdmax ? nullptr : dane.dctx->mdevp[record.mtype];
    if (md == nullptr) return SSL_R_DANE_TLSA_BAD_MATCHING_TYPE;
    if (record.dlen != static_cast<size_t>(EVP_MD_get_size(md))) {
      return SSL_R_DANE_TLSA_BAD_DIGEST_LENGTH;
    }
  }
  return no_data ? SSL_R_DANE_TLSA_NULL_DATA : 0;
}

// RFC 7671 section 5.2: a certificate of a trust anchor in full may be missing in the peer's
// chain. 1, 0 for a bad one, -1: memory.
int take_certificate(ssl_dane_st& dane, const danetls_record& record) {
  const unsigned char* end = record.data;
  X509Ptr certificate(d2i_X509(nullptr, &end, static_cast<long>(record.dlen)));
  if (certificate == nullptr || end != record.data + record.dlen ||
      X509_get0_pubkey(certificate.get()) == nullptr) {
    return refuse(SSL_R_DANE_TLSA_BAD_CERTIFICATE);
  }
  if (record.usage != kPkixTa && record.usage != kDaneTa) return 1;
  if (dane.certs == nullptr) dane.certs = sk_X509_new_null();
  if (dane.certs == nullptr || sk_X509_push(dane.certs, certificate.get()) <= 0) {
    return refuse(ERR_R_MALLOC_FAILURE, -1);
  }
  certificate.release();
  return 1;
}

// RFC 7671 section 5.2.2: a trust anchor may be a bare key.
int take_public_key(danetls_record& record) {
  const unsigned char* end = record.data;
  EvpPkeyPtr key(d2i_PUBKEY(nullptr, &end, static_cast<long>(record.dlen)));
  if (key == nullptr || end != record.data + record.dlen) {
    return refuse(SSL_R_DANE_TLSA_BAD_PUBLIC_KEY);
  }
  if (record.usage == kDaneTa) record.spki = key.release();
  return 1;
}

// Where the record belongs: libcrypto expects usages, selectors and strengths in falling order.
int position_of(const ssl_dane_st& dane, const danetls_record& record) {
  auto rank = [&](const danetls_record& one) {
    return one.usage << 16 | one.selector << 8 | dane.dctx->mdord[one.mtype];
  };
  int position = 0;
  int count = sk_danetls_record_num(dane.trecs);
  while (position < count && rank(*sk_danetls_record_value(dane.trecs, position)) > rank(record)) {
    ++position;
  }
  return position;
}

}  // namespace

DaneContext::~DaneContext() {
  OPENSSL_free(mdevp);
  OPENSSL_free(mdord);
}

int DaneContext::enable() {
  if (mdevp != nullptr) return 1;
  constexpr size_t kCount = kLastMatchingType + 1;
  auto* digests = static_cast<const EVP_MD**>(OPENSSL_zalloc(kCount * sizeof(EVP_MD*)));
  auto* orders = static_cast<uint8_t*>(OPENSSL_zalloc(kCount));
  if (digests == nullptr || orders == nullptr) {
    OPENSSL_free(digests);
    OPENSSL_free(orders);
    return refuse(ERR_R_MALLOC_FAILURE);
  }
  digests[kSha256] = EVP_get_digestbyname(SN_sha256);
  digests[kSha512] = EVP_get_digestbyname(SN_sha512);
  orders[kSha256] = 1;
  orders[kSha512] = 2;
  mdevp = digests;
  mdord = orders;
  mdmax = kLastMatchingType;
  return 1;
}

int DaneContext::set_matching_type(const EVP_MD* md, uint8_t type, uint8_t order) {
  if (type == kFull && md != nullptr) return refuse(SSL_R_DANE_CANNOT_OVERRIDE_MTYPE_FULL);
  if (type > mdmax || mdevp == nullptr) {
    size_t old_count = mdevp == nullptr ? 0 : mdmax + size_t{1};
    if (!grow(mdevp, type + size_t{1}) || !grow(mdord, type + size_t{1})) {
      return refuse(ERR_R_MALLOC_FAILURE, -1);
    }
    for (size_t i = old_count; i < type; ++i) {
      mdevp[i] = nullptr;
      mdord[i] = 0;
    }
    mdmax = type;
  }
  mdevp[type] = md;
  mdord[type] = md == nullptr ? 0 : order;
  return 1;
}

bool DaneState::start(DaneContext& context) {
  mdpth = -1;
  pdpth = -1;
  dctx = &context;
  trecs = sk_danetls_record_new_null();
  return trecs != nullptr;
}

int DaneState::add(uint8_t usage, uint8_t selector, uint8_t type, View data, bool no_data) {
  if (trecs == nullptr) return refuse(SSL_R_DANE_NOT_ENABLED, -1);
  danetls_record properties{usage, selector, type, nullptr, data.size(), nullptr};
  if (int reason = check_record(*this, properties, no_data); reason != 0) return refuse(reason);

  RecordPtr record(static_cast<danetls_record*>(OPENSSL_malloc(sizeof(danetls_record))));
  if (record == nullptr) return refuse(ERR_R_MALLOC_FAILURE, -1);
  *record = properties;
  record->data = static_cast<unsigned char*>(OPENSSL_malloc(data.size()));
  if (record->data == nullptr) return refuse(ERR_R_MALLOC_FAILURE, -1);
  std::memcpy(record->data, data.data(), data.size());

  if (type == kFull) {
    int taken =
        selector == kCertificate ? take_certificate(*this, *record) : take_public_key(*record);
    if (taken <= 0) return taken;
  }
  if (sk_danetls_record_insert(trecs, record.get(), position_of(*this, *record)) <= 0) {
    return refuse(ERR_R_MALLOC_FAILURE, -1);
  }
  record.release();
  umask |= uint32_t{1} << usage;
  return 1;
}

bool DaneState::copy_from(const DaneState& other, DaneContext& context) {
  if (!has_tlsa_records(&other)) return true;
  clear();
  flags = other.flags;
  if (!start(context)) {
    ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
    return false;
  }
  for (int i = 0; i < sk_danetls_record_num(other.trecs); ++i) {
    const danetls_record* record = sk_danetls_record_value(other.trecs, i);
    if (add(record->usage, record->selector, record->mtype, {record->data, record->dlen}, false) <=
        0) {
      return false;
    }
  }
  return true;
}

void DaneState::forget_match() {
  X509_free(mcert);
  mcert = nullptr;
  mtlsa = nullptr;
  mdpth = -1;
  pdpth = -1;
}

void DaneState::clear() {
  forget_match();
  sk_danetls_record_pop_free(trecs, free_record);
  trecs = nullptr;
  sk_X509_pop_free(certs, X509_free);
  certs = nullptr;
  umask = 0;
}

bool has_tlsa_records(const ssl_dane_st* dane) {
  return dane != nullptr && sk_danetls_record_num(dane->trecs) > 0;
}

}  // namespace handfast
