#include <gtest/gtest.h>
#include <openssl/err.h>

#include "config/cipher_list.h"
#include "config/cipher_order.h"
#include "config/method.h"
#include "config/name_lists.h"
#include "config/security.h"
#include "config/version_bounds.h"
#include "crypto/cipher_class.h"

namespace handfast {
namespace {

struct Range {
  int reason;
  uint16_t minimum, maximum;
  bool operator==(const Range&) const = default;
};

Range range_of(const Policy& policy, const Method* method) {
  Range range{};
  range.reason = version_range(policy, nullptr, method->min_version, method->max_version,
                               range.minimum, range.maximum);
  return range;
}

const Method* tls() {
  return find_method(TLS_ANY_VERSION, MethodRole::both);
}

TEST(VersionRange, WithoutLimitsIsTheMethods) {
  Policy policy;
  EXPECT_EQ(range_of(policy, tls()), (Range{0, TLS1_VERSION, TLS1_3_VERSION}));
  EXPECT_EQ(range_of(policy, find_method(DTLS_ANY_VERSION, MethodRole::client)),
            (Range{0, DTLS1_VERSION, DTLS1_2_VERSION}));
}

TEST(VersionRange, AHoleLeavesWhatIsBelowIt) {
  Policy policy;
  policy.options |= SSL_OP_NO_TLSv1_2;
  EXPECT_EQ(range_of(policy, tls()), (Range{0, TLS1_VERSION, TLS1_1_VERSION}));
  policy.options |= SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1;
  EXPECT_EQ(range_of(policy, tls()), (Range{0, TLS1_3_VERSION, TLS1_3_VERSION}));
  policy.options |= SSL_OP_NO_TLSv1_3;
  EXPECT_EQ(range_of(policy, tls()).reason, SSL_R_NO_PROTOCOLS_AVAILABLE);
}

TEST(VersionRange, BoundsAndSecurityLevels) {
  Policy policy;
  policy.min_version = TLS1_2_VERSION;
  EXPECT_EQ(range_of(policy, tls()), (Range{0, TLS1_2_VERSION, TLS1_3_VERSION}));
  policy.max_version = TLS1_2_VERSION;
  EXPECT_EQ(range_of(policy, tls()), (Range{0, TLS1_2_VERSION, TLS1_2_VERSION}));
  policy.min_version = TLS1_3_VERSION;
  EXPECT_EQ(range_of(policy, tls()).reason, SSL_R_NO_PROTOCOLS_AVAILABLE);
  policy.min_version = policy.max_version = 0;
  policy.security_level = 4;
  EXPECT_EQ(range_of(policy, tls()), (Range{0, TLS1_2_VERSION, TLS1_3_VERSION}));
}

TEST(VersionRange, MethodsOfOneVersionIgnoreAllLimits) {
  Policy policy;
  policy.options |= SSL_OP_NO_TLSv1_2;
  policy.min_version = TLS1_3_VERSION;
  EXPECT_EQ(range_of(policy, find_method(TLS1_2_VERSION, MethodRole::server)),
            (Range{0, TLS1_2_VERSION, TLS1_2_VERSION}));
}

TEST(Method, RowsAreOnePerRole) {
  for (int version : {TLS_ANY_VERSION, TLS1_3_VERSION, TLS1_2_VERSION, TLS1_1_VERSION, TLS1_VERSION,
                      DTLS_ANY_VERSION, DTLS1_2_VERSION, DTLS1_VERSION}) {
    const Method* both = find_method(version, MethodRole::both);
    const Method* client = find_method(version, MethodRole::client);
    const Method* server = find_method(version, MethodRole::server);
    ASSERT_TRUE(both && client && server);
    EXPECT_TRUE(both->client && both->server && client->client && server->server);
    EXPECT_FALSE(client->server || server->client);
  }
  EXPECT_EQ(find_method(SSL3_VERSION, MethodRole::both), nullptr);
}

TEST(CipherTable, IdsAreUniqueAndSorted) {
  int previous = -1;
  for (const CipherSuite& suite : tls12_suites()) {
    if (is_signalling(suite)) continue;
    EXPECT_GT(suite.id, previous);
    previous = suite.id;
    EXPECT_EQ(find_cipher_suite(suite.id), &suite);
    EXPECT_EQ(find_cipher_suite_by_name(suite.name, strlen(suite.name)), &suite);
  }
}

TEST(CipherOrder, StepsKeepTheOrderOfTheRest) {
  CipherOrder order;
  ASSERT_TRUE(order.fill({}));
  for (const CipherOrder::Entry& entry : order.entries()) EXPECT_FALSE(entry.enabled);
  const CipherSuite* first = order.entries()[0].suite;
  order.apply(CipherOrder::Step::add, {.enc = kEncAes128});
  EXPECT_EQ(order.entries()[0].suite, first);
  size_t enabled = 0;
  for (const CipherOrder::Entry& entry : order.entries()) enabled += entry.enabled;
  EXPECT_GT(enabled, 0u);
  // What is removed comes back in front.
  order.apply(CipherOrder::Step::remove, {});
  EXPECT_EQ(order.entries()[0].suite->enc, static_cast<uint32_t>(kEncAes128));
  size_t all = order.entries().size();
  order.apply(CipherOrder::Step::kill, {.enc = kEncAes128});
  EXPECT_EQ(order.entries().size(), all - enabled);
}

TEST(CipherOrder, LeavesOutWhatProvidersLack) {
  CipherOrder order;
  ASSERT_TRUE(order.fill({.kx = kKxRsa, .enc = kEncChacha20}));
  for (const CipherOrder::Entry& entry : order.entries()) {
    EXPECT_EQ(entry.suite->kx & kKxRsa, 0u);
    EXPECT_EQ(entry.suite->enc & kEncChacha20, 0u);
  }
}

TEST(NameLists, AFailureLeavesTheList) {
  Array<uint16_t> list;
  ProviderGroups known;
  ASSERT_TRUE(known.discover(nullptr, nullptr));
  ASSERT_TRUE(parse_groups(known, "X25519:P-256", list));
  ASSERT_EQ(list.size(), 2u);
  for (const char* bad : {"", "P-256:", "P-256:P-256", "nosuch", "P-256:nosuch"}) {
    EXPECT_FALSE(parse_groups(known, bad, list)) << bad;
    EXPECT_EQ(list.size(), 2u) << bad;
  }
  ASSERT_TRUE(parse_signature_schemes("RSA+SHA256", list));
  EXPECT_EQ(list[0], 0x0401);
  for (const char* bad : {"", "RSA", "RSA+", "+SHA256", "RSA+SHA256:RSA+SHA256", "dsa_sha256"}) {
    EXPECT_FALSE(parse_signature_schemes(bad, list)) << bad;
    EXPECT_EQ(list.size(), 1u) << bad;
  }
  ERR_clear_error();
}

TEST(NameLists, PssWithoutKindOfKeyIsForOrdinaryKeys) {
  Array<uint16_t> list;
  ASSERT_TRUE(parse_signature_schemes("RSA-PSS+SHA256:rsa_pss_pss_sha256", list));
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0], 0x0804);
  EXPECT_EQ(list[1], 0x0809);
}

// docs/differences.md: a string that selects nothing changes nothing.
TEST(CipherList, AFailureLeavesListAndLevel) {
  SSL_CTX* ctx = SSL_CTX_new(TLS_method());
  ASSERT_EQ(SSL_CTX_set_cipher_list(ctx, "AES128-SHA:@SECLEVEL=1"), 1);
  int count = sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(ctx));
  for (const char* bad :
       {"", "nosuch", "!ALL", "AES:@NOSUCH", "ALL:@SECLEVEL=4:@SECLEVEL=9", "AES/"}) {
    EXPECT_EQ(SSL_CTX_set_cipher_list(ctx, bad), 0) << bad;
    EXPECT_EQ(sk_SSL_CIPHER_num(SSL_CTX_get_ciphers(ctx)), count) << bad;
    EXPECT_EQ(SSL_CTX_get_security_level(ctx), 1) << bad;
  }
  ERR_clear_error();
  SSL_CTX_free(ctx);
}

TEST(Cow, EditingOneHolderLeavesTheOther) {
  Cow<Policy> first;
  ASSERT_TRUE(first.create());
  Cow<Policy> second = first;
  EXPECT_EQ(&*first, &*second);
  second.edit()->mode = 7;
  EXPECT_NE(first->mode, 7u);
  const Policy* before = &*second;
  EXPECT_EQ(second.edit(), before);
}

}  // namespace
}  // namespace handfast
