// An extension that the application writes and reads itself: SSL_CTX_add_custom_ext(3).
#pragma once

#include <openssl/ssl.h>

#include <cstdint>

namespace handfast {

// Whose extension: SSL_CTX_add_client_custom_ext and its server counterpart may name one type
// twice.
enum class ExtensionRole : uint8_t { client, server, both };

struct CustomExtension {
  uint16_t type = 0;
  ExtensionRole role = ExtensionRole::both;
  uint32_t context = 0;  // SSL_EXT_*
  void* add_argument = nullptr;
  void* parse_argument = nullptr;
  // Of SSL_CTX_add_custom_ext; each may be nullptr.
  SSL_custom_ext_add_cb_ex add = nullptr;
  SSL_custom_ext_free_cb_ex free = nullptr;
  SSL_custom_ext_parse_cb_ex parse = nullptr;
  // Of SSL_CTX_add_client_custom_ext and SSL_CTX_add_server_custom_ext, which are `legacy`.
  bool legacy = false;
  custom_ext_add_cb legacy_add = nullptr;
  custom_ext_free_cb legacy_free = nullptr;
  custom_ext_parse_cb legacy_parse = nullptr;

  [[nodiscard]] bool is(uint16_t wanted, ExtensionRole by) const {
    return type == wanted &&
           (role == by || role == ExtensionRole::both || by == ExtensionRole::both);
  }
};

}  // namespace handfast
