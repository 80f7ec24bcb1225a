// Our ClientHello's extensions, byte for byte as the system's libssl 3.0 sends them.
#include <gtest/gtest.h>
#include <openssl/tls1.h>

#include "extension_test_support.h"

namespace handfast::test {
namespace {

const Algorithms& algorithms() {
  static Algorithms* all = [] {
    auto* made = new Algorithms;
    EXPECT_TRUE(made->fetch(nullptr, nullptr));
    return made;
  }();
  return *all;
}

struct Client : Side {
  Client() : Side(false) {
    exchange.share_groups.push_back(29);
    EXPECT_OK(exchange.key_shares[0].generate(algorithms(), *find_group(29)));
  }
  std::string hello() { return to_hex(write(kInClientHello)); }
  std::string share() {
    return "003300260024001d0020" + to_hex(exchange.key_shares[0].public_bytes());
  }
};

constexpr char kPointFormats[] = "000b000403000102";
constexpr char kGroups[] = "000a00160014001d0017001e0019001801000101010201030104";
constexpr char kTicket[] = "00230000";
constexpr char kEncryptThenMac[] = "00160000";
constexpr char kExtendedMasterSecret[] = "00170000";
constexpr char kSchemes[] = "000d001e001c040305030603080708080809080a080b080408050806040105010601";
constexpr char kVersions[] = "002b0003020304";
constexpr char kModes[] = "002d00020101";

TEST(ExtensionHello, Default) {
  Client client;
  EXPECT_EQ(client.hello(), std::string(kPointFormats) + kGroups + kTicket + kEncryptThenMac +
                                kExtendedMasterSecret + kSchemes + kVersions + kModes +
                                client.share());
}

TEST(ExtensionHello, Everything) {
  Client client;
  client.request.server_name.reset(OPENSSL_strdup("example.com"));
  Policy* policy = client.policy.edit();
  policy->max_fragment_length_mode = TLSEXT_max_fragment_length_512;
  policy->status_type = TLSEXT_STATUSTYPE_ocsp;
  ASSERT_TRUE(policy->alpn.assign(text("\002h2\010http/1.1")));
  policy->post_handshake_auth = true;
  policy->options |= SSL_OP_ALLOW_NO_DHE_KEX;
  client.exchange.ct_enabled = true;
  X509_NAME* name = X509_NAME_new();
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("ca"),
                             -1, -1, 0);
  client.authorities.any.reset(sk_X509_NAME_new_null());
  sk_X509_NAME_push(client.authorities.any.get(), name);
  ASSERT_TRUE(client.exchange.cookie.assign(hex("0102")));
  EXPECT_EQ(client.hello(),
            std::string("00000010000e00000b6578616d706c652e636f6d") +       // server_name
                "0001000101" +                                              // max_fragment_length
                kPointFormats + kGroups + kTicket + "000500050100000000" +  // status_request
                "0010000e000c02683208687474702f312e31" +                    // ALPN
                kEncryptThenMac + "00120000" +                              // SCT
                kExtendedMasterSecret + "00310000" +                        // post_handshake_auth
                kSchemes + kVersions + "002d0003020100" + client.share() +
                "002c000400020102" +                                // cookie
                "002f00130011000f300d310b300906035504030c026361");  // certificate_authorities
}

TEST(ExtensionHello, SentBits) {
  Client client;
  client.write(kInClientHello);
  EXPECT_NE(client.exchange.sent & extension_bit(TLSEXT_TYPE_key_share), 0U);
  EXPECT_EQ(client.exchange.sent & extension_bit(TLSEXT_TYPE_server_name), 0U);
  EXPECT_EQ(client.exchange.sent & extension_bit(TLSEXT_TYPE_cookie), 0U);
}

TEST(ExtensionHello, OptionsThatTakeAway) {
  Client client;
  client.policy.edit()->options |=
      SSL_OP_NO_TICKET | SSL_OP_NO_ENCRYPT_THEN_MAC | SSL_OP_NO_EXTENDED_MASTER_SECRET;
  EXPECT_EQ(client.hello(),
            std::string(kPointFormats) + kGroups + kSchemes + kVersions + kModes + client.share());
}

TEST(ExtensionHello, SeveralVersions) {
  Client client;
  client.exchange.min_version = TLS1_VERSION;
  std::string hello = client.hello();
  EXPECT_NE(hello.find("002b0009080304030303020301"), std::string::npos) << hello;
  EXPECT_EQ(hello.find(kSchemes), std::string::npos)
      << "SHA-224 and DSA are for TLS 1.2: " << hello;
}

TEST(ExtensionHello, WithoutTls13) {
  Client client;
  client.exchange.min_version = TLS1_VERSION;
  client.exchange.max_version = TLS1_2_VERSION;
  client.policy.edit()->post_handshake_auth = true;
  Octets block = client.write(kInClientHello);
  View body;
  for (uint16_t type : {TLSEXT_TYPE_supported_versions, TLSEXT_TYPE_key_share,
                        TLSEXT_TYPE_psk_kex_modes, TLSEXT_TYPE_post_handshake_auth}) {
    EXPECT_FALSE(find_extension(block, type, body)) << type;
  }
  EXPECT_TRUE(find_extension(block, TLSEXT_TYPE_supported_groups, body));
}

TEST(ExtensionHello, FiniteFieldsOnlyHaveNoPointFormats) {
  Client client;
  const uint16_t groups[] = {0x0100};
  ASSERT_TRUE(client.policy.edit()->groups.assign(groups));
  std::string hello = client.hello();
  EXPECT_EQ(hello.find("000b0004"), std::string::npos) << hello;
  EXPECT_NE(hello.find("000a000400020100"), std::string::npos) << hello;
}

TEST(ExtensionHello, NoGroupForTls13) {
  Client client;
  const uint16_t groups[] = {0x0016};  // secp256k1
  ASSERT_TRUE(client.policy.edit()->groups.assign(groups));
  Bytes out;
  Writer writer(out);
  EXPECT_FATAL(write_extensions(client.exchange, kInClientHello, writer), internal_error,
               SSL_R_NO_SUITABLE_GROUPS);
}

TEST(ExtensionHello, SchemesForCertificatesOnly) {
  Client client;
  const uint16_t schemes[] = {0x0401};  // rsa_pkcs1_sha256
  ASSERT_TRUE(client.policy.edit()->signature_schemes.assign(schemes));
  EXPECT_NE(client.hello().find("000d000400020401"), std::string::npos);
  // A server's request must leave the client a way to sign.
  Side server(true);
  ASSERT_TRUE(server.policy.edit()->signature_schemes.assign(schemes));
  Bytes out;
  Writer writer(out);
  EXPECT_FATAL(write_extensions(server.exchange, kInCertificateRequest, writer), internal_error,
               SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM);
}

TEST(ExtensionHello, NoScheme) {
  Client client;
  const uint16_t schemes[] = {0x0402};  // dsa_sha256, not for TLS 1.3
  ASSERT_TRUE(client.policy.edit()->signature_schemes.assign(schemes));
  Bytes out;
  Writer writer(out);
  EXPECT_FATAL(write_extensions(client.exchange, kInClientHello, writer), internal_error,
               SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM);
}

TEST(ExtensionHello, SuiteB) {
  Client client;
  client.policy.edit()->certificate_flags = SSL_CERT_FLAG_SUITEB_128_LOS;
  std::string hello = client.hello();
  EXPECT_NE(hello.find("000a0006000400170018"), std::string::npos) << hello;
  EXPECT_NE(hello.find("000d0006000404030503"), std::string::npos) << hello;
  EXPECT_NE(hello.find("000b0003020001"), std::string::npos) << hello;
}

size_t padded_length(size_t prefix, size_t name_length) {
  Client client;
  client.policy.edit()->options |= SSL_OP_TLSEXT_PADDING;
  client.request.server_name.reset(OPENSSL_strdup(std::string(name_length, 'a').c_str()));
  client.exchange.hello_prefix_length = prefix;
  return prefix + 2 + client.write(kInClientHello).size();
}

// RFC 7685: no hello of 256 to 511 bytes.
TEST(ExtensionHello, Padding) {
  size_t smallest = padded_length(60, 1);
  ASSERT_LT(smallest, 256U);
  size_t one_below = 1 + (255 - smallest);
  EXPECT_EQ(padded_length(60, one_below), 255U);
  for (size_t more = 1; more <= 252; ++more) {
    EXPECT_EQ(padded_length(60, one_below + more), 512U) << more;
  }
  // The header of a padding of at least one byte does not fit any more.
  for (size_t more = 253; more <= 256; ++more) {
    EXPECT_EQ(padded_length(60, one_below + more), 255 + more + 5) << more;
  }
  EXPECT_EQ(padded_length(60, one_below + 257), 512U);
  EXPECT_EQ(padded_length(60, one_below + 258), 513U);
}

TEST(ExtensionHello, PaddingNeedsTheLengthOfTheRest) {
  size_t with_rest_unknown = padded_length(0, 150);
  EXPECT_GT(with_rest_unknown, 256U);
  EXPECT_LT(with_rest_unknown, 512U);
}

TEST(ExtensionHello, TwoShares) {
  Client client;
  client.exchange.share_groups.push_back(23);
  EXPECT_OK(client.exchange.key_shares[1].generate(algorithms(), *find_group(23)));
  View body, key_exchange;
  Octets block = client.write(kInClientHello);
  ASSERT_TRUE(find_extension(block, TLSEXT_TYPE_key_share, body));
  EXPECT_EQ(body.size(), 2U + 4 + 32 + 4 + 65);
  View shares = body.subspan(2);
  ASSERT_TRUE(find_key_share(shares, 23, key_exchange));
  EXPECT_EQ(to_hex(key_exchange), to_hex(client.exchange.key_shares[1].public_bytes()));
  EXPECT_FALSE(find_key_share(shares, 24, key_exchange));
}

}  // namespace
}  // namespace handfast::test
