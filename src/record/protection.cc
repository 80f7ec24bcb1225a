#include "record/protection.h"

#include <openssl/evp.h>

#include <cstring>

namespace handfast {

namespace {

constexpr int kKeep = -1;  // EVP_CipherInit_ex: the direction stays

bool is_ccm(const CipherSuite& suite) {
  return suite.cipher == CipherId::aes128_ccm || suite.cipher == CipherId::aes128_ccm8;
}

bool cipher_update(EVP_CIPHER_CTX* context, uint8_t* out, View in) {
  int length = 0;
  return EVP_CipherUpdate(context, out, &length, in.data(), static_cast<int>(in.size())) > 0;
}

}  // namespace

Verdict Protection::install(const Algorithms& algorithms, const CipherSuite& suite,
                            const TrafficSecret& secret, bool seal) {
  const EVP_CIPHER* cipher = algorithms.cipher(suite.cipher);
  if (cipher == nullptr) return internal_error(ERR_R_EVP_LIB);
  TrafficKeys keys;
  if (!secret.keys(static_cast<size_t>(EVP_CIPHER_get_key_length(cipher)), keys)) {
    return internal_error();
  }
  EvpCipherCtxPtr context = std::move(context_);
  if (context == nullptr) context.reset(EVP_CIPHER_CTX_new());
  if (context == nullptr) return malloc_failure();
  one_update_ = is_ccm(suite);
  if (EVP_CipherInit_ex(context.get(), cipher, nullptr, nullptr, nullptr, seal ? 1 : 0) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_IVLEN, sizeof iv_, nullptr) <= 0 ||
      (one_update_ &&
       EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, suite.tag_length, nullptr) <= 0) ||
      EVP_CipherInit_ex(context.get(), nullptr, nullptr, keys.key.view().data(), nullptr, kKeep) !=
          1) {
    return internal_error(ERR_R_EVP_LIB);
  }
  context_ = std::move(context);
  suite_ = &suite;
  sequence_ = 0;
  std::memcpy(iv_, keys.iv.view().data(), sizeof iv_);
  return success();
}

size_t Protection::overhead() const {
  return active() ? 1 + static_cast<size_t>(suite_->tag_length) : 0;
}

// Nonce (RFC 8446 5.3), the expected tag when opening, and the additional data.
bool Protection::start_record(size_t plaintext_length, View header, const uint8_t* tag) {
  uint8_t nonce[sizeof iv_];
  std::memcpy(nonce, iv_, sizeof nonce);
  for (size_t i = 0; i < sizeof sequence_; ++i) {
    nonce[sizeof nonce - 1 - i] ^= static_cast<uint8_t>(sequence_ >> (8 * i));
  }
  EVP_CIPHER_CTX* context = context_.get();
  if (EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, nonce, kKeep) != 1) return false;
  if (tag != nullptr && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, suite_->tag_length,
                                            const_cast<uint8_t*>(tag)) <= 0) {
    return false;
  }
  int length = 0;
  if (one_update_ && EVP_CipherUpdate(context, nullptr, &length, nullptr,
                                      static_cast<int>(plaintext_length)) <= 0) {
    return false;
  }
  return cipher_update(context, nullptr, header);
}

Verdict Protection::seal(View header, View content, ContentType type, size_t padding,
                         uint8_t* out) {
  // RFC 8446 5.3: sequence numbers never wrap.
  if (sequence_ == UINT64_MAX) return internal_error();
  uint8_t* tail = out + content.size();
  size_t tail_length = 1 + padding;
  tail[0] = static_cast<uint8_t>(type);
  std::memset(tail + 1, 0, padding);

  EVP_CIPHER_CTX* context = context_.get();
  bool ok = start_record(content.size() + tail_length, header, nullptr);
  if (one_update_) {
    if (!content.empty()) std::memcpy(out, content.data(), content.size());
    ok = ok && cipher_update(context, out, {out, content.size() + tail_length});
  } else {
    ok = ok && (content.empty() || cipher_update(context, out, content)) &&
         cipher_update(context, tail, {tail, tail_length});
  }
  int length = 0;
  uint8_t* tag = tail + tail_length;
  if (!ok || EVP_CipherFinal_ex(context, tag, &length) <= 0 ||
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, suite_->tag_length, tag) <= 0) {
    return internal_error(ERR_R_EVP_LIB);
  }
  ++sequence_;
  return success();
}

Verdict Protection::open(View header, std::span<uint8_t> ciphertext,
                         std::span<uint8_t>& plaintext) {
  if (sequence_ == UINT64_MAX) return internal_error();
  constexpr Alert kAlert = Alert::bad_record_mac;
  constexpr int kReason = SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC;
  if (ciphertext.size() < suite_->tag_length) return fatal(kAlert, kReason);
  plaintext = ciphertext.first(ciphertext.size() - suite_->tag_length);
  if (!start_record(plaintext.size(), header, ciphertext.data() + plaintext.size())) {
    return internal_error(ERR_R_EVP_LIB);
  }
  EVP_CIPHER_CTX* context = context_.get();
  // CCM checks the tag in its one update, the others at the end.
  uint8_t unused[EVP_MAX_BLOCK_LENGTH];
  int length = 0;
  bool ok = ((plaintext.empty() && !one_update_) ||
             cipher_update(context, plaintext.data(), plaintext)) &&
            EVP_CipherFinal_ex(context, unused, &length) > 0;
  if (!ok) return fatal(kAlert, kReason);
  ++sequence_;
  return success();
}

}  // namespace handfast
