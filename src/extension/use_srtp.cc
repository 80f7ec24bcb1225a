// use_srtp, RFC 5764 section 4.1: which profile protects the media that DTLS makes the keys of.
#include <openssl/srtp.h>
#include <openssl/tls1.h>

#include "config/srtp.h"
#include "extension/lists.h"
#include "extension/rows.h"

namespace handfast {

namespace {

Verdict bad_list() {
  return fatal(Alert::decode_error, SSL_R_BAD_SRTP_PROTECTION_PROFILE_LIST);
}

// The connection's profiles, or as they are now those of its context; nullptr: none.
const STACK_OF(SRTP_PROTECTION_PROFILE) * own_profiles(const Exchange& exchange) {
  const SrtpStackPtr& own = exchange.request->srtp_profiles;
  return own != nullptr ? own.get() : exchange.ctx->srtp_profiles.get();
}

// Position in our list, which has the best first; -1: not there.
int find(const STACK_OF(SRTP_PROTECTION_PROFILE) * profiles, unsigned long id) {
  for (int i = 0; i < sk_SRTP_PROTECTION_PROFILE_num(profiles); ++i) {
    if (sk_SRTP_PROTECTION_PROFILE_value(profiles, i)->id == id) return i;
  }
  return -1;
}

// 4.1.1: SRTPProtectionProfiles, and an srtp_mki, which we do not use.
Verdict offer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  const STACK_OF(SRTP_PROTECTION_PROFILE)* profiles = own_profiles(exchange);
  send = profiles != nullptr;
  if (!send) return success();
  {
    Prefixed16 list(writer);
    for (int i = 0; i < sk_SRTP_PROTECTION_PROFILE_num(profiles); ++i) {
      writer.u16(static_cast<uint16_t>(sk_SRTP_PROTECTION_PROFILE_value(profiles, i)->id));
    }
  }
  writer.vector8({});
  return success();
}

// 4.1.1: the one profile of the server's choice.
Verdict accept(Exchange& exchange, MessageSet, View body) {
  Reader reader(body);
  View list, mki;
  if (!reader.vector16(list) || list.size() != 2 || !reader.vector8(mki) || !reader.empty()) {
    return bad_list();
  }
  // 4.1.3: an MKI other than the one that we offered, which is none.
  if (!mki.empty()) return fatal(Alert::illegal_parameter, SSL_R_BAD_SRTP_MKI_VALUE);
  const STACK_OF(SRTP_PROTECTION_PROFILE)* profiles = own_profiles(exchange);
  // A callback may have taken them away since the hello.
  if (profiles == nullptr) return fatal(Alert::decode_error, SSL_R_NO_SRTP_PROFILES);
  int index = find(profiles, u16_at(list, 0));
  // RFC 5246 7.2.2: inconsistent with what we offered.
  if (index < 0) {
    return fatal(Alert::illegal_parameter, SSL_R_BAD_SRTP_PROTECTION_PROFILE_LIST);
  }
  exchange.negotiated->srtp_profile = sk_SRTP_PROTECTION_PROFILE_value(profiles, index);
  return success();
}

Verdict none_offered(Exchange& exchange, MessageSet) {
  exchange.negotiated->srtp_profile = nullptr;
  return success();
}

// 4.1.1: of what the client offers, the one that we like best; if there is none, no answer.
Verdict consider(Exchange& exchange, MessageSet message, View body) {
  HANDFAST_CHECK(none_offered(exchange, message));
  const STACK_OF(SRTP_PROTECTION_PROFILE)* profiles = own_profiles(exchange);
  if (profiles == nullptr) return success();
  Reader reader(body);
  View list, mki;
  if (!reader.vector16(list) || list.empty() || list.size() % 2 != 0 || reader.empty()) {
    return bad_list();
  }
  if (!reader.vector8(mki) || !reader.empty()) {
    return fatal(Alert::decode_error, SSL_R_BAD_SRTP_MKI_VALUE);
  }
  for (int i = 0; i < sk_SRTP_PROTECTION_PROFILE_num(profiles); ++i) {
    SRTP_PROTECTION_PROFILE* profile = sk_SRTP_PROTECTION_PROFILE_value(profiles, i);
    if (!u16_list_contains(list, static_cast<uint16_t>(profile->id))) continue;
    exchange.negotiated->srtp_profile = profile;
    break;
  }
  return success();
}

// 4.1.3: the server may return an empty MKI whatever the client's is.
Verdict answer(Exchange& exchange, MessageSet, Writer& writer, bool& send) {
  const SRTP_PROTECTION_PROFILE* profile = exchange.negotiated->srtp_profile;
  send = profile != nullptr;
  if (!send) return success();
  {
    Prefixed16 list(writer);
    writer.u16(static_cast<uint16_t>(profile->id));
  }
  writer.vector8({});
  return success();
}

}  // namespace

constinit const Extension kUseSrtp = {
    .type = TLSEXT_TYPE_use_srtp,
    .in = kInClientHello | kInServerHello12 | kInEncryptedExtensions,
    .datagram = true,
    .client = {.offer = offer, .accept = accept},
    .server = {.consider = consider, .answer = answer, .absent = none_offered},
};

}  // namespace handfast
