#include "config/hooks.h"

namespace handfast {

void Hooks::copy_duplicated(const Hooks& other) {
  message = other.message;
  message_argument = other.message_argument;
  info = other.info;
  generate_session_id = other.generate_session_id;
  password = other.password;
  password_argument = other.password_argument;
}

bool Hooks::copy_from(const Hooks& other) {
  copy_duplicated(other);
  record_padding = other.record_padding;
  record_padding_argument = other.record_padding_argument;
  not_resumable_session = other.not_resumable_session;
  psk_client = other.psk_client;
  psk_server = other.psk_server;
  psk_find_session = other.psk_find_session;
  psk_use_session = other.psk_use_session;
  async = other.async;
  async_argument = other.async_argument;
  allow_early_data = other.allow_early_data;
  allow_early_data_argument = other.allow_early_data_argument;
  extension_debug = other.extension_debug;
  extension_debug_argument = other.extension_debug_argument;
  session_secret = other.session_secret;
  session_secret_argument = other.session_secret_argument;
  session_ticket_extension = other.session_ticket_extension;
  session_ticket_extension_argument = other.session_ticket_extension_argument;
  return true;
}

}  // namespace handfast
