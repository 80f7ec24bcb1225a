// What a server makes of a ClientHello's extensions, and what it answers.
#include <gtest/gtest.h>
#include <openssl/tls1.h>

#include "extension/preferences.h"
#include "extension_test_support.h"

namespace handfast::test {
namespace {

struct Server : Side {
  Server() : Side(true) {}
  // A hello that is good but for this extension, which replaces the one of its type.
  Verdict reads(int type, const Octets& body) {
    Octets block;
    for (const Octets& one :
         {groups_extension(), schemes_extension(),
          extension(TLSEXT_TYPE_supported_versions, hex("02 0304")), key_share_extension()}) {
      if ((one[0] << 8 | one[1]) != type) block = block + one;
    }
    return read(kInClientHello, extension(type, body) + block);
  }
  Verdict reads(int type, std::string_view body) { return reads(type, hex(body)); }
};

// Every body shorter than the valid one, and one byte more, has this verdict.
void expect_strict(int type, std::string_view valid, int reason) {
  Octets body = hex(valid);
  EXPECT_OK(Server().reads(type, body));
  for (size_t length = 0; length < body.size(); ++length) {
    Octets part(body.begin(), body.begin() + static_cast<long>(length));
    EXPECT_FATAL(Server().reads(type, part), decode_error, reason);
  }
  EXPECT_FATAL(Server().reads(type, body + hex("00")), decode_error, reason);
}

// --- What a hello must have ---

TEST(ExtensionServer, MissingExtensions) {
  Octets versions = extension(TLSEXT_TYPE_supported_versions, hex("02 0304"));
  EXPECT_FATAL(Server().read(kInClientHello, versions + groups_extension() + key_share_extension()),
               missing_extension, SSL_R_MISSING_SIGALGS_EXTENSION);
  EXPECT_FATAL(
      Server().read(kInClientHello, versions + schemes_extension() + key_share_extension()),
      missing_extension, SSL_R_MISSING_SUPPORTED_GROUPS_EXTENSION);
  EXPECT_FATAL(Server().read(kInClientHello, versions + schemes_extension() + groups_extension()),
               missing_extension, SSL_R_NO_SUITABLE_KEY_SHARE);
  EXPECT_FATAL(Server().read(kInClientHello, versions + schemes_extension()), missing_extension,
               SSL_R_NO_SUITABLE_KEY_SHARE);
}

TEST(ExtensionServer, MinimalHello) {
  Server server;
  ASSERT_TRUE(server.read(kInClientHello, minimal_hello()).ok());
  const ClientOffers& offers = server.exchange.offers;
  EXPECT_EQ(to_hex(offers.supported_groups), "001d");
  EXPECT_EQ(to_hex(offers.signature_schemes), "0403");
  View share;
  ASSERT_TRUE(find_key_share(offers.key_shares, 29, share));
  EXPECT_EQ(share.size(), 32U);
  EXPECT_EQ(server.negotiated.peer_groups.size(), 1U);
  EXPECT_EQ(server.negotiated.peer_signature_schemes.size(), 1U);
  EXPECT_FALSE(offers.status_request || offers.sct || offers.psk_dhe_ke || offers.psk_ke ||
               offers.psk || offers.early_data || offers.post_handshake_auth);
}

// --- One by one ---

TEST(ExtensionServer, ServerName) {
  constexpr int kType = TLSEXT_TYPE_server_name;
  Server server;
  EXPECT_OK(server.reads(kType, "0005 00 0002 6162"));
  EXPECT_EQ(to_hex(server.exchange.offers.server_name), "6162");
  expect_strict(kType, "0005 00 0002 6162", SSL_R_BAD_EXTENSION);
  for (const char* malformed :
       {"0000", "0003 00 0000", "0005 01 0002 6162", "000a 00 0002 6162 00 0002 6162",
        "0006 00 0002 6162 00", "0004 00 0002 61"}) {
    EXPECT_FATAL(Server().reads(kType, malformed), decode_error, SSL_R_BAD_EXTENSION);
  }
  EXPECT_FATAL(Server().reads(kType, "0005 00 0002 6100"), unrecognized_name, SSL_R_BAD_EXTENSION);
  auto name = [](size_t length) { return vector16(hex("00") + vector16(Octets(length, 'a'))); };
  EXPECT_OK(Server().reads(kType, name(255)));
  EXPECT_FATAL(Server().reads(kType, name(256)), unrecognized_name, SSL_R_BAD_EXTENSION);
}

TEST(ExtensionServer, MaxFragmentLength) {
  constexpr int kType = TLSEXT_TYPE_max_fragment_length;
  for (uint8_t mode = 1; mode <= 4; ++mode) {
    Server server;
    EXPECT_OK(server.reads(kType, Octets{mode}));
    EXPECT_EQ(server.exchange.max_fragment_length_mode, mode);
    EXPECT_EQ(to_hex(server.write(kInEncryptedExtensions)), "000100010" + std::to_string(mode));
  }
  expect_strict(kType, "01", SSL_R_BAD_EXTENSION);
  for (const char* other : {"00", "05", "ff"}) {
    EXPECT_FATAL(Server().reads(kType, other), illegal_parameter,
                 SSL_R_SSL3_EXT_INVALID_MAX_FRAGMENT_LENGTH);
  }
}

TEST(ExtensionServer, SupportedGroups) {
  constexpr int kType = TLSEXT_TYPE_supported_groups;
  expect_strict(kType, "0002 001d", SSL_R_BAD_EXTENSION);
  EXPECT_OK(Server().reads(kType, "0004 0a0a 001d"));
  EXPECT_FATAL(Server().reads(kType, "0000"), decode_error, SSL_R_BAD_EXTENSION);
  EXPECT_FATAL(Server().reads(kType, "0003 001d00"), decode_error, SSL_R_BAD_EXTENSION);
}

TEST(ExtensionServer, SignatureAlgorithms) {
  for (int type : {TLSEXT_TYPE_signature_algorithms, TLSEXT_TYPE_signature_algorithms_cert}) {
    expect_strict(type, "0002 0403", SSL_R_BAD_EXTENSION);
    EXPECT_FATAL(Server().reads(type, "0000"), decode_error, SSL_R_BAD_EXTENSION);
    EXPECT_FATAL(Server().reads(type, "0003 040304"), decode_error, SSL_R_BAD_EXTENSION);
  }
  Server server;
  EXPECT_OK(server.reads(TLSEXT_TYPE_signature_algorithms_cert, "0004 0403 0804"));
  EXPECT_EQ(to_hex(server.exchange.offers.signature_schemes_cert), "04030804");
}

TEST(ExtensionServer, SharedSchemes) {
  Server server;
  // GREASE, ed25519, rsa_pkcs1_sha256, ecdsa_secp256r1_sha256
  EXPECT_OK(server.reads(TLSEXT_TYPE_signature_algorithms, "0008 0a0a 0807 0401 0403"));
  ASSERT_TRUE(share_signature_schemes(server.exchange));
  auto shared = server.negotiated.shared_signature_schemes.view();
  EXPECT_EQ(std::vector<uint16_t>(shared.begin(), shared.end()),
            (std::vector<uint16_t>{0x0807, 0x0401, 0x0403}));
  server.policy.edit()->options |= SSL_OP_CIPHER_SERVER_PREFERENCE;
  ASSERT_TRUE(share_signature_schemes(server.exchange));
  shared = server.negotiated.shared_signature_schemes.view();
  EXPECT_EQ(std::vector<uint16_t>(shared.begin(), shared.end()),
            (std::vector<uint16_t>{0x0403, 0x0807, 0x0401}));
}

TEST(ExtensionServer, SupportedVersions) {
  constexpr int kType = TLSEXT_TYPE_supported_versions;
  expect_strict(kType, "02 0304", SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(Server().reads(kType, "00"), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(Server().reads(kType, "03 030403"), decode_error, SSL_R_LENGTH_MISMATCH);
}

TEST(ExtensionServer, ChooseVersion) {
  auto chosen = [](std::string_view body, uint16_t minimum, uint16_t maximum) {
    uint16_t version = 1;
    EXPECT_OK(choose_version(hex(body), minimum, maximum, version));
    return version;
  };
  EXPECT_EQ(chosen("06 0303 0304 0a0a", TLS1_VERSION, TLS1_3_VERSION), TLS1_3_VERSION);
  EXPECT_EQ(chosen("06 0303 0304 0a0a", TLS1_VERSION, TLS1_2_VERSION), TLS1_2_VERSION);
  EXPECT_EQ(chosen("04 0303 0302", TLS1_3_VERSION, TLS1_3_VERSION), 0);
  EXPECT_EQ(chosen("02 7f1c", TLS1_VERSION, TLS1_3_VERSION), 0);
  uint16_t version = 1;
  for (const char* malformed : {"", "00", "01 03", "02 03", "02 0304 00"}) {
    EXPECT_FATAL(choose_version(hex(malformed), TLS1_VERSION, TLS1_3_VERSION, version),
                 decode_error, SSL_R_LENGTH_MISMATCH);
  }
}

TEST(ExtensionServer, StatusRequest) {
  constexpr int kType = TLSEXT_TYPE_status_request;
  Server server;
  EXPECT_OK(server.reads(kType, "01 0000 0000"));
  EXPECT_TRUE(server.exchange.offers.status_request);
  EXPECT_EQ(to_hex(server.exchange.offers.ocsp_request), "00000000");
  expect_strict(kType, "01 0000 0000", SSL_R_BAD_EXTENSION);
  // Another type is not for us.
  Server other;
  EXPECT_OK(other.reads(kType, "02 01"));
  EXPECT_FALSE(other.exchange.offers.status_request);
}

constexpr char kResponder[] = "a206 0404 0a0b0c0d";                      // ResponderID byKey
constexpr char kNonce[] = "3011 300f 06092b0601050507300102 0402 0400";  // Extensions

TEST(ExtensionServer, StatusRequestContents) {
  constexpr int kType = TLSEXT_TYPE_status_request;
  Octets id = hex(kResponder), nonce = hex(kNonce);
  auto body = [](const Octets& ids, const Octets& extensions) {
    return hex("01") + vector16(ids) + vector16(extensions);
  };
  Server server;
  EXPECT_OK(server.reads(kType, body(vector16(id) + vector16(id), nonce)));
  EXPECT_EQ(sk_OCSP_RESPID_num(server.request.ocsp_ids.get()), 2);
  EXPECT_EQ(sk_X509_EXTENSION_num(server.request.ocsp_extensions.get()), 1);
  // The next hello replaces them.
  EXPECT_OK(server.reads(kType, body({}, {})));
  EXPECT_EQ(server.request.ocsp_ids, nullptr);
  EXPECT_EQ(server.request.ocsp_extensions, nullptr);
  for (const Octets& malformed :
       {body(hex("00"), {}), body(hex("0000"), {}), body(vector16(id + hex("00")), {}),
        body(vector16(hex("0401 00")), {}), body({}, nonce + hex("00")),
        body({}, hex("0401 00"))}) {
    EXPECT_FATAL(Server().reads(kType, malformed), decode_error, SSL_R_BAD_EXTENSION);
  }
  ERR_clear_error();
}

TEST(ExtensionServer, Alpn) {
  constexpr int kType = TLSEXT_TYPE_application_layer_protocol_negotiation;
  Server server;
  EXPECT_OK(server.reads(kType, "0006 02 6832 02 6833"));
  EXPECT_EQ(to_hex(server.exchange.offers.alpn), "026832026833");
  expect_strict(kType, "0006 02 6832 02 6833", SSL_R_BAD_EXTENSION);
  for (const char* malformed : {"0000", "0001 00", "0004 02 6832 00", "0004 00 02 6832"}) {
    EXPECT_FATAL(Server().reads(kType, malformed), decode_error, SSL_R_BAD_EXTENSION);
  }
}

TEST(ExtensionServer, EmptyOnes) {
  struct Row {
    int type, reason;
  };
  for (Row row : {Row{TLSEXT_TYPE_signed_certificate_timestamp, SSL_R_BAD_EXTENSION},
                  Row{TLSEXT_TYPE_post_handshake_auth, SSL_R_POST_HANDSHAKE_AUTH_ENCODING_ERR},
                  Row{TLSEXT_TYPE_early_data, SSL_R_BAD_EXTENSION}}) {
    expect_strict(row.type, "", row.reason);
  }
  Server server;
  EXPECT_OK(server.reads(TLSEXT_TYPE_post_handshake_auth, ""));
  EXPECT_TRUE(server.exchange.offers.post_handshake_auth);
  EXPECT_OK(server.reads(TLSEXT_TYPE_signed_certificate_timestamp, ""));
  EXPECT_TRUE(server.exchange.offers.sct);
}

TEST(ExtensionServer, PskKeyExchangeModes) {
  constexpr int kType = TLSEXT_TYPE_psk_kex_modes;
  Server server;
  EXPECT_OK(server.reads(kType, "03 00 01 0b"));
  EXPECT_TRUE(server.exchange.offers.psk_dhe_ke);
  EXPECT_FALSE(server.exchange.offers.psk_ke) << "needs SSL_OP_ALLOW_NO_DHE_KEX";
  server.policy.edit()->options |= SSL_OP_ALLOW_NO_DHE_KEX;
  EXPECT_OK(server.reads(kType, "01 00"));
  EXPECT_TRUE(server.exchange.offers.psk_ke);
  EXPECT_FALSE(server.exchange.offers.psk_dhe_ke);
  expect_strict(kType, "02 00 01", SSL_R_BAD_EXTENSION);
  EXPECT_FATAL(Server().reads(kType, "00"), decode_error, SSL_R_BAD_EXTENSION);
}

TEST(ExtensionServer, Cookie) {
  constexpr int kType = TLSEXT_TYPE_cookie;
  Server server;
  EXPECT_OK(server.reads(kType, "0002 abcd"));
  EXPECT_EQ(to_hex(server.exchange.offers.cookie), "abcd");
  expect_strict(kType, "0002 abcd", SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(Server().reads(kType, "0000"), decode_error, SSL_R_LENGTH_MISMATCH);
}

TEST(ExtensionServer, EarlyDataInSecondHello) {
  Server server;
  server.exchange.hello_retry_request = true;
  EXPECT_FATAL(server.reads(TLSEXT_TYPE_early_data, ""), illegal_parameter, SSL_R_BAD_EXTENSION);
}

// --- key_share ---

Octets share(std::string_view group, size_t length) {
  return hex(group) + vector16(Octets(length, 1));
}

Verdict reads_shares(const Octets& shares) {
  Server server;
  Octets hello = extension(TLSEXT_TYPE_supported_groups, hex("0006 0a0a 001d 0017")) +
                 schemes_extension() + extension(TLSEXT_TYPE_key_share, shares);
  return server.read(kInClientHello, hello);
}

TEST(ExtensionServer, KeyShares) {
  EXPECT_OK(reads_shares(vector16({})));
  EXPECT_OK(reads_shares(vector16(share("001d", 32))));
  EXPECT_OK(reads_shares(vector16(share("0a0a", 1) + share("001d", 32) + share("0017", 65))));
  EXPECT_OK(reads_shares(vector16(share("0017", 65) + share("001d", 32))));
  // Malformed.
  Octets good = vector16(share("001d", 4));
  for (size_t length = 0; length < good.size(); ++length) {
    Octets part(good.begin(), good.begin() + static_cast<long>(length));
    EXPECT_FATAL(reads_shares(part), decode_error, SSL_R_LENGTH_MISMATCH);
  }
  EXPECT_FATAL(reads_shares(good + hex("00")), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(reads_shares(vector16(share("001d", 4) + hex("00"))), decode_error,
               SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(reads_shares(vector16(share("001d", 0))), decode_error, SSL_R_LENGTH_MISMATCH);
  // RFC 8446 4.2.8: twice the same group, and one that supported_groups does not have.
  EXPECT_FATAL(reads_shares(vector16(share("001d", 32) + share("001d", 32))), illegal_parameter,
               SSL_R_BAD_KEY_SHARE);
  EXPECT_FATAL(reads_shares(vector16(share("001d", 32) + share("0018", 97))), illegal_parameter,
               SSL_R_BAD_KEY_SHARE);
}

TEST(ExtensionServer, KeyShareOfSecondHello) {
  auto verdict = [](const Octets& shares) {
    Server server;
    server.exchange.hello_retry_request = true;
    server.exchange.retry_group = 23;
    return server.read(kInClientHello, extension(10, hex("0004 001d 0017")) + schemes_extension() +
                                           extension(TLSEXT_TYPE_key_share, vector16(shares)));
  };
  EXPECT_OK(verdict(share("0017", 65)));
  for (const Octets& wrong : {Octets{}, share("001d", 32), share("0017", 65) + share("001d", 32),
                              share("001d", 32) + share("0017", 65)}) {
    EXPECT_FATAL(verdict(wrong), illegal_parameter, SSL_R_BAD_KEY_SHARE);
  }
}

// --- pre_shared_key ---

Octets identity(size_t length) {
  return vector16(Octets(length, 1)) + hex("01020304");
}
Octets binder(size_t length) {
  return vector8(Octets(length, 2));
}

Verdict reads_psk(const Octets& body, bool modes = true) {
  Server server;
  Octets hello = minimal_hello();
  if (modes) hello = hello + extension(TLSEXT_TYPE_psk_kex_modes, hex("01 01"));
  Verdict verdict = server.read(kInClientHello, hello + extension(TLSEXT_TYPE_psk, body));
  EXPECT_EQ(server.exchange.offers.psk, verdict.ok());
  size_t kept =
      server.exchange.offers.psk_identities.size() + server.exchange.offers.psk_binders.size();
  EXPECT_EQ(kept, verdict.ok() ? body.size() - 4 : 0);
  return verdict;
}

TEST(ExtensionServer, PreSharedKey) {
  EXPECT_OK(reads_psk(vector16(identity(1)) + vector16(binder(32))));
  EXPECT_OK(reads_psk(vector16(identity(9) + identity(8)) + vector16(binder(32) + binder(48))));
  EXPECT_FATAL(reads_psk(vector16(identity(1)) + vector16(binder(32)), false), missing_extension,
               SSL_R_MISSING_PSK_KEX_MODES_EXTENSION);
  Octets good = vector16(identity(1)) + vector16(binder(32));
  for (size_t length = 0; length < good.size(); ++length) {
    Octets part(good.begin(), good.begin() + static_cast<long>(length));
    EXPECT_FATAL(reads_psk(part), decode_error, SSL_R_BAD_EXTENSION);
  }
  for (const Octets& malformed :
       {good + hex("00"), vector16({}) + vector16({}), vector16(identity(1)) + vector16({}),
        vector16(identity(0)) + vector16(binder(32)), vector16(identity(1)) + vector16(binder(31)),
        vector16(identity(1) + hex("00")) + vector16(binder(32))}) {
    EXPECT_FATAL(reads_psk(malformed), decode_error, SSL_R_BAD_EXTENSION);
  }
  // RFC 8446 4.2.11: one binder for each identity.
  EXPECT_FATAL(reads_psk(vector16(identity(1)) + vector16(binder(32) + binder(32))),
               illegal_parameter, SSL_R_BAD_EXTENSION);
  EXPECT_FATAL(reads_psk(vector16(identity(1) + identity(1)) + vector16(binder(32))),
               illegal_parameter, SSL_R_BAD_EXTENSION);
}

TEST(ExtensionServer, CertificateAuthorities) {
  constexpr int kType = TLSEXT_TYPE_certificate_authorities;
  Server server;
  EXPECT_OK(server.reads(kType, "0011 000f 300d310b300906035504030c026361"));
  EXPECT_EQ(sk_X509_NAME_num(server.negotiated.peer_ca_names.get()), 1);
  EXPECT_FATAL(Server().reads(kType, "00"), decode_error, SSL_R_LENGTH_MISMATCH);
}

// --- Answers ---

TEST(ExtensionServer, AnswersOnlyToOffers) {
  Server server;
  server.exchange.accept_server_name = true;
  server.exchange.staple = true;
  ASSERT_TRUE(server.negotiated.alpn.assign(text("h2")));
  EXPECT_TRUE(server.write(kInEncryptedExtensions).empty());
  EXPECT_TRUE(server.write(kInCertificate).empty());
}

TEST(ExtensionServer, EncryptedExtensions) {
  Server server;
  server.mark_received({TLSEXT_TYPE_server_name, TLSEXT_TYPE_supported_groups,
                        TLSEXT_TYPE_application_layer_protocol_negotiation});
  server.exchange.group = find_group(29);
  EXPECT_EQ(to_hex(server.write(kInEncryptedExtensions)), "");
  server.exchange.accept_server_name = true;
  ASSERT_TRUE(server.negotiated.alpn.assign(text("h2")));
  // supported_groups is there when the client did not use the one that we like best.
  server.exchange.group = find_group(23);
  EXPECT_EQ(to_hex(server.write(kInEncryptedExtensions)),
            "00000000"
            "000a00160014001d0017001e0019001801000101010201030104"
            "001000050003026832");
}

TEST(ExtensionServer, ServerHello) {
  Server server;
  Algorithms algorithms;
  ASSERT_TRUE(algorithms.fetch(nullptr, nullptr));
  EXPECT_OK(server.exchange.share.generate(algorithms, *find_group(29)));
  server.mark_received({TLSEXT_TYPE_supported_versions, TLSEXT_TYPE_key_share});
  EXPECT_EQ(to_hex(server.write(kInServerHello13)),
            "002b00020304"
            "00330024001d0020" +
                to_hex(server.exchange.share.public_bytes()));
}

TEST(ExtensionServer, HelloRetryRequest) {
  Server server;
  server.mark_received({TLSEXT_TYPE_supported_versions, TLSEXT_TYPE_key_share});
  server.exchange.retry_group = 24;
  EXPECT_EQ(to_hex(server.write(kInHelloRetryRequest)), "002b00020304003300020018");
  ASSERT_TRUE(server.exchange.cookie.assign(hex("abcd")));
  EXPECT_EQ(to_hex(server.write(kInHelloRetryRequest)), "002b00020304003300020018002c00040002abcd");
  server.exchange.retry_group = 0;
  EXPECT_EQ(to_hex(server.write(kInHelloRetryRequest)), "002b00020304002c00040002abcd");
}

TEST(ExtensionServer, StapledResponse) {
  Server server;
  server.mark_received({TLSEXT_TYPE_status_request});
  ASSERT_TRUE(server.request.ocsp_response.assign(hex("0a0b0c")));
  EXPECT_EQ(to_hex(server.write(kInCertificate)), "");
  server.exchange.staple = true;
  EXPECT_EQ(to_hex(server.write(kInCertificate)),
            "0005000701000003"
            "0a0b0c");
  server.exchange.certificate_index = 1;
  EXPECT_EQ(to_hex(server.write(kInCertificate)), "");
  // OCSPResponse<1..2^24-1>: an empty one is none.
  server.exchange.certificate_index = 0;
  server.request.ocsp_response.clear();
  EXPECT_EQ(to_hex(server.write(kInCertificate)), "");
}

X509NameStackPtr names(const char* common_name) {
  X509NameStackPtr stack(sk_X509_NAME_new_null());
  X509_NAME* name = X509_NAME_new();
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name), -1, -1, 0);
  sk_X509_NAME_push(stack.get(), name);
  return stack;
}

TEST(ExtensionServer, CertificateRequest) {
  Server server;
  std::string request = to_hex(server.write(kInCertificateRequest));
  // As the system's libssl 3.0 sends.
  EXPECT_EQ(request,
            "000d00220020040305030603080708080809080a080b08040805080604010501060103030301");
  EXPECT_EQ(server.exchange.sent, extension_bit(TLSEXT_TYPE_signature_algorithms));
  // Whose names: the connection's for clients, then its context's, then those for both roles.
  auto ends_with_name = [&](std::string_view name) {
    request = to_hex(server.write(kInCertificateRequest));
    std::string end = "002f00130011000f300d310b300906035504030c02" + to_hex(as_view(name));
    return request.size() > end.size() && request.substr(request.size() - end.size()) == end;
  };
  server.context.authorities.any = names("c1");
  EXPECT_TRUE(ends_with_name("c1")) << request;
  server.authorities.any = names("s1");
  EXPECT_TRUE(ends_with_name("s1")) << request;
  server.context.authorities.client = names("c2");
  EXPECT_TRUE(ends_with_name("c2")) << request;
  server.authorities.client = names("s2");
  EXPECT_TRUE(ends_with_name("s2")) << request;
  server.policy.edit()->options |= SSL_OP_DISABLE_TLSEXT_CA_NAMES;
  EXPECT_EQ(to_hex(server.write(kInCertificateRequest)).find("002f"), std::string::npos);
}

TEST(ExtensionServer, CertificateRequestNamesSchemesForClients) {
  Server server;
  const uint16_t schemes[] = {0x0807};
  ASSERT_TRUE(server.policy.edit()->client_signature_schemes.assign(schemes));
  EXPECT_EQ(to_hex(server.write(kInCertificateRequest)), "000d000400020807");
}

}  // namespace
}  // namespace handfast::test
