#include "api/trace_names.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <cstring>

#include "crypto/cipher_suite.h"
#include "crypto/group.h"
#include "crypto/signature_scheme.h"

namespace handfast::trace {
namespace {

constexpr Name kVersions[] = {
    {SSL3_VERSION, "SSL 3.0"},     {TLS1_VERSION, "TLS 1.0"},         {TLS1_1_VERSION, "TLS 1.1"},
    {TLS1_2_VERSION, "TLS 1.2"},   {TLS1_3_VERSION, "TLS 1.3"},       {DTLS1_VERSION, "DTLS 1.0"},
    {DTLS1_2_VERSION, "DTLS 1.2"}, {DTLS1_BAD_VER, "DTLS 1.0 (bad)"},
};

constexpr Name kContentTypes[] = {
    {SSL3_RT_CHANGE_CIPHER_SPEC, "ChangeCipherSpec"},
    {SSL3_RT_ALERT, "Alert"},
    {SSL3_RT_HANDSHAKE, "Handshake"},
    {SSL3_RT_APPLICATION_DATA, "ApplicationData"},
};

constexpr Name kMessages[] = {
    {SSL3_MT_HELLO_REQUEST, "HelloRequest"},
    {SSL3_MT_CLIENT_HELLO, "ClientHello"},
    {SSL3_MT_SERVER_HELLO, "ServerHello"},
    {DTLS1_MT_HELLO_VERIFY_REQUEST, "HelloVerifyRequest"},
    {SSL3_MT_NEWSESSION_TICKET, "NewSessionTicket"},
    {SSL3_MT_END_OF_EARLY_DATA, "EndOfEarlyData"},
    {SSL3_MT_ENCRYPTED_EXTENSIONS, "EncryptedExtensions"},
    {SSL3_MT_CERTIFICATE, "Certificate"},
    {SSL3_MT_SERVER_KEY_EXCHANGE, "ServerKeyExchange"},
    {SSL3_MT_CERTIFICATE_REQUEST, "CertificateRequest"},
    {SSL3_MT_SERVER_DONE, "ServerHelloDone"},
    {SSL3_MT_CERTIFICATE_VERIFY, "CertificateVerify"},
    {SSL3_MT_CLIENT_KEY_EXCHANGE, "ClientKeyExchange"},
    {SSL3_MT_FINISHED, "Finished"},
    {SSL3_MT_CERTIFICATE_URL, "CertificateUrl"},
    {SSL3_MT_CERTIFICATE_STATUS, "CertificateStatus"},
    {SSL3_MT_SUPPLEMENTAL_DATA, "SupplementalData"},
    {SSL3_MT_KEY_UPDATE, "KeyUpdate"},
    {SSL3_MT_NEXT_PROTO, "NextProto"},
    {SSL3_MT_MESSAGE_HASH, "MessageHash"},
};

constexpr Name kExtensions[] = {
    {TLSEXT_TYPE_server_name, "server_name"},
    {TLSEXT_TYPE_max_fragment_length, "max_fragment_length"},
    {TLSEXT_TYPE_client_certificate_url, "client_certificate_url"},
    {TLSEXT_TYPE_trusted_ca_keys, "trusted_ca_keys"},
    {TLSEXT_TYPE_truncated_hmac, "truncated_hmac"},
    {TLSEXT_TYPE_status_request, "status_request"},
    {TLSEXT_TYPE_user_mapping, "user_mapping"},
    {TLSEXT_TYPE_client_authz, "client_authz"},
    {TLSEXT_TYPE_server_authz, "server_authz"},
    {TLSEXT_TYPE_cert_type, "cert_type"},
    {TLSEXT_TYPE_supported_groups, "supported_groups"},
    {TLSEXT_TYPE_ec_point_formats, "ec_point_formats"},
    {TLSEXT_TYPE_srp, "srp"},
    {TLSEXT_TYPE_signature_algorithms, "signature_algorithms"},
    {TLSEXT_TYPE_use_srtp, "use_srtp"},
    {TLSEXT_TYPE_application_layer_protocol_negotiation, "application_layer_protocol_negotiation"},
    {TLSEXT_TYPE_signed_certificate_timestamp, "signed_certificate_timestamps"},
    {TLSEXT_TYPE_padding, "padding"},
    {TLSEXT_TYPE_encrypt_then_mac, "encrypt_then_mac"},
    {TLSEXT_TYPE_extended_master_secret, "extended_master_secret"},
    {TLSEXT_TYPE_session_ticket, "session_ticket"},
    {TLSEXT_TYPE_psk, "psk"},
    {TLSEXT_TYPE_early_data, "early_data"},
    {TLSEXT_TYPE_supported_versions, "supported_versions"},
    {TLSEXT_TYPE_cookie, "cookie_ext"},
    {TLSEXT_TYPE_psk_kex_modes, "psk_key_exchange_modes"},
    {TLSEXT_TYPE_certificate_authorities, "certificate_authorities"},
    {TLSEXT_TYPE_post_handshake_auth, "post_handshake_auth"},
    {TLSEXT_TYPE_signature_algorithms_cert, "signature_algorithms_cert"},
    {TLSEXT_TYPE_key_share, "key_share"},
    {TLSEXT_TYPE_renegotiate, "renegotiate"},
    {TLSEXT_TYPE_next_proto_neg, "next_proto_neg"},
};

constexpr Name kCompressions[] = {{0, "No Compression"}, {1, "Zlib Compression"}};

// RFC 9189 (GOST), RFC 4492 section 5.1.1.
constexpr Name kForeignGroups[] = {
    {34, "GC256A"},
    {35, "GC256B"},
    {36, "GC256C"},
    {37, "GC256D"},
    {38, "GC512A"},
    {39, "GC512B"},
    {40, "GC512C"},
    {0xff01, "arbitrary_explicit_prime_curves"},
    {0xff02, "arbitrary_explicit_char2_curves"},
};

// RFC 9189 (GOST) and what was used before it.
constexpr Name kForeignSchemes[] = {
    {0x0840, "gost2012_256"}, {0x0841, "gost2012_512"}, {0xeded, "gost2001_gost94"},
    {0xeeee, "gost2012_256"}, {0xefef, "gost2012_512"},
};

constexpr Name kPointFormats[] = {
    {TLSEXT_ECPOINTFORMAT_uncompressed, "uncompressed"},
    {TLSEXT_ECPOINTFORMAT_ansiX962_compressed_prime, "ansiX962_compressed_prime"},
    {TLSEXT_ECPOINTFORMAT_ansiX962_compressed_char2, "ansiX962_compressed_char2"},
};

constexpr Name kFragmentLengths[] = {
    {TLSEXT_max_fragment_length_DISABLED, "disabled"},
    {TLSEXT_max_fragment_length_512, "max_fragment_length := 2^9 (512 bytes)"},
    {TLSEXT_max_fragment_length_1024, "max_fragment_length := 2^10 (1024 bytes)"},
    {TLSEXT_max_fragment_length_2048, "max_fragment_length := 2^11 (2048 bytes)"},
    {TLSEXT_max_fragment_length_4096, "max_fragment_length := 2^12 (4096 bytes)"},
};

// PskKeyExchangeMode, RFC 8446 section 4.2.9.
constexpr Name kPskModes[] = {{0, "psk_ke"}, {1, "psk_dhe_ke"}};

constexpr Name kKeyUpdates[] = {
    {SSL_KEY_UPDATE_NOT_REQUESTED, "update_not_requested"},
    {SSL_KEY_UPDATE_REQUESTED, "update_requested"},
};

// ClientCertificateType, RFC 5246 section 7.4.4, RFC 8422 section 5.5, RFC 9189 (GOST).
constexpr Name kCertificateTypes[] = {
    {SSL3_CT_RSA_SIGN, "rsa_sign"},
    {SSL3_CT_DSS_SIGN, "dss_sign"},
    {SSL3_CT_RSA_FIXED_DH, "rsa_fixed_dh"},
    {SSL3_CT_DSS_FIXED_DH, "dss_fixed_dh"},
    {SSL3_CT_RSA_EPHEMERAL_DH, "rsa_ephemeral_dh"},
    {SSL3_CT_DSS_EPHEMERAL_DH, "dss_ephemeral_dh"},
    {SSL3_CT_FORTEZZA_DMS, "fortezza_dms"},
    {TLS_CT_ECDSA_SIGN, "ecdsa_sign"},
    {TLS_CT_RSA_FIXED_ECDH, "rsa_fixed_ecdh"},
    {TLS_CT_ECDSA_FIXED_ECDH, "ecdsa_fixed_ecdh"},
    {TLS_CT_GOST12_IANA_SIGN, "gost_sign256"},
    {TLS_CT_GOST12_IANA_512_SIGN, "gost_sign512"},
};

}  // namespace

const char* version(int value) {
  return find(kVersions, value);
}
const char* content_type(int value) {
  return find(kContentTypes, value);
}
const char* message(int value) {
  return find(kMessages, value);
}
const char* extension(int value) {
  return find(kExtensions, value);
}
const char* compression(int value) {
  return find(kCompressions, value);
}
const char* point_format(int value) {
  return find(kPointFormats, value);
}
const char* fragment_length(int value) {
  return find(kFragmentLengths, value);
}
const char* psk_mode(int value) {
  return find(kPskModes, value);
}
const char* key_update(int value) {
  return find(kKeyUpdates, value);
}
const char* certificate_type(int value) {
  return find(kCertificateTypes, value);
}

const char* cipher_suite(int value) {
  const CipherSuite* suite = find_cipher_suite(static_cast<uint16_t>(value));
  if (suite == nullptr || is_signalling(*suite)) return foreign_suite(value);
  return suite->standard_name == nullptr ? suite->name : suite->standard_name;
}

const char* signature_scheme(int value) {
  const SignatureScheme* scheme = find_signature_scheme(static_cast<uint16_t>(value));
  return scheme == nullptr ? find(kForeignSchemes, value) : scheme->name;
}

const char* group(int value, NameBuffer& buffer) {
  const Group* group = find_group(static_cast<uint16_t>(value));
  if (group == nullptr) return find(kForeignGroups, value);
  const char* format = "%s";
  if (group->kind == Group::Kind::xdh) format = "ecdh_%s";
  bool nist =
      group->kind == Group::Kind::ecp && std::strcmp(group->name, group->standard_name) != 0;
  if (nist) format = "%s (%s)";
  BIO_snprintf(buffer.text, sizeof buffer.text, format, group->standard_name, group->name);
  return buffer.text;
}

}  // namespace handfast::trace
