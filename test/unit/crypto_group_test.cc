// Named groups: the table, agreement in each, and every share that must be refused.
#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <set>

#include "crypto/group.h"
#include "crypto_test_support.h"

namespace handfast::crypto_test {
namespace {

const Group* by_name(std::string_view name) {
  return default_algorithms().groups().find_by_name(name.data(), name.size());
}

TEST(Groups, DefaultsAreOpenssls) {
  const std::vector<uint16_t> expected = {29, 23, 30, 25, 24, 0x100, 0x101, 0x102, 0x103, 0x104};
  auto defaults = default_algorithms().groups().defaults();
  EXPECT_EQ(std::vector<uint16_t>(defaults.begin(), defaults.end()), expected);
  for (uint16_t id : defaults) EXPECT_TRUE(find_group(id)->fits_tls13());
}

// RFC 8446 4.2.7 for TLS 1.3; DTLS has the curves of TLS, and neither has finite fields before 1.3.
TEST(Groups, Versions) {
  auto last = [](const char* name, bool datagram) {
    int found = 0;
    for (int version : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
      if (by_name(name)->fits(datagram, version, version)) found = version;
    }
    return found;
  };
  EXPECT_EQ(last("X25519", false), TLS1_3_VERSION);
  EXPECT_EQ(last("secp256k1", false), TLS1_2_VERSION);
  EXPECT_EQ(last("secp256k1", true), TLS1_2_VERSION);
  EXPECT_EQ(last("ffdhe2048", false), TLS1_3_VERSION);
  EXPECT_EQ(last("ffdhe2048", true), 0);
  EXPECT_TRUE(by_name("P-256")->fits(true, TLS1_1_VERSION, TLS1_1_VERSION));
  EXPECT_FALSE(by_name("ffdhe2048")->fits(false, TLS1_VERSION, TLS1_2_VERSION));
}

TEST(Groups, FoundByEveryName) {
  for (const char* name : {"P-256", "prime256v1", "secp256r1"}) {
    ASSERT_NE(by_name(name), nullptr) << name;
    EXPECT_EQ(by_name(name)->id, 23);
  }
  EXPECT_EQ(by_name("X25519")->id, 29);
  EXPECT_EQ(by_name("x25519")->id, 29);
  EXPECT_EQ(by_name("K-163")->id, 1);
  EXPECT_EQ(by_name("prime192v1")->id, 19);
  EXPECT_EQ(by_name("brainpoolP512r1")->id, 28);
  EXPECT_EQ(by_name("ffdhe8192")->id, 0x104);
  EXPECT_EQ(find_group_by_nid(NID_secp384r1)->id, 24);
  EXPECT_EQ(by_name("p-256"), nullptr) << "names are case sensitive";
  EXPECT_EQ(by_name(""), nullptr);
  EXPECT_EQ(find_group(0), nullptr);
  EXPECT_EQ(find_group_by_nid(NID_undef), nullptr);
}

TEST(Groups, RowsAreDistinct) {
  std::set<int> ids;
  std::set<int> nids;
  for (const Group& group : all_groups()) {
    EXPECT_TRUE(ids.insert(group.id).second) << group.name;
    EXPECT_TRUE(nids.insert(group.nid).second) << group.name;
  }
}

class EachGroup : public ::testing::TestWithParam<uint16_t> {};

TEST_P(EachGroup, BothSidesAgree) {
  const Group& group = *find_group(GetParam());
  const Algorithms& algorithms = default_algorithms();
  KeyShare client;
  KeyShare server;
  EXPECT_TRUE(client.public_bytes().empty());
  ASSERT_TRUE(client.generate(algorithms, group).ok());
  ASSERT_TRUE(server.generate(algorithms, group).ok());
  EXPECT_EQ(client.group(), &group);
  EXPECT_EQ(client.public_bytes().size(), group.share_length);
  EXPECT_NE(octets(client.public_bytes()), octets(server.public_bytes()));
  Bytes one;
  Bytes other;
  ASSERT_TRUE(client.derive(algorithms, server.public_bytes(), one).ok());
  ASSERT_TRUE(server.derive(algorithms, client.public_bytes(), other).ok());
  EXPECT_EQ(to_hex(one.view()), to_hex(other.view()));
  EXPECT_NE(client.take_peer_key(), nullptr);
  if (group.kind == Group::Kind::ffdhe) {
    EXPECT_EQ(one.size(), group.share_length);
  }
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST_P(EachGroup, RefusesWrongLengths) {
  const Group& group = *find_group(GetParam());
  KeyShare share;
  ASSERT_TRUE(share.generate(default_algorithms(), group).ok());
  Octets longer = octets(share.public_bytes());
  longer.push_back(0);
  Octets shorter(longer.begin(), longer.end() - 2);
  Bytes secret;
  for (const Octets& peer : {longer, shorter, Octets()}) {
    expect_failed(share.derive(default_algorithms(), peer, secret), Alert::illegal_parameter,
                  SSL_R_BAD_ECPOINT);
  }
  ERR_clear_error();
}

std::vector<uint16_t> every_id() {
  std::vector<uint16_t> ids;
  for (const Group& group : all_groups()) ids.push_back(group.id);
  return ids;
}

std::string group_label(uint16_t id) {
  std::string name = find_group(id)->standard_name;
  return name;
}

INSTANTIATE_TEST_SUITE_P(Table, EachGroup, ::testing::ValuesIn(every_id()),
                         [](const auto& id) { return group_label(id.param); });

class Refused : public ::testing::Test {
 protected:
  void expect_refused(const Octets& peer, int reason = SSL_R_BAD_ECPOINT) {
    Bytes secret;
    expect_failed(share_.derive(default_algorithms(), peer, secret), Alert::illegal_parameter,
                  reason);
    ERR_clear_error();
  }
  void generate(uint16_t id) {
    ASSERT_TRUE(share_.generate(default_algorithms(), *find_group(id)).ok());
  }

  KeyShare share_;
};

TEST_F(Refused, PointsThatAreNotUncompressedOrNotOnTheCurve) {
  for (uint16_t id : {23, 24, 25}) {
    SCOPED_TRACE(id);
    generate(id);
    const Octets good = octets(share_.public_bytes());
    const size_t coordinate = (good.size() - 1) / 2;
    Octets off_curve = good;
    off_curve.back() ^= 1;
    expect_refused(off_curve);
    for (uint8_t form : {0, 2, 3, 5, 6, 7}) {
      Octets other = good;
      other[0] = form;
      expect_refused(other);
    }
    Octets compressed(good.begin(), good.begin() + 1 + static_cast<long>(coordinate));
    compressed[0] = static_cast<uint8_t>(2 + (good.back() & 1));
    expect_refused(compressed);
    expect_refused({0});  // infinity
    Octets zeros(good.size(), 0);
    zeros[0] = 4;
    expect_refused(zeros);
    Octets over(good.size(), 0xff);  // coordinates above the field's prime
    over[0] = 4;
    expect_refused(over);
  }
}

TEST_F(Refused, X25519PointsOfSmallOrder) {
  generate(29);
  for (const char* point : {"0000000000000000000000000000000000000000000000000000000000000000",
                            "0100000000000000000000000000000000000000000000000000000000000000",
                            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    expect_refused(from_hex(point), SSL_R_BAD_KEY_SHARE);
  }
}

TEST_F(Refused, X448PointsOfSmallOrder) {
  generate(30);
  Octets point(56, 0);
  expect_refused(point, SSL_R_BAD_KEY_SHARE);
  point[0] = 1;
  expect_refused(point, SSL_R_BAD_KEY_SHARE);
}

Octets prime_of(const Group& group) {
  KeyShare share;
  EXPECT_TRUE(share.generate(default_algorithms(), group).ok());
  EvpPkeyPtr key = share.take_private_key();
  BIGNUM* prime = nullptr;
  EXPECT_EQ(EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_FFC_P, &prime), 1);
  Octets out(group.share_length);
  EXPECT_EQ(BN_bn2binpad(prime, out.data(), static_cast<int>(out.size())), group.share_length);
  BN_free(prime);
  return out;
}

// RFC 7919 5.1: 1 < y < p - 1.
TEST_F(Refused, FiniteFieldSharesOutOfBounds) {
  for (uint16_t id : {0x100, 0x101, 0x102, 0x103, 0x104}) {
    const Group& group = *find_group(id);
    SCOPED_TRACE(group.name);
    generate(id);
    Octets small(group.share_length, 0);
    expect_refused(small);
    small.back() = 1;
    expect_refused(small);
    Octets large = prime_of(group);
    expect_refused(large);
    large.back() -= 1;
    expect_refused(large);
    expect_refused(Octets(group.share_length, 0xff));
    small.back() = 2;
    Bytes secret;
    EXPECT_TRUE(share_.derive(default_algorithms(), small, secret).ok());
    large.back() -= 1;
    EXPECT_TRUE(share_.derive(default_algorithms(), large, secret).ok());
  }
}

// RFC 8446 7.4.1: "padded to the size of the prime".
TEST(FiniteField, SecretKeepsLeadingZeros) {
  KeyShare share;
  ASSERT_TRUE(share.generate(default_algorithms(), *find_group(0x100)).ok());
  bool seen = false;
  for (int power = 1; power < 2000 && !seen; ++power) {
    Octets peer(256, 0);
    peer[255 - static_cast<size_t>(power) / 8] = static_cast<uint8_t>(1 << power % 8);
    Bytes secret;
    ASSERT_TRUE(share.derive(default_algorithms(), peer, secret).ok());
    ASSERT_EQ(secret.size(), 256U);
    seen = secret.data()[0] == 0;
  }
  EXPECT_TRUE(seen) << "no secret of 2000 began with a zero";
}

std::string vector_file(const char* name) {
  const char* folder = std::getenv("HANDFAST_VECTORS");
  std::string base = folder != nullptr ? folder : HANDFAST_SOURCE_DIR "/../shared/vectors";
  return base + "/" + name;
}

TEST(Wycheproof, X25519) {
  std::ifstream file(vector_file("x25519_test.json"));
  if (!file) {
    GTEST_SKIP() << "no " << vector_file("x25519_test.json")
                 << ": set HANDFAST_VECTORS to a folder with Wycheproof's x25519_test.json";
  }
  std::map<std::string, std::string> fields;
  std::string line;
  int run = 0;
  while (std::getline(file, line)) {
    size_t name = line.find('"');
    size_t colon = line.find("\": \"");
    if (name == std::string::npos || colon == std::string::npos) continue;
    size_t value = colon + 4;
    fields[line.substr(name + 1, colon - name - 1)] = line.substr(value, line.rfind('"') - value);
    if (line.find("\"result\"") == std::string::npos) continue;
    SCOPED_TRACE(++run);
    KeyShare share;
    KeyShareForTests::set(share, *find_group(29),
                          EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr,
                                                       from_hex(fields["private"]).data(), 32));
    Bytes secret;
    Verdict verdict = share.derive(default_algorithms(), from_hex(fields["public"]), secret);
    if (fields["shared"] == std::string(64, '0')) {
      EXPECT_FALSE(verdict.ok());
    } else {
      EXPECT_TRUE(verdict.ok());
      EXPECT_EQ(to_hex(secret.view()), fields["shared"]);
    }
  }
  ERR_clear_error();
  EXPECT_EQ(run, 518);
}

}  // namespace
}  // namespace handfast::crypto_test
