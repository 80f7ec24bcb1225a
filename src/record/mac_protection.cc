#include "record/mac_protection.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cstring>

#include "record/cbc_check.h"

namespace handfast {

namespace {

// RFC 5246 7.2.2: one answer to all that may be wrong, so that none of it can be told apart.
Verdict bad_record(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  return fatal(Alert::bad_record_mac, SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, file, line);
}

}  // namespace

Verdict MacProtection::install(const Algorithms& algorithms, const CipherSuite& suite,
                               uint16_t version, const RecordKeys& keys, bool encrypt_then_mac,
                               bool seal) {
  RecordKeyLengths lengths = record_key_lengths(algorithms, suite, version);
  if (keys.mac_key.size() != lengths.mac_key || keys.key.size() != lengths.key ||
      keys.iv.size() != lengths.iv) {
    return internal_error();
  }
  const EVP_MD* md = record_hash(algorithms, suite);
  if (md == nullptr || !mac_.start(md, keys.mac_key)) return internal_error(ERR_R_EVP_LIB);
  library_ = algorithms.library();
  encrypt_then_mac_ = encrypt_then_mac;
  if (suite.cipher == CipherId::null) return success();

  // Only for sealing: what opens a record is our own check, of which constant time is shown. For
  // these ciphers DTLS1_BAD_VER is older than TLS 1.1, and without explicit IVs.
  const EVP_CIPHER* cipher = seal && !encrypt_then_mac && version != DTLS1_BAD_VER
                                 ? record_cipher_with_mac(algorithms, suite)
                                 : nullptr;
  makes_mac_ = cipher != nullptr;
  if (cipher == nullptr) cipher = algorithms.cipher(suite.cipher);
  if (cipher == nullptr) return internal_error(ERR_R_EVP_LIB);
  context_.reset(EVP_CIPHER_CTX_new());
  if (context_ == nullptr) return malloc_failure();
  // With explicit IVs the chain just goes on from zeros: a random first block makes all that
  // follows as random as a random IV does, and the reader drops that block.
  uint8_t iv[EVP_MAX_IV_LENGTH] = {};
  if (!keys.iv.empty()) std::memcpy(iv, keys.iv.data(), keys.iv.size());
  if (EVP_CipherInit_ex(context_.get(), cipher, nullptr, keys.key.data(), iv, seal ? 1 : 0) != 1 ||
      EVP_CIPHER_CTX_set_padding(context_.get(), 0) != 1) {
    return internal_error(ERR_R_EVP_LIB);
  }
  if (makes_mac_ && EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_MAC_KEY,
                                        static_cast<int>(keys.mac_key.size()),
                                        const_cast<uint8_t*>(keys.mac_key.data())) <= 0) {
    return internal_error(ERR_R_EVP_LIB);
  }
  block_ = static_cast<uint8_t>(EVP_CIPHER_get_block_size(cipher));
  explicit_iv_ = version != TLS1_VERSION;
  return success();
}

size_t MacProtection::sealed_length(size_t length) const {
  size_t mac = mac_.size();
  if (context_ == nullptr) return length + mac;
  size_t encrypted = encrypt_then_mac_ ? length : length + mac;
  encrypted += block_ - encrypted % block_;
  return iv_length() + encrypted + (encrypt_then_mac_ ? mac : 0);
}

bool MacProtection::crypt(std::span<uint8_t> blocks) {
  return EVP_Cipher(context_.get(), blocks.data(), blocks.data(),
                    static_cast<unsigned>(blocks.size())) > 0;
}

// `blocks`: IV, if there is one on the wire, and content, with room for MAC and padding.
bool MacProtection::crypt_with_mac(PseudoHeader covered, std::span<uint8_t> blocks) {
  // The cipher wants the IV counted, and takes it off for the MAC.
  return EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_TLS1_AAD, kPseudoHeaderLength,
                             covered.bytes) > 0 &&
         crypt(blocks);
}

Verdict MacProtection::seal(uint64_t sequence, View header, View content, uint8_t* out) {
  size_t total = sealed_length(content.size());
  size_t iv = iv_length();
  bool mac_first = context_ == nullptr || !encrypt_then_mac_;
  if (iv > 0 && RAND_bytes_ex(library_, out, iv, 0) != 1) return internal_error(ERR_R_EVP_LIB);
  uint8_t* tail = out + iv;
  if (!content.empty()) std::memcpy(tail, content.data(), content.size());
  if (makes_mac_) {
    PseudoHeader covered(sequence, header, iv + content.size());
    return crypt_with_mac(covered, {out, total}) ? success() : internal_error(ERR_R_EVP_LIB);
  }
  tail += content.size();
  if (mac_first) {
    PseudoHeader covered(sequence, header, content.size());
    if (!mac_.compute(covered, content, tail)) return internal_error(ERR_R_EVP_LIB);
    tail += mac_.size();
  }
  if (context_ == nullptr) return success();

  uint8_t* end = out + total - (mac_first ? 0 : mac_.size());
  size_t padding = static_cast<size_t>(end - tail);
  std::memset(tail, static_cast<int>(padding - 1), padding);
  std::span<uint8_t> encrypted(out, end);
  if (!crypt(encrypted)) return internal_error(ERR_R_EVP_LIB);
  if (mac_first) return success();
  // RFC 7366 3: the MAC covers the IV and the ciphertext, and their length.
  PseudoHeader covered(sequence, header, encrypted.size());
  if (!mac_.compute(covered, encrypted, end)) return internal_error(ERR_R_EVP_LIB);
  return success();
}

Verdict MacProtection::authenticate(uint64_t sequence, View header, std::span<uint8_t>& body) {
  // As in OpenSSL, which agrees on RFC 7366 even without a block cipher.
  if (body.size() < mac_.size()) return fatal(Alert::decode_error, SSL_R_LENGTH_TOO_SHORT);
  std::span<uint8_t> received = body.last(mac_.size());
  body = body.first(body.size() - mac_.size());
  uint8_t expected[RecordMac::kMaxSize];
  if (!mac_.compute(PseudoHeader(sequence, header, body.size()), body, expected)) {
    return internal_error(ERR_R_EVP_LIB);
  }
  return equal_constant_time(received, {expected, mac_.size()}) ? success() : bad_record();
}

Verdict MacProtection::decrypt(uint64_t sequence, View header, std::span<uint8_t> body,
                               std::span<uint8_t>& plaintext) {
  size_t mac = encrypt_then_mac_ ? 0 : mac_.size();
  // Lengths on the wire are public. At least a length of padding stands behind IV and MAC.
  if (body.size() % block_ != 0 || body.size() < iv_length() + mac + 1) return bad_record();
  if (!crypt(body)) return internal_error(ERR_R_EVP_LIB);
  body = body.subspan(iv_length());
  if (encrypt_then_mac_) {
    size_t padding = body.back();
    if (padding >= body.size()) return bad_record();
    for (uint8_t byte : body.last(padding + 1)) {
      if (byte != padding) return bad_record();
    }
    plaintext = body.first(body.size() - 1 - padding);
    return success();
  }
  CbcCheck check;
  if (!check_cbc(mac_, PseudoHeader(sequence, header, 0), body, check)) {
    return internal_error(ERR_R_EVP_LIB);
  }
  if (check.good == 0) return bad_record();
  plaintext = body.first(check.length);
  return success();
}

Verdict MacProtection::open(uint64_t sequence, View header, std::span<uint8_t> ciphertext,
                            std::span<uint8_t>& plaintext) {
  if (context_ == nullptr || encrypt_then_mac_) {
    HANDFAST_CHECK(authenticate(sequence, header, ciphertext));
  }
  if (context_ != nullptr) return decrypt(sequence, header, ciphertext, plaintext);
  plaintext = ciphertext;
  return success();
}

}  // namespace handfast
