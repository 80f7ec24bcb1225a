// What SSL_client_hello_get0_legacy_version(3) and its siblings say to a client-hello callback.
#pragma once

#include "report.h"

namespace twin {

inline std::string digits(const unsigned char* data, size_t size) {
  std::string result;
  for (size_t i = 0; i < size; i++) result += text("%02x", data[i]);
  return result;
}

/// Everything that stands in a hello and does not change from run to run.
inline void tell_hello(SSL* ssl) {
  const unsigned char* data = nullptr;
  out("  v2 %d, version %04x, random %zu", SSL_client_hello_isv2(ssl),
      SSL_client_hello_get0_legacy_version(ssl), SSL_client_hello_get0_random(ssl, &data));
  out("  session id of %zu", SSL_client_hello_get0_session_id(ssl, &data));
  size_t size = SSL_client_hello_get0_ciphers(ssl, &data);
  out("  ciphers %s", digits(data, size).c_str());
  size = SSL_client_hello_get0_compression_methods(ssl, &data);
  out("  compression %s", digits(data, size).c_str());
  int* present = nullptr;
  size_t count = 99;
  int got = SSL_client_hello_get1_extensions_present(ssl, &present, &count);
  std::string line;
  for (size_t i = 0; i < count; i++) line += text(" %d", present[i]);
  out("  extensions in order %d:%s", got, line.c_str());
  for (size_t i = 0; i < count; i++) {
    auto type = static_cast<unsigned>(present[i]);
    if (!SSL_client_hello_get0_ext(ssl, type, &data, &size)) continue;
    bool varies = type == TLSEXT_TYPE_key_share || type == TLSEXT_TYPE_session_ticket;
    out("    %u: %s", type, varies ? text("%zu bytes", size).c_str() : digits(data, size).c_str());
  }
  OPENSSL_free(present);
  int there = SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_next_proto_neg, &data, &size);
  out("  absent %d, without places %d %d", there,
      SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_groups, nullptr, nullptr),
      SSL_client_hello_get0_ext(ssl, 4711, nullptr, nullptr));
  STACK_OF(SSL_CIPHER)* suites = nullptr, *signals = nullptr;
  size = SSL_client_hello_get0_ciphers(ssl, &data);
  int parsed =
      SSL_bytes_to_cipher_list(ssl, data, size, SSL_client_hello_isv2(ssl), &suites, &signals);
  out("  as lists %d: %d suites, %d signals", parsed, sk_SSL_CIPHER_num(suites),
      sk_SSL_CIPHER_num(signals));
  sk_SSL_CIPHER_free(suites);
  sk_SSL_CIPHER_free(signals);
}

}  // namespace twin
