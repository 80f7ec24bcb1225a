// Hash states, HMAC, HKDF and the transcript, on the plain states and through EVP.
#include <gtest/gtest.h>
#include <openssl/hmac.h>

#include "crypto/hash.h"
#include "crypto/transcript.h"
#include "crypto_test_support.h"

namespace handfast::crypto_test {
namespace {

std::string hash_of(const EVP_MD* md, const Octets& data, size_t piece) {
  Hash hash;
  EXPECT_TRUE(hash.start(md));
  for (size_t at = 0; at < data.size(); at += piece) {
    EXPECT_TRUE(hash.update(View(data).subspan(at, std::min(piece, data.size() - at))));
  }
  uint8_t out[EVP_MAX_MD_SIZE];
  EXPECT_TRUE(hash.finish(out));
  return to_hex({out, hash.size()});
}

// EVP_sha256() has no provider: it goes through EVP. A fetched one of the default provider runs on
// the plain state.
TEST(Hash, BothWaysGiveTheSame) {
  const std::pair<const EVP_MD*, const EVP_MD*> ways[] = {
      {default_algorithms().hash(HashId::sha256), EVP_sha256()},
      {default_algorithms().hash(HashId::sha384), EVP_sha384()},
      {default_algorithms().hash(HashId::sha512), EVP_sha512()},
      {default_algorithms().hash(HashId::sha1), EVP_sha1()}};
  for (auto [fetched, plain] : ways) {
    for (size_t size : {0, 1, 55, 56, 63, 64, 65, 111, 112, 127, 128, 129, 1000}) {
      Octets data = pattern(size);
      uint8_t expected[EVP_MAX_MD_SIZE];
      unsigned length = 0;
      ASSERT_EQ(EVP_Digest(data.data(), size, expected, &length, plain, nullptr), 1);
      EXPECT_EQ(hash_of(fetched, data, 1000), to_hex({expected, length}));
      EXPECT_EQ(hash_of(fetched, data, 7), to_hex({expected, length}));
      EXPECT_EQ(hash_of(plain, data, 7), to_hex({expected, length}));
    }
  }
}

TEST(Hash, CopiesGoTheirOwnWays) {
  for (const EVP_MD* md : {default_algorithms().hash(HashId::sha256), EVP_sha256(),
                           default_algorithms().hash(HashId::sha384)}) {
    Hash first;
    Hash second;
    EXPECT_FALSE(first.started());
    EXPECT_FALSE(second.copy_from(first));
    ASSERT_TRUE(first.start(md));
    ASSERT_TRUE(first.update(as_view("abc")));
    ASSERT_TRUE(second.copy_from(first));
    ASSERT_TRUE(second.update(as_view("def")));
    uint8_t out[2][EVP_MAX_MD_SIZE];
    ASSERT_TRUE(first.finish(out[0]));
    ASSERT_TRUE(second.finish(out[1]));
    EXPECT_EQ(to_hex({out[0], first.size()}), hash_of(md, octets(as_view("abc")), 9));
    EXPECT_EQ(to_hex({out[1], first.size()}), hash_of(md, octets(as_view("abcdef")), 9));
  }
}

TEST(Hash, NotStartedFails) {
  Hash hash;
  uint8_t out[EVP_MAX_MD_SIZE];
  EXPECT_FALSE(hash.update(as_view("x")));
  EXPECT_FALSE(hash.finish(out));
}

TEST(HmacTest, EqualsLibcryptosForAllKeyLengths) {
  for (HashId id : {HashId::sha256, HashId::sha384, HashId::sha512, HashId::sha1}) {
    const EVP_MD* md = default_algorithms().hash(id);
    for (size_t key_length : {0, 1, 32, 48, 63, 64, 65, 127, 128, 129, 300}) {
      Octets key = pattern(key_length, 3);
      Octets data = pattern(100, 4);
      uint8_t expected[EVP_MAX_MD_SIZE];
      unsigned length = 0;
      HMAC(md, key.empty() ? reinterpret_cast<const uint8_t*>("") : key.data(),
           static_cast<int>(key_length), data.data(), data.size(), expected, &length);
      Secret out;
      ASSERT_TRUE(hmac(md, key, data, out));
      EXPECT_EQ(to_hex(out.view()), to_hex({expected, length})) << key_length;
      Hmac parts;
      uint8_t pieces[EVP_MAX_MD_SIZE];
      ASSERT_TRUE(parts.start(md, key));
      for (int again = 0; again < 2; ++again) {
        ASSERT_TRUE(parts.compute({View(data).first(33), {}, View(data).subspan(33)}, pieces));
        EXPECT_EQ(to_hex({pieces, parts.size()}), to_hex({expected, length}));
      }
    }
  }
}

// RFC 5869 appendix A.1 and A.3: extraction.
TEST(Hkdf, Rfc5869Extract) {
  Secret prk;
  const EVP_MD* md = default_algorithms().hash(HashId::sha256);
  ASSERT_TRUE(hkdf_extract(md, from_hex("000102030405060708090a0b0c"), Octets(22, 0x0b), prk));
  EXPECT_EQ(to_hex(prk.view()), "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
  ASSERT_TRUE(hkdf_extract(md, {}, Octets(22, 0x0b), prk));
  EXPECT_EQ(to_hex(prk.view()), "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04");
}

// HKDF-Expand by libcrypto over an HkdfLabel built here.
Octets expand_by_libcrypto(const EVP_MD* md, View secret, std::string_view label, View context,
                           size_t length) {
  std::string full = "tls13 " + std::string(label);
  Octets info = {static_cast<uint8_t>(length >> 8), static_cast<uint8_t>(length),
                 static_cast<uint8_t>(full.size())};
  info.insert(info.end(), full.begin(), full.end());
  info.push_back(static_cast<uint8_t>(context.size()));
  info.insert(info.end(), context.begin(), context.end());
  Octets out(length);
  Octets block;
  for (size_t at = 0; at < length; at += block.size()) {
    Octets input = block;
    input.insert(input.end(), info.begin(), info.end());
    input.push_back(static_cast<uint8_t>(block.empty() ? 1 : at / block.size() + 1));
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (HMAC(md, secret.data(), static_cast<int>(secret.size()), input.data(), input.size(), mac,
             &size) == nullptr) {
      ADD_FAILURE() << ERR_error_string(ERR_get_error(), nullptr);
      return {};
    }
    block.assign(mac, mac + size);
    std::copy_n(block.begin(), std::min(block.size(), length - at),
                out.begin() + static_cast<long>(at));
  }
  return out;
}

TEST(Hkdf, ExpandLabelOfAllLengths) {
  for (HashId id : {HashId::sha256, HashId::sha384}) {
    const EVP_MD* md = default_algorithms().hash(id);
    Octets secret = pattern(48, 9);
    for (size_t length : {1, 12, 16, 31, 32, 33, 48, 49, 100, 1000, 255 * 32}) {
      for (size_t context : {0, 1, 32, 48, 255}) {
        Octets value = pattern(context, 5);
        Octets out(length);
        ASSERT_TRUE(hkdf_expand_label(md, secret, as_view("some label"), value, out));
        EXPECT_EQ(out, expand_by_libcrypto(md, secret, "some label", value, length));
      }
    }
  }
}

TEST(Hkdf, ExpandLabelRefusesWhatHkdfLabelCannotHold) {
  const EVP_MD* md = default_algorithms().hash(HashId::sha256);
  Octets secret(32, 1);
  Octets out(16);
  EXPECT_TRUE(hkdf_expand_label(md, secret, Octets(249, 'x'), Octets(255, 1), out));
  EXPECT_FALSE(hkdf_expand_label(md, secret, Octets(250, 'x'), {}, out));
  EXPECT_FALSE(hkdf_expand_label(md, secret, as_view("l"), Octets(256, 1), out));
  Octets large(255 * 32 + 1);
  EXPECT_FALSE(hkdf_expand_label(md, secret, as_view("l"), {}, large));
}

TEST(TrafficSecretTest, UpdateIsTrafficUpd) {
  for (HashId id : {HashId::sha256, HashId::sha384}) {
    const EVP_MD* md = default_algorithms().hash(id);
    Octets value = pattern(static_cast<size_t>(EVP_MD_get_size(md)), 2);
    TrafficSecret secret = traffic_secret(id, value);
    ASSERT_TRUE(secret.update());
    EXPECT_EQ(to_hex(secret.view()),
              to_hex(expand_by_libcrypto(md, value, "traffic upd", {}, value.size())));
  }
}

TEST(ExporterSecretTest, DerivesByLabelAndContext) {
  const EVP_MD* md = default_algorithms().hash(HashId::sha256);
  Octets value = pattern(32, 2);
  Secret secret;
  secret.assign(value);
  ExporterSecret exporter(md, secret);
  Octets out(20);
  ASSERT_TRUE(exporter.derive(as_view("EXPORTER-x"), as_view("context"), out));
  Octets derived = expand_by_libcrypto(md, value, "EXPORTER-x", from_hex(hash_of(md, {}, 1)), 32);
  Octets context = from_hex(hash_of(md, octets(as_view("context")), 9));
  EXPECT_EQ(out, expand_by_libcrypto(md, derived, "exporter", context, 20));
  EXPECT_TRUE(ExporterSecret().empty());
  EXPECT_FALSE(exporter.empty());
}

TEST(TranscriptTest, SameBeforeAndAfterTheHashIsKnown) {
  for (const EVP_MD* md : {default_algorithms().hash(HashId::sha256),
                           default_algorithms().hash(HashId::sha384), EVP_sha256()}) {
    Transcript early;
    Transcript late;
    ASSERT_TRUE(early.start(md));
    Octets all;
    for (size_t size : {4, 200, 0, 90, 5000}) {
      Octets message = pattern(size, static_cast<uint8_t>(size));
      all.insert(all.end(), message.begin(), message.end());
      ASSERT_TRUE(early.add(message));
      ASSERT_TRUE(late.add(message));
    }
    EXPECT_FALSE(late.started());
    Digest one;
    Digest other;
    ASSERT_TRUE(late.hash_with(md, {}, other));
    ASSERT_TRUE(early.hash(one));
    EXPECT_EQ(to_hex(one.view()), to_hex(other.view()));
    ASSERT_TRUE(late.start(md));
    ASSERT_TRUE(late.hash(other));
    EXPECT_EQ(to_hex(other.view()), hash_of(md, all, all.size()));
    EXPECT_EQ(late.md(), md);
    Octets partial = pattern(33);
    ASSERT_TRUE(late.hash_with(md, partial, other));
    ASSERT_TRUE(early.add(partial));
    ASSERT_TRUE(early.hash(one));
    EXPECT_EQ(to_hex(one.view()), to_hex(other.view()));
  }
}

TEST(TranscriptTest, MessageHashAfterHelloRetryRequest) {
  const EVP_MD* md = default_algorithms().hash(HashId::sha384);
  Transcript transcript;
  Octets hello = pattern(120);
  ASSERT_TRUE(transcript.add(hello));
  ASSERT_TRUE(transcript.start(md));
  ASSERT_TRUE(transcript.replace_with_message_hash());
  Octets expected = from_hex("fe000030" + hash_of(md, hello, 120));
  Digest digest;
  ASSERT_TRUE(transcript.hash(digest));
  EXPECT_EQ(to_hex(digest.view()), hash_of(md, expected, 100));
}

}  // namespace
}  // namespace handfast::crypto_test
