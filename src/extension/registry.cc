// The list of extensions, and the rules that hold for all of them (RFC 8446 section 4.2).
#include <openssl/ssl.h>

#include "extension/custom.h"
#include "extension/extension.h"
#include "extension/rows.h"
#include "extension/state.h"
#include "extension/u16_set.h"

namespace handfast {

namespace {

// OpenSSL's order, so that our hellos look like the system's. It also is the order of reading:
// key_share needs supported_groups, pre_shared_key needs psk_key_exchange_modes.
constexpr const Extension* kRows[] = {
    &kRenegotiationInfo,
    &kServerName,
    &kMaxFragmentLength,
    &kSrp,
    &kEcPointFormats,
    &kSupportedGroups,
    &kSessionTicket,
    &kStatusRequest,
    &kNextProtocol,
    &kAlpn,
    &kUseSrtp,
    &kEncryptThenMac,
    &kSignedCertificateTimestamp,
    &kExtendedMasterSecret,
    &kSignatureAlgorithmsCert,
    &kPostHandshakeAuth,
    &kSignatureAlgorithms,
    &kSupportedVersions,
    &kPskKeyExchangeModes,
    &kKeyShare,
    &kCookie,
    &kEarlyData,
    &kCertificateAuthorities,
    &kPadding,       // fills up what all before it have written
    &kPreSharedKey,  // RFC 8446 4.2.11: the last of a ClientHello
};
constexpr size_t kRowCount = sizeof kRows / sizeof kRows[0];
constexpr size_t kNoRow = kRowCount;
static_assert(kRowCount <= kMaxExtensions);

// Messages that ask; the others answer.
constexpr unsigned kRequests = kInClientHello | kInCertificateRequest | kInNewSessionTicket;

size_t row_of(uint16_t type) {
  for (size_t i = 0; i < kRowCount; ++i) {
    if (kRows[i]->type == type) return i;
  }
  return kNoRow;
}

// Is the extension defined for this message, and for what it travels over?
bool defined_for(const Exchange& exchange, MessageSet message, const Extension& row) {
  return (row.in & message) != 0 && (exchange.datagram || !row.datagram);
}

Extension::Write writer_of(const Exchange& exchange, const Extension& row) {
  return exchange.server ? row.server.answer : row.client.offer;
}

// Extensions of another version than the one that was chosen are passed over.
bool relevant(const Exchange& exchange, MessageSet message, const Extension& row) {
  if (message != kInClientHello) return true;
  return speaks_tls13(exchange) ? !row.tls12 : !row.tls13;
}

bool may_write(const Exchange& exchange, MessageSet message, size_t index) {
  const Extension& row = *kRows[index];
  if (!defined_for(exchange, message, row) || writer_of(exchange, row) == nullptr) return false;
  if (message == kInClientHello) return !row.tls13 || exchange.max_version >= TLS1_3_VERSION;
  // None is defined for the certificates of clients.
  if (!exchange.server) return false;
  return (message & kRequests) != 0 || (row.unasked & message) != 0 ||
         (exchange.received >> index & 1) != 0;
}

Verdict write_one(Exchange& exchange, MessageSet message, const Extension& row, Writer& writer,
                  bool& sent) {
  size_t start = writer.size();
  sent = true;
  writer.u16(row.type);
  {
    Prefixed16 body(writer);
    HANDFAST_CHECK(writer_of(exchange, row)(exchange, message, writer, sent));
  }
  if (!sent) writer.out().truncate(start);
  return success();
}

// The bodies of a block by row.
struct Received {
  View bodies[kRowCount];
  uint64_t rows = 0;
};

// RFC 8446 4.2: what may stand in this message, and in answer to what.
Verdict check_place(const Exchange& exchange, MessageSet message, size_t index, uint16_t type,
                    const CustomExtension* custom) {
  bool misplaced = index != kNoRow ? !defined_for(exchange, message, *kRows[index])
                                   : custom != nullptr && !allowed_in(exchange, *custom, message);
  if (misplaced) return fatal(Alert::illegal_parameter, SSL_R_BAD_EXTENSION);
  if ((message & kRequests) != 0) return success();
  bool asked = asked_custom(exchange, type) ||
               (index != kNoRow &&
                ((exchange.sent >> index & 1) != 0 || (kRows[index]->unasked & message) != 0));
  if (!asked) return fatal(Alert::unsupported_extension, SSL_R_UNSOLICITED_EXTENSION);
  return success();
}

void tell_application(const Exchange& exchange, uint16_t type, View body) {
  const Hooks& hooks = **exchange.hooks;
  if (hooks.extension_debug == nullptr) return;
  hooks.extension_debug(exchange.ssl, exchange.server ? 0 : 1, type, body.data(),
                        static_cast<int>(body.size()), hooks.extension_debug_argument);
}

// "There MUST NOT be more than one extension of the same type in a given extension block."
Verdict check_unknown_types(View block, size_t unknown) {
  if (unknown < 2) return success();
  U16Set types;
  Reader reader(block);
  uint16_t type = 0;
  View body;
  while (next_extension(reader, type, body)) {
    if (!types.insert(type)) return fatal(Alert::illegal_parameter, SSL_R_BAD_EXTENSION);
  }
  return success();
}

Verdict collect(Exchange& exchange, MessageSet message, View block, Received& out) {
  Reader reader(block);
  size_t unknown = 0;
  while (!reader.empty()) {
    uint16_t type = 0;
    View body;
    if (!next_extension(reader, type, body)) return fatal(Alert::decode_error, SSL_R_BAD_EXTENSION);
    size_t index = row_of(type);
    const CustomExtension* custom = find_custom(exchange, message, type);
    HANDFAST_CHECK(check_place(exchange, message, index, type, custom));
    if (index == kNoRow) {
      ++unknown;
      if (custom != nullptr) tell_application(exchange, type, body);
      continue;
    }
    bool repeated = (out.rows >> index & 1) != 0;
    // RFC 8446 4.2.11: servers MUST check that pre_shared_key is the last extension.
    bool misplaced = message == kInClientHello && type == TLSEXT_TYPE_psk && !reader.empty();
    if (repeated || misplaced) return fatal(Alert::illegal_parameter, SSL_R_BAD_EXTENSION);
    out.rows |= uint64_t{1} << index;
    out.bodies[index] = body;
    tell_application(exchange, type, body);
  }
  return check_unknown_types(block, unknown);
}

Extension::Read reader_of(const Exchange& exchange, const Extension& row) {
  return exchange.server ? row.server.consider : row.client.accept;
}

Extension::Absent absent_of(const Exchange& exchange, const Extension& row) {
  return exchange.server ? row.server.absent : row.client.absent;
}

}  // namespace

std::span<const Extension* const> extension_rows() {
  return kRows;
}

uint64_t extension_bit(uint16_t type) {
  size_t index = row_of(type);
  return index == kNoRow ? 0 : uint64_t{1} << index;
}

Verdict write_extensions(Exchange& exchange, MessageSet message, Writer& writer) {
  uint64_t sent = 0;
  exchange.extensions_length = 0;
  {
    Prefixed16 block(writer);
    size_t start = writer.size();
    HANDFAST_CHECK(write_custom(exchange, message, writer));
    for (size_t i = 0; i < kRowCount; ++i) {
      if (!may_write(exchange, message, i)) continue;
      bool wanted = false;
      HANDFAST_CHECK(write_one(exchange, message, *kRows[i], writer, wanted));
      if (wanted) sent |= uint64_t{1} << i;
      exchange.extensions_length = writer.size() - start;
    }
  }
  if (!writer.ok()) return writer.too_long() ? internal_error() : malloc_failure();
  if (message == kInClientHello || message == kInCertificateRequest) exchange.sent = sent;
  return success();
}

Verdict read_extensions(Exchange& exchange, MessageSet message, View block) {
  Received received;
  HANDFAST_CHECK(collect(exchange, message, block, received));
  if (message == kInClientHello) exchange.offers = {};
  if (message != kInCertificate && message != kInNewSessionTicket) {
    exchange.received = received.rows;
  }
  for (size_t i = 0; i < kRowCount; ++i) {
    Extension::Read read = reader_of(exchange, *kRows[i]);
    // signed_certificate_timestamp may be the application's own.
    bool ours = read != nullptr && relevant(exchange, message, *kRows[i]) &&
                !asked_custom(exchange, kRows[i]->type);
    if ((received.rows >> i & 1) != 0 && ours) {
      HANDFAST_CHECK(read(exchange, message, received.bodies[i]));
    }
  }
  HANDFAST_CHECK(read_custom(exchange, message, block));
  for (size_t i = 0; i < kRowCount; ++i) {
    Extension::Absent absent = absent_of(exchange, *kRows[i]);
    if ((received.rows >> i & 1) == 0 && absent != nullptr &&
        defined_for(exchange, message, *kRows[i]) && relevant(exchange, message, *kRows[i])) {
      HANDFAST_CHECK(absent(exchange, message));
    }
  }
  return success();
}

bool next_extension(Reader& block, uint16_t& type, View& body) {
  Reader ahead = block;
  if (!ahead.u16(type) || !ahead.vector16(body)) return false;
  block = ahead;
  return true;
}

bool find_extension(View block, uint16_t type, View& body) {
  Reader reader(block);
  uint16_t found = 0;
  View candidate;
  while (next_extension(reader, found, candidate)) {
    if (found == type) {
      body = candidate;
      return true;
    }
  }
  return false;
}

}  // namespace handfast
