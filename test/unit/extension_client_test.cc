// What a client makes of the extensions in each message of a server.
#include <gtest/gtest.h>
#include <openssl/tls1.h>

#include "extension_test_support.h"

namespace handfast::test {
namespace {

// A client that has sent everything, with a share in X25519.
struct Client : Side {
  Client() : Side(false) {
    exchange.sent = ~uint64_t{0};
    exchange.share_groups.push_back(29);
  }
  Verdict reads(MessageSet message, int type, std::string_view body) {
    return read(message, extension(type, hex(body)));
  }
  // With the supported_versions and key_share that a ServerHello needs, unless `type` is one.
  Verdict reads_hello(int type, std::string_view body) {
    Octets rest;
    if (type != TLSEXT_TYPE_supported_versions) rest = rest + versions();
    if (type != TLSEXT_TYPE_key_share) {
      rest = rest + extension(TLSEXT_TYPE_key_share, hex("001d 0001 aa"));
    }
    return read(kInServerHello13, extension(type, hex(body)) + rest);
  }
  Verdict reads_retry(int type, std::string_view body) {
    return read(kInHelloRetryRequest, versions() + extension(type, hex(body)));
  }
  static Octets versions() { return extension(TLSEXT_TYPE_supported_versions, hex("0304")); }
};

// Every body shorter than the valid one, and one byte more, has this verdict.
void expect_strict(MessageSet message, int type, std::string_view valid, int reason,
                   std::initializer_list<size_t> valid_lengths = {}) {
  Octets body = hex(valid);
  for (size_t length = 0; length < body.size(); ++length) {
    if (std::find(valid_lengths.begin(), valid_lengths.end(), length) != valid_lengths.end()) {
      continue;
    }
    Client client;
    Octets part(body.begin(), body.begin() + static_cast<long>(length));
    EXPECT_FATAL(client.read(message, extension(type, part)), decode_error, reason);
  }
  Client client;
  EXPECT_FATAL(client.read(message, extension(type, body + hex("00"))), decode_error, reason);
}

// --- EncryptedExtensions ---

TEST(ExtensionClient, ServerName) {
  Client client;
  EXPECT_OK(client.reads(kInEncryptedExtensions, TLSEXT_TYPE_server_name, ""));
  EXPECT_TRUE(client.exchange.accept_server_name);
  EXPECT_FATAL(Client().reads(kInEncryptedExtensions, TLSEXT_TYPE_server_name, "00"), decode_error,
               SSL_R_BAD_EXTENSION);
}

TEST(ExtensionClient, MaxFragmentLength) {
  constexpr int kType = TLSEXT_TYPE_max_fragment_length;
  Client client;
  client.policy.edit()->max_fragment_length_mode = TLSEXT_max_fragment_length_1024;
  EXPECT_OK(client.reads(kInEncryptedExtensions, kType, "02"));
  EXPECT_EQ(client.exchange.max_fragment_length_mode, TLSEXT_max_fragment_length_1024);
  EXPECT_FATAL(client.reads(kInEncryptedExtensions, kType, ""), decode_error, SSL_R_BAD_EXTENSION);
  EXPECT_FATAL(client.reads(kInEncryptedExtensions, kType, "0202"), decode_error,
               SSL_R_BAD_EXTENSION);
  for (const char* other : {"00", "01", "03", "04", "05", "ff"}) {
    EXPECT_FATAL(client.reads(kInEncryptedExtensions, kType, other), illegal_parameter,
                 SSL_R_SSL3_EXT_INVALID_MAX_FRAGMENT_LENGTH);
  }
}

TEST(ExtensionClient, SupportedGroups) {
  constexpr int kType = TLSEXT_TYPE_supported_groups;
  EXPECT_OK(Client().reads(kInEncryptedExtensions, kType, "0004 001d 0a0a"));
  expect_strict(kInEncryptedExtensions, kType, "0002 001d", SSL_R_BAD_EXTENSION);
  EXPECT_FATAL(Client().reads(kInEncryptedExtensions, kType, "0000"), decode_error,
               SSL_R_BAD_EXTENSION);
  EXPECT_FATAL(Client().reads(kInEncryptedExtensions, kType, "0003 001d00"), decode_error,
               SSL_R_BAD_EXTENSION);
}

TEST(ExtensionClient, Alpn) {
  constexpr int kType = TLSEXT_TYPE_application_layer_protocol_negotiation;
  Client client;
  ASSERT_TRUE(client.policy.edit()->alpn.assign(text("\002h2\010http/1.1")));
  EXPECT_OK(client.reads(kInEncryptedExtensions, kType, "0003 02 6832"));
  EXPECT_EQ(to_hex(client.negotiated.alpn.view()), "6832");
  expect_strict(kInEncryptedExtensions, kType, "0003 02 6832", SSL_R_BAD_EXTENSION);
  for (const char* malformed : {"0000", "0001 00", "0006 02 6832 02 6832", "0004 02 6832 00"}) {
    EXPECT_FATAL(client.reads(kInEncryptedExtensions, kType, malformed), decode_error,
                 SSL_R_BAD_EXTENSION);
  }
  // Not offered: another one, and a part of one.
  for (const char* other : {"0003 02 6833", "0002 01 68", "0009 08 687474702f312e30"}) {
    EXPECT_FATAL(client.reads(kInEncryptedExtensions, kType, other), illegal_parameter,
                 SSL_R_BAD_EXTENSION);
  }
}

// A server that has taken the first of the keys that a client offers.
struct ResumingClient : Client {
  SessionRef session{new_session()};
  ResumingClient() {
    session->cipher = negotiated.suite = find_cipher_suite(0x1301);
    exchange.psks.push_back({session.get(), as_view("ticket"), 0, false});
    exchange.resuming = true;
  }
  Verdict reads_early_data(const char* body = "") {
    return reads(kInEncryptedExtensions, TLSEXT_TYPE_early_data, body);
  }
};

TEST(ExtensionClient, EarlyDataIsEmpty) {
  ResumingClient client;
  EXPECT_OK(client.reads_early_data());
  EXPECT_EQ(client.negotiated.early_data_status, SSL_EARLY_DATA_ACCEPTED);
  EXPECT_FATAL(ResumingClient().reads_early_data("00"), decode_error, SSL_R_BAD_EXTENSION);
}

// RFC 8446 4.2.10: only with the first key, its suite and its protocol.
TEST(ExtensionClient, EarlyDataOfAnotherKey) {
  EXPECT_FATAL(Client().reads(kInEncryptedExtensions, TLSEXT_TYPE_early_data, ""),
               illegal_parameter, SSL_R_BAD_EXTENSION);
  ResumingClient second, suite, protocol;
  second.exchange.psk_index = 1;
  suite.negotiated.suite = find_cipher_suite(0x1303);
  ASSERT_TRUE(protocol.session->alpn.assign(as_view("h2")));
  for (ResumingClient* client : {&second, &suite, &protocol}) {
    EXPECT_FATAL(client->reads_early_data(), illegal_parameter, SSL_R_BAD_EXTENSION);
    EXPECT_NE(client->negotiated.early_data_status, SSL_EARLY_DATA_ACCEPTED);
  }
}

// --- ServerHello, HelloRetryRequest ---

TEST(ExtensionClient, SupportedVersions) {
  constexpr int kType = TLSEXT_TYPE_supported_versions;
  Client client;
  EXPECT_OK(client.reads_hello(kType, "0304"));
  EXPECT_EQ(client.exchange.selected_version, TLS1_3_VERSION);
  expect_strict(kInServerHello13, kType, "0304", SSL_R_LENGTH_MISMATCH);
  expect_strict(kInHelloRetryRequest, kType, "0304", SSL_R_LENGTH_MISMATCH);
  for (const char* other : {"0303", "0301", "0305", "7f1c", "0000", "0a0a"}) {
    EXPECT_FATAL(Client().reads_hello(kType, other), illegal_parameter,
                 SSL_R_BAD_PROTOCOL_VERSION_NUMBER);
    EXPECT_FATAL(Client().reads(kInHelloRetryRequest, kType, other), illegal_parameter,
                 SSL_R_BAD_PROTOCOL_VERSION_NUMBER);
  }
  Octets share = extension(TLSEXT_TYPE_key_share, hex("001d 0001 aa"));
  EXPECT_FATAL(Client().read(kInServerHello13, share), missing_extension,
               SSL_R_BAD_PROTOCOL_VERSION_NUMBER);
  EXPECT_FATAL(Client().read(kInHelloRetryRequest, extension(TLSEXT_TYPE_key_share, hex("0017"))),
               missing_extension, SSL_R_BAD_PROTOCOL_VERSION_NUMBER);
}

TEST(ExtensionClient, KeyShareOfServerHello) {
  constexpr int kType = TLSEXT_TYPE_key_share;
  Client client;
  EXPECT_OK(client.reads_hello(kType, "001d 0003 010203"));
  EXPECT_EQ(client.exchange.server_share_group, 29);
  EXPECT_EQ(to_hex(client.exchange.server_share), "010203");
  expect_strict(kInServerHello13, kType, "001d 0003 010203", SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(Client().reads_hello(kType, "001d 0000"), decode_error, SSL_R_LENGTH_MISMATCH);
  // Another group than that of our share; GREASE.
  for (const char* other : {"0017 0001 aa", "0a0a 0001 aa", "0000 0001 aa"}) {
    EXPECT_FATAL(Client().reads_hello(kType, other), illegal_parameter, SSL_R_BAD_KEY_SHARE);
  }
  EXPECT_FATAL(Client().read(kInServerHello13, Client::versions()), missing_extension,
               SSL_R_NO_SUITABLE_KEY_SHARE);
}

TEST(ExtensionClient, KeyShareOfHelloRetryRequest) {
  constexpr int kType = TLSEXT_TYPE_key_share;
  Client client;
  EXPECT_OK(client.reads_retry(kType, "0017"));
  EXPECT_EQ(client.exchange.retry_group, 23);
  expect_strict(kInHelloRetryRequest, kType, "0017", SSL_R_LENGTH_MISMATCH);
  // A share was sent; not offered; unknown; not for TLS 1.3.
  for (const char* group : {"001d", "0105", "0a0a", "0016", "0000"}) {
    EXPECT_FATAL(Client().reads_retry(kType, group), illegal_parameter, SSL_R_BAD_KEY_SHARE);
  }
  Client narrow;
  const uint16_t groups[] = {29};
  ASSERT_TRUE(narrow.policy.edit()->groups.assign(groups));
  EXPECT_FATAL(narrow.reads_retry(kType, "0017"), illegal_parameter, SSL_R_BAD_KEY_SHARE);
}

TEST(ExtensionClient, Cookie) {
  constexpr int kType = TLSEXT_TYPE_cookie;
  Client client;
  client.mark_sent({TLSEXT_TYPE_supported_versions});  // a cookie is not asked for
  EXPECT_OK(client.reads_retry(kType, "0003 010203"));
  EXPECT_EQ(to_hex(client.exchange.cookie.view()), "010203");
  expect_strict(kInHelloRetryRequest, kType, "0003 010203", SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(client.reads_retry(kType, "0000"), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(client.reads_hello(kType, "0001 aa"), illegal_parameter, SSL_R_BAD_EXTENSION);
}

TEST(ExtensionClient, HelloRetryRequestMustChangeSomething) {
  EXPECT_FATAL(Client().read(kInHelloRetryRequest, Client::versions()), illegal_parameter,
               SSL_R_NO_CHANGE_FOLLOWING_HRR);
}

// --- CertificateRequest ---

TEST(ExtensionClient, CertificateRequest) {
  Client client;
  Octets block = extension(TLSEXT_TYPE_signature_algorithms, hex("0004 0403 0a0a")) +
                 extension(TLSEXT_TYPE_signature_algorithms_cert, hex("0002 0804")) +
                 extension(TLSEXT_TYPE_status_request, hex("01 0000 0000")) +
                 extension(TLSEXT_TYPE_signed_certificate_timestamp, {}) +
                 extension(48, hex("0000"));  // oid_filters
  EXPECT_OK(client.read(kInCertificateRequest, block));
  ASSERT_EQ(client.exchange.request_schemes.size(), 2U);
  EXPECT_EQ(client.exchange.request_schemes[0], 0x0403);
  EXPECT_EQ(client.exchange.request_schemes[1], 0x0a0a);
  ASSERT_EQ(client.exchange.request_schemes_cert.size(), 1U);
  EXPECT_EQ(client.exchange.request_schemes_cert[0], 0x0804);
  EXPECT_EQ(client.negotiated.peer_signature_schemes.size(), 2U);
  // The next request starts anew.
  EXPECT_OK(client.read(kInCertificateRequest, schemes_extension()));
  EXPECT_EQ(client.exchange.request_schemes.size(), 1U);
  EXPECT_TRUE(client.exchange.request_schemes_cert.empty());
}

TEST(ExtensionClient, CertificateRequestNeedsSchemes) {
  EXPECT_FATAL(Client().read(kInCertificateRequest, {}), missing_extension,
               SSL_R_MISSING_SIGALGS_EXTENSION);
  for (int type : {TLSEXT_TYPE_signature_algorithms, TLSEXT_TYPE_signature_algorithms_cert}) {
    expect_strict(kInCertificateRequest, type, "0002 0403", SSL_R_BAD_EXTENSION);
    EXPECT_FATAL(Client().reads(kInCertificateRequest, type, "0000"), decode_error,
                 SSL_R_BAD_EXTENSION);
    EXPECT_FATAL(Client().reads(kInCertificateRequest, type, "0003 040304"), decode_error,
                 SSL_R_BAD_EXTENSION);
  }
}

constexpr char kName[] = "300d310b300906035504030c026361";  // CN=ca

TEST(ExtensionClient, CertificateAuthorities) {
  constexpr int kType = TLSEXT_TYPE_certificate_authorities;
  Client client;
  Octets name = vector16(hex(kName));
  EXPECT_OK(client.read(kInCertificateRequest,
                        schemes_extension() + extension(kType, vector16(name + name))));
  ASSERT_EQ(sk_X509_NAME_num(client.negotiated.peer_ca_names.get()), 2);
  char line[64];
  X509_NAME_oneline(sk_X509_NAME_value(client.negotiated.peer_ca_names.get(), 1), line,
                    sizeof line);
  EXPECT_STREQ(line, "/CN=ca");
  // A list of none, as servers of OpenSSL 3.0 may send.
  EXPECT_OK(
      client.read(kInCertificateRequest, schemes_extension() + extension(kType, vector16({}))));
  EXPECT_EQ(sk_X509_NAME_num(client.negotiated.peer_ca_names.get()), 0);
  // The next request does not speak of them.
  EXPECT_OK(client.read(kInCertificateRequest, schemes_extension()));
  EXPECT_EQ(client.negotiated.peer_ca_names, nullptr);

  auto verdict = [&](const Octets& body) {
    return Client().read(kInCertificateRequest, extension(kType, body));
  };
  EXPECT_FATAL(verdict({}), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(hex("0001 00")), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(hex("0002 0000")), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(hex("0003 0002 30")), decode_error, SSL_R_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(vector16(name) + hex("00")), decode_error, SSL_R_BAD_EXTENSION);
  EXPECT_FATAL(verdict(vector16(vector16(hex(kName) + hex("00")))), decode_error,
               SSL_R_CA_DN_LENGTH_MISMATCH);
  EXPECT_FATAL(verdict(vector16(vector16(hex("04 01 00")))), decode_error, ERR_R_ASN1_LIB);
  ERR_clear_error();
}

// --- Certificate ---

TEST(ExtensionClient, StapledResponse) {
  constexpr int kType = TLSEXT_TYPE_status_request;
  Client client;
  EXPECT_OK(client.reads(kInCertificate, kType, "01 000003 0a0b0c"));
  EXPECT_TRUE(client.negotiated.has_ocsp_response);
  EXPECT_EQ(to_hex(client.negotiated.ocsp_response.view()), "0a0b0c");
  for (const char* malformed : {"", "00", "02 000001 00"}) {
    EXPECT_FATAL(Client().reads(kInCertificate, kType, malformed), decode_error,
                 SSL_R_UNSUPPORTED_STATUS_TYPE);
  }
  for (const char* malformed : {"01", "01 0000", "01 000000", "01 000002 00", "01 000001 0000"}) {
    EXPECT_FATAL(Client().reads(kInCertificate, kType, malformed), decode_error,
                 SSL_R_LENGTH_MISMATCH);
  }
}

TEST(ExtensionClient, StapledResponsesOfOthersAreNotKept) {
  Client client;
  client.exchange.certificate_index = 1;
  EXPECT_OK(client.reads(kInCertificate, TLSEXT_TYPE_status_request, "01 000003 0a0b0c"));
  EXPECT_FALSE(client.negotiated.has_ocsp_response);
  EXPECT_OK(client.reads(kInCertificate, TLSEXT_TYPE_signed_certificate_timestamp, "0003 0001 aa"));
  EXPECT_TRUE(client.negotiated.scts.empty());
}

TEST(ExtensionClient, SignedCertificateTimestamps) {
  constexpr int kType = TLSEXT_TYPE_signed_certificate_timestamp;
  Client client;
  EXPECT_OK(client.reads(kInCertificate, kType, "0007 0001 aa 0002 bbcc"));
  EXPECT_EQ(to_hex(client.negotiated.scts.view()), "00070001aa0002bbcc");
  // Whoever asks for them parses the list; what does not parse has no SCTs.
  for (const char* malformed : {"", "0000", "0002 0000", "0003 0002 aa", "0004 0001 aa 00"}) {
    EXPECT_OK(client.reads(kInCertificate, kType, malformed));
    EXPECT_EQ(to_hex(client.negotiated.scts.view()), to_hex(hex(malformed)));
  }
}

// --- NewSessionTicket ---

TEST(ExtensionClient, MaxEarlyDataOfTicket) {
  constexpr int kType = TLSEXT_TYPE_early_data;
  Client client;
  EXPECT_OK(client.reads(kInNewSessionTicket, kType, "00004000"));
  EXPECT_EQ(client.exchange.ticket_max_early_data, 16384U);
  expect_strict(kInNewSessionTicket, kType, "00004000", SSL_R_INVALID_MAX_EARLY_DATA);
  EXPECT_OK(client.read(kInNewSessionTicket, {}));
  EXPECT_EQ(client.exchange.ticket_max_early_data, 0U);
}

}  // namespace
}  // namespace handfast::test
