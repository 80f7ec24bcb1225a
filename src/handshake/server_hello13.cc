#include "handshake/server_hello13.h"

#include <algorithm>

#include "config/security.h"
#include "extension/extension.h"
#include "extension/lists.h"
#include "extension/preferences.h"
#include "handshake/begin.h"
#include "handshake/early_data.h"
#include "handshake/hello_callbacks.h"
#include "handshake/psk.h"
#include "handshake/receive.h"
#include "handshake/server.h"
#include "handshake/stateless.h"
#include "handshake/steps.h"
#include "handshake/suites.h"
#include "message/server_hello.h"

namespace handfast {
namespace {

bool usable(const Handshake& hs, const CipherSuite& suite) {
  return fits_version(suite, TLS1_3_VERSION, TLS1_3_VERSION) &&
         hs.algorithms->cipher(suite.cipher) != nullptr &&
         cipher_allowed(**hs.policy, hs.ssl, suite, SSL_SECOP_CIPHER_SHARED);
}

// A key of SSL_set_psk_server_callback(3) has no hash of its own, and RFC 8446 4.2.11 gives it
// SHA-256. Without a certificate there is nothing but such a key, so a suite of that hash goes
// first.
bool prefers_sha256(const Handshake& hs) {
  if ((*hs.hooks)->psk_server == nullptr) return false;
  return std::ranges::none_of((*hs.credentials)->slots, [](const Credential& credential) {
    return credential.certificate != nullptr && credential.private_key != nullptr;
  });
}

template <class Suits>
const CipherSuite* choose_by_server(const Handshake& hs, View offered, bool chacha_first,
                                    const Suits& suits) {
  auto shared = [&](const CipherSuite& suite) {
    return u16_list_contains(offered, suite.id) && suits(suite);
  };
  const CipherSuite* chosen = nullptr;
  if (chacha_first) {
    chosen = first_suite(hs, [&](const CipherSuite& suite) {
      return suite.cipher == CipherId::chacha20_poly1305 && shared(suite);
    });
  }
  return chosen != nullptr ? chosen : first_suite(hs, shared);
}

template <class Suits>
const CipherSuite* choose_by_client(const Handshake& hs, View offered, const Suits& suits) {
  for (size_t i = 0; i < offered.size() / 2; ++i) {
    uint16_t id = u16_at(offered, i);
    const CipherSuite* suite =
        first_suite(hs, [&](const CipherSuite& ours) { return ours.id == id; });
    if (suite != nullptr && suits(*suite)) return suite;
  }
  return nullptr;
}

// SSL_OP_CIPHER_SERVER_PREFERENCE and SSL_OP_PRIORITIZE_CHACHA of SSL_CTX_set_options(3).
template <class Suits>
const CipherSuite* choose_among(const Handshake& hs, View offered, const Suits& suits) {
  uint64_t options = (*hs.policy)->options;
  if ((options & SSL_OP_CIPHER_SERVER_PREFERENCE) == 0) return choose_by_client(hs, offered, suits);
  const CipherSuite* first = find_cipher_suite(u16_at(offered, 0));
  bool chacha_first = (options & SSL_OP_PRIORITIZE_CHACHA) != 0 && first != nullptr &&
                      first->cipher == CipherId::chacha20_poly1305;
  return choose_by_server(hs, offered, chacha_first, suits);
}

const CipherSuite* choose_suite(const Handshake& hs, View offered) {
  const CipherSuite* suite = nullptr;
  if (prefers_sha256(hs)) {
    suite = choose_among(hs, offered, [&](const CipherSuite& candidate) {
      return candidate.hash == HashId::sha256 && usable(hs, candidate);
    });
  }
  if (suite != nullptr) return suite;
  return choose_among(hs, offered,
                      [&](const CipherSuite& candidate) { return usable(hs, candidate); });
}

Verdict read_hello(Handshake& hs) {
  // RFC 8446 5.1: a ClientHello that starts a change of keys ends its record.
  HANDFAST_CHECK(at_record_boundary(hs));
  const ClientHello& hello = hs.client_hello;
  const CipherSuite* suite = choose_suite(hs, hello.cipher_suites);
  if (suite == nullptr) return fatal(Alert::handshake_failure, SSL_R_NO_SHARED_CIPHER);
  if (!hs.negotiated->peer_cipher_suites.assign(hello.cipher_suites)) return malloc_failure();
  // RFC 8446 4.1.4: the suite of a HelloRetryRequest stays.
  if (hs.negotiated->suite != nullptr && hs.negotiated->suite != suite) {
    return fatal(Alert::illegal_parameter, SSL_R_BAD_CIPHER);
  }
  hs.negotiated->suite = suite;
  std::memcpy(hs.session_id, hello.session_id.data(), hello.session_id.size());
  hs.session_id_length = static_cast<uint8_t>(hello.session_id.size());
  // RFC 8446 4.1.2: exactly one compression method, the null one.
  View methods = hello.compression_methods;
  if (std::find(methods.begin(), methods.end(), 0) == methods.end()) {
    return fatal(Alert::illegal_parameter, SSL_R_NO_COMPRESSION_SPECIFIED);
  }
  if (methods.size() != 1) {
    return fatal(Alert::illegal_parameter, SSL_R_INVALID_COMPRESSION_ALGORITHM);
  }
  hs.resuming = false;
  return read_extensions(hs, kInClientHello, hello.extensions);
}

bool may_use_group(const Handshake& hs, uint16_t group) {
  return group_usable_13(hs, group) &&
         group_allowed(**hs.policy, hs.ssl, *find_group(hs, group), SSL_SECOP_CURVE_CHECK);
}

}  // namespace

// OpenSSL's choice, RFC 8446 4.2.8.
const Group* first_usable_share(const Handshake& hs) {
  Reader shares(hs.offers.key_shares);
  uint16_t group = 0;
  View key_exchange;
  while (shares.u16(group) && shares.vector16(key_exchange)) {
    if (may_use_group(hs, group) &&
        std::ranges::find(group_preferences(hs), group) != group_preferences(hs).end()) {
      return find_group(hs, group);
    }
  }
  return nullptr;
}

namespace {

uint16_t first_shared_group(const Handshake& hs) {
  for (uint16_t group : group_preferences(hs)) {
    if (u16_list_contains(hs.offers.supported_groups, group) && may_use_group(hs, group)) {
      return group;
    }
  }
  return 0;
}

// RFC 8446 4.2.9: psk_ke, with a client that cannot do better.
bool does_without_group(const Handshake& hs) {
  return hs.resuming && hs.offers.psk_ke && (!hs.offers.psk_dhe_ke || hs.group == nullptr);
}

// RFC 8446 4.1.4: the second hello brings the share that was asked for, and no other.
bool has_only_share(const Handshake& hs, uint16_t wanted) {
  Reader shares(hs.offers.key_shares);
  uint16_t group = 0;
  View key_exchange;
  return shares.u16(group) && group == wanted && shares.vector16(key_exchange) && shares.empty();
}

Verdict choose_group(Handshake& hs) {
  bool sent = (hs.received & extension_bit(TLSEXT_TYPE_key_share)) != 0;
  hs.retry_needed = false;
  hs.group = hs.resuming && !hs.offers.psk_dhe_ke ? nullptr : first_usable_share(hs);
  if (hs.resuming && !hs.offers.psk_dhe_ke) return success();
  if (hs.hello_retry_request) {
    bool right = hs.group != nullptr && (hs.retry_group == 0 || has_only_share(hs, hs.retry_group));
    return right ? success() : fatal(Alert::illegal_parameter, SSL_R_BAD_KEY_SHARE);
  }
  if (hs.group != nullptr) return success();
  hs.retry_group = sent ? first_shared_group(hs) : 0;
  hs.retry_needed = hs.retry_group != 0;
  if (hs.retry_needed || does_without_group(hs)) return success();
  // RFC 8446 9.2: no key_share without a pre-shared key.
  return fatal(sent ? Alert::handshake_failure : Alert::missing_extension,
               SSL_R_NO_SUITABLE_KEY_SHARE);
}

// The certificate callback may look at them.
Verdict share_schemes(Handshake& hs) {
  if (!share_signature_schemes(hs)) return malloc_failure();
  // RFC 8446 4.2.3: "If a server is authenticating via a certificate and the client has not sent a
  // "signature_algorithms" extension, then the server MUST abort the handshake with a
  // "missing_extension" alert."
  if (hs.offers.signature_schemes.empty()) {
    return fatal(Alert::missing_extension, SSL_R_MISSING_SIGALGS_EXTENSION);
  }
  if (!hs.negotiated->shared_signature_schemes.empty()) return success();
  return fatal(Alert::handshake_failure, SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS);
}

Verdict choose_certificate(Handshake& hs, Signer& signer) {
  Array<uint16_t> for_certificates;
  if (!copy_u16_list(hs.offers.signature_schemes_cert, for_certificates)) return malloc_failure();
  HANDFAST_CHECK(choose_signer(hs, for_certificates.view(), signer));
  if (signer.credential == nullptr) {
    return fatal(Alert::handshake_failure, SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM);
  }
  return success();
}

// Who we are, where no pre-shared key says so.
Flow choose_authentication(Handshake& hs, Signer& signer) {
  CHECK(share_schemes(hs));
  CHECK(co_await ask_certificate(hs));
  CHECK(choose_certificate(hs, signer));
  ask_resumable(hs);
  CHECK(ask_status(hs));
  co_return success();
}

Verdict choose_session(Handshake& hs) {
  HANDFAST_CHECK(select_psk(hs));
  hs.negotiated->resumed = hs.resuming;
  return hs.resuming ? success() : begin_session(hs);
}

}  // namespace

Flow negotiate13(Handshake& hs, Signer& signer) {
  CHECK(read_hello(hs));
  CHECK(take_cookie(hs));
  CHECK(choose_session(hs));
  CHECK(ask_server_name(hs));
  CHECK(ask_alpn(hs));
  CHECK(choose_group(hs));
  if (lacks_cookie(hs)) hs.retry_needed = true;
  judge_early_data(hs);
  CHECK(choose_server_random(hs));
  if (!hs.resuming) CHECK(co_await choose_authentication(hs, signer));
  if (!hs.transcript.started() &&
      !hs.transcript.start(hs.algorithms->hash(hs.negotiated->suite->hash))) {
    co_return internal_error();
  }
  CHECK(absorb(hs));
  co_return success();
}

Verdict fill_hello_retry_request(Handshake& hs, Bytes& block, ServerHello& out) {
  Writer writer(block);
  HANDFAST_CHECK(write_extensions(hs, kInHelloRetryRequest, writer));
  out.legacy_version = TLS1_2_VERSION;
  out.random = kHelloRetryRequestRandom;
  out.session_id = {hs.session_id, hs.session_id_length};
  out.cipher_suite = hs.negotiated->suite->id;
  out.extensions = block.view().subspan(2);
  out.has_extensions = true;
  return success();
}

Verdict send_hello_retry_request(Handshake& hs) {
  if (!hs.transcript.replace_with_message_hash()) return internal_error();
  Bytes block;
  ServerHello message;
  HANDFAST_CHECK(fill_hello_retry_request(hs, block, message));
  hs.conn.channel.writer.set_record_version(TLS1_2_VERSION);
  HANDFAST_CHECK(send(hs, message));
  hs.hello_retry_request = true;
  hs.negotiated->hello_retry_request = true;
  // RFC 8446 4.2.10: early data behind a hello that is retried is skipped.
  if (hs.offers.early_data) {
    hs.conn.channel.reader.skip_early_data((*hs.policy)->recv_max_early_data, true);
  }
  return success();
}

Verdict agree_key(Handshake& hs, Bytes& shared_secret) {
  View peer;
  if (hs.group == nullptr) return success();
  if (!find_key_share(hs.offers.key_shares, hs.group->id, peer)) return internal_error();
  HANDFAST_CHECK(hs.share.respond(*hs.algorithms, *hs.group, peer, shared_secret));
  HANDFAST_CHECK(keep_group(hs, hs.group->id));
  hs.negotiated->peer_temporary_key = hs.share.take_peer_key();
  return success();
}

Verdict send_server_hello(Handshake& hs) {
  Bytes block;
  Writer writer(block);
  HANDFAST_CHECK(write_extensions(hs, kInServerHello13, writer));
  ServerHello message;
  message.legacy_version = TLS1_2_VERSION;
  message.random = hs.negotiated->server_random;
  message.session_id = {hs.session_id, hs.session_id_length};
  message.cipher_suite = hs.negotiated->suite->id;
  message.extensions = block.view().subspan(2);
  message.has_extensions = true;
  hs.conn.channel.writer.set_record_version(TLS1_2_VERSION);
  HANDFAST_CHECK(send(hs, message));
  hs.negotiated->own_temporary_key = hs.share.take_private_key();
  return success();
}

}  // namespace handfast
