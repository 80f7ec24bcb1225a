// A provider that stands in for the default one in a library context: it passes everything on to a
// default provider of its own, counts what is used, and can refuse it. What bypasses the library
// context of an SSL_CTX is not counted, and does not fail.
#pragma once

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/provider.h>

#include <array>
#include <cstring>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace twin::shadow {

using Function = void (*)();

/// An algorithm whose use is watched, by the function that every use begins with.
struct Watched {
  const char* title;
  int operation;
  const char* name;  ///< the first of the algorithm's names
  int function;
  int uses = 0;
  bool refused = false;
  Function original = nullptr;
};

enum : size_t { kSha256, kSha384, kAes256Gcm, kAes128Cbc, kKey, kExchange, kSignature, kWatched };

inline std::array<Watched, kWatched>& watched() {
  static std::array<Watched, kWatched> list = {
      {{"SHA2-256", OSSL_OP_DIGEST, "SHA2-256", OSSL_FUNC_DIGEST_NEWCTX},
       {"SHA2-384", OSSL_OP_DIGEST, "SHA2-384", OSSL_FUNC_DIGEST_NEWCTX},
       {"AES-256-GCM", OSSL_OP_CIPHER, "AES-256-GCM", OSSL_FUNC_CIPHER_NEWCTX},
       {"AES-128-CBC", OSSL_OP_CIPHER, "AES-128-CBC", OSSL_FUNC_CIPHER_NEWCTX},
       {"X25519 key", OSSL_OP_KEYMGMT, "X25519", OSSL_FUNC_KEYMGMT_GEN_INIT},
       {"X25519 exchange", OSSL_OP_KEYEXCH, "X25519", OSSL_FUNC_KEYEXCH_NEWCTX},
       {"ECDSA signature", OSSL_OP_SIGNATURE, "ECDSA", OSSL_FUNC_SIGNATURE_NEWCTX}}};
  return list;
}

inline void reset() {
  for (Watched& one : watched()) {
    one.uses = 0;
    one.refused = false;
  }
}

/// Stands for the function of one watched algorithm; the arguments are those of its kind.
template <size_t kIndex, typename... Arguments>
void* use(Arguments... arguments) {
  Watched& one = watched()[kIndex];
  one.uses++;
  if (one.refused) return nullptr;
  return reinterpret_cast<void* (*)(Arguments...)>(one.original)(arguments...);
}

template <size_t kIndex, typename... Arguments>
Function stand_in() {
  return reinterpret_cast<Function>(&use<kIndex, Arguments...>);
}

inline Function stand_in_for(size_t index) {
  switch (index) {
    case kSha256:
      return stand_in<kSha256, void*>();
    case kSha384:
      return stand_in<kSha384, void*>();
    case kAes256Gcm:
      return stand_in<kAes256Gcm, void*>();
    case kAes128Cbc:
      return stand_in<kAes128Cbc, void*>();
    case kKey:
      return stand_in<kKey, void*, int, const OSSL_PARAM*>();
    case kExchange:
      return stand_in<kExchange, void*>();
    default:
      return stand_in<kSignature, void*, const char*>();
  }
}

inline OSSL_LIB_CTX* inner_library() {
  static OSSL_LIB_CTX* library = OSSL_LIB_CTX_new();
  return library;
}

inline OSSL_PROVIDER* inner() {
  static OSSL_PROVIDER* provider = OSSL_PROVIDER_load(inner_library(), "default");
  return provider;
}

/// The inner provider's algorithms with the watched ones replaced.
struct Operation {
  std::vector<OSSL_ALGORITHM> algorithms;
  std::vector<std::vector<OSSL_DISPATCH>> tables;
  std::list<std::string> properties;
};

/// Decoders and the like have properties besides the provider's name.
inline std::string own_properties(const char* definition) {
  constexpr std::string_view kTheirs = "provider=default";
  std::string own = definition;
  if (size_t at = own.find(kTheirs); at != std::string::npos) {
    own.replace(at, kTheirs.size(), "provider=shadow");
  }
  return own;
}

inline bool is_named(const OSSL_ALGORITHM& algorithm, const char* name) {
  size_t length = std::strlen(name);
  return std::strncmp(algorithm.algorithm_names, name, length) == 0 &&
         (algorithm.algorithm_names[length] == ':' || algorithm.algorithm_names[length] == '\0');
}

inline std::vector<OSSL_DISPATCH> replaced(const OSSL_DISPATCH* table, size_t index) {
  Watched& one = watched()[index];
  std::vector<OSSL_DISPATCH> copy;
  for (; table->function_id != 0; table++) {
    copy.push_back(*table);
    if (table->function_id != one.function) continue;
    one.original = table->function;
    copy.back().function = stand_in_for(index);
  }
  copy.push_back({0, nullptr});
  return copy;
}

inline Operation make_operation(int operation) {
  int no_cache = 0;
  Operation made;
  const OSSL_ALGORITHM* algorithms = OSSL_PROVIDER_query_operation(inner(), operation, &no_cache);
  for (; algorithms != nullptr && algorithms->algorithm_names != nullptr; algorithms++) {
    made.algorithms.push_back(*algorithms);
    made.properties.push_back(own_properties(algorithms->property_definition));
    made.algorithms.back().property_definition = made.properties.back().c_str();
    for (size_t i = 0; i < kWatched; i++) {
      if (watched()[i].operation != operation || !is_named(*algorithms, watched()[i].name)) {
        continue;
      }
      made.tables.push_back(replaced(algorithms->implementation, i));
      made.algorithms.back().implementation = made.tables.back().data();
    }
  }
  made.algorithms.push_back({nullptr, nullptr, nullptr, nullptr});
  return made;
}

inline const OSSL_ALGORITHM* query(void*, int operation, int* no_cache) {
  static std::map<int, Operation> operations;
  *no_cache = 0;
  auto found = operations.find(operation);
  if (found == operations.end()) {
    found = operations.emplace(operation, make_operation(operation)).first;
  }
  return found->second.algorithms.data();
}

inline int capabilities(void*, const char* capability, OSSL_CALLBACK* callback, void* argument) {
  return OSSL_PROVIDER_get_capabilities(inner(), capability, callback, argument);
}

inline int start(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*, const OSSL_DISPATCH** out,
                 void** context) {
  static const OSSL_DISPATCH table[] = {
      {OSSL_FUNC_PROVIDER_QUERY_OPERATION, reinterpret_cast<Function>(&query)},
      {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, reinterpret_cast<Function>(&capabilities)},
      {0, nullptr}};
  *out = table;
  *context = OSSL_PROVIDER_get0_provider_ctx(inner());
  return *context != nullptr;
}

}  // namespace twin::shadow
