// DANE (RFC 6698, RFC 7671): TLSA records of a connection and the digests that may match them.
//
// libcrypto does the matching inside X509_verify_cert, on the structures below: their layout is an
// agreement between libssl.so.3 and libcrypto.so.3 that holds for all of OpenSSL 3.
#pragma once

#include <openssl/evp.h>
#include <openssl/safestack.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdint>

#include "wire/bytes.h"

struct danetls_record_st {
  uint8_t usage;
  uint8_t selector;
  uint8_t mtype;
  unsigned char* data;
  size_t dlen;
  EVP_PKEY* spki;  // of "2 1 0" records: a trust anchor that is only a key
};
using danetls_record = danetls_record_st;
DEFINE_STACK_OF(danetls_record)

struct dane_ctx_st {
  const EVP_MD** mdevp;  // by matching type
  uint8_t* mdord;        // strength of a matching type
  uint8_t mdmax;         // last matching type of both
  unsigned long flags;
};

struct ssl_dane_st {
  dane_ctx_st* dctx;
  STACK_OF(danetls_record) * trecs;
  STACK_OF(X509) * certs;  // certificates of records that may be missing in the peer's chain
  danetls_record* mtlsa;   // the record that matched
  X509* mcert;             // the certificate that matched it
  uint32_t umask;          // usages present
  int mdpth;               // depth of mcert
  int pdpth;               // depth of the PKIX trust anchor
  unsigned long flags;
};

namespace handfast {

// An SSL_CTX's part. Outlives its connections' parts.
struct DaneContext : dane_ctx_st {
  DaneContext() : dane_ctx_st{} {}
  DaneContext(const DaneContext&) = delete;
  DaneContext& operator=(const DaneContext&) = delete;
  ~DaneContext();

  // SSL_CTX_dane_enable(3), SSL_CTX_dane_mtype_set(3); reasons in the queue.
  [[nodiscard]] int enable();
  [[nodiscard]] int set_matching_type(const EVP_MD* md, uint8_t type, uint8_t order);
};

// An SSL's part.
struct DaneState : ssl_dane_st {
  DaneState() : ssl_dane_st{} {}
  DaneState(const DaneState&) = delete;
  DaneState& operator=(const DaneState&) = delete;
  ~DaneState() { clear(); }

  // Records may be added from now on. False: memory.
  [[nodiscard]] bool start(DaneContext& context);
  // SSL_dane_tlsa_add(3): 1, 0 for a bad record, -1 for other failures; reasons in the queue.
  [[nodiscard]] int add(uint8_t usage, uint8_t selector, uint8_t type, View data, bool no_data);
  // For SSL_dup: records and flags of `other`, without what was matched. False: see the queue.
  [[nodiscard]] bool copy_from(const DaneState& other, DaneContext& context);
  // For SSL_clear: the records stay, what was matched goes.
  void forget_match();

 private:
  void clear();
};

// Must DANE decide? nullptr is allowed.
[[nodiscard]] bool has_tlsa_records(const ssl_dane_st* dane);

}  // namespace handfast
