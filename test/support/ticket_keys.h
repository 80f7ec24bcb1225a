// An application's own keys of tickets.
#pragma once

#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

#include "loggers.h"

namespace twin {

/// Keys and answers of the ticket-key callbacks, and what they were asked.
struct Keys {
  int answer_encrypt = 1, answer_decrypt = 1;
  const EVP_CIPHER* cipher = EVP_aes_256_cbc();
  const char* digest = "SHA256";
  unsigned char name = 'k';
  Lines lines{};

  static int index() {
    static int value = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return value;
  }
  static Keys* of(SSL* ssl) {
    return static_cast<Keys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index()));
  }
  /// The answer; 0 without any keys set.
  int choose(SSL* ssl, unsigned char* key_name, unsigned char* iv, EVP_CIPHER_CTX* context,
             bool encrypt, const char* kind) {
    lines.push_back(text("%s in %s, encrypt %d, name %02x..%02x", kind, SSL_state_string(ssl),
                         encrypt, encrypt ? 0 : key_name[0], encrypt ? 0 : key_name[15]));
    int answer = encrypt ? answer_encrypt : answer_decrypt;
    if (answer <= 0) return answer;
    if (encrypt) {
      std::memset(key_name, name, 16);
      std::memset(iv, 'v', static_cast<size_t>(EVP_CIPHER_get_iv_length(cipher)));
    } else if (key_name[0] != name) {
      return 0;
    }
    unsigned char key[32];
    std::memset(key, name, sizeof key);
    EVP_CipherInit_ex(context, cipher, nullptr, key, iv, encrypt);
    return answer;
  }
  void attach_evp(SSL_CTX* context) {
    SSL_CTX_set_ex_data(context, index(), this);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(
        context, [](SSL* ssl, unsigned char* key_name, unsigned char* iv,
                    EVP_CIPHER_CTX* cipher_ctx, EVP_MAC_CTX* mac, int encrypt) {
          Keys* self = of(ssl);
          int answer = self->choose(ssl, key_name, iv, cipher_ctx, encrypt != 0, "evp");
          if (answer <= 0) return answer;
          unsigned char key[32] = {'m'};
          OSSL_PARAM parameters[] = {
              OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key, sizeof key),
              OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
                                               const_cast<char*>(self->digest), 0),
              OSSL_PARAM_construct_end()};
          EVP_MAC_CTX_set_params(mac, parameters);
          return answer;
        });
  }
  static int legacy(SSL* ssl, unsigned char* key_name, unsigned char* iv,
                    EVP_CIPHER_CTX* cipher_ctx, HMAC_CTX* mac, int encrypt) {
    Keys* self = of(ssl);
    int answer = self->choose(ssl, key_name, iv, cipher_ctx, encrypt != 0, "legacy");
    if (answer <= 0) return answer;
    unsigned char key[32] = {'m'};
    HMAC_Init_ex(mac, key, sizeof key, EVP_get_digestbyname(self->digest), nullptr);
    return answer;
  }
  void attach_legacy(SSL_CTX* context) {
    SSL_CTX_set_ex_data(context, index(), this);
    SSL_CTX_set_tlsext_ticket_key_cb(context, legacy);
  }
  void tell() {
    print("ticket keys", lines);
    lines.clear();
  }
};

}  // namespace twin
