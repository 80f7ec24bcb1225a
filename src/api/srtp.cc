// SSL_CTX_set_tlsext_use_srtp(3). The use_srtp extension is of DTLS alone (RFC 5764 section 4.1):
// on a stream no profile is ever selected.
#include <openssl/err.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>

#include <string_view>

#include "config/context.h"
#include "connection/connection.h"

namespace {

using handfast::SrtpStackPtr;

// The type that the public header gives has no const members.
SRTP_PROTECTION_PROFILE profiles[] = {
    {"SRTP_AES128_CM_SHA1_80", SRTP_AES128_CM_SHA1_80},
    {"SRTP_AES128_CM_SHA1_32", SRTP_AES128_CM_SHA1_32},
    {"SRTP_AEAD_AES_128_GCM", SRTP_AEAD_AES_128_GCM},
    {"SRTP_AEAD_AES_256_GCM", SRTP_AEAD_AES_256_GCM},
};

SRTP_PROTECTION_PROFILE* find_profile(std::string_view name) {
  for (SRTP_PROTECTION_PROFILE& profile : profiles) {
    if (name == profile.name) return &profile;
  }
  return nullptr;
}

bool fail(int reason) {
  ERR_raise(ERR_LIB_SSL, reason);
  return false;
}

bool add(SrtpStackPtr& stack, std::string_view name) {
  SRTP_PROTECTION_PROFILE* profile = find_profile(name);
  if (profile == nullptr) return fail(SSL_R_SRTP_UNKNOWN_PROTECTION_PROFILE);
  if (sk_SRTP_PROTECTION_PROFILE_find(stack.get(), profile) >= 0) {
    return fail(SSL_R_BAD_SRTP_PROTECTION_PROFILE_LIST);
  }
  return sk_SRTP_PROTECTION_PROFILE_push(stack.get(), profile) > 0 ||
         fail(SSL_R_SRTP_COULD_NOT_ALLOCATE_PROFILES);
}

// A list separated by colons; `out` changes on success only.
bool read_profiles(std::string_view list, SrtpStackPtr& out) {
  SrtpStackPtr stack(sk_SRTP_PROTECTION_PROFILE_new_null());
  if (stack == nullptr) return fail(SSL_R_SRTP_COULD_NOT_ALLOCATE_PROFILES);
  for (;;) {
    size_t colon = list.find(':');
    if (!add(stack, list.substr(0, colon))) return false;
    if (colon == std::string_view::npos) break;
    list.remove_prefix(colon + 1);
  }
  out = std::move(stack);
  return true;
}

}  // namespace

extern "C" {

// Unlike most of the API, 0 is success.
int SSL_CTX_set_tlsext_use_srtp(SSL_CTX* ctx, const char* list) {
  return read_profiles(list, ctx->srtp_profiles) ? 0 : 1;
}

int SSL_set_tlsext_use_srtp(SSL* ssl, const char* list) {
  return read_profiles(list, ssl->request.srtp_profiles) ? 0 : 1;
}

STACK_OF(SRTP_PROTECTION_PROFILE) * SSL_get_srtp_profiles(SSL* ssl) {
  if (ssl == nullptr) return nullptr;
  const SrtpStackPtr& own = ssl->request.srtp_profiles;
  return own != nullptr ? own.get() : ssl->ctx->srtp_profiles.get();
}

SRTP_PROTECTION_PROFILE* SSL_get_selected_srtp_profile(SSL* ssl) {
  return ssl->negotiated.srtp_profile;
}

}  // extern "C"
