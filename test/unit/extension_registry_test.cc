// The rules that hold for every extension (RFC 8446 section 4.2), and the order of a hello.
#include <gtest/gtest.h>
#include <openssl/tls1.h>

#include <set>

#include "extension_test_support.h"

namespace handfast::test {
namespace {

std::vector<int> types_of(const Octets& block) {
  std::vector<int> types;
  Reader reader{View(block)};
  uint16_t type = 0;
  View body;
  while (next_extension(reader, type, body)) types.push_back(type);
  EXPECT_TRUE(reader.empty());
  return types;
}

TEST(ExtensionRegistry, TypesAreUnique) {
  std::set<int> types;
  for (const Extension* row : extension_rows()) {
    EXPECT_TRUE(types.insert(row->type).second) << row->type;
    EXPECT_NE(row->in & kInClientHello, 0) << row->type;
    EXPECT_EQ(row->unasked & ~row->in, 0) << row->type;
  }
  EXPECT_LE(types.size(), kMaxExtensions);
}

TEST(ExtensionRegistry, Bits) {
  uint64_t all = 0;
  for (const Extension* row : extension_rows()) {
    EXPECT_EQ(all & extension_bit(row->type), 0U);
    all |= extension_bit(row->type);
  }
  EXPECT_EQ(extension_bit(0x0a0a), 0U);
}

// RFC 8446 section 4.2's table, for the types of TLS 1.3.
TEST(ExtensionRegistry, PlacesAreThoseOfTheRfc) {
  struct Place {
    int type, in;
  };
  constexpr Place kTable[] = {
      {TLSEXT_TYPE_server_name, kInClientHello | kInEncryptedExtensions},
      {TLSEXT_TYPE_max_fragment_length, kInClientHello | kInEncryptedExtensions},
      {TLSEXT_TYPE_status_request, kInClientHello | kInCertificateRequest | kInCertificate},
      {TLSEXT_TYPE_supported_groups, kInClientHello | kInEncryptedExtensions},
      {TLSEXT_TYPE_signature_algorithms, kInClientHello | kInCertificateRequest},
      {TLSEXT_TYPE_application_layer_protocol_negotiation, kInClientHello | kInEncryptedExtensions},
      {TLSEXT_TYPE_use_srtp, kInClientHello | kInEncryptedExtensions},
      {TLSEXT_TYPE_signed_certificate_timestamp,
       kInClientHello | kInCertificateRequest | kInCertificate},
      {TLSEXT_TYPE_padding, kInClientHello},
      {TLSEXT_TYPE_key_share, kInClientHello | kInServerHello13 | kInHelloRetryRequest},
      {TLSEXT_TYPE_psk, kInClientHello | kInServerHello13},
      {TLSEXT_TYPE_psk_kex_modes, kInClientHello},
      {TLSEXT_TYPE_early_data, kInClientHello | kInEncryptedExtensions | kInNewSessionTicket},
      {TLSEXT_TYPE_cookie, kInClientHello | kInHelloRetryRequest},
      {TLSEXT_TYPE_supported_versions, kInClientHello | kInServerHello13 | kInHelloRetryRequest},
      {TLSEXT_TYPE_certificate_authorities, kInClientHello | kInCertificateRequest},
      {TLSEXT_TYPE_post_handshake_auth, kInClientHello},
      {TLSEXT_TYPE_signature_algorithms_cert, kInClientHello | kInCertificateRequest},
  };
  for (const Place& place : kTable) {
    bool found = false;
    for (const Extension* row : extension_rows()) {
      if (row->type != place.type) continue;
      found = true;
      EXPECT_EQ(row->in & ~kInServerHello12, place.in) << place.type;
    }
    EXPECT_TRUE(found) << place.type;
  }
}

TEST(ExtensionBlock, MalformedIsDecodeError) {
  Octets hello = minimal_hello();
  for (size_t length = 1; length < hello.size(); ++length) {
    Side server(true);
    Octets part(hello.begin(), hello.begin() + static_cast<long>(length));
    Verdict verdict = server.read(kInClientHello, part);
    ASSERT_FALSE(verdict.ok()) << length;
    // A part that ends between two extensions is well-formed, and lacks the rest.
    bool between = verdict.alert == Alert::missing_extension;
    EXPECT_TRUE(between ||
                (verdict.alert == Alert::decode_error && verdict.reason == SSL_R_BAD_EXTENSION))
        << length << ": " << describe(verdict);
  }
  EXPECT_OK(Side(true).read(kInClientHello, hello));
}

TEST(ExtensionBlock, RepeatedIsIllegal) {
  for (const Octets& one : {groups_extension(), schemes_extension(), key_share_extension()}) {
    EXPECT_FATAL(Side(true).read(kInClientHello, minimal_hello() + one), illegal_parameter,
                 SSL_R_BAD_EXTENSION);
  }
}

TEST(ExtensionBlock, RepeatedUnknownIsIllegal) {
  Octets unknown = extension(0x1234, hex("00"));
  EXPECT_OK(Side(true).read(kInClientHello, minimal_hello() + unknown));
  EXPECT_FATAL(Side(true).read(kInClientHello, unknown + minimal_hello() + unknown),
               illegal_parameter, SSL_R_BAD_EXTENSION);
}

TEST(ExtensionBlock, UnknownAreIgnoredWherePeersAsk) {
  Octets grease = extension(0x0a0a, {}) + extension(0xfafa, hex("00"));
  EXPECT_OK(Side(true).read(kInClientHello, grease + minimal_hello()));
  Side client(false);
  EXPECT_OK(client.read(kInCertificateRequest, grease + schemes_extension()));
  EXPECT_OK(client.read(kInNewSessionTicket, grease));
}

TEST(ExtensionBlock, UnknownAnswersAreUnsolicited) {
  for (MessageSet message :
       {kInServerHello13, kInHelloRetryRequest, kInEncryptedExtensions, kInCertificate}) {
    Side client(false);
    client.mark_sent({TLSEXT_TYPE_supported_versions, TLSEXT_TYPE_key_share});
    EXPECT_FATAL(client.read(message, extension(0x0a0a, {})), unsupported_extension,
                 SSL_R_UNSOLICITED_EXTENSION);
  }
}

TEST(ExtensionBlock, AnswersNeedAnOffer) {
  struct Answer {
    int type;
    MessageSet message;
    Octets body;
  };
  const Answer answers[] = {
      {TLSEXT_TYPE_server_name, kInEncryptedExtensions, {}},
      {TLSEXT_TYPE_max_fragment_length, kInEncryptedExtensions, hex("01")},
      {TLSEXT_TYPE_supported_groups, kInEncryptedExtensions, hex("0002 001d")},
      {TLSEXT_TYPE_application_layer_protocol_negotiation, kInEncryptedExtensions,
       hex("0003 02 6832")},
      {TLSEXT_TYPE_early_data, kInEncryptedExtensions, {}},
      {TLSEXT_TYPE_status_request, kInCertificate, hex("01 000001 00")},
      {TLSEXT_TYPE_signed_certificate_timestamp, kInCertificate, hex("0003 0001 00")},
      {TLSEXT_TYPE_key_share, kInServerHello13, hex("001d 0001 00")},
      {TLSEXT_TYPE_psk, kInServerHello13, hex("0000")},
      {TLSEXT_TYPE_supported_versions, kInServerHello13, hex("0304")},
      {TLSEXT_TYPE_supported_versions, kInHelloRetryRequest, hex("0304")},
      {TLSEXT_TYPE_key_share, kInHelloRetryRequest, hex("001d")},
  };
  for (const Answer& answer : answers) {
    EXPECT_FATAL(Side(false).read(answer.message, extension(answer.type, answer.body)),
                 unsupported_extension, SSL_R_UNSOLICITED_EXTENSION);
  }
  // A client's certificate answers our CertificateRequest.
  EXPECT_FATAL(Side(true).read(kInCertificate, extension(TLSEXT_TYPE_status_request, hex("01"))),
               unsupported_extension, SSL_R_UNSOLICITED_EXTENSION);
}

TEST(ExtensionBlock, MisplacedIsIllegal) {
  for (const Extension* row : extension_rows()) {
    for (MessageSet message : {kInServerHello13, kInHelloRetryRequest, kInEncryptedExtensions,
                               kInCertificate, kInCertificateRequest, kInNewSessionTicket}) {
      if ((row->in & message) != 0) continue;
      Side client(false);
      client.exchange.sent = ~uint64_t{0};
      EXPECT_FATAL(client.read(message, extension(row->type, {})), illegal_parameter,
                   SSL_R_BAD_EXTENSION);
    }
  }
}

TEST(ExtensionBlock, PreSharedKeyIsLast) {
  Octets modes = extension(TLSEXT_TYPE_psk_kex_modes, hex("01 01"));
  Octets identities = vector16(vector16(hex("aa")) + hex("00000000"));
  Octets psk = extension(TLSEXT_TYPE_psk, identities + vector16(vector8(Octets(32, 1))));
  EXPECT_OK(Side(true).read(kInClientHello, minimal_hello() + modes + psk));
  EXPECT_FATAL(Side(true).read(kInClientHello, psk + minimal_hello() + modes), illegal_parameter,
               SSL_R_BAD_EXTENSION);
  EXPECT_FATAL(
      Side(true).read(kInClientHello, minimal_hello() + modes + psk + extension(0x0a0a, {})),
      illegal_parameter, SSL_R_BAD_EXTENSION);
}

TEST(ExtensionBlock, FullOfUnknownTypes) {
  Octets block = minimal_hello();
  for (int type = 1000; block.size() + 4 <= 65535; ++type)
    block = block + number(type, 2) + hex("0000");
  EXPECT_OK(Side(true).read(kInClientHello, block));
}

TEST(ExtensionBlock, FindAndIterate) {
  Octets block = extension(5, hex("01")) + extension(0x0a0a, {}) + extension(5, hex("02"));
  View body;
  ASSERT_TRUE(find_extension(block, 5, body));
  EXPECT_EQ(to_hex(body), "01") << "the first";
  ASSERT_TRUE(find_extension(block, 0x0a0a, body));
  EXPECT_TRUE(body.empty());
  EXPECT_FALSE(find_extension(block, 6, body));
  EXPECT_FALSE(find_extension({}, 5, body));
  EXPECT_EQ(types_of(block), (std::vector<int>{5, 0x0a0a, 5}));
  Octets cut(block.begin(), block.end() - 1);
  Reader reader{View(cut)};
  uint16_t type = 0;
  EXPECT_TRUE(next_extension(reader, type, body));
  EXPECT_TRUE(next_extension(reader, type, body));
  EXPECT_FALSE(next_extension(reader, type, body));
  EXPECT_EQ(reader.size(), 4U) << "the malformed rest";
}

TEST(ExtensionBlock, ReceivedBits) {
  Side server(true);
  ASSERT_TRUE(server.read(kInClientHello, minimal_hello()).ok());
  EXPECT_EQ(server.exchange.received, extension_bit(TLSEXT_TYPE_supported_groups) |
                                          extension_bit(TLSEXT_TYPE_key_share) |
                                          extension_bit(TLSEXT_TYPE_signature_algorithms) |
                                          extension_bit(TLSEXT_TYPE_supported_versions));
  // A client's Certificate does not change what its hello had.
  uint64_t hello = server.exchange.received;
  EXPECT_OK(server.read(kInCertificate, {}));
  EXPECT_EQ(server.exchange.received, hello);
}

TEST(ExtensionBlock, OffersStartAnewWithEachHello) {
  Side server(true);
  ASSERT_TRUE(
      server.read(kInClientHello, minimal_hello() + extension(TLSEXT_TYPE_early_data, {})).ok());
  EXPECT_TRUE(server.exchange.offers.early_data);
  ASSERT_TRUE(server.read(kInClientHello, minimal_hello()).ok());
  EXPECT_FALSE(server.exchange.offers.early_data);
}

struct Seen {
  int client_server, type;
  std::string data;
};

void remember(SSL*, int client_server, int type, const unsigned char* data, int length,
              void* argument) {
  auto& all = *static_cast<std::vector<Seen>*>(argument);
  all.push_back({client_server, type, to_hex({data, static_cast<size_t>(length)})});
}

// SSL_set_tlsext_debug_callback: known extensions, in the order of the wire.
TEST(ExtensionBlock, DebugCallback) {
  Side client(false);
  std::vector<Seen> seen;
  client.hooks.edit()->extension_debug = remember;
  client.hooks.edit()->extension_debug_argument = &seen;
  client.mark_sent({TLSEXT_TYPE_supported_versions, TLSEXT_TYPE_key_share});
  client.exchange.share_groups.push_back(29);
  ASSERT_TRUE(
      client
          .read(kInServerHello13, extension(TLSEXT_TYPE_key_share, hex("001d 0001 aa")) +
                                      extension(TLSEXT_TYPE_supported_versions, hex("0304")))
          .ok());
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].client_server, 1);
  EXPECT_EQ(seen[0].type, TLSEXT_TYPE_key_share);
  EXPECT_EQ(seen[0].data, "001d0001aa");
  EXPECT_EQ(seen[1].type, TLSEXT_TYPE_supported_versions);
}

TEST(ExtensionBlock, DebugCallbackOfServerSkipsUnknown) {
  Side server(true);
  std::vector<Seen> seen;
  server.hooks.edit()->extension_debug = remember;
  server.hooks.edit()->extension_debug_argument = &seen;
  ASSERT_TRUE(server.read(kInClientHello, extension(0x0a0a, {}) + minimal_hello()).ok());
  ASSERT_EQ(seen.size(), 4U);
  EXPECT_EQ(seen[0].client_server, 0);
  EXPECT_EQ(seen[0].type, TLSEXT_TYPE_supported_groups);
}

}  // namespace
}  // namespace handfast::test
