#include "config/policy.h"

#include <cstring>

namespace handfast {

bool Policy::copy_duplicated(const Policy& other) {
  options = other.options;
  mode = other.mode;
  min_version = other.min_version;
  max_version = other.max_version;
  security_level = other.security_level;
  security_callback = other.security_callback;
  security_ex_data = other.security_ex_data;
  certificate_flags = other.certificate_flags;
  max_cert_list = other.max_cert_list;
  read_ahead = other.read_ahead;
  server_gated_cryptography = other.server_gated_cryptography;
  std::memcpy(id_context, other.id_context, sizeof id_context);
  id_context_length = other.id_context_length;
  return ciphersuites13.assign(other.ciphersuites13.view()) &&
         signature_schemes.assign(other.signature_schemes.view()) &&
         client_signature_schemes.assign(other.client_signature_schemes.view()) &&
         client_certificate_types.assign(other.client_certificate_types.view());
}

bool Policy::copy_from(const Policy& other) {
  max_send_fragment = other.max_send_fragment;
  split_send_fragment = other.split_send_fragment;
  max_pipelines = other.max_pipelines;
  default_read_buffer_length = other.default_read_buffer_length;
  block_padding = other.block_padding;
  num_tickets = other.num_tickets;
  max_early_data = other.max_early_data;
  recv_max_early_data = other.recv_max_early_data;
  max_fragment_length_mode = other.max_fragment_length_mode;
  status_type = other.status_type;
  quiet_shutdown = other.quiet_shutdown;
  post_handshake_auth = other.post_handshake_auth;
  return copy_duplicated(other) && groups.assign(other.groups.view()) &&
         alpn.assign(other.alpn.view());
}

}  // namespace handfast
