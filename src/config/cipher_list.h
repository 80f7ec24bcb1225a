// Cipher strings (openssl-ciphers(1)) and the lists that they make.
#pragma once

#include <string_view>

#include "config/cipher_aliases.h"
#include "config/ciphers.h"
#include "config/context.h"
#include "config/policy.h"

namespace handfast {

// OSSL_default_cipher_list() and OSSL_default_ciphersuites().
constexpr const char* kDefaultCipherList = "ALL:!COMPLEMENTOFDEFAULT:!eNULL";
constexpr const char* kDefaultCiphersuites =
    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";

// Algorithms of cipher suites that the context's providers lack.
CipherPattern missing_algorithms(const Algorithms& algorithms);

// Settings that a cipher string may change beside the list: @SECLEVEL=n, SUITEB128.
struct CipherStringEffects {
  int security_level = 0;
  uint32_t certificate_flags = 0;
};

// The list that `rules` makes of the suites of TLS 1.2 and below, behind `suites13`. False with a
// reason in the queue when the rules are not understood, or make an empty list
// (SSL_R_NO_CIPHER_MATCH); `effects` and `list` are as before then.
[[nodiscard]] bool make_cipher_list(const Context& context,
                                    std::span<const CipherSuite* const> suites13, const char* rules,
                                    CipherStringEffects& effects, CipherStackPtr& list);

// The suites of TLS 1.3 that SSL_CTX_set_ciphersuites(3) would set for `names`. Unknown names are
// left out; false with SSL_R_NO_CIPHER_MATCH when there is nothing else.
[[nodiscard]] bool parse_ciphersuites(const char* names, Array<const CipherSuite*>& suites);

// `list` with its suites of TLS 1.3 replaced; nullptr: memory.
CipherStackPtr replace_ciphersuites(const Context& context, const STACK_OF(SSL_CIPHER) * list,
                                    std::span<const CipherSuite* const> suites13);

// Gives the context the default suites of all versions; false: memory, or no suite is usable.
[[nodiscard]] bool set_default_ciphers(Context& context);

}  // namespace handfast
