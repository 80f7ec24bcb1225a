// The bytes of the extensions of a client of TLS <= 1.2, as the system's libssl 3.0 sends them.
#include <gtest/gtest.h>

#include "extension_tls12_test_support.h"

namespace handfast::test {
namespace {

struct Client : Side12 {
  Client() : Side12(false) {}
  std::string hello() { return to_hex(write(kInClientHello)); }
  bool sends(uint16_t type) {
    View body;
    return find_extension(write(kInClientHello), type, body);
  }
  std::string body(uint16_t type) {
    Octets block = write(kInClientHello);
    View found;
    return find_extension(block, type, found) ? to_hex(found) : "none";
  }
};

TEST(ExtensionHello12, Default) {
  Client client;
  EXPECT_EQ(client.hello(),
            "000b000403000102"                  // ec_point_formats
            "000a000c000a001d0017001e00190018"  // supported_groups
            "00230000"
            "00160000"
            "00170000"  // ticket, EtM, EMS
            "000d002a0028040305030603080708080809080a080b080408050806"
            "040105010601030303010302040205020602");  // signature_algorithms
}

TEST(ExtensionHello12, OldVersionsNameNoSchemes) {
  Client client;
  client.exchange.max_version = TLS1_1_VERSION;
  EXPECT_FALSE(client.sends(TLSEXT_TYPE_signature_algorithms));
  EXPECT_TRUE(client.sends(TLSEXT_TYPE_supported_groups));
}

TEST(ExtensionHello12, WithoutEllipticSuites) {
  Client client;
  client.exchange.elliptic_suites = false;
  EXPECT_FALSE(client.sends(TLSEXT_TYPE_ec_point_formats));
  EXPECT_FALSE(client.sends(TLSEXT_TYPE_supported_groups));
}

TEST(ExtensionHello12, FiniteFieldsAreOfTls13) {
  Client client;
  const uint16_t groups[] = {0x0100, 23};
  ASSERT_TRUE(client.policy.edit()->groups.assign(groups));
  EXPECT_EQ(client.body(TLSEXT_TYPE_supported_groups), "00020017");
  ASSERT_TRUE(client.policy.edit()->groups.assign(std::span(groups).first(1)));
  EXPECT_FALSE(client.sends(TLSEXT_TYPE_ec_point_formats));
  EXPECT_FALSE(client.sends(TLSEXT_TYPE_supported_groups));
}

TEST(ExtensionHello12, RenegotiationInfo) {
  Client client;
  EXPECT_FALSE(client.sends(TLSEXT_TYPE_renegotiate));
  client.renegotiate(hex("010203"), hex("040506"));
  EXPECT_EQ(client.hello().substr(0, 16), "ff01000403010203");
}

TEST(ExtensionHello12, ARenegotiationChoosesNoProtocol) {
  Client client;
  ASSERT_TRUE(client.policy.edit()->alpn.assign(text("\002h2")));
  client.context.live.npn_select = [](SSL*, unsigned char**, unsigned char*, const unsigned char*,
                                      unsigned int, void*) { return SSL_TLSEXT_ERR_NOACK; };
  EXPECT_NE(client.hello().find("33740000"
                                "001000050003026832"),
            std::string::npos);
  client.renegotiate(hex("01"), hex("02"));
  EXPECT_FALSE(client.sends(TLSEXT_TYPE_next_proto_neg));
  EXPECT_FALSE(client.sends(TLSEXT_TYPE_application_layer_protocol_negotiation));
}

TEST(ExtensionHello12, Srp) {
  Client client;
  client.request.srp.reset(make<SrpState>());
  client.request.srp->user_name.reset(OPENSSL_strdup("user"));
  EXPECT_EQ(client.hello().substr(0, 18), "000c00050475736572");
  client.request.srp->user_name.reset(OPENSSL_strdup(""));
  Bytes out;
  Writer writer(out);
  EXPECT_FATAL(write_extensions(client.exchange, kInClientHello, writer), internal_error,
               ERR_R_INTERNAL_ERROR);
}

// --- session_ticket ---

TEST(ExtensionHello12, SessionTicket) {
  constexpr int kType = TLSEXT_TYPE_session_ticket;
  Client client;
  EXPECT_EQ(client.body(kType), "");
  SessionRef session = session12(hex("aabb"));
  client.exchange.offered_session = session.get();
  EXPECT_EQ(client.body(kType), "aabb");
  session->version = TLS1_3_VERSION;  // is for pre_shared_key
  EXPECT_EQ(client.body(kType), "");
  client.policy.edit()->options |= SSL_OP_NO_TICKET;
  EXPECT_EQ(client.body(kType), "none");
}

TEST(ExtensionHello12, SessionTicketOfTheApplication) {
  constexpr int kType = TLSEXT_TYPE_session_ticket;
  Client client;
  SessionRef session = session12(hex("aabb"));
  client.request.ticket_extension = TicketExtension::left_out;
  EXPECT_EQ(client.body(kType), "none");
  client.exchange.offered_session = session.get();
  EXPECT_EQ(client.body(kType), "aabb");
  client.request.ticket_extension = TicketExtension::given;
  ASSERT_TRUE(client.request.session_ticket.assign(hex("010203")));
  EXPECT_EQ(client.body(kType), "aabb");
  client.exchange.offered_session = nullptr;
  EXPECT_EQ(client.body(kType), "010203");
  client.request.session_ticket.clear();
  EXPECT_EQ(client.body(kType), "");
}

int forbid_tickets(const SSL*, const SSL_CTX*, int operation, int, int, void*, void*) {
  return operation == SSL_SECOP_TICKET ? 0 : 1;
}

TEST(ExtensionHello12, SessionTicketAndSecurity) {
  Client client;
  client.policy.edit()->security_callback = forbid_tickets;
  EXPECT_FALSE(client.sends(TLSEXT_TYPE_session_ticket));
}

}  // namespace
}  // namespace handfast::test
