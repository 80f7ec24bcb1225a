// Extensions that a server sends with a certificate: SSL_CTX_use_serverinfo(3).
#pragma once

#include <openssl/ssl.h>

#include <cstdint>

#include "wire/bytes.h"

namespace handfast {

// One extension of serverinfo data.
struct ServerInfoEntry {
  uint32_t context;  // SSL_EXT_*
  uint16_t type;
  View data;
};

// Where extensions of version 1, which know no context, belong.
constexpr uint32_t kServerInfoV1Context = SSL_EXT_TLS1_2_AND_BELOW_ONLY | SSL_EXT_CLIENT_HELLO |
                                          SSL_EXT_TLS1_2_SERVER_HELLO |
                                          SSL_EXT_IGNORE_ON_RESUMPTION;

// Takes the next entry off the front of version 2 data; false at its end or when it is malformed,
// which an empty rest tells apart.
[[nodiscard]] bool next_entry(View& rest, ServerInfoEntry& entry);
[[nodiscard]] bool well_formed_server_info(View data);
// Reads the blocks of a PEM file, of version 1 or 2, as version 2 data. False: see the queue.
[[nodiscard]] bool read_server_info(const char* file, Bytes& data);
// Appends version 1 data as version 2; false: memory.
[[nodiscard]] bool append_version1(View extension, Bytes& data);

}  // namespace handfast
