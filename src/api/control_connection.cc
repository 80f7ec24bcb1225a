// Commands that show what a connection has negotiated.
#include "api/control_table.h"
#include "config/security.h"
#include "crypto/group.h"
#include "wire/version.h"

namespace handfast {

namespace {

using On = Control::On;

constexpr int kUnknownGroup = 0x1000000;  // TLSEXT_nid_unknown
constexpr long kCipherLength = 2;
constexpr uint32_t kExtendedMasterSecret = 1;  // in the flags of a session

int nid_of_group(uint16_t id) {
  if (id == 0) return NID_undef;
  const Group* group = find_group(id);
  return group != nullptr ? group->nid : kUnknownGroup | id;
}

// Renegotiations: TLS 1.3 has none (RFC 8446 section 4.1.2), and no flags.
long none(ControlTarget&, long, void*) {
  return 0;
}

long get_raw_ciphers(ControlTarget& target, long, void* parg) {
  if (parg == nullptr) return kCipherLength;
  Bytes& raw = target.ssl->negotiated.peer_cipher_suites;
  if (raw.empty()) return 0;
  *static_cast<unsigned char**>(parg) = raw.data();
  return static_cast<long>(raw.size());
}

long get_extended_master_secret(ControlTarget& target, long, void*) {
  const Connection& connection = *target.ssl;
  if (connection.session == nullptr || connection.in_init || connection.handshake != nullptr) {
    return -1;
  }
  return (connection.session->flags & kExtendedMasterSecret) != 0 ? 1 : 0;
}

// What the peer named, in its order.
long get_groups(ControlTarget& target, long, void* parg) {
  const Connection& connection = *target.ssl;
  if (connection.session == nullptr) return 0;
  auto* out = static_cast<int*>(parg);
  for (uint16_t id : connection.negotiated.peer_groups) {
    if (out != nullptr) *out++ = nid_of_group(id);
  }
  return static_cast<long>(connection.negotiated.peer_groups.size());
}

// SSL_get_shared_group(3): the one at `index`, or with -1 how many there are.
long get_shared_group(ControlTarget& target, long index, void*) {
  const Connection& connection = *target.ssl;
  if (!connection.server) return 0;
  if (index == -2) index = 0;
  const Policy& policy = *connection.policy;
  const ProviderGroups& known = connection.ctx->algorithms.groups();
  std::span<const uint16_t> own = policy.groups.empty() ? known.defaults() : policy.groups.view();
  std::span<const uint16_t> peers = connection.negotiated.peer_groups.view();
  bool own_first = (policy.options & SSL_OP_CIPHER_SERVER_PREFERENCE) != 0;
  std::span<const uint16_t> preferred = own_first ? own : peers;
  std::span<const uint16_t> other = own_first ? peers : own;
  uint16_t version = tls_version(static_cast<uint16_t>(current_version(connection)));
  long found = 0;
  for (uint16_t id : preferred) {
    const Group* group = known.find(id);
    if (group == nullptr || std::find(other.begin(), other.end(), id) == other.end() ||
        !group_allowed(policy, target.ssl, *group, SSL_SECOP_CURVE_SHARED) ||
        !group->fits(connection.method->datagram, version, version)) {
      continue;
    }
    if (found == index) return nid_of_group(id);
    ++found;
  }
  return index == -1 ? found : NID_undef;
}

long get_negotiated_group(ControlTarget& target, long, void*) {
  const Connection& connection = *target.ssl;
  uint16_t id = connection.negotiated.group;
  if (id == 0 && connection.session != nullptr) id = connection.session->group;
  return nid_of_group(id);
}

// RFC 5246 7.4.4; a request of TLS 1.3 has no such list.
long get_certificate_types(ControlTarget& target, long, void* parg) {
  const Connection& connection = *target.ssl;
  const Bytes& types = connection.negotiated.certificate_types;
  if (connection.server || types.empty()) return 0;
  if (parg != nullptr) *static_cast<const unsigned char**>(parg) = types.data();
  return static_cast<long>(types.size());
}

// SSL_get0_ec_point_formats: the peer's, TLS <= 1.2.
long get_point_formats(ControlTarget& target, long, void* parg) {
  const Connection& connection = *target.ssl;
  const Bytes& formats = connection.negotiated.peer_point_formats;
  if (connection.session == nullptr || formats.empty()) return 0;
  *static_cast<const unsigned char**>(parg) = formats.data();
  return static_cast<long>(formats.size());
}

// SSL_num_renegotiations, SSL_total_renegotiations, SSL_clear_num_renegotiations.
long get_renegotiations(ControlTarget& target, long, void*) {
  return target.ssl->renegotiation.count;
}

long get_all_renegotiations(ControlTarget& target, long, void*) {
  return target.ssl->renegotiation.total;
}

long clear_renegotiations(ControlTarget& target, long, void*) {
  long count = target.ssl->renegotiation.count;
  target.ssl->renegotiation.count = 0;
  return count;
}

// SSL_get_secure_renegotiation_support.
long get_secure_renegotiation(ControlTarget& target, long, void*) {
  return target.ssl->negotiated.secure_renegotiation ? 1 : 0;
}

constexpr Control kControls[] = {
    {SSL_CTRL_GET_CLIENT_CERT_REQUEST, On::ssl, none},
    {SSL_CTRL_GET_NUM_RENEGOTIATIONS, On::ssl, get_renegotiations},
    {SSL_CTRL_CLEAR_NUM_RENEGOTIATIONS, On::ssl, clear_renegotiations},
    {SSL_CTRL_GET_TOTAL_RENEGOTIATIONS, On::ssl, get_all_renegotiations},
    {SSL_CTRL_GET_FLAGS, On::ssl, none},
    {SSL_CTRL_GET_RI_SUPPORT, On::ssl, get_secure_renegotiation},
    {SSL_CTRL_GET_EC_POINT_FORMATS, On::ssl, get_point_formats},
    {SSL_CTRL_GET_RAW_CIPHERLIST, On::ssl, get_raw_ciphers},
    {SSL_CTRL_GET_EXTMS_SUPPORT, On::ssl, get_extended_master_secret},
    {SSL_CTRL_GET_GROUPS, On::ssl, get_groups},
    {SSL_CTRL_GET_SHARED_GROUP, On::ssl, get_shared_group},
    {SSL_CTRL_GET_NEGOTIATED_GROUP, On::ssl, get_negotiated_group},
    {SSL_CTRL_GET_CLIENT_CERT_TYPES, On::ssl, get_certificate_types},
};

}  // namespace

std::span<const Control> connection_controls() {
  return kControls;
}

}  // namespace handfast
