// Peers that know each other by Secure Remote Password, for the twin programs.
#pragma once

#include <openssl/srp.h>

#include "older.h"

namespace twin {

/// Salts, so that a user's verifier is the same in every run.
constexpr char kSalt[] = "0123456789abcdef";

struct BignumFree {
  void operator()(BIGNUM* number) const { BN_clear_free(number); }
};
using Number = std::unique_ptr<BIGNUM, BignumFree>;

inline Number number_of(std::string_view bytes) {
  return Number(BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                          static_cast<int>(bytes.size()), nullptr));
}

inline Number small(BN_ULONG value) {
  Number number(BN_new());
  BN_set_word(number.get(), value);
  return number;
}

/// Salt and verifier of a user in one of RFC 5054's groups.
struct Verifier {
  SRP_gN* group;
  Number salt = number_of(kSalt), verifier;

  Verifier(const char* user, const char* password, const char* name = "1024")
      : group(SRP_get_default_gN(name)) {
    BIGNUM *s = salt.get(), *v = nullptr;
    require(SRP_create_verifier_BN(user, password, &s, &v, group->N, group->g) == 1, "verifier");
    verifier.reset(v);
  }
  int give(SSL* ssl) const {
    return SSL_set_srp_server_param(ssl, group->N, group->g, salt.get(), verifier.get(), nullptr);
  }
};

/// What a server of "user" with "secret" says to its callback, and what it writes down.
struct SrpServer {
  const char* group = "1024";
  int retries = 0;              ///< times that it must look the user up first
  int answer = SSL_ERROR_NONE;  ///< for a user that it knows
  int alert = -1;               ///< instead of the library's
  bool gives_parameters = true;
  std::function<void(SSL*)> gives{};  ///< instead of those of the group
  Lines said{};

  int ask(SSL* ssl, int* ad) {
    const char* name = SSL_get_srp_username(ssl);
    said.push_back(text("user name callback: %s, alert %d", name ? name : "none", *ad));
    if (alert >= 0) *ad = alert;
    if (retries-- > 0) return -1;
    if (!name || std::strcmp(name, "user") != 0) return SSL3_AL_FATAL;
    if (gives) {
      gives(ssl);
    } else if (gives_parameters) {
      said.push_back(text("given: %d", Verifier("user", "secret", group).give(ssl)));
    }
    return answer;
  }
};

inline void serve_srp(SSL_CTX* context, SrpServer& server) {
  SSL_CTX_set_srp_cb_arg(context, &server);
  SSL_CTX_set_srp_username_callback(context, [](SSL* ssl, int* ad, void* argument) {
    return static_cast<SrpServer*>(argument)->ask(ssl, ad);
  });
}

inline void log_in(SSL_CTX* context, const char* user = "user", const char* password = "secret") {
  require(SSL_CTX_set_srp_username(context, const_cast<char*>(user)) == 1, "user name");
  require(SSL_CTX_set_srp_password(context, const_cast<char*>(password)) == 1, "password");
}

struct Srp {
  SrpServer& server;
  int version = TLS1_2_VERSION;
  const char* suite = "SRP-AES-128-CBC-SHA";
  std::string certificate{};
  std::function<void(SSL_CTX*)> client{}, more{};  ///< `client` instead of logging in
};

inline Peers srp_peers(const Srp& how) {
  std::string suites = text("%s:@SECLEVEL=0", how.suite);
  return make_peers(at_version(how.version, {.certificate = how.certificate,
                                             .client_context =
                                                 [=](SSL_CTX* c) {
                                                   SSL_CTX_set_cipher_list(c, suites.c_str());
                                                   how.client ? how.client(c) : log_in(c);
                                                 },
                                             .server_context =
                                                 [&](SSL_CTX* c) {
                                                   SSL_CTX_set_cipher_list(c, suites.c_str());
                                                   serve_srp(c, how.server);
                                                   if (how.more) how.more(c);
                                                 }}));
}

/// What the connection knows of SRP, and its session.
inline std::string srp_line(SSL* ssl) {
  auto shown = [](const char* string) { return string ? string : "none"; };
  auto bits = [](const BIGNUM* value) { return value ? BN_num_bits(value) : -1; };
  return text("user %s, info %s, N %d bits, g %d bits", shown(SSL_get_srp_username(ssl)),
              shown(SSL_get_srp_userinfo(ssl)), bits(SSL_get_srp_N(ssl)), bits(SSL_get_srp_g(ssl)));
}

inline std::string session_user(const SSL* ssl) {
  Owned<BIO> memory(BIO_new(BIO_s_mem()));
  SSL_SESSION* session = SSL_get_session(ssl);
  if (!session) return "no session";
  SSL_SESSION_print(memory.get(), session);
  char* data = nullptr;
  std::string printed(data, 0);
  long size = BIO_get_mem_data(memory.get(), &data);
  printed.assign(data, static_cast<size_t>(size));
  size_t begin = printed.find("SRP username: ");
  return begin == std::string::npos ? "not printed"
                                    : printed.substr(begin, printed.find('\n', begin) - begin);
}

}  // namespace twin
