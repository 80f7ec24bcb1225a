// SSL_CONF_cmd(3): configuration by command lines and configuration files.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstring>

#include "api/conf_context.h"

using handfast::ConfCommand;

namespace {

// What the functions of the manual page return.
constexpr int kSwitchUsed = 1;
constexpr int kValueUsed = 2;
constexpr int kFailed = 0;
constexpr int kUnknown = -2;
constexpr int kMissingValue = -3;

// Moves past the prefix of a command; false: this is no command of ours.
bool skip_prefix(const SSL_CONF_CTX& conf, const char*& command) {
  if (command == nullptr) return false;
  bool command_line = (conf.flags & SSL_CONF_FLAG_CMDLINE) != 0;
  const char* prefix = conf.prefix.get();
  if (prefix == nullptr) {
    if (!command_line) return true;
    if (command[0] != '-' || command[1] == '\0') return false;
    ++command;
    return true;
  }
  size_t length = std::strlen(prefix);
  if (std::strlen(command) <= length) return false;
  if (command_line && std::strncmp(command, prefix, length) != 0) return false;
  if ((conf.flags & SSL_CONF_FLAG_FILE) != 0 && OPENSSL_strncasecmp(command, prefix, length) != 0) {
    return false;
  }
  command += length;
  return true;
}

bool is_called(const SSL_CONF_CTX& conf, const ConfCommand& row, const char* name) {
  constexpr unsigned int kConditions =
      SSL_CONF_FLAG_SERVER | SSL_CONF_FLAG_CLIENT | SSL_CONF_FLAG_CERTIFICATE;
  if ((row.needs & kConditions & ~conf.flags) != 0) return false;
  if ((conf.flags & SSL_CONF_FLAG_CMDLINE) != 0 && row.on_command_line != nullptr &&
      std::strcmp(row.on_command_line, name) == 0) {
    return true;
  }
  return (conf.flags & SSL_CONF_FLAG_FILE) != 0 && row.in_file != nullptr &&
         OPENSSL_strcasecmp(row.in_file, name) == 0;
}

const ConfCommand* find(const SSL_CONF_CTX& conf, const char* name) {
  for (std::span<const ConfCommand> table :
       {handfast::conf_switches(), handfast::conf_commands()}) {
    for (const ConfCommand& row : table) {
      if (is_called(conf, row, name)) return &row;
    }
  }
  return nullptr;
}

int bad_value(const SSL_CONF_CTX& conf, const char* command, const char* value, int result) {
  if ((conf.flags & SSL_CONF_FLAG_SHOW_ERRORS) != 0) {
    ERR_raise_data(ERR_LIB_SSL, SSL_R_BAD_VALUE, "cmd=%s, value=%s", command,
                   value != nullptr ? value : "<EMPTY>");
  }
  return result;
}

}  // namespace

extern "C" {

SSL_CONF_CTX* SSL_CONF_CTX_new(void) {
  return handfast::make<SSL_CONF_CTX>();
}

void SSL_CONF_CTX_free(SSL_CONF_CTX* conf) {
  handfast::destroy(conf);
}

unsigned int SSL_CONF_CTX_set_flags(SSL_CONF_CTX* conf, unsigned int flags) {
  return conf->flags |= flags;
}

unsigned int SSL_CONF_CTX_clear_flags(SSL_CONF_CTX* conf, unsigned int flags) {
  return conf->flags &= ~flags;
}

int SSL_CONF_CTX_set1_prefix(SSL_CONF_CTX* conf, const char* prefix) {
  handfast::UniqueString copy(prefix == nullptr ? nullptr : OPENSSL_strdup(prefix));
  if (prefix != nullptr && copy == nullptr) return 0;
  conf->prefix = std::move(copy);
  return 1;
}

void SSL_CONF_CTX_set_ssl(SSL_CONF_CTX* conf, SSL* ssl) {
  conf->ssl = ssl;
  conf->ctx = nullptr;
}

void SSL_CONF_CTX_set_ssl_ctx(SSL_CONF_CTX* conf, SSL_CTX* ctx) {
  conf->ssl = nullptr;
  conf->ctx = ctx;
}

int SSL_CONF_cmd(SSL_CONF_CTX* conf, const char* command, const char* value) {
  if (command == nullptr) {
    ERR_raise(ERR_LIB_SSL, SSL_R_INVALID_NULL_CMD_NAME);
    return kFailed;
  }
  const ConfCommand* row = skip_prefix(*conf, command) ? find(*conf, command) : nullptr;
  if (row == nullptr) {
    if ((conf->flags & SSL_CONF_FLAG_SHOW_ERRORS) != 0) {
      ERR_raise_data(ERR_LIB_SSL, SSL_R_UNKNOWN_CMD_NAME, "cmd=%s", command);
    }
    return kUnknown;
  }
  if (row->flag != nullptr) {
    return handfast::apply_flag(*conf, *row->flag, true) ? kSwitchUsed : kFailed;
  }
  if (value == nullptr) return bad_value(*conf, command, value, kMissingValue);
  int result = row->run(*conf, value);
  if (result > 0) return kValueUsed;
  return bad_value(*conf, command, value, result == kUnknown ? kUnknown : kFailed);
}

int SSL_CONF_cmd_argv(SSL_CONF_CTX* conf, int* count, char*** arguments) {
  if (count != nullptr && *count <= 0) return 0;
  const char* command = **arguments;
  if (command == nullptr) return 0;
  const char* value = count == nullptr || *count > 1 ? (*arguments)[1] : nullptr;
  conf->flags &= ~static_cast<unsigned int>(SSL_CONF_FLAG_FILE);
  conf->flags |= SSL_CONF_FLAG_CMDLINE;
  int used = SSL_CONF_cmd(conf, command, value);
  if (used > 0) {
    *arguments += used;
    if (count != nullptr) *count -= used;
    return used;
  }
  if (used == kUnknown) return 0;
  return used == kFailed ? -1 : used;
}

int SSL_CONF_cmd_value_type(SSL_CONF_CTX* conf, const char* command) {
  const ConfCommand* row = skip_prefix(*conf, command) ? find(*conf, command) : nullptr;
  return row == nullptr ? SSL_CONF_TYPE_UNKNOWN : row->value_type;
}

// Certificates without keys get them from their own files; names of CAs are handed over.
int SSL_CONF_CTX_finish(SSL_CONF_CTX* conf) {
  bool has_object = conf->ssl != nullptr || conf->ctx != nullptr;
  if (has_object && (conf->flags & SSL_CONF_FLAG_REQUIRE_PRIVATE) != 0) {
    const auto& credentials =
        conf->ssl != nullptr ? conf->ssl->credentials : conf->ctx->credentials;
    for (size_t i = 0; i < handfast::kKeySlotCount; ++i) {
      const char* file = conf->certificate_files[i].get();
      if (file != nullptr && credentials->slots[i].private_key == nullptr &&
          handfast::use_private_key(*conf, file) == 0) {
        return 0;
      }
    }
  }
  if (conf->ca_names == nullptr) return 1;
  if (conf->ssl != nullptr) {
    SSL_set0_CA_list(conf->ssl, conf->ca_names.release());
  } else if (conf->ctx != nullptr) {
    SSL_CTX_set0_CA_list(conf->ctx, conf->ca_names.release());
  }
  conf->ca_names.reset();
  return 1;
}

}  // extern "C"
