#include "config/version_bounds.h"

#include <openssl/dtls1.h>
#include <openssl/prov_ssl.h>
#include <openssl/tls1.h>

namespace handfast {

namespace {

bool is_datagram(int version) {
  return version == DTLS1_BAD_VER || version >> 8 == DTLS1_VERSION_MAJOR;
}

bool is_known(int version) {
  if (version == DTLS1_BAD_VER) return true;
  if (version >= SSL3_VERSION && version <= TLS1_3_VERSION) return true;
  // DTLS counts downwards.
  return version >= DTLS1_2_VERSION && version <= DTLS1_VERSION;
}

}  // namespace

bool version_bounds_fit(int minimum, int maximum) {
  if (is_datagram(minimum) || is_datagram(maximum)) {
    return (minimum == 0 || is_datagram(minimum)) && (maximum == 0 || is_datagram(maximum));
  }
  // SSL 3.0 is not there: as a minimum it means what is above it, as a whole range nothing.
  if (minimum == 0 || minimum == SSL3_VERSION) minimum = TLS1_VERSION;
  if (maximum == 0) maximum = TLS1_3_VERSION;
  return minimum > SSL3_VERSION || maximum < SSL3_VERSION;
}

bool set_version_bound(int method, int version, int& bound) {
  if (version == 0) {
    bound = 0;
    return true;
  }
  if (!is_known(version)) return false;
  if (method == (is_datagram(version) ? DTLS_ANY_VERSION : TLS_ANY_VERSION)) bound = version;
  return true;
}

}  // namespace handfast
