// Signed certificate timestamps (RFC 6962) by a log of this process.
#pragma once

#include <openssl/ct.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "older.h"

namespace twin {

using Octets = std::string;

/// `value` in `count` bytes.
inline Octets big_endian(uint64_t value, int count) {
  Octets bytes;
  while (count-- > 0) bytes += static_cast<char>(value >> (8 * count));
  return bytes;
}

inline Octets vector_of(const Octets& content, int length_bytes) {
  return big_endian(content.size(), length_bytes) + content;
}

inline Octets sha256(const Octets& data) {
  Octets digest(32, 0);
  EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr,
             EVP_sha256(), nullptr);
  return digest;
}

/// What an i2d function writes.
inline Octets der(const std::function<int(unsigned char**)>& encode) {
  unsigned char* bytes = nullptr;
  int length = encode(&bytes);
  require(length > 0, "DER");
  Octets result(reinterpret_cast<char*>(bytes), static_cast<size_t>(length));
  OPENSSL_free(bytes);
  return result;
}

inline Octets public_key_of(EVP_PKEY* key) {
  return der([=](unsigned char** out) { return i2d_PUBKEY(key, out); });
}

/// A log with the key of one of the fixtures, which must be on P-256.
struct TransparencyLog {
  Owned<EVP_PKEY> key;
  explicit TransparencyLog(const char* name) : key(read_key(name)) {}

  /// RFC 6962 3.2: of the log entry `entry`, as a SerializedSCT without its length.
  Octets timestamp(uint16_t entry_type, const Octets& entry, uint64_t milliseconds,
                   bool valid = true) const {
    Octets input = Octets(2, 0) + big_endian(milliseconds, 8) + big_endian(entry_type, 2) + entry +
                   Octets(2, 0);
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    size_t length = 256;
    Octets signature(length, 0);
    EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key.get());
    require(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &length,
                           reinterpret_cast<const unsigned char*>(input.data()), input.size()) == 1,
            "signature of a log");
    EVP_MD_CTX_free(context);
    signature.resize(length);
    if (!valid) signature[length - 1] = static_cast<char>(signature[length - 1] ^ 1);
    return Octets(1, 0) + sha256(public_key_of(key.get())) + big_endian(milliseconds, 8) +
           Octets(2, 0) + "\4\3" + vector_of(signature, 2);
  }

  /// Of a certificate itself.
  Octets timestamp(X509* certificate, uint64_t milliseconds, bool valid = true) const {
    Octets entry = der([=](unsigned char** out) { return i2d_X509(certificate, out); });
    return timestamp(0, vector_of(entry, 3), milliseconds, valid);
  }

  /// A section of a list of logs: CTLOG_STORE_load_file(3).
  std::string section(const char* name) const {
    Octets bytes = public_key_of(key.get());
    std::string base64(4 * ((bytes.size() + 2) / 3) + 1, 0);
    int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()),
                                 reinterpret_cast<const unsigned char*>(bytes.data()),
                                 static_cast<int>(bytes.size()));
    return text("[%s]\ndescription = log %s\nkey = ", name, name) +
           base64.substr(0, static_cast<size_t>(length)) + "\n";
  }
};

/// SignedCertificateTimestampList.
inline Octets timestamp_list(const std::vector<Octets>& timestamps) {
  Octets list;
  for (const Octets& one : timestamps) list += vector_of(one, 2);
  return vector_of(list, 2);
}

inline STACK_OF(SCT) * parsed_list(const Octets& list) {
  auto* bytes = reinterpret_cast<const unsigned char*>(list.data());
  return o2i_SCT_LIST(nullptr, &bytes, list.size());
}

/// An OCSP response for `certificate` that carries the list.
inline Octets ocsp_response(X509* certificate, const Octets& list) {
  Owned<X509> issuer = read_certificate("root");
  OCSP_BASICRESP* basic = OCSP_BASICRESP_new();
  ASN1_TIME* now = X509_gmtime_adj(nullptr, 0);
  OCSP_SINGLERESP* single =
      OCSP_basic_add1_status(basic, OCSP_cert_to_id(nullptr, certificate, issuer.get()),
                             V_OCSP_CERTSTATUS_GOOD, 0, nullptr, now, nullptr);
  STACK_OF(SCT)* timestamps = parsed_list(list);
  require(OCSP_SINGLERESP_add1_ext_i2d(single, NID_ct_cert_scts, timestamps, 0, 0) == 1,
          "OCSP extension");
  SCT_LIST_free(timestamps);
  ASN1_TIME_free(now);
  Owned<EVP_PKEY> key = read_key("root");
  require(OCSP_basic_sign(basic, issuer.get(), key.get(),
                          EVP_PKEY_is_a(key.get(), "ED25519") ? nullptr : EVP_sha256(), nullptr,
                          OCSP_NOCERTS) == 1,
          "OCSP signature");
  OCSP_RESPONSE* response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
  Octets bytes = der([=](unsigned char** out) { return i2d_OCSP_RESPONSE(response, out); });
  OCSP_RESPONSE_free(response);
  OCSP_BASICRESP_free(basic);
  return bytes;
}

}  // namespace twin
