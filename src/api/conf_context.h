// The state of SSL_CONF_cmd(3) and what its commands share.
#pragma once

#include <openssl/ssl.h>

#include "config/credentials.h"
#include "connection/connection.h"
#include "wire/allocate.h"
#include "wire/crypto_types.h"

// Made by SSL_CONF_CTX_new. `ssl` or `ctx`, or neither: then commands only check their values.
struct ssl_conf_ctx_st {
  unsigned int flags = 0;
  handfast::UniqueString prefix;
  SSL* ssl = nullptr;
  SSL_CTX* ctx = nullptr;
  // Certificate files by key slot, for keys that are in the same file.
  handfast::UniqueString certificate_files[handfast::kKeySlotCount];
  handfast::X509NameStackPtr ca_names;
};

namespace handfast {

// The words of a list, and of switches, that stand for bits somewhere in the configuration.
struct ConfFlag {
  enum class In : unsigned char { options, certificate_flags, verify_mode };
  const char* name;
  unsigned int side;  // SSL_CONF_FLAG_CLIENT, _SERVER or both
  In in;
  bool inverted;  // naming it clears the bits
  uint64_t bits;
};

// Sets or clears the bits of a flag. False: memory.
[[nodiscard]] bool apply_flag(SSL_CONF_CTX& conf, const ConfFlag& flag, bool on);
// Applies a list "A,-B,+C"; false, with nothing changed, when a word is unknown.
[[nodiscard]] bool apply_flag_list(SSL_CONF_CTX& conf, std::span<const ConfFlag> flags,
                                   const char* list);

struct ConfCommand {
  const char* in_file;          // nullptr: not in files
  const char* on_command_line;  // without the hyphen; nullptr: not there
  unsigned int needs;           // SSL_CONF_FLAG_CLIENT, _SERVER, _CERTIFICATE
  int value_type;               // SSL_CONF_TYPE_*
  // > 0 when done, -2: not for this SSL_CONF_CTX, else failed.
  int (*run)(SSL_CONF_CTX& conf, const char* value);
  const ConfFlag* flag;  // of a command without value, instead of `run`
};

// In the order in which they are looked up.
std::span<const ConfCommand> conf_switches();
std::span<const ConfCommand> conf_commands();

// The command `PrivateKey`.
int use_private_key(SSL_CONF_CTX& conf, const char* file);

}  // namespace handfast
