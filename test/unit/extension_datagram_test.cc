// Extensions in the hellos of DTLS: use_srtp (RFC 5764 section 4.1), what belongs to streams or to
// TLS 1.3 only, and the application's own with their contexts.
#include <openssl/srtp.h>

#include "extension_tls12_test_support.h"

namespace handfast::test {
namespace {

constexpr int kUseSrtp = TLSEXT_TYPE_use_srtp;

SRTP_PROTECTION_PROFILE profiles[] = {
    {"80", SRTP_AES128_CM_SHA1_80},
    {"32", SRTP_AES128_CM_SHA1_32},
    {"GCM", SRTP_AEAD_AES_128_GCM},
};

// The profiles above in this order.
SrtpStackPtr list_of(std::initializer_list<int> order) {
  SrtpStackPtr stack(sk_SRTP_PROTECTION_PROFILE_new_null());
  for (int index : order) {
    EXPECT_GT(sk_SRTP_PROTECTION_PROFILE_push(stack.get(), &profiles[index]), 0);
  }
  return stack;
}

template <typename Peer>
struct Datagram : Peer {
  Datagram() {
    Peer::exchange.datagram = true;
    Peer::exchange.min_version = TLS1_1_VERSION;
  }
  // The body of this extension in the block; "none": not there.
  std::string body(MessageSet message, int type) {
    Octets block = Peer::write(message);
    View found;
    return find_extension(block, static_cast<uint16_t>(type), found) ? to_hex(found) : "none";
  }
  std::string selected() {
    const SRTP_PROTECTION_PROFILE* profile = Peer::negotiated.srtp_profile;
    return profile == nullptr ? "none" : profile->name;
  }
};
using Client = Datagram<Client12>;
using Server = Datagram<Server12>;

// --- use_srtp ---

TEST(ExtensionUseSrtp, Offer) {
  Client client;
  EXPECT_EQ(client.body(kInClientHello, kUseSrtp), "none");
  client.context.srtp_profiles = list_of({0});
  EXPECT_EQ(client.body(kInClientHello, kUseSrtp), "0002000100");
  EXPECT_NE(client.exchange.sent & extension_bit(kUseSrtp), 0U);
  client.request.srtp_profiles = list_of({2, 1, 0});
  EXPECT_EQ(client.body(kInClientHello, kUseSrtp), "000600070002000100");
  client.exchange.datagram = false;
  EXPECT_EQ(client.body(kInClientHello, kUseSrtp), "none");
  EXPECT_EQ(client.exchange.sent & extension_bit(kUseSrtp), 0U);
}

TEST(ExtensionUseSrtp, Accept) {
  Client client;
  client.context.srtp_profiles = list_of({0, 1});
  EXPECT_OK(client.reads(kUseSrtp, "0002 0002 00"));
  EXPECT_EQ(client.selected(), "32");
  EXPECT_OK(client.reads(kUseSrtp, "0002 0001 00"));
  EXPECT_EQ(client.selected(), "80");
}

TEST(ExtensionUseSrtp, AnswersThatAreMalformed) {
  Octets good = hex("0002 0002 00");
  for (size_t length = 0; length < good.size(); ++length) {
    Client client;
    client.context.srtp_profiles = list_of({0, 1});
    Octets part(good.begin(), good.begin() + static_cast<ptrdiff_t>(length));
    EXPECT_FATAL(client.reads(kUseSrtp, part), decode_error,
                 SSL_R_BAD_SRTP_PROTECTION_PROFILE_LIST);
    EXPECT_EQ(client.selected(), "none");
  }
  for (const char* body : {"0004 0001 0002 00", "0000 00", "0003 000100 00", "0002 0002 00 00",
                           "0002 0002 01", "0002 0002 02 01"}) {
    Client client;
    client.context.srtp_profiles = list_of({0, 1});
    EXPECT_FATAL(client.reads(kUseSrtp, body), decode_error,
                 SSL_R_BAD_SRTP_PROTECTION_PROFILE_LIST);
    EXPECT_EQ(client.selected(), "none");
  }
}

TEST(ExtensionUseSrtp, AnswersThatWereNotOffered) {
  Client client;
  client.context.srtp_profiles = list_of({0, 1});
  EXPECT_FATAL(client.reads(kUseSrtp, "0002 0007 00"), illegal_parameter,
               SSL_R_BAD_SRTP_PROTECTION_PROFILE_LIST);
  EXPECT_FATAL(client.reads(kUseSrtp, "0002 0001 01 aa"), illegal_parameter,
               SSL_R_BAD_SRTP_MKI_VALUE);
  client.context.srtp_profiles.reset();
  EXPECT_FATAL(client.reads(kUseSrtp, "0002 0001 00"), decode_error, SSL_R_NO_SRTP_PROFILES);
  client.mark_sent({});
  EXPECT_FATAL(client.reads(kUseSrtp, "0002 0001 00"), unsupported_extension,
               SSL_R_UNSOLICITED_EXTENSION);
  EXPECT_EQ(client.selected(), "none");
}

TEST(ExtensionUseSrtp, TheServersPreferenceCounts) {
  Server server;
  server.context.srtp_profiles = list_of({1, 0});
  EXPECT_OK(server.reads(kUseSrtp, "0006 0007 0001 0002 00"));
  EXPECT_EQ(server.selected(), "32");
  EXPECT_EQ(server.answer(), "000e00050002000200");
  server.request.srtp_profiles = list_of({0, 1});
  EXPECT_OK(server.reads(kUseSrtp, "0006 0007 0001 0002 00"));
  EXPECT_EQ(server.answer(), "000e00050002000100");
  // 4.1.3: an MKI is given up.
  EXPECT_OK(server.reads(kUseSrtp, "0002 0002 03 010203"));
  EXPECT_EQ(server.answer(), "000e00050002000200");
}

TEST(ExtensionUseSrtp, NothingInCommonIsNotAnswered) {
  Server server;
  server.context.srtp_profiles = list_of({0});
  EXPECT_OK(server.reads(kUseSrtp, "0002 0001 00"));
  EXPECT_EQ(server.selected(), "80");
  EXPECT_OK(server.reads(kUseSrtp, "0004 0007 0002 00"));
  EXPECT_EQ(server.selected(), "none");
  EXPECT_EQ(server.answer(), "");
  EXPECT_OK(server.reads(kUseSrtp, "0002 0001 00"));
  EXPECT_OK(server.read(kInClientHello, {}));
  EXPECT_EQ(server.selected(), "none") << "a later hello without the extension";
}

TEST(ExtensionUseSrtp, OffersThatAreMalformed) {
  Octets good = hex("0004 0001 0002 01 aa");
  for (size_t length = 0; length <= good.size(); ++length) {
    Server server;
    Octets part(good.begin(), good.begin() + static_cast<ptrdiff_t>(length));
    EXPECT_OK(server.reads(kUseSrtp, part));  // nothing to do with a server without profiles
    server.context.srtp_profiles = list_of({0, 1});
    Verdict verdict = server.reads(kUseSrtp, part);
    if (length == good.size()) {
      EXPECT_OK(verdict);
    } else if (length == good.size() - 1) {
      EXPECT_FATAL(verdict, decode_error, SSL_R_BAD_SRTP_MKI_VALUE);
    } else {
      EXPECT_FATAL(verdict, decode_error, SSL_R_BAD_SRTP_PROTECTION_PROFILE_LIST);
    }
  }
  Server server;
  server.context.srtp_profiles = list_of({0, 1});
  EXPECT_FATAL(server.reads(kUseSrtp, "0000 00"), decode_error,
               SSL_R_BAD_SRTP_PROTECTION_PROFILE_LIST);
  EXPECT_FATAL(server.reads(kUseSrtp, "0003 000100 00"), decode_error,
               SSL_R_BAD_SRTP_PROTECTION_PROFILE_LIST);
  EXPECT_FATAL(server.reads(kUseSrtp, "0002 0001 00 00"), decode_error, SSL_R_BAD_SRTP_MKI_VALUE);
}

TEST(ExtensionUseSrtp, MisplacedOnStreams) {
  Octets block = extension(kUseSrtp, hex("0002 0001 00"));
  Server12 server;
  server.context.srtp_profiles = list_of({0});
  EXPECT_FATAL(server.read(kInClientHello, block), illegal_parameter, SSL_R_BAD_EXTENSION);
  EXPECT_FATAL(Side(true).read(kInClientHello, minimal_hello() + block), illegal_parameter,
               SSL_R_BAD_EXTENSION);
  Client12 client;
  client.context.srtp_profiles = list_of({0});
  EXPECT_FATAL(client.read(kInServerHello12, block), illegal_parameter, SSL_R_BAD_EXTENSION);
}

// --- What is of TLS 1.3 ---

constexpr uint16_t kOfTls13[] = {
    TLSEXT_TYPE_supported_versions,
    TLSEXT_TYPE_psk_kex_modes,
    TLSEXT_TYPE_key_share,
    TLSEXT_TYPE_cookie,
    TLSEXT_TYPE_early_data,
    TLSEXT_TYPE_post_handshake_auth,
    TLSEXT_TYPE_psk,
    TLSEXT_TYPE_certificate_authorities,
};

TEST(ExtensionDatagram, NothingOfTls13IsSent) {
  Client client;
  client.exchange.cookie = Bytes();
  ASSERT_TRUE(client.exchange.cookie.assign(hex("c0")));
  client.policy.edit()->options &= ~uint64_t{SSL_OP_NO_TICKET};
  Octets hello = client.write(kInClientHello);
  View body;
  for (uint16_t type : kOfTls13) EXPECT_FALSE(find_extension(hello, type, body)) << type;
}

TEST(ExtensionDatagram, WhatIsOfTls13IsPassedOver) {
  for (uint16_t type : kOfTls13) {
    Server server;
    EXPECT_OK(server.reads(type, "ff ff ff"));
    Client client;
    EXPECT_FATAL(client.reads(type, "ff ff ff"), illegal_parameter, SSL_R_BAD_EXTENSION);
  }
}

// --- Contexts of the application's extensions ---

constexpr uint16_t kOwn = 0x1234;

struct Calls {
  int added = 0, parsed = 0;
};

int add_own(SSL*, unsigned, unsigned, const unsigned char** out, size_t* length, X509*, size_t,
            int*, void* calls) {
  static constexpr unsigned char kBody[] = {0xab};
  ++static_cast<Calls*>(calls)->added;
  *out = kBody;
  *length = sizeof kBody;
  return 1;
}

int parse_own(SSL*, unsigned, unsigned, const unsigned char*, size_t, X509*, size_t, int*,
              void* calls) {
  ++static_cast<Calls*>(calls)->parsed;
  return 1;
}

void register_own(Side& side, Calls& calls, uint32_t limit) {
  CustomExtension custom;
  custom.type = kOwn;
  custom.context = SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO | limit;
  custom.add = add_own;
  custom.parse = parse_own;
  custom.add_argument = custom.parse_argument = &calls;
  ASSERT_TRUE(side.credentials.edit()->custom_extensions.push_back(custom));
}

// What both sides do with an extension of this context.
std::string treatment(uint32_t limit, bool datagram) {
  Calls calls;
  Client12 client;
  client.exchange.datagram = datagram;
  register_own(client, calls, limit);
  Octets hello = client.write(kInClientHello);
  View body;
  std::string said = find_extension(hello, kOwn, body) ? "sent, " : "kept back, ";
  Server12 server;
  server.exchange.datagram = datagram;
  register_own(server, calls, limit);
  Verdict verdict = server.reads(kOwn, "ab");
  said += verdict.ok() ? (calls.parsed == 0 ? "passed over" : "read") : describe(verdict);
  if (verdict.ok())
    said += server.answer() ==
                    "1234"
                    "0001"
                    "ab"
                ? ", answered"
                : ", no answer";
  return said;
}

TEST(ExtensionDatagram, ContextsOfCustomExtensions) {
  std::string refused =
      "kept back, " + describe(fatal(Alert::illegal_parameter, SSL_R_BAD_EXTENSION));
  std::string used = "sent, read, answered";
  EXPECT_EQ(treatment(0, true), used);
  EXPECT_EQ(treatment(0, false), used);
  EXPECT_EQ(treatment(SSL_EXT_DTLS_ONLY, true), used);
  EXPECT_EQ(treatment(SSL_EXT_DTLS_ONLY, false), refused);
  EXPECT_EQ(treatment(SSL_EXT_TLS_ONLY, true), refused);
  EXPECT_EQ(treatment(SSL_EXT_TLS_ONLY, false), used);
  EXPECT_EQ(treatment(SSL_EXT_TLS_IMPLEMENTATION_ONLY, true), "kept back, passed over, no answer");
  EXPECT_EQ(treatment(SSL_EXT_TLS_IMPLEMENTATION_ONLY, false), used);
  EXPECT_EQ(treatment(SSL_EXT_TLS1_3_ONLY, true), "kept back, passed over, no answer");
  EXPECT_EQ(treatment(SSL_EXT_TLS1_2_AND_BELOW_ONLY, true), used);
}

}  // namespace
}  // namespace handfast::test
