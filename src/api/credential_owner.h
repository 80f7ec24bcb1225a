// The two kinds of objects that have credentials, seen alike.
#pragma once

#include "config/context.h"
#include "connection/connection.h"
#include "pki/credential_setup.h"

namespace handfast {

inline CredentialOwner owner_of(SSL* ssl) {
  return {ssl, nullptr, *ssl->ctx, ssl->credentials, ssl->policy, ssl->hooks};
}

inline CredentialOwner owner_of(SSL_CTX* ctx) {
  return {nullptr, ctx, *ctx, ctx->credentials, ctx->policy, ctx->hooks};
}

}  // namespace handfast
