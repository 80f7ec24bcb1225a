// Curves and signature schemes that both sides can use in TLS <= 1.2.
#include "extension/preferences.h"

#include <gtest/gtest.h>

#include "extension_tls12_test_support.h"

namespace handfast::test {
namespace {

struct Server : Server12 {
  using Server12::Server12;
  void configure(std::initializer_list<uint16_t> groups) {
    EXPECT_TRUE(policy.edit()->groups.assign({groups.begin(), groups.size()}));
  }
  // The id of the curve for a client with these; 0: none.
  uint16_t choose(std::initializer_list<uint16_t> theirs) {
    EXPECT_TRUE(negotiated.peer_groups.assign({theirs.begin(), theirs.size()}));
    const Group* group = choose_shared_group(exchange);
    return group != nullptr ? group->id : 0;
  }
};

TEST(ExtensionPreferences, SharedGroup) {
  Server server;
  EXPECT_EQ(server.choose({24, 23, 29}), 24);
  EXPECT_EQ(server.choose({0x0a0a, 22, 30}), 30) << "GREASE, and not one of ours";
  EXPECT_EQ(server.choose({0x100, 0x104}), 0) << "TLS 1.3 alone";
  EXPECT_EQ(server.choose({}), 0);
  server.policy.edit()->options |= SSL_OP_CIPHER_SERVER_PREFERENCE;
  EXPECT_EQ(server.choose({24, 23, 29}), 29);
  server.configure({0x100, 22, 23});
  EXPECT_EQ(server.choose({0x100, 23, 22}), 22);
}

int forbid_p256(const SSL*, const SSL_CTX*, int operation, int, int, void* other, void*) {
  if (operation != SSL_SECOP_CURVE_SHARED) return 1;
  return static_cast<unsigned char*>(other)[1] != 23 ? 1 : 0;
}

TEST(ExtensionPreferences, SharedGroupAndSecurity) {
  Server server;
  server.policy.edit()->security_callback = forbid_p256;
  EXPECT_EQ(server.choose({23, 24}), 24);
}

// RFC 6460: the suite says the curve.
TEST(ExtensionPreferences, SharedGroupOfSuiteB) {
  Server server(kEcdheEcdsaAes128Gcm);
  server.policy.edit()->certificate_flags = SSL_CERT_FLAG_SUITEB_128_LOS;
  EXPECT_EQ(server.choose({24, 23}), 23);
  EXPECT_EQ(server.choose({24}), 0);
  EXPECT_EQ(server.choose({}), 23);
  server.set_suite(kEcdheEcdsaAes256Gcm);
  EXPECT_EQ(server.choose({23, 24}), 24);
  server.set_suite(kEcdheRsaAes128Gcm);
  EXPECT_EQ(server.choose({23, 24}), 0);
  server.negotiated.suite = nullptr;  // whatever the suite will be
  EXPECT_EQ(server.choose({24}), 24);
  EXPECT_EQ(choose_shared_group(server.exchange, *find_cipher_suite(kEcdheEcdsaAes128Gcm)),
            nullptr);
}

TEST(ExtensionPreferences, OfferedGroup) {
  Client12 client;
  for (uint16_t id : {29, 23, 30, 25, 24}) EXPECT_TRUE(offered_group_12(client.exchange, id)) << id;
  for (uint16_t id : {0, 22, 26, 0x100, 0x0a0a}) {
    EXPECT_FALSE(offered_group_12(client.exchange, id)) << id;
  }
  const uint16_t groups[] = {22, 23};
  ASSERT_TRUE(client.policy.edit()->groups.assign(groups));
  EXPECT_TRUE(offered_group_12(client.exchange, 22));
  EXPECT_FALSE(offered_group_12(client.exchange, 29));
  Client12 strict(kEcdheEcdsaAes256Gcm);
  strict.policy.edit()->certificate_flags = SSL_CERT_FLAG_SUITEB_128_LOS;
  EXPECT_TRUE(offered_group_12(strict.exchange, 24));
  EXPECT_FALSE(offered_group_12(strict.exchange, 23));
}

TEST(ExtensionPreferences, SharedSchemes) {
  Server12 server;
  // ecdsa_sha1, dsa_sha256, rsa_pkcs1_sha256, unknown; the security level decides about SHA-1.
  EXPECT_OK(server.reads(TLSEXT_TYPE_signature_algorithms, "0008 0203 0402 0401 0a0a"));
  const uint16_t schemes[] = {0x0401, 0x0402, 0x0203};
  ASSERT_TRUE(server.policy.edit()->signature_schemes.assign(schemes));
  server.policy.edit()->security_level = 0;
  ASSERT_TRUE(share_signature_schemes(server.exchange));
  const Array<uint16_t>& shared = server.negotiated.shared_signature_schemes;
  ASSERT_EQ(shared.size(), 3U);
  EXPECT_EQ(shared[0], 0x0203);
  EXPECT_EQ(shared[1], 0x0402);
  EXPECT_EQ(shared[2], 0x0401);
  server.policy.edit()->options |= SSL_OP_CIPHER_SERVER_PREFERENCE;
  ASSERT_TRUE(share_signature_schemes(server.exchange));
  EXPECT_EQ(shared[0], 0x0401);
  EXPECT_OK(server.read(kInClientHello, {}));
  ASSERT_TRUE(share_signature_schemes(server.exchange));
  EXPECT_TRUE(shared.empty());
}

// The CertificateRequest of TLS 1.2 names what TLS 1.3's may not.
TEST(ExtensionPreferences, WriteSchemes) {
  Server12 server;
  const uint16_t schemes[] = {0x0401, 0x0402};
  ASSERT_TRUE(server.policy.edit()->signature_schemes.assign(schemes));
  Bytes out;
  Writer writer(out);
  EXPECT_OK(write_signature_schemes(server.exchange, writer));
  EXPECT_EQ(to_hex(out.view()), "04010402");
  server.negotiated.version = TLS1_3_VERSION;
  EXPECT_FATAL(write_signature_schemes(server.exchange, writer), internal_error,
               SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM);
}

}  // namespace
}  // namespace handfast::test
