// Protocol versions: what stands on the wire, and what it means.
#pragma once

#include <openssl/dtls1.h>
#include <openssl/prov_ssl.h>

#include <cstdint>

namespace handfast {

// Inside the library a version is always TLS's number. DTLS 1.0 is TLS 1.1 over datagrams
// (RFC 4347 1), DTLS 1.2 is TLS 1.2 (RFC 6347 1); their own numbers count downwards. What was there
// before DTLS 1.0, DTLS1_BAD_VER of SSL_CTX_set_min_proto_version(3), stands below them both and
// has the number that is left, TLS 1.0's.
[[nodiscard]] constexpr uint16_t wire_version(bool datagram, uint16_t version) {
  if (!datagram) return version;
  if (version >= TLS1_2_VERSION) return DTLS1_2_VERSION;
  return version == TLS1_VERSION ? DTLS1_BAD_VER : DTLS1_VERSION;
}

// The number of TLS for any version of either family.
[[nodiscard]] constexpr uint16_t tls_version(uint16_t wire) {
  if (wire == DTLS1_BAD_VER) return TLS1_VERSION;
  if (wire >> 8 != DTLS1_VERSION_MAJOR) return wire;
  return wire <= DTLS1_2_VERSION ? TLS1_2_VERSION : TLS1_1_VERSION;
}

[[nodiscard]] constexpr bool is_prestandard(bool datagram, uint16_t version) {
  return datagram && version == TLS1_VERSION;
}

// The version of which keys and records are: what has TLS 1.0's number never had implicit IVs.
[[nodiscard]] constexpr uint16_t record_version(bool datagram, uint16_t version) {
  return is_prestandard(datagram, version) ? DTLS1_BAD_VER : version;
}

}  // namespace handfast
