// Protocol versions: what stands on the wire, and what it means.
#pragma once

#include <openssl/dtls1.h>
#include <openssl/prov_ssl.h>

#include <cstdint>

namespace handfast {

// Inside the library a version is always TLS's number. DTLS 1.0 is TLS 1.1 over datagrams
// (RFC 4347 1), DTLS 1.2 is TLS 1.2 (RFC 6347 1); their own numbers count downwards.
[[nodiscard]] constexpr uint16_t wire_version(bool datagram, uint16_t version) {
  if (!datagram) return version;
  return version >= TLS1_2_VERSION ? DTLS1_2_VERSION : DTLS1_VERSION;
}

// The number of TLS for any version of either family.
[[nodiscard]] constexpr uint16_t tls_version(uint16_t wire) {
  if (wire >> 8 != DTLS1_VERSION_MAJOR) return wire;
  return wire <= DTLS1_2_VERSION ? TLS1_2_VERSION : TLS1_1_VERSION;
}

}  // namespace handfast
