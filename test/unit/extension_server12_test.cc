// What a server of TLS <= 1.2 makes of a ClientHello's extensions, and what it answers.
#include <gtest/gtest.h>

#include "extension/renegotiation_info.h"
#include "extension_tls12_test_support.h"

namespace handfast::test {
namespace {

// Every body shorter than the valid one, and one byte more, has this verdict.
void expect_strict(int type, std::string_view valid, int reason) {
  Octets body = hex(valid);
  EXPECT_OK(Server12().reads(type, body));
  for (size_t length = 0; length < body.size(); ++length) {
    Octets part(body.begin(), body.begin() + static_cast<long>(length));
    EXPECT_FATAL(Server12().reads(type, part), decode_error, reason);
  }
  EXPECT_FATAL(Server12().reads(type, body + hex("00")), decode_error, reason);
}

void expect_empty(int type) {
  EXPECT_OK(Server12().reads(type, ""));
  EXPECT_FATAL(Server12().reads(type, "00"), decode_error, SSL_R_BAD_EXTENSION);
}

TEST(ExtensionServer12, NoExtensions) {
  Server12 server;
  const uint16_t old[] = {29};
  ASSERT_TRUE(server.negotiated.peer_groups.assign(old));
  ASSERT_TRUE(server.negotiated.peer_signature_schemes.assign(old));
  ASSERT_TRUE(server.negotiated.peer_point_formats.assign(hex("00")));
  EXPECT_OK(server.read(kInClientHello, {}));
  EXPECT_TRUE(server.negotiated.peer_groups.empty());
  EXPECT_TRUE(server.negotiated.peer_signature_schemes.empty());
  EXPECT_TRUE(server.negotiated.peer_point_formats.empty());
  EXPECT_EQ(server.answer(), "");
}

// What only TLS 1.3 knows is passed over, whatever it says; heartbeat is unknown.
TEST(ExtensionServer12, OfOtherVersionsOrUnknown) {
  constexpr int kHeartbeat = 15;
  for (int type : {TLSEXT_TYPE_key_share, TLSEXT_TYPE_psk_kex_modes, TLSEXT_TYPE_early_data,
                   TLSEXT_TYPE_cookie, TLSEXT_TYPE_certificate_authorities, TLSEXT_TYPE_psk,
                   TLSEXT_TYPE_post_handshake_auth, TLSEXT_TYPE_supported_versions, kHeartbeat}) {
    SCOPED_TRACE(type);
    Server12 server;
    EXPECT_OK(server.reads(type, "ffff"));
    const ClientOffers& offers = server.exchange.offers;
    EXPECT_TRUE(offers.key_shares.empty() && offers.cookie.empty() && !offers.psk &&
                !offers.psk_dhe_ke && !offers.early_data && !offers.post_handshake_auth);
    EXPECT_EQ(server.answer(), "") << type;
  }
}

// And a server of TLS 1.3 passes over what only TLS 1.2 knows.
TEST(ExtensionServer12, PassedOverInTls13) {
  for (int type : {TLSEXT_TYPE_ec_point_formats, TLSEXT_TYPE_encrypt_then_mac,
                   TLSEXT_TYPE_extended_master_secret, TLSEXT_TYPE_next_proto_neg, TLSEXT_TYPE_srp,
                   TLSEXT_TYPE_renegotiate, TLSEXT_TYPE_session_ticket}) {
    SCOPED_TRACE(type);
    Side server(true);
    EXPECT_OK(server.read(kInClientHello, extension(type, hex("ffff")) + minimal_hello()));
    EXPECT_FALSE(
        server.exchange.offers.session_ticket_sent || server.exchange.offers.encrypt_then_mac ||
        server.exchange.offers.extended_master_secret || server.negotiated.secure_renegotiation);
  }
}

// --- renegotiation_info ---

TEST(ExtensionServer12, RenegotiationInfo) {
  constexpr int kType = TLSEXT_TYPE_renegotiate;
  Server12 server;
  EXPECT_OK(server.reads(kType, "00"));
  EXPECT_TRUE(server.negotiated.secure_renegotiation);
  EXPECT_EQ(server.answer(), "ff01000100");
  expect_strict(kType, "00", SSL_R_RENEGOTIATION_ENCODING_ERR);
  EXPECT_FATAL(Server12().reads(kType, "01 01"), handshake_failure, SSL_R_RENEGOTIATION_MISMATCH);
}

TEST(ExtensionServer12, RenegotiationSuite) {
  Server12 server;
  EXPECT_OK(note_renegotiation_scsv(server.exchange));
  EXPECT_OK(server.read(kInClientHello, {}));
  EXPECT_TRUE(server.negotiated.secure_renegotiation);
  EXPECT_EQ(server.answer(), "ff01000100");
  server.renegotiate(hex("01"), hex("02"));
  EXPECT_FATAL(note_renegotiation_scsv(server.exchange), handshake_failure,
               SSL_R_SCSV_RECEIVED_WHEN_RENEGOTIATING);
}

TEST(ExtensionServer12, RenegotiationInfoOfARenegotiation) {
  constexpr int kType = TLSEXT_TYPE_renegotiate;
  Server12 server;
  server.renegotiate(hex("0304"), hex("0102"));
  EXPECT_OK(server.reads(kType, "02 0102"));
  EXPECT_EQ(server.answer(), "ff0100050401020304");
  for (const char* wrong : {"00", "01 01", "02 0304", "02 0103", "04 01020304"}) {
    SCOPED_TRACE(wrong);
    EXPECT_FATAL(server.reads(kType, wrong), handshake_failure, SSL_R_RENEGOTIATION_MISMATCH);
  }
  EXPECT_FATAL(server.read(kInClientHello, {}), handshake_failure,
               SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED);
  // RFC 5746 3.7: the option is not for connections that are secure.
  server.policy.edit()->options |= SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION;
  EXPECT_FATAL(server.read(kInClientHello, {}), handshake_failure,
               SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED);
}

// RFC 5746 4.4: a connection that began without it.
TEST(ExtensionServer12, InsecureRenegotiation) {
  Server12 server;
  server.renegotiate(hex("0304"), hex("0102"));
  server.negotiated.secure_renegotiation = false;
  EXPECT_FATAL(server.reads(TLSEXT_TYPE_renegotiate, "02 0102"), handshake_failure,
               SSL_R_RENEGOTIATION_MISMATCH);
  EXPECT_FATAL(server.read(kInClientHello, {}), handshake_failure,
               SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED);
  server.policy.edit()->options |= SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION;
  EXPECT_OK(server.read(kInClientHello, {}));
  EXPECT_EQ(server.answer(), "");
}

// --- One by one ---

TEST(ExtensionServer12, ServerName) {
  Server12 server;
  EXPECT_OK(server.reads(TLSEXT_TYPE_server_name, "0005 00 0002 6162"));
  EXPECT_EQ(to_hex(server.exchange.offers.server_name), "6162");
  EXPECT_EQ(server.answer(), "");
  server.exchange.accept_server_name = true;
  EXPECT_EQ(server.answer(), "00000000");
  server.exchange.resuming = true;
  EXPECT_EQ(server.answer(), "");
}

TEST(ExtensionServer12, MaxFragmentLength) {
  constexpr int kType = TLSEXT_TYPE_max_fragment_length;
  Server12 server;
  EXPECT_OK(server.reads(kType, "03"));
  EXPECT_EQ(server.answer(), "0001000103");
  // RFC 6066 4: a resumption keeps the session's.
  server.exchange.resuming = true;
  server.exchange.max_fragment_length_mode = TLSEXT_max_fragment_length_512;
  EXPECT_OK(server.reads(kType, "03"));
  EXPECT_EQ(server.answer(), "0001000101");
  for (int none : {TLSEXT_max_fragment_length_DISABLED, TLSEXT_max_fragment_length_UNSPECIFIED}) {
    server.exchange.max_fragment_length_mode = static_cast<uint8_t>(none);
    EXPECT_OK(server.reads(kType, "03"));
    EXPECT_EQ(server.answer(), "");
  }
}

TEST(ExtensionServer12, Srp) {
  constexpr int kType = TLSEXT_TYPE_srp;
  Server12 server;
  EXPECT_OK(server.reads(kType, "02 6162"));
  EXPECT_EQ(to_hex(server.exchange.offers.srp_username), "6162");
  EXPECT_EQ(server.answer(), "");
  expect_strict(kType, "02 6162", SSL_R_BAD_EXTENSION);
  for (const char* malformed : {"00", "02 6100"}) {
    SCOPED_TRACE(malformed);
    EXPECT_FATAL(Server12().reads(kType, malformed), decode_error, SSL_R_BAD_EXTENSION);
  }
}

TEST(ExtensionServer12, EcPointFormats) {
  constexpr int kType = TLSEXT_TYPE_ec_point_formats;
  for (uint16_t elliptic : {kEcdheRsaAes128Sha, kEcdheEcdsaAes128Gcm}) {
    Server12 server(elliptic);
    EXPECT_OK(server.reads(kType, "02 0001"));
    EXPECT_EQ(to_hex(server.exchange.offers.point_formats), "0001");
    EXPECT_EQ(to_hex(server.negotiated.peer_point_formats.view()), "0001");
    EXPECT_EQ(server.answer(), "000b000403000102");
  }
  Server12 other(kRsaAes128Sha);
  EXPECT_OK(other.reads(kType, "01 00"));
  EXPECT_EQ(other.answer(), "");
  Server12 resuming;
  resuming.exchange.resuming = true;
  EXPECT_OK(resuming.reads(kType, "01 00"));
  EXPECT_EQ(resuming.answer(), "");
  expect_strict(kType, "01 00", SSL_R_BAD_EXTENSION);
  EXPECT_FATAL(Server12().reads(kType, "00"), decode_error, SSL_R_BAD_EXTENSION);
}

// RFC 8422 5.1.2.
TEST(ExtensionServer12, PointFormatsWithoutUncompressed) {
  Octets compressed = extension(TLSEXT_TYPE_ec_point_formats, hex("01 01"));
  auto groups = [](std::string_view list) {
    return extension(TLSEXT_TYPE_supported_groups, hex(list));
  };
  EXPECT_FATAL(Server12().read(kInClientHello, compressed + groups("0004 0016 0017")),
               illegal_parameter, SSL_R_TLS_INVALID_ECPOINTFORMAT_LIST);
  EXPECT_OK(Server12().read(kInClientHello, compressed + groups("0004 0016 0100")));
  EXPECT_OK(Server12().read(kInClientHello, compressed));
}

TEST(ExtensionServer12, SupportedGroups) {
  constexpr int kType = TLSEXT_TYPE_supported_groups;
  Server12 server;
  EXPECT_OK(server.reads(kType, "0004 001d 0017"));
  EXPECT_EQ(server.negotiated.peer_groups.size(), 2U);
  server.exchange.group = find_group(23);
  EXPECT_EQ(server.answer(), "");
  expect_strict(kType, "0002 001d", SSL_R_BAD_EXTENSION);
}

TEST(ExtensionServer12, SignatureAlgorithms) {
  constexpr int kType = TLSEXT_TYPE_signature_algorithms;
  Server12 server;
  EXPECT_OK(server.reads(kType, "0004 0403 0201"));
  EXPECT_EQ(server.negotiated.peer_signature_schemes.size(), 2U);
  // A resumption signs nothing.
  server.exchange.resuming = true;
  EXPECT_OK(server.reads(kType, "0004 0403 0201"));
  EXPECT_TRUE(server.negotiated.peer_signature_schemes.empty());
  expect_strict(kType, "0002 0403", SSL_R_BAD_EXTENSION);
}

TEST(ExtensionServer12, StatusRequest) {
  constexpr int kType = TLSEXT_TYPE_status_request;
  Server12 server;
  EXPECT_OK(server.reads(kType, "01 0000 0000"));
  EXPECT_TRUE(server.exchange.offers.status_request);
  EXPECT_EQ(server.answer(), "");
  server.exchange.staple = true;
  EXPECT_EQ(server.answer(), "00050000");
  server.exchange.resuming = true;
  EXPECT_OK(server.reads(kType, "01 0000 0000"));
  EXPECT_FALSE(server.exchange.offers.status_request);
  EXPECT_EQ(server.answer(), "");
}

TEST(ExtensionServer12, Alpn) {
  constexpr int kType = TLSEXT_TYPE_application_layer_protocol_negotiation;
  Server12 server;
  EXPECT_OK(server.reads(kType, "0003 02 6832"));
  EXPECT_EQ(to_hex(server.exchange.offers.alpn), "026832");
  EXPECT_EQ(server.answer(), "");
  ASSERT_TRUE(server.negotiated.alpn.assign(text("h2")));
  EXPECT_EQ(server.answer(), "001000050003026832");
  // Not in a renegotiation, which forgets it.
  server.renegotiate(hex("01"), hex("02"));
  EXPECT_OK(server.read(kInClientHello, extension(TLSEXT_TYPE_renegotiate, hex("01 02")) +
                                            extension(kType, hex("0003 02 6832"))));
  EXPECT_TRUE(server.exchange.offers.alpn.empty() && server.negotiated.alpn.empty());
}

TEST(ExtensionServer12, EncryptThenMac) {
  constexpr int kType = TLSEXT_TYPE_encrypt_then_mac;
  expect_empty(kType);
  Server12 server;
  EXPECT_OK(server.reads(kType, ""));
  EXPECT_TRUE(server.exchange.offers.encrypt_then_mac);
  EXPECT_EQ(server.answer(), "");
  server.exchange.encrypt_then_mac = true;
  EXPECT_EQ(server.answer(), "00160000");
  server.policy.edit()->options |= SSL_OP_NO_ENCRYPT_THEN_MAC;
  EXPECT_OK(server.reads(kType, ""));
  EXPECT_FALSE(server.exchange.offers.encrypt_then_mac);
}

TEST(ExtensionServer12, ExtendedMasterSecret) {
  constexpr int kType = TLSEXT_TYPE_extended_master_secret;
  expect_empty(kType);
  Server12 server;
  EXPECT_OK(server.reads(kType, ""));
  EXPECT_TRUE(server.exchange.offers.extended_master_secret);
  EXPECT_EQ(server.answer(), "");
  server.exchange.extended_master_secret = true;
  EXPECT_EQ(server.answer(), "00170000");
}

TEST(ExtensionServer12, ExtendedMasterSecretStaysInARenegotiation) {
  Octets secure = extension(TLSEXT_TYPE_renegotiate, hex("01 02"));
  Octets extended = extension(TLSEXT_TYPE_extended_master_secret, {});
  Server12 server;
  server.renegotiate(hex("01"), hex("02"));
  EXPECT_OK(server.read(kInClientHello, secure));
  server.negotiated.extended_master_secret = true;
  EXPECT_OK(server.read(kInClientHello, secure + extended));
  EXPECT_FATAL(server.read(kInClientHello, secure), handshake_failure, SSL_R_INCONSISTENT_EXTMS);
  server.policy.edit()->options |= SSL_OP_NO_EXTENDED_MASTER_SECRET;
  EXPECT_FATAL(server.read(kInClientHello, secure + extended), handshake_failure,
               SSL_R_INCONSISTENT_EXTMS);
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

TEST(ExtensionServer12, SessionTicket) {
  constexpr int kType = TLSEXT_TYPE_session_ticket;
  Server12 server;
  EXPECT_OK(server.reads(kType, ""));
  EXPECT_TRUE(server.exchange.offers.session_ticket_sent);
  EXPECT_TRUE(server.exchange.offers.session_ticket.empty());
  EXPECT_OK(server.reads(kType, "aabb"));
  EXPECT_EQ(to_hex(server.exchange.offers.session_ticket), "aabb");
  EXPECT_EQ(server.answer(), "");
  server.exchange.ticket_expected = true;
  EXPECT_EQ(server.answer(), "00230000");
  EXPECT_TRUE(server.exchange.ticket_expected);
  // Forbidden since the hello was read.
  server.policy.edit()->options |= SSL_OP_NO_TICKET;
  EXPECT_EQ(server.answer(), "");
  EXPECT_FALSE(server.exchange.ticket_expected);
}

TEST(ExtensionServer12, SessionTicketNeedsAnOffer) {
  Server12 server;
  EXPECT_OK(server.read(kInClientHello, {}));
  server.exchange.ticket_expected = true;
  EXPECT_EQ(server.answer(), "");
}

TEST(ExtensionServer12, SessionTicketCallback) {
  Server12 server;
  Seen seen;
  server.hooks.edit()->session_ticket_extension = look_at_ticket;
  server.hooks.edit()->session_ticket_extension_argument = &seen;
  EXPECT_OK(server.reads(TLSEXT_TYPE_session_ticket, "aabb"));
  EXPECT_EQ(seen.body, "seen:aabb");
  seen.answer = 0;
  EXPECT_FATAL(server.reads(TLSEXT_TYPE_session_ticket, ""), internal_error, ERR_R_INTERNAL_ERROR);
}

// --- next_proto_neg ---

int advertise(SSL*, const unsigned char** out, unsigned int* length, void* argument) {
  static constexpr unsigned char kList[] = {2, 'h', '2', 1, 'a'};
  *out = kList;
  *length = sizeof kList;
  return *static_cast<int*>(argument);
}

TEST(ExtensionServer12, NextProtocol) {
  constexpr int kType = TLSEXT_TYPE_next_proto_neg;
  expect_empty(kType);
  Server12 server;
  int result = SSL_TLSEXT_ERR_OK;
  EXPECT_OK(server.reads(kType, ""));
  EXPECT_EQ(server.answer(), "");
  server.context.live.npn_advertised = advertise;
  server.context.live.npn_advertised_argument = &result;
  EXPECT_EQ(server.answer(), "337400050268320161");
  EXPECT_TRUE(server.negotiated.npn_seen && server.exchange.next_protocol_expected);
}

TEST(ExtensionServer12, NextProtocolNotAnswered) {
  constexpr int kType = TLSEXT_TYPE_next_proto_neg;
  int result = SSL_TLSEXT_ERR_NOACK;
  Server12 server;
  server.context.live.npn_advertised = advertise;
  server.context.live.npn_advertised_argument = &result;
  EXPECT_OK(server.reads(kType, ""));
  EXPECT_EQ(server.answer(), "");
  EXPECT_FALSE(server.negotiated.npn_seen || server.exchange.next_protocol_expected);
  result = SSL_TLSEXT_ERR_OK;
  ASSERT_TRUE(server.negotiated.alpn.assign(text("h2")));
  EXPECT_EQ(server.answer(), "") << "ALPN has chosen";
  server.negotiated.alpn.clear();
  server.renegotiate(hex("01"), hex("02"));
  EXPECT_OK(server.read(kInClientHello,
                        extension(TLSEXT_TYPE_renegotiate, hex("01 02")) + extension(kType, {})));
  EXPECT_EQ(server.answer(), "ff010003020201") << "a renegotiation chooses nothing";
}

// --- All at once ---

TEST(ExtensionServer12, OrderOfAnswers) {
  Server12 server;
  int result = SSL_TLSEXT_ERR_OK;
  server.context.live.npn_advertised = advertise;
  server.context.live.npn_advertised_argument = &result;
  Octets hello;
  for (int type : {TLSEXT_TYPE_extended_master_secret, TLSEXT_TYPE_encrypt_then_mac,
                   TLSEXT_TYPE_next_proto_neg, TLSEXT_TYPE_session_ticket}) {
    SCOPED_TRACE(type);
    hello = hello + extension(type, {});
  }
  hello = hello + extension(TLSEXT_TYPE_status_request, hex("01 0000 0000")) +
          extension(TLSEXT_TYPE_ec_point_formats, hex("01 00")) +
          extension(TLSEXT_TYPE_max_fragment_length, hex("01")) +
          extension(TLSEXT_TYPE_server_name, hex("0005 00 0002 6162")) +
          extension(TLSEXT_TYPE_renegotiate, hex("00"));
  EXPECT_OK(server.read(kInClientHello, hello));
  Exchange& exchange = server.exchange;
  exchange.accept_server_name = exchange.ticket_expected = exchange.staple =
      exchange.encrypt_then_mac = exchange.extended_master_secret = true;
  EXPECT_EQ(server.answer(),
            "ff01000100"
            "00000000"
            "0001000101"
            "000b000403000102"
            "00230000"
            "00050000"
            "337400050268320161"
            "00160000"
            "00170000");
}

}  // namespace
}  // namespace handfast::test
