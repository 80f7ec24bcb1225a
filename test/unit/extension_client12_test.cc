// What a client makes of the extensions in a ServerHello of TLS <= 1.2.
#include <gtest/gtest.h>

#include "extension_tls12_test_support.h"

namespace handfast::test {
namespace {

// Every body shorter than the valid one, and one byte more, has this verdict.
void expect_strict(int type, std::string_view valid, int reason) {
  Octets body = hex(valid);
  EXPECT_OK(Client12().reads(type, body));
  for (size_t length = 0; length < body.size(); ++length) {
    Octets part(body.begin(), body.begin() + static_cast<long>(length));
    EXPECT_FATAL(Client12().reads(type, part), decode_error, reason);
  }
  EXPECT_FATAL(Client12().reads(type, body + hex("00")), decode_error, reason);
}

TEST(ExtensionClient12, NothingButRenegotiationInfo) {
  Client12 client;
  EXPECT_OK(client.reads_nothing());
  EXPECT_TRUE(client.negotiated.secure_renegotiation);
  EXPECT_FALSE(client.exchange.ticket_expected || client.exchange.encrypt_then_mac ||
               client.exchange.extended_master_secret || client.exchange.status_expected ||
               client.exchange.next_protocol_expected);
}

TEST(ExtensionClient12, OfOtherVersionsOrUnknown) {
  for (int type : {TLSEXT_TYPE_supported_versions, TLSEXT_TYPE_key_share, TLSEXT_TYPE_psk,
                   TLSEXT_TYPE_early_data, TLSEXT_TYPE_cookie, TLSEXT_TYPE_psk_kex_modes,
                   TLSEXT_TYPE_post_handshake_auth, TLSEXT_TYPE_signature_algorithms,
                   TLSEXT_TYPE_signature_algorithms_cert, TLSEXT_TYPE_certificate_authorities,
                   TLSEXT_TYPE_padding, TLSEXT_TYPE_srp}) {
    SCOPED_TRACE(type);
    EXPECT_FATAL(Client12().reads(type, "0000"), illegal_parameter, SSL_R_BAD_EXTENSION);
  }
  constexpr int kHeartbeat = 15;
  EXPECT_FATAL(Client12().reads(kHeartbeat, "01"), unsupported_extension,
               SSL_R_UNSOLICITED_EXTENSION);
}

TEST(ExtensionClient12, NotAskedFor) {
  for (int type :
       {TLSEXT_TYPE_server_name, TLSEXT_TYPE_max_fragment_length, TLSEXT_TYPE_ec_point_formats,
        TLSEXT_TYPE_supported_groups, TLSEXT_TYPE_session_ticket, TLSEXT_TYPE_status_request,
        TLSEXT_TYPE_next_proto_neg, TLSEXT_TYPE_encrypt_then_mac,
        TLSEXT_TYPE_signed_certificate_timestamp, TLSEXT_TYPE_extended_master_secret,
        TLSEXT_TYPE_application_layer_protocol_negotiation}) {
    SCOPED_TRACE(type);
    Client12 client;
    client.exchange.sent = 0;
    EXPECT_FATAL(client.reads(type, ""), unsupported_extension, SSL_R_UNSOLICITED_EXTENSION);
  }
}

// --- renegotiation_info ---

TEST(ExtensionClient12, RenegotiationInfo) {
  constexpr int kType = TLSEXT_TYPE_renegotiate;
  Client12 unasked;
  unasked.exchange.sent = 0;  // the suite asks
  EXPECT_OK(unasked.reads(kType, "00"));
  expect_strict(kType, "00", SSL_R_RENEGOTIATION_ENCODING_ERR);
  EXPECT_FATAL(Client12().reads(kType, "02 01"), decode_error, SSL_R_RENEGOTIATION_ENCODING_ERR);
  EXPECT_FATAL(Client12().reads(kType, "01 01"), illegal_parameter, SSL_R_RENEGOTIATION_MISMATCH);
}

TEST(ExtensionClient12, RenegotiationInfoOfARenegotiation) {
  constexpr int kType = TLSEXT_TYPE_renegotiate;
  auto reads = [](std::string_view body) {
    Client12 client;
    client.renegotiate(hex("0102"), hex("0304"));
    return client.reads(kType, body);
  };
  EXPECT_OK(reads("04 01020304"));
  for (const char* wrong : {"00", "02 0102", "03 010203", "04 03040102", "04 01020305",
                            "04 00020304", "05 0102030400"}) {
    SCOPED_TRACE(wrong);
    EXPECT_FATAL(reads(wrong), illegal_parameter, SSL_R_RENEGOTIATION_MISMATCH);
  }
}

// RFC 5746 4.2: a connection that began without it.
TEST(ExtensionClient12, RenegotiationInfoTooLate) {
  Client12 client;
  client.renegotiate(hex("0102"), hex("0304"));
  client.negotiated.secure_renegotiation = false;
  EXPECT_FATAL(client.reads(TLSEXT_TYPE_renegotiate, "04 01020304"), illegal_parameter,
               SSL_R_RENEGOTIATION_MISMATCH);
}

TEST(ExtensionClient12, WithoutRenegotiationInfo) {
  EXPECT_FATAL(Client12().read(kInServerHello12, {}), handshake_failure,
               SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED);
  for (uint64_t option : {SSL_OP_LEGACY_SERVER_CONNECT, SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION}) {
    Client12 client;
    client.policy.edit()->options |= option;
    EXPECT_OK(client.read(kInServerHello12, {}));
    EXPECT_FALSE(client.negotiated.secure_renegotiation);
    // RFC 5746 3.5: what was secure stays so.
    client.renegotiate(hex("01"), hex("02"));
    EXPECT_FATAL(client.read(kInServerHello12, {}), handshake_failure,
                 SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED);
    client.negotiated.secure_renegotiation = false;
    EXPECT_OK(client.read(kInServerHello12, {}));
  }
}

// --- One by one ---

TEST(ExtensionClient12, ServerName) {
  Client12 client;
  EXPECT_OK(client.reads(TLSEXT_TYPE_server_name, ""));
  EXPECT_TRUE(client.exchange.accept_server_name);
  EXPECT_FATAL(Client12().reads(TLSEXT_TYPE_server_name, "00"), decode_error, SSL_R_BAD_EXTENSION);
}

TEST(ExtensionClient12, MaxFragmentLength) {
  Client12 client;
  client.policy.edit()->max_fragment_length_mode = TLSEXT_max_fragment_length_2048;
  EXPECT_OK(client.reads(TLSEXT_TYPE_max_fragment_length, "03"));
  EXPECT_EQ(client.exchange.max_fragment_length_mode, TLSEXT_max_fragment_length_2048);
  EXPECT_FATAL(client.reads(TLSEXT_TYPE_max_fragment_length, "02"), illegal_parameter,
               SSL_R_SSL3_EXT_INVALID_MAX_FRAGMENT_LENGTH);
}

TEST(ExtensionClient12, EcPointFormats) {
  constexpr int kType = TLSEXT_TYPE_ec_point_formats;
  Client12 client;
  EXPECT_OK(client.reads(kType, "03 010200"));
  EXPECT_EQ(to_hex(client.negotiated.peer_point_formats.view()), "010200");
  expect_strict(kType, "01 00", SSL_R_BAD_EXTENSION);
  EXPECT_FATAL(Client12().reads(kType, "00"), decode_error, SSL_R_BAD_LENGTH);
  for (uint16_t elliptic : {kEcdheRsaAes128Sha, kEcdheEcdsaAes128Gcm}) {
    EXPECT_FATAL(Client12(elliptic).reads(kType, "02 0102"), illegal_parameter,
                 SSL_R_TLS_INVALID_ECPOINTFORMAT_LIST);
  }
  EXPECT_OK(Client12(kRsaAes128Sha).reads(kType, "02 0102"));
  // It says nothing in an abbreviated handshake, and nothing stays of an earlier one.
  client.exchange.resuming = true;
  EXPECT_OK(client.reads(kType, "01 01"));
  EXPECT_EQ(to_hex(client.negotiated.peer_point_formats.view()), "010200");
  EXPECT_OK(client.reads_nothing());
  EXPECT_TRUE(client.negotiated.peer_point_formats.empty());
}

// Some servers send it against the rules; nobody reads it.
TEST(ExtensionClient12, SupportedGroups) {
  EXPECT_OK(Client12().reads(TLSEXT_TYPE_supported_groups, "0002 0017"));
  EXPECT_OK(Client12().reads(TLSEXT_TYPE_supported_groups, "00"));
}

TEST(ExtensionClient12, StatusRequest) {
  Client12 client;
  EXPECT_OK(client.reads(TLSEXT_TYPE_status_request, ""));
  EXPECT_TRUE(client.exchange.status_expected);
  EXPECT_FATAL(Client12().reads(TLSEXT_TYPE_status_request, "01 000001 00"), decode_error,
               SSL_R_BAD_EXTENSION);
}

TEST(ExtensionClient12, Alpn) {
  constexpr int kType = TLSEXT_TYPE_application_layer_protocol_negotiation;
  Client12 client;
  ASSERT_TRUE(client.policy.edit()->alpn.assign(text("\002h2\010http/1.1")));
  EXPECT_OK(client.reads(kType, "0003 02 6832"));
  EXPECT_EQ(to_hex(client.negotiated.alpn.view()), "6832");
  EXPECT_FATAL(client.reads(kType, "0003 02 6833"), illegal_parameter, SSL_R_BAD_EXTENSION);
  EXPECT_OK(client.reads_nothing());
  EXPECT_TRUE(client.negotiated.alpn.empty());
}

TEST(ExtensionClient12, SignedCertificateTimestamps) {
  constexpr int kType = TLSEXT_TYPE_signed_certificate_timestamp;
  Client12 client;
  EXPECT_OK(client.reads(kType, "0003 0001 aa"));
  EXPECT_EQ(to_hex(client.negotiated.scts.view()), "00030001aa");
}

TEST(ExtensionClient12, EncryptThenMac) {
  constexpr int kType = TLSEXT_TYPE_encrypt_then_mac;
  struct {
    uint16_t suite;
    bool used;
  } const kCases[] = {{kEcdheRsaAes128Sha, true},
                      {kRsaAes128Sha, true},
                      {kEcdheRsaAes128Gcm, false},
                      {0xcca8, false},  // ChaCha20-Poly1305
                      {0xc09c, false},  // CCM
                      {kRsaNullSha, true}};
  for (const auto& one : kCases) {
    Client12 client(one.suite);
    EXPECT_OK(client.reads(kType, ""));
    EXPECT_EQ(client.exchange.encrypt_then_mac, one.used) << one.suite;
  }
  EXPECT_FATAL(Client12().reads(kType, "00"), decode_error, SSL_R_BAD_EXTENSION);
}

// --- extended_master_secret ---

TEST(ExtensionClient12, ExtendedMasterSecret) {
  constexpr int kType = TLSEXT_TYPE_extended_master_secret;
  Client12 client;
  EXPECT_OK(client.reads(kType, ""));
  EXPECT_TRUE(client.exchange.extended_master_secret);
  EXPECT_OK(client.reads_nothing());
  EXPECT_FALSE(client.exchange.extended_master_secret);
  EXPECT_FATAL(Client12().reads(kType, "00"), decode_error, SSL_R_BAD_EXTENSION);
}

TEST(ExtensionClient12, ExtendedMasterSecretOfTheSession) {
  constexpr int kType = TLSEXT_TYPE_extended_master_secret;
  for (bool in_session : {false, true}) {
    SessionRef session = session12({}, in_session ? kSessionExtendedMasterSecret : 0);
    for (bool resuming : {false, true}) {
      Client12 client;
      client.exchange.offered_session = session.get();
      client.exchange.resuming = resuming;
      Verdict with = client.reads(kType, "");
      Verdict without = client.reads_nothing();
      EXPECT_EQ(with.ok(), !resuming || in_session);
      EXPECT_EQ(without.ok(), !resuming || !in_session);
      if (!resuming) continue;
      EXPECT_FATAL(in_session ? without : with, handshake_failure, SSL_R_INCONSISTENT_EXTMS);
    }
  }
}

TEST(ExtensionClient12, ExtendedMasterSecretStaysInARenegotiation) {
  Client12 client;
  client.renegotiate(hex("01"), hex("02"));
  client.negotiated.extended_master_secret = true;
  EXPECT_OK(client.reads(TLSEXT_TYPE_extended_master_secret, ""));
  EXPECT_FATAL(client.reads_nothing(), handshake_failure, SSL_R_INCONSISTENT_EXTMS);
  client.negotiated.extended_master_secret = false;
  EXPECT_OK(client.reads_nothing());
  EXPECT_OK(client.reads(TLSEXT_TYPE_extended_master_secret, ""));
}

// --- session_ticket ---

struct Seen {
  std::string body;
  int answer = 1;
};
int look_at_ticket(SSL*, const unsigned char* data, int length, void* argument) {
  auto* seen = static_cast<Seen*>(argument);
  seen->body = "seen:" + to_hex({data, static_cast<size_t>(length)});
  return seen->answer;
}

TEST(ExtensionClient12, SessionTicket) {
  constexpr int kType = TLSEXT_TYPE_session_ticket;
  Client12 client;
  EXPECT_OK(client.reads(kType, ""));
  EXPECT_TRUE(client.exchange.ticket_expected);
  EXPECT_FATAL(Client12().reads(kType, "00"), decode_error, SSL_R_BAD_EXTENSION);
}

TEST(ExtensionClient12, SessionTicketCallback) {
  Client12 client;
  Seen seen;
  client.hooks.edit()->session_ticket_extension = look_at_ticket;
  client.hooks.edit()->session_ticket_extension_argument = &seen;
  EXPECT_OK(client.reads(TLSEXT_TYPE_session_ticket, ""));
  EXPECT_EQ(seen.body, "seen:");
  seen.answer = 0;
  EXPECT_FATAL(client.reads(TLSEXT_TYPE_session_ticket, "aabb"), handshake_failure,
               SSL_R_BAD_EXTENSION);
  EXPECT_EQ(seen.body, "seen:aabb");
}

// --- next_proto_neg ---

struct Choice {
  std::string offered, name;
  int result = SSL_TLSEXT_ERR_OK;
};
int choose(SSL*, unsigned char** out, unsigned char* out_length, const unsigned char* in,
           unsigned int length, void* argument) {
  auto* choice = static_cast<Choice*>(argument);
  choice->offered = to_hex({in, length});
  *out = reinterpret_cast<unsigned char*>(choice->name.data());
  *out_length = static_cast<unsigned char>(choice->name.size());
  return choice->result;
}

TEST(ExtensionClient12, NextProtocol) {
  constexpr int kType = TLSEXT_TYPE_next_proto_neg;
  Client12 client;
  Choice choice{"", "spdy/3", SSL_TLSEXT_ERR_OK};
  EXPECT_FATAL(client.reads(kType, ""), unsupported_extension, SSL_R_BAD_EXTENSION);
  client.context.live.npn_select = choose;
  client.context.live.npn_select_argument = &choice;
  EXPECT_OK(client.reads(kType, "02 6832 01 61"));
  EXPECT_EQ(choice.offered, "0268320161");
  EXPECT_EQ(to_hex(client.negotiated.npn.view()), to_hex(text("spdy/3")));
  EXPECT_TRUE(client.negotiated.npn_seen && client.exchange.next_protocol_expected);
  EXPECT_OK(client.reads(kType, ""));  // the list may be empty
  for (const char* malformed : {"00", "02 68", "01 68 00", "01 68 05"}) {
    SCOPED_TRACE(malformed);
    EXPECT_FATAL(client.reads(kType, malformed), decode_error, SSL_R_BAD_EXTENSION);
  }
  choice.result = SSL_TLSEXT_ERR_NOACK;
  EXPECT_FATAL(client.reads(kType, ""), handshake_failure, SSL_R_BAD_EXTENSION);
  choice = {"", "", SSL_TLSEXT_ERR_OK};
  EXPECT_FATAL(client.reads(kType, ""), handshake_failure, SSL_R_BAD_EXTENSION);
  EXPECT_OK(client.reads_nothing());
  EXPECT_FALSE(client.negotiated.npn_seen);
}

}  // namespace
}  // namespace handfast::test
