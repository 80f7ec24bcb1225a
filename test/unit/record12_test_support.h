// TLS 1.0 to 1.2 records computed a second time, straight from the RFCs through EVP, and the two
// ends of a protected direction.
#pragma once

#include <openssl/hmac.h>
#include <openssl/provider.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "crypto/cipher_class.h"
#include "record/record_keys.h"
#include "record_test_support.h"

namespace handfast::crypto_test {

// The default and the legacy provider (SEED) in a library context of their own.
inline const Algorithms& all_algorithms() {
  static const Algorithms* algorithms = [] {
    static Algorithms made;
    OSSL_LIB_CTX* library = OSSL_LIB_CTX_new();
    EXPECT_NE(OSSL_PROVIDER_load(library, "default"), nullptr);
    EXPECT_NE(OSSL_PROVIDER_load(library, "legacy"), nullptr);
    EXPECT_TRUE(made.fetch(library, nullptr));
    return &made;
  }();
  return *algorithms;
}

// A way to protect records.
struct Way {
  const CipherSuite* suite = nullptr;
  uint16_t version = TLS1_2_VERSION;
  bool encrypt_then_mac = false;

  std::string name() const {
    return std::string(suite->name) + " " + std::to_string(version) +
           (encrypt_then_mac ? " encrypt-then-MAC" : "");
  }
  bool cbc() const { return suite->cipher != CipherId::null && !is_aead(*suite); }
  bool mac_in_plaintext() const { return cbc() && !encrypt_then_mac; }
  bool explicit_iv() const { return version > TLS1_VERSION; }
};

// Each cipher with each MAC at each version, RFC 7366 on and off. GOST is excepted, and IDEA,
// which has a test of its own. Made before the tests run, and so without a call of libcrypto.
inline std::vector<Way> all_ways() {
  constexpr uint32_t kMacs = kMacMd5 | kMacSha1 | kMacSha256 | kMacSha384 | kMacAead;
  std::vector<Way> ways;
  std::vector<std::pair<CipherId, uint32_t>> seen;
  for (const CipherSuite& suite : tls12_suites()) {
    std::pair<CipherId, uint32_t> what(suite.cipher, suite.mac);
    if (is_signalling(suite) || suite.cipher == CipherId::other ||
        suite.cipher == CipherId::idea_cbc || (suite.mac & kMacs) == 0 ||
        std::find(seen.begin(), seen.end(), what) != seen.end()) {
      continue;
    }
    seen.push_back(what);
    for (uint16_t version : {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION}) {
      if (is_aead(suite) && version != TLS1_2_VERSION) continue;
      ways.push_back({&suite, version, false});
      if (!is_aead(suite)) ways.push_back({&suite, version, true});
    }
  }
  return ways;
}

// Key material cut from one pattern.
struct Material {
  explicit Material(const Way& way, uint8_t seed = 1) {
    RecordKeyLengths lengths = record_key_lengths(all_algorithms(), *way.suite, way.version);
    bytes = pattern(lengths.mac_key + lengths.key + lengths.iv, seed);
    View all(bytes);
    keys = {all.first(lengths.mac_key), all.subspan(lengths.mac_key, lengths.key),
            all.last(lengths.iv)};
  }
  Material(const Material&) = delete;
  Material& operator=(const Material&) = delete;
  Octets bytes;
  RecordKeys keys;
};

// What a crafted record does otherwise than it should.
struct Craft {
  size_t padding = SIZE_MAX;       // padding length; as short as it can be when not given
  size_t flip_padding = SIZE_MAX;  // offset, from the end, of a padding byte to change
  bool flip_mac = false;
};

// One writing direction, written from the RFCs.
class Reference {
 public:
  explicit Reference(const Way& way) : way_(way), material_(way) {
    if (way.cbc() && !way.explicit_iv()) chain_ = octets(material_.keys.iv);
  }

  Octets seal(uint8_t type, View content, const Craft& craft = {}) {
    Octets body = is_aead(*way_.suite) ? seal_aead(type, content) : seal_mac(type, content, craft);
    ++sequence_;
    return record(type, body, way_.version);
  }
  // The content of a record that somebody else has sealed; `ok` false when MAC, tag or padding is
  // wrong.
  Octets open(View sealed, bool& ok) {
    uint8_t type = sealed[0];
    View body = sealed.subspan(5);
    Octets content = is_aead(*way_.suite) ? open_aead(type, body, ok) : open_mac(type, body, ok);
    ++sequence_;
    return content;
  }

 private:
  Octets pseudo_header(uint8_t type, size_t length) const {
    Octets out;
    for (int i = 7; i >= 0; --i) out.push_back(static_cast<uint8_t>(sequence_ >> (8 * i)));
    out.insert(out.end(),
               {type, static_cast<uint8_t>(way_.version >> 8), static_cast<uint8_t>(way_.version),
                static_cast<uint8_t>(length >> 8), static_cast<uint8_t>(length)});
    return out;
  }
  Octets mac(uint8_t type, View content) const {
    Octets message = pseudo_header(type, content.size());
    message.insert(message.end(), content.begin(), content.end());
    Octets out(EVP_MAX_MD_SIZE);
    unsigned length = 0;
    View key = material_.keys.mac_key;
    HMAC(record_hash(all_algorithms(), *way_.suite), key.data(), static_cast<int>(key.size()),
         message.data(), message.size(), out.data(), &length);
    out.resize(length);
    return out;
  }
  const EVP_CIPHER* cipher() const { return all_algorithms().cipher(way_.suite->cipher); }
  size_t block() const { return static_cast<size_t>(EVP_CIPHER_get_block_size(cipher())); }

  Octets crypt(View iv, View input, bool encrypt) const {
    EvpCipherCtxPtr context(EVP_CIPHER_CTX_new());
    Octets out(input.size() + 64);
    int length = 0;
    EVP_CipherInit_ex(context.get(), cipher(), nullptr, material_.keys.key.data(), iv.data(),
                      encrypt ? 1 : 0);
    EVP_CIPHER_CTX_set_padding(context.get(), 0);
    EVP_CipherUpdate(context.get(), out.data(), &length, input.data(),
                     static_cast<int>(input.size()));
    EXPECT_EQ(static_cast<size_t>(length), input.size());
    out.resize(input.size());
    return out;
  }

  Octets seal_mac(uint8_t type, View content, const Craft& craft) {
    Octets inner = octets(content);
    bool mac_inside = !way_.cbc() || !way_.encrypt_then_mac;
    if (mac_inside) {
      Octets code = mac(type, content);
      if (craft.flip_mac) code[code.size() / 2] ^= 1;
      inner.insert(inner.end(), code.begin(), code.end());
    }
    if (!way_.cbc()) return inner;
    size_t shortest = block() - 1 - inner.size() % block();
    size_t padding = craft.padding == SIZE_MAX ? shortest : craft.padding;
    inner.insert(inner.end(), padding + 1, static_cast<uint8_t>(padding));
    if (craft.flip_padding != SIZE_MAX) inner[inner.size() - 1 - craft.flip_padding] ^= 1;
    EXPECT_EQ(inner.size() % block(), 0U);
    Octets body =
        way_.explicit_iv() ? pattern(block(), static_cast<uint8_t>(77 + sequence_)) : Octets();
    Octets encrypted = crypt(way_.explicit_iv() ? View(body) : View(chain_), inner, true);
    body.insert(body.end(), encrypted.begin(), encrypted.end());
    chain_.assign(body.end() - static_cast<long>(block()), body.end());
    if (!mac_inside) {
      Octets code = mac(type, body);
      if (craft.flip_mac) code[code.size() / 2] ^= 1;
      body.insert(body.end(), code.begin(), code.end());
    }
    return body;
  }

  Octets open_mac(uint8_t type, View body, bool& ok) {
    size_t mac_size = material_.keys.mac_key.size();
    ok = true;
    if (!way_.cbc() || way_.encrypt_then_mac) {
      View code = body.last(mac_size);
      body = body.first(body.size() - mac_size);
      ok = mac(type, body) == octets(code);
    }
    if (!way_.cbc()) return octets(body);
    Octets iv = way_.explicit_iv() ? octets(body.first(block())) : chain_;
    if (way_.explicit_iv()) body = body.subspan(block());
    Octets inner = crypt(iv, body, false);
    chain_ = octets(body.last(block()));
    uint8_t padding = inner.back();
    for (size_t i = 0; i <= padding; ++i, inner.pop_back()) ok = ok && inner.back() == padding;
    if (way_.encrypt_then_mac) return inner;
    Octets code(inner.end() - static_cast<long>(mac_size), inner.end());
    inner.resize(inner.size() - mac_size);
    ok = ok && mac(type, inner) == code;
    return inner;
  }

  bool chacha() const { return way_.suite->cipher == CipherId::chacha20_poly1305; }
  Octets nonce(View explicit_part) const {
    Octets out = octets(material_.keys.iv);
    out.insert(out.end(), explicit_part.begin(), explicit_part.end());
    if (chacha()) {
      for (size_t i = 0; i < 8; ++i) out[11 - i] ^= static_cast<uint8_t>(sequence_ >> (8 * i));
    }
    return out;
  }
  // Both directions; `tag` is read when opening and written when sealing.
  Octets aead(View explicit_part, View additional, View input, Octets& tag, bool encrypt,
              bool& ok) const {
    EvpCipherCtxPtr context(EVP_CIPHER_CTX_new());
    EVP_CIPHER_CTX* raw = context.get();
    bool ccm = EVP_CIPHER_get_mode(cipher()) == EVP_CIPH_CCM_MODE;
    int tag_length = way_.suite->tag_length;
    Octets out(input.size() + 32);
    int length = 0;
    EVP_CipherInit_ex(raw, cipher(), nullptr, nullptr, nullptr, encrypt ? 1 : 0);
    EVP_CIPHER_CTX_ctrl(raw, EVP_CTRL_AEAD_SET_IVLEN, 12, nullptr);
    if (!encrypt || ccm) {
      EVP_CIPHER_CTX_ctrl(raw, EVP_CTRL_AEAD_SET_TAG, tag_length, encrypt ? nullptr : tag.data());
    }
    EVP_CipherInit_ex(raw, nullptr, nullptr, material_.keys.key.data(), nonce(explicit_part).data(),
                      -1);
    if (ccm) EVP_CipherUpdate(raw, nullptr, &length, nullptr, static_cast<int>(input.size()));
    EVP_CipherUpdate(raw, nullptr, &length, additional.data(), static_cast<int>(additional.size()));
    ok = true;
    uint8_t nothing = 0;
    if (!input.empty() || ccm) {
      ok = EVP_CipherUpdate(raw, out.data(), &length, input.empty() ? &nothing : input.data(),
                            static_cast<int>(input.size())) > 0;
    }
    int unused = 0;
    ok = ok && EVP_CipherFinal_ex(raw, out.data() + input.size(), &unused) > 0;
    if (encrypt) {
      tag.resize(static_cast<size_t>(tag_length));
      EVP_CIPHER_CTX_ctrl(raw, EVP_CTRL_AEAD_GET_TAG, tag_length, tag.data());
    }
    out.resize(input.size());
    return out;
  }
  Octets seal_aead(uint8_t type, View content) const {
    Octets body = chacha() ? Octets() : pattern(8, static_cast<uint8_t>(sequence_ + 3));
    Octets tag;
    bool ok = false;
    Octets encrypted = aead(body, pseudo_header(type, content.size()), content, tag, true, ok);
    EXPECT_TRUE(ok);
    body.insert(body.end(), encrypted.begin(), encrypted.end());
    body.insert(body.end(), tag.begin(), tag.end());
    return body;
  }
  Octets open_aead(uint8_t type, View body, bool& ok) const {
    View explicit_part = body.first(chacha() ? 0 : 8);
    Octets tag = octets(body.last(way_.suite->tag_length));
    View input =
        body.subspan(explicit_part.size(), body.size() - explicit_part.size() - tag.size());
    return aead(explicit_part, pseudo_header(type, input.size()), input, tag, false, ok);
  }

  Way way_;
  Material material_;
  Octets chain_;
  uint64_t sequence_ = 0;
};

// Our two ends of a direction, both with the keys of `way`.
struct Ends {
  explicit Ends(const Way& way) {
    reader.set_version(way.version);
    writer.set_record_version(way.version);
    rekey(way, 1);
  }
  void rekey(const Way& way, uint8_t seed) {
    Material material(way, seed);
    EXPECT_TRUE(writer
                    .change_keys(all_algorithms(), *way.suite, way.version, material.keys,
                                 way.encrypt_then_mac)
                    .ok());
    EXPECT_TRUE(reader
                    .change_keys(all_algorithms(), *way.suite, way.version, material.keys,
                                 way.encrypt_then_mac)
                    .ok());
  }
  Octets seal(uint8_t type, View content) {
    Bytes out;
    EXPECT_TRUE(writer.seal(static_cast<ContentType>(type), content, out).ok());
    EXPECT_EQ(out.size(), writer.sealed_length(content.size()));
    return octets(out.view());
  }

  RecordWriter writer;
  RecordReader reader;
};

inline void expect_bad_record(RecordReader& reader, Octets input) {
  expect_refused(reader, std::move(input), Alert::bad_record_mac,
                 SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC);
}

}  // namespace handfast::crypto_test
