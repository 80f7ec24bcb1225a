// What this connection agreed on, kept after the handshake because the API can still ask for it.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>

#include "config/ciphers.h"
#include "crypto/cipher_suite.h"
#include "crypto/secret.h"
#include "crypto/signature_scheme.h"
#include "wire/array.h"
#include "wire/bytes.h"
#include "wire/crypto_types.h"

namespace handfast {

struct Negotiated {
  uint16_t version = 0;
  uint16_t client_version = 0;   // legacy_version of the hello: SSL_client_version
  uint16_t offered_version = 0;  // client: the highest of its hello, what SSL_version says until
                                 // the server has chosen
  const CipherSuite* suite = nullptr;
  uint16_t group = 0;
  uint8_t client_random[32] = {};
  uint8_t server_random[32] = {};
  const SignatureScheme* own_scheme = nullptr;   // SSL_get_signature_nid
  const SignatureScheme* peer_scheme = nullptr;  // SSL_get_peer_signature_nid
  EvpPkeyPtr peer_temporary_key;                 // SSL_get_peer_tmp_key
  EvpPkeyPtr own_temporary_key;                  // SSL_get_tmp_key
  Secret own_finished, peer_finished;            // SSL_get_finished, SSL_get_peer_finished
  Bytes alpn;                                    // SSL_get0_alpn_selected
  Bytes npn;
  // SSL_get_selected_srtp_profile: a row of a constant table.
  SRTP_PROTECTION_PROFILE* srtp_profile = nullptr;
  UniqueString server_name;                // server: accepted host_name of the client
  Bytes peer_cipher_suites;                // raw, two bytes each: SSL_get_client_ciphers
  mutable CipherStackPtr client_ciphers;   // known ones of them, made when first asked for
  Array<uint16_t> peer_groups;             // SSL_get_shared_group & co.
  Bytes peer_point_formats;                // SSL_get0_ec_point_formats
  Array<uint16_t> peer_signature_schemes;  // SSL_get_sigalgs
  Array<uint16_t> shared_signature_schemes;
  X509NameStackPtr peer_ca_names;  // SSL_get0_peer_CA_list
  Bytes certificate_types;         // SSL_get0_certificate_types
  Bytes ocsp_response;             // client: stapled by the server
  bool has_ocsp_response = false;  // an answer came, even an empty one
  Bytes scts;                      // client: SignedCertificateTimestampList of the leaf
  X509StackPtr verified_chain;     // SSL_get0_verified_chain
  // SSL_get_early_data_status; a server that skips what came says REJECTED.
  int early_data_status = SSL_EARLY_DATA_NOT_SENT;
  bool status_requested = false;  // server: the client asked for OCSP
  bool resumed = false;           // SSL_session_reused
  bool hello_retry_request = false;
  bool extended_master_secret = false;
  bool encrypt_then_mac = false;
  bool secure_renegotiation = false;  // RFC 5746: SSL_get_secure_renegotiation_support
  bool npn_seen = false;              // both sides: NPN was agreed on
};

}  // namespace handfast
