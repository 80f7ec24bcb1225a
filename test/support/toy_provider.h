// A provider that brings groups of its own for TLS 1.3: a toy of a key exchange, and a toy of a key
// encapsulation. Both are XOR, so that a wrong key on either side shows, and nothing else.
#pragma once

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace twin::toy {

constexpr size_t kLength = 32;
constexpr uint8_t kMask = 0x5a;

/// What the provider says about one group; a field that is left out is not sent.
struct Group {
  const char* name;
  unsigned id;
  bool kem = false;
  unsigned bits = 128;
  int min_tls = TLS1_3_VERSION, max_tls = 0;
  const char* algorithm = "TOY";
  const char* left_out = "";
  int min_dtls = -1, max_dtls = -1;
};

/// What happens to the provider; reset by each case.
struct State {
  std::vector<Group> groups;
  int answer = 1;  ///< of get_capabilities, behind the groups
  bool fail_generate = false, fail_derive = false;
  bool fail_encapsulate = false, fail_decapsulate = false;
  bool refuse_public = false;  ///< the peer's key is no good
  int generated = 0, derived = 0, encapsulated = 0, decapsulated = 0;
};

inline State& state() {
  static State value;
  return value;
}

struct Key {
  uint8_t secret[kLength], open[kLength];
  bool has_secret = false, has_open = false;
};

inline void mix(uint8_t* out, const uint8_t* one, const uint8_t* other) {
  for (size_t i = 0; i < kLength; i++) out[i] = static_cast<uint8_t>(one[i] ^ other[i]);
}

inline void publish(Key& key) {
  for (size_t i = 0; i < kLength; i++) key.open[i] = static_cast<uint8_t>(key.secret[i] ^ kMask);
  key.has_secret = key.has_open = true;
}

// --- keys ---

inline void* new_key(void*) {
  return new Key();
}
inline void free_key(void* key) {
  delete static_cast<Key*>(key);
}
inline int has(const void* data, int selection) {
  const Key* key = static_cast<const Key*>(data);
  return key != nullptr && ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0 || key->has_open) &&
         ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || key->has_secret);
}
inline void* duplicate(const void* data, int selection) {
  const Key* from = static_cast<const Key*>(data);
  Key* copy = new Key();
  if ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0) {
    std::copy_n(from->open, kLength, copy->open);
    copy->has_open = from->has_open;
  }
  if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0) {
    std::copy_n(from->secret, kLength, copy->secret);
    copy->has_secret = from->has_secret;
  }
  return copy;
}
inline int get_params(void* data, OSSL_PARAM* params) {
  Key* key = static_cast<Key*>(data);
  OSSL_PARAM* p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_BITS);
  if (p && !OSSL_PARAM_set_int(p, 8 * kLength)) return 0;
  p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_SECURITY_BITS);
  if (p && !OSSL_PARAM_set_int(p, 128)) return 0;
  p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_MAX_SIZE);
  if (p && !OSSL_PARAM_set_int(p, kLength)) return 0;
  p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY);
  return !p || (key->has_open && OSSL_PARAM_set_octet_string(p, key->open, kLength));
}
inline const OSSL_PARAM* gettable(void*) {
  static const OSSL_PARAM list[] = {
      OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, nullptr),
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, nullptr, 0), OSSL_PARAM_END};
  return list;
}
inline int set_params(void* data, const OSSL_PARAM* params) {
  Key* key = static_cast<Key*>(data);
  const OSSL_PARAM* p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY);
  if (!p) return 1;
  if (state().refuse_public || p->data_size != kLength) return 0;
  std::memcpy(key->open, p->data, kLength);
  key->has_open = true;
  return 1;
}
inline const OSSL_PARAM* settable(void*) {
  static const OSSL_PARAM list[] = {
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, nullptr, 0), OSSL_PARAM_END};
  return list;
}

struct Generation {
  int selection;
};
inline void* start_generation(void*, int selection, const OSSL_PARAM*) {
  return new Generation{selection};
}
inline int set_generation(void*, const OSSL_PARAM* params) {
  const OSSL_PARAM* p = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_GROUP_NAME);
  if (!p) return 1;
  const char* name = static_cast<const char*>(p->data);
  return std::strncmp(name, "toy-", 4) == 0;
}
inline const OSSL_PARAM* settable_generation(void*, void*) {
  static const OSSL_PARAM list[] = {OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
                                    OSSL_PARAM_END};
  return list;
}
inline void* generate(void* data, OSSL_CALLBACK*, void*) {
  Key* key = new Key();
  if ((static_cast<Generation*>(data)->selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0) return key;
  state().generated++;
  if (state().fail_generate || RAND_bytes(key->secret, kLength) != 1) {
    delete key;
    return nullptr;
  }
  publish(*key);
  return key;
}
inline void end_generation(void* data) {
  delete static_cast<Generation*>(data);
}

// --- agreement, and encapsulation ---

struct Exchange {
  Key* own = nullptr;
  Key* peer = nullptr;
};
inline void* new_exchange(void*) {
  return new Exchange();
}
inline void free_exchange(void* exchange) {
  delete static_cast<Exchange*>(exchange);
}
inline int start_exchange(void* exchange, void* key, const OSSL_PARAM*) {
  static_cast<Exchange*>(exchange)->own = static_cast<Key*>(key);
  return 1;
}
inline int set_peer(void* exchange, void* key) {
  static_cast<Exchange*>(exchange)->peer = static_cast<Key*>(key);
  return 1;
}
inline int derive(void* data, unsigned char* secret, size_t* length, size_t) {
  Exchange* exchange = static_cast<Exchange*>(data);
  *length = kLength;
  if (!secret) return 1;
  state().derived++;
  if (state().fail_derive) return 0;
  mix(secret, exchange->own->secret, exchange->peer->open);
  return 1;
}
inline int encapsulate(void* data, unsigned char* out, size_t* out_length, unsigned char* secret,
                       size_t* length) {
  *out_length = *length = kLength;
  if (!out) return 1;
  state().encapsulated++;
  Key fresh;
  if (state().fail_encapsulate || RAND_bytes(fresh.secret, kLength) != 1) return 0;
  publish(fresh);
  std::copy_n(fresh.open, kLength, out);
  mix(secret, fresh.secret, static_cast<Exchange*>(data)->own->open);
  return 1;
}
inline int decapsulate(void* data, unsigned char* secret, size_t* length, const unsigned char* in,
                       size_t in_length) {
  *length = kLength;
  if (!secret) return 1;
  state().decapsulated++;
  if (state().fail_decapsulate || in_length != kLength) return 0;
  mix(secret, static_cast<Exchange*>(data)->own->secret, in);
  return 1;
}

// --- the provider ---

template <typename Function>
OSSL_DISPATCH entry(int id, Function* function) {
  return {id, reinterpret_cast<void (*)()>(function)};
}

inline const OSSL_ALGORITHM* query(void*, int operation, int* no_cache) {
  static const OSSL_DISPATCH keys[] = {
      entry(OSSL_FUNC_KEYMGMT_NEW, new_key),
      entry(OSSL_FUNC_KEYMGMT_FREE, free_key),
      entry(OSSL_FUNC_KEYMGMT_HAS, has),
      entry(OSSL_FUNC_KEYMGMT_DUP, duplicate),
      entry(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_params),
      entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, gettable),
      entry(OSSL_FUNC_KEYMGMT_SET_PARAMS, set_params),
      entry(OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS, settable),
      entry(OSSL_FUNC_KEYMGMT_GEN_INIT, start_generation),
      entry(OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, set_generation),
      entry(OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, settable_generation),
      entry(OSSL_FUNC_KEYMGMT_GEN, generate),
      entry(OSSL_FUNC_KEYMGMT_GEN_CLEANUP, end_generation),
      {0, nullptr}};
  static const OSSL_DISPATCH exchange[] = {entry(OSSL_FUNC_KEYEXCH_NEWCTX, new_exchange),
                                           entry(OSSL_FUNC_KEYEXCH_FREECTX, free_exchange),
                                           entry(OSSL_FUNC_KEYEXCH_INIT, start_exchange),
                                           entry(OSSL_FUNC_KEYEXCH_SET_PEER, set_peer),
                                           entry(OSSL_FUNC_KEYEXCH_DERIVE, derive),
                                           {0, nullptr}};
  static const OSSL_DISPATCH kem[] = {entry(OSSL_FUNC_KEM_NEWCTX, new_exchange),
                                      entry(OSSL_FUNC_KEM_FREECTX, free_exchange),
                                      entry(OSSL_FUNC_KEM_ENCAPSULATE_INIT, start_exchange),
                                      entry(OSSL_FUNC_KEM_ENCAPSULATE, encapsulate),
                                      entry(OSSL_FUNC_KEM_DECAPSULATE_INIT, start_exchange),
                                      entry(OSSL_FUNC_KEM_DECAPSULATE, decapsulate),
                                      {0, nullptr}};
  static const OSSL_ALGORITHM key_list[] = {{"TOY", "provider=toy", keys, nullptr},
                                            {nullptr, nullptr, nullptr, nullptr}};
  static const OSSL_ALGORITHM exchange_list[] = {{"TOY", "provider=toy", exchange, nullptr},
                                                 {nullptr, nullptr, nullptr, nullptr}};
  static const OSSL_ALGORITHM kem_list[] = {{"TOY", "provider=toy", kem, nullptr},
                                            {nullptr, nullptr, nullptr, nullptr}};
  *no_cache = 0;
  if (operation == OSSL_OP_KEYMGMT) return key_list;
  if (operation == OSSL_OP_KEYEXCH) return exchange_list;
  return operation == OSSL_OP_KEM ? kem_list : nullptr;
}

inline int tell(const Group& group, OSSL_CALLBACK* callback, void* argument) {
  unsigned id = group.id, bits = group.bits, kem = group.kem ? 1 : 0;
  int min_tls = group.min_tls, max_tls = group.max_tls;
  int min_dtls = group.min_dtls, max_dtls = group.max_dtls;
  char* name = const_cast<char*>(group.name);
  const OSSL_PARAM all[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_CAPABILITY_TLS_GROUP_NAME, name, 0),
      OSSL_PARAM_construct_utf8_string(OSSL_CAPABILITY_TLS_GROUP_NAME_INTERNAL, name, 0),
      OSSL_PARAM_construct_utf8_string(OSSL_CAPABILITY_TLS_GROUP_ALG,
                                       const_cast<char*>(group.algorithm), 0),
      OSSL_PARAM_construct_uint(OSSL_CAPABILITY_TLS_GROUP_ID, &id),
      OSSL_PARAM_construct_uint(OSSL_CAPABILITY_TLS_GROUP_SECURITY_BITS, &bits),
      OSSL_PARAM_construct_int(OSSL_CAPABILITY_TLS_GROUP_MIN_TLS, &min_tls),
      OSSL_PARAM_construct_int(OSSL_CAPABILITY_TLS_GROUP_MAX_TLS, &max_tls),
      OSSL_PARAM_construct_int(OSSL_CAPABILITY_TLS_GROUP_MIN_DTLS, &min_dtls),
      OSSL_PARAM_construct_int(OSSL_CAPABILITY_TLS_GROUP_MAX_DTLS, &max_dtls),
      OSSL_PARAM_construct_uint(OSSL_CAPABILITY_TLS_GROUP_IS_KEM, &kem)};
  OSSL_PARAM params[std::size(all) + 1];
  size_t count = 0;
  for (const OSSL_PARAM& param : all) {
    if (std::strcmp(param.key, group.left_out) != 0) params[count++] = param;
  }
  params[count] = OSSL_PARAM_construct_end();
  return callback(params, argument);
}

inline int capabilities(void*, const char* capability, OSSL_CALLBACK* callback, void* argument) {
  if (std::strcmp(capability, "TLS-GROUP") != 0) return 0;
  for (const Group& group : state().groups) {
    if (!tell(group, callback, argument)) return 0;
  }
  return state().answer;
}

inline int start(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH*, const OSSL_DISPATCH** out,
                 void** context) {
  static const OSSL_DISPATCH table[] = {entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
                                        entry(OSSL_FUNC_PROVIDER_GET_CAPABILITIES, capabilities),
                                        {0, nullptr}};
  *out = table;
  *context = const_cast<OSSL_CORE_HANDLE*>(handle);
  return 1;
}

/// The provider in a library context of its own, beside the default one.
class Library {
 public:
  explicit Library(std::vector<Group> groups, bool with_default = true) {
    state() = {};
    state().groups = std::move(groups);
    OSSL_PROVIDER_add_builtin(context_, "toy", start);
    if (with_default) default_ = OSSL_PROVIDER_load(context_, "default");
    toy_ = OSSL_PROVIDER_load(context_, "toy");
  }
  ~Library() {
    OSSL_PROVIDER_unload(toy_);
    OSSL_PROVIDER_unload(default_);
    OSSL_LIB_CTX_free(context_);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  OSSL_LIB_CTX* get() { return context_; }

 private:
  OSSL_LIB_CTX* context_ = OSSL_LIB_CTX_new();
  OSSL_PROVIDER* default_ = nullptr;
  OSSL_PROVIDER* toy_ = nullptr;
};

}  // namespace twin::toy
