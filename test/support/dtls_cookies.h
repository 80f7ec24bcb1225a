// Cookies of HelloVerifyRequest for the twin programs.
#pragma once

#include "loggers.h"

namespace twin {

/// What the callbacks of a context do. The verdict on a cookie is that it equals `cookie`.
struct Cookies {
  std::string cookie = "a cookie";
  int generate = 1;  ///< what the callbacks return
  int verify = 1;    ///< when the cookie is right
  bool verify_any = false;
  int generated = 0, verified = 0;
};

inline Cookies& cookies() {
  static Cookies value;
  return value;
}

inline int generate_cookie(SSL*, unsigned char* cookie, unsigned int* size) {
  Cookies& all = cookies();
  all.generated++;
  std::memcpy(cookie, all.cookie.data(), std::min<size_t>(all.cookie.size(), 255));
  *size = static_cast<unsigned int>(all.cookie.size());
  return all.generate;
}

inline int verify_cookie(SSL*, const unsigned char* cookie, unsigned int size) {
  Cookies& all = cookies();
  all.verified++;
  bool right = std::string(reinterpret_cast<const char*>(cookie), size) == all.cookie;
  return right || all.verify_any ? all.verify : 0;
}

/// Turns the exchange on, with these callbacks and as if they were new.
inline void exchange_cookies(SSL_CTX* context) {
  cookies() = {};
  SSL_CTX_set_options(context, SSL_OP_COOKIE_EXCHANGE);
  SSL_CTX_set_cookie_generate_cb(context, generate_cookie);
  SSL_CTX_set_cookie_verify_cb(context, verify_cookie);
}

}  // namespace twin
