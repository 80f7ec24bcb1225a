// Secure Remote Password, RFC 5054: what SSL_CTX_set_srp_password(3) and its relatives set.
#pragma once

#include <openssl/bn.h>
#include <openssl/srp.h>
#include <openssl/ssl.h>

#include "wire/allocate.h"
#include "wire/crypto_types.h"

namespace handfast {

// Wiped when it goes.
using SrpNumber = std::unique_ptr<BIGNUM, FreeWith<BN_clear_free>>;
struct FreePassword {
  void operator()(char* text) const;
};
using SrpPassword = std::unique_ptr<char, FreePassword>;

// Of an SSL_CTX.
struct SrpSettings {
  void* argument = nullptr;                                 // of the callbacks
  int (*user_callback)(SSL*, int* alert, void*) = nullptr;  // server
  int (*parameters_callback)(SSL*, void*) = nullptr;        // client: are N and g good?
  char* (*password_callback)(SSL*, void*) = nullptr;        // client; from OPENSSL_malloc
  UniqueString user_name;                                   // client: to be sent
  SrpPassword information;       // client: the password; server: of SSL_set_srp_server_param
  int strength = SRP_MINIMAL_N;  // client: bits that N must have
  bool enabled = false;          // one of the above but the password was set: its suites count
};

// Of an SSL; numbers by RFC 5054 section 2.1. A server's user_name is what its client sent.
struct SrpState : SrpSettings {
  SrpNumber prime, generator;               // N, g
  SrpNumber salt, verifier;                 // s, v
  SrpNumber client_public, client_private;  // A, a
  SrpNumber server_public, server_private;  // B, b
};

// SSL_new: `to` becomes what `from` (nullptr: nothing set) has for new connections. An object that
// is there stays where it is. False: memory; nothing is changed then.
[[nodiscard]] bool copy_srp(const SrpSettings* from, Unique<SrpState>& to);

}  // namespace handfast
