#include "handshake/key_exchange12.h"

#include "crypto/cipher_class.h"
#include "handshake/keys12.h"

namespace handfast {

Verdict derive_from_exchange(Handshake& hs, KeyExchange& exchange) {
  const CipherSuite& suite = *hs.negotiated->suite;
  if ((suite.kx & kKxAllPsk) == 0) {
    return derive_master_secret(hs, exchange.premaster.view());
  }
  // "if the PSK is N octets long, concatenate a uint16 with the value N, N zero octets, a second
  // uint16 with the value N, and the PSK itself"; other kinds have their secret for the zeros.
  SecretBytes zeros;
  if (suite.kx == kKxPsk) {
    if (!zeros.resize(exchange.psk.size())) return malloc_failure();
    std::memset(zeros.data(), 0, zeros.size());
  }
  View other = suite.kx == kKxPsk ? zeros.view() : exchange.premaster.view();
  SecretBytes combined;
  // Growing would leave copies behind.
  if (!combined.reserve(4 + other.size() + exchange.psk.size())) return malloc_failure();
  Writer writer(combined);
  writer.vector16(other);
  writer.vector16(exchange.psk.view());
  if (!writer.ok()) return malloc_failure();
  return derive_master_secret(hs, combined.view());
}

bool signed_parameters(const Handshake& hs, View parameters, Bytes& out) {
  return out.append(hs.negotiated->client_random) && out.append(hs.negotiated->server_random) &&
         out.append(parameters);
}

}  // namespace handfast
