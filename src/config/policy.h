// What may be negotiated and how the connection behaves: plain values, no credentials.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>

#include "config/cow.h"
#include "crypto/cipher_suite.h"
#include "wire/array.h"
#include "wire/bytes.h"

namespace handfast {

// What the system's library is built with; the headers' OPENSSL_TLS_SECURITY_LEVEL says 1.
constexpr int kDefaultSecurityLevel = 2;

// SSL_CTX_set_security_callback(3).
using SecurityCallback = int (*)(const SSL* ssl, const SSL_CTX* ctx, int operation, int bits,
                                 int nid, void* other, void* ex);

struct Policy : Shared {
  uint64_t options = SSL_OP_NO_COMPRESSION | SSL_OP_ENABLE_MIDDLEBOX_COMPAT;
  uint32_t mode = SSL_MODE_AUTO_RETRY;
  int min_version = 0;  // 0: the lowest that the method has
  int max_version = 0;  // 0: the highest
  int security_level = kDefaultSecurityLevel;
  SecurityCallback security_callback = nullptr;  // nullptr: the default rules (config/security.h)
  void* security_ex_data = nullptr;

  Array<const CipherSuite*> ciphersuites13;  // in order of preference
  Array<uint16_t> groups;                    // empty: the defaults of ProviderGroups
  Array<uint16_t> signature_schemes;         // empty: default_signature_schemes()
  Array<uint16_t> client_signature_schemes;  // empty: as signature_schemes
  Bytes alpn;                                // ProtocolNameList body as offered by a client
  Bytes client_certificate_types;            // SSL_CTX_set0… SSL_CTRL_SET_CLIENT_CERT_TYPES
  uint32_t certificate_flags = 0;            // SSL_CERT_FLAG_*

  size_t max_send_fragment = SSL3_RT_MAX_PLAIN_LENGTH;
  size_t split_send_fragment = SSL3_RT_MAX_PLAIN_LENGTH;
  size_t max_pipelines = 0;
  size_t default_read_buffer_length = 0;
  size_t max_cert_list = SSL_MAX_CERT_LIST_DEFAULT;
  size_t block_padding = 0;
  size_t num_tickets = 2;
  uint32_t max_early_data = 0;
  uint32_t recv_max_early_data = SSL3_RT_MAX_PLAIN_LENGTH;
  uint8_t max_fragment_length_mode = TLSEXT_max_fragment_length_DISABLED;
  static constexpr int kNoStatusType = -1;
  int status_type = kNoStatusType;  // TLSEXT_STATUSTYPE_ocsp
  int read_ahead = 0;               // any other value: on
  int quiet_shutdown = 0;           // any other value: on
  bool post_handshake_auth = false;
  bool server_gated_cryptography = false;  // handfast/control.h
  uint8_t id_context[SSL_MAX_SID_CTX_LENGTH] = {};
  uint8_t id_context_length = 0;

  [[nodiscard]] bool copy_from(const Policy& other);
  // What SSL_dup(3) takes over; the rest stays.
  [[nodiscard]] bool copy_duplicated(const Policy& other);
};

}  // namespace handfast
