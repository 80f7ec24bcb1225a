// SSL_CTX_add_custom_ext(3), SSL_extension_supported(3): extensions of the application's own.
#include <openssl/ssl.h>

#include <algorithm>

#include "config/context.h"
#include "config/custom_extension.h"

using handfast::CustomExtension;
using handfast::ExtensionRole;

namespace {

// What OpenSSL handles itself, also what we do not offer: an application that adds one of these
// would not find it on another libssl.so.3 either.
constexpr unsigned kBuiltIn[] = {
    TLSEXT_TYPE_application_layer_protocol_negotiation,
    TLSEXT_TYPE_ec_point_formats,
    TLSEXT_TYPE_supported_groups,
    TLSEXT_TYPE_key_share,
    TLSEXT_TYPE_next_proto_neg,
    TLSEXT_TYPE_padding,
    TLSEXT_TYPE_renegotiate,
    TLSEXT_TYPE_max_fragment_length,
    TLSEXT_TYPE_server_name,
    TLSEXT_TYPE_session_ticket,
    TLSEXT_TYPE_signature_algorithms,
    TLSEXT_TYPE_srp,
    TLSEXT_TYPE_status_request,
    TLSEXT_TYPE_signed_certificate_timestamp,
    TLSEXT_TYPE_use_srtp,
    TLSEXT_TYPE_encrypt_then_mac,
    TLSEXT_TYPE_supported_versions,
    TLSEXT_TYPE_extended_master_secret,
    TLSEXT_TYPE_psk_kex_modes,
    TLSEXT_TYPE_cookie,
    TLSEXT_TYPE_early_data,
    TLSEXT_TYPE_certificate_authorities,
    TLSEXT_TYPE_psk,
    TLSEXT_TYPE_post_handshake_auth,
};

constexpr unsigned kLegacyContext = SSL_EXT_TLS1_2_AND_BELOW_ONLY | SSL_EXT_CLIENT_HELLO |
                                    SSL_EXT_TLS1_2_SERVER_HELLO | SSL_EXT_IGNORE_ON_RESUMPTION;

bool known(const SSL_CTX* ctx, unsigned type, ExtensionRole role) {
  for (const CustomExtension& custom : ctx->credentials->custom_extensions) {
    if (custom.is(static_cast<uint16_t>(type), role)) return true;
  }
  return false;
}

bool acceptable(const SSL_CTX* ctx, unsigned type, unsigned context, ExtensionRole role) {
  if (type > UINT16_MAX) return false;
  // Certificate timestamps may be the application's, unless the library asks for them itself.
  bool timestamps = type == TLSEXT_TYPE_signed_certificate_timestamp;
  if (timestamps && (context & SSL_EXT_CLIENT_HELLO) != 0 && SSL_CTX_ct_is_enabled(ctx) != 0) {
    return false;
  }
  return (timestamps || SSL_extension_supported(type) == 0) && !known(ctx, type, role);
}

int add(SSL_CTX* ctx, unsigned type, const CustomExtension& custom) {
  if (!acceptable(ctx, type, custom.context, custom.role)) return 0;
  handfast::Credentials* credentials = ctx->credentials.edit();
  return credentials != nullptr && credentials->custom_extensions.push_back(custom) ? 1 : 0;
}

int add_legacy(SSL_CTX* ctx, ExtensionRole role, unsigned type, custom_ext_add_cb add_callback,
               custom_ext_free_cb free_callback, void* add_argument,
               custom_ext_parse_cb parse_callback, void* parse_argument) {
  CustomExtension custom;
  custom.type = static_cast<uint16_t>(type);
  custom.role = role;
  custom.context = kLegacyContext;
  custom.add_argument = add_argument;
  custom.parse_argument = parse_argument;
  custom.legacy = true;
  custom.legacy_add = add_callback;
  custom.legacy_free = free_callback;
  custom.legacy_parse = parse_callback;
  return add(ctx, type, custom);
}

}  // namespace

extern "C" {

int SSL_extension_supported(unsigned int type) {
  return std::find(std::begin(kBuiltIn), std::end(kBuiltIn), type) != std::end(kBuiltIn) ? 1 : 0;
}

int SSL_CTX_has_client_custom_ext(const SSL_CTX* ctx, unsigned int type) {
  return type <= UINT16_MAX && known(ctx, type, ExtensionRole::client) ? 1 : 0;
}

int SSL_CTX_add_custom_ext(SSL_CTX* ctx, unsigned int type, unsigned int context,
                           SSL_custom_ext_add_cb_ex add_callback,
                           SSL_custom_ext_free_cb_ex free_callback, void* add_argument,
                           SSL_custom_ext_parse_cb_ex parse_callback, void* parse_argument) {
  // Nothing added is never freed: the application means something else.
  if (add_callback == nullptr && free_callback != nullptr) return 0;
  CustomExtension custom;
  custom.type = static_cast<uint16_t>(type);
  custom.context = context;
  custom.add_argument = add_argument;
  custom.parse_argument = parse_argument;
  custom.add = add_callback;
  custom.free = free_callback;
  custom.parse = parse_callback;
  return add(ctx, type, custom);
}

int SSL_CTX_add_client_custom_ext(SSL_CTX* ctx, unsigned int type, custom_ext_add_cb add_callback,
                                  custom_ext_free_cb free_callback, void* add_argument,
                                  custom_ext_parse_cb parse_callback, void* parse_argument) {
  return add_legacy(ctx, ExtensionRole::client, type, add_callback, free_callback, add_argument,
                    parse_callback, parse_argument);
}

int SSL_CTX_add_server_custom_ext(SSL_CTX* ctx, unsigned int type, custom_ext_add_cb add_callback,
                                  custom_ext_free_cb free_callback, void* add_argument,
                                  custom_ext_parse_cb parse_callback, void* parse_argument) {
  return add_legacy(ctx, ExtensionRole::server, type, add_callback, free_callback, add_argument,
                    parse_callback, parse_argument);
}

}  // extern "C"
