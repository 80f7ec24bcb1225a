// The public SSL_CTX.
#pragma once

#include <openssl/ct.h>
#include <openssl/engine.h>
#include <openssl/ssl.h>

#include <atomic>

#include "config/cipher_aliases.h"
#include "config/ciphers.h"
#include "config/cow.h"
#include "config/credentials.h"
#include "config/ct_settings.h"
#include "config/hooks.h"
#include "config/method.h"
#include "config/policy.h"
#include "config/srp.h"
#include "config/srtp.h"
#include "config/trust.h"
#include "crypto/algorithms.h"
#include "pki/dane.h"
#include "session/cache.h"
#include "session/ticket_keys.h"
#include "wire/allocate.h"

// Made by SSL_CTX_new_ex, counted; shared by its SSLs, which may live in several threads.
// Cow groups are copied by SSL_new (a counter each); everything else is read live.
struct ssl_ctx_st {
  std::atomic<int> references{1};
  const handfast::Method* method = nullptr;
  handfast::Algorithms algorithms;
  handfast::UniqueString property_query;

  handfast::Cow<handfast::Policy> policy;
  handfast::Cow<handfast::Credentials> credentials;
  handfast::Cow<handfast::Trust> trust;
  handfast::Cow<handfast::Hooks> hooks;
  handfast::LiveHooks live;

  handfast::X509StorePtr store;  // SSL_CTX_set_cert_store; never nullptr
  handfast::NamedAuthorities authorities;
  handfast::X509StackPtr extra_chain;          // SSL_CTX_add_extra_chain_cert
  handfast::CipherPattern missing_algorithms;  // of cipher suites, in the providers
  handfast::CipherStackPtr ciphers;            // SSL_CTX_get_ciphers: all suites by preference
  ENGINE* client_certificate_engine = nullptr;

  handfast::Unique<handfast::SessionCache> sessions;  // never nullptr
  uint32_t session_cache_mode = SSL_SESS_CACHE_SERVER;
  size_t session_cache_size = SSL_SESSION_CACHE_MAX_SIZE_DEFAULT;
  long session_timeout = handfast::kDefaultSessionTimeout;  // seconds
  handfast::TicketKeys ticket_keys;                         // SSL_CTX_set_tlsext_ticket_keys
  uint8_t cookie_key[32] = {};

  struct Statistics {
    std::atomic<int> connect, connect_renegotiate, connect_good;
    std::atomic<int> accept, accept_renegotiate, accept_good;
    std::atomic<int> miss, timeout, cache_full, hit, callback_hit;
  } statistics{};

  handfast::CtSettings transparency;
  std::unique_ptr<CTLOG_STORE, handfast::FreeWith<CTLOG_STORE_free>> ctlog_store;  // never nullptr
  handfast::DaneContext dane;                   // SSL_CTX_dane_enable
  handfast::Unique<handfast::SrpSettings> srp;  // nullptr: nothing of it was set
  handfast::SrtpStackPtr srtp_profiles;         // SSL_CTX_set_tlsext_use_srtp; nullptr: none

  CRYPTO_EX_DATA ex_data{};
};

namespace handfast {

using Context = ssl_ctx_st;

// nullptr with the reason in the queue. SSL_CTX_new_ex(3).
Context* new_context(OSSL_LIB_CTX* library, const char* property_query, const Method* method);
void up_ref(Context* context);
// Drops one reference; nullptr is allowed.
void free_context(Context* context);

struct FreeContext {
  void operator()(Context* context) const { free_context(context); }
};
using ContextRef = std::unique_ptr<Context, FreeContext>;

}  // namespace handfast
