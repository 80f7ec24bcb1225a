// The client's first flight: ClientHello, and which version the server's answer chose.
#include <algorithm>

#include "config/cipher_supported.h"
#include "crypto/cipher_class.h"
#include "extension/extension.h"
#include "extension/preferences.h"
#include "handshake/begin.h"
#include "handshake/client.h"
#include "handshake/early_data.h"
#include "handshake/hello_verify.h"
#include "handshake/psk.h"
#include "handshake/receive.h"
#include "handshake/resumption.h"
#include "handshake/steps.h"
#include "handshake/suites.h"
#include "message/datagram_handshake_header.h"
#include "message/hello_verify_request.h"
#include "wire/version.h"

namespace handfast {
namespace {

constexpr Expect kServerHello[] = {
    {SSL3_MT_SERVER_HELLO, TLS_ST_CR_SRVR_HELLO, ServerHello::kMaxLength},
};

constexpr Expect kServerHelloOrRequest[] = {
    {SSL3_MT_SERVER_HELLO, TLS_ST_CR_SRVR_HELLO, ServerHello::kMaxLength},
    {DTLS1_MT_HELLO_VERIFY_REQUEST, DTLS_ST_CR_HELLO_VERIFY_REQUEST,
     HelloVerifyRequest::kMaxLength},
};

// RFC 8446 4.1.3: how a server of TLS 1.3 marks that it was asked for less.
constexpr uint8_t kDowngradeTo12[] = {0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 0x01};
constexpr uint8_t kDowngradeTo11[] = {0x44, 0x4f, 0x57, 0x4e, 0x47, 0x52, 0x44, 0x00};

// The session to offer; what the application set is replaced when it cannot be resumed. As in
// OpenSSL the connection has a session from here on (SSL_get_session(3)).
Verdict choose_session(Handshake& hs) {
  bool fresh = hs.renegotiating && hs.conn.renegotiation.fresh;
  if (offers_psk(hs)) return success();
  hs.offered_session = !fresh && offerable(hs) ? hs.conn.session.get() : nullptr;
  if (hs.offered_session != nullptr) return success();
  hs.negotiated->group = 0;
  HANDFAST_CHECK(begin_session(hs));
  hs.conn.session->version = wire_version(hs.datagram, hs.max_version);
  return success();
}

// RFC 8446 4.1.2: random, and a session id that makes middleboxes see a resumption.
Verdict choose_random(Handshake& hs) {
  uint8_t random[64];
  if (!hs.algorithms->random(random)) return internal_error();
  std::memcpy(hs.negotiated->client_random, random, 32);
  if (hs.offered_session != nullptr) {
    hs.session_id_length = hs.offered_session->id_length;
    std::memcpy(hs.session_id, hs.offered_session->id, hs.session_id_length);
  } else if (hs.max_version >= TLS1_3_VERSION &&
             ((*hs.policy)->options & SSL_OP_ENABLE_MIDDLEBOX_COMPAT) != 0) {
    hs.session_id_length = 32;
    std::memcpy(hs.session_id, random + 32, 32);
  }
  return success();
}

Verdict add_share(Handshake& hs, uint16_t group) {
  hs.share_groups.clear();
  hs.share_groups.push_back(group);
  return hs.key_shares[0].generate(*hs.algorithms, *find_group(hs, group));
}

// One share, of the group that we like best, as OpenSSL sends.
Verdict choose_share(Handshake& hs) {
  if (hs.max_version < TLS1_3_VERSION) return success();
  for (uint16_t group : group_preferences(hs)) {
    if (group_usable_13(hs, group)) return add_share(hs, group);
  }
  return internal_error(SSL_R_NO_SUITABLE_GROUPS);
}

// OpenSSL sends point formats and groups when one of these, or TLS 1.3, is offered.
bool is_elliptic(const CipherSuite& suite) {
  return (suite.kx & kKxAllEcdhe) != 0 || (suite.auth & kAuthEcdsa) != 0 ||
         suite.min_tls >= TLS1_3_VERSION;
}

CipherSupport support_of(const Handshake& hs) {
  return {hs.ssl, *hs.conn.method, **hs.policy, **hs.hooks, false, srp_enabled(*hs.request)};
}

Verdict write_cipher_suites(Handshake& hs, Bytes& out) {
  Writer writer(out);
  CipherSupport support = support_of(hs);
  CipherFilter filter = cipher_filter(support, hs.min_version, hs.max_version);
  bool highest = false;
  hs.elliptic_suites = false;
  first_suite(hs, [&](const CipherSuite& suite) {
    if (!passes(support, filter, suite)) return false;
    highest = highest || fits_version(suite, hs.max_version, hs.max_version);
    hs.elliptic_suites = hs.elliptic_suites || is_elliptic(suite);
    writer.u16(suite.id);
    return false;
  });
  if (!highest) return internal_error(SSL_R_NO_CIPHERS_AVAILABLE);
  // RFC 5746 3.3: sent in every hello that is not a renegotiation, as OpenSSL does.
  if (!hs.renegotiating) writer.u16(SSL3_CK_SCSV & 0xffff);
  // RFC 7507 4.
  if (((*hs.policy)->mode & SSL_MODE_SEND_FALLBACK_SCSV) != 0) {
    writer.u16(SSL3_CK_FALLBACK_SCSV & 0xffff);
  }
  return writer.ok() ? success() : malloc_failure();
}

Verdict send_client_hello(Handshake& hs) {
  static constexpr uint8_t kNullCompression[] = {0};
  Bytes suites;
  HANDFAST_CHECK(write_cipher_suites(hs, suites));
  hs.negotiated->offered_version = hs.max_version;
  ClientHello hello;
  // OpenSSL tells the version of the first hello in every later one.
  if (!hs.renegotiating) {
    uint16_t version = std::min<uint16_t>(hs.max_version, TLS1_2_VERSION);
    hs.negotiated->client_version = wire_version(hs.datagram, version);
  }
  hello.legacy_version = hs.negotiated->client_version;
  hello.random = hs.negotiated->client_random;
  hello.session_id = {hs.session_id, hs.session_id_length};
  hello.datagram = hs.datagram;
  if (hs.datagram) hello.cookie = hs.conn.channel.datagram->cookie.view();
  hello.cipher_suites = suites.view();
  hello.compression_methods = kNullCompression;
  hello.has_extensions = true;
  HANDFAST_CHECK(choose_psks(hs));
  HANDFAST_CHECK(offer_early_data(hs));
  hs.hello_prefix_length = (hs.datagram ? kDatagramHandshakeHeaderLength + 1 + hello.cookie.size()
                                        : kHandshakeHeaderLength) +
                           2 + 32 + 1 + hello.session_id.size() + 2 + suites.size() + 2;
  Bytes block;
  Writer extensions(block);
  HANDFAST_CHECK(write_extensions(hs, kInClientHello, extensions));
  hello.extensions = block.view().subspan(2);
  hs.scratch.clear();
  if (!build_message(hello, hs.scratch)) return malloc_failure();
  HANDFAST_CHECK(write_binders(hs));
  return send_scratch(hs);
}

bool ends_with(View random, View sentinel) {
  return equal(random.last(8), sentinel);
}

// The highest version that we could speak: what an attacker made us fall back from counts too
// (SSL_MODE_SEND_FALLBACK_SCSV, RFC 7507).
uint16_t highest_supported(const Handshake& hs) {
  bool fallback = ((*hs.policy)->mode & SSL_MODE_SEND_FALLBACK_SCSV) != 0;
  bool flexible = hs.conn.method->flexible() && !hs.renegotiating;
  return fallback && flexible ? TLS1_3_VERSION : hs.max_version;
}

// RFC 8446 4.1.3: a client of TLS 1.3 MUST check both, one of TLS 1.2 the second.
Verdict check_sentinels(const Handshake& hs, const ServerHello& hello, uint16_t version) {
  if (hs.datagram) return success();
  uint16_t highest = highest_supported(hs);
  if (version >= highest) return success();
  if ((highest == TLS1_3_VERSION && ends_with(hello.random, kDowngradeTo12)) ||
      ends_with(hello.random, kDowngradeTo11)) {
    return fatal(Alert::illegal_parameter, SSL_R_INAPPROPRIATE_FALLBACK);
  }
  return success();
}

// TLS's number of the version on the wire; 0 when it is of the other family.
uint16_t offered_family(const Handshake& hs, uint16_t wire) {
  uint16_t version = tls_version(wire);
  return wire_version(hs.datagram, version) == wire ? version : 0;
}

// The version that the server chose, held against what we offered.
Verdict choose_version(Handshake& hs, const ServerHello& hello) {
  uint16_t version = offered_family(hs, hello.legacy_version);
  View body;
  if (!hs.datagram && find_extension(hello.extensions, TLSEXT_TYPE_supported_versions, body)) {
    if (body.size() != 2) return fatal(Alert::decode_error, SSL_R_LENGTH_MISMATCH);
    version = static_cast<uint16_t>(body[0] << 8 | body[1]);
    // RFC 8446 4.2.1: a version prior to TLS 1.3, or one that was not offered; legacy_version is
    // 1.2's.
    if (version != TLS1_3_VERSION || version > hs.max_version) {
      return fatal(Alert::illegal_parameter, SSL_R_BAD_PROTOCOL_VERSION_NUMBER);
    }
    if (hello.legacy_version != TLS1_2_VERSION) {
      return fatal(Alert::illegal_parameter, SSL_R_BAD_LEGACY_VERSION);
    }
  } else if (version > TLS1_2_VERSION) {
    // RFC 8446 4.2.1: TLS 1.3 is chosen by the extension only; RFC 5246 7.4.1.3 has nothing higher
    // than what our hello said.
    return fatal(Alert::protocol_version, SSL_R_UNSUPPORTED_PROTOCOL);
  }
  HANDFAST_CHECK(check_sentinels(hs, hello, version));
  if (hs.hello_retry_request && version != TLS1_3_VERSION) {
    return fatal(Alert::protocol_version, SSL_R_WRONG_SSL_VERSION);
  }
  if (version < hs.min_version || version > hs.max_version) {
    bool fixed = hs.renegotiating || !hs.conn.method->flexible();
    return fatal(Alert::protocol_version,
                 fixed ? SSL_R_WRONG_SSL_VERSION : SSL_R_UNSUPPORTED_PROTOCOL);
  }
  hs.negotiated->version = version;
  return success();
}

}  // namespace

bool offered_suite(const Handshake& hs, const CipherSuite& suite) {
  uint16_t version = hs.negotiated->version;
  CipherSupport support = support_of(hs);
  return passes(support, cipher_filter(support, version, version), suite, SSL_SECOP_CIPHER_CHECK) &&
         first_suite(hs, [&](const CipherSuite& ours) { return &ours == &suite; }) != nullptr;
}

// RFC 8446 4.1.3, 4.1.4: what must be the same in every hello that answers ours.
Verdict check_echoes(Handshake& hs, const ServerHello& hello) {
  if (hello.compression_method != 0) {
    return fatal(Alert::illegal_parameter, SSL_R_INVALID_COMPRESSION_ALGORITHM);
  }
  if (!equal(hello.session_id, {hs.session_id, hs.session_id_length})) {
    return fatal(Alert::illegal_parameter, SSL_R_INVALID_SESSION_ID);
  }
  const CipherSuite* suite = find_cipher_suite(hello.cipher_suite);
  if (suite == nullptr) {
    return fatal(Alert::illegal_parameter, SSL_R_UNKNOWN_CIPHER_RETURNED);
  }
  const CipherSuite* before = hs.negotiated->suite;
  if (!offered_suite(hs, *suite) || (before != nullptr && before != suite)) {
    return fatal(Alert::illegal_parameter, SSL_R_WRONG_CIPHER_RETURNED);
  }
  hs.negotiated->suite = suite;
  return success();
}

Verdict start_transcript(Handshake& hs) {
  const EVP_MD* md = hs.algorithms->hash(hs.negotiated->suite->hash);
  return md != nullptr && hs.transcript.start(md) ? success() : internal_error();
}

namespace {

// RFC 8446 4.1.4: what the server asks us to do differently.
Verdict read_hello_retry_request(Handshake& hs, const ServerHello& hello) {
  if (hs.hello_retry_request) {
    return fatal(Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE);
  }
  hs.hello_retry_request = true;
  hs.conn.early_data.refused = true;  // RFC 8446 4.2.10
  hs.negotiated->hello_retry_request = true;
  hs.negotiated->version = TLS1_3_VERSION;
  if (hello.legacy_version != TLS1_2_VERSION) {
    return fatal(Alert::illegal_parameter, SSL_R_BAD_LEGACY_VERSION);
  }
  HANDFAST_CHECK(check_echoes(hs, hello));
  HANDFAST_CHECK(read_extensions(hs, kInHelloRetryRequest, hello.extensions));
  // RFC 8446 4.1.4: a request that would change nothing is an error.
  if (hs.retry_group == 0 && hs.cookie.empty()) {
    return fatal(Alert::illegal_parameter, SSL_R_NO_CHANGE_FOLLOWING_HRR);
  }
  HANDFAST_CHECK(start_transcript(hs));
  if (!hs.transcript.replace_with_message_hash()) return internal_error();
  HANDFAST_CHECK(absorb(hs));
  if (hs.retry_group == 0) return success();
  return add_share(hs, hs.retry_group);
}

bool compatible(const Handshake& hs) {
  return ((*hs.policy)->options & SSL_OP_ENABLE_MIDDLEBOX_COMPAT) != 0;
}

Flow retry_hello(Handshake& hs) {
  // RFC 8446 4.1.2: the second hello goes out in the clear, after early data too.
  hs.conn.channel.writer.drop_keys();
  if (compatible(hs) && !sent_early_data(hs)) {
    step(hs, TLS_ST_CW_CHANGE);
    CHECK(send_change_cipher_spec(hs));
  }
  step(hs, TLS_ST_CW_CLNT_HELLO);
  CHECK(send_client_hello(hs));
  co_await pause(hs, Want::flush);
  announce(hs);
  co_return success();
}

// SSL_write_early_data(3) has sent the hello: the application writes, the rest comes later.
Flow write_early_data(Handshake& hs) {
  hs.conn.channel.writer.set_record_version(TLS1_2_VERSION);
  if (compatible(hs)) {
    step(hs, TLS_ST_CW_CHANGE);
    CHECK(send_change_cipher_spec(hs));
  }
  if (hs.early_data) CHECK(begin_early_data(hs));
  step(hs, TLS_ST_EARLY_DATA);
  co_await pause(hs, Want::early_data);
  // What the BIO has stopped, the hello or data behind it, goes out before an answer is awaited.
  co_await pause(hs, Want::flush);
  co_return success();
}

// RFC 6347 4.2.1: a server may want to hear the same hello again, with its cookie.
Flow receive_server_hello(Handshake& hs) {
  if (!hs.datagram) {
    CHECK(co_await receive(hs, kServerHello));
    co_return success();
  }
  CHECK(co_await receive(hs, kServerHelloOrRequest));
  while (hs.message.type == DTLS1_MT_HELLO_VERIFY_REQUEST) {
    CHECK(read_hello_verify_request(hs));
    step(hs, TLS_ST_CW_CLNT_HELLO);
    CHECK(send_client_hello(hs));
    co_await pause(hs, Want::flush);
    announce(hs);
    CHECK(co_await receive(hs, kServerHelloOrRequest));
  }
  co_return success();
}

}  // namespace

//   ClientHello           -------->
//                         <--------  HelloVerifyRequest    (DTLS, when the server asks for it)
//   ClientHello           -------->
//   (early data*)         -------->                        (TLS 1.3, with a pre-shared key)
//                         <--------  HelloRetryRequest     (TLS 1.3, when needed)
//   ClientHello           -------->
//                         <--------  ServerHello           then the chosen version's flow
Flow client_handshake(Handshake& hs) {
  CHECK(begin_handshake(hs));
  announce(hs);
  hs.conn.state = TLS_ST_CW_CLNT_HELLO;
  CHECK(choose_session(hs));
  CHECK(choose_random(hs));
  CHECK(choose_share(hs));
  CHECK(send_client_hello(hs));
  if (sends_early_data(hs)) {
    CHECK(co_await write_early_data(hs));
  } else {
    co_await pause(hs, Want::flush);
  }
  announce(hs);
  if (hs.max_version >= TLS1_3_VERSION) {
    hs.conn.channel.writer.set_record_version(TLS1_2_VERSION);
    hs.conn.channel.reader.allow_change_cipher_spec(true);
  }
  ServerHello hello;
  CHECK(co_await receive_server_hello(hs));
  // An alert about the server's version still has our own.
  if (hs.max_version < TLS1_3_VERSION && !hs.datagram) {
    hs.conn.channel.writer.set_record_version(hs.max_version);
  }
  CHECK(parse(hs.message.body, hello));
  if (hello.is_hello_retry_request() && hs.max_version >= TLS1_3_VERSION) {
    CHECK(read_hello_retry_request(hs, hello));
    CHECK(co_await retry_hello(hs));
    CHECK(co_await receive(hs, kServerHello));
    CHECK(parse(hs.message.body, hello));
    if (hello.is_hello_retry_request()) {
      co_return fatal(Alert::unexpected_message, SSL_R_UNEXPECTED_MESSAGE);
    }
  }
  CHECK(choose_version(hs, hello));
  std::memcpy(hs.negotiated->server_random, hello.random.data(), 32);
  if (hs.negotiated->version >= TLS1_3_VERSION) {
    CHECK(co_await client13(hs, hello));
  } else {
    CHECK(co_await client12(hs, hello));
  }
  co_return success();
}

}  // namespace handfast
